package keyrequest_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
)

// follow plays events from a state and returns every state on the way.
func follow(t *testing.T, from keyrequest.State, events ...keyrequest.Event) []keyrequest.State {
	t.Helper()
	var way []keyrequest.State
	for _, e := range events {
		to, err := keyrequest.Move(from, e)
		if err != nil {
			t.Fatalf("Move(%s, %s): %v", from, e, err)
		}
		way, from = append(way, to), to
	}
	return way
}

func TestStories(t *testing.T) {
	t.Parallel()
	type s = []keyrequest.State
	type e = []keyrequest.Event
	tests := []struct {
		name   string
		events e
		want   s
	}{
		{"to a revocation and back",
			e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Warn, keyrequest.Order, keyrequest.Confirm, keyrequest.Restore},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.RevokePending, keyrequest.Revoking, keyrequest.Revoked, keyrequest.Delivered}},
		{"corrected in time", e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Warn, keyrequest.Correct},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.RevokePending, keyrequest.Delivered}},
		{"let stand, until the waiver ends", e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Warn, keyrequest.Ignore, keyrequest.Warn},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.RevokePending, keyrequest.RevokeIgnored, keyrequest.RevokePending}},
		{"denied and asked again", e{keyrequest.Deny, keyrequest.Ask, keyrequest.Approve}, s{keyrequest.Denied, keyrequest.Pending, keyrequest.Approved}},
		{"failed and asked again", e{keyrequest.Approve, keyrequest.Fail, keyrequest.Ask}, s{keyrequest.Approved, keyrequest.Failure, keyrequest.Pending}},
		{"asked again in doubt, and denied", e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Ask, keyrequest.Deny},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.Pending, keyrequest.Denied}},
		{"expired and asked again", e{keyrequest.Expire, keyrequest.Ask}, s{keyrequest.Expired, keyrequest.Pending}},
		{"KMS says no", e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Warn, keyrequest.Order, keyrequest.Refute},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.RevokePending, keyrequest.Revoking, keyrequest.RevokePending}},
		{"the machine is gone", e{keyrequest.Approve, keyrequest.Deliver, keyrequest.Withdraw},
			s{keyrequest.Approved, keyrequest.Delivered, keyrequest.Expired}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, follow(t, keyrequest.Pending, tt.events...)); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTenStatesAllReached(t *testing.T) {
	t.Parallel()
	states := keyrequest.States()
	if len(states) != 10 {
		t.Errorf("%d states, want 10: %v", len(states), states)
	}
	reached := map[keyrequest.State]bool{keyrequest.Pending: true}
	for range states {
		for _, from := range states {
			for _, e := range keyrequest.Events(from) {
				if to, err := keyrequest.Move(from, e); err == nil && reached[from] {
					reached[to] = true
				}
			}
		}
	}
	for _, s := range states {
		if !reached[s] {
			t.Errorf("no way leads from Pending to %s", s)
		}
		if len(keyrequest.Events(s)) == 0 {
			t.Errorf("no way leads out of %s", s)
		}
	}
}

var events = []keyrequest.Event{
	keyrequest.Ask, keyrequest.Approve, keyrequest.Deny, keyrequest.Deliver, keyrequest.Fail, keyrequest.Expire, keyrequest.Warn,
	keyrequest.Ignore, keyrequest.Correct, keyrequest.Order, keyrequest.Confirm, keyrequest.Refute, keyrequest.Restore,
	keyrequest.Withdraw, keyrequest.Take, "", "grant",
}

func TestAnyOtherMoveIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		from := keyrequest.State(rapid.OneOf(
			rapid.SampledFrom(keyrequest.States()), rapid.Just(keyrequest.State("")), rapid.Just(keyrequest.State("approved")),
		).Draw(t, "from"))
		e := rapid.SampledFrom(events).Draw(t, "event")
		to, err := keyrequest.Move(from, e)
		if possible := slices.Contains(keyrequest.Events(from), e); possible != (err == nil) {
			t.Fatalf("Move(%s, %s) = %s, %v, and possible is %v", from, e, to, err, possible)
		}
		if err != nil && (to != from || !fault.Is(err, fault.Conflict)) {
			t.Fatalf("Move(%s, %s) = %s, %v, want the state unchanged and a conflict", from, e, to, err)
		}
		if err == nil && !slices.Contains(keyrequest.States(), to) {
			t.Fatalf("Move(%s, %s) = %s, which is no state", from, e, to)
		}
	})
}

// TestKeyComesOnlyByApproval plays random lives: a key is delivered only after an approval or as a
// restore of what was delivered before, and revoked only after a warning and an order, or by a person.
func TestKeyComesOnlyByApproval(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, approved, warned, ordered, taken := keyrequest.Pending, false, false, false, false
		for _, e := range rapid.SliceOfN(rapid.SampledFrom(events), 1, 80).Draw(t, "events") {
			to, err := keyrequest.Move(s, e)
			if err != nil {
				continue
			}
			approved = approved && e != keyrequest.Ask || e == keyrequest.Approve
			warned = (warned && e != keyrequest.Correct && e != keyrequest.Restore) || e == keyrequest.Warn
			ordered = (ordered && e != keyrequest.Refute && e != keyrequest.Restore) || e == keyrequest.Order
			taken = (taken && e != keyrequest.Refute && e != keyrequest.Restore) || e == keyrequest.Take
			if to == keyrequest.Delivered && !approved {
				t.Fatalf("delivered without an approval, by %s from %s", e, s)
			}
			if to == keyrequest.Revoked && (!warned || !ordered) && !taken {
				t.Fatalf("revoked without a warning or an order, by %s from %s", e, s)
			}
			s = to
		}
	})
}
