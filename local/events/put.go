package events

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire"
)

// PutEvents takes ten entries and 256 KB in all (API reference).
const (
	maxEntries = 10
	maxBytes   = 256 << 10
)

type putInput struct {
	Entries []putEntry
}

type putEntry struct {
	Time         wire.Time
	Source       string
	Resources    []string
	DetailType   string
	Detail       string
	EventBusName string
}

type putOutput struct {
	FailedEntryCount int
	Entries          []putResult
}

type putResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func (b *Bus) putEvents(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[putInput](r)
	if err != nil {
		return nil, err
	}
	if len(in.Entries) < 1 || len(in.Entries) > maxEntries {
		return nil, wire.Validation("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10")
	}
	size := 0
	for _, e := range in.Entries {
		size += e.bytes()
		if e.EventBusName != "" && e.EventBusName != "default" && !strings.HasSuffix(e.EventBusName, ":event-bus/default") {
			return nil, wire.Unimplemented("event bus %s of events.PutEvents", e.EventBusName)
		}
	}
	if size > maxBytes {
		return nil, wire.Validation("Total size of the entries in the request is over the limit.")
	}
	out := putOutput{Entries: make([]putResult, len(in.Entries))}
	for i, e := range in.Entries {
		out.Entries[i] = b.put(e)
		if out.Entries[i].ErrorCode != "" {
			out.FailedEntryCount++
		}
	}
	return out, nil
}

// bytes is the size of an entry as AWS counts it ("Calculating PutEvents event entry size").
func (e putEntry) bytes() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	if !e.Time.IsZero() {
		n += 14
	}
	return n
}

func (b *Bus) put(e putEntry) putResult {
	for name, v := range map[string]string{"Source": e.Source, "DetailType": e.DetailType, "Detail": e.Detail} {
		if v == "" {
			return putResult{ErrorCode: "InvalidArgument", ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."}
		}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return putResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	}
	if !object([]byte(e.Detail)) {
		return putResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	}
	id, err := b.Publish(Event{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: json.RawMessage(e.Detail), Time: e.Time.Truncate(time.Second)})
	if err != nil {
		return putResult{ErrorCode: "InternalFailure", ErrorMessage: err.Error()}
	}
	return putResult{EventId: id}
}
