package integrity_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

func TestAsked(t *testing.T) {
	t.Parallel()
	set := terms()
	tests := []struct {
		name  string
		state integrity.State
		look  time.Time
		looks int
	}{
		{"after a revocation", integrity.State{Standing: integrity.Bad, Key: integrity.KeyRevoked, LookAt: at(1), Looks: 1}, at(1.5), 2},
		{"the last one", integrity.State{Standing: integrity.Bad, Key: integrity.KeyRevoked, LookAt: at(1), Looks: 2}, time.Time{}, 3},
		{"after a denial", integrity.Denied(integrity.State{Standing: integrity.Bad}, at(0.5), set), at(1.5), 1},
		{"to confirm", integrity.State{Failures: 1, LookAt: at(1)}, at(1.5), 0},
		{"after settling", integrity.State{SettledAt: at(1), LookAt: at(1)}, at(1.5), 0},
		{"of a silent machine", integrity.State{SilentSince: at(0), LookAt: at(1)}, at(1.5), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := integrity.Asked(tt.state, at(1), set)
			if !got.LookAt.Equal(tt.look) || got.Looks != tt.looks {
				t.Errorf("LookAt, Looks = %v, %d, want %v, %d", got.LookAt, got.Looks, tt.look, tt.looks)
			}
			if again := integrity.Asked(got, at(1), set); again != got {
				t.Errorf("asked twice at once: %+v, want %+v", again, got)
			}
		})
	}
}

func TestDeniedKeepsTheLookThatIsAsked(t *testing.T) {
	t.Parallel()
	s := integrity.Denied(integrity.State{LookAt: at(0.1)}, at(0), terms())
	if !s.LookAt.Equal(at(0.1)) {
		t.Errorf("LookAt = %v, want %v", s.LookAt, at(0.1))
	}
}

func TestHeldKeepsItsTime(t *testing.T) {
	t.Parallel()
	s := integrity.Held(integrity.State{}, "held-global", at(0))
	if s = integrity.Held(s, "held-global", at(1)); !s.HeldSince.Equal(at(0)) || !s.LookAt.IsZero() {
		t.Errorf("held since %v, look at %v, want %v and none", s.HeldSince, s.LookAt, at(0))
	}
	if s = integrity.Held(s, integrity.HeldNoAnswer, at(2)); !s.HeldSince.Equal(at(2)) || s.LookAt.IsZero() {
		t.Errorf("held since %v, look at %v, want %v and one", s.HeldSince, s.LookAt, at(2))
	}
	if s = integrity.Unheld(s, at(3)); s.HeldFor != "" || !s.HeldSince.IsZero() {
		t.Errorf("still held: %+v", s)
	}
}

func TestOwed(t *testing.T) {
	t.Parallel()
	bad := integrity.State{Standing: integrity.Bad}
	warned := integrity.Warned(bad, at(0), terms())
	tests := []struct {
		name   string
		state  integrity.State
		onFail policy.Action
		want   integrity.Effect
	}{
		{"good", integrity.State{Standing: integrity.Good}, policy.ActRevoke, ""},
		{"bad, not warned", bad, policy.ActRevoke, integrity.Warn},
		{"bad, warned", warned, policy.ActRevoke, integrity.Revoke},
		{"bad, held", integrity.Held(warned, "held-global", at(1)), policy.ActRevoke, ""},
		{"bad, only told", bad, policy.ActNotify, ""},
		{"ordered", integrity.Ordered(warned, at(4)), policy.ActRevoke, integrity.Revoke},
		{"revoked", integrity.Revoked(integrity.Ordered(warned, at(4)), at(4), terms()), policy.ActRevoke, ""},
		{"corrected", integrity.Restoring(integrity.Ordered(warned, at(4)), at(5)), policy.ActNotify, integrity.Restore},
		{"gone", integrity.State{GoneAt: at(0), HeldFor: "held-global"}, policy.ActNotify, integrity.Withdraw},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, owed := integrity.Owed(tt.state, terms(func(p *policy.Integrity) { p.OnFail = tt.onFail }))
			if owed != (tt.want != "") || (owed && got != tt.want) {
				t.Errorf("Owed = %q, %v, want %q", got, owed, tt.want)
			}
		})
	}
}
