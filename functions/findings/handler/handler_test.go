package handler_test

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/findings/handler"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/event"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/finding"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// places note what they are told; fails are their next answers.
type places struct {
	findings, items []string
	fails           map[string]error
}

func (p *places) Import(_ context.Context, at event.Place, all []finding.Finding) error {
	for _, f := range all {
		if err := p.fails[string(f.Status)]; err != nil {
			return err
		}
		p.findings = append(p.findings, at.Partition+" "+f.Rule+" "+string(f.Status))
	}
	return nil
}

func (p *places) Put(_ context.Context, c finding.Compliance) error {
	for _, i := range c.Items {
		if err := p.fails[i.Details["Verdict"]]; err != nil {
			return err
		}
		p.items = append(p.items, c.Command+" "+i.ID+" "+i.Details["Verdict"])
	}
	return nil
}

func read(t *testing.T) (in events.DynamoDBEvent) {
	t.Helper()
	text, err := os.ReadFile("../../../events/findings/" + "fails-and-is-put-right.json")
	if err == nil {
		err = json.Unmarshal(text, &in)
	}
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func begin() (*fake.World, *places, *handler.Handler) {
	w, p := fake.New(), &places{fails: map[string]error{}}
	at := func(minute int) time.Time { return time.Date(2026, 3, 2, 4, minute, 0, 0, time.UTC) }
	web := func(v policy.Verdict) policy.Result {
		return policy.Result{Verdict: v, Findings: []policy.Finding{{Rule: "no plain web", Verdict: v, Expected: "tcp/80 closed"}}}
	}
	w.Store.Kept = []record.Evidence{
		{Machine: fake.ID, Command: "1", Sent: at(20), Digest: "d2", Result: web(policy.Fail)}, {Machine: fake.ID, Command: "2", Sent: at(20), Digest: "other"},
		{Machine: fake.ID, Command: "3", Sent: at(30), Digest: "d3", Result: web(policy.Pass)},
	}
	return w, p, &handler.Handler{Store: w.Store, Hub: p, Compliance: p, Account: fake.Account, Region: fake.Region, Log: w.Log}
}

func TestFindingsAreTold(t *testing.T) {
	t.Parallel()
	_, p, h := begin()
	answer, err := h.Handle(t.Context(), fake.Start, read(t))
	if err != nil || answer.BatchItemFailures == nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("Handle = %+v, %v, want an empty list", answer, err)
	}
	if diff := cmp.Diff([]string{"aws no plain web FAILED", "aws no plain web PASSED"}, p.findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"1 no plain web Fail", "3 no plain web Pass"}, p.items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// Each place is told where its parameter says so.
func TestOneOfThem(t *testing.T) {
	t.Parallel()
	_, p, h := begin()
	h.Compliance = nil
	if _, err := h.Handle(t.Context(), fake.Start, read(t)); err != nil || len(p.findings) != 2 || len(p.items) > 0 {
		t.Errorf("told %v and %v, %v", p.findings, p.items, err)
	}
	_, p, h = begin()
	h.Hub = nil
	if _, err := h.Handle(t.Context(), fake.Start, read(t)); err != nil || len(p.findings) > 0 || len(p.items) != 2 {
		t.Errorf("told %v and %v, %v", p.findings, p.items, err)
	}
}

func TestWhatIsNotTaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		refuse string
		whole  bool
	}{"the first finding": {"FAILED", true}, "the second": {"PASSED", false}, "the first items": {"Fail", true}, "the second items": {"Pass", false}} {
		w, p, h := begin()
		p.fails[tt.refuse] = fake.Down
		in := read(t)
		answer, err := h.Handle(t.Context(), fake.Start, in)
		if tt.whole {
			fake.Kind(t, err, fault.Transient)
			continue
		}
		want := []events.DynamoDBBatchItemFailure{{ItemIdentifier: in.Records[1].Change.SequenceNumber}}
		if diff := cmp.Diff(want, answer.BatchItemFailures); diff != "" || err != nil || !strings.Contains(w.Logged(), "findings are tried again") {
			t.Errorf("%s: %v, failures (-want +got):\n%s", name, err, diff)
		}
	}
}

// A machine that Systems Manager does not have any more is not tried again.
func TestAMachineThatIsNotManaged(t *testing.T) {
	t.Parallel()
	w, p, h := begin()
	p.fails["Fail"] = fault.New(fault.NotFound, "putting compliance items: InvalidResourceId")
	if _, err := h.Handle(t.Context(), fake.Start, read(t)); err != nil || len(p.items) != 1 || !strings.Contains(w.Logged(), "not managed any more") {
		t.Errorf("items %v, %v, log %s", p.items, err, w.Logged())
	}
}

func TestWhatIsNoNews(t *testing.T) {
	t.Parallel()
	w, p, h := begin()
	in := read(t)
	in.Records[0].Change.Keys["sk"] = events.NewStringAttribute("ledger#1")
	in.Records[1].EventName = "REMOVE"
	same := read(t).Records[0]
	same.Change.OldImage = same.Change.NewImage
	in.Records = append(in.Records, same)
	w.Always("store.EvidenceFrom", fake.Down)
	if _, err := h.Handle(t.Context(), fake.Start, in); err != nil || len(p.findings)+len(p.items) > 0 {
		t.Errorf("told %v, %v, %v", p.findings, p.items, err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*events.DynamoDBEventRecord){
		"of another source": func(r *events.DynamoDBEventRecord) { r.EventSource = "aws:sqs" },
		"without a doc":     func(r *events.DynamoDBEventRecord) { delete(r.Change.NewImage, "doc") },
		"without an old":    func(r *events.DynamoDBEventRecord) { r.Change.OldImage = nil },
	} {
		_, _, h := begin()
		in := read(t)
		change(&in.Records[0])
		if _, err := h.Handle(t.Context(), fake.Start, in); !fault.Is(err, fault.Invalid) {
			t.Errorf("a record %s = %v, want Invalid", name, err)
		}
	}
	down, _, h := begin()
	down.Always("store.EvidenceFrom", fake.Down)
	_, err := h.Handle(t.Context(), fake.Start, read(t))
	fake.Kind(t, err, fault.Transient)
	w, p, h := begin()
	w.Store.Kept = nil
	if _, err := h.Handle(t.Context(), fake.Start, read(t)); err != nil || !slices.Equal(p.findings, []string{"aws no plain web FAILED", "aws no plain web NOT_AVAILABLE"}) || len(p.items) > 0 {
		t.Errorf("without evidence: %v, %v, %v", p.findings, p.items, err)
	}
}
