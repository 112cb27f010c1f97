package handler

import (
	"context"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// stale is whether what a notice asks people for is done before it could be sent: a key request that waited for a person
// and does no more, a violation that was put right, or whose step the policy has no more. What is sent already is not taken
// back.
func (h *Handler) stale(ctx context.Context, kind notice.Kind, m record.Machine, p *policy.Policy, t enforcement.Task) (bool, error) {
	switch kind {
	case notice.Escalated:
		_, bad := integrity.Uncorrected(m.State, p.Integrity)
		return !bad || t.Input.Step < 1 || t.Input.Step > min(m.Climbed(), len(p.Notify.Escalate)), nil
	case notice.RequestPending:
	default:
		return false, nil
	}
	r, err := h.Store.Request(ctx, t.Input.Machine, t.Input.Request)
	if fault.Is(err, fault.NotFound) {
		return true, nil // it is not kept any more
	}
	return err == nil && (r.State != string(keyrequest.Pending) || r.Ruling != nil), err
}
