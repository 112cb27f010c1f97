package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// silentLook is whether the look is over and said nothing: then the other machines are asked about at once, so
// that in an outage nobody is held and told of one by one. For a look that failed they are, with the breaker
// of the rules, when nothing else holds the revocation.
func silentLook(f guard.Facts, now time.Time) bool {
	l := f.Look
	if now.Before(f.State.DueAt) || l.AskedAt.IsZero() {
		return false
	}
	return l.Answered && l.Verdict == policy.Unknown || !l.Answered && now.After(l.AnswerBy)
}

// fleet lists the machines and says what those of the policy make of each other.
func (h *Handler) fleet(ctx context.Context, m record.Machine, w record.Watch) guard.Fleet {
	all, err := h.Store.Machines(ctx)
	if err != nil {
		h.Log.WarnContext(ctx, "other machines cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
		return guard.Fleet{}
	}
	return fleetOf(all, m, w)
}

// fleetOf says whether so many machines of the policy are silent at once that nothing may be revoked under
// it; the sweep's last word on it may be some minutes old. A person who let this machine go on during such a time
// has decided.
func fleetOf(all []record.Machine, m record.Machine, w record.Watch) guard.Fleet {
	var crowd integrity.Crowd
	for i := range all {
		if all[i].Policy == m.Policy {
			crowd.Add(&all[i].State)
		}
	}
	pause, paused := w.Paused[m.Policy]
	return guard.Fleet{Read: true, Doubtful: crowd.Doubtful() && !(paused && m.State.ResumedAt.After(pause.Since))}
}
