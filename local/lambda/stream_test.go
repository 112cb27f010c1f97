package lambda_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/lambda"
)

type streamRecord struct {
	N  string `json:"n"`
	Do string `json:"do,omitempty"`
}

var met = map[string]bool{}

// playStream writes down what it got, and does what the first record asks that asks for something.
func playStream(in struct{ Records []streamRecord }) (any, error) {
	var got []string
	for _, r := range in.Records {
		got = append(got, r.N)
	}
	list, err := os.OpenFile(os.Getenv("LIST"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(list, strings.Join(got, ","))
	list.Close()
	for _, r := range in.Records {
		switch {
		case r.Do == "once" && met[r.N]:
		case r.Do == "error", r.Do == "once":
			met[r.N] = true
			return nil, &brokenError{}
		case r.Do == "partial":
			return map[string]any{"batchItemFailures": []map[string]string{{"itemIdentifier": r.N}}}, nil
		case r.Do == "stranger":
			return map[string]any{"batchItemFailures": []map[string]string{{"itemIdentifier": "99"}}}, nil
		case r.Do == "text":
			return "all is well", nil
		}
	}
	return map[string]any{"batchItemFailures": []any{}}, nil
}

const dead = "arn:aws:sqs:us-east-1:123456789012:dead"

// streaming is a place with a mapping.
type streaming struct {
	*place
	list string // file of the batches that the function got
}

func mapped(t *testing.T, m lambda.Mapping) (streaming, *lambda.Source) {
	t.Helper()
	list := filepath.Join(t.TempDir(), "list")
	p := streaming{list: list, place: start(t, func(f *lambda.Function) { f.Environment["PROGRAM"], f.Environment["LIST"] = "stream", list })}
	m.Function, m.Source, m.Failed = "keyward-InspectFunction", "arn:stream", dead
	s, err := p.Map(m)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func (p streaming) put(s *lambda.Source, records ...streamRecord) {
	var all []lambda.StreamRecord // at once, so that they come as one batch
	for _, r := range records {
		body, _ := json.Marshal(r) // two strings
		all = append(all, lambda.StreamRecord{Sequence: r.N, At: p.clock.Now(), Body: body})
	}
	s.Put(all...)
}

// got are the batches that the function got.
func (p streaming) got(t *testing.T, forward time.Duration) []string {
	t.Helper()
	if err := p.clock.Forward(t.Context(), forward); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(p.list)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func TestStreams(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mapping lambda.Mapping
		records []streamRecord
		want    []string
		letters []string // sequence numbers
	}{
		"batches in order": {lambda.Mapping{Batch: 2}, []streamRecord{{N: "1"}, {N: "2"}, {N: "3"}}, []string{"1,2", "3"}, nil},
		"filtered": {
			lambda.Mapping{Matches: []func([]byte) bool{
				func(b []byte) bool { return bytes.Contains(b, []byte(`"2"`)) }, func(b []byte) bool { return bytes.Contains(b, []byte(`"4"`)) },
			}},
			[]streamRecord{{N: "1"}, {N: "2"}, {N: "3"}, {N: "4"}}, []string{"2,4"}, nil,
		},
		"tried again":         {lambda.Mapping{Retries: 3}, []streamRecord{{N: "1"}, {N: "2", Do: "once"}}, []string{"1,2", "1,2"}, nil},
		"given up as a whole": {lambda.Mapping{Retries: 1}, []streamRecord{{N: "1"}, {N: "2", Do: "error"}}, []string{"1,2", "1,2"}, []string{"1-2"}},
		"halved until one is left": {
			lambda.Mapping{Retries: 1, Bisect: true}, []streamRecord{{N: "1"}, {N: "2"}, {N: "3", Do: "error"}, {N: "4"}},
			[]string{"1,2,3,4", "1,2", "3,4", "3", "3", "4"}, []string{"3-3"},
		},
		"from the one that failed": {
			lambda.Mapping{Retries: 1, Partial: true}, []streamRecord{{N: "1"}, {N: "2", Do: "partial"}, {N: "3"}},
			[]string{"1,2,3", "2,3", "2,3"}, []string{"2-3"},
		},
		"a failure of none of them is all":           {lambda.Mapping{Partial: true}, []streamRecord{{N: "1"}, {N: "2", Do: "stranger"}}, []string{"1,2"}, []string{"1-2"}},
		"an answer that cannot be read is a failure": {lambda.Mapping{Partial: true}, []streamRecord{{N: "1", Do: "text"}}, []string{"1"}, []string{"1-1"}},
		"nobody reads answers without being asked":   {lambda.Mapping{}, []streamRecord{{N: "1", Do: "partial"}}, []string{"1"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := mapped(t, tt.mapping)
			p.put(s, tt.records...)
			if diff := cmp.Diff(tt.want, p.got(t, time.Minute)); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.letters, letters(t, p, "RetryAttemptsExhausted")); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
		})
	}
}

// letters are the sequence numbers that the queue was told of.
func letters(t *testing.T, p streaming, condition string) (all []string) {
	t.Helper()
	for _, l := range p.DeadLetters() {
		var body struct {
			RequestContext     struct{ FunctionARN, Condition string }
			DDBStreamBatchInfo struct{ StartSequenceNumber, EndSequenceNumber, StreamARN string }
		}
		if err := json.Unmarshal(l.Payload, &body); err != nil || l.Queue != dead || body.RequestContext.Condition != condition || body.DDBStreamBatchInfo.StreamARN != "arn:stream" {
			t.Errorf("dead letter %+v, %v", l, err)
		}
		all = append(all, body.DDBStreamBatchInfo.StartSequenceNumber+"-"+body.DDBStreamBatchInfo.EndSequenceNumber)
	}
	return all
}

// What comes meanwhile waits behind a batch that fails; what is too old is given up.
func TestAStreamKeepsItsOrder(t *testing.T) {
	t.Parallel()
	p, s := mapped(t, lambda.Mapping{Retries: -1, Age: 10 * time.Minute, Bisect: true})
	p.put(s, streamRecord{N: "1", Do: "error"})
	p.got(t, 5*time.Minute)
	p.put(s, streamRecord{N: "2"})
	if got := p.got(t, time.Minute); slices.Contains(got, "2") || len(got) < 6 || len(got) > 15 {
		t.Errorf("batches %q, want attempts at 1 alone, a minute apart at last", got)
	}
	if got := p.got(t, 10*time.Minute); got[len(got)-1] != "2" {
		t.Errorf("batches %q, want 2 at last", got)
	}
	if diff := cmp.Diff([]string{"1-1"}, letters(t, p, "RecordAgeExceeded")); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

func TestAStreamIsSaved(t *testing.T) {
	t.Parallel()
	p, s := mapped(t, lambda.Mapping{Retries: -1})
	p.put(s, streamRecord{N: "1", Do: "error"}, streamRecord{N: "2"})
	p.got(t, 0)
	saved, err := s.Save()
	if err != nil {
		t.Fatal(err)
	}
	later, again := mapped(t, lambda.Mapping{})
	if err := again.Load(bytes.ReplaceAll(saved, []byte("error"), []byte("right"))); err != nil {
		t.Fatal(err)
	}
	if got := later.got(t, time.Second); !slices.Equal(got, []string{"1,2"}) {
		t.Errorf("batches %q after loading %s", got, saved)
	}
	if err := again.Load([]byte("{")); err == nil || !strings.Contains(err.Error(), "saved stream records") {
		t.Errorf("Load of no JSON = %v", err)
	}
	if _, err := later.Map(lambda.Mapping{Function: "none"}); err == nil {
		t.Error("a mapping of no function is made")
	}
}
