package local

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// DeadLetter is an event that a service gave up on. The queues of the template hold nothing else.
type DeadLetter struct {
	Time     time.Time       `json:"time"` // virtual
	Queue    string          `json:"queue,omitempty"`
	From     string          `json:"from"` // lambda, events, scheduler or sns
	About    string          `json:"about"`
	Attempts int             `json:"attempts"`
	Error    string          `json:"error"`
	Body     json.RawMessage `json:"body,omitempty"`
}

// maxDeadLetters bounds what is kept of each service's.
const maxDeadLetters = 1000

// bury keeps a dead letter of the bus or the scheduler; Lambda keeps its own.
func (s *Server) bury(letter DeadLetter) {
	letter.Time = s.clock.Now()
	s.options.Logger.Warn("event given up", "from", letter.From, "about", letter.About, "error", letter.Error)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadLetters = append(s.deadLetters, letter)
	if len(s.deadLetters) > maxDeadLetters {
		s.deadLetters = s.deadLetters[1:]
	}
}

// DeadLetters are all events given up since the start, oldest first.
func (s *Server) DeadLetters() []DeadLetter {
	s.mu.Lock()
	all := slices.Clone(s.deadLetters)
	s.mu.Unlock()
	for _, l := range s.lambda.DeadLetters() {
		all = append(all, DeadLetter{
			Time: l.Time, Queue: l.Queue, From: "lambda", About: l.Function, Attempts: l.Attempts,
			Error: l.ErrorType + ": " + l.ErrorMessage, Body: l.Payload,
		})
	}
	slices.SortStableFunc(all, func(a, b DeadLetter) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	if all == nil {
		all = []DeadLetter{}
	}
	return all
}
