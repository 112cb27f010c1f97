package events

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// maxLog is how many events the log keeps for people to look at.
const maxLog = 1000

// Entry is one event in the log and what became of it.
type Entry struct {
	Event      json.RawMessage `json:"event"`
	Copies     int             `json:"copies"` // 0 when the event was lost on purpose
	Deliveries []Delivery      `json:"deliveries,omitempty"`
}

// Delivery is the last attempt to bring an event to a target.
type Delivery struct {
	Rule     string    `json:"rule"`
	Target   string    `json:"target"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error,omitempty"`
	GivenUp  bool      `json:"givenUp,omitempty"`
	At       time.Time `json:"at"`
}

// record puts the last attempt in the place of earlier ones.
func (e *Entry) record(d Delivery) {
	for i, earlier := range e.Deliveries {
		if d.Attempts > 1 && earlier.Rule == d.Rule && earlier.Target == d.Target && earlier.Error != "" && earlier.Attempts == d.Attempts-1 {
			e.Deliveries[i] = d
			return
		}
	}
	e.Deliveries = append(e.Deliveries, d)
}

func (b *Bus) note(e *Entry) {
	if len(b.log) == maxLog {
		b.log = slices.Delete(b.log, 0, 1)
	}
	b.log = append(b.log, e)
}

// Log is the latest events, at most a thousand, oldest first.
func (b *Bus) Log() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make([]Entry, len(b.log))
	for i, e := range b.log {
		entries[i] = *e
		entries[i].Deliveries = slices.Clone(e.Deliveries)
	}
	return entries
}

// saved is the log and the deliveries whose retry is due later.
type saved struct {
	Log     []*Entry       `json:"log"`
	Waiting []savedWaiting `json:"waiting"`
}

type savedWaiting struct {
	Rule     string          `json:"rule"`
	Target   string          `json:"target"`
	Event    json.RawMessage `json:"event"`
	Begun    time.Time       `json:"begun"`
	Attempts int             `json:"attempts"`
}

// Save is the log and what waits for a retry, for --data. Rules come from the template.
func (b *Bus) Save() (json.RawMessage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := saved{Log: b.log}
	for d := range b.waiting {
		s.Waiting = append(s.Waiting, savedWaiting{Rule: d.queue.rule, Target: d.queue.ID, Event: d.payload, Begun: d.begun, Attempts: d.attempts})
	}
	slices.SortFunc(s.Waiting, func(a, b savedWaiting) int { return a.Begun.Compare(b.Begun) })
	return json.Marshal(s)
}

// Load takes up what Save saved: deliveries that waited are tried again now. A delivery whose rule is
// gone is dropped, as it is when a rule is deleted in AWS.
func (b *Bus) Load(text json.RawMessage) error {
	var s saved
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("reading saved events: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = s.Log[max(0, len(s.Log)-maxLog):]
	for _, w := range s.Waiting {
		if q := b.queue(w.Rule, w.Target); q != nil {
			b.retryAt(&delivery{queue: q, payload: w.Event, begun: w.Begun, attempts: w.Attempts, entry: &Entry{}}, b.config.Clock.Now())
		}
	}
	return nil
}
