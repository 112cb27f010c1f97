package handler

import (
	"context"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/aws/webhook"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

// notTold is logged, and an alarm made of it, when a channel refused a delivery or was given up.
const notTold = "notifier not told"

const (
	firstWait = 5 * time.Minute // before the second try; doubled each time
	mostWait  = 6 * time.Hour
	giveUp    = 24 * time.Hour // after the first try
)

// deliver tells each channel that was not told yet, notes each that was, so that a retry goes to the others alone, and ends the
// delivery or says when it is tried again. A channel that fails keeps no other from being told.
func (h *Handler) deliver(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery, done *Summary) error {
	if !d.Taken {
		if err := h.Store.TakeOccurrences(ctx, d); err != nil {
			return err
		}
		d.Taken = true
	}
	var waits time.Duration
	failed := false
	for _, c := range h.channels(n) {
		if slices.Contains(d.Done, c.name) {
			continue
		}
		err := c.tell(ctx, now, n, d)
		if fault.Is(err, fault.Transient) && now.Sub(d.BegunAt) < giveUp {
			failed, d.Error, waits = true, fault.Safe(err), max(waits, webhook.After(err))
			h.Log.WarnContext(ctx, "notifier not told yet", boot.KeyKind, n.Name, boot.KeyReason, d.Error)
			continue
		}
		if err != nil {
			h.Log.ErrorContext(ctx, notTold, boot.KeyKind, n.Name, "channel", c.name, boot.KeyReason, fault.Safe(err), boot.KeyError, err.Error())
		}
		d.Done = append(d.Done, c.name)
		if d, err = h.Store.PutDelivery(ctx, d); err != nil {
			return err
		}
	}
	if !failed {
		done.Told++
		h.Log.InfoContext(ctx, "notifier told", boot.KeyKind, n.Name, boot.KeyCount, len(d.Occurrences))
		return h.Store.EndDelivery(ctx, d)
	}
	done.Waiting++
	d.Next = now.Add(max(waits, wait(d.Tries)))
	_, err := h.Store.PutDelivery(ctx, d)
	return err
}

// wait is how long after a try the next one is.
func wait(tries int) time.Duration { return min(firstWait<<min(max(tries-1, 0), 10), mostWait) }

// channel is one way to those whom a notifier tells.
type channel struct {
	name string
	tell func(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery) error
}

// channels are a notifier's.
func (h *Handler) channels(n record.Notifier) []channel {
	var all []channel
	if len(n.To) > 0 {
		all = append(all, channel{"mail", h.mail})
	}
	if n.Topic != "" {
		all = append(all, channel{"topic", h.publish})
	}
	if n.Webhook != nil {
		all = append(all, channel{"webhook", h.post})
	}
	return all
}

func (h *Handler) mail(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery) error {
	b := batch(n, d)
	m, err := notice.RenderBatch(b, now)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "rendering a mail of notifier %s", n.Name)
	}
	mail := sesmail.Mail{Sender: notifier.Filled(n.Sender, common(d.Occurrences)), To: n.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, Reference: d.ID}
	if len(d.Occurrences) > 1 {
		mail.Files = []sesmail.File{{Name: "keyward-events.csv", MediaType: "text/csv; charset=utf-8", Body: notice.CSV(b)}}
	}
	_, err = h.Mail.Send(ctx, mail)
	return err
}

func (h *Handler) publish(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery) error {
	b := batch(n, d)
	m, err := notice.RenderBatch(b, now)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "rendering a message of notifier %s", n.Name)
	}
	_, err = h.Topics.Publish(ctx, n.Topic, topic.Message{
		Subject: m.Subject, Text: b.Plain(now),
		Attributes: map[string]string{
			"event":  same(d.Occurrences, func(o record.Occurrence) string { return o.Event }),
			"policy": same(d.Occurrences, func(o record.Occurrence) string { return o.Policy }),
		},
	})
	return err
}

func (h *Handler) post(ctx context.Context, now time.Time, n record.Notifier, d record.Delivery) error {
	body, err := body(n, d, now)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding a post of notifier %s", n.Name)
	}
	return h.Webhooks.Post(ctx, now, webhook.Post{URL: n.Webhook.URL, Secret: n.Webhook.Secret, Delivery: d.ID, MediaType: "application/json", Body: body})
}
