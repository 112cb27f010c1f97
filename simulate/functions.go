package simulate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	api "github.com/keyward/keyward/functions/api/handler"
	delivery "github.com/keyward/keyward/functions/delivery/handler"
	evaluate "github.com/keyward/keyward/functions/evaluate/handler"
	inspect "github.com/keyward/keyward/functions/inspect/handler"
	notify "github.com/keyward/keyward/functions/notify/handler"
	recheck "github.com/keyward/keyward/functions/recheck/handler"
	request "github.com/keyward/keyward/functions/request/handler"
	restore "github.com/keyward/keyward/functions/restore/handler"
	revoke "github.com/keyward/keyward/functions/revoke/handler"
	safeguard "github.com/keyward/keyward/functions/safeguard/handler"
	sweep "github.com/keyward/keyward/functions/sweep/handler"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/simulate/world"
)

// Contact is the account's contact, who is told when nobody else is named.
const contact = "security@example.com"

// limits are the template's defaults.
var limits = guard.Limits{Machines: 5, Percent: 2, Window: time.Hour, Rules: guard.RuleLimits{Percent: 10, Machines: 3}}

// keyCalls and grantCalls are the template's defaults, a second.
const keyCalls, grantCalls = 5, 50

// Install puts every function of the stack that the simulation needs into a world, wired as its main.go
// wires it, with the world's adapters. A handler that takes a new call gets it here.
func Install(w *world.World) {
	sender := &inspect.Sender{Commander: w.SSM, Recorder: w.Store, Document: "keyward-inspect", Digest: world.Digest()}
	looks := &inspect.Handler{Machines: w.Store, Send: sender.Send, Log: w.Log}
	judge := &evaluate.Handler{
		Store: w.Store, Answers: w.SSM, Instances: w.EC2, Flow: w.Flow, Account: world.Account, Region: world.Region, Log: w.Log,
	}
	again := &recheck.Handler{
		Store: w.Store, Keys: w.Keys, Calendars: w.Calendars, Instances: w.EC2, Limits: limits, Send: sender.Send, Log: w.Log,
	}
	taking := &revoke.Handler{
		Store: w.Store, Keys: w.Keys, Taker: w.Keys, Log: w.Log,
		Pace: revoke.Pace{DisableKey: pace.Half(pace.DisableKey, keyCalls), RevokeGrant: pace.Half(pace.RevokeGrant, grantCalls)},
	}
	giving := &restore.Handler{
		Store: w.Store, Keys: w.Keys, Giver: w.Keys, Log: w.Log,
		Pace: restore.Pace{EnableKey: pace.Half(pace.EnableKey, keyCalls), CreateGrant: pace.Half(pace.CreateGrant, grantCalls)},
	}
	safe := &safeguard.Handler{
		Store: w.Store, Machines: w.SSM, EC2: w.Safe, Document: world.LockDocument, Digest: world.Digest(), Log: w.Log,
	}
	asking := &api.Handler{
		Store: w.Store, Keys: w.Keys, Calendars: w.Calendars, Instances: w.EC2, Inspect: w.Queue("inspect"), Drill: w.Queue("drill"), DrillsOff: true,
		Flow: w.Flow, Schedules: w.Schedules, Account: world.Account, Region: world.Region, KeyCalls: keyCalls, GrantCalls: grantCalls,
		Limits: limits, Random: rand.Reader, Log: w.Log,
	}
	telling := &notify.Handler{Store: w.Store, Mail: w.Mail, Contact: contact, Log: w.Log}
	arriving := &delivery.Handler{Store: w.Store, Account: world.Account, Region: world.Region, Log: w.Log}
	asked := &request.Handler{
		Store: w.Store, Keys: w.Keys, Giver: w.Keys, Instances: w.EC2, Roles: w.Roles, Nodes: w.Roles, Inspect: w.Queue("inspect"), Log: w.Log,
		Account: world.Account, Region: world.Region,
	}
	sweeping := &sweep.Handler{
		Store: w.Store, Flow: w.Flow, Keys: w.Keys, Inspect: w.Queue("inspect"), Evaluate: w.Queue("evaluate"),
		Calendars: w.Calendars, Limits: limits, Account: world.Account, Region: world.Region, Log: w.Log,
	}
	w.Functions = map[string]world.Function{
		"inspect": serve(looks.Handle), "evaluate": serve(judge.Handle), "recheck": serve(again.Handle), "revoke": serve(taking.Handle),
		"restore": serve(giving.Handle), "notify": serve(telling.Handle), "sweep": serve(sweeping.Handle), "request": ask(asked),
		"safeguard": serve(safe.Handle), "api": people(asking), "delivery": serve(arriving.Handle),
	}
	w.Timeouts = map[string]time.Duration{ // template.yaml's
		"inspect": 2 * time.Minute, "evaluate": 2 * time.Minute, "request": 25 * time.Second, "sweep": 4 * time.Minute, "notify": 30 * time.Second,
		"revoke": time.Minute, "restore": time.Minute, "recheck": time.Minute,
		"delivery": 30 * time.Second,
	}
}

// serve decodes an event and hands it to a handler, as functions/internal/boot does.
func serve[In, Out any](handle func(context.Context, time.Time, In) (Out, error)) world.Function {
	return func(ctx context.Context, now time.Time, payload []byte) (any, error) {
		var in In
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "reading the event: it is not what this function takes")
		}
		return handle(ctx, now, in)
	}
}

// keyRequest is what a machine's session asks: the payload of the function request.
type keyRequest struct{ Caller, Boot string }

// ask is the machines' HTTP API behind its authorizer. Its result is the status.
func ask(h *request.Handler) world.Function {
	endpoint := h.Routes()["POST /v1/key-requests"]
	return func(ctx context.Context, now time.Time, payload []byte) (any, error) {
		var k keyRequest
		if err := json.Unmarshal(payload, &k); err != nil {
			return nil, err
		}
		body, _ := json.Marshal(map[string]string{"bootId": k.Boot})
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/v1/key-requests", bytes.NewReader(nil))
		if err != nil {
			return nil, err
		}
		status, _, err := endpoint(ctx, request.Call{Request: r, Caller: k.Caller, Now: now, Body: body})
		return status, err
	}
}
