package scenario_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/record"
)

// longest is more than a drill that nothing hinders takes.
const longest = 45 * time.Minute

// drills are all fire drills, newest first.
func (w *world) drills() []record.Drill {
	w.t.Helper()
	var out struct{ Drills []record.Drill }
	w.operator.must("GET", "/v1/drills", nil, &out)
	return out.Drills
}

// drillNow begins a drill and returns it as it is after a time.
func (w *world) drillNow(for_ time.Duration) record.Drill {
	w.t.Helper()
	w.operator.must("POST", "/v1/drills", nil, nil)
	w.settle()
	w.forward(for_)
	return w.drills()[0]
}

// wantDrill is a drill that ended so; the key that nobody needs serves again.
func (w *world) wantDrill(d record.Drill, outcome, why string) {
	w.t.Helper()
	if d.Runs() || d.Outcome != outcome || !strings.Contains(d.Why, why) {
		w.t.Fatalf("drill %s: phase %s, outcome %q because %q, steps %+v; want %s because of %q", d.ID, d.Phase, d.Outcome, d.Why, d.Steps, outcome, why)
	}
	if state := w.drillKey(); state != "Enabled" {
		w.t.Errorf("the drill's key is %s after it", state)
	}
}

// wantServed is a real machine that has its key, whatever was drilled beside it.
func (w *world) wantServed() {
	w.t.Helper()
	if code := w.decrypt(w.own); code != "" {
		w.t.Errorf("the real machine cannot decrypt: %s", code)
	}
}

func (w *world) drillKey() string { w.t.Helper(); state, _ := w.describeDrillKey(); return state }

func (w *world) drillKeyID() string { w.t.Helper(); _, id := w.describeDrillKey(); return id }

func (w *world) describeDrillKey() (state, id string) {
	w.t.Helper()
	out, err := w.keys.DescribeKey(context.Background(), &kms.DescribeKeyInput{KeyId: aws.String("alias/keyward-drill")})
	if err != nil {
		w.t.Fatal(err)
	}
	return string(out.KeyMetadata.KeyState), aws.ToString(out.KeyMetadata.KeyId)
}

func stepNames(d record.Drill) []string {
	var names []string
	for _, s := range d.Steps {
		names = append(names, s.Name)
	}
	return names
}

// logged are the lines of the drill's function with this message.
func (w *world) logged(message string) int {
	w.t.Helper()
	var lines []struct{ Text string }
	control(w.t, w.Server, "GET", "logs?function=DrillFunction", nil, &lines)
	n := 0
	for _, l := range lines {
		if strings.Contains(l.Text, fmt.Sprintf("%q:%q", "message", message)) || strings.Contains(l.Text, fmt.Sprintf("%q:%q", "msg", message)) {
			n++
		}
	}
	return n
}

func TestDrill(t *testing.T) {
	t.Parallel()
	soon := started().Add(3 * time.Hour)
	w := begin(t, setup{drill: true, limits: map[string]string{"DrillSchedule": fmt.Sprintf("cron(%d %d * * ? *)", soon.Minute(), soon.Hour())}})
	d := w.drillNow(longest)
	w.wantDrill(d, record.DrillGood, "")
	all := []string{drill.StepUsable, drill.StepWarned, drill.StepOrdered, drill.StepConfirmed, drill.StepRefused, drill.StepRestored, drill.StepServes}
	if diff := cmp.Diff(all, stepNames(d)); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	for _, s := range d.Steps {
		t.Logf("%-10s %6.1f s", s.Name, s.Seconds)
	}
	var subjects []string
	for _, m := range w.mails() {
		if strings.Contains(m.Subject, "DRILL") && slices.Equal(m.To, []string{"success@simulator.amazonses.com"}) {
			subjects = append(subjects, m.kind())
		} else {
			t.Errorf("a mail to %v: %s", m.To, m.Subject)
		}
	}
	if diff := cmp.Diff([]string{"warning", "revoked", "restored"}, subjects); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	var ledger struct{ Entries []record.Entry }
	w.operator.must("GET", "/v1/machines/"+drill.Machine+"/ledger", nil, &ledger)
	w.operator.must("GET", "/v1/machines/"+drill.Machine, nil, nil)
	kinds := map[record.EntryKind]int{}
	for _, e := range ledger.Entries {
		kinds[e.Kind]++
	}
	for _, kind := range []record.EntryKind{record.EntryWarned, record.EntryIntent, record.EntryOrdered, record.EntryConfirmed, record.EntryRestored} {
		if kinds[kind] != 1 {
			t.Errorf("the ledger of the drill's machine has %d entries %s, want 1", kinds[kind], kind)
		}
	}
	// It is none of the fleet, and takes no room from it.
	var machines struct{ Machines []record.Machine }
	w.operator.must("GET", "/v1/machines", nil, &machines)
	var breaker record.BreakerView
	w.operator.must("GET", "/v1/breaker", nil, &breaker)
	if len(machines.Machines) != 1 || len(breaker.Breaker.Spent) != 0 || breaker.Breaker.Guarded != 1 {
		t.Errorf("%d machines, breaker %+v; want the drill in neither", len(machines.Machines), breaker.Breaker)
	}
	if n := w.logged("drill ended"); n != 1 {
		t.Errorf("%d lines say that the drill ended, want 1: an alarm is made of them", n)
	}
	w.wantServed()
	// The schedule begins the next one.
	w.forward(4 * time.Hour)
	if next := w.drills(); len(next) != 2 || next[0].By != record.DrillBySchedule {
		t.Fatalf("drills after a day: %+v", next)
	} else {
		w.wantDrill(next[0], record.DrillGood, "")
	}
}

var noMail = faults.Fault{Kind: faults.Error, Service: "ses", Operation: "SendEmail", Code: "MessageRejected", Message: "no", Status: 400}

// KMS throttles or refuses for hours, or does not give back, or SES takes no mail: the drill fails, and leaves a
// key that serves as soon as KMS lets it.
func TestDrillWithFault(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault faults.Fault
		first bool // before the drill begins
		why   string
	}{
		"throttled":        {faults.Fault{Kind: faults.Throttle, Service: "kms", Operation: "DisableKey"}, false, "not revoked: "},
		"refuses":          {kmsFault("DisableKey", "KMSInvalidStateException", 0), false, "not revoked: "},
		"not given back":   {kmsFault("EnableKey", "KMSInvalidStateException", 0), false, "not given back: "},
		"not to be read":   {kmsFault("ListGrants", "KMSInternalException", 0), false, "not revoked: it could not be read whole who else depends on the key"},
		"no warning":       {noMail, true, "not revoked: no warning was accepted by the mail service"},
		"no mail after it": {noMail, false, "did not accept the mail that the key was revoked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{drill: true})
			if c.first {
				w.fault(c.fault)
			}
			w.operator.must("POST", "/v1/drills", nil, nil)
			w.settle()
			if !c.first {
				w.fault(c.fault)
			}
			w.forward(50 * time.Minute)
			w.clear()
			w.forward(2 * time.Hour)
			d := w.drills()[0]
			w.wantDrill(d, record.DrillFailed, c.why)
			if w.logged("drill ended") != 1 {
				t.Error("no line says that the drill ended: no alarm rings")
			}
			w.wantServed()
			w.wantDrill(w.drillNow(longest), record.DrillGood, "")
		})
	}
}

// KMS says that the key is disabled, and it serves all the same, or it is enabled again before it was read
// back: only trying it finds the one, and reading back the other. Whoever enabled it was not Keyward, and the
// drill gets it back in order.
func TestDrillWithALyingKMS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		when func(w *world) bool
		why  string
	}{
		"after it was read back": {func(w *world) bool {
			m, err := w.store.Machine(context.Background(), drill.Machine)
			return err == nil && m.Taken != nil && !m.Taken.InForceAt.IsZero()
		}, "the key is revoked and in force, and it still serves"},
		"before": {func(w *world) bool { return w.drillKey() == "Disabled" }, "not revoked: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{drill: true})
			w.operator.must("POST", "/v1/drills", nil, nil)
			w.settle()
			for !tt.when(w) {
				w.forward(time.Second * 2)
			}
			if _, err := w.keys.EnableKey(context.Background(), &kms.EnableKeyInput{KeyId: aws.String(w.drillKeyID())}); err != nil {
				t.Fatal(err)
			}
			w.forward(2 * time.Hour)
			w.wantDrill(w.drills()[0], record.DrillFailed, tt.why)
			w.wantDrill(w.drillNow(longest), record.DrillGood, "")
		})
	}
}

// What stops every revocation stops the drill's, which is no failure of it.
func TestDrillIsPrevented(t *testing.T) {
	t.Parallel()
	t.Run("hold", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{drill: true})
		w.operator.must("PUT", "/v1/holds/global", record.Reason{Reason: "bad day"}, nil)
		d := w.drillNow(longest)
		w.wantDrill(d, record.DrillPrevented, "a person stopped all revocations")
		if slices.Contains(stepNames(d), drill.StepOrdered) {
			t.Errorf("steps %v under a hold", stepNames(d))
		}
	})
	t.Run("breaker", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{drill: true, limits: map[string]string{"BreakerMachines": "0"}})
		w.wantDrill(w.drillNow(longest), record.DrillPrevented, "the limit")
		var breaker record.BreakerView
		w.operator.must("GET", "/v1/breaker", nil, &breaker)
		if !breaker.Breaker.OpenSince.IsZero() {
			t.Error("the drill opened the breaker")
		}
	})
}

// Wherever the drill's function dies, the drill goes on from what is written, once, and ends well.
func TestACrashOfTheDrill(t *testing.T) {
	t.Parallel()
	for when, points := range map[string][]point{
		"before": {
			{"Drill", "write", "before", 1}, {"Drill", "GenerateDataKeyWithoutPlaintext", "before", 1}, {"Drill", "write", "before", 2}, {"Drill", "write", "before", 3},
			{"Drill", "write", "before", 4}, {"Drill", "GenerateDataKeyWithoutPlaintext", "before", 2}, {"Drill", "write", "before", 7},
		},
		"after": {
			{"Drill", "write", "after", 1}, {"Drill", "write", "after", 2}, {"Drill", "write", "after", 3}, {"Drill", "write", "after", 4},
			{"Drill", "write", "after", 5}, {"Drill", "GenerateDataKeyWithoutPlaintext", "after", 2}, {"Drill", "write", "after", 9},
		},
	} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{drill: true, build: mortal(t, "Drill")})
			for n, p := range points {
				w.crash(p)
				d := w.drillNow(longest + 10*time.Minute)
				w.wantCrashed(p)
				w.wantDrill(d, record.DrillGood, "")
				if all := w.drills(); len(all) != n+1 {
					t.Fatalf("%s: %d drills, want %d", p, len(all), n+1)
				}
			}
			revoked := 0
			for _, m := range w.mails() {
				if strings.Contains(m.Subject, "DRILL") && m.kind() == "revoked" {
					revoked++
				}
			}
			if revoked != len(points) {
				t.Errorf("%d drills revoked the key, want %d", revoked, len(points))
			}
		})
	}
}

// A drill that is cut off in the middle leaves its key disabled, and the next gives it back first. Two that
// are asked for at once are one.
func TestDrillIsTakenUp(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{drill: true})
	w.operator.must("POST", "/v1/drills", nil, nil)
	w.operator.must("POST", "/v1/drills", nil, nil)
	w.settle()
	if all := w.drills(); len(all) != 1 {
		t.Fatalf("%d drills, want one of two that were asked for at once", len(all))
	}
	for w.drillKey() != "Disabled" {
		w.forward(time.Minute)
	}
	// The record of the one that runs is lost, as after a restore of the table: nobody goes on with it.
	d, err := w.store.Drill(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	d.Phase, d.EndedAt, d.Outcome, d.Ill = record.DrillEnded, w.Clock().Now(), record.DrillFailed, true
	if _, err := w.store.PutDrill(context.Background(), d); err != nil {
		t.Fatal(err)
	}
	w.forward(2 * time.Hour)
	if state := w.drillKey(); state != "Disabled" {
		t.Fatalf("the key is %s: something else gave it back", state)
	}
	w.wantDrill(w.drillNow(longest+15*time.Minute), record.DrillGood, "")
	if all := w.drills(); len(all) != 2 {
		t.Errorf("%d drills, want 2", len(all))
	}
}
