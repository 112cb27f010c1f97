package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/wire"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 987654321, time.UTC)

const target = "arn:aws:lambda:us-east-1:123456789012:function:keyward-EvaluateFunction"

// world is a bus whose deliveries are kept.
type world struct {
	*events.Bus
	clock *clock.Clock

	mu      sync.Mutex
	got     []string // target and payload
	at      []time.Duration
	letters []string
	fail    map[string]int // by target: how many attempts fail
}

func newWorld(copies func(string) int, edit ...func(*events.Config)) *world {
	w := &world{clock: clock.New(func() time.Time { return start }), fail: map[string]int{}}
	config := events.Config{Clock: w.clock, Region: "us-east-1", Account: "123456789012", Copies: copies,
		Deliver: func(_ context.Context, target string, payload []byte) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.at = append(w.at, w.clock.Now().Sub(start))
			if w.fail[target] > 0 {
				w.fail[target]--
				return errors.New("no such function")
			}
			w.got = append(w.got, target+" "+string(payload))
			return nil
		},
		DeadLetter: func(queue string, l events.Letter) {
			w.letters = append(w.letters, fmt.Sprintf("%s %s %s %s %d", queue, l.Rule, l.Target, l.Error, l.Attempts))
		}}
	for _, e := range edit {
		e(&config)
	}
	w.Bus = events.New(config)
	return w
}

func (w *world) rule(t *testing.T, name, pattern string, targets ...events.Target) {
	t.Helper()
	if err := w.AddRule(events.Rule{Name: name, Pattern: json.RawMessage(pattern), Targets: targets}); err != nil {
		t.Fatal(err)
	}
}

func (w *world) publish(t *testing.T, e events.Event) {
	t.Helper()
	if _, err := w.Publish(e); err != nil {
		t.Fatal(err)
	}
}

func (w *world) forward(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.clock.Forward(context.Background(), d); err != nil {
		t.Fatal(err)
	}
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.rule(t, "status", `{"source": ["aws.ssm"], "detail": {"status": ["Success"]}}`, events.Target{ID: "a", ARN: target})
	w.publish(t, events.Event{Source: "aws.ssm", DetailType: "other", Detail: json.RawMessage(`{"status": "Failed"}`)})
	id, err := w.Publish(events.Event{Source: "aws.ssm", DetailType: "EC2 Command Status-change Notification", Resources: []string{"arn:a"}, Detail: json.RawMessage(`{"status":"Success"}`)})
	if err != nil {
		t.Fatal(err)
	}
	w.forward(t, 0)
	want := []string{target + ` {"version":"0","id":"` + id + `","detail-type":"EC2 Command Status-change Notification","source":"aws.ssm","account":"123456789012",` +
		`"time":"2026-03-01T12:00:00Z","region":"us-east-1","resources":["arn:a"],"detail":{"status":"Success"}}`}
	if diff := cmp.Diff(want, w.got); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
	if len(id) != 36 {
		t.Errorf("id = %q, want a UUID", id)
	}
}

func TestOrderAndFanOut(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.rule(t, "one", `{"source": ["s"]}`, events.Target{ID: "a", ARN: "a"}, events.Target{ID: "b", ARN: "b"})
	w.rule(t, "two", `{"source": [{"prefix": ""}]}`, events.Target{ID: "a", ARN: "c"})
	for i := range 50 {
		w.publish(t, events.Event{Source: "s", DetailType: fmt.Sprintf("%02d", i)})
	}
	w.forward(t, 0)
	seen := map[string]string{}
	for _, got := range w.got {
		name, payload, _ := strings.Cut(got, " ")
		var e struct {
			DetailType string `json:"detail-type"`
		}
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			t.Fatal(err)
		}
		if e.DetailType <= seen[name] {
			t.Errorf("%s got %q after %q", name, e.DetailType, seen[name])
		}
		seen[name] = e.DetailType
	}
	if len(w.got) != 150 {
		t.Errorf("%d deliveries, want 150", len(w.got))
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	w := newWorld(func(detailType string) int { return map[string]int{"lost": 0, "twice": 2, "once": 1}[detailType] })
	w.rule(t, "all", `{"source": ["s"]}`, events.Target{ID: "a", ARN: "a"})
	for _, detailType := range []string{"lost", "once", "twice"} {
		w.publish(t, events.Event{Source: "s", DetailType: detailType})
	}
	w.forward(t, 0)
	if len(w.got) != 3 || w.got[1] != w.got[2] || w.got[0] == w.got[1] {
		t.Errorf("delivered %q, want one and the same one twice", w.got)
	}
	log := w.Log()
	if len(log) != 3 || log[0].Copies != 0 || log[0].Deliveries != nil || len(log[2].Deliveries) != 2 {
		t.Errorf("log = %+v, want the lost event too", log)
	}
}

func TestLate(t *testing.T) {
	t.Parallel()
	w := newWorld(nil, func(c *events.Config) {
		c.Late = func(detailType string) time.Duration { return map[string]time.Duration{"late": time.Hour}[detailType] }
	})
	w.rule(t, "all", `{"source": ["s"]}`, events.Target{ID: "a", ARN: "a"})
	w.publish(t, events.Event{Source: "s", DetailType: "late"})
	w.publish(t, events.Event{Source: "s", DetailType: "in time"})
	w.forward(t, time.Hour-time.Second)
	if len(w.got) != 1 || !strings.Contains(w.got[0], "in time") {
		t.Errorf("delivered %q, want the one in time alone", w.got)
	}
	w.forward(t, time.Second)
	if len(w.got) != 2 || !strings.Contains(w.got[1], `"detail-type":"late"`) {
		t.Errorf("delivered %q, want the late one last", w.got)
	}
}

func TestRetriesAndDeadLetter(t *testing.T) {
	t.Parallel()
	two := 2
	for name, c := range map[string]struct {
		target  events.Target
		fail    int
		at      []time.Duration
		letters []string
	}{
		"comes through": {events.Target{ID: "a", ARN: "a"}, 2, []time.Duration{0, time.Second, 3 * time.Second}, nil},
		"attempts end": {events.Target{ID: "a", ARN: "a", Retries: &two, DeadLetter: "queue"}, 9, []time.Duration{0, time.Second, 3 * time.Second},
			[]string{"queue all a no such function 3"}},
		"age ends":       {events.Target{ID: "a", ARN: "a", Age: 2 * time.Second, DeadLetter: "queue"}, 9, []time.Duration{0, time.Second}, []string{"queue all a no such function 2"}},
		"no dead letter": {events.Target{ID: "a", ARN: "a", Age: time.Second}, 9, []time.Duration{0, time.Second}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(nil)
			w.fail["a"] = c.fail
			w.rule(t, "all", `{"source": ["s"]}`, c.target)
			w.publish(t, events.Event{Source: "s", DetailType: "x"})
			w.forward(t, 48*time.Hour)
			if diff := cmp.Diff(c.at, w.at); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.letters, w.letters); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
			d := w.Log()[0].Deliveries
			if len(d) != 1 || d[0].Attempts != len(c.at) || d[0].GivenUp != (c.fail == 9) {
				t.Errorf("log = %+v", d)
			}
		})
	}
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.fail["a"] = 1
	w.rule(t, "all", `{"source": ["s"]}`, events.Target{ID: "a", ARN: "a"})
	w.rule(t, "gone", `{"source": ["s"]}`, events.Target{ID: "b", ARN: "b"})
	w.fail["b"] = 1
	w.publish(t, events.Event{Source: "s", DetailType: "x"})
	w.forward(t, 0)
	saved, err := w.Save()
	if err != nil {
		t.Fatal(err)
	}
	again := newWorld(nil)
	again.rule(t, "all", `{"source": ["s"]}`, events.Target{ID: "a", ARN: "a"})
	if err := again.Load(saved); err != nil {
		t.Fatal(err)
	}
	again.forward(t, 0)
	if len(again.got) != 1 || !strings.Contains(again.got[0], `"detail-type":"x"`) {
		t.Errorf("delivered after Load: %q, want the event that waited", again.got)
	}
	if len(again.Log()) != 1 {
		t.Errorf("log = %v", again.Log())
	}
	if err := again.Load([]byte("[")); err == nil {
		t.Error("Load([) = nil, want an error")
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	for i := range 1001 {
		w.publish(t, events.Event{Source: "s", DetailType: fmt.Sprint(i)})
	}
	if log := w.Log(); len(log) != 1000 || !strings.Contains(string(log[0].Event), `"detail-type":"1"`) {
		t.Errorf("%d entries, first %s, want the last 1000", len(log), log[0].Event)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	a := events.Target{ID: "a", ARN: "a"}
	ok := json.RawMessage(`{"source": ["s"]}`)
	w.rule(t, "taken", string(ok), a)
	for name, r := range map[string]events.Rule{
		"pattern":   {Name: "r", Pattern: json.RawMessage(`{"source": [{"wildcard": "*"}]}`), Targets: []events.Target{a}},
		"no name":   {Pattern: ok, Targets: []events.Target{a}},
		"no target": {Name: "r", Pattern: ok},
		"no ARN":    {Name: "r", Pattern: ok, Targets: []events.Target{{ID: "a"}}},
		"twice":     {Name: "r", Pattern: ok, Targets: []events.Target{a, a}},
		"taken":     {Name: "taken", Pattern: ok, Targets: []events.Target{a}},
	} {
		if err := w.AddRule(r); err == nil {
			t.Errorf("AddRule(%s) = nil, want an error", name)
		}
	}
	if _, err := w.Publish(events.Event{Source: "s", Detail: json.RawMessage(`[]`)}); err == nil {
		t.Error("Publish of a list = nil, want an error")
	}
}

func TestPutEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	w.rule(t, "all", `{"source": ["keyward"]}`, events.Target{ID: "a", ARN: "a"})
	call := func(body string) (string, error) {
		out, err := w.Service().Operations["PutEvents"](context.Background(), &wire.Request{Service: "events", Operation: "PutEvents", Body: []byte(body)})
		if err != nil {
			return "", err
		}
		text, err := json.Marshal(out)
		return string(text), err
	}
	got, err := call(`{"Entries": [{"Source": "keyward", "DetailType": "t", "Detail": "{\"x\":1}", "Time": 1772000000, "Resources": ["r"]}, {"Source": "aws.ssm", "DetailType": "t", "Detail": "{}"},
		{"Source": "keyward", "DetailType": "t", "Detail": "x"}, {"DetailType": "t", "Detail": "{}"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"FailedEntryCount":3`, `"EventId":"`, `"ErrorCode":"NotAuthorizedForSourceException"`, `"ErrorCode":"MalformedDetail"`, "Parameter Source is not valid. Reason: Source is a required argument."} {
		if !strings.Contains(got, want) {
			t.Errorf("answer = %s, want %s", got, want)
		}
	}
	w.forward(t, 0)
	if len(w.got) != 1 || !strings.Contains(w.got[0], `"time":"2026-02-25T06:13:20Z"`) {
		t.Errorf("delivered %q, want one event of the time given", w.got)
	}
	for body, want := range map[string]string{
		`{"Entries": []}`: "ValidationException",
		`{"Entries": [` + strings.Repeat(`{},`, 10) + `{}]}`:                                    "ValidationException",
		`{"Entries": [{"Detail": "` + strings.Repeat("x", 256<<10) + `", "Resources": ["r"]}]}`: "Total size of the entries in the request is over the limit.",
		`{"Entries": [{"Source": "s", "EventBusName": "other"}]}`:                               "does not implement event bus other",
		`{"Entries": [{"Source": "s", "TraceHeader": "x"}]}`:                                    "TraceHeader",
		`{"Entries": [{"Source": "s", "EventBusName": "default"}], "EndpointId": "abcde.veo"}`:  "EndpointId",
	} {
		if _, err := call(body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("PutEvents(%.60s) = %v, want %s", body, err, want)
		}
	}
}
