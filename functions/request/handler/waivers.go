package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// stands is whether a judgement that rests on waivers would be the same by those that stand now. One that
// ended since makes it evidence of another time, which decides nothing.
func (h *Handler) stands(ctx context.Context, now time.Time, m record.Machine, r policy.Result) (bool, error) {
	if len(r.Waived()) == 0 {
		return true, nil
	}
	on, err := h.Store.WaiversOn(ctx, record.Scopes(m.ID, r.Policy))
	if err != nil {
		return false, err
	}
	return waiver.Apply(r, on.All, m, now).Verdict == r.Verdict, nil
}
