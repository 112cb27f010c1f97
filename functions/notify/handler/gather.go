package handler

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Notifiers are told of what notices tell. All fields are required.
type Notifiers struct {
	Store interface {
		Notifiers(ctx context.Context) ([]record.Notifier, error)
		AddOccurrence(ctx context.Context, notifier string, o record.Occurrence, due time.Time) (record.Gathering, error)
	}
	Flush interface {
		Invoke(ctx context.Context, event any) error
	}
}

// notGathered is logged, and an alarm made of it, when a notifier will not hear of an event.
const notGathered = "notifier not told"

// gather has notifiers hear of what a task told, after it was told: also of what a policy omits, and when nobody was left whom a
// notice could go to. What may pass is an error, for the state machine to try again: the notice is not sent again then, and what
// was gathered is not gathered twice. Anything else is logged and keeps nothing from going on.
func (h *Handler) gather(ctx context.Context, now time.Time, kind notice.Kind, t enforcement.Task, due time.Time) error {
	if h.Notifiers == nil || drill.Is(t.Input.Machine) {
		return nil
	}
	err := h.gatherAll(ctx, now, kind, t, due)
	if err == nil || fault.Is(err, fault.Transient) {
		return err
	}
	h.Log.ErrorContext(ctx, notGathered, boot.KeyMachine, t.Input.Machine, boot.KeyKind, string(kind), boot.KeyError, err.Error())
	return nil
}

func (h *Handler) gatherAll(ctx context.Context, now time.Time, kind notice.Kind, t enforcement.Task, due time.Time) error {
	all, err := h.Notifiers.Store.Notifiers(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	o, over, err := h.occurrence(ctx, now, kind, t, due)
	if over || err != nil {
		return err
	}
	var problems []error
	for _, n := range all {
		if notifier.Wants(n, o.Event, o.Policy) {
			problems = append(problems, h.gatherFor(ctx, now, n, o))
		}
	}
	return errors.Join(problems...)
}

// gatherFor keeps an occurrence for one notifier, and has it told when it is due. That it could not be asked to is made up for by
// the sweep.
func (h *Handler) gatherFor(ctx context.Context, now time.Time, n record.Notifier, o record.Occurrence) error {
	can := notifier.CanWait(o)
	g, err := h.Notifiers.Store.AddOccurrence(ctx, n.Name, o, notifier.Due(n, o.At, 1, can, now))
	if err != nil || notifier.Due(n, g.First, g.Count, can, now).After(now) {
		return err
	}
	if err := h.Notifiers.Flush.Invoke(ctx, record.Flush{Op: "flush", Notifier: n.Name}); err != nil {
		h.Log.WarnContext(ctx, "notifier not asked to tell", boot.KeyKind, n.Name, boot.KeyError, err.Error())
	}
	return nil
}

// occurrence is what notifiers are told of a notice; over when the notice is of what is done by now.
func (h *Handler) occurrence(ctx context.Context, now time.Time, kind notice.Kind, t enforcement.Task, due time.Time) (o record.Occurrence, over bool, err error) {
	o = record.Occurrence{
		Reference: t.Execution + "/" + string(kind), Event: string(kind), At: now, Policy: t.Input.Policy, Why: t.Input.Why, By: t.Input.By, DueAt: cmp.Or(due, t.Input.DueAt),
	}
	if kind.OfStack() || !machineID.MatchString(t.Input.Machine) {
		o.Why = cmp.Or(o.Why, t.Input.What)
		return o, false, nil
	}
	m, p, err := h.read(ctx, t)
	if unreadable := (policy.Errors)(nil); errors.As(err, &unreadable) {
		p, err = policy.Default(), nil
		p.Name = m.Policy
	}
	if err != nil {
		return o, false, err
	}
	if over, err = h.stale(ctx, kind, m, p, t); over || err != nil {
		return o, over, err
	}
	n := content.Of(kind, m, p, t)
	o.Machine, o.Name, o.Owner, o.Zone, o.Policy, o.Version = m.ID, m.Name, m.Owner, m.Zone, m.Policy, p.Version
	o.Why, o.Silence, o.DueAt = cmp.Or(n.Why, o.Why, m.State.Why), n.Silence, cmp.Or(due, n.DueAt)
	if kind == notice.Warning || kind == notice.NotifyBad || kind == notice.Reminder {
		for _, f := range n.Findings {
			if f.Verdict == policy.Fail {
				o.Why, o.Fix = f.Rule+": "+f.Actual, f.Fix
				break
			}
		}
	}
	return o, false, nil
}
