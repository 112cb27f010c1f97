package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/delivery"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

func (h *Handler) showMachine(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.Store.Machine(ctx, c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	v := record.MachineView{Machine: m, Stops: []record.Stop{}}
	if v.Holds, err = h.Store.HoldsOn(ctx, record.Scopes(m.ID, m.Policy), c.Now); err != nil {
		return 0, nil, err
	}
	waivers, unread := h.waivers(ctx, c, m)
	v.Waivers = waivers
	newest, err := h.Store.Evidence(ctx, m.ID, 1)
	if err != nil {
		return 0, nil, err
	}
	if len(newest) > 0 {
		v.Evidence = &newest[0]
	}
	if v.Notices, err = h.Store.Notices(ctx, m.ID); err != nil {
		return 0, nil, err
	}
	f := h.facts(ctx, c, m, v.Holds)
	f.Waivers = guard.Waivers{Read: !unread, Covered: waiver.Covered(m.Findings, waivers, m, c.Now)}
	v.Dependants = f.Key.Dependants
	for _, r := range guard.Stops(f, c.Now) {
		v.Stops = append(v.Stops, record.Stop{Reason: string(r), Text: r.Text(), Detail: guard.Detail(f, r)})
	}
	return http.StatusOK, boot.Tagged{Value: v}, nil
}

// waivers are those that are for the machine now, and whether some cannot be read.
func (h *Handler) waivers(ctx context.Context, c boot.Call, m record.Machine) (standing []record.Waiver, unread bool) {
	on, err := h.Store.WaiversOn(ctx, record.Scopes(m.ID, m.Policy))
	if err != nil {
		h.Log.WarnContext(ctx, "waivers cannot be read", boot.KeyMachine, m.ID, boot.KeyError, err.Error())
	}
	standing = []record.Waiver{}
	for _, w := range on.All {
		if w.Stands(c.Now) && waiver.For(w, m, m.Policy) {
			standing = append(standing, w)
		}
	}
	return standing, err != nil || on.Unread > 0
}

// facts are what guard.Stops reads.
func (h *Handler) facts(ctx context.Context, c boot.Call, m record.Machine, holds []record.Hold) guard.Facts {
	f := guard.Facts{State: m.State, Drift: m.Drift, Policy: guard.Policy{Read: true, Terms: policy.Default().Integrity}}
	w := delivery.Of(m)
	f.Delivery = guard.Delivery{Counts: w.Counts, Lost: w.Lost}
	if stored, err := h.Store.Policy(ctx, m.Policy); err == nil {
		p, err := stored.Compile()
		f.Policy = guard.Policy{Read: err == nil}
		if err == nil {
			f.Policy.Terms = p.Integrity
		}
	}
	f.Holds = guard.Holds{Global: guard.Stop{Read: true}, Policy: guard.Stop{Read: true}, Machine: guard.Stop{Read: true}}
	for _, held := range holds {
		stop := guard.Stop{Read: true, Set: true, Expires: held.Expires}
		switch {
		case held.Scope == "global":
			f.Holds.Global = stop
		case strings.HasPrefix(string(held.Scope), "policy:"):
			f.Holds.Policy = stop
		default:
			f.Holds.Machine = stop
		}
	}
	f.Calendars = map[string]guard.Calendar{}
	for _, name := range f.Policy.Terms.Calendars {
		if calendar, err := h.Calendars.Calendar(ctx, name); err == nil {
			f.Calendars[name] = calendar
		}
	}
	watch, err := h.Store.Watch(ctx)
	f.Watch = guard.Watch{Read: err == nil, SweptAt: watch.SweptAt}
	f.Fleet = guard.Fleet{Read: err == nil, Doubtful: paused(watch, m)}
	k, err := h.Keys.Key(ctx, m.Key.ARN)
	f.Key = guard.Key{Read: err == nil, Guarded: k.Guarded, Mode: m.Key.Mode, Dependants: h.dependants(ctx, m)}
	f.Breaker, f.Rule = h.breakerFacts(ctx, c, m)
	return f
}

// dependants are who else depends on the key, unread when AWS takes longer than people wait.
func (h *Handler) dependants(ctx context.Context, m record.Machine) record.Dependants {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return dependants.Of(ctx, h.Keys, h.Instances, m)
}

// paused is whether the sweep moves the machine's deadline now.
func paused(w record.Watch, m record.Machine) bool {
	for _, name := range []string{record.Everything, m.Policy} {
		if p, ok := w.Paused[name]; ok && !m.State.ResumedAt.After(p.Since) {
			return true
		}
	}
	return false
}

var (
	machineID = regexp.MustCompile(`^(?:i|mi)-[0-9a-f]{8,17}$`)
	roleARN   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/(?:[\w+=,.@/-]+/)?([\w+=,.@-]{1,64})$`)
)

func (h *Handler) check(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.Store.Machine(ctx, c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	err = h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{m.ID}})
	return http.StatusAccepted, map[string]any{"machine": m.ID, "askedAt": c.Now}, err
}

func (h *Handler) ledger(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.Store.Machine(ctx, c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	entries, err := h.Store.Ledger(ctx, m.ID, 0)
	return http.StatusOK, list("entries", entries), err
}

const longestReason = 500

func checkReason(r record.Reason, doing string) error {
	if n := len(strings.TrimSpace(r.Reason)); n == 0 || n > longestReason {
		return fault.Wrong("reason", "%s: reason has %d characters, expected 1 to %d", doing, n, longestReason)
	}
	return nil
}

// restore gives a revoked key back because a person says so, whatever the last verdict.
func (h *Handler) restore(ctx context.Context, c boot.Call) (int, any, error) {
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	id := c.PathValue("id")
	if err := checkReason(r, "restoring "+id); err != nil {
		return 0, nil, err
	}
	m, err := h.Store.Machine(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	if m.State.Key != integrity.KeyRevoked || m.Taken == nil {
		return 0, nil, fault.New(fault.Conflict, "restoring %s: its key is not revoked", id)
	}
	m.State, m.RestoreBy = integrity.Restoring(m.State, c.Now), c.Caller
	m, err = h.begin(ctx, c, m, enforcement.Input{Kind: enforcement.Restore, Why: r.Reason, By: c.Caller}, "a person asked to give the key back: "+r.Reason)
	return http.StatusAccepted, m, err
}

// begin writes what a person wants of a machine's key, with the execution that carries it out, and starts that. One that
// cannot be started now the sweep starts.
func (h *Handler) begin(ctx context.Context, c boot.Call, m record.Machine, in enforcement.Input, said string) (record.Machine, error) {
	in.Version, in.Account, in.Region = enforcement.Version, h.Account, h.Region
	in.Machine, in.Generation, in.Policy = m.ID, m.State.Generation, m.Policy
	text, err := json.Marshal(in)
	if err != nil {
		return m, fmt.Errorf("encoding input of an execution: %w", err)
	}
	start := record.Start{Name: enforcement.Name(in, 1), Machine: m.ID, Input: text, At: c.Now}
	m.Execution = start.Name
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, Start: []record.Start{start}, Ledger: []record.Entry{{
		Machine: m.ID, At: c.Now, Kind: record.EntryRequest, Generation: m.State.Generation, By: c.Caller, Execution: start.Name, Text: said,
	}}})
	if err != nil {
		return m, err
	}
	if err := h.Flow.Start(ctx, start.Name, start.Input); err != nil {
		h.Log.WarnContext(ctx, "execution stays in the outbox", boot.KeyExecution, start.Name, boot.KeyError, err.Error())
		return m, nil
	}
	return m, h.Store.Started(ctx, start.Name)
}

// start starts the execution that tells of something; when it cannot be started now, or not be taken out of the outbox, the
// sweep sees to it.
func (h *Handler) start(ctx context.Context, o record.Start) {
	err := h.Flow.Start(ctx, o.Name, o.Input)
	if err == nil {
		err = h.Store.Started(ctx, o.Name)
	}
	if err != nil {
		h.Log.WarnContext(ctx, "execution stays in the outbox", boot.KeyExecution, o.Name, boot.KeyError, err.Error())
	}
}

func (h *Handler) place() tell.Place { return tell.Place{Account: h.Account, Region: h.Region} }
