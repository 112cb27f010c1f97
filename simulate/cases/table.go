package cases

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Table is what the handlers ask of the table.
type Table interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error)
	Ledger(ctx context.Context, machine string, limit int) ([]record.Entry, error)
	LedgerFrom(ctx context.Context, machine, after string, limit int) ([]record.Entry, string, error)
	WaiverHead(ctx context.Context, machine string) (record.Head, error)
	Command(ctx context.Context, id string) (record.Command, error)
	OpenCommands(ctx context.Context) ([]record.Command, error)
	Sent(ctx context.Context, c record.Command) error
	Settled(ctx context.Context, c record.Command) error
	Answer(ctx context.Context, command, machine string) (record.Answer, error)
	Answers(ctx context.Context, command string) ([]record.Answer, error)
	Outbox(ctx context.Context) ([]record.Start, error)
	Started(ctx context.Context, name string) error
	Policy(ctx context.Context, name string) (record.Policy, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	PolicyVersion(ctx context.Context, name string, version int) (record.Policy, error)
	PolicyVersions(ctx context.Context, name string, before, limit int) ([]record.Policy, error)
	PutPolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error)
	DeletePolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error)
	Holds(ctx context.Context, now time.Time) ([]record.Hold, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	SetHold(ctx context.Context, h record.Hold) error
	LiftHold(ctx context.Context, scope record.Scope) error
	Notifier(ctx context.Context, name string) (record.Notifier, error)
	Notifiers(ctx context.Context) ([]record.Notifier, error)
	PutNotifier(ctx context.Context, n record.Notifier) (record.Notifier, error)
	DeleteNotifier(ctx context.Context, n record.Notifier) error
	BeginNotice(ctx context.Context, n record.Notice) (record.Notice, error)
	EndNotice(ctx context.Context, n record.Notice) error
	Notice(ctx context.Context, machine, reference string) (record.Notice, error)
	PutNotice(ctx context.Context, n record.Notice) error
	Notices(ctx context.Context, machine string) ([]record.Notice, error)
	Request(ctx context.Context, machine, id string) (record.Request, error)
	PutRequest(ctx context.Context, r record.Request) (record.Request, error)
	Breaker(ctx context.Context) (record.Breaker, error)
	RuleBreaker(ctx context.Context, policy string) (record.RuleBreaker, error)
	ChangeBreaker(ctx context.Context, c record.BreakerChange) error
	Watch(ctx context.Context) (record.Watch, error)
	PutWatch(ctx context.Context, w record.Watch) error
	SetWaiver(ctx context.Context, w record.Waiver, told []record.Start, ledger ...record.Entry) error
	LiftWaiver(ctx context.Context, w record.Waiver, ledger ...record.Entry) error
	Used(ctx context.Context, bucket string) (time.Time, error)
	Use(ctx context.Context, bucket string, before, until time.Time) error
	Queue(ctx context.Context, t record.Turn) error
	Ahead(ctx context.Context, bucket, order string, now time.Time) (int, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Storm(ctx context.Context, group string) (record.Storm, error)
	PutStorm(ctx context.Context, g record.Storm, now time.Time) (record.Storm, error)
	JoinStorm(ctx context.Context, group string, opens time.Time, one record.Stormed) error
	InStorm(ctx context.Context, group string, opens time.Time, limit int) ([]record.Stormed, error)
	BeginCall(ctx context.Context, c record.Call, now time.Time) (record.Call, bool, error)
	EndCall(ctx context.Context, c record.Call) error
	AddOccurrence(ctx context.Context, notifier string, o record.Occurrence, due time.Time) (record.Gathering, error)
	Gathering(ctx context.Context, notifier string) (record.Gathering, error)
	PutDue(ctx context.Context, before record.Gathering, due time.Time) error
	DueNotifiers(ctx context.Context, now time.Time) ([]string, error)
	Occurrences(ctx context.Context, notifier string, limit int) ([]record.Occurrence, error)
	Deliveries(ctx context.Context, notifier string) ([]record.Delivery, error)
	BeginDelivery(ctx context.Context, g record.Gathering, d record.Delivery) (record.Delivery, error)
	TakeOccurrences(ctx context.Context, d record.Delivery) error
	PutDelivery(ctx context.Context, d record.Delivery) (record.Delivery, error)
	EndDelivery(ctx context.Context, d record.Delivery) error
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

func machine() record.Machine {
	return record.Machine{
		ID: id, SessionARN: session, Policy: "web", Key: record.Key{ARN: "key", Mode: policy.RevokeGrant}, EnrolledAt: noon, EnrolledBy: "alice",
		State: integrity.State{Standing: integrity.Good, Since: noon, Generation: 1},
	}
}

// OfTable holds a table to all of it, each case on a fresh one.
func OfTable(t *testing.T, fresh func(t *testing.T) Table) {
	for name, hold := range map[string]func(*testing.T, context.Context, Table){
		"a transition is whole or not at all": transition, "a machine is changed by who read it last": versions,
		"an answer is written once": answers, "holds stop a transition until they end": holds, "a lease is one holder's": leases,
		"what was given back is its own": copies, "a call is carried out once": calls, "commands are open until they are settled": commands, "a mail is accepted once": notices,
		"policies and requests have versions": puts, "the breaker is changed by who read it last": breakers, "waivers have revisions": waivers,
		"evidence comes newest first": evidence, "a ledger is a chain": chains, "a sweep is completed once": watches,
		"a turn is taken once": turns, "what is gathered is told in one delivery": tellings, "notifiers have versions": notifiers,
		"warnings wait for each other": storms,
	} {
		t.Run(name, func(t *testing.T) { hold(t, t.Context(), fresh(t)) })
	}
}

func enrolled(t *testing.T, ctx context.Context, s Table) record.Machine {
	t.Helper()
	m, err := s.Apply(ctx, store.Change{Machine: machine(), At: noon})
	done(t, "enrolling", err)
	return m
}

func transition(t *testing.T, ctx context.Context, s Table) {
	_, err := s.Machine(ctx, id)
	kind(t, "a machine that is not there", err, fault.NotFound)
	m := enrolled(t, ctx, s)
	if m.Version != 1 {
		t.Errorf("version = %d, want 1", m.Version)
	}
	start := record.Start{Name: id + "-2-enforce-1", Machine: id, Input: []byte(`{}`), At: noon}
	entry := record.Entry{Machine: id, At: noon, Kind: record.EntryVerdict, Text: "Fail", Generation: 2}
	m.State.Standing, m.State.Generation = integrity.Bad, 2
	bad := store.Change{Machine: m, At: noon, Ledger: []record.Entry{entry}, Start: []record.Start{start}}
	after, err := s.Apply(ctx, bad)
	done(t, "a transition", err)
	read, err := s.Machine(ctx, id)
	equal(t, "the machine after it", read, err, after)
	waiting, err := s.Outbox(ctx)
	equal(t, "the outbox after it", waiting, err, []record.Start{start})
	entries, err := s.Ledger(ctx, id, 0)
	entry.Standing, entry.Policy = integrity.Bad, m.Policy // as the machine is that was written with it
	linked, _ := record.Link(record.Head{}, "", []record.Entry{entry})
	equal(t, "the ledger after it", entries, err, linked)

	bad.Start[0].Name = "another"
	_, err = s.Apply(ctx, bad) // of a version that is not the last any more
	kind(t, "an old transition", err, fault.Conflict)
	waiting, err = s.Outbox(ctx)
	equal(t, "the outbox after a refusal", len(waiting), err, 1)
	done(t, "starting", s.Started(ctx, id+"-2-enforce-1"))
	done(t, "starting twice", s.Started(ctx, id+"-2-enforce-1"))
	waiting, err = s.Outbox(ctx)
	equal(t, "the outbox in the end", len(waiting), err, 0)
}

func versions(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	_, err := s.Apply(ctx, store.Change{Machine: machine(), At: noon})
	kind(t, "enrolling what is enrolled", err, fault.Conflict)
	first, second := m, m
	first.Owner, second.Owner = "first", "second"
	_, err = s.Apply(ctx, store.Change{Machine: first, At: noon})
	done(t, "the first", err)
	_, err = s.Apply(ctx, store.Change{Machine: second, At: noon})
	kind(t, "the second", err, fault.Conflict)
	all, err := s.Machines(ctx)
	first.Version = 2
	equal(t, "the list", all, err, []record.Machine{first})
}

func answers(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	_, err := s.Answer(ctx, "c", id)
	kind(t, "no answer", err, fault.NotFound)
	a := record.Answer{Command: "c", Machine: id, Verdict: policy.Pass, Sent: noon, JudgedAt: noon, Effects: []integrity.Effect{integrity.StandDown}}
	m, err = s.Apply(ctx, store.Change{Machine: m, Answer: &a, At: noon})
	done(t, "the first answer", err)
	_, err = s.Apply(ctx, store.Change{Machine: m, Answer: &a, At: noon})
	kind(t, "the same command again", err, fault.Conflict)
	got, err := s.Answer(ctx, "c", id)
	equal(t, "the answer", got, err, a)
	all, err := s.Answers(ctx, "c")
	equal(t, "the answers", all, err, []record.Answer{a})
	none, err := s.Answers(ctx, "d")
	equal(t, "the answers of another command", len(none), err, 0)
}

func holds(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	scopes := record.Scopes(id, "web")
	kind(t, "lifting what is not there", s.LiftHold(ctx, "global"), fault.NotFound)
	h := record.Hold{Scope: "policy:web", Reason: "r", By: "alice", SetAt: noon, Expires: noon.Add(time.Hour)}
	done(t, "setting", s.SetHold(ctx, h))
	on, err := s.HoldsOn(ctx, scopes, noon)
	equal(t, "the holds on it", on, err, []record.Hold{h})
	listed, err := s.Holds(ctx, noon)
	equal(t, "all holds", listed, err, []record.Hold{h})
	_, err = s.Apply(ctx, store.Change{Machine: m, NotHeld: scopes, At: h.Expires.Add(-time.Second)})
	kind(t, "a second before its end", err, fault.Conflict)
	none, err := s.HoldsOn(ctx, scopes, h.Expires)
	equal(t, "the holds at its end", len(none), err, 0)
	m, err = s.Apply(ctx, store.Change{Machine: m, NotHeld: scopes, At: h.Expires})
	done(t, "at its end", err)
	h.Expires = time.Time{}
	done(t, "setting without an end", s.SetHold(ctx, h))
	_, err = s.Apply(ctx, store.Change{Machine: m, NotHeld: scopes, At: noon.Add(1000 * time.Hour)})
	kind(t, "long after", err, fault.Conflict)
	_, err = s.Apply(ctx, store.Change{Machine: m, NotHeld: []record.Scope{"global"}, At: noon})
	done(t, "a scope that is not held", err)
	done(t, "lifting", s.LiftHold(ctx, h.Scope))
	kind(t, "lifting twice", s.LiftHold(ctx, h.Scope), fault.NotFound)
}

func leases(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	apply := func(what string, at time.Time, take, drop *record.Lease, refused bool) {
		t.Helper()
		after, err := s.Apply(ctx, store.Change{Machine: m, TakeLease: take, DropLease: drop, At: at})
		if refused {
			kind(t, what, err, fault.Conflict)
			return
		}
		done(t, what, err)
		m = after
	}
	lease := func(holder string, minutes int) *record.Lease {
		return &record.Lease{Name: "key", Holder: holder, Until: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	apply("a free one", noon, lease("revoke", 10), nil, false)
	apply("somebody else's", noon, lease("restore", 10), nil, true)
	apply("its own again", noon, lease("revoke", 12), nil, false)
	apply("dropping somebody else's", noon, nil, lease("restore", 10), true)
	apply("one that ran out", noon.Add(12*time.Minute), lease("restore", 20), nil, false)
	apply("what was lost meanwhile", noon.Add(13*time.Minute), nil, lease("revoke", 12), true)
	apply("giving back", noon.Add(13*time.Minute), nil, lease("restore", 20), false)
	apply("what was given back", noon.Add(13*time.Minute), lease("revoke", 30), nil, false)
}

func copies(t *testing.T, ctx context.Context, s Table) {
	m := machine()
	m.Taken = &record.Taken{Generation: 1, Grants: []string{"g"}, IntentAt: noon}
	m, err := s.Apply(ctx, store.Change{Machine: m, At: noon})
	done(t, "writing", err)
	m.Taken.Grants[0], m.Taken.GivenBy = "changed", "somebody"
	read, err := s.Machine(ctx, id)
	equal(t, "what was written", *read.Taken, err, record.Taken{Generation: 1, Grants: []string{"g"}, IntentAt: noon})
	read.Taken.Grants[0] = "changed too"
	again, err := s.Machine(ctx, id)
	equal(t, "what was read before", again.Taken.Grants, err, []string{"g"})
}

func evidence(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	for _, e := range []struct {
		command string
		at      time.Time
	}{{"b", noon.Add(time.Hour)}, {"a", noon}, {"c", noon.Add(2 * time.Hour)}} {
		var err error
		m, err = s.Apply(ctx, store.Change{Machine: m, At: noon, Evidence: &record.Evidence{Machine: id, Command: e.command, Sent: e.at}})
		done(t, "evidence "+e.command, err)
	}
	got, err := s.Evidence(ctx, id, 2)
	if err != nil || len(got) != 2 || got[0].Command != "c" || got[1].Command != "b" {
		t.Errorf("the newest two = %+v, %v, want c and b", got, err)
	}
}
