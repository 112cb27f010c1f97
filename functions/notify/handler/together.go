package handler

import (
	"context"
	"errors"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/storm"
)

// together has a warning go by itself, wait for others of its group, or go for all of them. One that waits is counted
// among those that wait before its execution is told to ask again, and when it asks it is warned already, or leads.
func (h *Handler) together(ctx context.Context, now time.Time, one unwarned) (enforcement.Warned, error) {
	const tries = 5
	group := h.group(one)
	for range tries {
		before, err := h.Store.Storm(ctx, group)
		if err != nil {
			return enforcement.Warned{}, err
		}
		g, turn, again := storm.Next(before, one.m.ID, one.t.Execution, now)
		if g != before {
			g, err = h.Store.PutStorm(ctx, g, now)
		}
		if err == nil && turn != storm.Alone {
			err = h.Store.JoinStorm(ctx, group, g.OpensAt, record.Stormed{Machine: one.m.ID, Generation: one.t.Input.Generation, Execution: one.t.Execution})
		}
		switch {
		case fault.Is(err, fault.Conflict):
			continue
		case err != nil:
			return enforcement.Warned{}, err
		case turn == storm.Alone:
			return h.alone(ctx, now, one)
		case turn == storm.Lead:
			return h.lead(ctx, now, g, one)
		}
		return enforcement.Warned{Outcome: "gathering", DueAt: again}, nil
	}
	return enforcement.Warned{}, fault.New(fault.Transient, "warning %s: its group keeps being changed by others", one.m.ID)
}

func (h *Handler) group(one unwarned) string {
	lost := delivery.Of(one.m).Lost
	return storm.Group(one.m.Policy, h.addressees(one.m, one.p).To(lost), one.counts, lost)
}

// lead warns for all that wait. What fails on the way is done again by this execution or by another that waits: what was
// begun keeps its time, and what was accepted is not sent again.
func (h *Handler) lead(ctx context.Context, now time.Time, g record.Storm, mine unwarned) (enforcement.Warned, error) {
	all, err := h.waiting(ctx, g, mine)
	if err != nil {
		return enforcement.Warned{}, err
	}
	if len(all) == 1 {
		answer, err := h.alone(ctx, now, mine)
		if err != nil {
			return answer, err
		}
		return answer, h.led(ctx, now, g)
	}
	sent, err := h.sendAll(ctx, now, all)
	if err != nil {
		return enforcement.Warned{}, err
	}
	var answer enforcement.Warned
	for i, one := range all {
		said, err := h.warned(ctx, now, one, sent[i])
		if err != nil {
			return enforcement.Warned{}, err
		}
		if i == 0 {
			answer = said
		}
	}
	return answer, h.led(ctx, now, g)
}

// led notes that the mail is on its way. Whoever leads by now, since this took too long, notes it himself.
func (h *Handler) led(ctx context.Context, now time.Time, g record.Storm) error {
	_, err := h.Store.PutStorm(ctx, storm.Done(g, now), now)
	if fault.Is(err, fault.Conflict) {
		return nil
	}
	return err
}

// waiting are the warnings that one mail can send, the leader's first. Who is not to be warned any more, or by others, is
// left to its own execution.
func (h *Handler) waiting(ctx context.Context, g record.Storm, mine unwarned) ([]unwarned, error) {
	rows, err := h.Store.InStorm(ctx, g.Group, g.OpensAt, notice.MaxLines)
	if err != nil {
		return nil, err
	}
	all := []unwarned{mine}
	for _, row := range rows {
		if row.Machine == mine.m.ID || len(all) == notice.MaxLines {
			continue
		}
		t := enforcement.Task{Version: enforcement.Version, Op: "warn", Execution: row.Execution}
		t.Input.Machine, t.Input.Generation, t.Input.Policy = row.Machine, row.Generation, mine.m.Policy
		m, err := h.Store.Machine(ctx, row.Machine)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := m.State
		if m.Policy != mine.m.Policy || s.Generation != row.Generation || s.Standing != integrity.Bad || !s.WarnedAt.IsZero() || !integrity.Revokes(s, mine.p.Integrity) {
			continue
		}
		if one := h.unwarned(m, mine.p, t); h.group(one) == g.Group {
			all = append(all, one)
		}
	}
	return all, nil
}

// sendAll records each of the warnings, sends those that were not accepted before as one mail, and records the answer.
func (h *Handler) sendAll(ctx context.Context, now time.Time, all []unwarned) ([]record.Notice, error) {
	sent := make([]record.Notice, len(all))
	var fresh []int
	for i, one := range all {
		r, err := h.Store.BeginNotice(ctx, h.noticeOf(now, one.m, one.p, one.n, one.t, one.counts))
		if err != nil {
			return nil, err
		}
		if sent[i] = r; r.AcceptedAt.IsZero() {
			fresh = append(fresh, i)
		}
	}
	if len(fresh) == 0 {
		return sent, nil
	}
	// Events about the mail name the first alone, which has to say whom else it told.
	first := &sent[fresh[0]]
	first.With = nil
	for _, i := range fresh[1:] {
		first.With = append(first.With, record.Same{Machine: sent[i].Machine, Reference: sent[i].Reference})
	}
	if err := h.Store.EndNotice(ctx, *first); err != nil {
		return nil, err
	}
	subject, id, failed := h.mailAll(ctx, now, all, sent, fresh)
	err := failed
	for _, i := range fresh {
		if failed != nil {
			err = errors.Join(err, h.refused(ctx, now, sent[i], failed))
			continue
		}
		sent[i].Subject, sent[i].MessageID, sent[i].AcceptedAt = subject, id, now
		if err := h.Store.EndNotice(ctx, sent[i]); err != nil {
			return nil, err
		}
		one := all[i]
		h.Log.InfoContext(ctx, "notice accepted", boot.KeyMachine, one.m.ID, boot.KeyKind, sent[i].Kind, boot.KeyExecution, one.t.Execution, boot.Took("WarnedSeconds", found(one), now))
	}
	return sent, err
}

// mailAll hands the mail of those that are fresh to SES.
func (h *Handler) mailAll(ctx context.Context, now time.Time, all []unwarned, sent []record.Notice, fresh []int) (subject, id string, err error) {
	first, r := all[fresh[0]], sent[fresh[0]]
	b := notice.Batch{
		Warning: true, Mode: first.n.Mode, TimeZone: first.n.TimeZone, Reference: first.n.Reference, Missed: first.n.Missed,
		Prefix: first.p.Notify.Subject, Header: first.p.Notify.Header, Footer: first.p.Notify.Footer,
	}
	if text := first.p.Notify.Texts[string(notice.Warning)]; text != "" {
		b.Texts = map[notice.Kind]string{notice.Warning: text}
	}
	for _, i := range fresh {
		b.Lines = append(b.Lines, line(all[i], sent[i]))
		b.Repeated = b.Repeated || sent[i].Attempts > 1
	}
	rendered, err := notice.RenderBatch(b, now)
	if err != nil {
		return "", "", fault.Wrap(fault.Internal, err, "rendering the warning of %d machines", len(b.Lines))
	}
	id, err = h.Mail.Send(ctx, sesmail.Mail{
		To: r.To, Subject: rendered.Subject, Text: rendered.Text, HTML: rendered.HTML, Reference: first.n.Reference + "/" + r.Kind,
		Files: []sesmail.File{{Name: "machines.csv", MediaType: "text/csv", Body: notice.CSV(b)}},
		Tags:  map[string]string{delivery.TagMachine: r.Machine, delivery.TagExecution: first.t.Execution, delivery.TagNotice: r.Kind},
	})
	return rendered.Subject, id, err
}

// found is since when a machine that is warned for the first time fails; zero for others.
func found(one unwarned) time.Time {
	if len(one.n.Missed) > 0 {
		return time.Time{}
	}
	return one.m.State.Since
}

// line is what the mail of many says of one, with the deadline that an earlier attempt may have named.
func line(one unwarned, r record.Notice) notice.Line {
	n := one.n
	l := notice.Line{
		Event: notice.Warning, At: n.FoundAt, Machine: n.Machine, Name: n.Name, Owner: n.Owner, Zone: n.Zone, Policy: n.Policy, Version: n.Version,
		Why: one.m.State.Why, DueAt: integrity.Warned(one.m.State, r.BegunAt, one.p.Integrity).DueAt, OldDueAt: n.OldDueAt, Silence: n.Silence,
	}
	for _, f := range n.Findings {
		if f.Verdict == policy.Fail && l.Fix == "" {
			l.Fix = f.Fix
		}
	}
	return l
}
