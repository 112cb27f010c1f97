// Package events is EventBridge's default event bus: events that services of this process publish and
// programs put, rules from the template that match them, deliveries to targets with retries and dead
// letters.
//
// There are no other buses, no input transformers, no archives, and rules cannot be made by a call.
// An event's way to a target counts as work of the clock, so that moving time waits for it; a retry is
// a timer. Events reach one target in the order in which they were published, but for those that are
// retried. local/stack makes the rules, local/ssm and its kin publish.
package events

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
)

// Config is what a Bus needs. Clock, Region, Account and Deliver are required.
type Config struct {
	Clock   *clock.Clock
	Region  string
	Account string
	// Deliver hands an event to the target with this ARN. An error means that the target did not take
	// it and that it is tried again.
	Deliver func(ctx context.Context, target string, payload []byte) error
	// DeadLetter takes what could not be delivered to the queue with this ARN; nil only logs it.
	DeadLetter func(queue string, letter Letter)
	// Copies says how often an event of this detail type arrives: 0 is lost, 2 is doubled. Nil is once.
	Copies func(detailType string) int
	// Late says how much later it arrives. Nil is at once.
	Late func(detailType string) time.Duration
}

// Letter is an event that could not be delivered.
type Letter struct {
	Body     json.RawMessage `json:"body"`
	Rule     string          `json:"rule"`
	Target   string          `json:"target"`
	Error    string          `json:"error"`
	Attempts int             `json:"attempts"`
}

// Event is what a publisher says; the bus adds id, time, account and Region.
type Event struct {
	Source     string
	DetailType string
	Resources  []string
	Detail     json.RawMessage // a JSON object; nil is {}
	Time       time.Time       // zero means now; whole seconds are kept
}

// envelope is an event as targets get it ("AWS service event metadata").
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Bus is the default event bus. All methods may be called from any goroutine.
type Bus struct {
	config Config

	mu      sync.Mutex
	rules   []*rule
	log     []*Entry
	waiting map[*delivery]*clock.Timer // deliveries whose retry is due later
}

// New returns a bus without rules.
func New(c Config) *Bus {
	if c.Copies == nil {
		c.Copies = func(string) int { return 1 }
	}
	if c.Late == nil {
		c.Late = func(string) time.Duration { return 0 }
	}
	return &Bus{config: c, waiting: map[*delivery]*clock.Timer{}}
}

// Publish puts an event on the bus and returns its id. Detail must be a JSON object.
func (b *Bus) Publish(e Event) (id string, err error) {
	if e.Detail == nil {
		e.Detail = json.RawMessage("{}")
	}
	if !object(e.Detail) {
		return "", fmt.Errorf("publishing %q: the detail is not a JSON object", e.DetailType)
	}
	if e.Time.IsZero() {
		e.Time = b.config.Clock.Now()
	}
	if e.Resources == nil {
		e.Resources = []string{}
	}
	sent := envelope{Version: "0", ID: newID(), DetailType: e.DetailType, Source: e.Source, Account: b.config.Account,
		Time: e.Time.UTC().Format("2006-01-02T15:04:05Z"), Region: b.config.Region, Resources: e.Resources, Detail: e.Detail}
	payload, err := json.Marshal(sent)
	if err != nil {
		return "", fmt.Errorf("publishing %q: %w", e.DetailType, err)
	}
	b.route(payload, e.DetailType)
	return sent.ID, nil
}

// route starts the deliveries of an event to the targets of every rule that matches.
func (b *Bus) route(payload []byte, detailType string) {
	copies, late := b.config.Copies(detailType), b.config.Late(detailType)
	b.mu.Lock()
	defer b.mu.Unlock()
	entry := &Entry{Event: payload, Copies: copies}
	b.note(entry)
	if late <= 0 {
		b.match(payload, entry)
		return
	}
	b.config.Clock.After(late, "late event", func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.match(payload, entry)
	})
}

// match starts the deliveries of an event's copies. The caller holds the lock.
func (b *Bus) match(payload []byte, entry *Entry) {
	event := decoded(payload)
	for range entry.Copies {
		for _, r := range b.rules {
			if !r.pattern.matches(event) {
				continue
			}
			for _, t := range r.targets {
				b.send(&delivery{queue: t, payload: payload, begun: b.config.Clock.Now(), entry: entry})
			}
		}
	}
}

func object(b []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(b, &members) == nil && members != nil
}

// newID is a random UUID of version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails since Go 1.24
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Service is what local/wire dispatches to.
func (b *Bus) Service() wire.Service {
	return wire.Service{Name: "events", Protocol: wire.JSON11, TargetPrefix: "AWSEvents",
		Operations: map[string]wire.Operation{"PutEvents": b.putEvents}}
}
