package handler

import (
	"context"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/breaker"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// breakers reads both. What cannot be read stays unread in the facts.
func (h *Handler) breakers(ctx context.Context, now time.Time, m record.Machine, k *known) (guard.Breaker, guard.Rule) {
	var all guard.Breaker
	var rule guard.Rule
	var err error
	if k.breaker, err = h.Store.Breaker(ctx); err == nil {
		all = guard.BreakerFor(m.ID, k.breaker, h.Limits, now)
	} else {
		h.Log.WarnContext(ctx, "breaker cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
	}
	if k.rules, err = h.Store.RuleBreaker(ctx, m.Policy); err == nil {
		rule = guard.RuleFor(m, k.version, nil, k.rules, h.Limits.Rules, now)
	} else {
		h.Log.WarnContext(ctx, "breaker cannot be read", boot.KeyMachine, m.ID, boot.KeyPolicy, m.Policy, boot.KeyError, err.Error())
	}
	return all, rule
}

// weigh weighs the conditions. All machines are listed last, when nothing else holds the revocation and
// the breaker has room, so that a thousand enforcements in one second do not make a thousand listings:
// what they show and the sweep did not see yet trips before anything is reserved.
func (h *Handler) weigh(ctx context.Context, now time.Time, t enforcement.Task, m record.Machine, f guard.Facts, k *known) (guard.Decision, error) {
	d := guard.Weigh(f, now)
	if d.Outcome == guard.Revoke {
		all, err := h.Store.Machines(ctx)
		if err != nil {
			f.Rule = guard.Rule{}
			return guard.Weigh(f, now), nil
		}
		if trips := guard.Trips(k.version, all, k.rules, h.Limits.Rules, now); len(trips) > 0 {
			c, err := breaker.Trip(k.rules, trips, place(t), now)
			if err != nil {
				return d, err
			}
			if err := h.Store.ChangeBreaker(ctx, c); err != nil {
				return d, err
			}
			k.rules = *c.Rules
			k.rules.Version++
			h.Log.WarnContext(ctx, "rules tripped", boot.KeyPolicy, m.Policy, boot.KeyReason, c.Event.Text)
		}
		f.Fleet = fleetOf(all, m, k.watch)
		f.Rule = guard.RuleFor(m, k.version, all, k.rules, h.Limits.Rules, now)
		f.Breaker.Ahead = guard.Ahead(m, all, k.breaker, h.Limits, now)
		d = guard.Weigh(f, now)
	}
	if d.Reason == guard.ReasonBreakerOpen && k.breaker.OpenSince.IsZero() && !drill.Is(m.ID) {
		c, err := breaker.Open(k.breaker, m.ID, f.Breaker.Ahead, h.Limits, place(t), now)
		if err != nil {
			return d, err
		}
		if err := h.Store.ChangeBreaker(ctx, c); err != nil {
			return d, err
		}
		h.Log.WarnContext(ctx, "breaker opened", boot.KeyMachine, m.ID, boot.KeyReason, c.Event.Text)
	}
	return d, nil
}

func place(t enforcement.Task) breaker.Place {
	return breaker.Place{Account: t.Input.Account, Region: t.Input.Region}
}

// contended is whether others kept changing the breaker. That passes, unlike a state that allows nothing: the
// state machine tries again at a random time, when fewer are at it.
func contended(err error, id string, first, last int64) error {
	if err == nil || first == last {
		return nil
	}
	return fault.Wrap(fault.Transient, err, "reserving the revocation of %s: many are at the breaker", id)
}
