// Package eventbus puts events on a bus of EventBridge.
package eventbus

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/keyward/keyward/shared/aws/awsconf"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
)

// What PutEvents takes in one call (docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).
const (
	maxEntries = 10
	maxBytes   = 256 << 10
)

// Client talks to EventBridge about one bus.
type Client struct {
	api *eventbridge.Client
	bus string
}

// New returns a client for the bus of this name.
func New(cfg aws.Config, bus string) *Client {
	return &Client{api: eventbridge.NewFromConfig(cfg), bus: bus}
}

// Publish puts events on the bus in their order and returns how many, from the first, are there. When that is not all, the
// error says why the next one is not; some of those after it may be there.
func (c *Client) Publish(ctx context.Context, events []event.Event) (int, error) {
	for done := 0; done < len(events); {
		part := portion(events[done:])
		taken, err := c.put(ctx, part)
		if done += taken; err != nil {
			return done, err
		}
	}
	return len(events), nil
}

// portion is how many of the events go into one call.
func portion(events []event.Event) []event.Event {
	size := 0
	for i, e := range events {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail) + len(e.Resource) + 14 // the time, as AWS counts it
		if i == maxEntries || i > 0 && size > maxBytes {
			return events[:i]
		}
	}
	return events
}

func (c *Client) put(ctx context.Context, events []event.Event) (int, error) {
	in := &eventbridge.PutEventsInput{}
	for _, e := range events {
		entry := types.PutEventsRequestEntry{
			EventBusName: &c.bus, Source: &e.Source, DetailType: &e.DetailType, Detail: &e.Detail, Time: aws.Time(e.Time),
		}
		if e.Resource != "" {
			entry.Resources = []string{e.Resource}
		}
		in.Entries = append(in.Entries, entry)
	}
	out, err := c.api.PutEvents(ctx, in)
	if err != nil {
		return 0, awsconf.Wrap(err, "publishing events")
	}
	for i := range events {
		switch {
		case i >= len(out.Entries):
			return i, fault.New(fault.Transient, "publishing events: EventBridge answered for %d of %d", len(out.Entries), len(events))
		case aws.ToString(out.Entries[i].ErrorCode) != "":
			return i, fault.New(awsconf.Kind(aws.ToString(out.Entries[i].ErrorCode)), "publishing an event: %s", aws.ToString(out.Entries[i].ErrorCode))
		}
	}
	return len(events), nil
}
