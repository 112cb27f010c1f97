// Package handler sends notices. It is what the program notify serves, apart from its wiring, so that the simulation
// runs the same code.
package handler

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	PolicyVersion(ctx context.Context, name string, version int) (record.Policy, error)
	Request(ctx context.Context, machine, id string) (record.Request, error)
	BeginNotice(ctx context.Context, n record.Notice) (record.Notice, error)
	EndNotice(ctx context.Context, n record.Notice) error
	Storm(ctx context.Context, group string) (record.Storm, error)
	PutStorm(ctx context.Context, g record.Storm, now time.Time) (record.Storm, error)
	JoinStorm(ctx context.Context, group string, opens time.Time, one record.Stormed) error
	InStorm(ctx context.Context, group string, opens time.Time, limit int) ([]record.Stormed, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

type mail interface {
	Send(ctx context.Context, m sesmail.Mail) (messageID string, err error)
}

// Handler serves the ops warn and tell. All fields but Links and Notifiers are required.
type Handler struct {
	Store   records
	Mail    mail
	Contact string // who is told when nobody else is named
	Links   *Links // nil: mails have none
	Log     *slog.Logger

	Notifiers *Notifiers // nil: there are none
}

// Handle serves one task; its result depends on the op.
func (h *Handler) Handle(ctx context.Context, now time.Time, t enforcement.Task) (any, error) {
	if t.Version != enforcement.Version {
		return nil, fault.New(fault.Invalid, "reading the task: version is %d, expected %d", t.Version, enforcement.Version)
	}
	switch t.Op {
	case "warn":
		w, err := h.warn(ctx, now, t)
		if err == nil && !w.AcceptedAt.IsZero() {
			unheard := h.gather(ctx, now, notice.Warning, t, w.DueAt)
			if now.Sub(w.AcceptedAt) < patience {
				return w, unheard
			}
			if unheard != nil { // tried for ever, the machine would be held for a warning that nobody accepted
				h.Log.ErrorContext(ctx, notGathered, boot.KeyMachine, t.Input.Machine, boot.KeyKind, string(notice.Warning), boot.KeyError, unheard.Error())
			}
		}
		return w, err
	case "tell":
		told, err := h.tell(ctx, now, t)
		if err == nil {
			err = h.gather(ctx, now, notice.Kind(cmp.Or(t.Notice, t.Input.Notice)), t, time.Time{})
		}
		return told, err
	default:
		return nil, fault.New(fault.Invalid, "reading the task: op is %q, expected warn or tell", t.Op)
	}
}

// patience is how long after a warning was accepted notifiers are tried, before it counts without them: the first few of the
// state machine's tries, and never the last.
const patience = 5 * time.Second

// nobody is logged, and an alarm made of it, when a notice came back from all who could be told.
const nobody = "nobody is left to tell"

// tell sends one other notice. It tells what happened, whatever came after.
func (h *Handler) tell(ctx context.Context, now time.Time, t enforcement.Task) (enforcement.Told, error) {
	kind := notice.Kind(t.Notice)
	if kind == "" {
		kind = notice.Kind(t.Input.Notice)
	}
	if !slices.Contains(notice.Kinds(), kind) || kind == notice.Warning {
		return enforcement.Told{}, fault.New(fault.Invalid, "reading the task: notice is %q", kind)
	}
	if kind == notice.PolicyChanged || kind == notice.Waived && !machineID.MatchString(t.Input.Machine) {
		return h.tellPolicy(ctx, now, kind, t)
	}
	if kind.OfStack() {
		return h.tellContact(ctx, now, kind, t)
	}
	m, p, err := h.read(ctx, t)
	if unreadable := (policy.Errors)(nil); errors.As(err, &unreadable) {
		// Under a policy that cannot be read things stand still, which somebody has to hear of.
		p, err = policy.Default(), nil
		p.Name, p.Notify.To = m.Policy, []string{h.Contact}
	}
	if err != nil {
		return enforcement.Told{}, err
	}
	if slices.Contains(p.Notify.Omit, string(kind)) {
		h.Log.InfoContext(ctx, "notice left out by the policy", boot.KeyMachine, m.ID, boot.KeyKind, string(kind))
		return enforcement.Told{}, nil
	}
	if stale, err := h.stale(ctx, kind, m, p, t); stale || err != nil {
		return enforcement.Told{}, err
	}
	switch kind {
	case notice.WaiverAsked: // who decides about waivers need not be among the machine's own
		p.Notify.To = append(slices.Clone(p.Notify.To), h.Contact)
	case notice.Escalated: // who was told before hears nothing new
		p.Notify.To = p.Notify.Escalate[t.Input.Step-1].To
	}
	n := content.Of(kind, m, p, t)
	n.DoneAt, n.Missed = now, t.Input.Missed
	if len(n.Missed) > 0 && len(h.addressees(m, p).Next(delivery.Of(m).Lost, n.Missed)) == 0 {
		h.Log.ErrorContext(ctx, nobody, boot.KeyMachine, m.ID, boot.KeyKind, string(kind))
		return enforcement.Told{}, nil
	}
	return told(h.send(ctx, now, m, p, n, t, nil))
}

// tellContact sends a notice about the whole stack to the account's contact alone. What it says was written
// with what happened.
func (h *Handler) tellContact(ctx context.Context, now time.Time, kind notice.Kind, t enforcement.Task) (enforcement.Told, error) {
	p := policy.Default()
	p.Notify.To = []string{h.Contact}
	return told(h.send(ctx, now, record.Machine{ID: t.Input.Machine}, p, notice.Notice{
		Kind: kind, Policy: t.Input.Policy, Reference: t.Execution, Why: t.Input.Why, DoneAt: now,
	}, t, nil))
}

func told(sent record.Notice, err error) (enforcement.Told, error) {
	if err != nil {
		return enforcement.Told{}, err
	}
	return enforcement.Told{Reference: sent.Reference, AcceptedAt: sent.AcceptedAt, MessageID: sent.MessageID}, nil
}

func (h *Handler) read(ctx context.Context, t enforcement.Task) (record.Machine, *policy.Policy, error) {
	m, err := h.Store.Machine(ctx, t.Input.Machine)
	if err != nil {
		return m, nil, err
	}
	stored, err := h.Store.Policy(ctx, m.Policy)
	if fault.Is(err, fault.NotFound) {
		return m, policy.Default(), nil
	}
	if err != nil {
		return m, nil, err
	}
	p, err := stored.Compile()
	return m, p, err
}

// send records the notice, hands it to SES and records the answer. A notice that SES accepted before is
// not sent again; one whose answer was lost is, with the same reference and marked as a repeat. counts is
// for whom a warning counts.
func (h *Handler) send(ctx context.Context, now time.Time, m record.Machine, p *policy.Policy, n notice.Notice, t enforcement.Task, counts []string) (record.Notice, error) {
	r, err := h.Store.BeginNotice(ctx, h.noticeOf(now, m, p, n, t, counts))
	if err != nil || !r.AcceptedAt.IsZero() {
		return r, err
	}
	n.Repeated = r.Attempts > 1
	if n.Kind == notice.Warning {
		// The mail of an attempt that was cut off may have arrived: a repeat names the deadline that it named.
		n.DueAt = integrity.Warned(m.State, r.BegunAt, p.Integrity).DueAt
	}
	n.Links = h.links(ctx, now, m, n, r)
	rendered, err := notice.Render(n, now)
	if err != nil {
		return r, fault.Wrap(fault.Internal, err, "rendering notice %s", r.Reference)
	}
	id, err := h.Mail.Send(ctx, sesmail.Mail{
		To: r.To, Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, Reference: n.Reference + "/" + r.Kind,
		Tags: map[string]string{delivery.TagMachine: m.ID, delivery.TagExecution: t.Execution, delivery.TagNotice: r.Kind},
	})
	if err != nil {
		return r, errors.Join(err, h.refused(ctx, now, r, err))
	}
	r.Subject, r.MessageID, r.AcceptedAt = rendered.Subject, id, now
	var found time.Time
	if n.Kind == notice.Warning && len(n.Missed) == 0 {
		found = m.State.Since
	}
	h.Log.InfoContext(ctx, "notice accepted", boot.KeyMachine, m.ID, boot.KeyKind, r.Kind, boot.KeyExecution, n.Reference, boot.Took("WarnedSeconds", found, now))
	return r, h.Store.EndNotice(ctx, r)
}

// noticeOf is the record of a notice that is about to be sent.
func (h *Handler) noticeOf(now time.Time, m record.Machine, p *policy.Policy, n notice.Notice, t enforcement.Task, counts []string) record.Notice {
	return record.Notice{
		Machine: m.ID, Reference: t.Execution + "/" + string(n.Kind), Kind: string(n.Kind), BegunAt: now,
		Why: t.Input.Why, By: t.Input.By, Request: t.Input.Request, What: t.Input.What, Until: t.Input.DueAt, Step: t.Input.Step,
		To: h.addressees(m, p).To(append(delivery.Of(m).Lost, n.Missed...)), Missed: n.Missed, Violation: m.State.Since, Counts: counts,
	}
}

// refused notes that SES said no, so that there is no mail: the next attempt is like a first one and gives the
// whole grace. After any other error there may be one, and an earlier attempt, whose beginning is kept, may have sent it.
func (h *Handler) refused(ctx context.Context, now time.Time, r record.Notice, err error) error {
	if !r.BegunAt.Equal(now) {
		return nil
	}
	var aws interface{ ErrorCode() string } // what every error of the SDK has, without importing it
	if !errors.As(err, &aws) || strings.HasPrefix(aws.ErrorCode(), "Internal") || strings.HasPrefix(aws.ErrorCode(), "Service") {
		return nil
	}
	r.BegunAt = time.Time{}
	return h.Store.EndNotice(ctx, r)
}

// addressees are who may be told of a machine, in the order in which a warning counts for them.
func (h *Handler) addressees(m record.Machine, p *policy.Policy) delivery.Addressees {
	return delivery.Addressees{Owner: m.Owner, Policy: p.Notify.To, Account: h.Contact}
}
