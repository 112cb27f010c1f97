// Package scheduler is EventBridge Scheduler: schedules that the template declares or programs create,
// in rate, cron and one-time form, in IANA time zones, with flexible windows, retries and dead letters.
//
// What AWS documents about summer time holds: a local time that does not exist is skipped that day, one
// that comes twice fires once, a day of a rate is 24 hours. A schedule fires on the second, where AWS
// promises the minute. Targets are Lambda functions and state machines; all other targets, schedule
// groups made by a call, tags and customer keys are refused by name. It refuses one-time schedules of
// the past, of which AWS does not say what becomes of them.
//
// local/stack declares schedules, local/wire hands it the calls, local/clock the time.
package scheduler

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
)

// Config is what a Scheduler needs. All but DeadLetter are required.
type Config struct {
	Clock   *clock.Clock
	Region  string
	Account string
	// Invoke hands the input, as a role, to the function or state machine with this ARN. An error means that it did
	// not take it and that it is tried again.
	Invoke func(ctx context.Context, role, target string, input []byte) error
	// DeadLetter takes what could not be delivered to the queue with this ARN; nil drops it.
	DeadLetter func(queue string, letter Letter)
}

// Scheduler is the schedules of one account and Region. All methods may be called from any goroutine.
type Scheduler struct {
	config Config

	mu        sync.Mutex
	groups    map[string]bool
	schedules map[string]*entry // by group/name
	tokens    map[string]token
	waiting   map[*invocation]bool // whose retry is due later
}

// entry is a schedule with what the service knows about it.
type entry struct {
	Schedule
	Created  time.Time
	Modified time.Time
	Due      time.Time // the next occurrence, before its place in the window; zero for none

	times occurrences
	timer *clock.Timer
}

// New returns a Scheduler without schedules, with the group default.
func New(c Config) *Scheduler {
	return &Scheduler{config: c, groups: map[string]bool{"default": true}, schedules: map[string]*entry{}, tokens: map[string]token{}, waiting: map[*invocation]bool{}}
}

// AddGroup makes a schedule group; one that is there stays.
func (s *Scheduler) AddGroup(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("adding schedule group %q: expected up to 64 of letters, digits, dashes, underscores and dots", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[name] = true
	return nil
}

// Create makes a schedule and returns its ARN.
func (s *Scheduler) Create(declared Schedule) (arn string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.create(declared)
}

func (s *Scheduler) create(declared Schedule) (string, error) {
	now := s.config.Clock.Now()
	e, err := s.build(declared, now)
	if err != nil {
		return "", err
	}
	if s.schedules[e.id()] != nil {
		return "", &wire.Error{Code: "ConflictException", Message: "Schedule " + e.Name + " already exists.", Status: 409}
	}
	e.Created = now
	s.schedules[e.id()] = e
	s.plan(e, now)
	return s.arn(e), nil
}

// build checks a schedule and makes an entry of it. The caller holds the lock.
func (s *Scheduler) build(declared Schedule, now time.Time) (*entry, error) {
	e := &entry{Schedule: declared.withDefaults(), Modified: now}
	if err := e.check(now); err != nil {
		return nil, err
	}
	if err := s.hasGroup(e.GroupName); err != nil {
		return nil, err
	}
	if err := e.parse(); err != nil {
		return nil, wire.Validation("Invalid Schedule Expression %s: %s", e.ScheduleExpression, err)
	}
	if at, ok := e.times.(*once); ok && at.at.Before(now) {
		return nil, wire.Validation("Invalid Schedule Expression %s: its time is past", e.ScheduleExpression)
	}
	return e, nil
}

// parse compiles the expression; a rate counts from its start, or else from when it was set.
func (e *entry) parse() (err error) {
	anchor := e.Modified
	if !e.StartDate.IsZero() {
		anchor = e.StartDate.Time
	}
	e.times, err = parse(e.ScheduleExpression, e.ScheduleExpressionTimezone, anchor)
	return err
}

func (s *Scheduler) hasGroup(name string) error {
	if s.groups[name] {
		return nil
	}
	return notFound("Schedule group %s does not exist.", name)
}

func notFound(format string, name string) error {
	return &wire.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, name), Status: 404}
}

func (e *entry) id() string { return e.GroupName + "/" + e.Name }

func (s *Scheduler) arn(e *entry) string {
	return "arn:aws:scheduler:" + s.config.Region + ":" + s.config.Account + ":schedule/" + e.id()
}

// Next is when a schedule fires next; ok is false when it is not there or does not fire any more.
func (s *Scheduler) Next(group, name string) (at time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.schedules[cmp.Or(group, "default")+"/"+name]
	if e == nil || e.Due.IsZero() {
		return time.Time{}, false
	}
	return e.Due.Add(e.spread()), true
}

// token is a ClientToken that was used, and for what.
type token struct {
	digest [sha256.Size]byte
	until  time.Time
}

// tokenLife is how long a ClientToken is remembered; AWS does not say how long it does.
const tokenLife = time.Hour

// repeated says whether this very request was carried out under its token already, and remembers it
// otherwise. The caller holds the lock.
func (s *Scheduler) repeated(clientToken string, request any) (bool, error) {
	text, err := json.Marshal(request)
	if err != nil || clientToken == "" {
		return false, err
	}
	now := s.config.Clock.Now()
	for t, used := range s.tokens {
		if now.After(used.until) {
			delete(s.tokens, t)
		}
	}
	digest := sha256.Sum256(text)
	used, ok := s.tokens[clientToken]
	if !ok {
		return false, nil
	}
	if used.digest != digest {
		return false, &wire.Error{Code: "ConflictException", Message: "The ClientToken was used with other parameters.", Status: 409}
	}
	return true, nil
}

func (s *Scheduler) remember(clientToken string, request any) {
	text, err := json.Marshal(request)
	if err == nil && clientToken != "" {
		s.tokens[clientToken] = token{digest: sha256.Sum256(text), until: s.config.Clock.Now().Add(tokenLife)}
	}
}

// saved is the schedules and the invocations that wait for a retry.
type saved struct {
	Schedules []*entry
	Waiting   []*invocation
}

// Save is every schedule and every invocation that waits for a retry, for --data. Groups come from the
// template.
func (s *Scheduler) Save() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := saved{Schedules: s.sorted("", "")}
	for i := range s.waiting {
		out.Waiting = append(out.Waiting, i)
	}
	slices.SortFunc(out.Waiting, func(a, b *invocation) int { return cmp.Compare(a.ID, b.ID) })
	return json.Marshal(out)
}

// Load takes up what Save saved. A schedule that the template declares otherwise by now stays as the
// template says. Occurrences of the time in between are not made up for, but for one-time schedules.
func (s *Scheduler) Load(text json.RawMessage) error {
	var in saved
	if err := json.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("reading saved schedules: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.config.Clock.Now()
	for _, e := range in.Schedules {
		declared := s.schedules[e.id()]
		if declared != nil && !sameSchedule(declared.Schedule, e.Schedule) {
			continue
		}
		if err := e.parse(); err != nil {
			return fmt.Errorf("loading schedule %s: %w", e.id(), err)
		}
		if declared != nil {
			declared.stop()
		}
		s.groups[e.GroupName] = true
		s.schedules[e.id()] = e
		from := now
		if _, ok := e.times.(*once); ok {
			from = e.Due
		}
		if !e.Due.IsZero() {
			s.plan(e, from)
		}
	}
	for _, i := range in.Waiting {
		s.retryAt(i, now)
	}
	return nil
}

func sameSchedule(a, b Schedule) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
