package handler

import (
	"encoding/json"
	"time"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// batch is what a delivery says, in the notifier's words.
func batch(n record.Notifier, d record.Delivery) notice.Batch {
	b := notice.Batch{
		TimeZone: n.TimeZone, Reference: d.ID, Prefix: n.Subject, Header: n.Header, Footer: n.Footer, Repeated: d.Tries > 1,
		Texts: map[notice.Kind]string{},
	}
	for event, text := range n.Texts {
		b.Texts[notice.Kind(event)] = text
	}
	for _, o := range d.Occurrences {
		b.Lines = append(b.Lines, notice.Line{
			Event: notice.Kind(o.Event), At: o.At, Machine: o.Machine, Name: o.Name, Owner: o.Owner, Zone: o.Zone, Policy: o.Policy, Version: o.Version,
			Why: o.Why, Fix: o.Fix, By: o.By, DueAt: o.DueAt, Silence: o.Silence,
		})
	}
	return b
}

// posted is the body of a webhook in the format json. Its bytes are the same in each try.
type posted struct {
	Version     int                 `json:"version"`
	Notifier    string              `json:"notifier"`
	DeliveryID  string              `json:"deliveryId"`
	Occurrences []record.Occurrence `json:"occurrences"`
}

// body is what is posted to a webhook.
func body(n record.Notifier, d record.Delivery, now time.Time) ([]byte, error) {
	if n.Webhook.Format == "slack" {
		return json.Marshal(struct {
			Text string `json:"text"`
		}{notice.Slack(batch(n, d).Plain(now))})
	}
	return json.Marshal(posted{Version: 1, Notifier: n.Name, DeliveryID: d.ID, Occurrences: d.Occurrences})
}

// same is what all occurrences have in common; "" when they differ.
func same(all []record.Occurrence, of func(record.Occurrence) string) string {
	for _, o := range all {
		if of(o) != of(all[0]) {
			return ""
		}
	}
	return of(all[0])
}

// common is an occurrence with what all of them have in common.
func common(all []record.Occurrence) record.Occurrence {
	o := all[0]
	if len(all) == 1 {
		return o
	}
	return record.Occurrence{
		Event: same(all, func(o record.Occurrence) string { return o.Event }), Machine: same(all, func(o record.Occurrence) string { return o.Machine }),
		Name: same(all, func(o record.Occurrence) string { return o.Name }), Owner: same(all, func(o record.Occurrence) string { return o.Owner }),
		Zone: same(all, func(o record.Occurrence) string { return o.Zone }), Policy: same(all, func(o record.Occurrence) string { return o.Policy }),
	}
}
