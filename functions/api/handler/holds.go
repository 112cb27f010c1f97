package handler

import (
	"context"
	"net/http"
	"strings"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func (h *Handler) listHolds(ctx context.Context, c boot.Call) (int, any, error) {
	holds, err := h.Store.Holds(ctx, c.Now)
	return http.StatusOK, boot.Tagged{Value: list("holds", holds)}, err
}

// setHold stops revocations on one machine, one policy or everything, until it is lifted or expires.
func (h *Handler) setHold(ctx context.Context, c boot.Call) (int, any, error) {
	scope, err := h.scope(ctx, c.PathValue("scope"))
	if err != nil {
		return 0, nil, err
	}
	var r record.HoldWish
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	if err := checkReason(record.Reason{Reason: r.Reason}, "setting hold on "+string(scope)); err != nil {
		return 0, nil, err
	}
	if !r.Expires.IsZero() && !r.Expires.After(c.Now) {
		return 0, nil, fault.Wrong("expires", "setting hold on %s: it expires at %s, which is past", scope, r.Expires)
	}
	hold := record.Hold{Scope: scope, Reason: r.Reason, By: c.Caller, SetAt: c.Now, Expires: r.Expires}
	return http.StatusOK, hold, h.Store.SetHold(ctx, hold)
}

func (h *Handler) liftHold(ctx context.Context, c boot.Call) (int, any, error) {
	scope, err := h.scope(ctx, c.PathValue("scope"))
	if err != nil {
		return 0, nil, err
	}
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	if err := checkReason(r, "lifting hold on "+string(scope)); err != nil {
		return 0, nil, err
	}
	h.Log.InfoContext(ctx, "hold lifted", boot.KeyReason, r.Reason, "scope", string(scope), "by", c.Caller)
	return http.StatusOK, map[string]string{"lifted": string(scope), "by": c.Caller}, h.Store.LiftHold(ctx, scope)
}

// scope reads what a hold covers; what it names has to exist, since a hold on nothing stops nothing.
func (h *Handler) scope(ctx context.Context, text string) (record.Scope, error) {
	kind, name, _ := strings.Cut(text, ":")
	var err error
	switch kind {
	case "global":
		if text != "global" {
			return "", fault.Wrong("scope", "reading scope %q: global takes no name", text)
		}
	case "machine":
		_, err = h.Store.Machine(ctx, name)
	case "policy":
		if name != policy.DefaultName {
			_, err = h.Store.Policy(ctx, name)
		}
	default:
		return "", fault.Wrong("scope", "reading scope %q: expected global, policy:NAME or machine:ID", text)
	}
	return record.Scope(text), err
}
