package handler

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
	"github.com/keyward/keyward/shared/record"
)

// previewPolicy says what a policy would mean for its machines before it is put. It changes nothing.
func (h *Handler) previewPolicy(ctx context.Context, c boot.Call) (int, any, error) {
	p, err := candidate(c)
	if err != nil {
		return 0, nil, err
	}
	all, err := h.Store.Machines(ctx)
	if err != nil {
		return 0, nil, err
	}
	machines := slices.DeleteFunc(all, func(m record.Machine) bool { return m.Policy != p.Name })
	seen, err := h.lastSeen(ctx, machines)
	if err != nil {
		return 0, nil, err
	}
	present, err := h.present(ctx, p.Name)
	if err != nil {
		return 0, nil, err
	}
	v := record.Preview{Policy: p.Name, Machines: len(machines), Affected: []record.Affected{}}
	for i, m := range machines {
		if seen[i] == nil {
			v.Unseen++
			continue
		}
		if a, affected := affects(m, *seen[i], present, p, c.Now); affected {
			v.Affected = append(v.Affected, a)
		}
	}
	return http.StatusOK, v, nil
}

// present is the policy of this name as it is now; one that is not there, or cannot be read, takes nothing.
func (h *Handler) present(ctx context.Context, name string) (*policy.Policy, error) {
	stored, err := h.Store.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Default(), nil
	}
	if err != nil {
		return nil, err
	}
	p, err := stored.Compile()
	if err == nil {
		p, err = custom.Compile(p)
	}
	if err != nil {
		return policy.Default(), nil
	}
	return p, nil
}

// candidate is the policy in the body of a call; it has to have the name in the path.
func candidate(c boot.Call) (*policy.Policy, error) {
	name := c.PathValue("name")
	p, err := custom.Parse(c.Body)
	if err != nil {
		return nil, unreadable(name, err)
	}
	if name == drill.PolicyName {
		return nil, fault.Wrong("policy", "reading policy %s: it is the fire drill's, expected another name", name)
	}
	if p.Name != name {
		return nil, fault.Wrong("policy", "reading policy %s: the document says policy: %s", name, p.Name)
	}
	return p, nil
}

// unreadable says what is wrong with a policy's text, and where.
func unreadable(name string, err error) error {
	refusal := &fault.Error{Kind: fault.Invalid, Safe: fmt.Sprintf("reading policy %s: %v", name, err)}
	var all policy.Errors
	if errors.As(err, &all) {
		for _, e := range all {
			refusal.Fields = append(refusal.Fields, fault.Field{Name: e.Path, Detail: e.Message, Line: e.Line, Column: e.Column})
		}
	}
	return refusal
}

// lastSeen are the newest records of each machine that have evidence; nil where none of the last ones has.
func (h *Handler) lastSeen(ctx context.Context, machines []record.Machine) ([]*record.Evidence, error) {
	const atOnce, newest = 16, 10
	seen, problems := make([]*record.Evidence, len(machines)), make([]error, len(machines))
	places := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for i, m := range machines {
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			kept, err := h.Store.Evidence(ctx, m.ID, newest)
			problems[i] = err
			if at := slices.IndexFunc(kept, func(e record.Evidence) bool { return e.Evidence != nil }); at >= 0 {
				seen[i] = &kept[at]
			}
		})
	}
	all.Wait()
	return seen, errors.Join(problems...)
}

// affects is what follows for one machine that does not follow by the policy it has now.
func affects(m record.Machine, e record.Evidence, present, p *policy.Policy, now time.Time) (record.Affected, bool) {
	a := foundAgain(m, e, p, now)
	return a, a.Follows != "" && a.Follows != foundAgain(m, e, present, now).Follows
}

// foundAgain is what follows for one machine when it is found as it was found last, as often as the policy
// asks for: by the function that moves machines.
func foundAgain(m record.Machine, e record.Evidence, p *policy.Policy, now time.Time) record.Affected {
	result := policy.Evaluate(p, e.Evidence, now)
	terms := p.Integrity
	terms.Confirm, terms.ConfirmOf, terms.RestoreAfter = 1, 1, 1
	before := m.State
	before.SettledAt = time.Time{}
	in := integrity.Input{Verdict: result.Verdict.String(), Sent: now, Presence: integrity.Running}
	next, effects := integrity.Next(before, in, terms, now)
	a := record.Affected{Machine: m.ID, Name: m.Name, Standing: m.State.Standing, Verdict: result.Verdict}
	if bad := result.Bad(); len(bad) > 0 {
		a.Why = bad[0].Rule + ": " + bad[0].Actual
	}
	// A machine that failed while its policy only told is warned by the sweep, without another transition.
	if owed, ok := integrity.Owed(next, terms); ok && owed == integrity.Warn && !warnedAlready(m, now) {
		effects = append(effects, integrity.Warn)
	}
	for effect, follows := range map[integrity.Effect]record.Follows{
		integrity.Warn: record.FollowsWarning, integrity.Revoke: record.FollowsRevoke, integrity.Hold: record.FollowsHold,
		integrity.NotifyBad: record.FollowsNotice, integrity.StandDown: record.FollowsStandDown, integrity.Restore: record.FollowsRestore,
	} {
		if slices.Contains(effects, effect) {
			a.Follows = follows
		}
	}
	return a
}

// warnedAlready is whether the enforcement of the violation runs already, and its warning is only under way.
func warnedAlready(m record.Machine, now time.Time) bool {
	const underWay = 10 * time.Minute
	return m.Execution != "" && m.State.Standing == integrity.Bad && now.Sub(m.State.Since) < underWay
}
