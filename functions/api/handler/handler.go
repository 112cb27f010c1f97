// Package handler serves people. It is what the program api serves, apart from its wiring, so that the simulation runs
// the same code.
package handler

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/keyward/keyward/docs"
	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/release"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	MachinesFrom(ctx context.Context, after string, limit int) ([]record.Machine, error)
	Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error)
	EvidenceFrom(ctx context.Context, machine string, from, until time.Time, after string, limit int) ([]record.Evidence, error)
	Ledger(ctx context.Context, machine string, limit int) ([]record.Entry, error)
	LedgerFrom(ctx context.Context, machine, after string, limit int) ([]record.Entry, string, error)
	WaiverHead(ctx context.Context, machine string) (record.Head, error)
	Notices(ctx context.Context, machine string) ([]record.Notice, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	PolicyVersion(ctx context.Context, name string, version int) (record.Policy, error)
	PolicyVersions(ctx context.Context, name string, before, limit int) ([]record.Policy, error)
	PutPolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error)
	DeletePolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error)
	Notifier(ctx context.Context, name string) (record.Notifier, error)
	Notifiers(ctx context.Context) ([]record.Notifier, error)
	PutNotifier(ctx context.Context, n record.Notifier) (record.Notifier, error)
	DeleteNotifier(ctx context.Context, n record.Notifier) error
	Holds(ctx context.Context, now time.Time) ([]record.Hold, error)
	Watch(ctx context.Context) (record.Watch, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	SetHold(ctx context.Context, h record.Hold) error
	LiftHold(ctx context.Context, scope record.Scope) error
	Waivers(ctx context.Context) (record.Waivers, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Waiver(ctx context.Context, id string) (record.Waiver, error)
	SetWaiver(ctx context.Context, w record.Waiver, told []record.Start, ledger ...record.Entry) error
	LiftWaiver(ctx context.Context, w record.Waiver, ledger ...record.Entry) error
	Request(ctx context.Context, machine, id string) (record.Request, error)
	RequestsOf(ctx context.Context, machine string) ([]record.Request, error)
	RequestsFrom(ctx context.Context, after string, limit int) ([]record.Request, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Started(ctx context.Context, name string) error
	Breaker(ctx context.Context) (record.Breaker, error)
	RuleBreaker(ctx context.Context, policy string) (record.RuleBreaker, error)
	RuleBreakers(ctx context.Context) ([]record.RuleBreaker, error)
	BreakerEvents(ctx context.Context, limit int) ([]record.BreakerEvent, error)
	ChangeBreaker(ctx context.Context, c record.BreakerChange) error
	Drills(ctx context.Context, limit int) ([]record.Drill, error)
	boot.Calls
}

// Call is a request with who makes it.
type Call = boot.Call

// Handler serves the people's HTTP API. All fields are required.
type Handler struct {
	Store records
	Keys  interface {
		Key(ctx context.Context, id string) (kmskey.Key, error)
		dependants.Keys
	}
	Calendars interface {
		Calendar(ctx context.Context, name string) (guard.Calendar, error)
	}
	Instances interface {
		Instances(ctx context.Context, machines []string) (map[string]ec2info.Instance, error)
		dependants.Disks
	}
	Inspect, Drill interface {
		Invoke(ctx context.Context, event any) error
	}
	DrillsOff bool // by the stack's parameter
	Flow      interface {
		Start(ctx context.Context, name string, input json.RawMessage) error
	}
	Schedules interface {
		Put(ctx context.Context, s schedule.Schedule) error
		Delete(ctx context.Context, name string) error
	}
	Reports interface {
		Put(ctx context.Context, s schedule.Schedule) error
		Delete(ctx context.Context, name string) error
		Inputs(ctx context.Context) (map[string][]byte, error)
	}
	Random               io.Reader // what secrets are made of
	Account, Region      string
	KeyCalls, GrantCalls int          // that KMS allows the account a second
	Limits               guard.Limits // but those on rules, which nothing here asks
	Log                  *slog.Logger
}

// Routes are its endpoints.
func (h *Handler) Routes() boot.Routes {
	routes := boot.Routes{
		"GET /v1/status":                             h.status,
		"GET /v1/openapi.yaml":                       h.openAPI,
		"GET /v1/machines":                           h.listMachines,
		"GET /v1/machines/{id}":                      h.showMachine,
		"PUT /v1/machines/{id}":                      h.enrol,
		"POST /v1/machines/{id}/check":               h.check,
		"POST /v1/machines/{id}/restore":             h.restore,
		"POST /v1/machines/{id}/resume":              h.resume,
		"GET /v1/machines/{id}/ledger":               h.ledger,
		"GET /v1/machines/{id}/history":              h.history,
		"GET /v1/machines/{id}/audit":                h.audit,
		"GET /v1/policies":                           h.listPolicies,
		"GET /v1/policies/{name}":                    h.showPolicy,
		"DELETE /v1/policies/{name}":                 h.deletePolicy,
		"GET /v1/policies/{name}/versions":           h.policyVersions,
		"GET /v1/policies/{name}/versions/{version}": h.policyVersion,
		"GET /v1/policies/{name}/diff":               h.diffPolicy,
		"POST /v1/policies/{name}/preview":           h.previewPolicy,
		"PUT /v1/policies/{name}":                    h.putPolicy,
		"GET /v1/notifiers":                          h.listNotifiers,
		"GET /v1/notifiers/{name}":                   h.showNotifier,
		"PUT /v1/notifiers/{name}":                   h.putNotifier,
		"DELETE /v1/notifiers/{name}":                h.deleteNotifier,
		"GET /v1/holds":                              h.listHolds,
		"PUT /v1/holds/{scope}":                      h.setHold,
		"DELETE /v1/holds/{scope}":                   h.liftHold,
		"GET /v1/waivers":                            h.listWaivers,
		"POST /v1/waivers":                           h.setWaiver,
		"GET /v1/waivers/{id}":                       h.showWaiver,
		"DELETE /v1/waivers/{id}":                    h.liftWaiver,
		"GET /v1/breaker":                            h.showBreaker,
		"POST /v1/breaker/{scope}/reset":             h.resetBreaker,
		"GET /v1/requests":                           h.listRequests,
		"GET /v1/requests/{machine}/{id}":            h.showRequest,
		"POST /v1/requests/{machine}/{id}/approve":   one(h.approveRequest),
		"POST /v1/requests/{machine}/{id}/deny":      one(h.denyRequest),
		"POST /v1/requests/{machine}/{id}/ignore":    h.ignoreOne,
		"POST /v1/requests/{machine}/{id}/check":     one(h.checkRequest),
		"POST /v1/requests/{machine}/{id}/revoke":    one(h.revokeRequest),
		"POST /v1/requests/revoke":                   h.several("revoke", h.revokeRequest),
		"POST /v1/requests/approve":                  h.several("approve", h.approveRequest),
		"POST /v1/requests/deny":                     h.several("deny", h.denyRequest),
		"POST /v1/requests/ignore":                   h.ignoreSeveral,
		"POST /v1/requests/check":                    h.several("check", h.checkRequest),
		"GET /v1/report-schedules":                   h.listReports,
		"PUT /v1/report-schedules/{name}":            h.setReport,
		"DELETE /v1/report-schedules/{name}":         h.deleteReport,
		"GET /v1/drills":                             h.listDrills,
		"POST /v1/drills":                            h.runDrill,
	}
	for pattern, endpoint := range routes {
		if strings.HasPrefix(pattern, "POST ") && pattern != "POST /v1/policies/{name}/preview" { // which changes nothing, and is long
			endpoint = boot.Once(endpoint, h.Store, h.Log)
		}
		routes[pattern] = people(endpoint)
	}
	return routes
}

// people refuses instances and hybrid nodes: a machine must not lift its own hold.
func people(endpoint boot.Endpoint) boot.Endpoint {
	return func(ctx context.Context, c boot.Call) (int, any, error) {
		if s := c.Session(); strings.HasPrefix(s, "i-") || strings.HasPrefix(s, "mi-") {
			return 0, nil, fault.New(fault.Denied, "this API is for people; %s is a machine's session", s)
		}
		return endpoint(ctx, c)
	}
}

func (h *Handler) status(ctx context.Context, c boot.Call) (int, any, error) {
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		return 0, nil, err
	}
	holds, err := h.Store.Holds(ctx, c.Now)
	if err != nil {
		return 0, nil, err
	}
	watch, err := h.Store.Watch(ctx)
	if err != nil {
		return 0, nil, err
	}
	s := record.Status{
		Time: c.Now, Account: h.Account, Region: h.Region, Version: release.Version, Commit: release.Commit(), Machines: map[string]int{}, Holds: len(holds),
		SweptAt: watch.SweptAt, Paused: watch.Paused,
		KeyCalls: h.KeyCalls, GrantCalls: h.GrantCalls,
	}
	for _, m := range machines {
		standing := string(m.State.Standing)
		if standing == "" {
			standing = "Unknown"
		}
		s.Machines[standing]++
	}
	return http.StatusOK, s, nil
}

// openAPI is the description of both APIs.
func (h *Handler) openAPI(context.Context, boot.Call) (int, any, error) {
	return http.StatusOK, boot.Document{ContentType: "application/yaml", Text: docs.OpenAPI}, nil
}

// list is the answer of every listing: an object with one array, never null.
func list[T any](name string, items []T) map[string][]T {
	if items == nil {
		items = []T{}
	}
	return map[string][]T{name: items}
}
