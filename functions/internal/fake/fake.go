// Package fake is the world that the handlers' tests run in: a store with the conditions of the real
// one, keys, machines, mail and executions in memory. It notes every call, can make any one call fail
// and can change the world just before a call, as another invocation would. Only tests import it; a
// test in functions/internal/contract holds that.
package fake

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

// Names that all tests share.
const (
	Account = "123456789012"
	Region  = "us-east-1"
	ID      = "i-1234567890abcdef0"
	Other   = "i-0abcdef1234567890"
	Session = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
	KeyARN  = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	Nonce   = "0123456789abcdef0123456789abcdef"
	Command = "11111111-2222-3333-4444-555555555555"
	Owner   = "owner@example.com"

	LockDocument = "lock" // the name of the registered one
)

// Start is now in most tests.
var Start = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

// Down is what AWS answers when it does not.
var Down = fault.New(fault.Transient, "asking AWS: ServiceUnavailable")

// World is everything that a handler can call.
type World struct {
	*Calls
	Store     *Store
	Keys      *Keys
	Calendars *Calendars
	Instances *Instances
	Roles     *Roles
	SSM       *SSM
	EC2       *EC2
	Mail      *Mail
	Flow      *Flow
	Inspect   *Invoker
	Evaluate  *Invoker
	Drill     *Invoker
	Notifier  *Invoker
	Trier     *Trier
	Schedules *Schedules
	Reports   *Schedules
	Log       *slog.Logger

	logged *strings.Builder
}

// New is a world with one guarded key, one policy and one enrolled machine that runs.
func New() *World {
	c := &Calls{fails: map[string][]error{}, before: map[string][]func(){}}
	w := &World{
		Calls: c, Store: newStore(c), Keys: newKeys(c), Calendars: &Calendars{Calls: c, Named: map[string]guard.Calendar{}}, Instances: newInstances(c), Roles: &Roles{Calls: c, Own: "web", Policy: OnlyEC2}, SSM: newSSM(c), EC2: &EC2{Calls: c, Instance: "running"}, Mail: &Mail{Calls: c},
		Flow:    &Flow{Calls: c, Executions: map[string]string{}, Inputs: map[string]json.RawMessage{}},
		Inspect: &Invoker{Calls: c, name: "inspect"}, Evaluate: &Invoker{Calls: c, name: "evaluate"},
		Drill: &Invoker{Calls: c, name: "drill"}, Notifier: &Invoker{Calls: c, name: "notifier"}, Trier: &Trier{Calls: c},
		Schedules: &Schedules{Calls: c}, Reports: &Schedules{Calls: c}, logged: &strings.Builder{},
	}
	w.Log = slog.New(slog.NewTextHandler(w.logged, nil))
	w.Store.PutPolicyText(Policy())
	w.Store.Put(Machine())
	return w
}

// Logged is the log so far.
func (w *World) Logged() string { return w.logged.String() }

// Calls notes calls and makes them fail.
type Calls struct {
	mu     sync.Mutex
	made   []string
	fails  map[string][]error
	before map[string][]func()
}

// Fail makes the next calls of this name end with these errors, in order; a nil lets one pass.
func (c *Calls) Fail(name string, errs ...error) { c.fails[name] = append(c.fails[name], errs...) }

// Always makes every call of this name fail.
func (c *Calls) Always(name string, err error) { c.fails[name+" always"] = []error{err} }

// Before runs f just before the next call of this name, as somebody else who is quicker. A second f is
// for the call after that.
func (c *Calls) Before(name string, f func()) { c.before[name] = append(c.before[name], f) }

// call notes a call of name, such as "kms.RevokeGrant", with what it is about.
func (c *Calls) call(name string, about ...string) error {
	c.mu.Lock()
	c.made = append(c.made, strings.Join(append([]string{name}, about...), " "))
	var first func()
	if b := c.before[name]; len(b) > 0 {
		first, c.before[name] = b[0], b[1:]
	}
	c.mu.Unlock()
	if first != nil {
		first()
	}
	if always := c.fails[name+" always"]; always != nil {
		return always[0]
	}
	if f := c.fails[name]; len(f) > 0 {
		c.fails[name] = f[1:]
		return f[0]
	}
	return nil
}

// Made are the calls whose names start with prefix, in order.
func (c *Calls) Made(prefix string) []string {
	var made []string
	for _, m := range c.made {
		if strings.HasPrefix(m, prefix) {
			made = append(made, m)
		}
	}
	return made
}

// Forget empties the list of calls.
func (c *Calls) Forget() { c.made = nil }

// Never fails the test if one of these was called.
func (c *Calls) Never(t *testing.T, names ...string) {
	t.Helper()
	for _, n := range names {
		if made := c.Made(n); len(made) > 0 {
			t.Errorf("%s was called: %v", n, made)
		}
	}
}

// Times fails the test unless calls of this name were made as often as said.
func (c *Calls) Times(t *testing.T, name string, want int) {
	t.Helper()
	if made := c.Made(name); len(made) != want {
		t.Errorf("%s was called %d times, want %d: %v", name, len(made), want, made)
	}
}

// Kind fails the test unless err is of this kind.
func Kind(t *testing.T, err error, want fault.Kind) {
	t.Helper()
	if !fault.Is(err, want) {
		t.Errorf("error = %v (%s), want one of kind %s", err, fault.Of(fault.KindOf(err)).Name, fault.Of(want).Name)
	}
}

// clone is a copy that shares nothing, as a store that was written and read again gives.
func clone[T any](v T) T {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encoding a record: %v", err))
	}
	var other T
	if err := json.Unmarshal(text, &other); err != nil {
		panic(fmt.Sprintf("decoding a record: %v", err))
	}
	return other
}

// Event decodes one of the events in events/ as Lambda would; path is FUNCTION/NAME.json.
func Event[T any](t *testing.T, path string) T {
	t.Helper()
	text, err := os.ReadFile("../../../events/" + path)
	if err != nil {
		t.Fatal(err)
	}
	var e T
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatalf("decoding %s: %v", path, err)
	}
	return e
}

// unless gives what a call answers, or its error alone.
func unless[T any](err error, v T) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return v, nil
}
