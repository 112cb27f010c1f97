package keyrequest

import (
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Follow is the state of a request by what became of the machine's key since. Only a request whose key was given has one
// to follow, whether the machine said that it used it or not: what happens to a key is written down once, with the
// machine, so that no request can say otherwise. Waived is whether the machine fails something that people let stand.
func Follow(s State, m integrity.State, waived bool) State {
	if s != Delivered && (s != Approved || m.Key == integrity.KeyUntouched) {
		return s
	}
	switch {
	case m.Key == integrity.KeyRevoked:
		return Revoked
	case m.Key == integrity.KeyRevoking:
		return Revoking
	case m.Key == integrity.KeyWithdrawn || !m.GoneAt.IsZero():
		return Expired
	case m.Standing == integrity.Bad && !m.WarnedAt.IsZero():
		return RevokePending
	case m.Standing != integrity.Bad && waived:
		return RevokeIgnored
	default:
		return s
	}
}

// byKeyward is who did what the schedule and the policy bring about.
const byKeyward = "keyward"

// View is a request as it is shown at a moment: the record, moved on by its own end (Shown) and by what became of its
// machine's key (Follow), with the way there. What was before the present violation is in the machine's ledger.
func View(r record.Request, m record.Machine, now time.Time) record.Request {
	was := State(r.State)
	to := Shown(was, r.ExpiresAt, now)
	if to != was {
		why := "nobody decided in time"
		if r.Ruling != nil {
			why = "the machine did not come for it in time"
		}
		return moved(r, to, r.ExpiresAt, why)
	}
	switch to = Follow(was, m.State, len(m.Waived) > 0); to {
	case RevokePending:
		return warned(r, m)
	case Revoking, Revoked:
		return revoked(r, m, to)
	case RevokeIgnored:
		return moved(r, to, m.State.Since, "people let stand that it fails "+m.Waived[0].Rule)
	case Expired:
		return moved(r, to, later(m.State.GoneAt, m.State.KeySince), "the machine is gone")
	default:
		return r
	}
}

func warned(r record.Request, m record.Machine) record.Request {
	return moved(r, RevokePending, m.State.WarnedAt, "the key is taken at "+m.State.DueAt.UTC().Format("2006-01-02 15:04:05 UTC")+": "+m.State.Why)
}

// revoked goes the way of a revocation. A machine that complies again before its key is given back has no warning in its
// record any more, and had one: nothing is taken without.
func revoked(r record.Request, m record.Machine, to State) record.Request {
	intent, confirmed := m.State.KeySince, m.State.KeySince
	if m.Taken != nil {
		intent, confirmed = m.Taken.IntentAt, m.Taken.ConfirmedAt
	}
	if o := m.Order; o != nil && !m.State.CommandedAt.IsZero() {
		r = moved(r, Revoking, later(o.At, intent), "a person ordered that its key is taken: "+o.Reason)
		r.Moves[len(r.Moves)-1].By = o.By
		return taken(r, to, confirmed)
	}
	if m.State.WarnedAt.IsZero() {
		r = moved(r, RevokePending, intent, "it was warned; the machine's ledger says of what, and when")
	} else {
		r = warned(r, m)
	}
	return taken(moved(r, Revoking, intent, "the intent to take the key is recorded"), to, confirmed)
}

func taken(r record.Request, to State, confirmed time.Time) record.Request {
	if to == Revoked {
		r = moved(r, Revoked, confirmed, "AWS KMS was read back twice, and the key is taken")
	}
	return r
}

func moved(r record.Request, to State, at time.Time, why string) record.Request {
	r.State, r.Reason = string(to), why
	r.Moves = append(r.Moves[:len(r.Moves):len(r.Moves)], record.Move{To: string(to), At: at, By: byKeyward, Why: why})
	return r
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
