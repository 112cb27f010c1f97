package replay_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/replay"
)

// past is a simulated time with Keyward at work: a machine that is now in order and now not, its scheduled inspections,
// and everything that Keyward asks for, notes and does, each with the delay that it has in the stack. It keeps the
// evidence, and what happened.
type past struct {
	*rapid.T
	terms  policy.Integrity
	s      integrity.State
	now    time.Time
	turns  []time.Time // at each of them the machine's condition changes
	states []string    // the conditions in turn
	looks  []replay.Look
	events []replay.Event
	close  bool // something was decided by seconds that no evidence tells
}

func newPast(t *rapid.T) *past {
	p := &past{T: t, now: start, s: integrity.State{Key: integrity.KeyReleased}, terms: policy.Integrity{
		OnFail:       rapid.SampledFrom([]policy.Action{policy.ActRevoke, policy.ActRevoke, policy.ActNotify, policy.ActHold}).Draw(t, "onFail"),
		Grace:        time.Duration(rapid.IntRange(1, 48*60).Draw(t, "grace")) * time.Minute,
		Confirm:      rapid.IntRange(1, 3).Draw(t, "confirm"),
		SilenceAfter: time.Duration(rapid.IntRange(1, 48).Draw(t, "silenceAfter")) * time.Hour,
		SilenceThen:  rapid.SampledFrom([]policy.Action{policy.ActHold, policy.ActRevoke}).Draw(t, "silenceThen"),
		RetryEvery:   time.Duration(rapid.IntRange(6, 60).Draw(t, "retryEvery")) * 5 * time.Minute,
		RetryUpTo:    rapid.IntRange(0, 20).Draw(t, "retryUpTo"), RestoreManual: rapid.Bool().Draw(t, "manual"),
		Settle: time.Duration(rapid.IntRange(0, 2).Draw(t, "settle")) * 30 * time.Minute,
	}}
	conditions := []string{"Pass", "Pass", "Fail", "Fail", "Unknown", "stopped"}
	for turn := start; turn.Before(start.Add(20 * 24 * time.Hour)); turn = turn.Add(time.Duration(rapid.IntRange(1, 4*24*60).Draw(t, "lasts")) * time.Minute) {
		p.turns, p.states = append(p.turns, turn), append(p.states, rapid.SampledFrom(conditions).Draw(t, "condition"))
	}
	return p
}

func (p *past) condition() string {
	i, found := slices.BinarySearchFunc(p.turns, p.now, time.Time.Compare)
	if !found {
		i--
	}
	return p.states[i]
}

// live goes through all looks: by the schedule, at deadlines, and those that the sweep asks for every 5 minutes.
func (p *past) live(every time.Duration) {
	schedule := start
	for end := p.turns[len(p.turns)-1]; p.now.Before(end); {
		next := schedule
		s := p.s
		if s.Standing == integrity.Bad && s.DueAt.After(s.LastEvidence) && s.Key == integrity.KeyReleased && s.HeldFor == "" && s.DueAt.Before(next) {
			next = s.DueAt.Add(2 * time.Second)
		}
		asked := false
		if sweep := s.LookAt.Truncate(5 * time.Minute).Add(5 * time.Minute); !s.LookAt.IsZero() && sweep.Before(next) {
			next, asked = sweep, true
		}
		if next.Before(p.now) {
			next = p.now
		}
		p.now = next
		if asked {
			p.s = integrity.Asked(p.s, p.now, p.terms)
		}
		if !schedule.After(p.now) {
			schedule = schedule.Add(every)
		}
		p.look()
	}
}

func (p *past) look() {
	l := replay.Look{Sent: p.now, Judged: p.now.Add(8 * time.Second), Presence: integrity.Running, Why: "because"}
	switch p.condition() {
	case "Pass":
		l.Verdict = policy.Pass
	case "Fail":
		l.Verdict = policy.Fail
	case "stopped":
		l.Presence = integrity.Stopped
	}
	p.looks = append(p.looks, l)
	p.close = p.close || p.seconds(l)
	next, effects := integrity.Next(p.s, integrity.Input{Verdict: l.Verdict.String(), Sent: l.Sent, Presence: l.Presence, Why: l.Why}, p.terms, l.Judged)
	p.s, p.now = next, l.Judged
	for _, e := range effects {
		p.follow(e)
	}
	p.now = p.now.Add(time.Second)
}

// seconds is whether a verdict at this time counts or not by the seconds that KMS and the mail service took, which a replay
// does not know: a settling time ends, a change of the key leaves the window, a correction is too long ago, a deadline comes
// that no look waited for.
func (p *past) seconds(l replay.Look) bool {
	edges := []time.Time{p.s.SettledAt, p.s.CorrectedAt.Add(integrity.RelapseWindow)}
	if l.Sent.Before(p.s.DueAt) {
		edges = append(edges, p.s.DueAt)
	}
	for _, text := range strings.Fields(string(p.s.Changes)) {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			p.Fatalf("the moment %q: %v", text, err)
		}
		edges = append(edges, at.Add(integrity.ChangesWindow))
	}
	return slices.ContainsFunc(edges, func(edge time.Time) bool { return l.Judged.Sub(edge).Abs() < 30*time.Second })
}

func (p *past) follow(e integrity.Effect) {
	kinds := map[integrity.Effect]replay.Kind{
		integrity.Warn: replay.Warned, integrity.Revoke: replay.Revoked, integrity.StandDown: replay.StoodDown, integrity.Restore: replay.Restored,
		integrity.Hold: replay.Held, integrity.NotifyBad: replay.Told, integrity.CannotCheck: replay.Silent,
	}
	switch e {
	case integrity.Warn:
		p.now = p.now.Add(3 * time.Second)
		p.s = integrity.Warned(p.s, p.now, p.terms)
	case integrity.Revoke:
		p.s = integrity.Ordered(p.s, p.now)
		p.now = p.now.Add(12 * time.Second)
		p.s = integrity.Revoked(p.s, p.now, p.terms)
	case integrity.Restore:
		p.now = p.now.Add(4 * time.Second)
		p.s = integrity.Restored(p.s, p.now, p.terms)
	}
	if kind, ok := kinds[e]; ok {
		p.events = append(p.events, replay.Event{Kind: kind, At: p.now, Due: p.s.DueAt})
	}
}

// Replaying the policy of the time over all that is kept tells what happened.
func TestThePresentPolicyTellsWhatHappened(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newPast(t)
		p.live(time.Duration(rapid.IntRange(1, 24).Draw(t, "every")) * time.Hour)
		if p.close {
			t.Skip("decided by seconds")
		}
		got := replay.Run([]replay.History{{Machine: "i-1", Looks: p.looks}}, p.terms, wide).Machines[0]
		if len(got.Events) != len(p.events) {
			t.Fatalf("replayed: %s\nhappened: %s", lines(got.Events), lines(p.events))
		}
		for i, e := range got.Events {
			if apart := e.At.Sub(p.events[i].At).Abs(); e.Kind != p.events[i].Kind || apart > 15*time.Minute {
				t.Fatalf("event %d is %s at %s, want %s at %s\nreplayed: %s\nhappened: %s", i, e.Kind, when(e.At), p.events[i].Kind, when(p.events[i].At), lines(got.Events), lines(p.events))
			}
		}
		if got.Standing != p.s.Standing || got.Key != p.s.Key {
			t.Fatalf("ends %q %q, want %q %q", got.Standing, got.Key, p.s.Standing, p.s.Key)
		}
	})
}

// Whatever part of the evidence is kept and in whatever order it comes: no revocation without a warning whose deadline
// has passed and an inspection that says so after it, and the same evidence gives the same answer.
func TestWhatAReplayNeverSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := newPast(t)
		p.live(time.Duration(rapid.IntRange(1, 24).Draw(t, "every")) * time.Hour)
		keeps := rapid.IntRange(1, 5).Draw(t, "keeps one of")
		var some []replay.Look
		for i, l := range p.looks {
			if i%keeps == 0 {
				some = append(some, l)
			}
		}
		got := replay.Run([]replay.History{{Machine: "i-1", Looks: some}}, p.terms, wide).Machines[0]
		var due time.Time
		for _, e := range got.Events {
			switch e.Kind {
			case replay.Warned:
				due = e.Due
			case replay.StoodDown, replay.Restored:
				due = time.Time{}
			case replay.Revoked:
				if due.IsZero() || e.At.Before(due) || e.At.After(got.Last.Add(15*time.Minute)) {
					t.Fatalf("revoked at %s, due %s: %s", when(e.At), when(due), lines(got.Events))
				}
			}
		}
		if !slices.IsSortedFunc(got.Events, func(a, b replay.Event) int { return cmp.Compare(a.At.UnixNano(), b.At.UnixNano()) }) {
			t.Fatalf("events are not in order: %s", lines(got.Events))
		}
		slices.Reverse(some)
		if again := replay.Run([]replay.History{{Machine: "i-1", Looks: some}}, p.terms, wide).Machines[0]; lines(again.Events) != lines(got.Events) {
			t.Fatalf("in another order: %s, want %s", lines(again.Events), lines(got.Events))
		}
	})
}
