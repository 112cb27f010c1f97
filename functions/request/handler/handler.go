// Package handler answers key requests. It is what the program request serves, apart from its wiring, so that the
// simulation runs the same code.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/ec2info"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	Machine(ctx context.Context, id string) (record.Machine, error)
	Policy(ctx context.Context, name string) (record.Policy, error)
	Evidence(ctx context.Context, machine string, limit int) ([]record.Evidence, error)
	WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error)
	Request(ctx context.Context, machine, id string) (record.Request, error)
	PutRequest(ctx context.Context, r record.Request) (record.Request, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

type keys interface {
	Key(ctx context.Context, id string) (kmskey.Key, error)
}

type giver interface {
	Grant(ctx context.Context, key, machine, session string, generation int64) (kmskey.Granted, error)
}

// Handler serves the machines' HTTP API. All fields but Documents are required.
type Handler struct {
	Store     records
	Keys      keys
	Giver     giver
	Instances interface {
		Instances(ctx context.Context, machines []string) (map[string]ec2info.Instance, error)
	}
	Roles   roles
	Nodes   nodes
	Inspect interface {
		Invoke(ctx context.Context, event any) error
	}
	Documents Documents
	Log       *slog.Logger

	Account, Region string
}

// Call is one call of an endpoint, with who signed it. It has a name here so that the simulation, which is no
// function, asks as a machine does.
type Call = boot.Call

// Routes are its endpoints.
func (h *Handler) Routes() boot.Routes {
	return boot.Routes{
		"POST /v1/key-requests":                h.ask,
		"GET /v1/key-requests/{id}":            h.show,
		"POST /v1/key-requests/{id}/delivered": h.delivered,
	}
}

// caller is the enrolled machine that signed the request. A machine can only ask for itself: the id is
// the session's name, and role and account have to be those of its enrolment.
func (h *Handler) caller(ctx context.Context, c boot.Call) (record.Machine, error) {
	m, err := h.Store.Machine(ctx, c.Session())
	if fault.Is(err, fault.NotFound) || err == nil && m.SessionARN != c.Caller {
		return m, fault.New(fault.Denied, "the caller is not the session of an enrolled machine")
	}
	return m, err
}

var bootID = regexp.MustCompile(`^[0-9a-f-]{1,64}$`)

// ask answers a key request. Within one boot a machine has one request, however often it asks.
func (h *Handler) ask(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.caller(ctx, c)
	if err != nil {
		return 0, nil, err
	}
	var in struct {
		BootID   string  `json:"bootId"`
		Document *string `json:"identityDocument"`
	}
	if err := c.Decode(&in); err != nil {
		return 0, nil, err
	}
	if !bootID.MatchString(in.BootID) {
		return 0, nil, fault.New(fault.Invalid, "reading the key request: bootId is %q, expected the machine's boot id, hex digits and dashes", in.BootID)
	}
	document, told, err := h.document(ctx, c.Now, m, in.Document)
	if err != nil {
		return 0, nil, err
	}
	r, err := h.request(ctx, c.Now, m, in.BootID)
	if err != nil {
		return 0, nil, err
	}
	status, answer, err := h.decide(ctx, c.Now, m, r, document)
	answer.Document = told
	return status, answer, err
}

// request is the machine's request of this boot, new or as it stands.
func (h *Handler) request(ctx context.Context, now time.Time, m record.Machine, id string) (record.Request, error) {
	r, err := h.Store.Request(ctx, m.ID, id)
	if fault.Is(err, fault.NotFound) {
		return record.Request{ID: id, Machine: m.ID, BootID: id, State: string(keyrequest.Pending), AskedAt: now}, nil
	}
	return r, err
}

func (h *Handler) show(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.caller(ctx, c)
	if err != nil {
		return 0, nil, err
	}
	r, err := h.Store.Request(ctx, m.ID, c.PathValue("id"))
	r = keyrequest.View(r, m, c.Now)
	return http.StatusOK, record.Release{Request: r.ID, State: r.State, Reason: r.Reason}, err
}

// delivered is the machine's word that it could use its key.
func (h *Handler) delivered(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.caller(ctx, c)
	if err != nil {
		return 0, nil, err
	}
	r, err := h.Store.Request(ctx, m.ID, c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	if r.State != string(keyrequest.Delivered) {
		if err := move(&r, keyrequest.Deliver, c.Now, m.ID, "the machine used its key"); err != nil {
			return 0, nil, err
		}
		if r, err = h.Store.PutRequest(ctx, r); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusOK, record.Release{Request: r.ID, State: r.State, Reason: r.Reason}, nil
}

// move takes a request to the state that follows by an event, and notes who did it and why.
func move(r *record.Request, e keyrequest.Event, now time.Time, by, why string) error {
	to, err := keyrequest.Move(keyrequest.State(r.State), e)
	if err != nil {
		return err
	}
	r.State, r.Reason, r.DecidedAt = string(to), why, now
	r.Moves = append(r.Moves, record.Move{To: string(to), At: now, By: by, Why: why})
	return nil
}
