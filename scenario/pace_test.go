package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// fleet is a place with many machines, each with a key of its own, all in order and all looked at by one schedule.
func fleet(t *testing.T, n int, limits map[string]string) *world {
	t.Helper()
	// The breaker is a matter of its own.
	limits["BreakerMachines"], limits["BreakerPercent"], limits["BreakerRulePercent"] = "1000", "100", "100"
	s := setup{mode: policy.DisableKey, atOnce: 4, limits: limits}
	w := &world{t: t, setup: s, guest: &guest{}}
	var ids []string
	for i := range n {
		id := fmt.Sprintf("i-%017x", i+1)
		ids = append(ids, id)
		w.setup.others = append(w.setup.others, local.Machine{ID: id, Answer: w.guest.answer, Tags: guarded})
	}
	w.start()
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	text := strings.Replace(w.setup.policy(), fmt.Sprintf("machines: {ids: [%s, %s]}", machineID, otherID), `schedule: {daily: "12:00"}`, 1)
	w.operator.must("PUT", "/v1/policies/web", text, nil)
	for _, id := range ids {
		w.createKeyOf(id)
		w.operator.must("PUT", "/v1/machines/"+id, enrolment(w), nil)
	}
	return w
}

func (w *world) fleetStates() map[integrity.KeyState]int {
	w.t.Helper()
	var out struct{ Machines []record.Machine }
	w.operator.must("GET", "/v1/machines", nil, &out)
	states := map[integrity.KeyState]int{}
	for _, m := range out.Machines {
		states[m.State.Key]++
	}
	return states
}

// called are the calls of an operation of KMS, and how many of them got an error.
func (w *world) called(operation string) (calls []wire.Call, refused int) {
	var log []wire.Call
	control(w.t, w.Server, "GET", "calls/log", nil, &log)
	for _, c := range log {
		if c.Service == "kms" && c.Operation == operation {
			calls = append(calls, c)
			if c.Code != "" {
				refused++
			}
		}
	}
	return calls, refused
}

// wantPaced is every machine called for once, none refused, and no faster than half of the quota.
func (w *world) wantPaced(operation string, n int, quota float64) {
	w.t.Helper()
	calls, refused := w.called(operation)
	if len(calls) != n || refused > 0 {
		w.t.Errorf("%d calls of %s, %d of them refused, want %d and none", len(calls), operation, refused, n)
		return
	}
	took := calls[n-1].At.Sub(calls[0].At)
	if least := time.Duration(float64(n-3) / (quota / 2) * float64(time.Second)); took < least {
		w.t.Errorf("%d calls of %s within %s, want at least %s", n, operation, took, least)
	}
}

// Many keys fall due in one second under KMS's real quota: none is refused for being one too many, all are taken, and all
// are given back.
func TestManyAtOnceArePaced(t *testing.T) {
	t.Parallel()
	const n = 14
	w := fleet(t, n, map[string]string{})
	w.guest.listen(port)
	w.until(w.noon()) // the daily look finds all of them: their hour of grace is over an hour from now
	w.fault(faults.Fault{Kind: faults.Throttle, Service: "kms", RealQuotas: true})
	w.forward(75 * time.Minute)
	if got := w.fleetStates(); got[integrity.KeyRevoked] != n {
		t.Fatalf("keys: %v, want all %d revoked", got, n)
	}
	w.wantPaced("DisableKey", n, 5)

	w.guest.listen()
	w.forward(40 * time.Minute) // the looks for a correction
	if got := w.fleetStates(); got[integrity.KeyReleased] != n {
		t.Fatalf("keys: %v, want all %d given back", got, n)
	}
	w.wantPaced("EnableKey", n, 5)
}

// A hold in the middle of a wave stops what has not been taken, and what it stopped goes on when it is lifted, after another look.
func TestAWaveIsStoppedAndResumed(t *testing.T) {
	t.Parallel()
	const n = 12
	w := fleet(t, n, map[string]string{"KeyCallsPerSecond": "1"}) // one revocation in two seconds
	w.guest.listen(port)
	w.until(w.noon())
	due := w.firstDue()
	w.until(due)
	for end := due.Add(5 * time.Minute); w.Clock().Now().Before(end) && w.fleetStates()[integrity.KeyReleased] == 0; {
		w.forward(time.Second)
		if calls, _ := w.called("DisableKey"); len(calls) >= 2 {
			break
		}
	}
	w.hold("global", time.Time{})
	w.forward(2 * time.Minute)
	taken, _ := w.called("DisableKey")
	if got := w.fleetStates(); got[integrity.KeyRevoked] != len(taken) || len(taken) == n {
		t.Fatalf("keys: %v after %d calls, want the others stopped by the hold", got, len(taken))
	}
	w.forward(20 * time.Minute)
	if again, _ := w.called("DisableKey"); len(again) != len(taken) {
		t.Errorf("%d calls under the hold, want none", len(again)-len(taken))
	}
	if !slices.Contains(w.kinds(), "held") {
		t.Errorf("mails: %v, want it told", w.kinds())
	}
	w.lift("global")
	// One that meets too many others on the way is tried again after half an hour.
	for end := w.Clock().Now().Add(90 * time.Minute); w.Clock().Now().Before(end) && w.fleetStates()[integrity.KeyRevoked] != n; {
		w.forward(5 * time.Minute)
	}
	if got := w.fleetStates(); got[integrity.KeyRevoked] != n {
		t.Errorf("keys: %v, want all %d revoked", got, n)
	}
	w.wantPaced("DisableKey", n, 1)
}

// noon is the next time of the schedule, with a minute for the answers.
func (w *world) noon() time.Time {
	now := w.Clock().Now().UTC()
	noon := now.Truncate(24 * time.Hour).Add(12 * time.Hour)
	if !noon.After(now) {
		noon = noon.Add(24 * time.Hour)
	}
	return noon.Add(time.Minute)
}

// firstDue is the earliest deadline of all machines.
func (w *world) firstDue() time.Time {
	w.t.Helper()
	var out struct{ Machines []record.Machine }
	w.operator.must("GET", "/v1/machines", nil, &out)
	var first time.Time
	for _, m := range out.Machines {
		if first.IsZero() || !m.State.DueAt.IsZero() && m.State.DueAt.Before(first) {
			first = m.State.DueAt
		}
	}
	if first.IsZero() {
		w.t.Fatal("nobody has a deadline")
	}
	return first
}
