package handler

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// listWaivers are the waivers that stand, or with all=true those that have ended too; with machine=ID those
// that are for one machine.
func (h *Handler) listWaivers(ctx context.Context, c boot.Call) (int, any, error) {
	if err := known(c.URL.Query(), "all", map[string]bool{"true": true, "false": false}); err != nil {
		return 0, nil, err
	}
	all, err := h.Store.Waivers(ctx)
	if err != nil {
		return 0, nil, err
	}
	found := all.All
	if c.FormValue("all") != "true" {
		found = slices.DeleteFunc(found, func(w record.Waiver) bool { return !w.Stands(c.Now) })
	}
	if id := c.FormValue("machine"); id != "" {
		m, err := h.Store.Machine(ctx, id)
		if err != nil {
			return 0, nil, err
		}
		found = slices.DeleteFunc(found, func(w record.Waiver) bool { return !waiver.For(w, m, m.Policy) })
	}
	if found == nil {
		found = []record.Waiver{}
	}
	return http.StatusOK, record.WaiverList{Waivers: found, Unread: all.Unread}, nil
}

func (h *Handler) showWaiver(ctx context.Context, c boot.Call) (int, any, error) {
	w, err := h.Store.Waiver(ctx, c.PathValue("id"))
	return http.StatusOK, boot.Tagged{Value: w}, err
}

// setWaiver allows something to stand for a time. Machines that fail by it now are looked at.
func (h *Handler) setWaiver(ctx context.Context, c boot.Call) (int, any, error) {
	var wish record.WaiverWish
	if err := c.Decode(&wish); err != nil {
		return 0, nil, err
	}
	if err := checkWish(wish, c.Now); err != nil {
		return 0, nil, err
	}
	if _, err := h.scope(ctx, string(wish.Scope)); err != nil {
		return 0, nil, err
	}
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		return 0, nil, err
	}
	var one record.Machine // that it is for alone
	if id, ok := strings.CutPrefix(string(wish.Scope), "machine:"); ok {
		m, err := h.Store.Machine(ctx, id) // the listing may be old
		if err != nil {
			return 0, nil, err
		}
		if err := ofMachine(&wish, m); err != nil {
			return 0, nil, err
		}
		one, machines = m, []record.Machine{m}
	} else if name, ok := strings.CutPrefix(string(wish.Scope), "policy:"); ok {
		wish.Policy = name
	}
	if err := h.hasRule(ctx, wish.Policy, wish.Rule); err != nil {
		return 0, nil, err
	}
	if len(wish.Values) == 0 {
		return 0, nil, fault.Wrong("values", "setting waiver: values has 0 entries, expected 1 to %d; only scope machine:ID takes them from the machine", policy.MaxValues)
	}
	w := named(c, record.Waiver{
		Scope: wish.Scope, Tags: wish.Tags, Policy: wish.Policy, Rule: wish.Rule, Values: slices.Compact(slices.Sorted(slices.Values(wish.Values))),
		Reason: strings.TrimSpace(wish.Reason), By: c.Caller, SetAt: c.Now, Expires: wish.Expires.UTC(),
	})
	text := fmt.Sprintf("waiver %s set until %s for rule %q: %s; %s", w.ID, w.Expires.Format("2006-01-02 15:04:05Z"), w.Rule, strings.Join(w.Values, "; "), w.Reason)
	told, err := h.waived(one, c.Now, w)
	if err != nil {
		return 0, nil, err
	}
	if err := h.Store.SetWaiver(ctx, w, []record.Start{told}, entries(w, c, text)...); fault.Is(err, fault.Conflict) && c.Once != "" {
		set, unread := h.Store.Waiver(ctx, w.ID) // by this very call, which died before it said so
		if unread != nil {
			return 0, nil, err
		}
		w = set
	} else if err != nil {
		return 0, nil, err
	}
	h.start(ctx, told)
	h.Log.InfoContext(ctx, "waiver set", "waiver", w.ID, "scope", string(w.Scope), "by", c.Caller)
	set := record.WaiverSet{Waiver: w, Machines: []string{}}
	for _, m := range machines {
		if !waiver.For(w, m, m.Policy) || !failsBy(m, w) {
			continue
		}
		set.Machines = append(set.Machines, m.ID)
		if m.State.Key == integrity.KeyRevoking {
			set.Note = "the revocation of " + m.ID + " is being carried out; what it takes is given back once the machine was looked at"
		}
	}
	h.lookAt(ctx, set.Machines)
	return http.StatusCreated, set, nil
}

// liftWaiver ends a waiver before its time. Machines that were in order by it are looked at.
func (h *Handler) liftWaiver(ctx context.Context, c boot.Call) (int, any, error) {
	id := c.PathValue("id")
	var r record.Reason
	if err := c.Decode(&r); err != nil {
		return 0, nil, err
	}
	if err := checkReason(r, "lifting waiver "+id); err != nil {
		return 0, nil, err
	}
	w, err := h.Store.Waiver(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	if !w.Stands(c.Now) {
		return 0, nil, fault.New(fault.Conflict, "lifting waiver %s: it has ended already", id)
	}
	w.Lifted = &record.Lift{At: c.Now, By: c.Caller, Reason: strings.TrimSpace(r.Reason)}
	if err := h.Store.LiftWaiver(ctx, w, entries(w, c, "waiver "+id+" lifted: "+w.Lifted.Reason)...); err != nil {
		return 0, nil, err
	}
	h.Log.InfoContext(ctx, "waiver lifted", "waiver", id, boot.KeyReason, r.Reason, "by", c.Caller)
	machines, err := h.Store.Machines(ctx)
	if err != nil {
		h.Log.WarnContext(ctx, "machines cannot be listed; the sweep looks at them", boot.KeyError, err.Error())
	}
	var ids []string
	for _, m := range machines {
		if slices.ContainsFunc(m.Waived, func(f policy.Finding) bool {
			return slices.ContainsFunc(f.Waived, func(p policy.Permission) bool { return p.Waiver == id })
		}) {
			ids = append(ids, m.ID)
		}
	}
	h.lookAt(ctx, ids)
	return http.StatusOK, w, nil
}

// named gives a waiver its id, which says nothing and is the same for the same wish at the same moment, or by the same
// idempotency key whenever that is.
func named(c boot.Call, w record.Waiver) record.Waiver {
	wish := w
	if c.Once != "" {
		wish.SetAt, wish.Reason = time.Time{}, c.Once
	}
	text, err := json.Marshal(wish)
	if err != nil {
		panic("encoding a waiver: " + err.Error()) // texts and times alone
	}
	sum := sha256.Sum256(text)
	w.ID = "w-" + hex.EncodeToString(sum[:6])
	return w
}

// entries are the ledger's lines of a waiver, which only a single machine's has.
func entries(w record.Waiver, c boot.Call, text string) []record.Entry {
	id, ok := strings.CutPrefix(string(w.Scope), "machine:")
	if !ok {
		return nil
	}
	return []record.Entry{{Machine: id, At: c.Now, Kind: record.EntryWaiver, By: c.Caller, Text: text, Detail: w.ID}}
}

// failsBy is whether a machine was last seen to fail by something that a waiver allows.
func failsBy(m record.Machine, w record.Waiver) bool {
	return slices.ContainsFunc(m.Findings, func(f policy.Finding) bool {
		return f.Rule == w.Rule && f.Verdict == policy.Fail && slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(w.Values, v) })
	})
}

// lookAt has machines looked at now; what cannot be asked for now the enforcement or the sweep asks for.
func (h *Handler) lookAt(ctx context.Context, machines []string) {
	const most = 2000 // an event of Lambda has at most 256 KB
	for ids := range slices.Chunk(machines, most) {
		err := h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: ids})
		if err != nil {
			h.Log.WarnContext(ctx, "machines cannot be looked at now", boot.KeyCount, len(ids), boot.KeyError, err.Error())
		}
	}
}

// ofMachine fills a wish for one machine from what the machine fails by.
func ofMachine(wish *record.WaiverWish, m record.Machine) error {
	if wish.Policy = cmp.Or(wish.Policy, m.Policy); wish.Policy != m.Policy {
		return fault.Wrong("policy", "setting waiver: policy is %q, and %s is under %q", wish.Policy, m.ID, m.Policy)
	}
	if len(wish.Values) > 0 {
		return nil
	}
	at := slices.IndexFunc(m.Findings, func(f policy.Finding) bool { return f.Rule == wish.Rule && f.Verdict == policy.Fail })
	switch {
	case at < 0:
		return fault.New(fault.Conflict, "setting waiver: %s does not fail rule %q now, so that values have to be given", m.ID, wish.Rule)
	case len(m.Findings[at].Values) == 0:
		return fault.New(fault.Conflict, "setting waiver: %s fails rule %q by more than %d values, or was last judged before there were values; check it again, or change the policy", m.ID, wish.Rule, policy.MaxValues)
	}
	wish.Values = m.Findings[at].Values
	return nil
}

// hasRule refuses a rule that nothing is judged by, so that a misspelt waiver is not taken for one.
func (h *Handler) hasRule(ctx context.Context, name, rule string) error {
	stored, err := h.Store.Policies(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, s := range stored {
		if name != "" && s.Name != name {
			continue
		}
		p, err := s.Compile()
		if err != nil {
			continue
		}
		for _, r := range p.Rules {
			if r.Name == rule && r.Info {
				return fault.Wrong("rule", "setting waiver: rule %q of policy %s only informs: there is nothing to waive", rule, s.Name)
			}
			if r.Name == rule {
				return nil
			}
			known = append(known, fmt.Sprintf("%q", r.Name))
		}
	}
	const most = 20
	if len(known) > most {
		known = append(known[:most], "and others")
	}
	return fault.Wrong("rule", "setting waiver: rule is %q, expected one of %s", rule, strings.Join(known, ", "))
}
