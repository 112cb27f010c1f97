package console_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/console"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// person is who calls the API.
const person = "arn:aws:iam::123456789012:user/ada"

// api is a people's API that holds what it is given and does what it is told. fails refuses calls by the name of the
// method; called are those that change something, with what they said.
type api struct {
	mu        sync.Mutex
	now       time.Time
	views     []record.MachineView // by id
	history   record.History
	entries   []record.Entry
	heads     map[string]record.Head
	requests  []record.Request
	policies  []record.Policy // by name and version
	preview   record.Preview
	notifiers []record.Notifier
	holds     []record.Hold
	waivers   []record.Waiver
	breaker   record.BreakerView
	drills    []record.Drill
	acted     []record.Acted
	diff      string
	fails     map[string]error
	called    []string
	pageSize  int
	reports   console.Reporter
}

// refusal is an answer of the API that is an error.
type refusal struct {
	status  int
	problem fault.Problem
}

func (r refusal) Error() string          { return r.problem.Detail }
func (r refusal) HTTPStatus() int        { return r.status }
func (r refusal) Problem() fault.Problem { return r.problem }

func refused(status int, kind, detail string, fields ...fault.Field) error {
	return refusal{status, fault.Problem{Status: status, Kind: kind, Detail: detail, Errors: fields, RequestID: "8f6e0001"}}
}

// did notes a call and says what is wrong with it.
func (a *api) did(method string, args ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(args) > 0 {
		a.called = append(a.called, strings.TrimSpace(method+" "+fmt.Sprintln(args...)))
	}
	return a.fails[method]
}

func (a *api) orders() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.called)
}

func (a *api) Status(context.Context) (record.Status, error) {
	return record.Status{Time: a.now, Account: "123456789012", Region: "eu-central-1", Version: "1.2.3", SweptAt: a.now.Add(-2 * time.Minute)}, a.did("Status")
}

func (a *api) MachinePage(_ context.Context, after string) (record.MachinePage, error) {
	size := max(a.pageSize, 1)
	at := 0
	for at < len(a.views) && a.views[at].Machine.ID <= after {
		at++
	}
	page := record.MachinePage{}
	for _, v := range a.views[at:min(len(a.views), at+size)] {
		page.Machines = append(page.Machines, v.Machine)
	}
	if at+size < len(a.views) {
		page.Next = page.Machines[len(page.Machines)-1].ID
	}
	return page, a.did("MachinePage")
}

func (a *api) Machine(_ context.Context, id string) (record.MachineView, error) {
	for _, v := range a.views {
		if v.Machine.ID == id {
			return v, a.did("Machine")
		}
	}
	return record.MachineView{}, refused(404, "NotFound", "reading machine "+id+": there is none")
}

func (a *api) History(context.Context, string, time.Time, time.Time, string) (record.History, error) {
	return a.history, a.did("History")
}

func (a *api) Audit(context.Context, string) ([]record.Entry, map[string]record.Head, error) {
	return slices.Clone(a.entries), a.heads, a.did("Audit")
}

func (a *api) Check(_ context.Context, id string) (time.Time, error) {
	return a.now, a.did("Check", id)
}

func (a *api) Restore(ctx context.Context, id, reason string) (record.Machine, error) {
	v, _ := a.Machine(ctx, id)
	v.Machine.Execution = id + "-4-restore-1"
	return v.Machine, a.did("Restore", id, reason)
}

func (a *api) Resume(ctx context.Context, id, reason string) (record.Machine, error) {
	v, _ := a.Machine(ctx, id)
	return v.Machine, a.did("Resume", id, reason)
}

func (a *api) Requests(_ context.Context, machine, state string) ([]record.Request, error) {
	var all []record.Request
	for _, r := range a.requests {
		if (machine == "" || r.Machine == machine) && (state == "" || r.State == state) {
			all = append(all, r)
		}
	}
	return all, a.did("Requests")
}

func (a *api) Request(_ context.Context, machine, id string) (record.Request, error) {
	for _, r := range a.requests {
		if r.Machine == machine && r.ID == id {
			return r, a.did("Request")
		}
	}
	return record.Request{}, refused(404, "NotFound", "there is none")
}

func (a *api) Rule(_ context.Context, machine, id, word, reason string) (record.Request, error) {
	return record.Request{ID: id, Machine: machine, State: "Approved", Reason: "a person approved it: " + reason}, a.did("Rule", word, machine, id, reason)
}

func (a *api) Ignore(_ context.Context, machine, id string, w record.IgnoreWish) (record.Ignored, error) {
	return record.Ignored{Waivers: []record.Waiver{{ID: "w-0123456789ab"}}}, a.did("Ignore", machine, id, w.Reason, w.Expires.Sub(a.now))
}

func (a *api) Act(_ context.Context, word string, body any) ([]record.Acted, error) {
	return a.acted, a.did("Act", word, body)
}

func (a *api) Policies(context.Context) ([]record.Policy, error) {
	return a.policies, a.did("Policies")
}

func (a *api) Policy(_ context.Context, name string) (record.Policy, error) {
	for _, p := range slices.Backward(a.policies) {
		if p.Name == name {
			return p, a.did("Policy")
		}
	}
	return record.Policy{}, refused(404, "NotFound", "there is none")
}

func (a *api) Preview(_ context.Context, name string, text []byte) (record.Preview, error) {
	return a.preview, a.did("Preview", name, len(text))
}

func (a *api) PutPolicy(_ context.Context, name string, text []byte, over int) (record.Policy, error) {
	return record.Policy{Name: name, Version: over + 1}, a.did("PutPolicy", name, len(text), over)
}

func (a *api) PolicyVersions(_ context.Context, name string) ([]record.Policy, error) {
	var all []record.Policy
	for _, p := range slices.Backward(a.policies) {
		if p.Name == name {
			all = append(all, p)
		}
	}
	return all, a.did("PolicyVersions")
}

func (a *api) PolicyVersion(version int) func(context.Context, string) (record.Policy, error) {
	return func(_ context.Context, name string) (record.Policy, error) {
		for _, p := range a.policies {
			if p.Name == name && p.Version == version {
				return p, a.did("PolicyVersion")
			}
		}
		return record.Policy{}, refused(404, "NotFound", "there is none")
	}
}

func (a *api) PolicyDiff(_ context.Context, name string, from, to int) (record.PolicyDiff, error) {
	return record.PolicyDiff{Policy: name, From: from, To: to, Diff: a.diff}, a.did("PolicyDiff")
}

func (a *api) Notifiers(context.Context) ([]record.Notifier, error) {
	return a.notifiers, a.did("Notifiers")
}

func (a *api) Notifier(_ context.Context, name string) (record.Notifier, error) {
	for _, n := range a.notifiers {
		if n.Name == name {
			return n, a.did("Notifier")
		}
	}
	return record.Notifier{}, refused(404, "NotFound", "reading notifier "+name+": there is none")
}

func (a *api) PutNotifier(_ context.Context, n record.Notifier, over int, rotate bool) (record.Notifier, error) {
	n.Version = over + 1
	if n.Webhook != nil && rotate {
		n.Webhook.Secret = "made-just-now"
	}
	return n, a.did("PutNotifier", n.Name, over, rotate)
}

func (a *api) Holds(context.Context) ([]record.Hold, error) { return a.holds, a.did("Holds") }

func (a *api) SetHold(_ context.Context, scope record.Scope, w record.HoldWish) (record.Hold, error) {
	h := record.Hold{Scope: scope, Reason: w.Reason, By: person, SetAt: a.now, Expires: w.Expires}
	until := "lifted"
	if !w.Expires.IsZero() {
		until = w.Expires.Sub(a.now).String()
	}
	return h, a.did("SetHold", scope, until, w.Reason)
}

func (a *api) LiftHold(_ context.Context, scope record.Scope, reason string) error {
	return a.did("LiftHold", scope, reason)
}

func (a *api) Waivers(context.Context, string, bool) (record.WaiverList, error) {
	return record.WaiverList{Waivers: a.waivers}, a.did("Waivers")
}

func (a *api) SetWaiver(_ context.Context, w record.WaiverWish) (record.WaiverSet, error) {
	set := record.Waiver{ID: "w-0123456789ab", Scope: w.Scope, Rule: w.Rule, Expires: w.Expires}
	return record.WaiverSet{Waiver: set, Machines: []string{"i-1"}}, a.did("SetWaiver", w.Scope, w.Policy, w.Rule, w.Values, w.Reason, w.Expires.Sub(a.now))
}

func (a *api) LiftWaiver(_ context.Context, id, reason string) (record.Waiver, error) {
	return record.Waiver{ID: id}, a.did("LiftWaiver", id, reason)
}

func (a *api) Breaker(context.Context) (record.BreakerView, error) {
	return a.breaker, a.did("Breaker")
}

func (a *api) ResetBreaker(_ context.Context, scope record.Scope, reason string) (record.BreakerEvent, error) {
	return record.BreakerEvent{At: a.now, Kind: record.BreakerReset, Scope: scope, Text: "room again", By: person}, a.did("ResetBreaker", scope, reason)
}

func (a *api) Drills(context.Context) ([]record.Drill, error) { return a.drills, a.did("Drills") }

// noon is when the tests happen.
var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const machineID = "i-1234567890abcdef0"

// place is an API with one machine that fails and one that does not, and all that can be about them.
func place() *api {
	bad := record.Machine{
		ID: machineID, Name: "shop", Owner: "ada@example.com", Policy: "web-tier", EnrolledAt: noon.Add(-100 * time.Hour), EnrolledBy: person,
		Key: record.Key{ARN: "arn:aws:kms:eu-central-1:123456789012:key/1234abcd", Mode: policy.RevokeGrant},
		State: integrity.State{
			Standing: integrity.Bad, Since: noon.Add(-time.Hour), Why: "no telnet: tcp/23 open", Key: integrity.KeyReleased, KeySince: noon.Add(-48 * time.Hour), Generation: 3,
			LastEvidence: noon.Add(-30 * time.Minute), LastVerdict: "Fail", WarnedAt: noon.Add(-time.Hour), DueAt: noon.Add(3*time.Hour + 12*time.Minute + 30*time.Second), GoodAt: noon.Add(-5 * time.Hour),
		},
		Findings: []policy.Finding{{Rule: "no telnet", Verdict: policy.Fail, Expected: "tcp/23 closed", Actual: "tcp/23 open", Fix: "Stop telnetd", Values: []string{"tcp/23, /usr/sbin/telnetd"}}},
	}
	good := bad
	good.ID, good.Name, good.Findings = "i-2234567890abcdef0", "till", nil
	good.State = integrity.State{Standing: integrity.Good, Since: noon.Add(-9 * time.Hour), Key: integrity.KeyRevoked, LastEvidence: noon.Add(-26*time.Hour - time.Minute), LastVerdict: "Pass", HeldFor: "held-machine"}
	look := func(ago time.Duration, v policy.Verdict) record.Evidence {
		return record.Evidence{Machine: machineID, Sent: noon.Add(-ago), Result: policy.Result{Verdict: v, Findings: bad.Findings}}
	}
	entries, head := record.Link(record.Head{}, "", []record.Entry{
		{Machine: machineID, At: noon.Add(-2 * time.Hour), Kind: record.EntryReleased, Text: "the key was released", By: "keyward"},
		{Machine: machineID, At: noon.Add(-time.Hour), Kind: record.EntryWarned, Text: "warned", By: "keyward"},
	})
	return &api{
		now: noon, pageSize: 500, heads: map[string]record.Head{"": head}, entries: entries,
		views: []record.MachineView{
			{Machine: bad, Stops: []record.Stop{{Reason: "held-machine", Text: "a person stopped the revocations of this machine"}}, Notices: []record.Notice{{Kind: "warning", To: []string{"ada@example.com"}, BegunAt: noon.Add(-time.Hour), AcceptedAt: noon.Add(-time.Hour), Outcomes: []record.Outcome{{Address: "ada@example.com", Kind: record.Bounced, At: noon, Detail: "no such mailbox"}}}}},
			{Machine: good},
		},
		history: record.History{Evidence: []record.Evidence{look(5*time.Hour, policy.Pass), look(4*time.Hour, policy.Pass), look(30*time.Minute, policy.Fail)}, Ledger: entries, Notices: []record.Notice{{Kind: "reminder", To: []string{"ada@example.com"}, BegunAt: noon.Add(-time.Minute)}}},
		requests: []record.Request{
			{ID: "r-1", Machine: machineID, State: "Pending", Reason: "the policy has a person decide", Policy: "web-tier", AskedAt: noon.Add(-time.Hour), Moves: []record.Move{{To: "Pending", At: noon.Add(-time.Hour), By: "machine", Why: "it asked"}}},
			{ID: "r-2", Machine: "i-2234567890abcdef0", State: "Delivered", Reason: "it used its key", Policy: "web-tier", AskedAt: noon.Add(-9 * time.Hour)},
		},
		policies: []record.Policy{{Name: "web-tier", Version: 1, Text: "policy: web-tier\n", PutAt: noon.Add(-99 * time.Hour), PutBy: person, Digest: "abc"}, {Name: "web-tier", Version: 2, Text: "policy: web-tier\n# two\n", PutAt: noon.Add(-9 * time.Hour), PutBy: person, Digest: "abd"}},
		preview:  record.Preview{Policy: "web-tier", Machines: 2, Affected: []record.Affected{{Machine: machineID, Name: "shop", Verdict: policy.Fail, Follows: record.FollowsWarning, Why: "no telnet: tcp/23 open"}}},
		notifiers: []record.Notifier{
			{Name: "shop-ops", Description: "Those on duty", Events: []string{"warning", "revoked"}, Policies: []string{"web-tier"}, To: []string{"ops@example.com"}, Webhook: &record.Webhook{URL: "https://hooks.example.com/…", Format: "slack"},
				Header: "About {name}", TimeZone: "Europe/Berlin", Digest: &record.Digest{Every: "1h"}, Quiet: &record.Quiet{From: "22:00", To: "06:00"}, Version: 3, PutAt: noon.Add(-time.Hour), PutBy: person},
		},
		holds:   []record.Hold{{Scope: "policy:web-tier", Reason: "the move", By: person, SetAt: noon.Add(-time.Hour), Expires: noon.Add(2 * time.Hour)}},
		waivers: []record.Waiver{{ID: "w-aaaaaaaaaaaa", Scope: "global", Tags: map[string]string{"stage": "test"}, Rule: "no telnet", Values: []string{"tcp/23"}, Reason: "the lab", By: person, SetAt: noon, Expires: noon.Add(24 * time.Hour)}},
		breaker: record.BreakerView{Limit: 5, Room: 4, Window: "1h0m0s", Breaker: record.Breaker{Guarded: 2, Spent: []record.Spent{{Machine: machineID, At: noon.Add(-time.Minute)}}}, Newly: record.RuleLimit{Percent: 10, Machines: 5},
			Waiting: []string{machineID}, Rules: []record.RuleBreaker{{Policy: "web-tier", Trips: []record.Trip{{PolicyVersion: 2, Rule: "no telnet", Failed: 9, Passed: 10, At: noon}}}},
			Events: []record.BreakerEvent{{At: noon, Kind: record.BreakerTripped, Scope: "policy:web-tier", Text: "too many"}}},
		drills: []record.Drill{{ID: "20260302T043000Z", By: record.DrillBySchedule, BegunAt: noon.Add(-3 * time.Hour), EndedAt: noon.Add(-2 * time.Hour), Outcome: record.DrillGood, Steps: []record.DrillStep{{Name: "confirmed", At: noon, Seconds: 11.2}}}},
		diff:   "--- 1\n+++ 2\n@@ -1 +1,2 @@\n policy: web-tier\n+# two\n",
		fails:  map[string]error{},
	}
}
