// Package handler tells what notifiers gathered. It is what the program notifier serves, apart from its wiring.
package handler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/aws/webhook"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Notifier(ctx context.Context, name string) (record.Notifier, error)
	DueNotifiers(ctx context.Context, now time.Time) ([]string, error)
	Gathering(ctx context.Context, notifier string) (record.Gathering, error)
	Occurrences(ctx context.Context, notifier string, limit int) ([]record.Occurrence, error)
	PutDue(ctx context.Context, before record.Gathering, due time.Time) error
	Deliveries(ctx context.Context, notifier string) ([]record.Delivery, error)
	BeginDelivery(ctx context.Context, g record.Gathering, d record.Delivery) (record.Delivery, error)
	TakeOccurrences(ctx context.Context, d record.Delivery) error
	PutDelivery(ctx context.Context, d record.Delivery) (record.Delivery, error)
	EndDelivery(ctx context.Context, d record.Delivery) error
}

type mailer interface {
	Send(ctx context.Context, m sesmail.Mail) (messageID string, err error)
}

type publisher interface {
	Publish(ctx context.Context, arn string, m topic.Message) (messageID string, err error)
}

type poster interface {
	Post(ctx context.Context, now time.Time, p webhook.Post) error
}

// Handler tells. All fields are required.
type Handler struct {
	Store    records
	Mail     mailer
	Topics   publisher
	Webhooks poster
	Log      *slog.Logger
}

// Summary is what was done.
type Summary struct {
	Told    int `json:"told"`    // deliveries that are over
	Waiting int `json:"waiting"` // that are tried again
}

const (
	mostAtOnce = 1000            // occurrences of one delivery
	mostInARun = 50              // deliveries that one invocation begins for one notifier
	underWay   = 6 * time.Minute // after which a try counts as dead: longer than the function's timeout
)

// Handle tells what is due. One notifier that fails keeps no other from being told.
func (h *Handler) Handle(ctx context.Context, now time.Time, f record.Flush) (Summary, error) {
	var done Summary
	if f.Op != "flush" {
		return done, fault.New(fault.Invalid, "reading the event: op is %q, expected flush", f.Op)
	}
	names := []string{f.Notifier}
	if f.Notifier == "" {
		var err error
		if names, err = h.Store.DueNotifiers(ctx, now); err != nil {
			return done, err
		}
	}
	var problems []error
	for _, name := range names {
		problems = append(problems, h.flush(ctx, now, name, &done))
	}
	return done, errors.Join(problems...)
}

// flush tries what was begun and is due again, then begins what is due. Of two that are at it at once one begins each delivery,
// the other finds that it was quicker and leaves.
func (h *Handler) flush(ctx context.Context, now time.Time, name string, done *Summary) error {
	n, err := h.Store.Notifier(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return h.forget(ctx, name)
	}
	if err != nil {
		return err
	}
	var problems []error
	begun, err := h.Store.Deliveries(ctx, name)
	if err != nil {
		return err
	}
	for _, d := range begun {
		if !d.Next.After(now) {
			d.Next = now.Add(underWay)
			problems = append(problems, h.try(ctx, now, n, d, done))
		}
	}
	for range mostInARun {
		d, err := h.begin(ctx, now, n)
		if err != nil || d.ID == "" {
			return errors.Join(append(problems, err)...)
		}
		problems = append(problems, h.deliver(ctx, now, n, d, done))
	}
	return errors.Join(problems...)
}

// try begins another try of a delivery; one that somebody else is at is theirs.
func (h *Handler) try(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery, done *Summary) error {
	d.Tries++
	d, err := h.Store.PutDelivery(ctx, d)
	if err != nil {
		return theirs(err)
	}
	return h.deliver(ctx, now, n, d, done)
}

// begin writes down the next delivery that is due, before anybody is told of it; one without an id when none is. What the deliveries
// before it are of does not wait any more, also when the one that began them was cut off.
func (h *Handler) begin(ctx context.Context, now time.Time, n record.Notifier) (none record.Delivery, err error) {
	g, err := h.Store.Gathering(ctx, n.Name)
	if err != nil {
		return none, err
	}
	begun, err := h.Store.Deliveries(ctx, n.Name)
	if err != nil {
		return none, err
	}
	for _, d := range begun {
		if !d.Taken {
			if err := h.Store.TakeOccurrences(ctx, d); err != nil {
				return none, err
			}
		}
	}
	waiting, err := h.Store.Occurrences(ctx, n.Name, mostAtOnce)
	if err != nil {
		return none, err
	}
	chosen, due := choose(n, waiting, now)
	if len(chosen) == 0 {
		if due.IsZero() && g.Due.IsZero() {
			return none, nil
		}
		return none, theirs(h.Store.PutDue(ctx, g, due)) // what was added meanwhile is looked at by the next sweep
	}
	d, err := h.Store.BeginDelivery(ctx, g, record.Delivery{
		ID: idOf(n.Name, chosen), Notifier: n.Name, Occurrences: chosen, BegunAt: now, Tries: 1, Next: now.Add(underWay),
	})
	if err != nil {
		return none, theirs(err)
	}
	return d, h.Store.TakeOccurrences(ctx, d)
}

// choose is what of all that waits is told now, oldest first, or else when there is something; the zero time when nothing waits.
func choose(n record.Notifier, waiting []record.Occurrence, now time.Time) (chosen []record.Occurrence, due time.Time) {
	sooner := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if n.Digest == nil {
		for _, o := range waiting {
			at := notifier.Due(n, o.At, 1, notifier.CanWait(o), now)
			if !at.After(now) {
				return []record.Occurrence{o}, time.Time{}
			}
			sooner(at)
		}
		return nil, due
	}
	var urgent []record.Occurrence
	for _, o := range waiting {
		can := notifier.CanWait(o)
		sooner(notifier.Due(n, waiting[0].At, len(waiting), can, now))
		if !can {
			urgent = append(urgent, o)
		}
	}
	switch {
	case due.IsZero() || due.After(now):
		return nil, due
	case notifier.Due(n, waiting[0].At, len(waiting), true, now).After(now):
		return urgent, time.Time{} // the others wait for the end of the quiet time
	}
	return waiting, time.Time{}
}

// idOf is the same for the same occurrences, so that who gets them twice can tell.
func idOf(name string, of []record.Occurrence) string {
	sum := sha256.New()
	sum.Write([]byte(name))
	for _, o := range of {
		sum.Write([]byte("\n" + o.Reference))
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// theirs ignores that somebody else was quicker: they do what was to be done.
func theirs(err error) error {
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// forget drops what a notifier gathered that is not there any more.
func (h *Handler) forget(ctx context.Context, name string) error {
	g, err := h.Store.Gathering(ctx, name)
	if err != nil {
		return err
	}
	begun, err := h.Store.Deliveries(ctx, name)
	if err != nil {
		return err
	}
	for _, d := range begun {
		if err := h.Store.EndDelivery(ctx, d); err != nil {
			return theirs(err)
		}
	}
	for {
		waiting, err := h.Store.Occurrences(ctx, name, mostAtOnce)
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			break
		}
		if err := h.Store.TakeOccurrences(ctx, record.Delivery{Notifier: name, Occurrences: waiting}); err != nil {
			return err
		}
	}
	h.Log.InfoContext(ctx, "notifier is gone", boot.KeyKind, name)
	if g.Due.IsZero() {
		return nil
	}
	return theirs(h.Store.PutDue(ctx, g, time.Time{}))
}
