package world

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/aws/sesmail"
)

// Sent is a mail that SES accepted.
type Sent struct {
	sesmail.Mail
	ID string
	At time.Time
	By *Invocation
}

// Mail is SES. It has the call of sesmail.
type Mail struct {
	Bounces func(address string) bool // whose mailbox is not there; nil: everybody's is
	w       *World
	count   int
}

func newMail(w *World) *Mail { return &Mail{w: w} }

// Send is sesmail's.
func (m *Mail) Send(_ context.Context, mail sesmail.Mail) (id string, err error) {
	err = m.w.call("ses", "SendEmail", func() error {
		m.count++
		id = fmt.Sprintf("message-%06d", m.count)
		m.bounce(mail, id)
		if m.w.Watch != nil {
			m.w.Watch.Mailed(Sent{Mail: mail, ID: id, At: m.w.now, By: m.w.current}, m.w.current)
		}
		return nil
	})
	return id, err
}

// bounce has SES say, some while after, that a mail did not reach its recipients: each by an event of its own,
// through SNS to the function delivery.
func (m *Mail) bounce(mail sesmail.Mail, id string) {
	tags := map[string][]string{}
	for name, value := range mail.Tags {
		tags[name] = []string{value}
	}
	for _, to := range mail.To {
		if m.Bounces == nil || !m.Bounces(to) {
			continue
		}
		m.w.After(m.w.between(time.Second, 20*time.Minute), func() {
			message, _ := json.Marshal(map[string]any{
				"eventType": "Bounce",
				"mail":      map[string]any{"timestamp": m.w.now, "messageId": id, "sendingAccountId": Account, "destination": mail.To, "tags": tags},
				"bounce": map[string]any{
					"timestamp": m.w.now, "bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": []any{map[string]any{"emailAddress": to}},
				},
			})
			payload, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{"Message": string(message)}}}})
			m.w.Event("delivery", mail.Reference, payload)
		})
	}
}

// Queue is another function's asynchronous invocation. It has the call of lambdacall.
type Queue struct {
	w        *World
	function string
}

// Queue is the way to a function.
func (w *World) Queue(function string) *Queue { return &Queue{w, function} }

// Invoke is lambdacall's.
func (q *Queue) Invoke(_ context.Context, event any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return q.w.call("lambda", "Invoke", func() error {
		q.w.Event(q.function, "", payload)
		return nil
	})
}

// Event has a function invoked soon, at least once, and again when it fails: twice, after one minute and
// after two more, as Lambda does.
func (w *World) Event(function, subject string, payload []byte) {
	times := 1
	if w.chance(w.Faults.Double) {
		times = 2
	}
	for range times {
		w.After(w.between(50*time.Millisecond, 3*time.Second), func() { w.attempt(function, subject, payload, 1) })
	}
}

func (w *World) attempt(function, subject string, payload []byte, n int) {
	w.Invoke(function, subject, payload, func(_ any, err error) {
		switch {
		case err == nil:
		case n <= 2:
			w.After(time.Duration(n)*time.Minute, func() { w.attempt(function, subject, payload, n+1) })
		default:
			w.DeadEnds[function]++
		}
	})
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
