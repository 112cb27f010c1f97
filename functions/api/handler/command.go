package handler

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

// revokeRequest has the key of the request's machine taken because a person says so, whatever its verdict. Who and why are
// written with the order, before anything is asked of anybody; what takes the key is an execution, which weighs every
// condition that is not about what the machine did. What would stop it now refuses the order, so that none waits for a
// moment that nobody thinks of any more.
func (h *Handler) revokeRequest(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error) {
	doing := "revoking the key of " + chosen.Machine
	if err := checkReason(record.Reason{Reason: w.reason}, doing); err != nil {
		return record.Acted{}, err
	}
	const tries = 5
	for range tries {
		r, m, err := h.requestAndMachine(ctx, chosen)
		if err != nil {
			return record.Acted{}, err
		}
		if err := h.mayCommand(ctx, c, r, m, doing); err != nil {
			return record.Acted{}, err
		}
		m.State = integrity.Commanded(m.State, c.Now)
		m.Order = &record.Order{At: c.Now, By: c.Caller, Reason: strings.TrimSpace(w.reason)}
		m, err = h.begin(ctx, c, m, enforcement.Input{Kind: enforcement.Look, Why: m.Order.Reason}, "a person ordered that the key is taken, whatever the verdict: "+m.Order.Reason)
		if fault.Is(err, fault.Conflict) {
			continue // a judgement came between, or somebody else
		}
		if err != nil {
			return record.Acted{}, err
		}
		h.Log.WarnContext(ctx, "revocation ordered by a person", boot.KeyMachine, m.ID, boot.KeyExecution, m.Execution, "by", c.Caller)
		shown := keyrequest.View(r, m, c.Now)
		return record.Acted{Status: http.StatusAccepted, Request: &shown}, nil
	}
	return record.Acted{}, fault.New(fault.Transient, "%s: it keeps being changed by others", doing)
}

// mayCommand refuses an order about a machine that has no key to take, whose key is taken already, or that something holds.
func (h *Handler) mayCommand(ctx context.Context, c boot.Call, r record.Request, m record.Machine, doing string) error {
	if o := m.Order; o != nil && !m.State.CommandedAt.IsZero() {
		return fault.New(fault.Conflict, "%s: it was ordered already, by %s at %s", doing, o.By, o.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if commanded := integrity.Commanded(m.State, c.Now); commanded == m.State {
		return fault.New(fault.Conflict, "%s: there is none to take: its key request is %s", doing, keyrequest.View(r, m, c.Now).State)
	}
	m.State = integrity.Commanded(m.State, c.Now)
	holds, err := h.Store.HoldsOn(ctx, record.Scopes(m.ID, m.Policy), c.Now)
	if err != nil {
		return err
	}
	f := h.facts(ctx, c, m, holds)
	stops := guard.Stops(f, c.Now)
	if len(stops) == 0 {
		return nil
	}
	text := stops[0].Text()
	if detail := guard.Detail(f, stops[0]); detail != "" {
		text += ": " + detail
	}
	return fault.New(fault.Conflict, "%s: %s", doing, text)
}
