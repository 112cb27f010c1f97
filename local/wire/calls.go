package wire

import (
	"maps"
	"sync"
	"time"
)

// maxCalls bounds the log; older calls are dropped, their counts are not.
const maxCalls = 10_000

// Call is one authenticated call that was answered.
type Call struct {
	At        time.Time `json:"at"` // virtual
	Caller    string    `json:"caller"`
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Code      string    `json:"code,omitempty"` // of the error it got, "" for success
}

// ledger counts calls and keeps the last ones. The zero value is ready.
type ledger struct {
	mu     sync.Mutex
	counts map[string]int
	last   []Call
	next   int // where the oldest is, once last is full
}

func (l *ledger) record(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[c.Service+"."+c.Operation]++
	if len(l.last) < maxCalls {
		l.last = append(l.last, c)
		return
	}
	l.last[l.next] = c
	l.next = (l.next + 1) % maxCalls
}

// Calls says how often each operation was called since the start or the last ResetCalls, as
// "service.operation"; calls that got an error count too, as AWS bills them.
func (s *Server) Calls() map[string]int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return maps.Clone(s.ledger.counts)
}

// Log returns the last calls, at most 10,000, oldest first.
func (s *Server) Log() []Call {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	l := &s.ledger
	return append(append([]Call(nil), l.last[l.next:]...), l.last[:l.next]...)
}

// ResetCalls forgets counts and log.
func (s *Server) ResetCalls() {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.counts, s.ledger.last, s.ledger.next = nil, nil, 0
}
