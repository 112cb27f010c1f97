package handler

import (
	"context"
	"net/http"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// resume lets a machine go on that was left to a person. The sweep starts what is owed then.
func (h *Handler) resume(ctx context.Context, c boot.Call) (int, any, error) {
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	id := c.PathValue("id")
	if err := checkReason(r, "resuming "+id); err != nil {
		return 0, nil, err
	}
	m, err := h.Store.Machine(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	held := m.State.HeldFor
	if !integrity.EndedByPerson(held) {
		return 0, nil, fault.New(fault.Conflict, "resuming %s: it is held for %q, expected a reason that waits for a person to resume", id, held)
	}
	m.State = integrity.Resumed(m.State, c.Now)
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, Ledger: []record.Entry{{
		Machine: id, At: c.Now, Kind: record.EntryResumed, Generation: m.State.Generation, By: c.Caller,
		Text: "a person let it go on: " + r.Reason, Detail: "held because " + guard.Reason(held).Text(),
	}}})
	return http.StatusOK, m, err
}
