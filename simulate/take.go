package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/world"
)

// Took is world.Watch's: a machine's access ends, by a function or by somebody else.
func (f *fleet) Took(machine, key string, by *world.Invocation) {
	s := f.byID[machine]
	if s == nil || by == nil {
		return
	}
	f.note(s, "kms", "its access ends, by "+by.Function)
	if by.Function != "revoke" {
		f.violate(s, takenUnwritten, by.Function+" took a key")
		return
	}
	if strings.Contains(by.Payload, `"op":"withdraw"`) {
		if s.guest.Power != integrity.Gone {
			f.violate(s, takenFromPresent, "it is "+string(s.guest.Power))
		}
		return
	}
	f.taken(s, by)
	if s.commandStands {
		f.measured.ordered++
	}
	s.takenBy, s.takenAt = by.Function, f.Now()
	s.owe(notice.Revoked, f.Now())
	if m := f.Store.Peek(s.guest.ID); s.commandStands && m != nil {
		return // it had no deadline
	}
	if m := f.Store.Peek(s.guest.ID); m != nil {
		f.measured.since("deadline to order", m.State.DueAt, f.Now())
	}
}

// evidence is the newest evidence that an invocation could know.
func (s *subject) evidence(by *world.Invocation) judged {
	if s.known.seq > by.Saw {
		return s.before
	}
	return s.known
}

// fresh is how old the evidence may be when KMS is asked: the 15 minutes of the design and the retries of a task.
const fresh = 25 * time.Minute

// taken checks everything that a revocation needs.
func (f *fleet) taken(s *subject, by *world.Invocation) {
	now, known := f.Now(), s.evidence(by)
	switch {
	case s.intent == 0 || s.ordered == 0 || s.intent > s.ordered || s.ordered > by.Saw:
		f.violate(s, takenUnwritten, "its ledger has no intent and order")
	case s.commandStands: // whatever it is, and whoever was told
	case s.warnedAt.IsZero() || s.warnedAt.Before(s.judgedGood) && s.judgedGood.Before(by.Started):
		f.violate(s, takenUnwarned, fmt.Sprintf("warned at %s, in order at %s", brief(s.warnedAt), brief(s.judgedGood)))
	case f.unheard(s):
		f.violate(s, takenUnheard, fmt.Sprintf("warned at %s", brief(s.warnedAt)))
	case now.Before(s.promised):
		f.violate(s, takenEarly, fmt.Sprintf("promised was %s", brief(s.promised)))
	}
	switch silent := s.silence && s.kind.terms.SilenceThen == policy.ActRevoke; {
	case s.commandStands:
	case !known.bad && !known.at.IsZero() && !silent:
		f.violate(s, takenFromGood, "its evidence of "+brief(known.sent)+" says that it is in order")
	case silent && s.silentSince.IsZero() && now.Sub(s.ableSince) > fresh: // else it was silent when it was looked at
		f.violate(s, takenForUnknown, "it can answer since "+brief(s.ableSince))
	case silent && now.Sub(known.sent) < s.kind.terms.SilenceAfter:
		f.violate(s, takenForUnknown, "its last evidence is of "+brief(known.sent))
	case silent:
	case s.kind.terms.OnFail != policy.ActRevoke:
		f.violate(s, takenWrongPolicy, "policy "+s.kind.name)
	case now.Sub(known.sent) > fresh || known.sent.Before(s.promised):
		f.violate(s, takenStale, fmt.Sprintf("its last evidence was sent at %s, due was %s", brief(known.sent), brief(s.promised)))
	}
	for _, name := range s.kind.terms.Calendars {
		if at := f.Calendars.ClosedSince(name); !at.IsZero() && at.Before(s.reserving) {
			f.violate(s, takenClosed, name+" is closed since "+brief(at))
		}
	}
	if at := f.EC2.SharedSince(s.key); !at.IsZero() && at.Before(s.reserving) && s.mode == policy.DisableKey {
		f.violate(s, takenShared, "another volume is under its key since "+brief(at))
	}
	if at := s.reserving; !s.commandStands && s.allowed(at) && s.allowed(now) && !s.silence {
		f.violate(s, takenWaived, "a waiver stands until "+brief(s.allowedUntil()))
	}
	if at := s.driftedAt; !at.IsZero() && !known.sent.Before(at) && known.at.Before(s.reserving) {
		f.violate(s, takenDrifted, "its tags are others since "+brief(at))
	}
	if s.kind.terms.Lock && !s.guest.Locked() {
		f.violate(s, takenUnlocked, "its data is mounted")
	}
	if at := f.Safe.Saved[s.guest.ID]; s.kind.terms.Snapshot && at.Before(s.since()) {
		f.violate(s, takenUnsaved, "its last snapshot was complete at "+brief(at))
	}
	f.above(s)
	for _, scope := range record.Scopes(s.guest.ID, s.kind.name) {
		if h := f.holds[string(scope)]; h.stands(now) && (h.seq < s.ordered || now.Sub(h.at) > fresh) {
			f.violate(s, takenHeld, fmt.Sprintf("%s is held since %s", scope, brief(h.at)))
		}
	}
}

// since is when what its key was taken for began.
func (s *subject) since() time.Time {
	if s.commandStands {
		return s.commandedAt
	}
	return s.warnedAt
}

// above counts the machines that lost their keys. The limit counts intents, and an order may come a while after
// its intent: so the window is shorter here by what a task may take.
func (f *fleet) above(s *subject) {
	now := f.Now()
	f.takes = slices.DeleteFunc(f.takes, func(t take) bool { return t.s == s || now.Sub(t.at) > limits.Window-fresh })
	f.takes = append(f.takes, take{s, now})
	guarded := 0
	for _, other := range f.all {
		if other.guest.Power != integrity.Gone || now.Sub(other.stood) < 2*time.Hour {
			guarded++
		}
	}
	if most := limits.Limit(guarded); len(f.takes) > most {
		f.violate(s, takenAbove, fmt.Sprintf("%d machines of %d lost their keys, and at most %d may", len(f.takes), guarded, most))
	}
}

// take is a key that was taken.
type take struct {
	s  *subject
	at time.Time
}

// Gave is world.Watch's: a machine's access begins.
func (f *fleet) Gave(machine, key string, by *world.Invocation) {
	s := f.byID[machine]
	if s == nil || by == nil {
		return
	}
	f.note(s, "kms", "its access begins, by "+by.Function)
	if s.commandStands && !s.wantedAt.After(s.commandedAt) {
		f.violate(s, gaveUnwanted, "nobody wanted it since "+brief(s.commandedAt))
	}
	known := s.evidence(by)
	switch by.Function {
	case "restore":
		if s.takenBy != "revoke" {
			f.violate(s, gaveNotOurs, "nothing had been taken")
		}
		if s.mode == policy.DisableKey {
			if _, last := f.Keys.State(key); last != "revoke" {
				f.violate(s, gaveNotOurs, "the key was disabled by somebody else")
			}
		}
		if !s.goodSince.IsZero() {
			f.measured.since("corrected to restored", s.goodSince, f.Now())
		}
		delete(s.owed, string(notice.Revoked)) // it may have been overtaken before it was confirmed
		s.owe(notice.Restored, f.Now())
		s.takenBy = ""
	case "request":
		if known.at.IsZero() || known.bad || f.Now().Sub(known.sent) > time.Hour+time.Minute {
			f.violate(s, gaveToBad, fmt.Sprintf("its last evidence of %s says bad %t", brief(known.sent), known.bad))
		}
		s.takenBy = ""
	default:
		f.violate(s, gaveNotOurs, by.Function+" gave a key")
	}
}
