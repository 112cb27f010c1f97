package scheduler

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// plan sets the timer of the first occurrence that is not before from, or completes the schedule when
// there is none. The caller holds the lock.
func (s *Scheduler) plan(e *entry, from time.Time) {
	e.stop()
	if e.State == "DISABLED" {
		return
	}
	_, oneTime := e.times.(*once)
	if !oneTime && e.StartDate.After(from) {
		from = e.StartDate.Time
	}
	due, ok := e.times.next(from)
	if !ok || (!oneTime && !e.EndDate.IsZero() && due.After(e.EndDate.Time)) {
		return
	}
	e.Due = due
	e.timer = s.config.Clock.At(due.Add(e.spread()), "schedule "+e.id(), func() { s.fire(e, due) })
}

func (e *entry) stop() {
	e.Due = time.Time{}
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// fire plans the next occurrence, then invokes the target for this one.
func (s *Scheduler) fire(e *entry, due time.Time) {
	s.mu.Lock()
	if s.schedules[e.id()] != e || !e.Due.Equal(due) {
		s.mu.Unlock() // it was changed or deleted while the timer fired
		return
	}
	i := &invocation{ID: newID(), Schedule: s.arn(e), Target: e.Target, Due: due, Begun: s.config.Clock.Now()}
	s.plan(e, due.Add(1))
	if e.Due.IsZero() && e.ActionAfterCompletion == "DELETE" {
		delete(s.schedules, e.id())
	}
	s.mu.Unlock()
	s.invoke(i)
}

// invocation is one occurrence on its way to the target.
type invocation struct {
	ID       string
	Schedule string // ARN
	Target   Target
	Due      time.Time
	Begun    time.Time
	Attempts int
}

// Letter is an occurrence that could not be delivered.
type Letter struct {
	Body     json.RawMessage `json:"body"`
	Role     string          `json:"role"`     // ARN
	Schedule string          `json:"schedule"` // ARN
	Target   string          `json:"target"`   // ARN
	Error    string          `json:"error"`
	Attempts int             `json:"attempts"`
}

// maxPause bounds the pause between attempts, which doubles from a second. How Scheduler spaces them
// AWS does not say.
const maxPause = time.Hour

func (s *Scheduler) invoke(i *invocation) {
	i.Attempts++
	input := s.input(i)
	err := s.config.Invoke(context.Background(), i.Target.RoleArn, i.Target.Arn, input)
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.config.Clock.Now().Add(min(time.Second<<min(i.Attempts-1, 12), maxPause))
	if i.Attempts <= i.Target.retries() && at.Sub(i.Begun) <= i.Target.age() {
		s.retryAt(i, at)
		return
	}
	if to := i.Target.DeadLetterConfig; to != nil && to.Arn != "" && s.config.DeadLetter != nil {
		s.config.DeadLetter(to.Arn, Letter{Body: input, Role: i.Target.RoleArn, Schedule: i.Schedule, Target: i.Target.Arn, Error: err.Error(), Attempts: i.Attempts})
	}
}

// retryAt sets the timer of the next attempt. The caller holds the lock.
func (s *Scheduler) retryAt(i *invocation, at time.Time) {
	s.waiting[i] = true
	s.config.Clock.At(at, "retry of "+i.Schedule, func() {
		s.mu.Lock()
		delete(s.waiting, i)
		s.mu.Unlock()
		s.invoke(i)
	})
}

// input is the target's input with the context words replaced ("Adding context attributes"), or the
// event that Scheduler sends when there is none.
func (s *Scheduler) input(i *invocation) []byte {
	due := i.Due.UTC().Format("2006-01-02T15:04:05Z")
	if i.Target.Input == "" {
		event := struct {
			Version    string   `json:"version"`
			ID         string   `json:"id"`
			DetailType string   `json:"detail-type"`
			Source     string   `json:"source"`
			Account    string   `json:"account"`
			Time       string   `json:"time"`
			Region     string   `json:"region"`
			Resources  []string `json:"resources"`
			Detail     string   `json:"detail"`
		}{"0", i.ID, "Scheduled Event", "aws.scheduler", s.config.Account, due, s.config.Region, []string{i.Schedule}, "{}"}
		text, _ := json.Marshal(event) // strings only
		return text
	}
	return []byte(strings.NewReplacer("<aws.scheduler.schedule-arn>", i.Schedule, "<aws.scheduler.scheduled-time>", due,
		"<aws.scheduler.execution-id>", i.ID, "<aws.scheduler.attempt-number>", strconv.Itoa(i.Attempts)).Replace(i.Target.Input))
}

// newID is an execution id in Scheduler's form, 32 lower-case letters and digits.
func newID() string { return strings.ToLower((rand.Text() + rand.Text())[:32]) }
