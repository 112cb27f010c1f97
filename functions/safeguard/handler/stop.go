package handler

import (
	"context"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// stopWithin is how long an operating system may take to stop before this is called not done. Nothing
// is forced.
const stopWithin = 10 * time.Minute

// stop has EC2 stop the instance of a revocation that is confirmed, and says effective once EC2 says that
// it is stopped.
func (h *Handler) stop(ctx context.Context, now time.Time, t enforcement.Task) (outcome, text string, err error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return "", "", err
	}
	if !confirmed(m, t) {
		return superseded, "", nil
	}
	if !m.Taken.EffectiveAt.IsZero() && m.Taken.EffectiveBy == record.ByAWS {
		return stopped, "", nil
	}
	if !strings.HasPrefix(m.ID, "i-") {
		return failed, "a hybrid node is no EC2 instance", h.notStopped(ctx, now, t, "a hybrid node is no EC2 instance")
	}
	g := mine(m, t)
	if g.StopAskedAt.IsZero() {
		_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
			g.StopAskedAt = now
			return []record.Entry{{Kind: record.EntryStop, Text: "EC2 is asked to stop the machine"}}, true
		})
		if err != nil {
			return "", "", err
		}
		g.StopAskedAt = now
	}
	state, err := h.EC2.State(ctx, m.ID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", "", err
	}
	switch {
	case state == "stopped" || state == "terminated":
		return stopped, "EC2 says that it is " + state, h.effective(ctx, now, t, state)
	case now.Sub(g.StopAskedAt) > stopWithin:
		why := "EC2 says that it is " + state + " " + stopWithin.String() + " after it was asked"
		return failed, why, h.notStopped(ctx, now, t, why)
	case state == "stopping" || state == "shutting-down":
		return waiting, "", nil
	}
	if err := h.EC2.Stop(ctx, m.ID); err != nil {
		if fault.Is(err, fault.Transient) {
			return "", "", err
		}
		why := "EC2 refuses to stop it: " + fault.Safe(err)
		return failed, why, h.notStopped(ctx, now, t, why)
	}
	return waiting, "", nil
}

// confirmed says whether this execution's revocation stands.
func confirmed(m record.Machine, t enforcement.Task) bool {
	return m.State.Key == integrity.KeyRevoked && m.State.Generation == t.Input.Generation && m.State.CorrectedAt.IsZero() &&
		m.Taken != nil && m.Taken.Generation == t.Input.Generation
}

func (h *Handler) effective(ctx context.Context, now time.Time, t enforcement.Task, state string) error {
	_, err := h.edit(ctx, now, t, func(m *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		if !confirmed(*m, t) {
			return nil, false
		}
		taken := *m.Taken
		taken.EffectiveAt, taken.EffectiveBy = now, record.ByAWS
		m.Taken, g.Failed = &taken, ""
		return []record.Entry{{Kind: record.EntryEffective, Text: "effective: says AWS, EC2 shows the machine as " + state}}, true
	})
	return err
}

func (h *Handler) notStopped(ctx context.Context, now time.Time, t enforcement.Task, why string) error {
	_, err := h.edit(ctx, now, t, func(_ *record.Machine, g *record.Safeguard) ([]record.Entry, bool) {
		g.Failed = "not stopped: " + why
		return []record.Entry{{Kind: record.EntryStop, Text: "not stopped: " + why}}, true
	})
	return err
}
