// Package console is the page that people look at in a browser: it shows what the people's API says, and asks of it what
// they order. Whoever starts it lends it his own AWS credentials through that API; it has no rights and keeps nothing
// beyond its own end. It is served on loopback alone (secure.go), every page is made here from templates, and what
// machines say is text in it and nothing else (render.go). It decides nothing.
package console

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// API is the people's API. An error that has the methods of Refusal is an answer of it, any other is none.
type API interface {
	Status(ctx context.Context) (record.Status, error)
	MachinePage(ctx context.Context, after string) (record.MachinePage, error)
	Machine(ctx context.Context, id string) (record.MachineView, error)
	History(ctx context.Context, id string, since, until time.Time, after string) (record.History, error)
	Audit(ctx context.Context, machine string) (entries []record.Entry, heads map[string]record.Head, err error)
	Check(ctx context.Context, id string) (time.Time, error)
	Restore(ctx context.Context, id, reason string) (record.Machine, error)
	Resume(ctx context.Context, id, reason string) (record.Machine, error)

	Requests(ctx context.Context, machine, state string) ([]record.Request, error)
	Request(ctx context.Context, machine, id string) (record.Request, error)
	Rule(ctx context.Context, machine, id, word, reason string) (record.Request, error)
	Ignore(ctx context.Context, machine, id string, wish record.IgnoreWish) (record.Ignored, error)
	Act(ctx context.Context, word string, body any) ([]record.Acted, error)

	Policies(ctx context.Context) ([]record.Policy, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Preview(ctx context.Context, name string, text []byte) (record.Preview, error)
	PutPolicy(ctx context.Context, name string, text []byte, over int) (record.Policy, error)
	PolicyVersions(ctx context.Context, name string) ([]record.Policy, error)
	PolicyVersion(version int) func(ctx context.Context, name string) (record.Policy, error)
	PolicyDiff(ctx context.Context, name string, from, to int) (record.PolicyDiff, error)

	Notifiers(ctx context.Context) ([]record.Notifier, error)
	Notifier(ctx context.Context, name string) (record.Notifier, error)
	PutNotifier(ctx context.Context, n record.Notifier, over int, rotate bool) (record.Notifier, error)

	Holds(ctx context.Context) ([]record.Hold, error)
	SetHold(ctx context.Context, scope record.Scope, wish record.HoldWish) (record.Hold, error)
	LiftHold(ctx context.Context, scope record.Scope, reason string) error
	Waivers(ctx context.Context, machine string, all bool) (record.WaiverList, error)
	SetWaiver(ctx context.Context, wish record.WaiverWish) (record.WaiverSet, error)
	LiftWaiver(ctx context.Context, id, reason string) (record.Waiver, error)
	Breaker(ctx context.Context) (record.BreakerView, error)
	ResetBreaker(ctx context.Context, scope record.Scope, reason string) (record.BreakerEvent, error)
	Drills(ctx context.Context) ([]record.Drill, error)
}

// Options are what a console needs. All fields are required.
type Options struct {
	API    API
	URL    string                  // of the people's API, as it is shown
	Port   int                     // that it is served on
	Check  func(text []byte) error // reads a policy's text; a policy.Errors says what is wrong with it
	Report Reporter
}

// Console is one start of the page.
type Console struct {
	Options
	fleet   *fleet
	answers answers
	reports reports
	token   string // in the URL of the start
	session string // of the cookie that the token is changed for
	form    string // in every form
}

// New returns a console with new secrets.
func New(o Options) *Console {
	return &Console{Options: o, fleet: newFleet(o.API), token: rand.Text(), session: rand.Text(), form: rand.Text()}
}

// Handler serves it.
func (c *Console) Handler() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /assets/{file}", asset)
	pages.HandleFunc("GET /{$}", c.overview)
	pages.HandleFunc("GET /machines", c.machines)
	pages.HandleFunc("GET /machines/{id}", c.machine)
	pages.HandleFunc("GET /machines/{id}/evidence.json", c.evidenceFile)
	pages.HandleFunc("POST /machines/{id}/{do}", c.orderMachine)
	pages.HandleFunc("GET /requests", c.requests)
	pages.HandleFunc("POST /requests/{do}", c.orderRequests)
	pages.HandleFunc("GET /requests/{machine}/{id}", c.request)
	pages.HandleFunc("POST /requests/{machine}/{id}/{do}", c.orderRequest)
	pages.HandleFunc("GET /policies", c.policies)
	pages.HandleFunc("GET /policies/{name}", c.policy)
	pages.HandleFunc("GET /policies/{name}/diff", c.policyDiff)
	pages.HandleFunc("GET /policies/{name}/edit", c.edit)
	pages.HandleFunc("POST /policies/{name}/edit", c.put)
	pages.HandleFunc("GET /new-policy", c.newPolicy)
	pages.HandleFunc("POST /new-policy", c.put)
	pages.HandleFunc("POST /check", c.check)
	pages.HandleFunc("GET /exceptions", c.exceptions)
	pages.HandleFunc("POST /exceptions/{do}", c.orderException)
	pages.HandleFunc("GET /breaker", c.breaker)
	pages.HandleFunc("POST /breaker", c.resetBreaker)
	pages.HandleFunc("GET /reports", c.reportsPage)
	pages.HandleFunc("POST /reports", c.makeReport)
	pages.HandleFunc("GET /reports/{id}", c.reportFile)
	pages.HandleFunc("GET /notices", c.notices)
	pages.HandleFunc("GET /notices/mail", c.noticeMail)
	pages.HandleFunc("GET /notifiers/{name}", c.notifier)
	pages.HandleFunc("GET /notifiers/{name}/edit", c.editNotifier)
	pages.HandleFunc("POST /notifiers/{name}/edit", c.putNotifier)
	pages.HandleFunc("GET /new-notifier", c.newNotifier)
	pages.HandleFunc("POST /new-notifier", c.putNotifier)
	pages.HandleFunc("GET /audit", c.audit)
	pages.HandleFunc("GET /audit/{id}/ledger.jsonl", c.auditFile)
	pages.HandleFunc("/", c.nowhere)
	return c.guarded(pages)
}

// nowhere answers what has no page, or not by this method.
func (c *Console) nowhere(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		c.refuse(w, http.StatusMethodNotAllowed, "This address takes no "+r.Method+".")
		return
	}
	c.show(w, r, view{Template: "trouble", Title: "No such page", Trouble: &trouble{
		Status: http.StatusNotFound, Title: "There is no such page", Text: "The console has no page at this address.",
	}})
}

// Address opens it, in a browser that was not here before.
func (c *Console) Address() string { return "http://" + c.hosts()[0] + "/?token=" + c.token }
