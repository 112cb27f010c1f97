package integrity_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

var commandedAt = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

// released is a machine in order that has its key.
func released() integrity.State {
	return integrity.State{Standing: integrity.Good, Since: commandedAt, Key: integrity.KeyReleased, KeySince: commandedAt, Generation: 3, LastVerdict: "Pass"}
}

func TestAPersonsOrder(t *testing.T) {
	t.Parallel()
	terms := policy.Integrity{OnFail: policy.ActRevoke, Grace: time.Hour, Confirm: 1, RetryEvery: time.Minute, RetryUpTo: 5}
	s := integrity.Commanded(released(), commandedAt)
	if !s.CommandedAt.Equal(commandedAt) || s.Generation != 4 || integrity.Commanded(s, commandedAt.Add(time.Hour)) != s {
		t.Fatalf("ordered: %+v", s)
	}
	if e, owed := integrity.Owed(s, terms); e != integrity.Revoke || !owed {
		t.Errorf("owed %s %t, want the revocation", e, owed)
	}
	if integrity.Ordered(released(), commandedAt).Key != integrity.KeyReleased {
		t.Error("without an order a machine in order loses its key")
	}
	s = integrity.Ordered(s, commandedAt.Add(time.Second))
	if e, owed := integrity.Owed(s, terms); s.Key != integrity.KeyRevoking || e != integrity.Revoke || !owed {
		t.Errorf("intended: %+v, owed %s %t", s, e, owed)
	}
	if integrity.Uncommanded(s) != s {
		t.Error("an order is forgotten after KMS may have been asked")
	}
	s = integrity.Revoked(s, commandedAt.Add(time.Minute), terms)
	if _, owed := integrity.Owed(s, terms); s.Key != integrity.KeyRevoked || owed || !s.LookAt.IsZero() {
		t.Errorf("revoked: %+v, owed %t, want it to rest", s, owed)
	}
	// It complies, and its key stays where it is until a person wants it back.
	for n, verdict := range []string{"Pass", "Fail", "Pass"} {
		at := commandedAt.Add(time.Duration(n+1) * time.Hour)
		next, effects := integrity.Next(s, integrity.Input{Verdict: verdict, Sent: at, Presence: integrity.Running}, terms, at)
		if len(effects) > 0 || next.Key != integrity.KeyRevoked || next.Generation != s.Generation || next.LastVerdict != verdict {
			t.Errorf("%s: %v, %+v", verdict, effects, next)
		}
		s = next
	}
	s = integrity.Restoring(s, commandedAt.Add(5*time.Hour))
	if e, owed := integrity.Owed(s, terms); e != integrity.Restore || !owed {
		t.Errorf("wanted back: owed %s %t", e, owed)
	}
	s = integrity.Restored(s, commandedAt.Add(6*time.Hour), terms)
	if s.Key != integrity.KeyReleased || !s.CommandedAt.IsZero() || s.Standing != integrity.Good {
		t.Errorf("restored: %+v", s)
	}
}

func TestOrdersThatChangeNothing(t *testing.T) {
	t.Parallel()
	for _, key := range []integrity.KeyState{integrity.KeyUntouched, integrity.KeyRevoking, integrity.KeyRevoked, integrity.KeyWithdrawn} {
		s := released()
		s.Key = key
		if integrity.Commanded(s, commandedAt) != s {
			t.Errorf("key %q: an order changes it", key)
		}
	}
	s := released()
	s.GoneAt = commandedAt
	if integrity.Commanded(s, commandedAt) != s {
		t.Error("an order changes a machine that is gone")
	}
	s = released()
	s.HeldFor = "held-global"
	s = integrity.Uncommanded(integrity.Commanded(s, commandedAt))
	if !s.CommandedAt.IsZero() || s.HeldFor != "" || s.Key != integrity.KeyReleased || integrity.Uncommanded(s) != s {
		t.Errorf("came to nothing: %+v", s)
	}
	// What waits for a person in a violation waits for him still.
	s = released()
	s.Standing, s.HeldFor = integrity.Bad, integrity.HeldFlapping
	if e, owed := integrity.Owed(integrity.Commanded(s, commandedAt), policy.Integrity{}); e != integrity.Revoke || !owed {
		t.Errorf("held, and ordered: owed %s %t", e, owed)
	}
	if s = integrity.Uncommanded(integrity.Commanded(s, commandedAt)); s.HeldFor != integrity.HeldFlapping {
		t.Errorf("came to nothing, it is held for %q", s.HeldFor)
	}
	// A machine that goes takes the order with it.
	s = integrity.Commanded(released(), commandedAt)
	for _, after := range []time.Duration{time.Hour, 2 * time.Hour} {
		s, _ = integrity.Next(s, integrity.Input{Verdict: "Unknown", Sent: commandedAt.Add(after), Presence: integrity.Gone}, policy.Integrity{}, commandedAt.Add(after))
	}
	if s.GoneAt.IsZero() || !s.CommandedAt.IsZero() {
		t.Errorf("gone: %+v", s)
	}
	if s := integrity.Withdrawn(integrity.Commanded(released(), commandedAt), commandedAt); !s.CommandedAt.IsZero() {
		t.Errorf("withdrawn: %+v", s)
	}
}

// While an order stands no input makes an effect about the key or raises the generation, unless the machine is gone.
func TestAnOrderStandsStill(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		terms := policy.Integrity{OnFail: policy.ActRevoke, Grace: time.Hour, Confirm: 1, SilenceAfter: time.Hour, SilenceThen: policy.ActRevoke}
		s := released()
		s.Standing = rapid.SampledFrom([]integrity.Standing{integrity.Good, integrity.Bad, integrity.Unknown}).Draw(t, "standing")
		s = integrity.Commanded(s, commandedAt)
		if rapid.Bool().Draw(t, "revoked") {
			s = integrity.Revoked(integrity.Ordered(s, commandedAt), commandedAt, terms)
		}
		key, generation, now := s.Key, s.Generation, commandedAt
		for range rapid.IntRange(1, 12).Draw(t, "inputs") {
			now = now.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
			var effects []integrity.Effect
			s, effects = integrity.Next(s, integrity.Input{
				Verdict:  rapid.SampledFrom([]string{"Pass", "Fail", "Unknown"}).Draw(t, "verdict"),
				Presence: rapid.SampledFrom([]integrity.Presence{integrity.Running, integrity.Stopped, integrity.PresenceUnknown}).Draw(t, "presence"), Sent: now,
			}, terms, now)
			for _, e := range effects {
				if e != integrity.CannotCheck {
					t.Fatalf("%s follows under an order: %+v", e, s)
				}
			}
			if s.Key != key || s.Generation != generation || s.CommandedAt.IsZero() {
				t.Fatalf("key %s, generation %d under an order, want %s and %d", s.Key, s.Generation, key, generation)
			}
		}
	})
}
