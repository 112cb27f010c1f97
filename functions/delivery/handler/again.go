package handler

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// again is what the next ones are told, now that a notice did not reach these: the notice itself when it
// reached nobody, and that the key is revoked when that was done on a warning which turns out to have
// reached nobody for whom it counts. A warning before the deadline is not among it: the enforcement begins
// again. Neither is what is no longer so.
func again(m record.Machine, n record.Notice, lost []string) (enforcement.Input, bool) {
	if !n.Violation.Equal(m.State.Since) {
		return enforcement.Input{}, false
	}
	switch kind := notice.Kind(n.Kind); {
	case kind == notice.Warning:
		w := delivery.Of(m)
		late := m.State.Key == integrity.KeyRevoked && (guard.Delivery{Counts: w.Counts, Lost: w.Lost}).Missed()
		counted := slices.ContainsFunc(lost, func(one string) bool { return slices.Contains(w.Counts, one) })
		return enforcement.Input{Notice: string(notice.Revoked)}, late && counted
	case delivery.Reached(n), kind == notice.Held && m.State.HeldFor == "", kind == notice.Revoked && m.State.Key != integrity.KeyRevoked:
		return enforcement.Input{}, false
	default:
		return enforcement.Input{
			Notice: n.Kind, Missed: slices.Concat(n.Missed, n.To), Why: n.Why, By: n.By, Request: n.Request, What: n.What, DueAt: n.Until, Step: n.Step,
		}, true
	}
}

// start is the outbox's row, which the sweep starts within 5 minutes. Its name is made of the machine's
// next version, in whose transaction it is written.
func (h *Handler) start(now time.Time, m record.Machine, in enforcement.Input) ([]record.Start, error) {
	in.Version, in.Kind, in.Account, in.Region = enforcement.Version, enforcement.Tell, h.Account, h.Region
	in.Machine, in.Generation, in.Policy = m.ID, m.State.Generation, m.Policy
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding input of an execution: %w", err)
	}
	return []record.Start{{Name: enforcement.Name(in, int(m.Version)+1), Machine: m.ID, Input: text, At: now}}, nil
}
