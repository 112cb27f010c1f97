package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	p := begin(t)
	sent := func(id string, at time.Time) record.Command {
		c := record.Command{ID: id, Nonce: "0123456789abcdef0123456789abcdef", Purpose: record.Check, Machines: []string{awstest.Machine}, SentAt: at}
		must(t, p.Sent(t.Context(), c))
		c.Open = true
		return c
	}
	second, first, third := sent("a", noon.Add(time.Second)), sent("b", noon), sent("c", noon.Add(time.Hour))
	same(t, "Command", first)(p.Command(t.Context(), "b"))
	same(t, "OpenCommands, oldest first", []record.Command{first, second, third})(p.OpenCommands(t.Context()))
	awstest.Wrapped(t, p.Sent(t.Context(), first), fault.Conflict, "recording command b: it is recorded already")

	for range 2 { // what is done already is success
		must(t, p.Settled(t.Context(), second))
	}
	same(t, "OpenCommands after one was settled", []record.Command{first, third})(p.OpenCommands(t.Context()))
	second.Open = false
	same(t, "Command that was settled", second)(p.Command(t.Context(), "a"))

	_, err := p.Command(t.Context(), "d")
	awstest.Wrapped(t, err, fault.NotFound, "reading command d: there is none")
	awstest.Wrapped(t, p.Settled(t.Context(), record.Command{ID: "d"}), fault.Conflict, "settling command d: ")
	_, err = p.Command(t.Context(), "d")
	awstest.Wrapped(t, err, fault.NotFound, "") // settling makes none
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	p := begin(t)
	must(t, p.Sent(t.Context(), record.Command{ID: command, SentAt: noon}))
	answer := func(machine, command string) record.Answer {
		a := record.Answer{Command: command, Machine: machine, Sent: noon, JudgedAt: noon.Add(time.Minute)}
		m, err := p.Machine(t.Context(), machine)
		if fault.Is(err, fault.NotFound) {
			m, err = p.enrol(t, machine), nil
		}
		must(t, err)
		_, err = p.Apply(t.Context(), store.Change{Machine: m, Answer: &a, At: noon})
		must(t, err)
		return a
	}
	a, b := answer(awstest.Machine, command), answer(awstest.Other, command)
	answer(awstest.Machine, "another")
	same(t, "Answers", []record.Answer{b, a})(p.Answers(t.Context(), command))
	same(t, "Answer", a)(p.Answer(t.Context(), command, awstest.Machine))
	_, err := p.Answer(t.Context(), "another", awstest.Other)
	awstest.Wrapped(t, err, fault.NotFound, "reading answer of "+awstest.Other+": there is none")
	if none, err := p.Answers(t.Context(), "third"); err != nil || len(none) != 0 {
		t.Errorf("Answers to a command that nobody answered = %v, %v, want none", none, err)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	p := begin(t)
	hold := func(scope record.Scope, expires time.Time) record.Hold {
		h := record.Hold{Scope: scope, Reason: "moving house", By: "arn:aws:iam::123456789012:user/operator", SetAt: noon, Expires: expires}
		must(t, p.SetHold(t.Context(), h))
		return h
	}
	global, web := hold("global", time.Time{}), hold("policy:web", noon.Add(time.Hour))
	mine := hold("machine:"+awstest.Machine, noon.Add(500*time.Millisecond))
	hold("machine:"+awstest.Other, noon)
	scopes := record.Scopes(awstest.Machine, "web")
	same(t, "Holds", []record.Hold{global, mine, web})(p.Holds(t.Context(), noon))
	same(t, "HoldsOn", []record.Hold{global, web, mine})(p.HoldsOn(t.Context(), scopes, noon))
	later := noon.Add(time.Hour)
	same(t, "Holds after two ended", []record.Hold{global})(p.Holds(t.Context(), later))
	same(t, "HoldsOn after two ended", []record.Hold{global})(p.HoldsOn(t.Context(), scopes, later))

	for _, expires := range []time.Time{noon.Add(time.Minute), {}} { // the last one counts
		again := hold("global", expires)
		same(t, "HoldsOn after another", []record.Hold{again})(p.HoldsOn(t.Context(), []record.Scope{"global"}, noon))
	}
	must(t, p.LiftHold(t.Context(), "global"))
	awstest.Wrapped(t, p.LiftHold(t.Context(), "global"), fault.NotFound, "lifting hold on global: there is none")
	same(t, "HoldsOn after lifting", []record.Hold{web, mine})(p.HoldsOn(t.Context(), scopes, noon))
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	p := begin(t)
	put := func(version int, name, text string) (record.Policy, error) {
		return p.PutPolicy(t.Context(), record.Policy{Name: name, Version: version, Text: text, PutAt: noon, PutBy: "somebody"})
	}
	first, err := put(0, "web", "one")
	must(t, err)
	second, err := put(first.Version, "web", "two")
	must(t, err)
	db, err := put(0, "db", "three")
	must(t, err)
	if first.Version != 1 || second.Version != 2 {
		t.Errorf("versions = %d, %d, want 1, 2", first.Version, second.Version)
	}
	same(t, "Policy", second)(p.Policy(t.Context(), "web"))
	same(t, "Policies, by name", []record.Policy{db, second})(p.Policies(t.Context()))
	for name, version := range map[string]int{"as new": 0, "from an old version": 1, "from one that is not there": 7} {
		got, err := put(version, "web", "mine")
		awstest.Wrapped(t, err, fault.Conflict, "putting policy web: it was changed by somebody else")
		if diff := cmp.Diff(record.Policy{}, got); diff != "" {
			t.Errorf("PutPolicy %s = %s, want nothing", name, diff)
		}
	}
	same(t, "Policy after conflicts", second)(p.Policy(t.Context(), "web"))
	for version, text := range map[int]string{1: "one", 2: "two"} { // both stay
		if len(p.row(t, "policy#web", fmt.Sprintf("version#%06d", version))) == 0 {
			t.Errorf("version %d (%s) is gone", version, text)
		}
	}
	_, err = p.Policy(t.Context(), "none")
	awstest.Wrapped(t, err, fault.NotFound, "reading policy none: there is none")
}

func TestNotices(t *testing.T) {
	t.Parallel()
	p := begin(t)
	n := record.Notice{Machine: awstest.Machine, Reference: "e1/warning", Kind: "warning", To: []string{"owner@example.com"}, BegunAt: noon}
	begun := func(attempts int) record.Notice {
		t.Helper()
		got, err := p.BeginNotice(t.Context(), n)
		want := n
		want.Attempts, want.Revision = attempts, int64(attempts)+1
		same(t, fmt.Sprintf("BeginNotice for the %dth time", attempts), want)(got, err)
		return got
	}
	first, second := begun(1), begun(2) // the first sender never came back
	same(t, "Notices while none was accepted", []record.Notice{second})(p.Notices(t.Context(), n.Machine))

	// The first comes back after all: what it has to say is out of date.
	first.MessageID, first.AcceptedAt = "m1", noon
	awstest.Wrapped(t, p.EndNotice(t.Context(), first), fault.Conflict, "recording outcome of notice e1/warning")

	second.Subject, second.MessageID, second.AcceptedAt = "It will be revoked", "m2", noon.Add(time.Second)
	for range 2 { // what is done already is success
		must(t, p.EndNotice(t.Context(), second))
	}
	second.Revision += 2
	same(t, "BeginNotice of what was accepted", second)(p.BeginNotice(t.Context(), n))
	same(t, "Notices", []record.Notice{second})(p.Notices(t.Context(), n.Machine))

	other := n
	other.Reference = "e1/revoked"
	other, err := p.BeginNotice(t.Context(), other)
	must(t, err)
	same(t, "Notices by reference", []record.Notice{other, second})(p.Notices(t.Context(), n.Machine))
	if none, err := p.Notices(t.Context(), awstest.Other); err != nil || len(none) != 0 {
		t.Errorf("Notices of another machine = %v, %v, want none", none, err)
	}
}

// What became of a mail and what the mail service answered are written by two functions: neither takes
// from the other.
func TestOutcomesOfNotices(t *testing.T) {
	t.Parallel()
	p := begin(t)
	n, err := p.BeginNotice(t.Context(), record.Notice{Machine: awstest.Machine, Reference: "e1/warning", Kind: "warning", To: []string{"owner@example.com"}, BegunAt: noon})
	must(t, err)
	came := n
	came.Outcomes = []record.Outcome{{Address: "owner@example.com", Kind: record.Bounced, At: noon}}
	must(t, p.PutNotice(t.Context(), came)) // before the answer
	n.MessageID, n.AcceptedAt = "m1", noon
	must(t, p.EndNotice(t.Context(), n))
	got, err := p.Notice(t.Context(), n.Machine, n.Reference)
	if err != nil || got.MessageID != "m1" || len(got.Outcomes) != 1 {
		t.Errorf("Notice = %+v, %v, want both", got, err)
	}
	awstest.Wrapped(t, p.PutNotice(t.Context(), came), fault.Conflict, "recording outcome of notice e1/warning: it was changed by somebody else")
	_, err = p.Notice(t.Context(), n.Machine, "e2/warning")
	awstest.Wrapped(t, err, fault.NotFound, "reading notice e2/warning: there is none")

	// In one transaction with the machine, or not at all.
	m, err := p.Apply(t.Context(), store.Change{Machine: record.Machine{ID: awstest.Machine}, At: noon, Notice: &got})
	must(t, err)
	_, err = p.Apply(t.Context(), store.Change{Machine: m, At: noon, Notice: &got})
	awstest.Wrapped(t, err, fault.Conflict, "changing machine "+m.ID+": the notice was changed by somebody else")
}

// Of those who begin a notice at once each learns that there was another, but for one.
func TestNoticesBegunAtOnce(t *testing.T) {
	t.Parallel()
	p := begin(t)
	const rivals = 6
	attempts, errs := make([]int, rivals), make([]error, rivals)
	var wait sync.WaitGroup
	for i := range rivals {
		wait.Go(func() {
			var got record.Notice
			got, errs[i] = p.BeginNotice(t.Context(), record.Notice{Machine: awstest.Machine, Reference: "r", BegunAt: noon})
			attempts[i] = got.Attempts
		})
	}
	wait.Wait()
	seen := map[int]bool{}
	for i := range rivals {
		switch {
		case errs[i] != nil && !fault.Is(errs[i], fault.Conflict):
			t.Errorf("rival %d: %v, want Conflict", i, errs[i])
		case errs[i] == nil && seen[attempts[i]]:
			t.Errorf("two rivals have attempt %d", attempts[i])
		case errs[i] == nil:
			seen[attempts[i]] = true
		}
	}
	if !seen[1] {
		t.Error("nobody has the first attempt")
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	p := begin(t)
	put := func(r record.Request) record.Request {
		t.Helper()
		r, err := p.PutRequest(t.Context(), r)
		must(t, err)
		return r
	}
	late := put(record.Request{ID: "a", Machine: awstest.Machine, State: "pending", AskedAt: noon.Add(time.Hour)})
	early := put(record.Request{ID: "b", Machine: awstest.Other, State: "pending", AskedAt: noon})
	if late.Revision != 1 {
		t.Errorf("Revision = %d, want 1", late.Revision)
	}
	same(t, "Request", late)(p.Request(t.Context(), awstest.Machine, "a"))
	same(t, "RequestsFrom, oldest first", []record.Request{early, late})(p.RequestsFrom(t.Context(), "", 10))
	same(t, "RequestsFrom, the first", []record.Request{early})(p.RequestsFrom(t.Context(), "", 1))
	same(t, "RequestsFrom, those after it", []record.Request{late})(p.RequestsFrom(t.Context(), store.RequestCursor(early), 10))

	same(t, "RequestsOf", []record.Request{late})(p.RequestsOf(t.Context(), awstest.Machine))

	stale := late
	late.State = "granted"
	late = put(late)
	same(t, "Request after a change", late)(p.Request(t.Context(), awstest.Machine, "a"))
	for name, r := range map[string]record.Request{"changed since": stale, "new": {ID: "a", Machine: awstest.Machine, AskedAt: noon}} {
		t.Run(name, func(t *testing.T) {
			_, err := p.PutRequest(t.Context(), r)
			awstest.Wrapped(t, err, fault.Conflict, "recording key request a: it was changed by somebody else")
		})
	}
	_, err := p.Request(t.Context(), awstest.Other, "a")
	awstest.Wrapped(t, err, fault.NotFound, "reading key request a: there is none")
}
