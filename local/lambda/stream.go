package lambda

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
)

// Mapping is an event source mapping: a stream whose records a function gets in batches, in their order. A batch that
// fails is tried again until it is given up, and what comes after it waits.
type Mapping struct {
	Name     string // what people know it by
	Function string
	Source   string // ARN of the stream
	Batch    int    // records at most; 100 when zero

	Matches []func(record []byte) bool // a record that none matches is left out; none of them: all come
	Bisect  bool                       // a batch that fails is halved
	Retries int                        // of a batch; -1: as long as it is not too old
	Age     time.Duration              // older records are given up; 0: never
	Partial bool                       // the function says which records failed (ReportBatchItemFailures)
	Failed  string                     // ARN of the queue that is told of what was given up; "" for none
}

// StreamRecord is one record of a stream.
type StreamRecord struct {
	Sequence string          `json:"sequence"`
	At       time.Time       `json:"at"`
	Body     json.RawMessage `json:"body"`
}

// Source is a mapping at work. One batch at a time is on its way, as with one shard.
type Source struct {
	lambda   *Lambda
	mapping  Mapping
	function *function

	mu      sync.Mutex
	waiting []batch // oldest first: parts of what failed, then what came
	current batch   // on its way
	busy    bool
	timer   *clock.Timer // of the next attempt
}

// maxBatchBytes is what an invocation takes.
const maxBatchBytes = 6 << 20

// retryOfBatch is how long a failed batch waits: it doubles up to a minute.
const (
	firstRetryOfBatch = time.Second
	lastRetryOfBatch  = time.Minute
)

// Map adds an event source mapping of a function that is there.
func (l *Lambda) Map(m Mapping) (*Source, error) {
	f, ok := l.find(m.Function)
	if !ok {
		return nil, fmt.Errorf("mapping %s: %w", m.Source, &NotFoundError{Function: m.Function})
	}
	if m.Batch == 0 {
		m.Batch = 100
	}
	return &Source{lambda: l, mapping: m, function: f}, nil
}

// Put takes records and returns at once.
func (s *Source) Put(records ...StreamRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if s.matches(r.Body) {
			s.add(r)
		}
	}
	s.begin()
}

func (s *Source) matches(body []byte) bool {
	for _, m := range s.mapping.Matches {
		if m(body) {
			return true
		}
	}
	return len(s.mapping.Matches) == 0
}

// add puts a record into the newest batch, or a new one. The caller holds the lock.
func (s *Source) add(r StreamRecord) {
	if n := len(s.waiting); n > 0 && s.waiting[n-1].open && s.waiting[n-1].takes(r, s.mapping.Batch) {
		s.waiting[n-1].Records = append(s.waiting[n-1].Records, r)
		return
	}
	s.waiting = append(s.waiting, batch{Records: []StreamRecord{r}, open: true})
}

// begin has the batches worked off, when nobody does and none waits for its time. The caller holds the lock.
func (s *Source) begin() {
	if s.busy || s.timer != nil || len(s.waiting) == 0 {
		return
	}
	s.busy = true
	done := s.lambda.options.Clock.Work("stream records for " + s.function.LogicalID)
	go func() {
		defer done()
		s.work()
	}()
}

// work invokes the function until nothing is left or a batch has to wait.
func (s *Source) work() {
	for {
		s.mu.Lock()
		b, expired := s.next()
		if len(expired.Records) == 0 && len(b.Records) == 0 {
			s.busy = false
			s.mu.Unlock()
			return
		}
		s.current = b
		s.mu.Unlock()
		if len(expired.Records) > 0 {
			s.giveUp(expired, "RecordAgeExceeded", Result{})
			continue
		}
		if !s.attempt(b) {
			return
		}
	}
}

// next takes the first batch out, or what of it is too old. The caller holds the lock.
func (s *Source) next() (b, expired batch) {
	if len(s.waiting) == 0 {
		return b, expired
	}
	b = s.waiting[0]
	s.waiting = s.waiting[1:]
	if s.mapping.Age == 0 {
		return b, expired
	}
	old := 0
	for _, r := range b.Records {
		if s.lambda.options.Clock.Now().Sub(r.At) > s.mapping.Age {
			old++
		}
	}
	if old > 0 {
		if old < len(b.Records) {
			s.waiting = append([]batch{{Records: b.Records[old:]}}, s.waiting...)
		}
		return batch{}, batch{Records: b.Records[:old], Attempts: b.Attempts}
	}
	return b, expired
}

// attempt invokes the function once and says whether the next one may come at once.
func (s *Source) attempt(b batch) bool {
	r, err := s.lambda.run(s.function, requestID(), batchPayload(b))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = batch{}
	if err != nil { // the place is closing
		s.waiting = append([]batch{b}, s.waiting...)
		s.busy = false
		return false
	}
	at, partly := failedAt(b, r, s.mapping.Partial)
	if at == len(b.Records) {
		return true
	}
	if at > 0 {
		s.waiting = append([]batch{{Records: b.Records[at:]}}, s.waiting...)
		return true
	}
	if s.mapping.Bisect && !partly && len(b.Records) > 1 {
		half := (len(b.Records) + 1) / 2
		s.waiting = append([]batch{{Records: b.Records[:half], Attempts: b.Attempts}, {Records: b.Records[half:], Attempts: b.Attempts}}, s.waiting...)
		return true // splitting does not count against the retries
	}
	b.Attempts, b.open = b.Attempts+1, false
	if s.mapping.Retries >= 0 && b.Attempts > s.mapping.Retries {
		s.mu.Unlock()
		s.giveUp(b, "RetryAttemptsExhausted", r)
		s.mu.Lock()
		return true
	}
	s.waiting = append([]batch{b}, s.waiting...)
	s.busy = false
	wait := min(firstRetryOfBatch<<min(b.Attempts-1, 10), lastRetryOfBatch)
	s.timer = s.lambda.options.Clock.After(wait, "retry of "+s.function.LogicalID, s.resume)
	return false
}

func (s *Source) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = nil
	s.begin()
}

// giveUp tells the queue of a batch that is not tried again: where it was in the stream, and not what was in it.
func (s *Source) giveUp(b batch, condition string, r Result) {
	const layout = "2006-01-02T15:04:05.000Z"
	first, last := b.Records[0], b.Records[len(b.Records)-1]
	response := map[string]any{}
	if b.Attempts > 0 {
		response = map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": r.FunctionError}
	}
	body, err := json.Marshal(map[string]any{
		"requestContext":  map[string]any{"requestId": requestID(), "functionArn": s.function.ARN, "condition": condition, "approximateInvokeCount": b.Attempts},
		"responseContext": response, "version": "1.0", "timestamp": s.lambda.options.Clock.Now().Format(layout),
		"DDBStreamBatchInfo": map[string]any{
			"shardId": "shardId-00000000000000000000-00000000", "startSequenceNumber": first.Sequence, "endSequenceNumber": last.Sequence,
			"approximateArrivalOfFirstRecord": first.At.Format(layout), "approximateArrivalOfLastRecord": last.At.Format(layout),
			"batchSize": len(b.Records), "streamArn": s.mapping.Source,
		},
	})
	if err != nil {
		panic("strings and numbers do not marshal: " + err.Error())
	}
	l := s.lambda
	l.options.Logger.Warn("stream records given up", "mapping", s.mapping.Name, "condition", condition, "count", len(b.Records))
	l.keepLetter(DeadLetter{
		Time: l.options.Clock.Now(), Function: s.function.LogicalID, Queue: s.mapping.Failed, RequestID: requestID(), Attempts: b.Attempts,
		ErrorType: condition, ErrorMessage: r.ErrorType + ": " + r.ErrorMessage, Payload: body,
	})
}

// Save is what has not been taken yet, for --data.
func (s *Source) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.waiting
	if len(s.current.Records) > 0 {
		all = append([]batch{s.current}, all...)
	}
	return json.Marshal(all)
}

// Load takes up what Save saved.
func (s *Source) Load(saved json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := json.Unmarshal(saved, &s.waiting); err != nil {
		return fmt.Errorf("reading saved stream records: %w", err)
	}
	if len(s.waiting) > 0 {
		s.timer = s.lambda.options.Clock.After(0, "records of "+s.mapping.Name, s.resume)
	}
	return nil
}
