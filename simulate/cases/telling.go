package cases

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// tellings holds that what a notifier gathers is gathered once, is in one delivery, and is not lost by who read before it came.
func tellings(t *testing.T, ctx context.Context, s Table) {
	first := record.Occurrence{Reference: "e1/warning", Event: "warning", At: noon}
	second := record.Occurrence{Reference: "e2/warning", Event: "warning", At: noon.Add(-time.Minute)}
	due := noon.Add(time.Hour)
	g, err := s.AddOccurrence(ctx, "ops", first, due)
	want := record.Gathering{Notifier: "ops", Count: 1, First: noon, Due: due}
	equal(t, "the first", g, err, want)
	read, err := s.Gathering(ctx, "ops")
	equal(t, "what was gathered", read, err, want)
	_, err = s.AddOccurrence(ctx, "ops", second, due.Add(time.Hour))
	done(t, "the second", err)
	_, err = s.AddOccurrence(ctx, "ops", first, due)
	done(t, "the first again", err)
	waiting, err := s.Occurrences(ctx, "ops", 10)
	equal(t, "what waits", waiting, err, []record.Occurrence{second, first})
	kind(t, "that nothing waits, by who read before", s.PutDue(ctx, g, time.Time{}), fault.Conflict)
	names, err := s.DueNotifiers(ctx, due.Add(-time.Second))
	equal(t, "who is due a second before", len(names), err, 0)
	names, err = s.DueNotifiers(ctx, due)
	equal(t, "who is due", names, err, []string{"ops"})

	g, err = s.Gathering(ctx, "ops")
	done(t, "reading", err)
	d := record.Delivery{ID: "d", Notifier: "ops", Occurrences: waiting, BegunAt: noon, Next: due.Add(time.Hour)}
	begun, err := s.BeginDelivery(ctx, g, d)
	d.Version = 1
	equal(t, "a delivery", begun, err, d)
	_, err = s.BeginDelivery(ctx, g, record.Delivery{ID: "d2", Notifier: "ops"})
	kind(t, "another, by who read before", err, fault.Conflict)
	done(t, "taking what it is of", s.TakeOccurrences(ctx, begun))
	done(t, "taking it again", s.TakeOccurrences(ctx, begun))
	_, err = s.AddOccurrence(ctx, "ops", first, due)
	done(t, "what was told, again", err)
	waiting, err = s.Occurrences(ctx, "ops", 10)
	equal(t, "what waits then", len(waiting), err, 0)
	g, err = s.Gathering(ctx, "ops")
	done(t, "reading", err)
	done(t, "that nothing waits", s.PutDue(ctx, g, time.Time{}))
	names, err = s.DueNotifiers(ctx, due)
	equal(t, "who is due then", len(names), err, 0)
	names, err = s.DueNotifiers(ctx, d.Next)
	equal(t, "who is due at the next try", names, err, []string{"ops"})

	begun.Done = []string{"mail"}
	later, err := s.PutDelivery(ctx, begun)
	done(t, "noting a channel", err)
	_, err = s.PutDelivery(ctx, begun)
	kind(t, "noting it by who read before", err, fault.Conflict)
	kind(t, "ending it by who read before", s.EndDelivery(ctx, begun), fault.Conflict)
	all, err := s.Deliveries(ctx, "ops")
	equal(t, "the deliveries", all, err, []record.Delivery{later})
	done(t, "ending it", s.EndDelivery(ctx, later))
	kind(t, "ending it twice", s.EndDelivery(ctx, later), fault.Conflict)
}
