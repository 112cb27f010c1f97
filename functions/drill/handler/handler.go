// Package handler takes the fire drill a step further. It is what the program drill serves, apart from its
// wiring, so that tests run the same code. What comes next is decided by shared/drill; this reads, tries
// the key, writes and asks.
package handler

import (
	"context"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Drill(ctx context.Context) (record.Drill, error)
	PutDrill(ctx context.Context, d record.Drill) (record.Drill, error)
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	PutPolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error)
	Sent(ctx context.Context, c record.Command) error
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error)
	Notices(ctx context.Context, machine string) ([]record.Notice, error)
}

// Handler carries out drills. All fields but Key are required.
type Handler struct {
	Store records
	Keys  interface {
		Key(ctx context.Context, id string) (kmskey.Key, error)
	}
	Trier interface {
		Use(ctx context.Context, key, machine string) (disabled bool, err error)
	}
	Evaluate interface {
		Invoke(ctx context.Context, event any) error
	}
	Key             string // alias of the drill's key; "": drills are switched off
	Session         string // ARN of this function's own session, which the key's policy admits as the machine's
	Owner           string // address that the mails of drills go to
	Account, Region string
	Log             *slog.Logger
}

// Handle begins a drill, or takes the one that runs a step further. Two at once are one: the second finds
// that the first was quicker, and does nothing.
func (h *Handler) Handle(ctx context.Context, now time.Time, e drill.Event) (record.Drill, error) {
	if e.Version != drill.Version || e.Op != drill.Start && e.Op != drill.Step {
		return record.Drill{}, fault.New(fault.Invalid, "reading the event: version %d op %q, expected %d and %s or %s", e.Version, e.Op, drill.Version, drill.Start, drill.Step)
	}
	d, err := h.Store.Drill(ctx)
	if err != nil {
		return d, err
	}
	if !d.Runs() {
		if e.Op == drill.Step {
			return d, nil
		}
		if d, err = h.begin(ctx, now, e, d); err != nil {
			return d, ignoreConflict(err)
		}
	}
	next, err := h.step(ctx, now, d)
	return next, ignoreConflict(err)
}

// ignoreConflict: another invocation is at it.
func ignoreConflict(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

func (h *Handler) begin(ctx context.Context, now time.Time, e drill.Event, before record.Drill) (record.Drill, error) {
	if h.Key == "" {
		return before, fault.New(fault.Invalid, "beginning a drill: drills are switched off; deploy with Drill=on")
	}
	by := e.By
	if by == "" {
		by = record.DrillBySchedule
	}
	d, err := h.Store.PutDrill(ctx, drill.Begin(by, now, before.Version))
	if err == nil {
		h.Log.InfoContext(ctx, "drill begun", boot.KeyReason, by)
	}
	return d, err
}

// step reads, decides, writes and asks, in this order: what was written and not asked for is asked for by a
// later step.
func (h *Handler) step(ctx context.Context, now time.Time, d record.Drill) (record.Drill, error) {
	m, err := h.Store.Machine(ctx, drill.Machine)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return d, err
	}
	k, seen := h.see(ctx, now, d, m)
	if m.Taken != nil && !m.Taken.OrderedAt.IsZero() {
		looked, err := h.Store.Evidence(ctx, drill.Machine, 1)
		if err != nil {
			return d, err
		}
		if len(looked) > 0 {
			seen.Answer = looked[0].JudgedAt.Sub(looked[0].Sent)
		}
	}
	if d.Phase == record.DrillRestore && seen.Serves {
		sent, err := h.Store.Notices(ctx, drill.Machine)
		if err != nil {
			return d, err
		}
		seen.Untold = drill.Untold(d, sent)
	}
	next, do := drill.Next(d, m, seen, now)
	switch {
	case do.Enrol:
		err = h.enrol(ctx, now, m, k)
	case do.GiveBack:
		err = h.giveBack(ctx, now, m)
	default:
		err = nil
	}
	if err != nil {
		return d, err
	}
	if next, err = h.Store.PutDrill(ctx, next); err != nil {
		return d, err
	}
	h.tell(ctx, d, next)
	if !do.Ask {
		return next, nil
	}
	return next, h.ask(ctx, now)
}

// see tries the key when the drill has to know whether it serves. A key that is not the drill's own is not tried.
func (h *Handler) see(ctx context.Context, now time.Time, d record.Drill, m record.Machine) (kmskey.Key, drill.Seen) {
	if !drill.Tries(d, m, now) {
		return kmskey.Key{}, drill.Seen{}
	}
	k, err := h.Keys.Key(ctx, h.Key)
	switch {
	case err != nil:
		return k, drill.Seen{Unknown: fault.Safe(err)}
	case !k.Guarded || !k.Drill:
		return k, drill.Seen{Unknown: "key " + h.Key + " is not tagged " + kmskey.GuardedTag + " and " + drill.Tag + " = true"}
	}
	disabled, err := h.Trier.Use(ctx, k.ARN, drill.Machine)
	if err != nil {
		return k, drill.Seen{Unknown: fault.Safe(err)}
	}
	return k, drill.Seen{Serves: !disabled, Refuses: disabled}
}

// ask has the machine answer. The command is recorded first: the sweep has it judged when evaluate was not woken.
func (h *Handler) ask(ctx context.Context, now time.Time) error {
	c := drill.Command(record.Check, "", now)
	if err := h.Store.Sent(ctx, c); err != nil {
		return err
	}
	return h.Evaluate.Invoke(ctx, inspection.Settle{Version: inspection.Version, Commands: []string{c.ID}})
}

// tell logs what is new: the metrics and alarms are made of these lines.
func (h *Handler) tell(ctx context.Context, before, d record.Drill) {
	for _, s := range d.Steps[min(len(before.Steps), len(d.Steps)):] {
		h.Log.InfoContext(ctx, "drill step", boot.KeyKind, s.Name, boot.KeySeconds, s.Seconds)
	}
	if before.Runs() && !d.Runs() {
		h.Log.InfoContext(ctx, "drill ended", boot.KeyKind, d.Outcome, boot.KeyReason, d.Why, boot.KeySeconds, d.EndedAt.Sub(d.BegunAt).Seconds())
	}
}
