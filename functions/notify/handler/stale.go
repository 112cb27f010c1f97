package handler

import (
	"context"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
)

// stale is whether what a notice asks people for is done before it could be sent: a key request that waited for a person
// and does no more. What is sent already is not taken back.
func (h *Handler) stale(ctx context.Context, kind notice.Kind, t enforcement.Task) (bool, error) {
	if kind != notice.RequestPending {
		return false, nil
	}
	r, err := h.Store.Request(ctx, t.Input.Machine, t.Input.Request)
	if fault.Is(err, fault.NotFound) {
		return true, nil // it is not kept any more
	}
	return err == nil && (r.State != string(keyrequest.Pending) || r.Ruling != nil), err
}
