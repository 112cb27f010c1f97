package lambda

import (
	"encoding/json"
	"time"
)

// DeadLetter is an event that an asynchronous invocation gave up on.
type DeadLetter struct {
	Time         time.Time       `json:"time"` // virtual
	Function     string          `json:"function"`
	Queue        string          `json:"queue,omitempty"` // ARN
	RequestID    string          `json:"requestId"`
	Attempts     int             `json:"attempts"`
	ErrorType    string          `json:"errorType"`
	ErrorMessage string          `json:"errorMessage"`
	Payload      json.RawMessage `json:"payload"`
}

// retryAfter is how long Lambda waits before the second and the third attempt.
var retryAfter = []time.Duration{time.Minute, 2 * time.Minute}

// InvokeAsync puts an event into the function's queue and returns at once. An event that fails is
// tried twice more, one and then two virtual minutes later, and kept as a dead letter at last. An
// unknown function is a dead letter at once.
func (l *Lambda) InvokeAsync(name string, payload []byte) {
	f, ok := l.find(name)
	if !ok {
		l.bury(&function{Function: Function{LogicalID: name}}, requestID(), 0, payload, failed("ResourceNotFoundException", "Function not found: "+name))
		return
	}
	id := requestID()
	done := l.options.Clock.Work("event for " + f.LogicalID)
	go func() {
		defer done()
		l.asynchronous(f, id, payload, 1)
	}()
}

func (l *Lambda) asynchronous(f *function, id string, payload []byte, attempt int) {
	r, err := l.run(f, id, payload)
	if err != nil || r.FunctionError == "" {
		return // an error here is that of a place that is closing
	}
	retries := len(retryAfter)
	if f.Retries != nil {
		retries = min(retries, *f.Retries)
	}
	if attempt > retries {
		l.bury(f, id, attempt, payload, r)
		return
	}
	l.options.Clock.After(retryAfter[attempt-1], "retry of "+f.LogicalID, func() {
		l.asynchronous(f, id, payload, attempt+1)
	})
}

// maxDeadLetters bounds what a function that always fails can leave behind.
const maxDeadLetters = 1000

func (l *Lambda) bury(f *function, id string, attempts int, payload []byte, r Result) {
	if len(payload) == 0 {
		payload = []byte("null")
	}
	letter := DeadLetter{
		Time: l.options.Clock.Now(), Function: f.LogicalID, Queue: f.DeadLetter, RequestID: id,
		Attempts: attempts, ErrorType: r.ErrorType, ErrorMessage: r.ErrorMessage, Payload: payload,
	}
	l.options.Logger.Warn("event given up", "function", f.LogicalID, "requestId", id, "errorType", r.ErrorType)
	l.keepLetter(letter)
}

func (l *Lambda) keepLetter(letter DeadLetter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadLetters = append(l.deadLetters, letter)
	if len(l.deadLetters) > maxDeadLetters {
		l.deadLetters = l.deadLetters[1:]
	}
}

// DeadLetters are the events given up since the start, oldest first, at most 1,000.
func (l *Lambda) DeadLetters() []DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]DeadLetter{}, l.deadLetters...)
}
