package handler_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/functions/publish/handler"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// bus keeps events, and refuses those whose detail has the words.
type bus struct {
	got    []event.Event
	refuse string
}

func (b *bus) Publish(_ context.Context, all []event.Event) (int, error) {
	for i, e := range all {
		if b.refuse != "" && strings.Contains(e.Detail, b.refuse) {
			return i, fault.New(fault.Transient, "publishing events: ThrottlingException")
		}
		b.got = append(b.got, e)
	}
	return len(all), nil
}

func (b *bus) types() (all []string) {
	for _, e := range b.got {
		all = append(all, e.DetailType)
	}
	return all
}

func read(t *testing.T, name string) (in events.DynamoDBEvent) {
	t.Helper()
	text, err := os.ReadFile("../../../events/publish/" + name)
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func begin() (*fake.World, *bus, *handler.Handler) {
	w, b := fake.New(), &bus{}
	return w, b, &handler.Handler{Store: w.Store, Bus: b, Account: fake.Account, Region: fake.Region, Log: w.Log}
}

var three = []string{"Keyward Machine Standing Change", "Keyward Warning Accepted", "Keyward Revocation Ordered"}

func TestEntriesAreTold(t *testing.T) {
	t.Parallel()
	w, b, h := begin()
	at := fake.Start
	fail := policy.Result{Verdict: policy.Fail, Findings: []policy.Finding{{Rule: "no plain web", Verdict: policy.Fail, Expected: "closed", Actual: "open"}}}
	w.Store.Kept = []record.Evidence{
		{Machine: fake.ID, Command: "1", Sent: at.Add(-2e9), JudgedAt: at.Add(-1e9), Digest: "d1"},
		{Machine: fake.ID, Command: "2", Sent: at.Add(-1e9), JudgedAt: at, Digest: "d1", Result: fail},
		{Machine: fake.ID, Command: "3", Sent: at.Add(-1e9), JudgedAt: at, Digest: "d2"},
	}
	answer, err := h.Handle(t.Context(), fake.Start, read(t, "entries.json"))
	if err != nil || answer.BatchItemFailures == nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("Handle = %+v, %v, want an empty list", answer, err)
	}
	if diff := cmp.Diff(three, b.types()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var details []event.Detail
	for _, e := range b.got {
		var d event.Detail
		if err := json.Unmarshal([]byte(e.Detail), &d); err != nil || e.Source != "keyward" || e.Resource != "arn:aws:ec2:us-east-1:123456789012:instance/"+fake.ID {
			t.Errorf("event %+v, %v", e, err)
		}
		details = append(details, d)
	}
	if d := details[0]; d.ID != "123456789012#us-east-1#"+fake.ID+"#2026-03-02T04:30:00.000000000Z#000003#00" || d.Standing != "Bad" || d.Verdict != "Fail" || len(d.Findings) != 1 {
		t.Errorf("a change of standing is told as %+v", d)
	}
	if d := details[2]; d.Number != 3 || d.Key != "Revoking" || d.Verdict != "" || d.Findings != nil {
		t.Errorf("an order is told as %+v", d)
	}
	w.Store.Kept = nil
	again := &bus{}
	h.Bus = again
	if _, err := h.Handle(t.Context(), fake.Start.Add(1e9), read(t, "entries.json")); err != nil || strings.Contains(again.got[0].Detail, "findings") {
		t.Errorf("without evidence: %v, %v", again.got[0], err)
	}
	if again.got[1] != b.got[1] {
		t.Errorf("the same entry is told as %v and %v", b.got[1], again.got[1])
	}
}

// What is not taken is named by its place, so that Lambda goes on from there; when it is the first, the batch is halved.
func TestPartOfABatch(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refuse string
		told   []string
		failed int // place of the record; 0: the whole invocation
	}{
		"the last":   {"KMS is asked", three[:2], 2},
		"the second": {"the warning", three[:1], 1},
		"the first":  {"standing Bad", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, b, h := begin()
			b.refuse = tt.refuse
			in := read(t, "entries.json")
			answer, err := h.Handle(t.Context(), fake.Start, in)
			if !slices.Equal(b.types(), tt.told) {
				t.Errorf("told %v, want %v", b.types(), tt.told)
			}
			if tt.failed == 0 {
				fake.Kind(t, err, fault.Transient)
				return
			}
			want := []events.DynamoDBBatchItemFailure{{ItemIdentifier: in.Records[tt.failed].Change.SequenceNumber}}
			if diff := cmp.Diff(want, answer.BatchItemFailures); diff != "" || err != nil {
				t.Errorf("%v, failures (-want +got):\n%s", err, diff)
			}
		})
	}
}

// What cannot be read stops what is behind it, and not what is before it.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	w, b, h := begin()
	bad := read(t, "unreadable.json").Records[0]
	_, err := h.Handle(t.Context(), fake.Start, events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{bad}})
	fake.Kind(t, err, fault.Invalid)
	in := read(t, "entries.json")
	in.Records = slices.Insert(in.Records, 1, bad)
	answer, err := h.Handle(t.Context(), fake.Start, in)
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != bad.Change.SequenceNumber || !slices.Equal(b.types(), three[:1]) {
		t.Errorf("Handle = %+v, %v, told %v", answer, err, b.types())
	}
	if !strings.Contains(w.Logged(), "events are tried again") {
		t.Errorf("log %q", w.Logged())
	}
	for name, change := range map[string]func(*events.DynamoDBEventRecord){
		"of another source": func(r *events.DynamoDBEventRecord) { r.EventSource = "aws:sqs" },
		"of another machine": func(r *events.DynamoDBEventRecord) {
			r.Change.Keys["pk"] = events.NewStringAttribute("1#us-east-1#machine#i-1")
		},
		"of no machine": func(r *events.DynamoDBEventRecord) {
			r.Change.Keys["pk"] = events.NewStringAttribute("123456789012#us-east-1#machine#")
		},
		"without keys":  func(r *events.DynamoDBEventRecord) { delete(r.Change.Keys, "sk") },
		"without a doc": func(r *events.DynamoDBEventRecord) { delete(r.Change.NewImage, "doc") },
		"with a garbled doc": func(r *events.DynamoDBEventRecord) {
			r.Change.NewImage["doc"] = events.NewBinaryAttribute([]byte("no"))
		},
		"of an unknown kind": func(r *events.DynamoDBEventRecord) {
			r.Change.NewImage["doc"] = events.NewStringAttribute(`{"kind":"x"}`)
		},
		"with a number as it": func(r *events.DynamoDBEventRecord) { r.Change.NewImage["doc"] = events.NewNumberAttribute("1") },
	} {
		one := read(t, "entries.json").Records[0]
		change(&one)
		_, err := h.Handle(t.Context(), fake.Start, events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{one}})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a record %s = %v, want Invalid", name, err)
		}
	}
}

// Other rows, and what is done to old ones, tell nothing.
func TestWhatIsNoNews(t *testing.T) {
	t.Parallel()
	_, b, h := begin()
	in := read(t, "entries.json")
	in.Records[0].Change.Keys["sk"] = events.NewStringAttribute("machine")
	in.Records[1].EventName = "REMOVE"
	if _, err := h.Handle(t.Context(), fake.Start, in); err != nil || !slices.Equal(b.types(), three[2:]) {
		t.Errorf("told %v, %v", b.types(), err)
	}
	if _, err := h.Handle(t.Context(), fake.Start, events.DynamoDBEvent{}); err != nil {
		t.Errorf("nothing = %v", err)
	}
}

func TestTheStoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w, b, h := begin()
	w.Always("store.EvidenceFrom", fake.Down)
	_, err := h.Handle(t.Context(), fake.Start, read(t, "entries.json"))
	fake.Kind(t, err, fault.Transient)
	if len(b.got) > 0 {
		t.Errorf("told %v", b.types())
	}
}
