package doctor_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/doctor"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var now = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

const (
	id  = "i-1234567890abcdef0"
	arn = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
)

func is[T any](v T) doctor.Fact[T] { return doctor.Fact[T]{Value: v} }

// well is a stack in which everything is in order.
func well() doctor.Facts {
	on := func(expression, zone string) doctor.Fact[doctor.Schedule] {
		return is(doctor.Schedule{There: true, On: true, Expression: expression, TimeZone: zone})
	}
	text := "policy: web\nschedule: {daily: \"03:15\", timeZone: Europe/Berlin}\nrules:\n  - rule: k\n    os: {kernel: \">= 5\"}\n"
	return doctor.Facts{
		Version: "1.0.0", Commit: "0123456789ab",
		Stack: is(doctor.Stack{
			Name: "keyward", Status: "UPDATE_COMPLETE", Protected: true,
			Parameters: map[string]string{
				"SenderAddress": "keyward@example.com", "ScheduleExpression": "cron(30 4 * * ? *)", "ScheduleTimeZone": "Europe/Berlin",
				"SweepRate": "rate(5 minutes)", "Drill": "on", "DrillSchedule": "cron(0 11 * * ? *)",
			},
		}),
		Status:  is(record.Status{Time: now, Version: "1.0.0", Commit: "0123456789ab", SweptAt: now.Add(-time.Minute), KeyCalls: 5, GrantCalls: 50}),
		Mail:    is(doctor.Mail{Sends: true, Enforcement: "HEALTHY", Day: 50_000, Rate: 14, Sent: 10}),
		Sender:  is(true),
		Quotas:  is(map[string]float64{"DisableKey request rate": 5, "EnableKey request rate": 5, "CreateGrant request rate": 50, "RevokeGrant request rate": 50}),
		Letters: is(0), Alarms: is([]doctor.Subscription{{Endpoint: "ops@example.com", Confirmed: true}}),
		Machines: is([]record.Machine{{ID: id, Key: record.Key{ARN: arn, Mode: policy.RevokeGrant}}}),
		Online:   is(map[string]bool{id: true}),
		Keys:     []doctor.Key{{ARN: arn, Machines: 1, Read: is(doctor.KeySeen{Guarded: true, Enabled: true, State: "Enabled"})}},
		Schedules: map[string]doctor.Fact[doctor.Schedule]{
			"InspectFunctionDaily": on("cron(30 4 * * ? *)", "Europe/Berlin"), "SweepFunctionOften": on("rate(5 minutes)", "UTC"), "DrillFunctionDaily": on("cron(0 11 * * ? *)", "UTC"),
		},
		Policies:  is([]record.Policy{{Name: "web", Version: 1, Text: text}}),
		Own:       map[string]doctor.Fact[doctor.Schedule]{"web": on("cron(15 3 * * ? *)", "Europe/Berlin")},
		Documents: map[string]doctor.Fact[bool]{"InspectDocument": is(true), "LockDocument": is(true)},
		Drills:    is([]record.Drill{{ID: "running", Phase: record.DrillRevoke}, {ID: "last", EndedAt: now.Add(-17 * time.Hour), Phase: record.DrillEnded, Outcome: record.DrillGood}}),
		Holds:     is([]record.Hold(nil)),
	}
}

func line(t *testing.T, f doctor.Facts, check string) doctor.Line {
	t.Helper()
	for _, l := range doctor.Judge(f) {
		if l.Check == check {
			return l
		}
	}
	t.Fatalf("there is no check %s", check)
	return doctor.Line{}
}

func TestWell(t *testing.T) {
	t.Parallel()
	lines := doctor.Judge(well())
	for _, l := range lines {
		if l.State != doctor.OK || l.Do != "" || l.Text == "" {
			t.Errorf("%s: %s %s (%s), want ok", l.Check, l.State.Shown(), l.Text, l.Do)
		}
	}
	if got := doctor.Worst(lines); got != doctor.OK {
		t.Errorf("Worst = %s", got.Shown())
	}
}

func TestIll(t *testing.T) {
	t.Parallel()
	many := func(n int, m record.Machine) []record.Machine {
		var all []record.Machine
		for range n {
			all = append(all, m)
		}
		return all
	}
	for _, tt := range []struct {
		check string
		edit  func(*doctor.Facts)
		want  doctor.State
		says  string
	}{
		{"stack", func(f *doctor.Facts) { f.Stack.Value.Status = "DELETE_FAILED" }, doctor.Problem, "DELETE_FAILED"},
		{"stack", func(f *doctor.Facts) { f.Stack.Value.Status = "UPDATE_IN_PROGRESS" }, doctor.Warning, "IN_PROGRESS"},
		{"stack", func(f *doctor.Facts) { f.Stack.Value.Status = "UPDATE_ROLLBACK_COMPLETE" }, doctor.Warning, "did not go through"},
		{"stack", func(f *doctor.Facts) { f.Stack.Value.Protected = false }, doctor.Warning, "not protected"},
		{"versions", func(f *doctor.Facts) { f.Version = "1.1.0" }, doctor.Warning, "this command line 1.1.0"},
		{"versions", func(f *doctor.Facts) { f.Commit = "other" }, doctor.Warning, "built from 0123456789ab and other"},
		{"documents", func(f *doctor.Facts) { f.Documents["LockDocument"] = is(false) }, doctor.Problem, "LockDocument: not the text"},
		{"mail account", func(f *doctor.Facts) { f.Mail.Value.Sandbox = true }, doctor.Problem, "sandbox"},
		{"mail account", func(f *doctor.Facts) { f.Mail.Value.Sandbox, f.Mail.Value.Review = true, "PENDING" }, doctor.Problem, "AWS looks at"},
		{"mail account", func(f *doctor.Facts) { f.Mail.Value.Sandbox, f.Mail.Value.Review = true, "DENIED" }, doctor.Problem, "AWS said DENIED"},
		{"mail account", func(f *doctor.Facts) { f.Mail.Value.Sends = false }, doctor.Problem, "sends nothing"},
		{"mail account", func(f *doctor.Facts) { f.Mail.Value.Enforcement = "PROBATION" }, doctor.Warning, "PROBATION"},
		{"mail quota", func(f *doctor.Facts) { f.Mail.Value.Sent = 50_000 }, doctor.Problem, "all 50000"},
		{"mail quota", func(f *doctor.Facts) { f.Machines = is(many(100, record.Machine{})); f.Mail.Value.Day = 200 }, doctor.Warning, "200 mails a day for 100 machines"},
		{"mail quota", func(f *doctor.Facts) { f.Mail.Value.Day = -1 }, doctor.OK, "no limit"},
		{"sender", func(f *doctor.Facts) { f.Sender.Value = false }, doctor.Problem, "keyward@example.com is not verified"},
		{"alarms", func(f *doctor.Facts) { f.Alarms.Value[0].Confirmed = false }, doctor.Problem, "not confirmed, so that no alarm arrives: ops@example.com"},
		{"alarms", func(f *doctor.Facts) { f.Alarms.Value = nil }, doctor.Problem, "nobody"},
		{"schedules", func(f *doctor.Facts) { f.Schedules["SweepFunctionOften"] = is(doctor.Schedule{}) }, doctor.Problem, "SweepFunctionOften is not there"},
		{"schedules", func(f *doctor.Facts) { f.Schedules["InspectFunctionDaily"] = is(doctor.Schedule{There: true}) }, doctor.Problem, "switched off"},
		{"schedules", func(f *doctor.Facts) { f.Stack.Value.Parameters["ScheduleTimeZone"] = "UTC" }, doctor.Problem, "not as the stack's parameters say"},
		{"schedules", func(f *doctor.Facts) {
			f.Stack.Value.Parameters["Drill"] = "off"
			f.Schedules["DrillFunctionDaily"] = is(doctor.Schedule{There: true})
		}, doctor.OK, ""},
		{"time zone", func(f *doctor.Facts) { f.Stack.Value.Parameters["ScheduleTimeZone"] = "Europe/Berlim" }, doctor.Problem, "no time zone"},
		{"policies' schedules", func(f *doctor.Facts) { f.Own["web"] = is(doctor.Schedule{}) }, doctor.Problem, "web has none"},
		{"policies' schedules", func(f *doctor.Facts) { f.Own["web"] = is(doctor.Schedule{There: true}) }, doctor.Problem, "switched off"},
		{"policies' schedules", func(f *doctor.Facts) {
			f.Own["web"] = is(doctor.Schedule{There: true, On: true, Expression: "rate(1 day)"})
		}, doctor.Problem, "is rate(1 day)"},
		{"policies' schedules", func(f *doctor.Facts) { f.Policies.Value[0].Text = "nonsense" }, doctor.Problem, "web cannot be read"},
		{"policies' schedules", func(f *doctor.Facts) {
			f.Policies.Value[0].Text = "policy: web\nrules:\n  - rule: k\n    os: {kernel: \">= 5\"}\n"
		}, doctor.OK, "0 of 1"},
		{"sweep", func(f *doctor.Facts) { f.Status.Value.SweptAt = time.Time{} }, doctor.Problem, "no sweep"},
		{"sweep", func(f *doctor.Facts) { f.Status.Value.SweptAt = now.Add(-time.Hour) }, doctor.Problem, "1h0m0s ago"},
		{"sweep", func(f *doctor.Facts) { f.Status.Value.Paused = map[string]record.Pause{"": {}} }, doctor.Warning, "silent"},
		{"dead letters", func(f *doctor.Facts) { f.Letters.Value = 3 }, doctor.Warning, "3 events"},
		{"agents", func(f *doctor.Facts) { f.Machines.Value = nil }, doctor.Warning, "no machine is enrolled"},
		{"agents", func(f *doctor.Facts) { f.Online.Value[id] = false }, doctor.Problem, "no agent answers: " + id},
		{"agents", func(f *doctor.Facts) { f.Machines.Value = append(f.Machines.Value, record.Machine{ID: "mi-1"}) }, doctor.Warning, "1 of 2 agents do not answer: mi-1"},
		{"agents", func(f *doctor.Facts) {
			f.Machines.Value = append(f.Machines.Value, record.Machine{ID: "mi-1", State: integrity.State{GoneAt: now}})
		}, doctor.OK, "all 1"},
		{"keys", func(f *doctor.Facts) { f.Keys[0].Read.Value.Guarded = false }, doctor.Problem, arn},
		{"keys", func(f *doctor.Facts) {
			f.Keys[0].Read.Value.Enabled, f.Keys[0].Read.Value.State = false, "PendingDeletion"
		}, doctor.Problem, "is PendingDeletion"},
		{"keys", func(f *doctor.Facts) { f.Keys[0].Read.Value.Enabled, f.Keys[0].Revoked = false, true }, doctor.OK, "guarded"},
		{"other ways to keys", func(f *doctor.Facts) { f.Keys[0].Read.Value.Ways = []string{"a", "b", "c", "d", "e", "f"} }, doctor.Warning, "and 1 more"},
		{"KMS quotas", func(f *doctor.Facts) { f.Status.Value.GrantCalls = 60 }, doctor.Problem, "GrantCallsPerSecond is 60, and KMS lets this account call 50"},
		{"KMS quotas", func(f *doctor.Facts) { delete(f.Quotas.Value, "EnableKey request rate") }, doctor.Unknown, "does not list EnableKey"},
		{"KMS quotas", func(f *doctor.Facts) { f.Machines = is(many(45_001, f.Machines.Value[0])) }, doctor.Warning, "50000 grants a key"},
		{"KMS quotas", func(f *doctor.Facts) {
			f.Machines = is(many(3000, record.Machine{Key: record.Key{Mode: policy.DisableKey}}))
		}, doctor.Warning, "revoking all 3000 keys"},
		{"fire drill", func(f *doctor.Facts) { f.Stack.Value.Parameters["Drill"] = "off" }, doctor.Warning, "switched off"},
		{"fire drill", func(f *doctor.Facts) { f.Drills.Value = f.Drills.Value[:1] }, doctor.Warning, "none has ended"},
		{"fire drill", func(f *doctor.Facts) {
			f.Drills.Value[1].Outcome, f.Drills.Value[1].Why = record.DrillFailed, "no mail"
		}, doctor.Problem, "failed: no mail"},
		{"fire drill", func(f *doctor.Facts) { f.Drills.Value[1].EndedAt = now.Add(-49 * time.Hour) }, doctor.Problem, "49h0m0s ago"},
		{"fire drill", func(f *doctor.Facts) { f.Drills.Value[1].Outcome = record.DrillPrevented }, doctor.Warning, "prevented"},
		{"holds", func(f *doctor.Facts) {
			f.Holds = is([]record.Hold{{Scope: "global", Reason: "test", By: "ada", SetAt: now}})
		}, doctor.Warning, "by ada: nothing is revoked (test)"},
		{"holds", func(f *doctor.Facts) { f.Holds = is([]record.Hold{{Scope: "machine:x"}}) }, doctor.Warning, "1 machines or policies"},
	} {
		f := well()
		tt.edit(&f)
		if got := line(t, f, tt.check); got.State != tt.want || !strings.Contains(got.Text, tt.says) || (got.State == doctor.Problem || got.State == doctor.Warning) != (got.Do != "") {
			t.Errorf("%s: %s %q (%s), want %s with %q", tt.check, got.State.Shown(), got.Text, got.Do, tt.want.Shown(), tt.says)
		}
	}
}

// No fact that could not be read makes any check ok that needs it: with none at all nothing is.
func TestNothingIsKnown(t *testing.T) {
	t.Parallel()
	var f doctor.Facts
	v := reflect.ValueOf(&f).Elem()
	for i := range v.NumField() {
		if e := v.Field(i); e.Kind() == reflect.Struct {
			e.FieldByName("Err").SetString("AccessDenied")
		}
	}
	for _, l := range doctor.Judge(f) {
		if l.State != doctor.Unknown || !strings.HasPrefix(l.Text, "not known, because ") {
			t.Errorf("%s: %s %s, want it not known", l.Check, l.State.Shown(), l.Text)
		}
	}
	unread := doctor.Fact[doctor.Schedule]{Err: "AccessDenied"}
	for check, edit := range map[string]func(*doctor.Facts){
		"schedules":           func(f *doctor.Facts) { f.Schedules["SweepFunctionOften"] = unread },
		"policies' schedules": func(f *doctor.Facts) { f.Own["web"] = unread },
		"documents":           func(f *doctor.Facts) { f.Documents["LockDocument"] = doctor.Fact[bool]{Err: "AccessDenied"} },
		"keys":                func(f *doctor.Facts) { f.Keys[0].Read.Err = "AccessDenied" },
		"other ways to keys":  func(f *doctor.Facts) { f.Keys[0].Read.Err = "AccessDenied" },
		"agents":              func(f *doctor.Facts) { f.Online.Err = "AccessDenied" },
		"mail quota":          func(f *doctor.Facts) { f.Machines.Err = "AccessDenied" },
		"KMS quotas":          func(f *doctor.Facts) { f.Machines.Err = "AccessDenied" },
		"fire drill":          func(f *doctor.Facts) { f.Status.Err = "AccessDenied" },
	} {
		f := well()
		edit(&f)
		if l := line(t, f, check); l.State != doctor.Unknown || !strings.HasSuffix(l.Text, "because AccessDenied") {
			t.Errorf("%s: %s %s, want it not known", check, l.State.Shown(), l.Text)
		}
	}
}

func TestWorst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		states []doctor.State
		want   doctor.State
	}{
		{[]doctor.State{doctor.OK, doctor.Warning}, doctor.Warning},
		{[]doctor.State{doctor.Warning, doctor.Unknown, doctor.OK}, doctor.Unknown},
		{[]doctor.State{doctor.Unknown, doctor.Problem}, doctor.Problem},
	} {
		var lines []doctor.Line
		for _, s := range tt.states {
			lines = append(lines, doctor.Line{State: s})
		}
		if got := doctor.Worst(lines); got != tt.want {
			t.Errorf("Worst(%q) = %s, want %s", tt.states, got.Shown(), tt.want.Shown())
		}
	}
	if text, err := json.Marshal(doctor.Line{}); err != nil || !strings.Contains(string(text), `"state":"not known"`) {
		t.Errorf("a line that says nothing is %s, %v", text, err)
	}
}
