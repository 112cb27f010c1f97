package handler

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/breaker"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

const eventsShown = 50

func (h *Handler) showBreaker(ctx context.Context, c boot.Call) (int, any, error) {
	b, err := h.Store.Breaker(ctx)
	if err != nil {
		return 0, nil, err
	}
	v := record.BreakerView{Window: h.Limits.Window.String(), Waiting: []string{}, Rules: []record.RuleBreaker{}, Events: []record.BreakerEvent{}}
	rules, err := h.Store.RuleBreakers(ctx)
	if err != nil {
		return 0, nil, err
	}
	events, err := h.Store.BreakerEvents(ctx, eventsShown)
	if err != nil {
		return 0, nil, err
	}
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		return 0, nil, err
	}
	v.Rules, v.Events = append(v.Rules, rules...), append(v.Events, events...)
	for _, m := range machines {
		if guard.ToldTogether(guard.Reason(m.State.HeldFor)) {
			v.Waiting = append(v.Waiting, m.ID)
		}
	}
	now := guard.BreakerFor("", b, h.Limits, c.Now)
	b.Spent = guard.Spent(b, h.Limits, c.Now)
	v.Breaker, v.Limit, v.Room = b, now.Limit, now.Room()
	v.Newly = record.RuleLimit{Percent: h.Limits.Rules.Percent, Machines: h.Limits.Rules.Machines}
	return http.StatusOK, boot.Tagged{Value: v}, nil
}

// resetBreaker gives room for as many machines again, or lets the rules of a policy revoke again.
func (h *Handler) resetBreaker(ctx context.Context, c boot.Call) (int, any, error) {
	scope, name, err := h.breakerScope(ctx, c.PathValue("scope"))
	if err != nil {
		return 0, nil, err
	}
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	if err := checkReason(r, "resetting the breaker"); err != nil {
		return 0, nil, err
	}
	if done, err := h.resetBefore(ctx, c); err != nil || done != nil {
		return http.StatusOK, done, err
	}
	const tries = 5
	for range tries {
		change, err := h.reset(ctx, c, name, r.Reason)
		if err != nil {
			return 0, nil, err
		}
		change.Event.Call = c.Once
		if err = h.Store.ChangeBreaker(ctx, change); err == nil {
			h.Log.InfoContext(ctx, "breaker reset", boot.KeyReason, r.Reason, "scope", string(scope), "by", c.Caller)
			return http.StatusOK, change.Event, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return 0, nil, err
		}
	}
	return 0, nil, fault.New(fault.Transient, "resetting the breaker: it keeps being changed by others")
}

// resetBefore is what this very call did, when it died before it said so: a reset gives room each time.
func (h *Handler) resetBefore(ctx context.Context, c boot.Call) (*record.BreakerEvent, error) {
	if c.Once == "" {
		return nil, nil
	}
	const newest = 100
	events, err := h.Store.BreakerEvents(ctx, newest)
	if at := slices.IndexFunc(events, func(e record.BreakerEvent) bool { return e.Call == c.Once }); err == nil && at >= 0 {
		return &events[at], nil
	}
	return nil, err
}

// reset is the change; without the name of a policy, of the breaker over everything.
func (h *Handler) reset(ctx context.Context, c boot.Call, name, reason string) (record.BreakerChange, error) {
	if name != "" {
		b, err := h.Store.RuleBreaker(ctx, name)
		if err == nil && len(b.Trips) == 0 {
			err = fault.New(fault.Conflict, "resetting the breaker: none of the rules of policy %s has tripped", name)
		}
		return breaker.ResetRules(b, c.Caller, reason, c.Now), err
	}
	b, err := h.Store.Breaker(ctx)
	if err == nil && h.Limits.Limit(b.Guarded) == 0 {
		err = fault.New(fault.Conflict, "resetting the breaker: the stack's limit is 0, so that a reset gives no room; change BreakerMachines or BreakerPercent")
	}
	return breaker.Reset(b, c.Caller, reason, c.Now), err
}

func (h *Handler) breakerScope(ctx context.Context, text string) (record.Scope, string, error) {
	scope, err := h.scope(ctx, text)
	if err != nil {
		return scope, "", err
	}
	if scope == "global" {
		return scope, "", nil
	}
	if name, ok := strings.CutPrefix(text, "policy:"); ok {
		return scope, name, nil
	}
	return "", "", fault.Wrong("scope", "reading scope %q: expected global or policy:NAME", text)
}

// breakerFacts are the breakers as the machine meets them; what cannot be read stays unread. What the
// machines of the policy show together is for the sweep to find: this reads what it found.
func (h *Handler) breakerFacts(ctx context.Context, c boot.Call, m record.Machine) (all guard.Breaker, rule guard.Rule) {
	if b, err := h.Store.Breaker(ctx); err == nil {
		all = guard.BreakerFor(m.ID, b, h.Limits, c.Now)
	}
	if b, err := h.Store.RuleBreaker(ctx, m.Policy); err == nil {
		rule = guard.RuleFor(m, m.PolicyUsed, nil, b, h.Limits.Rules, c.Now)
	}
	return all, rule
}
