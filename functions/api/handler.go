package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/schedule"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Machines(ctx context.Context) ([]record.Machine, error)
	Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error)
	Ledger(ctx context.Context, machine string, limit int) ([]record.Entry, error)
	Notices(ctx context.Context, machine string) ([]record.Notice, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Policies(ctx context.Context) ([]record.Policy, error)
	PutPolicy(ctx context.Context, p record.Policy) (record.Policy, error)
	Holds(ctx context.Context, now time.Time) ([]record.Hold, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	SetHold(ctx context.Context, h record.Hold) error
	LiftHold(ctx context.Context, scope record.Scope) error
	Requests(ctx context.Context) ([]record.Request, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
	Started(ctx context.Context, name string) error
}

type handler struct {
	store records
	keys  interface {
		Key(ctx context.Context, id string) (kmskey.Key, error)
	}
	instances interface {
		Instances(ctx context.Context, machines []string) (map[string]ec2info.Instance, error)
	}
	inspect interface {
		Invoke(ctx context.Context, event any) error
	}
	flow interface {
		Start(ctx context.Context, name string, input json.RawMessage) error
	}
	schedules interface {
		Put(ctx context.Context, s schedule.Schedule) error
		Delete(ctx context.Context, name string) error
	}
	account, region string
	log             *slog.Logger
}

func (h *handler) routes() boot.Routes {
	routes := boot.Routes{
		"GET /v1/status":                 h.status,
		"GET /v1/machines":               h.listMachines,
		"GET /v1/machines/{id}":          h.showMachine,
		"PUT /v1/machines/{id}":          h.enrol,
		"POST /v1/machines/{id}/check":   h.check,
		"POST /v1/machines/{id}/restore": h.restore,
		"GET /v1/machines/{id}/ledger":   h.ledger,
		"GET /v1/policies":               h.listPolicies,
		"GET /v1/policies/{name}":        h.showPolicy,
		"PUT /v1/policies/{name}":        h.putPolicy,
		"GET /v1/holds":                  h.listHolds,
		"PUT /v1/holds/{scope}":          h.setHold,
		"DELETE /v1/holds/{scope}":       h.liftHold,
		"GET /v1/requests":               h.listRequests,
	}
	for pattern, endpoint := range routes {
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

func (h *handler) status(ctx context.Context, c boot.Call) (int, any, error) {
	machines, err := h.store.Machines(ctx)
	if err != nil {
		return 0, nil, err
	}
	holds, err := h.store.Holds(ctx, c.Now)
	if err != nil {
		return 0, nil, err
	}
	s := record.Status{Time: c.Now, Account: h.account, Region: h.region, Machines: map[string]int{}, Holds: len(holds)}
	for _, m := range machines {
		standing := string(m.State.Standing)
		if standing == "" {
			standing = "Unknown"
		}
		s.Machines[standing]++
	}
	return http.StatusOK, s, nil
}

func (h *handler) listRequests(ctx context.Context, _ boot.Call) (int, any, error) {
	requests, err := h.store.Requests(ctx)
	return http.StatusOK, list("requests", requests), err
}

// list is the answer of every listing: an object with one array, never null.
func list[T any](name string, items []T) map[string][]T {
	if items == nil {
		items = []T{}
	}
	return map[string][]T{name: items}
}
