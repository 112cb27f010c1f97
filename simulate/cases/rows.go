package cases

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func commands(t *testing.T, ctx context.Context, s Table) {
	_, err := s.Command(ctx, "c")
	kind(t, "a command that is not there", err, fault.NotFound)
	c := record.Command{ID: "c", Nonce: "n", Purpose: record.Check, Machines: []string{id}, SentAt: noon, TotalBy: noon.Add(time.Minute)}
	earlier := c
	earlier.ID, earlier.SentAt = "b", noon.Add(-time.Minute)
	kind(t, "settling what was not sent", s.Settled(ctx, c), fault.Conflict)
	done(t, "sending", s.Sent(ctx, c))
	kind(t, "sending it again", s.Sent(ctx, c), fault.Conflict)
	done(t, "sending another", s.Sent(ctx, earlier))
	c.Open, earlier.Open = true, true
	open, err := s.OpenCommands(ctx)
	equal(t, "those that are open", open, err, []record.Command{earlier, c})
	done(t, "settling", s.Settled(ctx, earlier))
	open, err = s.OpenCommands(ctx)
	equal(t, "those that are open then", open, err, []record.Command{c})
	earlier.Open = false
	read, err := s.Command(ctx, "b")
	equal(t, "the settled one", read, err, earlier)
}

func notices(t *testing.T, ctx context.Context, s Table) {
	n := record.Notice{Machine: id, Reference: "e/warning", Kind: "warning", To: []string{"a@example.com"}, BegunAt: noon}
	first, err := s.BeginNotice(ctx, n)
	n.Attempts, n.Revision = 1, first.Revision
	equal(t, "the first attempt", first, err, n)
	later := n
	later.BegunAt = noon.Add(time.Minute)
	second, err := s.BeginNotice(ctx, later)
	n.Attempts, n.Revision = 2, second.Revision
	equal(t, "the second, which keeps when it began", second, err, n)
	kind(t, "the end of the first", s.EndNotice(ctx, first), fault.Conflict)
	second.BegunAt = time.Time{}
	done(t, "noting a refusal", s.EndNotice(ctx, second))
	third, err := s.BeginNotice(ctx, later)
	later.Attempts, later.Revision = 3, third.Revision
	equal(t, "the third, which begins anew", third, err, later)
	came := bounced(t, ctx, s, third)
	third.AcceptedAt, third.MessageID = noon.Add(2*time.Minute), "m"
	done(t, "noting that it was accepted", s.EndNotice(ctx, third))
	again, err := s.BeginNotice(ctx, n)
	third.Revision, third.Outcomes = again.Revision, came
	equal(t, "what was accepted", again, err, third)
	all, err := s.Notices(ctx, id)
	equal(t, "the notices", all, err, []record.Notice{third})
	others := record.Notice{Machine: id, Reference: "e2/warning", Counts: []string{"a@example.com"}, BegunAt: noon}
	_, err = s.BeginNotice(ctx, others)
	done(t, "a warning", err)
	others.Counts, others.BegunAt = []string{"b@example.com"}, noon.Add(time.Minute)
	anew, err := s.BeginNotice(ctx, others)
	others.Attempts, others.Revision = 2, anew.Revision
	equal(t, "a warning that counts for others now, which begins anew", anew, err, others)
}

// bounced notes what became of a mail that is being sent, before its end is noted.
func bounced(t *testing.T, ctx context.Context, s Table, n record.Notice) []record.Outcome {
	_, err := s.Notice(ctx, id, "e/other")
	kind(t, "a notice that is not there", err, fault.NotFound)
	read, err := s.Notice(ctx, id, n.Reference)
	equal(t, "the notice", read, err, n)
	read.Outcomes = []record.Outcome{{Address: "a@example.com", Kind: record.Bounced, At: noon}}
	done(t, "noting that it came back", s.PutNotice(ctx, read))
	kind(t, "noting it for who read it before", s.PutNotice(ctx, read), fault.Conflict)
	m, err := s.Machine(ctx, id)
	if fault.Is(err, fault.NotFound) {
		m, err = s.Apply(ctx, store.Change{Machine: machine(), At: noon})
	}
	done(t, "the machine", err)
	_, err = s.Apply(ctx, store.Change{Machine: m, At: noon, Notice: &read})
	kind(t, "a transition that read an old notice", err, fault.Conflict)
	current, err := s.Notice(ctx, id, n.Reference)
	done(t, "reading it again", err)
	_, err = s.Apply(ctx, store.Change{Machine: m, At: noon, Notice: &current})
	done(t, "a transition with the notice", err)
	return current.Outcomes
}

// deletes ends a policy, whose versions stay and go on counting.
func deletes(t *testing.T, ctx context.Context, s Table, first, second record.Policy) {
	old, err := s.PolicyVersion(ctx, "web", 1)
	equal(t, "the first version as it was", old, err, first)
	_, err = s.PolicyVersion(ctx, "web", 3)
	kind(t, "a version that is not there", err, fault.NotFound)
	gone := second
	gone.Deleted = &record.Lift{At: noon.Add(time.Hour), By: "bob", Reason: "r"}
	stale := gone
	stale.Version--
	_, err = s.DeletePolicy(ctx, stale)
	kind(t, "deleting what was changed", err, fault.Conflict)
	ended, err := s.DeletePolicy(ctx, gone)
	gone.Version, gone.Text, gone.PutAt, gone.PutBy = 3, "", gone.Deleted.At, "bob"
	equal(t, "the end", ended, err, gone)
	read, err := s.Policy(ctx, "web")
	kind(t, "a policy that was deleted", err, fault.NotFound)
	equal(t, "what comes with it", read, nil, gone)
	listed, err := s.Policies(ctx)
	equal(t, "the list without it", len(listed), err, 0)
	all, err := s.PolicyVersions(ctx, "web", 0, 2)
	equal(t, "the newest versions", all, err, []record.Policy{gone, second})
	all, err = s.PolicyVersions(ctx, "web", 2, 2)
	equal(t, "the versions before", all, err, []record.Policy{first})
	again := gone
	again.Text, again.Deleted = "policy: web", nil
	told := record.Start{Name: "policy-web-4-tell-policyChanged-1", Machine: "policy-web", Input: []byte("{}"), At: noon}
	put, err := s.PutPolicy(ctx, again, told)
	again.Version = 4
	equal(t, "put again", put, err, again)
	waiting, err := s.Outbox(ctx)
	equal(t, "what tells of it", waiting, err, []record.Start{told})
	done(t, "starting it", s.Started(ctx, told.Name))
}

func puts(t *testing.T, ctx context.Context, s Table) {
	_, err := s.Policy(ctx, "web")
	kind(t, "a policy that is not there", err, fault.NotFound)
	p := record.Policy{Name: "web", Text: "policy: web", PutAt: noon, PutBy: "alice"}
	first, err := s.PutPolicy(ctx, p)
	p.Version = 1
	equal(t, "the first version", first, err, p)
	_, err = s.PutPolicy(ctx, record.Policy{Name: "web"})
	kind(t, "as if there were none", err, fault.Conflict)
	second, err := s.PutPolicy(ctx, first)
	read, _ := s.Policy(ctx, "web")
	equal(t, "the second version", read, err, second)
	deletes(t, ctx, s, first, second)

	r := record.Request{ID: "b", Machine: id, State: "Pending", AskedAt: noon, BootID: "b"}
	_, err = s.Request(ctx, id, "b")
	kind(t, "a request that is not there", err, fault.NotFound)
	put, err := s.PutRequest(ctx, r)
	done(t, "the first request", err)
	_, err = s.PutRequest(ctx, r)
	kind(t, "the same again", err, fault.Conflict)
	m := enrolled(t, ctx, s)
	put.State = "Denied"
	_, err = s.Apply(ctx, store.Change{Machine: m, Request: &put, At: noon})
	done(t, "a request in a transition", err)
	_, err = s.PutRequest(ctx, put)
	kind(t, "what the transition changed", err, fault.Conflict)
	now, err := s.Request(ctx, id, "b")
	equal(t, "the request's state", now.State, err, "Denied")
}

func breakers(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	b, err := s.Breaker(ctx)
	equal(t, "no breaker yet", b, err, record.Breaker{})
	counted := b
	counted.Spent = []record.Spent{{Machine: id, Generation: 1, At: noon}}
	m, err = s.Apply(ctx, store.Change{Machine: m, Breaker: &counted, At: noon})
	done(t, "counting one", err)
	_, err = s.Apply(ctx, store.Change{Machine: m, Breaker: &counted, At: noon})
	kind(t, "counting on an old one", err, fault.Conflict)
	counted.Version = 1
	b, err = s.Breaker(ctx)
	equal(t, "the breaker", b, err, counted)
	kind(t, "changing an old one", s.ChangeBreaker(ctx, record.BreakerChange{Breaker: &record.Breaker{}}), fault.Conflict)

	rules, err := s.RuleBreaker(ctx, "web")
	equal(t, "no rules yet", rules, err, record.RuleBreaker{Policy: "web"})
	rules.Trips = []record.Trip{{PolicyVersion: 1, Rule: "r", At: noon}}
	event := &record.BreakerEvent{At: noon, Kind: record.BreakerTripped, Scope: "policy:web", Text: "t"}
	done(t, "tripping", s.ChangeBreaker(ctx, record.BreakerChange{Rules: &rules, Event: event}))
	_, err = s.Apply(ctx, store.Change{Machine: m, Rules: &record.RuleBreaker{Policy: "web"}, At: noon})
	kind(t, "a transition that does not know of it", err, fault.Conflict)
	rules.Version = 1
	_, err = s.Apply(ctx, store.Change{Machine: m, Rules: &rules, At: noon})
	done(t, "one that does", err)
}

func waivers(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	scope := record.Scope("machine:" + id)
	none, err := s.WaiversOn(ctx, []record.Scope{scope})
	equal(t, "none yet", none, err, record.Waivers{Revisions: []record.Revision{{Scope: scope}}})
	v := record.Waiver{ID: "w-0123456789ab", Scope: scope, Rule: "r", Values: []string{"v"}, Reason: "x", By: "alice", SetAt: noon, Expires: noon.Add(time.Hour)}
	told := record.Start{Name: "w-1-0-tell-waived-1", Machine: "w-1", Input: []byte("{}"), At: noon}
	done(t, "setting", s.SetWaiver(ctx, v, []record.Start{told}))
	waiting, err := s.Outbox(ctx)
	equal(t, "what tells of it", waiting, err, []record.Start{told})
	done(t, "starting it", s.Started(ctx, told.Name))
	kind(t, "setting it again", s.SetWaiver(ctx, v, nil), fault.Conflict)
	_, err = s.Apply(ctx, store.Change{Machine: m, Waivers: none.Revisions, At: noon})
	kind(t, "a transition that does not know of it", err, fault.Conflict)
	one, err := s.WaiversOn(ctx, []record.Scope{scope, "global"})
	equal(t, "one", one, err, record.Waivers{All: []record.Waiver{v}, Revisions: []record.Revision{{Scope: scope, Number: 1}, {Scope: "global"}}})
	_, err = s.Apply(ctx, store.Change{Machine: m, Waivers: one.Revisions, At: noon})
	done(t, "one that does", err)
	missing := v
	missing.ID = "w-ffffffffffff"
	kind(t, "lifting what is not there", s.LiftWaiver(ctx, missing), fault.NotFound)
	v.Lifted = &record.Lift{At: noon, By: "alice", Reason: "done"}
	done(t, "lifting", s.LiftWaiver(ctx, v))
	kind(t, "lifting it again", s.LiftWaiver(ctx, v), fault.Conflict)
}

func watches(t *testing.T, ctx context.Context, s Table) {
	v, err := s.Watch(ctx)
	equal(t, "never", v, err, record.Watch{})
	v.SweptAt, v.Paused = noon, map[string]record.Pause{"web": {Since: noon, Why: "w"}}
	done(t, "the first", s.PutWatch(ctx, v))
	kind(t, "another at the same moment", s.PutWatch(ctx, v), fault.Conflict)
	read, err := s.Watch(ctx)
	v.Version = 1
	equal(t, "the first again", read, err, v)
}

func turns(t *testing.T, ctx context.Context, s Table) {
	never, err := s.Used(ctx, "kms")
	equal(t, "a bucket that was never used", never, err, time.Time{})
	done(t, "the first turn", s.Use(ctx, "kms", never, noon))
	kind(t, "the first turn by somebody else", s.Use(ctx, "kms", never, noon.Add(time.Second)), fault.Conflict)
	done(t, "the second turn", s.Use(ctx, "kms", noon, noon.Add(time.Second)))
	used, err := s.Used(ctx, "kms")
	equal(t, "until when it is used", used, err, noon.Add(time.Second))
	other, err := s.Used(ctx, "ses")
	equal(t, "another bucket", other, err, time.Time{})

	for order, until := range map[string]time.Time{"1#a": noon.Add(time.Minute), "1#b": noon.Add(2 * time.Minute), "2#a": noon.Add(time.Minute)} {
		done(t, "waiting at "+order, s.Queue(ctx, record.Turn{Bucket: "kms", Order: order, Until: until}))
	}
	ahead := func(what, bucket, order string, now time.Time, want int) {
		t.Helper()
		n, err := s.Ahead(ctx, bucket, order, now)
		equal(t, what, n, err, want)
	}
	ahead("before the first", "kms", "1#a", noon, 0)
	ahead("before the last", "kms", "2#a", noon, 2)
	ahead("in another bucket", "ses", "2#a", noon, 0)
	ahead("when one waits no more", "kms", "2#a", noon.Add(time.Minute), 1)
	done(t, "waiting no more", s.Queue(ctx, record.Turn{Bucket: "kms", Order: "1#b", Until: noon}))
	ahead("when that is written", "kms", "2#a", noon.Add(time.Minute), 0)
}

// chains: a refused transition leaves no gap, and waivers have a chain of their own.
func chains(t *testing.T, ctx context.Context, s Table) {
	m := enrolled(t, ctx, s)
	entry := func(text string, at time.Time) record.Entry {
		return record.Entry{Machine: id, At: at, Kind: record.EntryHeld, Text: text}
	}
	of := func(text ...string) (list []record.Entry) {
		for i, x := range text {
			list = append(list, entry(x, noon.Add(time.Duration(i)*time.Second)))
		}
		return list
	}
	next, err := s.Apply(ctx, store.Change{Machine: m, At: noon, Ledger: of("one", "two")})
	done(t, "two at once", err)
	_, err = s.Apply(ctx, store.Change{Machine: m, At: noon, Ledger: of("refused")})
	kind(t, "one that comes too late", err, fault.Conflict)
	after, err := s.Apply(ctx, store.Change{Machine: next, At: noon, Ledger: []record.Entry{entry("three", noon.Add(time.Minute))}})
	done(t, "a third", err)
	scope := record.Scope("machine:" + id)
	none, err := s.WaiverHead(ctx, id)
	equal(t, "the head without waivers", none, err, record.Head{})
	v := record.Waiver{ID: "w-0123456789ab", Scope: scope, Rule: "r", Values: []string{"v"}, Reason: "x", By: "alice", SetAt: noon, Expires: noon.Add(time.Hour)}
	done(t, "setting", s.SetWaiver(ctx, v, nil, entry("set", noon.Add(2*time.Minute))))

	want, head := record.Link(record.Head{}, "", record.Noted(m, append(of("one", "two"), entry("three", noon.Add(time.Minute)))))
	waived, end := record.Link(record.Head{}, record.ChainWaivers, []record.Entry{entry("set", noon.Add(2*time.Minute))})
	read, err := s.Machine(ctx, id)
	equal(t, "the head", read.Ledger, err, head)
	equal(t, "the head that is returned", after.Ledger, nil, head)
	at, err := s.WaiverHead(ctx, id)
	equal(t, "the head of waivers", at, err, end)
	first, place, err := s.LedgerFrom(ctx, id, "", 3)
	equal(t, "the first part", first, err, want)
	rest, last, err := s.LedgerFrom(ctx, id, place, 3)
	equal(t, "the rest", rest, err, waived)
	if place == "" || last != "" {
		t.Errorf("places %q and %q, want one to go on from and then none", place, last)
	}
}
