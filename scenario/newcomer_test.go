package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// A policy that only told begins to revoke over machines that fail already: each of them is warned, and has
// the whole grace from that warning.
func TestANewlyRevokingPolicyWarnsEverybody(t *testing.T) {
	t.Parallel()
	neighbour := &guest{}
	w := begin(t, setup{others: []local.Machine{{ID: otherID, Answer: neighbour.answer, Tags: guarded}}})
	w.enrol(otherID)
	notifying := strings.Replace(w.setup.policy(), "onFail: revoke", "onFail: notify", 1)
	w.operator.must("PUT", "/v1/policies/web", notifying, nil)
	ids := []string{machineID, otherID}
	check := func() {
		for _, id := range ids {
			w.operator.must("POST", "/v1/machines/"+id+"/check", nil, nil)
		}
		w.settle()
	}
	state := func(id string) integrity.State {
		var v record.MachineView
		w.operator.must("GET", "/v1/machines/"+id, nil, &v)
		return v.Machine.State
	}
	w.guest.listen(port)
	neighbour.listen(port)
	check()
	w.forward(48 * time.Hour) // far longer than any grace
	w.wantKept()
	if n := len(slices.DeleteFunc(w.kinds(), func(k string) bool { return k != "notifyBad" })); n != 2 {
		t.Fatalf("two machines fail, and the mails are %v", w.kinds())
	}

	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.forward(10 * time.Minute)
	var first, last time.Time // one is warned at once, the other after it
	for _, id := range ids {
		s := state(id)
		if s.WarnedAt.IsZero() || s.DueAt.Before(s.WarnedAt.Add(grace)) {
			t.Fatalf("%s is warned at %s and due at %s, want a warning and the whole grace", id, s.WarnedAt, s.DueAt)
		}
		if s.DueAt.After(last) {
			last = s.DueAt
		}
		if first.IsZero() || s.DueAt.Before(first) {
			first = s.DueAt
		}
	}
	w.until(first.Add(-2 * time.Second))
	w.wantKept()
	w.until(last.Add(15 * time.Minute))
	revoked := 0
	for _, id := range ids {
		var v record.MachineView
		w.operator.must("GET", "/v1/machines/"+id, nil, &v)
		m := v.Machine
		if m.State.Key == integrity.KeyRevoked && !m.Taken.IntentAt.Before(m.State.DueAt) {
			revoked++
		} else if m.State.HeldFor != "breaker-open" { // of two machines one an hour
			t.Errorf("%s: the key is %q, due at %s, held for %q, taken %+v", id, m.State.Key, m.State.DueAt, m.State.HeldFor, m.Taken)
		}
	}
	if revoked == 0 {
		t.Error("no key was revoked")
	}
}

// Passing once at a known time buys no grace: the old deadline counts on, and never sooner than 30 minutes
// after the new warning.
func TestPassingOnceBuysNoGrace(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.forward(10 * time.Minute)
	w.correct()
	w.wantStanding("Good")
	w.forward(time.Minute)
	if again := w.violate(); !again.Equal(due) {
		t.Errorf("the second deadline is %s, want the first, %s", again, due)
	}
	w.until(due.Add(-time.Minute))
	w.correct()
	w.guest.listen(port)
	s := w.check().Machine.State
	if got := s.DueAt.Sub(s.WarnedAt); got < integrity.RelapseFloor || got > integrity.RelapseFloor+time.Second {
		t.Errorf("a minute before its deadline it passed once, and has %s, want %s", got, integrity.RelapseFloor)
	}
	w.until(s.DueAt.Add(time.Minute))
	w.wantRevoked(s.DueAt)
}

// Who has a machine patched gives it the time to settle of its policy, counted from the command; to look at what is
// missing gives none.
func TestAPatchedMachineSettles(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "settle: 0s", "settle: 30m", 1), nil)
	w.forward(25 * time.Hour) // its enrolment, and whatever settled then, are long over
	api := ssm.NewFromConfig(aws.Config{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: w.operator.key})
	patch := func(operation string) time.Time {
		at := w.Clock().Now()
		if _, err := api.SendCommand(t.Context(), &ssm.SendCommandInput{
			DocumentName: aws.String("AWS-RunPatchBaseline"), InstanceIds: []string{machineID}, Parameters: map[string][]string{"Operation": {operation}},
		}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		return at
	}
	patch("Scan")
	at := patch("Install")
	w.forward(10 * time.Minute)
	w.guest.listen(port)
	s := w.check().Machine.State
	if s.Standing != integrity.Good || s.SettledAt.Sub(at.Add(30*time.Minute)).Abs() > 2*time.Second {
		t.Fatalf("10 minutes after a patching it is %s, settled at %s, want Good until %s", s.Standing, s.SettledAt, at.Add(30*time.Minute))
	}
	w.until(s.SettledAt.Add(10 * time.Minute)) // nobody asks: the look is Keyward's own
	w.wantStanding("Bad")
	w.correct()
	w.wantStanding("Good")
	patch("Install")
	if w.guest.listen(port); w.check().Machine.State.Standing != integrity.Bad {
		t.Error("a second patching on the same day gave it time again")
	}
}
