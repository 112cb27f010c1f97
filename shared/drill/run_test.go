package drill_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

func at(minutes float64) time.Time { return noon.Add(time.Duration(minutes * float64(time.Minute))) }

var (
	serves  = drill.Seen{Serves: true}
	refuses = drill.Seen{Refuses: true}
)

// revoking is a drill that made its machine fail a minute after it began.
func revoking() record.Drill {
	d := drill.Begin("schedule", noon, 1)
	d.Phase, d.PhaseAt, d.AskedAt, d.Ill = record.DrillRevoke, at(1), at(1), true
	return d
}

func restoring() record.Drill {
	d := revoking()
	d.Phase, d.PhaseAt, d.AskedAt, d.Ill = record.DrillRestore, at(20), at(20), false
	d.Steps = []record.DrillStep{{Name: drill.StepOrdered, At: at(10)}}
	return d
}

func refused(d record.Drill) record.Drill {
	d.Steps = append(d.Steps, record.DrillStep{Name: drill.StepRefused, At: at(16)})
	return d
}

func TestUntold(t *testing.T) {
	t.Parallel()
	d := drill.Begin("x", noon, 1)
	if notice.Revoked != "revoked" || notice.Restored != "restored" {
		t.Error("the kinds of notices are others")
	}
	accepted := func(kind string, minutes float64) record.Notice {
		return record.Notice{Kind: kind, AcceptedAt: at(minutes)}
	}
	for want, sent := range map[string][]record.Notice{
		"":         {accepted("warning", 1), accepted("revoked", 10), accepted("restored", 20)},
		"restored": {accepted("revoked", 10), accepted("restored", -600), {Kind: "restored"}},
		"revoked":  {accepted("restored", 20), {Kind: "revoked", BegunAt: at(10)}},
	} {
		if got := drill.Untold(d, sent); got != want {
			t.Errorf("Untold(%+v) = %q, want %q", sent, got, want)
		}
	}
}

func machine(edits ...func(*record.Machine)) record.Machine {
	m := record.Machine{ID: drill.Machine, State: integrity.State{Generation: 2, Key: integrity.KeyReleased}}
	for _, e := range edits {
		e(&m)
	}
	return m
}

func warned(m *record.Machine) {
	m.State.Standing, m.State.Since, m.State.LastEvidence, m.State.LastVerdict = integrity.Bad, at(1), at(1), "Fail"
	m.State.WarnedAt, m.State.DueAt = at(1.5), at(6.5)
}

func ordered(m *record.Machine) {
	warned(m)
	m.State.Key, m.Taken = integrity.KeyRevoking, &record.Taken{OrderedAt: at(10)}
}

func revoked(m *record.Machine) {
	ordered(m)
	m.State.Key = integrity.KeyRevoked
	m.Taken.ConfirmedAt, m.Taken.InForceAt = at(10.2), at(15.2)
}

func restored(m *record.Machine) {
	m.State.Standing, m.State.LastEvidence, m.State.LastVerdict, m.State.KeySince = integrity.Good, at(20), "Pass", at(21)
}

func cameBack(m *record.Machine) {
	m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{}
	m.Warning = &record.Warning{Violation: m.State.Since, Counts: []string{"drill@example.com"}, Lost: []string{"drill@example.com"}}
}

func heldFor(r guard.Reason) func(*record.Machine) {
	return func(m *record.Machine) { m.State.HeldFor = string(r) }
}

func TestNext(t *testing.T) {
	t.Parallel()
	type want struct {
		phase   record.DrillPhase
		outcome string
		why     string
		do      drill.Do
		steps   string
	}
	for name, tt := range map[string]struct {
		d    record.Drill
		m    record.Machine
		seen drill.Seen
		now  time.Time
		want want
	}{
		"the first ever":          {drill.Begin("schedule", noon, 1), record.Machine{}, serves, noon, want{record.DrillRevoke, "", "", drill.Do{Enrol: true, Ask: true}, "usable 0s"}},
		"key of an earlier one":   {drill.Begin("x", noon, 1), machine(revoked), drill.Seen{}, noon, want{record.DrillPrepare, "", "", drill.Do{GiveBack: true}, ""}},
		"about to be revoked":     {drill.Begin("x", noon, 1), machine(ordered), drill.Seen{}, noon, want{record.DrillPrepare, "", "", drill.Do{GiveBack: true}, ""}},
		"disabled by hand":        {drill.Begin("x", noon, 1), machine(), refuses, noon, want{record.DrillEnded, "failed", "disabled, and by no drill", drill.Do{}, ""}},
		"not to be tried":         {drill.Begin("x", noon, 1), machine(), drill.Seen{Unknown: "throttled"}, at(1), want{record.DrillPrepare, "", "", drill.Do{}, ""}},
		"never to be tried":       {drill.Begin("x", noon, 1), machine(), drill.Seen{Unknown: "throttled"}, at(60), want{record.DrillEnded, "failed", "after 1h0m0s", drill.Do{}, ""}},
		"never given back":        {drill.Begin("x", noon, 1), machine(revoked), drill.Seen{}, at(60), want{record.DrillEnded, "failed", "not given back", drill.Do{}, ""}},
		"answer on its way":       {revoking(), machine(), drill.Seen{}, at(2), want{record.DrillRevoke, "", "", drill.Do{}, ""}},
		"answer lost":             {revoking(), machine(), drill.Seen{}, at(6), want{record.DrillRevoke, "", "", drill.Do{Ask: true}, ""}},
		"warned":                  {revoking(), machine(warned), drill.Seen{}, at(6), want{record.DrillRevoke, "", "", drill.Do{}, "warned 30s"}},
		"ordered":                 {revoking(), machine(ordered), drill.Seen{Answer: 3 * time.Minute}, at(10.1), want{record.DrillRevoke, "", "", drill.Do{}, "warned 30s, ordered 30s"}},
		"confirmed":               {revoking(), machine(revoked), drill.Seen{}, at(11), want{record.DrillRevoke, "", "", drill.Do{}, "warned 30s, ordered 3m30s, confirmed 12s"}},
		"refuses":                 {revoking(), machine(revoked), refuses, at(16), want{record.DrillRestore, "", "", drill.Do{Ask: true}, "warned 30s, ordered 3m30s, confirmed 12s, refused 6m0s"}},
		"serves all the same":     {revoking(), machine(revoked), serves, at(16), want{record.DrillRestore, "failed", "still serves", drill.Do{Ask: true}, "warned 30s, ordered 3m30s, confirmed 12s"}},
		"held by a person":        {revoking(), machine(warned, heldFor(guard.ReasonHeldGlobal)), drill.Seen{}, at(9), want{record.DrillRestore, "prevented", "a person stopped all revocations", drill.Do{Ask: true}, "warned 30s"}},
		"no room":                 {revoking(), machine(warned, heldFor(guard.ReasonBreakerOpen)), drill.Seen{}, at(9), want{record.DrillRestore, "prevented", "not revoked: ", drill.Do{Ask: true}, "warned 30s"}},
		"the warning came back":   {revoking(), machine(warned, cameBack), drill.Seen{}, at(9), want{record.DrillRestore, "failed", "it did not reach drill@example.com", drill.Do{Ask: true}, ""}},
		"held by doubt":           {revoking(), machine(warned, heldFor(guard.ReasonKeyShared)), drill.Seen{}, at(9), want{record.DrillRestore, "failed", "others depend on the key", drill.Do{Ask: true}, "warned 30s"}},
		"never warned":            {revoking(), machine(warned, func(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{} }), drill.Seen{}, at(91), want{record.DrillRestore, "failed", "after 1h30m0s the mail service did not accept the warning", drill.Do{Ask: true}, ""}},
		"never found failing":     {revoking(), machine(), drill.Seen{}, at(91), want{record.DrillRestore, "failed", "not found failing", drill.Do{Ask: true}, ""}},
		"never ordered":           {revoking(), machine(warned), drill.Seen{}, at(91), want{record.DrillRestore, "failed", "KMS was not asked", drill.Do{Ask: true}, "warned 30s"}},
		"never read back":         {revoking(), machine(ordered), drill.Seen{}, at(91), want{record.DrillRestore, "failed", "KMS was not read back", drill.Do{Ask: true}, "warned 30s, ordered 3m30s"}},
		"never seen":              {revoking(), machine(revoked), drill.Seen{Unknown: "denied"}, at(91), want{record.DrillRestore, "failed", "not seen to refuse: denied", drill.Do{Ask: true}, "warned 30s, ordered 3m30s, confirmed 12s"}},
		"good":                    {restoring(), machine(restored), serves, at(22), want{record.DrillEnded, "good", "", drill.Do{}, "ordered 0s, restored 1m0s, serves 2m0s"}},
		"mail not accepted yet":   {refused(restoring()), machine(restored), drill.Seen{Serves: true, Untold: "restored"}, at(22), want{record.DrillRestore, "", "", drill.Do{}, "ordered 0s, refused 0s"}},
		"mail never accepted":     {refused(restoring()), machine(restored), drill.Seen{Serves: true, Untold: "restored"}, at(80), want{record.DrillEnded, "failed", "did not accept the mail that the key was restored", drill.Do{}, "ordered 0s, refused 0s"}},
		"no mail was owed":        {restoring(), machine(restored), drill.Seen{Serves: true, Untold: "revoked"}, at(22), want{record.DrillEnded, "good", "", drill.Do{}, "ordered 0s, restored 1m0s, serves 2m0s"}},
		"good, and failed before": {func() record.Drill { d := restoring(); d.Outcome, d.Why, d.Steps = "prevented", "held", nil; return d }(), machine(restored), serves, at(22), want{record.DrillEnded, "prevented", "held", drill.Do{}, ""}},
		"given back, not seen":    {restoring(), machine(restored), drill.Seen{Unknown: "throttled"}, at(22), want{record.DrillRestore, "", "", drill.Do{}, "ordered 0s"}},
		"given back, refuses":     {restoring(), machine(restored), refuses, at(81), want{record.DrillEnded, "failed", "not given back", drill.Do{}, "ordered 0s"}},
		"pass on its way":         {restoring(), machine(revoked), drill.Seen{}, at(22), want{record.DrillRestore, "", "", drill.Do{}, "ordered 0s"}},
		"pass lost":               {restoring(), machine(revoked), drill.Seen{}, at(25), want{record.DrillRestore, "", "", drill.Do{Ask: true}, "ordered 0s"}},
		"restore held":            {restoring(), machine(revoked, restored, heldFor(guard.ReasonKeyChanged)), drill.Seen{}, at(22), want{record.DrillRestore, "failed", "not given back: ", drill.Do{GiveBack: true}, "ordered 0s"}},
		"restore too slow":        {restoring(), machine(revoked, restored), drill.Seen{}, at(50), want{record.DrillRestore, "failed", "it takes too long", drill.Do{GiveBack: true}, "ordered 0s"}},
		"never restored":          {restoring(), machine(revoked, restored), drill.Seen{}, at(80), want{record.DrillEnded, "failed", "after 1h0m0s the key is not given back", drill.Do{}, "ordered 0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, do := drill.Next(tt.d, tt.m, tt.seen, tt.now)
			var steps []string
			for _, s := range got.Steps {
				steps = append(steps, s.Name+" "+time.Duration(s.Seconds*float64(time.Second)).Round(time.Second).String())
			}
			have := want{got.Phase, got.Outcome, got.Why, do, strings.Join(steps, ", ")}
			if tt.want.why != "" && strings.Contains(have.why, tt.want.why) {
				have.why = tt.want.why
			}
			if diff := cmp.Diff(tt.want, have, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Runs() == (got.Phase == record.DrillEnded) || got.Ill && got.Phase != record.DrillRevoke {
				t.Errorf("runs %t, ill %t in phase %s", got.Runs(), got.Ill, got.Phase)
			}
		})
	}
}

func TestTries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		d    record.Drill
		m    record.Machine
		now  time.Time
		want bool
	}{
		"at the beginning":        {drill.Begin("x", noon, 1), machine(), noon, true},
		"left by an earlier one":  {drill.Begin("x", noon, 1), machine(revoked), noon, false},
		"warned":                  {revoking(), machine(warned), at(9), false},
		"confirmed, not in force": {revoking(), machine(revoked), at(15), false},
		"in force":                {revoking(), machine(revoked), at(15.2), true},
		"not given back":          {restoring(), machine(revoked), at(25), false},
		"given back":              {restoring(), machine(restored), at(25), true},
		"complied before":         {restoring(), machine(restored, func(m *record.Machine) { m.State.LastEvidence = at(19) }), at(25), false},
		"none":                    {record.Drill{}, machine(), noon, false},
	} {
		if got := drill.Tries(tt.d, tt.m, tt.now); got != tt.want {
			t.Errorf("%s: Tries = %t", name, got)
		}
	}
}

// Whatever happens, a drill ends within the sum of its limits, its phases never go back, a failure is never
// forgotten, and only a key that was seen to refuse and to serve makes it good.
func TestEveryDrillEnds(t *testing.T) {
	t.Parallel()
	phases := []record.DrillPhase{record.DrillPrepare, record.DrillRevoke, record.DrillRestore, record.DrillEnded}
	states := []func(*record.Machine){warned, ordered, revoked, restored, heldFor(guard.ReasonHeldGlobal), heldFor(guard.ReasonTaskFailed)}
	rapid.Check(t, func(t *rapid.T) {
		now, d := noon, drill.Begin("x", noon, 1)
		var refusedOnce, failed bool
		for d.Runs() {
			m := machine(rapid.SampledFrom(states).Draw(t, "state"))
			seen := drill.Seen{}
			if drill.Tries(d, m, now) {
				seen = rapid.SampledFrom([]drill.Seen{serves, refuses, {Unknown: "x"}}).Draw(t, "seen")
			}
			if rapid.Bool().Draw(t, "just judged") {
				m.State.LastEvidence = d.PhaseAt
			}
			refusedOnce = refusedOnce || seen.Refuses && d.Phase == record.DrillRevoke
			next, do := drill.Next(d, m, seen, now)
			if slices.Index(phases, next.Phase) < slices.Index(phases, d.Phase) {
				t.Fatalf("from %s back to %s", d.Phase, next.Phase)
			}
			if do.Enrol && do.GiveBack {
				t.Fatal("enrols and gives back at once")
			}
			failed = failed || next.Outcome == record.DrillFailed
			d, now = next, now.Add(5*time.Minute)
			if now.Sub(noon) > drill.PrepareWithin+drill.RevokeWithin+drill.RestoreWithin+15*time.Minute {
				t.Fatalf("it runs at %s: %+v", now, d)
			}
		}
		switch {
		case failed && d.Outcome != record.DrillFailed:
			t.Fatalf("it failed once, and ends as %s", d.Outcome)
		case d.Outcome == "":
			t.Fatal("it ends without an outcome")
		case d.Outcome == record.DrillGood && !refusedOnce:
			t.Fatal("good, and the key was never seen to refuse")
		}
		if again, do := drill.Next(d, machine(warned), drill.Seen{}, now); do != (drill.Do{}) || again.Outcome != d.Outcome || again.Runs() {
			t.Fatal("it goes on after its end")
		}
	})
}
