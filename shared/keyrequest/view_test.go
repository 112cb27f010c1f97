package keyrequest_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// by is who made a move: a person where he ordered it.
func by(m record.Move) string {
	if strings.HasPrefix(m.Why, "a person ordered") {
		return "alice"
	}
	return "keyward"
}

func TestView(t *testing.T) {
	t.Parallel()
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	bad := integrity.State{Standing: integrity.Bad, Since: hour(1), Why: "tcp/23 is open", Key: integrity.KeyReleased, WarnedAt: hour(2), DueAt: hour(6)}
	with := func(edit func(*integrity.State)) integrity.State { s := bad; edit(&s); return s }
	until := map[keyrequest.State]time.Time{keyrequest.Pending: noon}
	taken := &record.Taken{IntentAt: hour(6), ConfirmedAt: hour(7)}
	for name, tt := range map[string]struct {
		state   keyrequest.State
		machine record.Machine
		want    string // the states of the moves that are added
		reason  string
		at      time.Time // of the last of them
	}{
		"complies":              {keyrequest.Delivered, record.Machine{State: integrity.State{Standing: integrity.Good, Key: integrity.KeyReleased}}, "", "why", time.Time{}},
		"fails, not warned yet": {keyrequest.Delivered, record.Machine{State: with(func(s *integrity.State) { s.WarnedAt = time.Time{} })}, "", "why", time.Time{}},
		"warned":                {keyrequest.Delivered, record.Machine{State: bad}, "Revoke_Pending", "the key is taken at 2026-03-02 18:00:00 UTC: tcp/23 is open", hour(2)},
		"being taken": {keyrequest.Delivered, record.Machine{State: with(func(s *integrity.State) { s.Key = integrity.KeyRevoking }), Taken: taken},
			"Revoke_Pending Revoking", "recorded", hour(6)},
		"taken": {keyrequest.Delivered, record.Machine{State: with(func(s *integrity.State) { s.Key = integrity.KeyRevoked }), Taken: taken},
			"Revoke_Pending Revoking Revoked", "read back twice", hour(7)},
		"taken by a person": {keyrequest.Delivered, record.Machine{Order: &record.Order{At: hour(5), By: "alice", Reason: "stolen"}, Taken: taken,
			State: integrity.State{Standing: integrity.Good, Key: integrity.KeyRevoked, CommandedAt: hour(5)}}, "Revoking Revoked", "read back twice", hour(7)},
		"being taken by a person": {keyrequest.Delivered, record.Machine{Order: &record.Order{At: hour(5), By: "alice", Reason: "stolen"}, Taken: taken,
			State: integrity.State{Standing: integrity.Good, Key: integrity.KeyRevoking, CommandedAt: hour(5)}}, "Revoking", "a person ordered that its key is taken: stolen", hour(6)},
		"taken, and in order again": {keyrequest.Delivered, record.Machine{State: integrity.State{Standing: integrity.Good, Key: integrity.KeyRevoked}, Taken: taken},
			"Revoke_Pending Revoking Revoked", "read back twice", hour(7)},
		"taken, by a record without details": {keyrequest.Delivered, record.Machine{State: with(func(s *integrity.State) { s.Key, s.KeySince = integrity.KeyRevoked, hour(8) })},
			"Revoke_Pending Revoking Revoked", "read back twice", hour(8)},
		"taken, and never said to be used": {keyrequest.Approved, record.Machine{State: with(func(s *integrity.State) { s.Key = integrity.KeyRevoked }), Taken: taken},
			"Revoke_Pending Revoking Revoked", "read back twice", hour(7)},
		"approved, its key not given yet": {keyrequest.Approved, record.Machine{State: with(func(s *integrity.State) { s.Key = integrity.KeyUntouched })}, "", "why", time.Time{}},
		"let stand": {keyrequest.Delivered, record.Machine{State: integrity.State{Standing: integrity.Good, Since: hour(3), Key: integrity.KeyReleased}, Waived: []policy.Finding{{Rule: "no-telnet"}}},
			"Revoke_Ignored", "people let stand that it fails no-telnet", hour(3)},
		"let stand, and something else fails": {keyrequest.Delivered, record.Machine{State: bad, Waived: []policy.Finding{{Rule: "no-telnet"}}}, "Revoke_Pending", "tcp/23", hour(2)},
		"gone":                                {keyrequest.Delivered, record.Machine{State: with(func(s *integrity.State) { s.GoneAt = hour(4) })}, "Expired", "gone", hour(4)},
		"gone, its grant withdrawn":           {keyrequest.Delivered, record.Machine{State: integrity.State{Key: integrity.KeyWithdrawn, KeySince: hour(5), GoneAt: hour(4)}}, "Expired", "gone", hour(5)},
		"denied, of a revoked key":            {keyrequest.Denied, record.Machine{State: with(func(s *integrity.State) { s.Key = integrity.KeyRevoked }), Taken: taken}, "", "why", time.Time{}},
		"of a machine without record":         {keyrequest.Delivered, record.Machine{}, "", "why", time.Time{}},
		"waited too long":                     {keyrequest.Pending, record.Machine{}, "Expired", "nobody decided in time", noon},
	} {
		r := record.Request{State: string(tt.state), Reason: "why", ExpiresAt: until[tt.state], Moves: []record.Move{{To: string(tt.state)}}}
		got := keyrequest.View(r, tt.machine, hour(9))
		var words []string
		from := tt.state
		for _, m := range got.Moves[1:] {
			words = append(words, m.To)
			if !reaches(from, keyrequest.State(m.To)) {
				t.Errorf("%s: %s does not lead to %s by the table", name, from, m.To)
			}
			if from = keyrequest.State(m.To); m.By != by(m) || m.Why == "" {
				t.Errorf("%s: move %+v, want who and why", name, m)
			}
		}
		if strings.Join(words, " ") != tt.want || got.State != string(from) || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s: %s by %v because %q, want %q because %q", name, got.State, words, got.Reason, tt.want, tt.reason)
		}
		if last := got.Moves[len(got.Moves)-1].At; !last.Equal(tt.at) {
			t.Errorf("%s: at %s, want %s", name, last, tt.at)
		}
		if len(r.Moves) != 1 {
			t.Errorf("%s: the record itself was changed", name)
		}
	}
	late := keyrequest.View(record.Request{State: string(keyrequest.Approved), ExpiresAt: noon, Ruling: &record.Ruling{Approved: true}}, record.Machine{}, noon)
	if late.State != string(keyrequest.Expired) || !strings.Contains(late.Reason, "did not come for it") {
		t.Errorf("an approval that nobody came for: %s because %s", late.State, late.Reason)
	}
}

// reaches is whether one move of the table leads from a state to another.
func reaches(from, to keyrequest.State) bool {
	for _, e := range keyrequest.Events(from) {
		if next, err := keyrequest.Move(from, e); err == nil && next == to {
			return true
		}
	}
	return false
}

// TestFollowKeepsToTheTable: whatever a machine's record says, a request whose key was given is in a state that the
// table leads to, and no other request is moved by it.
func TestFollowKeepsToTheTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := integrity.State{
			Standing: rapid.SampledFrom([]integrity.Standing{integrity.Unknown, integrity.Good, integrity.Bad}).Draw(t, "standing"),
			Key: rapid.SampledFrom([]integrity.KeyState{integrity.KeyUntouched, integrity.KeyReleased, integrity.KeyRevoking,
				integrity.KeyRevoked, integrity.KeyWithdrawn}).Draw(t, "key"),
		}
		if rapid.Bool().Draw(t, "warned") {
			m.WarnedAt = noon
		}
		if rapid.Bool().Draw(t, "gone") {
			m.GoneAt = noon
		}
		waived := rapid.Bool().Draw(t, "waived")
		for _, s := range keyrequest.States() {
			to := keyrequest.Follow(s, m, waived)
			given := s == keyrequest.Delivered || s == keyrequest.Approved && m.Key != integrity.KeyUntouched
			if !given && to != s {
				t.Fatalf("Follow(%s, %+v) = %s, want it unmoved", s, m, to)
			}
			taken := m.Key == integrity.KeyRevoking || m.Key == integrity.KeyRevoked
			if given && taken != (to == keyrequest.Revoking || to == keyrequest.Revoked) {
				t.Fatalf("Follow(%s, %+v) = %s", s, m, to)
			}
			if given && to != s && !taken && !reaches(s, to) {
				t.Fatalf("Follow(%s, %+v) = %s, which the table does not lead to", s, m, to)
			}
		}
	})
}
