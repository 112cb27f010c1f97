// Package handler records what became of mails. It is what the program delivery serves, apart from its wiring, so that
// the simulation runs the same code.
package handler

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// nobody is logged, and an alarm made of it, when a notice came back from all who could be told.
const nobody = "nobody is left to tell"

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Notice(ctx context.Context, machine, reference string) (record.Notice, error)
	PutNotice(ctx context.Context, n record.Notice) error
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

// Handler serves SES's events as SNS brings them. All fields are required.
type Handler struct {
	Store   records
	Account string
	Region  string
	Log     *slog.Logger
}

// Summary is what became of the events.
type Summary struct {
	Recorded int `json:"recorded"`
	Ignored  int `json:"ignored"` // of mails that are not ours, or said nothing new
}

// Handle records each event. What is about no notice of ours is logged and left. What cannot be read is an
// error, as a store that does not answer is: Lambda tries it twice more and then gives it to the dead letter
// queue, whose alarm rings.
func (h *Handler) Handle(ctx context.Context, now time.Time, in events.SNSEvent) (Summary, error) {
	var done Summary
	var problems []error
	for _, r := range in.Records {
		recorded, err := h.one(ctx, now, r)
		switch {
		case fault.Is(err, fault.NotFound):
			h.Log.WarnContext(ctx, "event of the mail service ignored", boot.KeyError, err.Error())
			done.Ignored++
		case err != nil:
			problems = append(problems, err)
		case recorded:
			done.Recorded++
		default:
			done.Ignored++
		}
	}
	return done, errors.Join(problems...)
}

func (h *Handler) one(ctx context.Context, now time.Time, r events.SNSEventRecord) (bool, error) {
	if r.EventSource != "aws:sns" {
		return false, fault.New(fault.Invalid, "reading an event: its source is %q, expected aws:sns", r.EventSource)
	}
	e, err := delivery.Parse([]byte(r.SNS.Message))
	if err != nil {
		return false, err
	}
	switch {
	case e.Account != h.Account:
		return false, fault.New(fault.NotFound, "recording what became of mail %s: it is of account %q", e.MessageID, e.Account)
	case e.Machine == "" || e.Reference == "":
		return false, fault.New(fault.NotFound, "recording what became of mail %s: it is no notice of Keyward", e.MessageID)
	}
	n, err := h.Store.Notice(ctx, e.Machine, e.Reference)
	if err != nil {
		return false, err
	}
	// What the mail told of others too became of theirs as well. They go first: until all are noted this is tried again.
	for _, other := range n.With {
		same := e
		same.Machine, same.Reference = other.Machine, other.Reference
		if _, err := h.patiently(ctx, now, same); err != nil && !fault.Is(err, fault.NotFound) {
			return false, err
		}
	}
	return h.patiently(ctx, now, e)
}

// patiently notes an event though others change what it is about.
func (h *Handler) patiently(ctx context.Context, now time.Time, e delivery.Event) (bool, error) {
	const tries = 5
	for range tries {
		recorded, err := h.record(ctx, now, e)
		if !fault.Is(err, fault.Conflict) {
			return recorded, err
		}
	}
	return false, fault.New(fault.Transient, "recording what became of mail %s: it keeps being changed by others", e.MessageID)
}

// record notes an event on its notice. A recipient who was not reached is noted in the ledger too, and
// moves the machine when it is the warning of its present violation that nobody got.
func (h *Handler) record(ctx context.Context, now time.Time, e delivery.Event) (bool, error) {
	n, err := h.Store.Notice(ctx, e.Machine, e.Reference)
	if err != nil {
		return false, err
	}
	if n.Attempts == 1 && n.MessageID != "" && n.MessageID != e.MessageID { // the answers to other attempts are not known
		return false, fault.New(fault.NotFound, "recording what became of mail %s: notice %s is another mail", e.MessageID, n.Reference)
	}
	n, fresh, lost := delivery.Note(n, e.Outcomes)
	if len(fresh) == 0 {
		return false, nil
	}
	if len(lost) == 0 {
		return true, h.Store.PutNotice(ctx, n)
	}
	m, err := h.Store.Machine(ctx, e.Machine)
	if fault.Is(err, fault.NotFound) {
		h.Log.ErrorContext(ctx, nobody, boot.KeyKind, n.Kind) // it went to the account's contact
		return true, h.Store.PutNotice(ctx, n)                // a notice about the whole stack has no ledger
	}
	if err != nil {
		return false, err
	}
	before := m.State
	m = missed(m, n, lost, now)
	text := string(fresh[0].Kind) + ": " + n.Kind + " to " + strings.Join(lost, ", ")
	if m.State.Generation != before.Generation {
		text += "; it counts for nobody any more, and others are warned"
	}
	change := store.Change{Machine: m, At: now, Notice: &n}
	if in, owed := again(m, n, lost); owed {
		text += "; others are told"
		if change.Start, err = h.start(now, m, in); err != nil {
			return false, err
		}
	}
	change.Ledger = []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryBounced, Generation: before.Generation, Text: text, Detail: e.MessageID,
	}}
	_, err = h.Store.Apply(ctx, change)
	if err == nil {
		h.Log.WarnContext(ctx, "notice not delivered", boot.KeyMachine, m.ID, boot.KeyKind, n.Kind, boot.KeyReason, string(fresh[0].Kind))
	}
	return err == nil, err
}

// missed is the machine after a notice did not reach some of its recipients.
func missed(m record.Machine, n record.Notice, lost []string, now time.Time) record.Machine {
	if n.Kind != string(notice.Warning) || !n.Violation.Equal(m.State.Since) || m.State.Standing != integrity.Bad {
		return m
	}
	w := delivery.Lose(delivery.Of(m), lost)
	m.Warning = &w
	if (guard.Delivery{Counts: w.Counts, Lost: w.Lost}).Missed() {
		m.State = integrity.Bounced(m.State, now)
	}
	return m
}
