package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// known is what one invocation read and need not read again.
type known struct {
	policies map[string]ruled
	waivers  map[record.Scope]record.Waivers
	patchings
}

// evaluated is the judgement of one look before people's waivers.
func evaluated(now time.Time, l look, m record.Machine, p *policy.Policy) policy.Result {
	if l.evidence == nil {
		return policy.Result{Policy: p.Name, Version: p.Version, Digest: p.Digest}
	}
	return policy.Evaluate(p, l.evidence, now).Withhold(m.Withheld())
}

// waived is the judgement with the waivers that stand now. They are read only where something failed.
// What AWS refuses for a moment is an error, and the machine is judged later; what is there and cannot be
// read leaves a failure a failure, and is told as unread: the guard takes no key then.
func (h *Handler) waived(ctx context.Context, now time.Time, m record.Machine, r policy.Result, k *known) (result policy.Result, unread bool, err error) {
	if r.Verdict != policy.Fail {
		return r, false, nil
	}
	var all []record.Waiver
	for _, scope := range record.Scopes(m.ID, r.Policy) {
		on, ok := k.waivers[scope]
		if !ok {
			on, err = h.Store.WaiversOn(ctx, []record.Scope{scope})
			switch {
			case fault.Is(err, fault.Transient):
				return r, false, err
			case err != nil:
				h.Log.WarnContext(ctx, "waivers cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
				on = record.Waivers{Unread: 1}
			}
			k.waivers[scope] = on
		}
		all, unread = append(all, on.All...), unread || on.Unread > 0
	}
	r = waiver.Apply(r, all, m, now)
	return r, unread && r.Verdict == policy.Fail, nil
}

// reason is the line of a judgement that people read first: what is bad, or what is allowed.
func reason(l look, r policy.Result) string {
	bad, waived := r.Bad(), r.Waived()
	switch {
	case l.evidence == nil:
		return l.why
	case len(bad) > 0:
		return bad[0].Rule + ": " + bad[0].Actual
	case len(waived) > 0:
		f := waived[0]
		return "waived until " + f.Waived[0].Expires.UTC().Format(time.RFC3339) + " by " + f.Waived[0].Waiver + ": " + f.Rule + ": " + f.Actual
	}
	return ""
}
