package integrity_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// life is a random life of one machine: whatever evidence arrives in whatever order, and whichever
// moves the functions note at whichever time, right or wrong.
type life struct {
	*rapid.T
	s        integrity.State
	terms    policy.Integrity
	now      time.Time
	verdicts []string
}

func newLife(t *rapid.T, verdicts ...string) *life {
	actions := []policy.Action{policy.ActRevoke, policy.ActRevoke, policy.ActHold, policy.ActNotify, ""}
	return &life{T: t, now: start, verdicts: verdicts, terms: policy.Integrity{
		OnFail:        rapid.SampledFrom(actions).Draw(t, "onFail"),
		Grace:         time.Duration(rapid.IntRange(0, 600).Draw(t, "grace")) * time.Minute,
		Confirm:       rapid.IntRange(0, 3).Draw(t, "confirm"),
		ConfirmOf:     rapid.IntRange(0, 5).Draw(t, "of"),
		RestoreAfter:  rapid.IntRange(0, 3).Draw(t, "restoreAfter"),
		Changes:       rapid.IntRange(0, 3).Draw(t, "changes"),
		SilenceAfter:  time.Duration(rapid.IntRange(0, 48).Draw(t, "silenceAfter")) * time.Hour,
		SilenceThen:   rapid.SampledFrom([]policy.Action{policy.ActHold, policy.ActRevoke}).Draw(t, "silenceThen"),
		RetryEvery:    time.Duration(rapid.IntRange(0, 60).Draw(t, "retryEvery")) * time.Minute,
		RetryUpTo:     rapid.IntRange(0, 4).Draw(t, "retryUpTo"),
		RestoreManual: rapid.Bool().Draw(t, "manual"),
		Settle:        time.Duration(rapid.IntRange(0, 60).Draw(t, "settle")) * time.Minute,
		Remind:        time.Duration(rapid.IntRange(0, 24).Draw(t, "remind")) * time.Hour,
	}}
}

func (l *life) live() {
	for range rapid.IntRange(1, 60).Draw(l.T, "steps") {
		l.step()
	}
}

// step is one thing that happens to the machine, some time after the one before.
func (l *life) step() {
	l.now = l.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 59, 600, 3600, 4 * 3600, 86400}).Draw(l.T, "seconds"))*time.Second +
		time.Duration(rapid.IntRange(0, 999).Draw(l.T, "ms"))*time.Millisecond)
	if rapid.IntRange(0, 2).Draw(l.T, "kind") > 0 {
		l.see()
	} else {
		l.note()
	}
}

// see is one input, with what must hold of every input.
func (l *life) see() {
	presences := []integrity.Presence{integrity.Running, integrity.Running, integrity.Running, integrity.Stopped, integrity.Gone, integrity.PresenceUnknown}
	in := integrity.Input{
		Verdict:  rapid.SampledFrom(l.verdicts).Draw(l.T, "verdict"),
		Presence: rapid.SampledFrom(presences).Draw(l.T, "presence"),
		Sent:     l.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 1, 7200}).Draw(l.T, "ago")) * time.Second),
		Why:      "because",

		Permitted:   rapid.Bool().Draw(l.T, "permitted"),
		WaiverEnded: rapid.Bool().Draw(l.T, "waiverEnded"),
	}
	before := l.s
	after, effects := integrity.Next(before, in, l.terms, l.now)
	l.s = after
	l.checkSteady(before, after)
	if !in.Sent.After(before.LastEvidence) && (after != before || effects != nil) {
		l.Fatalf("an older inspection moved the machine: %+v", after)
	}
	// A Fail that overtakes a restore is the one verdict that says anything of the key: that KMS has to be
	// asked again whether it was given back.
	overtaken := before.Key == integrity.KeyRevoked && !before.CorrectedAt.IsZero() && in.Verdict == "Fail" && after.Key == integrity.KeyRevoking
	if after.Key != before.Key && !overtaken {
		l.Fatalf("a verdict changed the key from %q to %q", before.Key, after.Key)
	}
	if again, more := integrity.Next(after, in, l.terms, l.now); again != after || len(more) > 0 {
		l.Fatalf("the same input again: %v, %+v, want nothing new beyond %+v", more, again, after)
	}
	l.checkEffects(before, in, effects)
}

func (l *life) checkEffects(before integrity.State, in integrity.Input, effects []integrity.Effect) {
	has := func(e integrity.Effect) bool { return slices.Contains(effects, e) }
	unknown := in.Verdict != "Pass" && in.Verdict != "Fail"
	if unknown && (has(integrity.StandDown) || has(integrity.Restore) || l.s.Standing == integrity.Good && before.Standing != integrity.Good) {
		l.Fatalf("Unknown cured: %v, %+v", effects, l.s)
	}
	if in.Verdict == "Pass" && (has(integrity.Warn) || has(integrity.Revoke) || has(integrity.NotifyBad)) {
		l.Fatalf("Pass led to %v", effects)
	}
	if has(integrity.Warn) && before.Generation == l.s.Generation {
		l.Fatalf("a violation began in the generation of an older one: %+v", l.s)
	}
	if (has(integrity.Revoke) || has(integrity.Restore)) && integrity.Flapping(before, l.terms, l.now) {
		l.Fatalf("%v beyond the %d changes that the policy allows: %+v", effects, l.terms.Changes, before)
	}
	if begun := has(integrity.Warn) || has(integrity.NotifyBad); begun && in.Verdict == "Fail" && before.Standing != integrity.Bad && l.terms.Confirm > before.Failures+1 {
		l.Fatalf("Bad after %d failures, the policy asks for %d: %+v", before.Failures+1, l.terms.Confirm, before)
	}
	if in.Verdict == "Fail" && in.WaiverEnded && has(integrity.Warn) && !l.s.OldDueAt.IsZero() {
		l.Fatalf("the end of a waiver resumes an old deadline: %+v", l.s)
	}
	if in.Verdict == "Pass" && in.Permitted && has(integrity.StandDown) && !l.s.OldDueAt.IsZero() {
		l.Fatalf("a waiver left a deadline that a relapse would resume: %+v", l.s)
	}
	if !has(integrity.Revoke) {
		return
	}
	if before.WarnedAt.IsZero() || before.DueAt.IsZero() || in.Sent.Before(l.s.DueAt) || l.now.Before(l.s.DueAt) {
		l.Fatalf("Revoke before it was due: %+v by %+v at %v", before, in, l.now)
	}
	silence := unknown && before.Silence && l.terms.SilenceThen == policy.ActRevoke && in.Presence == integrity.Running
	failed := in.Verdict == "Fail" && l.terms.OnFail == policy.ActRevoke
	if l.s.HeldFor != "" || !l.s.FrozenSince.IsZero() || (!failed && !silence) {
		l.Fatalf("Revoke without a reason: %+v by %+v", before, in)
	}
}

// checkSteady is what holds of every step, verdict or move.
func (l *life) checkSteady(before, after integrity.State) {
	if after.Generation < before.Generation {
		l.Fatalf("the generation fell from %d to %d", before.Generation, after.Generation)
	}
	if after.Generation == before.Generation && !after.DueAt.IsZero() && after.DueAt.Before(before.DueAt) {
		l.Fatalf("the deadline moved from %v to %v within one violation", before.DueAt, after.DueAt)
	}
	if !after.DueAt.Equal(after.DueAt.Truncate(time.Second)) {
		l.Fatalf("the deadline %v is no whole second", after.DueAt)
	}
	_, owed := integrity.Owed(after, l.terms)
	if after.Standing == integrity.Bad && integrity.Revokes(after, l.terms) && after.Key != integrity.KeyRevoked && after.HeldFor == "" && !owed {
		l.Fatalf("a bad machine is left to itself: %+v", after)
	}
}

// note is one move that a function notes, with what must hold of it.
func (l *life) note() {
	before := l.s
	moves := []struct {
		name string
		make func() integrity.State
	}{
		{"warned", func() integrity.State { return integrity.Warned(before, l.now, l.terms) }},
		{"warned too", func() integrity.State { return integrity.Warned(before, l.now, l.terms) }},
		{"ordered", func() integrity.State { return integrity.Ordered(before, l.now) }},
		{"revoked", func() integrity.State { return integrity.Revoked(before, l.now, l.terms) }},
		{"not revoked", func() integrity.State { return integrity.NotRevoked(before, "not-revoked", l.now) }},
		{"restoring", func() integrity.State { return integrity.Restoring(before, l.now) }},
		{"restored", func() integrity.State { return integrity.Restored(before, l.now, l.terms) }},
		{"released", func() integrity.State { return integrity.Released(before, l.now) }},
		{"withdrawn", func() integrity.State { return integrity.Withdrawn(before, l.now) }},
		{"held", func() integrity.State { return integrity.Held(before, "held-global", l.now) }},
		{"unheld", func() integrity.State { return integrity.Unheld(before, l.now) }},
		{"asked", func() integrity.State { return integrity.Asked(before, l.now, l.terms) }},
		{"denied", func() integrity.State { return integrity.Denied(before, l.now, l.terms) }},
		{"resumed", func() integrity.State { return integrity.Resumed(before, l.now) }},
		{"outage", func() integrity.State {
			from := l.now.Add(-time.Duration(rapid.IntRange(0, 48).Draw(l.T, "outage")) * time.Hour)
			after := integrity.Outage(before, from, l.now)
			l.checkOutage(before, after, from)
			return after
		}},
		{"blinded", func() integrity.State { return integrity.Blinded(before, l.now) }},
		{"settling", func() integrity.State { return integrity.Settling(before, l.now, l.terms) }},
	}
	move := moves[rapid.IntRange(0, len(moves)-1).Draw(l.T, "move")]
	l.s = move.make()
	l.checkSteady(before, l.s)
	l.checkWarned(before)
	l.checkOrdered(before)
}

// checkOutage is that an outage moves a deadline by what of it was not moved for before, and never twice.
func (l *life) checkOutage(before, after integrity.State, from time.Time) {
	if again := integrity.Outage(after, from, l.now); again != after {
		l.Fatalf("the same outage again moves %+v to %+v", after, again)
	}
	if after == before || before.DueAt.Before(from) || !before.FrozenSince.IsZero() {
		return
	}
	for _, begun := range []time.Time{before.WarnedAt, before.OutageTo} {
		if begun.After(from) {
			from = begun
		}
	}
	if moved := after.DueAt.Sub(before.DueAt); moved < l.now.Sub(from) {
		l.Fatalf("an outage from %v to %v moved the deadline by %v: %+v", from, l.now, moved, after)
	}
	if after.Standing != before.Standing || after.Generation != before.Generation || after.Key != before.Key {
		l.Fatalf("an outage moved the machine: %+v", after)
	}
}

func (l *life) checkWarned(before integrity.State) {
	if l.s.WarnedAt.Equal(before.WarnedAt) || l.s.WarnedAt.IsZero() {
		return
	}
	promised := l.s.WarnedAt.Add(l.terms.Grace)
	if !before.OldDueAt.IsZero() && !before.Silence {
		promised = l.s.WarnedAt.Add(integrity.RelapseFloor)
	}
	if l.s.DueAt.Before(promised) {
		l.Fatalf("the deadline %v is before what was promised, %v", l.s.DueAt, promised)
	}
}

func (l *life) checkOrdered(before integrity.State) {
	if l.s.Key != integrity.KeyRevoking || before.Key == integrity.KeyRevoking {
		return
	}
	if before.LastVerdict == "Pass" || before.WarnedAt.IsZero() || l.now.Before(before.DueAt) || !before.FrozenSince.IsZero() {
		l.Fatalf("ordered from %+v at %v", before, l.now)
	}
}

func TestRandomLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { newLife(t, "Pass", "Fail", "Fail", "Unknown", "Unknown", "").live() })
}

func TestHealthyMachineKeepsItsKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, "Pass")
		l.live()
		if l.s.Key == integrity.KeyRevoked || l.s.Key == integrity.KeyRevoking || l.s.Standing == integrity.Bad {
			t.Fatalf("a machine that always passed: %+v", l.s)
		}
	})
}

func TestSilenceAloneKeepsTheKey(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t, "Pass", "Unknown", "")
		l.terms.SilenceThen = policy.ActHold
		l.live()
		if l.s.Key == integrity.KeyRevoked || l.s.Key == integrity.KeyRevoking {
			t.Fatalf("a machine that never failed: %+v", l.s)
		}
	})
}
