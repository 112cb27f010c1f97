package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const command = "12345678-1234-1234-1234-123456789abc"

// whole is a change with everything that one can have.
func whole(m record.Machine) store.Change {
	return store.Change{
		Machine:   m,
		Evidence:  &record.Evidence{Machine: m.ID, Command: command, Sent: noon, Digest: "d"},
		Answer:    &record.Answer{Machine: m.ID, Command: command, Sent: noon, JudgedAt: noon.Add(time.Minute), Why: "w"},
		Ledger:    []record.Entry{{Machine: m.ID, At: noon, Kind: record.EntryIntent, Text: "a"}, {Machine: m.ID, At: noon, Kind: record.EntryHeld, Text: "b"}},
		Start:     []record.Start{{Name: m.ID + "-3-enforce-1", Machine: m.ID, Input: json.RawMessage(`{"version":1}`), At: noon}},
		Request:   &record.Request{ID: "r1", Machine: m.ID, State: "pending", AskedAt: noon},
		NotHeld:   record.Scopes(m.ID, m.Policy),
		TakeLease: &record.Lease{Name: "web", Holder: "e1", Until: noon.Add(time.Minute)},
		At:        noon,
	}
}

func TestApplyWritesEverythingInOneTransaction(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	m.Digest = "d"
	c := whole(m)
	after, err := p.Apply(t.Context(), c)
	must(t, err)
	if calls := p.Operations(); !cmp.Equal(calls, []string{"TransactWriteItems"}) {
		t.Errorf("calls = %v, want one transaction", calls)
	}
	linked, head := record.Link(record.Head{}, "", record.Noted(m, c.Ledger))
	m.Version, m.Ledger = 2, head
	same(t, "Apply", m)(after, nil)
	same(t, "Machine", m)(p.Machine(t.Context(), m.ID))
	same(t, "Evidence", []record.Evidence{*c.Evidence})(p.Evidence(t.Context(), m.ID, 0))
	same(t, "Answer", *c.Answer)(p.Answer(t.Context(), command, m.ID))
	same(t, "Ledger", []record.Entry{linked[1], linked[0]})(p.Ledger(t.Context(), m.ID, 0))
	same(t, "Outbox", c.Start)(p.Outbox(t.Context()))
	request := *c.Request
	request.Revision = 1
	same(t, "Request", request)(p.Request(t.Context(), m.ID, "r1"))
	if len(p.row(t, "key#web", "lease")) == 0 {
		t.Error("there is no lease")
	}
}

// Every conflict is told by its meaning, and leaves nothing behind.
func TestApplyConflicts(t *testing.T) {
	t.Parallel()
	held := func(scope record.Scope, expires time.Time) func(*testing.T, *place, record.Machine) {
		return func(t *testing.T, p *place, _ record.Machine) {
			must(t, p.SetHold(t.Context(), record.Hold{Scope: scope, By: "b", SetAt: noon, Expires: expires}))
		}
	}
	leased := func(holder string, until time.Time) func(*testing.T, *place, record.Machine) {
		return func(t *testing.T, p *place, m record.Machine) {
			other := p.enrol(t, awstest.Other)
			_, err := p.Apply(t.Context(), store.Change{Machine: other, At: noon, TakeLease: &record.Lease{Name: "web", Holder: holder, Until: until}})
			must(t, err)
		}
	}
	const busy = "another execution is at work on its key"
	for name, c := range map[string]struct {
		before func(*testing.T, *place, record.Machine)
		change func(*store.Change)
		want   string // "" is success
	}{
		"nothing in the way": {},
		"machine changed": {
			before: func(t *testing.T, p *place, m record.Machine) {
				_, err := p.Apply(t.Context(), store.Change{Machine: m, At: noon})
				must(t, err)
			}, want: "it was changed by somebody else",
		},
		"machine enrolled twice": {change: func(c *store.Change) { c.Machine.Version = 0 }, want: "it was changed by somebody else"},
		"machine never written":  {change: func(c *store.Change) { c.Machine.ID = "i-00000000000000009" }, want: "it was changed by somebody else"},
		"answered twice": {
			before: func(t *testing.T, p *place, m record.Machine) {
				other := p.enrol(t, awstest.Other)
				_, err := p.Apply(t.Context(), store.Change{Machine: other, At: noon, Answer: &record.Answer{Machine: m.ID, Command: command, Sent: noon}})
				must(t, err)
			}, want: "the command was answered already",
		},
		"another machine's answer": {
			before: func(t *testing.T, p *place, m record.Machine) {
				other := p.enrol(t, awstest.Other)
				_, err := p.Apply(t.Context(), store.Change{Machine: other, At: noon, Answer: &record.Answer{Machine: other.ID, Command: command, Sent: noon}})
				must(t, err)
			},
		},
		"request changed": {
			before: func(t *testing.T, p *place, m record.Machine) {
				_, err := p.PutRequest(t.Context(), record.Request{ID: "r1", Machine: m.ID, AskedAt: noon})
				must(t, err)
			}, want: "the request was changed by somebody else",
		},
		"held globally":              {before: held("global", time.Time{}), want: "it is held: global"},
		"held by policy":             {before: held("policy:web", time.Time{}), want: "it is held: policy:web"},
		"held itself":                {before: held("machine:"+awstest.Machine, noon.Add(time.Hour)), want: "it is held: machine:" + awstest.Machine},
		"another machine held":       {before: held("machine:"+awstest.Other, time.Time{})},
		"another policy held":        {before: held("policy:db", time.Time{})},
		"hold ended":                 {before: held("global", noon.Add(-time.Second))},
		"hold ends now":              {before: held("global", noon)},
		"hold ends within a second":  {before: held("global", noon.Add(500*time.Millisecond)), want: "it is held: global"},
		"hold ends in a second":      {before: held("global", noon.Add(time.Second)), want: "it is held: global"},
		"lease taken":                {before: leased("e2", noon.Add(time.Minute)), want: busy},
		"lease taken a moment more":  {before: leased("e2", noon.Add(time.Millisecond)), want: busy},
		"own lease":                  {before: leased("e1", noon.Add(time.Minute))},
		"lease ran out":              {before: leased("e2", noon.Add(-time.Minute))},
		"lease runs out now":         {before: leased("e2", noon)},
		"lease given back too late":  {before: leased("e2", noon.Add(time.Minute)), change: drop, want: busy},
		"lease given back":           {before: leased("e1", noon.Add(time.Minute)), change: drop},
		"lease that nobody has back": {change: drop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			m := p.enrol(t, awstest.Machine)
			if c.before != nil {
				c.before(t, p, m)
			}
			stored, err := p.Machine(t.Context(), m.ID)
			must(t, err)
			change := whole(m)
			if c.change != nil {
				c.change(&change)
			}
			got, err := p.Apply(t.Context(), change)
			if c.want == "" {
				if err != nil || got.Version != m.Version+1 {
					t.Errorf("Apply = version %d, %v, want %d", got.Version, err, m.Version+1)
				}
				return
			}
			awstest.Wrapped(t, err, fault.Conflict, "changing machine "+change.Machine.ID+": "+c.want)
			same(t, "Machine after a conflict", stored)(p.Machine(t.Context(), m.ID))
			p.leftNothing(t, m.ID)
		})
	}
}

func drop(c *store.Change) { c.TakeLease, c.DropLease = nil, c.TakeLease }

func (p *place) leftNothing(t *testing.T, id string) {
	t.Helper()
	evidence, err := p.Evidence(t.Context(), id, 0)
	must(t, err)
	ledger, err := p.Ledger(t.Context(), id, 0)
	must(t, err)
	outbox, err := p.Outbox(t.Context())
	must(t, err)
	if len(evidence)+len(ledger)+len(outbox) != 0 {
		t.Errorf("a conflict left %d evidence, %d ledger entries and %d executions, want none", len(evidence), len(ledger), len(outbox))
	}
}

func TestOfConcurrentAppliesOneWins(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	const rivals = 8
	errs := make([]error, rivals)
	var wait sync.WaitGroup
	for n := range rivals {
		wait.Go(func() {
			mine := m
			mine.Execution = fmt.Sprint(n)
			_, errs[n] = p.Apply(t.Context(), store.Change{Machine: mine, At: noon, Start: []record.Start{{Name: fmt.Sprint(n)}}})
		})
	}
	wait.Wait()
	var winners []string
	for n, err := range errs {
		switch {
		case err == nil:
			winners = append(winners, fmt.Sprint(n))
		case !fault.Is(err, fault.Conflict):
			t.Errorf("rival %d: %v, want Conflict", n, err)
		}
	}
	now, err := p.Machine(t.Context(), m.ID)
	must(t, err)
	outbox, err := p.Outbox(t.Context())
	must(t, err)
	if len(winners) != 1 || now.Version != 2 || now.Execution != winners[0] || len(outbox) != 1 || outbox[0].Name != winners[0] {
		t.Errorf("winners %v, machine version %d with execution %s, outbox %v: want one winner, and its alone", winners, now.Version, now.Execution, outbox)
	}
}

func TestALeaseThatWasGivenBackIsFree(t *testing.T) {
	t.Parallel()
	p := begin(t)
	one, two := p.enrol(t, awstest.Machine), p.enrol(t, awstest.Other)
	lease := func(holder string) *record.Lease {
		return &record.Lease{Name: "web", Holder: holder, Until: noon.Add(time.Hour)}
	}
	at := noon.Add(time.Minute + 300*time.Microsecond)
	one, err := p.Apply(t.Context(), store.Change{Machine: one, At: noon, TakeLease: lease("e1")})
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: two, At: at, TakeLease: lease("e2")})
	awstest.Wrapped(t, err, fault.Conflict, "another execution is at work on its key")
	_, err = p.Apply(t.Context(), store.Change{Machine: one, At: at, DropLease: lease("e1")})
	must(t, err)
	two, err = p.Apply(t.Context(), store.Change{Machine: two, At: at, TakeLease: lease("e2")}) // in the same instant
	must(t, err)
	if two.Version != 2 {
		t.Errorf("Version = %d, want 2", two.Version)
	}
}

func TestApplyOfRecordsThatAreTooLarge(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	_, err := p.Apply(t.Context(), store.Change{Machine: m, At: noon,
		Evidence: &record.Evidence{Machine: m.ID, Command: command, Sent: noon, Digest: noise(600 << 10)}})
	awstest.Wrapped(t, err, fault.Invalid, "changing machine "+m.ID+": ValidationException")
	same(t, "Machine", m)(p.Machine(t.Context(), m.ID))
}

func TestApplyOfWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	_, err := p.Apply(t.Context(), store.Change{Machine: m, At: noon, Start: []record.Start{{Name: "e", Input: json.RawMessage(`{`)}}})
	if err == nil || !strings.Contains(err.Error(), "encoding outbox") || len(p.Calls()) != 0 {
		t.Errorf("Apply = %v, want what cannot be encoded, and no call", err)
	}
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m := p.enrol(t, awstest.Machine)
	start := func(name string) record.Start {
		return record.Start{Name: name, Machine: m.ID, Input: json.RawMessage(`{"version":1}`), At: noon}
	}
	m, err := p.Apply(t.Context(), store.Change{Machine: m, At: noon, Start: []record.Start{start("b"), start("c")}})
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: m, At: noon, Start: []record.Start{start("a")}})
	must(t, err)
	same(t, "Outbox", []record.Start{start("a"), start("b"), start("c")})(p.Outbox(t.Context()))
	for range 2 { // one that is gone already is no error
		must(t, p.Started(t.Context(), "b"))
	}
	same(t, "Outbox after one was started", []record.Start{start("a"), start("c")})(p.Outbox(t.Context()))
}
