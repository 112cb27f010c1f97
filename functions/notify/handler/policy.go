package handler

import (
	"cmp"
	"context"
	"regexp"
	"time"

	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var machineID = regexp.MustCompile(`^m?i-[0-9a-f]{8,32}$`)

// tellPolicy sends a notice about a policy, or about all machines, to those whom the policy names, to those whom the version
// before named when it was changed, and to the account's contact: who is taken out of a policy hears of that.
func (h *Handler) tellPolicy(ctx context.Context, now time.Time, kind notice.Kind, t enforcement.Task) (enforcement.Told, error) {
	n := notice.Notice{
		Kind: kind, Policy: t.Input.Policy, Reference: t.Execution, Why: t.Input.Why, By: t.Input.By, What: t.Input.What, DoneAt: now,
	}
	if kind == notice.PolicyChanged {
		n.Version = int(t.Input.Generation)
	} else {
		n.Waiver, n.DueAt = t.Input.Request, t.Input.DueAt
	}
	named, err := h.named(ctx, kind, n.Policy, n.Version)
	if err != nil {
		return enforcement.Told{}, err
	}
	p := policy.Default()
	for _, one := range named {
		n.TimeZone = cmp.Or(n.TimeZone, one.Notify.TimeZone, one.Schedule.TimeZone)
		p.Notify.To = append(p.Notify.To, one.Notify.To...)
	}
	p.Notify.To = append(p.Notify.To, h.Contact)
	return told(h.send(ctx, now, record.Machine{ID: t.Input.Machine}, p, n, t, nil))
}

// named are the versions of a policy whose addresses hear of a notice about it: the current one, or the one that was put and
// the one before. What is not there, or cannot be read as a policy, names nobody.
func (h *Handler) named(ctx context.Context, kind notice.Kind, name string, version int) ([]*policy.Policy, error) {
	if name == "" {
		return nil, nil
	}
	read := []func() (record.Policy, error){func() (record.Policy, error) { return h.Store.Policy(ctx, name) }}
	if kind == notice.PolicyChanged {
		read = []func() (record.Policy, error){
			func() (record.Policy, error) { return h.Store.PolicyVersion(ctx, name, version) },
			func() (record.Policy, error) { return h.Store.PolicyVersion(ctx, name, version-1) },
		}
	}
	var all []*policy.Policy
	for _, one := range read {
		stored, err := one()
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if p, err := stored.Compile(); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}
