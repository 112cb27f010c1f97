package handler

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

func (h *Handler) listMachines(ctx context.Context, _ boot.Call) (int, any, error) {
	machines, err := h.Store.Machines(ctx)
	return http.StatusOK, list("machines", machines), err
}

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
	return http.StatusOK, v, nil
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

// enrol binds a machine to its key and policy. Done again it changes name, owner and policy; key and role
// of a machine that holds a grant or has lost its key cannot be changed, since what was given to one
// session would else never be found again.
func (h *Handler) enrol(ctx context.Context, c boot.Call) (int, any, error) {
	id := c.PathValue("id")
	var e record.Enrolment
	if err := c.Decode(&e); err != nil {
		return 0, nil, err
	}
	session, err := checkEnrolment(id, e)
	if err != nil {
		return 0, nil, err
	}
	k, err := h.Keys.Key(ctx, e.Key)
	if err != nil {
		return 0, nil, fault.Wrap(fault.KindOf(err), err, "enrolling %s: key %q: %s", id, e.Key, fault.Safe(err))
	}
	if !k.Guarded {
		return 0, nil, fault.New(fault.Invalid, "enrolling %s: key %s is not tagged %s = true", id, e.Key, kmskey.GuardedTag)
	}
	there, err := h.Instances.Instances(ctx, []string{id})
	if err != nil {
		return 0, nil, err
	}
	if there[id].Presence == integrity.Gone {
		return 0, nil, fault.New(fault.NotFound, "enrolling %s: EC2 does not know this instance", id)
	}
	if strings.HasPrefix(id, "i-") && there[id].Tags[kmskey.GuardedTag] != "true" {
		return 0, nil, fault.New(fault.Invalid, "enrolling %s: the instance is not tagged %s = true, so Keyward may not inspect it", id, kmskey.GuardedTag)
	}
	p, err := h.policyFor(ctx, e.Policy, id, there[id].Tags)
	if err != nil {
		return 0, nil, err
	}
	e.Policy, e.Mode = p.Name, cmp.Or(e.Mode, p.Integrity.Mode)
	if err := h.alone(ctx, id, record.Key{ARN: k.ARN, Mode: e.Mode}); err != nil {
		return 0, nil, err
	}
	m, status, err := h.before(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	changed := status == http.StatusOK && (m.Key.ARN != k.ARN || m.SessionARN != session)
	if changed && (m.Taken != nil || m.Grant != "") {
		return 0, nil, fault.New(fault.Conflict, "enrolling %s: it holds or has lost its present key; key and role cannot be changed now", id)
	}
	if m.Policy != e.Policy {
		m.PolicyUsed, m.BrokeAt = 0, time.Time{} // the new one has not judged it: it counts in no breaker yet
	}
	var free *record.Lease // nobody releases, revokes or restores the access that is left
	if changed || status == http.StatusOK && m.Key.Mode != e.Mode {
		free = &record.Lease{
			Name: record.LeaseName(m.Key.Mode, m.Key.ARN, id), Holder: record.LeaseHolder("enrol", id, m.State.Generation),
		}
	}
	m.Name, m.Owner, m.Policy, m.SessionARN = e.Name, e.Owner, e.Policy, session
	m.Key, m.Zone, m.Tags = record.Key{ARN: k.ARN, Mode: e.Mode}, there[id].Zone, there[id].Tags
	m.EnrolledAt, m.EnrolledBy, m.Drift = c.Now, c.Caller, nil
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, DropLease: free, Ledger: []record.Entry{{
		Machine: id, At: c.Now, Kind: record.EntryEnrolled, By: c.Caller, Text: fmt.Sprintf("enrolled under policy %s, mode %s", e.Policy, e.Mode), Detail: k.ARN,
	}}})
	return status, m, err
}

// alone refuses a key that another machine has when either is revoked by disabling it: the other would
// lose its key for this one's sake.
func (h *Handler) alone(ctx context.Context, id string, k record.Key) error {
	all, err := h.Store.Machines(ctx)
	if err != nil {
		return err
	}
	for _, other := range all {
		if other.ID != id && other.Key.ARN == k.ARN && (k.Mode == policy.DisableKey || other.Key.Mode == policy.DisableKey) {
			return fault.New(fault.Conflict, "enrolling %s: machine %s has the same key, and mode %s needs a key of its own", id, other.ID, policy.DisableKey)
		}
	}
	return nil
}

// policyFor is the policy that was named, if it exists, or the one that matches the machine.
func (h *Handler) policyFor(ctx context.Context, name, id string, tags map[string]string) (*policy.Policy, error) {
	if name == policy.DefaultName {
		return policy.Default(), nil
	}
	if name != "" {
		stored, err := h.Store.Policy(ctx, name)
		if err != nil {
			return nil, err
		}
		return stored.Compile()
	}
	stored, err := h.Store.Policies(ctx)
	if err != nil {
		return nil, err
	}
	var all []*policy.Policy
	for _, s := range stored {
		p, err := s.Compile()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return policy.Match(all, id, tags), nil
}

func (h *Handler) before(ctx context.Context, id string) (record.Machine, int, error) {
	m, err := h.Store.Machine(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return record.Machine{ID: id}, http.StatusCreated, nil
	}
	return m, http.StatusOK, err
}

// checkEnrolment returns the session that the machine's requests come from.
func checkEnrolment(id string, e record.Enrolment) (session string, err error) {
	if !machineID.MatchString(id) {
		return "", fault.New(fault.Invalid, "enrolling %q: expected an instance id such as i-1234567890abcdef0", id)
	}
	role := roleARN.FindStringSubmatch(e.Role)
	if role == nil {
		return "", fault.New(fault.Invalid, "enrolling %s: role is %q, expected the ARN of an IAM role", id, e.Role)
	}
	if e.Mode != "" && e.Mode != policy.RevokeGrant && e.Mode != policy.DisableKey {
		return "", fault.New(fault.Invalid, "enrolling %s: mode is %q, expected %s or %s", id, e.Mode, policy.RevokeGrant, policy.DisableKey)
	}
	if e.Key == "" {
		return "", fault.New(fault.Invalid, "enrolling %s: key is required", id)
	}
	if e.Owner != "" {
		if _, err := mail.ParseAddress(e.Owner); err != nil {
			return "", fault.New(fault.Invalid, "enrolling %s: owner is %q, expected an e-mail address", id, e.Owner)
		}
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(e.Role, "arn:"), ":")
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", partition, role[1], role[2], id), nil
}

func (h *Handler) check(ctx context.Context, c boot.Call) (int, any, error) {
	m, err := h.Store.Machine(ctx, c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	err = h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{m.ID}})
	return http.StatusAccepted, map[string]any{"machine": m.ID, "askedAt": c.Now}, err
}

func (h *Handler) ledger(ctx context.Context, c boot.Call) (int, any, error) {
	entries, err := h.Store.Ledger(ctx, c.PathValue("id"), 0)
	return http.StatusOK, list("entries", entries), err
}

const longestReason = 500

func checkReason(r record.Reason, doing string) error {
	if n := len(strings.TrimSpace(r.Reason)); n == 0 || n > longestReason {
		return fault.New(fault.Invalid, "%s: reason has %d characters, expected 1 to %d", doing, n, longestReason)
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
	m.State = integrity.Restoring(m.State, c.Now)
	in := enforcement.Input{
		Version: enforcement.Version, Kind: enforcement.Restore, Account: h.Account, Region: h.Region,
		Machine: id, Generation: m.State.Generation, Policy: m.Policy, Why: r.Reason, By: c.Caller,
	}
	text, err := json.Marshal(in)
	if err != nil {
		return 0, nil, fmt.Errorf("encoding input of an execution: %w", err)
	}
	start := record.Start{Name: enforcement.Name(in, 1), Machine: id, Input: text, At: c.Now}
	m.Execution, m.RestoreBy = start.Name, c.Caller
	m, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, Start: []record.Start{start}, Ledger: []record.Entry{{
		Machine: id, At: c.Now, Kind: record.EntryRequest, Generation: m.State.Generation, By: c.Caller,
		Execution: start.Name, Text: "a person asked to give the key back: " + r.Reason,
	}}})
	if err != nil {
		return 0, nil, err
	}
	if err := h.Flow.Start(ctx, start.Name, start.Input); err != nil {
		h.Log.WarnContext(ctx, "execution stays in the outbox", boot.KeyExecution, start.Name, boot.KeyError, err.Error())
	} else if err := h.Store.Started(ctx, start.Name); err != nil {
		return 0, nil, err
	}
	return http.StatusAccepted, m, nil
}
