package handler

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/identity"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// leaseFor is longer than the function's timeout, so that a revocation never runs beside a release.
const leaseFor = time.Minute

// byPolicy is who decided when no person did.
const byPolicy = "policy"

// decide answers one request by what is known now. document is the verified one that came with it, or nil.
func (h *Handler) decide(ctx context.Context, now time.Time, m record.Machine, r record.Request, document *identity.Document) (int, record.Release, error) {
	p, err := h.policy(ctx, m.Policy)
	if err != nil {
		return 0, record.Release{}, err
	}
	there, err := h.Instances.Instances(ctx, []string{m.ID})
	if err != nil {
		return 0, record.Release{}, err
	}
	if err := h.current(ctx, m, document, there[m.ID]); err != nil {
		return 0, record.Release{}, err
	}
	facts, findings, err := h.facts(ctx, now, m, p)
	if err != nil {
		return 0, record.Release{}, err
	}
	if !m.State.CommandedAt.IsZero() && facts.Key == integrity.KeyReleased {
		facts.Key = integrity.KeyRevoking // it is ordered
	}
	facts.Presence = there[m.ID].Presence
	if err := lapse(&r, now, facts, p.Requests); err != nil {
		return 0, record.Release{}, err
	}
	if facts.Person = ruled(r, now); r.State == string(keyrequest.Pending) {
		facts.Waited = now.Sub(r.Since())
	}
	facts.Used = facts.Key == integrity.KeyReleased && used(r)
	d := keyrequest.Decide(facts, p.Requests)
	if d.Decision == policy.Approve {
		doubt, err := h.doubt(ctx, m, there[m.ID].Profile)
		if err != nil {
			return 0, record.Release{}, err
		}
		if d = d.Unless(doubt); doubt != "" {
			h.Log.WarnContext(ctx, "caller not believed", boot.KeyMachine, m.ID, boot.KeyReason, doubt)
		}
	}
	h.Log.InfoContext(ctx, "key request decided", boot.KeyMachine, m.ID, boot.KeyKind, string(d.Decision), boot.KeyReason, string(d.Reason))
	if d.Inspect {
		if err := h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{m.ID}}); err != nil {
			return 0, record.Release{}, err
		}
	}
	r.Policy, r.Version, r.Digest, r.Document = p.Name, p.Version, m.Digest, document != nil
	switch d.Event() {
	case keyrequest.Approve:
		by := byPolicy
		if d.Reason == keyrequest.ReasonApproved {
			by, d.Text = r.Ruling.By, d.Text+": "+r.Ruling.Reason
		}
		return h.approve(ctx, now, m, r, by, d.Text, approval(d, p))
	case keyrequest.Deny:
		if d.Reason == keyrequest.ReasonDenied {
			return http.StatusForbidden, record.Release{Request: r.ID, State: r.State, Reason: r.Reason, Findings: findings}, nil
		}
		if d.Reason == keyrequest.ReasonDoubt {
			return h.deny(ctx, now, m, m.State, r, d.Text, nil)
		}
		return h.deny(ctx, now, m, integrity.Denied(m.State, now, p.Integrity), r, d.Text, findings)
	default:
		return h.pend(ctx, now, m, p, r, d)
	}
}

func (h *Handler) policy(ctx context.Context, name string) (*policy.Policy, error) {
	stored, err := h.Store.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return stored.Compile()
}

// facts are what a decision rests on. Evidence that another policy, or another version of it, judged counts
// for nothing.
func (h *Handler) facts(ctx context.Context, now time.Time, m record.Machine, p *policy.Policy) (keyrequest.Facts, []policy.Finding, error) {
	f := keyrequest.Facts{Key: m.State.Key, Held: m.State.HeldFor != ""}
	newest, err := h.Store.Evidence(ctx, m.ID, 1)
	if err != nil || len(newest) == 0 {
		return f, nil, err
	}
	if r := newest[0].Result; r.Policy != p.Name || r.Digest != p.Digest {
		return f, nil, nil
	}
	if ok, err := h.stands(ctx, now, m, newest[0].Result); err != nil || !ok {
		return f, nil, err
	}
	f.HasAny, f.Verdict, f.Evidence = true, newest[0].Result.Verdict, now.Sub(newest[0].Sent)
	return f, newest[0].Result.Bad(), nil
}

// pend leaves a request for a person, or for the inspection that was asked for. One that was denied waits again, and so
// does one whose key was given when a person has to decide: he could not, of a request that waits for nobody.
func (h *Handler) pend(ctx context.Context, now time.Time, m record.Machine, p *policy.Policy, r record.Request, d keyrequest.Decision) (int, record.Release, error) {
	why := d.Text
	told := r.State + r.Reason
	if len(r.Moves) > 0 && r.Moves[len(r.Moves)-1].At.Equal(now) {
		told = "" // it has just begun to wait again
	}
	if err := reopen(&r, now); err != nil {
		return 0, record.Release{}, err
	}
	if r.State != string(keyrequest.Pending) && !d.Inspect {
		if err := move(&r, keyrequest.Ask, now, r.Machine, "the machine asks again, and what gave it its key does not stand"); err != nil {
			return 0, record.Release{}, err
		}
	}
	answer := record.Release{Request: r.ID, State: r.State, Reason: why}
	if r.State != string(keyrequest.Pending) || told == r.State+why {
		return http.StatusAccepted, answer, nil
	}
	r.Reason, r.ExpiresAt = why, r.Since().Add(keyrequest.Lasts(p.Requests))
	if d.Inspect {
		_, err := h.Store.PutRequest(ctx, r)
		return http.StatusAccepted, answer, err
	}
	m.Asking = &record.Asking{Request: r.ID, Until: r.ExpiresAt}
	change, err := h.told(store.Change{Machine: m, Request: &r, At: now}, notice.RequestPending, enforcement.Input{Why: why, Request: r.ID, DueAt: r.ExpiresAt})
	if err != nil {
		return 0, record.Release{}, err
	}
	_, err = h.Store.Apply(ctx, change)
	return http.StatusAccepted, answer, err
}

// deny refuses a request. The machine's state after it asks for looks for a correction, so that a machine that is put
// right need not wait for its schedule. The same answer again is not written again: a machine may ask every second.
func (h *Handler) deny(ctx context.Context, now time.Time, m record.Machine, after integrity.State, r record.Request, why string, findings []policy.Finding) (int, record.Release, error) {
	told := r.State + r.Reason
	if r.State != string(keyrequest.Denied) {
		if err := reopen(&r, now); err != nil {
			return 0, record.Release{}, err
		}
	}
	if r.State == string(keyrequest.Pending) || r.State == string(keyrequest.Approved) {
		if err := move(&r, keyrequest.Deny, now, byPolicy, why); err != nil {
			return 0, record.Release{}, err
		}
	}
	before := m.State
	m.State, m.Asking = after, nil
	if m.State == before && told == r.State+why {
		return http.StatusForbidden, record.Release{Request: r.ID, State: r.State, Reason: why, Findings: findings}, nil
	}
	r.Reason = why
	change := store.Change{Machine: m, Request: &r, At: now, Ledger: []record.Entry{{
		Machine: m.ID, At: now, Kind: record.EntryRequest, Generation: m.State.Generation, By: byPolicy, Text: "key request denied: " + why,
	}}}
	if told != r.State+why {
		var err error
		if change, err = h.told(change, notice.RequestDenied, enforcement.Input{Why: why, Request: r.ID}); err != nil {
			return 0, record.Release{}, err
		}
	}
	_, err := h.Store.Apply(ctx, change)
	return http.StatusForbidden, record.Release{Request: r.ID, State: r.State, Reason: why, Findings: findings}, err
}

// reopen takes a request whose last answer was no key back to Pending: the machine asks again.
func reopen(r *record.Request, now time.Time) error {
	switch keyrequest.State(r.State) {
	case keyrequest.Denied, keyrequest.Failure, keyrequest.Expired:
		return move(r, keyrequest.Ask, now, r.Machine, "the machine asks again")
	default:
		return nil
	}
}

// used is whether the machine said of this request, which is of one boot, that it used its key.
func used(r record.Request) bool {
	return slices.ContainsFunc(r.Moves, func(m record.Move) bool { return m.To == string(keyrequest.Delivered) })
}
