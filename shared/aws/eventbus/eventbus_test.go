package eventbus_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/shared/aws/eventbus"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
)

func begin(t *testing.T) (*awstest.Place, *events.Bus, *eventbus.Client) {
	t.Helper()
	p := awstest.New(t)
	bus := events.New(events.Config{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region})
	p.Register(bus.Service())
	return p, bus, eventbus.New(p.Config, "default")
}

func some(n int, padding string) (all []event.Event) {
	for i := range n {
		all = append(all, event.Event{
			Source: "keyward", DetailType: "Keyward Key Revoked", Resource: "arn:aws:ec2:us-east-1:123456789012:instance/" + awstest.Machine,
			Detail: `{"number":` + string(rune('a'+i)) + `0,"padding":"` + padding + `"}`, Time: awstest.Noon,
		})
		all[i].Detail = strings.Replace(all[i].Detail, string(rune('a'+i))+"0", string([]byte{'1', byte('0' + i/10), byte('0' + i%10)}), 1)
	}
	return all
}

// onBus are the details in the order in which they came.
func onBus(bus *events.Bus) (all []string) {
	for _, e := range bus.Log() {
		var sent struct{ Detail struct{ Number json.Number } }
		if json.Unmarshal(e.Event, &sent) == nil {
			all = append(all, sent.Detail.Number.String())
		}
	}
	return all
}

func TestPublish(t *testing.T) {
	t.Parallel()
	p, bus, client := begin(t)
	if n, err := client.Publish(t.Context(), some(12, "")); n != 12 || err != nil {
		t.Fatalf("Publish = %d, %v", n, err)
	}
	calls := p.Calls()
	if len(calls) != 2 {
		t.Fatalf("%d calls, want ten events and two", len(calls))
	}
	first := calls[0].Input["Entries"].([]any)[0]
	want := map[string]any{
		"EventBusName": "default", "Source": "keyward", "DetailType": "Keyward Key Revoked", "Detail": `{"number":100,"padding":""}`,
		"Resources": []any{"arn:aws:ec2:us-east-1:123456789012:instance/" + awstest.Machine}, "Time": float64(awstest.Noon.Unix()),
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if got := onBus(bus); len(got) != 12 || got[0] != "100" || got[11] != "111" {
		t.Errorf("on the bus: %v", got)
	}
	drilled := some(1, "")
	drilled[0].Resource = ""
	if _, err := client.Publish(t.Context(), drilled); err != nil {
		t.Fatal(err)
	}
	if entry := p.Calls()[0].Input["Entries"].([]any)[0].(map[string]any); entry["Resources"] != nil {
		t.Errorf("an event without a machine has resources: %v", entry)
	}
}

// Large ones go into calls of their own.
func TestSizes(t *testing.T) {
	t.Parallel()
	p, _, client := begin(t)
	if n, err := client.Publish(t.Context(), some(3, strings.Repeat("x", 120<<10))); n != 3 || err != nil {
		t.Fatalf("Publish = %d, %v", n, err)
	}
	if calls := p.Calls(); len(calls) != 2 {
		t.Errorf("%d calls, want two events and one", len(calls))
	}
}

// What EventBridge did not take is named by its place, whatever it did with those after it.
func TestPartOfThem(t *testing.T) {
	t.Parallel()
	_, bus, client := begin(t)
	all := some(12, "")
	all[10].Detail = "{"
	n, err := client.Publish(t.Context(), all)
	if n != 10 || !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "MalformedDetail") {
		t.Errorf("Publish = %d, %v", n, err)
	}
	if got := onBus(bus); len(got) != 11 {
		t.Errorf("%d on the bus, want all but the one", len(got))
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _, client := begin(t)
	p.Refuse("PutEvents", &wire.Error{Code: "ThrottlingException", Message: "arn:aws:events:us-east-1:123456789012:event-bus/default"})
	n, err := client.Publish(t.Context(), some(1, ""))
	if n != 0 {
		t.Errorf("%d are there", n)
	}
	awstest.Wrapped(t, err, fault.Transient, "ThrottlingException")

	short := awstest.New(t)
	short.Register(wire.Service{Name: "events", Protocol: wire.JSON11, TargetPrefix: "AWSEvents", Operations: map[string]wire.Operation{
		"PutEvents": func(context.Context, *wire.Request) (any, error) { return map[string]any{"FailedEntryCount": 0}, nil },
	}})
	if n, err := eventbus.New(short.Config, "default").Publish(t.Context(), some(2, "")); n != 0 || !fault.Is(err, fault.Transient) {
		t.Errorf("an answer for none of them = %d, %v", n, err)
	}
}
