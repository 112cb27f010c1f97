package handler

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// ignoreRequest lets stand for a time all that the request's machine fails by now: a waiver for each rule, pinned to the
// machine and to what was seen. What is waived already is left as it is.
func (h *Handler) ignoreRequest(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error) {
	doing := "ignoring what " + chosen.Machine + " fails by"
	if err := checkIgnore(w, c.Now); err != nil {
		return record.Acted{}, err
	}
	r, m, err := h.requestAndMachine(ctx, chosen)
	if err != nil {
		return record.Acted{}, err
	}
	shown := keyrequest.View(r, m, c.Now)
	if _, err := keyrequest.Move(keyrequest.State(shown.State), keyrequest.Ignore); err != nil && shown.State != string(keyrequest.RevokeIgnored) {
		return record.Acted{}, fault.New(fault.Conflict, "%s: its key request is %s, expected Approved, Delivered or Revoke_Pending", doing, shown.State)
	}
	wishes, set, err := h.waiversFor(ctx, c, m, w, doing)
	if err != nil {
		return record.Acted{}, err
	}
	for i, one := range wishes {
		text := "waiver " + one.ID + " set until " + one.Expires.Format("2006-01-02 15:04:05Z") + " for rule \"" + one.Rule + "\": " +
			strings.Join(one.Values, "; ") + "; key request " + r.ID + " ignored: " + one.Reason
		var told []record.Start
		if i == len(wishes)-1 { // one mail of all of them
			start, err := h.waived(m, c.Now, wishes...)
			if err != nil {
				return record.Acted{}, err
			}
			told = []record.Start{start}
		}
		if err := h.Store.SetWaiver(ctx, one, told, entries(one, c, text)...); err != nil {
			return record.Acted{}, fault.Wrap(fault.KindOf(err), err, "%s: %d of %d waivers are set; asked again, the others are", doing, i, len(wishes))
		}
		for _, o := range told {
			h.start(ctx, o)
		}
	}
	h.Log.InfoContext(ctx, "key request ignored", boot.KeyMachine, m.ID, boot.KeyCount, len(wishes), "by", c.Caller)
	h.lookAt(ctx, []string{m.ID})
	return record.Acted{Status: http.StatusOK, Request: &shown, Waivers: append(set, wishes...)}, nil
}

// checkIgnore refuses what no waiver can say.
func checkIgnore(w wished, now time.Time) error {
	return checkWish(record.WaiverWish{Scope: "machine:", Rule: "any", Reason: w.reason, Expires: w.expires}, now)
}

// waiversFor are the waivers that a machine lacks for what it fails by, and those that this very call set before, when it
// died before it said so. None is made when one of them could not be.
func (h *Handler) waiversFor(ctx context.Context, c boot.Call, m record.Machine, w wished, doing string) (wishes, set []record.Waiver, err error) {
	on, err := h.Store.WaiversOn(ctx, record.Scopes(m.ID, m.Policy))
	if err != nil {
		return nil, nil, err
	}
	found := slices.Concat(m.Findings, m.Waived) // with what was waived when it was judged, and may not be any more
	judged := waiver.Apply(policy.Result{Policy: m.Policy, Findings: found}, on.All, m, c.Now)
	for _, f := range judged.Findings {
		if f.Info || f.Verdict != policy.Fail {
			continue
		}
		if len(f.Values) == 0 {
			return nil, nil, fault.New(fault.Conflict, "%s: it fails rule %q by more than %d values, or was last judged before there were values; check it again, or change the policy", doing, f.Rule, policy.MaxValues)
		}
		one := named(c, record.Waiver{
			Scope: record.Scope("machine:" + m.ID), Policy: m.Policy, Rule: f.Rule, Values: slices.Compact(slices.Sorted(slices.Values(f.Values))),
			Reason: strings.TrimSpace(w.reason), By: c.Caller, SetAt: c.Now, Expires: w.expires.UTC(),
		})
		if at := slices.IndexFunc(on.All, func(o record.Waiver) bool { return o.ID == one.ID }); at >= 0 && c.Once != "" {
			set = append(set, on.All[at])
		} else if f.Counts() == policy.Fail {
			wishes = append(wishes, one)
		}
	}
	if len(wishes)+len(set) > 0 {
		return wishes, set, nil
	}
	for _, f := range judged.Waived() {
		p := f.Waived[0]
		return nil, nil, fault.New(fault.Conflict, "%s: rule %q is waived already, by waiver %s of %s until %s", doing, f.Rule, p.Waiver, p.By, p.Expires.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return nil, nil, fault.New(fault.Conflict, "%s: it fails no rule now", doing)
}

// checkRequest has the request's machine looked at now. Who asked and why is in the ledger before anybody is asked.
func (h *Handler) checkRequest(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error) {
	doing := "checking " + chosen.Machine
	if err := checkReason(record.Reason{Reason: w.reason}, doing); err != nil {
		return record.Acted{}, err
	}
	r, m, err := h.requestAndMachine(ctx, chosen)
	if err != nil {
		return record.Acted{}, err
	}
	const tries = 5
	for range tries {
		_, err = h.Store.Apply(ctx, store.Change{Machine: m, At: c.Now, Ledger: []record.Entry{{
			Machine: m.ID, At: c.Now, Kind: record.EntryRequest, Generation: m.State.Generation, By: c.Caller,
			Text: "a person has it looked at for key request " + r.ID + ": " + strings.TrimSpace(w.reason),
		}}})
		if !fault.Is(err, fault.Conflict) {
			break
		}
		if m, err = h.Store.Machine(ctx, m.ID); err != nil {
			return record.Acted{}, err
		}
		err = fault.New(fault.Transient, "%s: it keeps being changed by others", doing)
	}
	if err != nil {
		return record.Acted{}, err
	}
	if err := h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{m.ID}}); err != nil {
		return record.Acted{}, err
	}
	shown := keyrequest.View(r, m, c.Now)
	return record.Acted{Status: http.StatusAccepted, Request: &shown}, nil
}

func (h *Handler) requestAndMachine(ctx context.Context, chosen record.Chosen) (record.Request, record.Machine, error) {
	r, err := h.Store.Request(ctx, chosen.Machine, chosen.ID)
	if err != nil {
		return r, record.Machine{}, err
	}
	m, err := h.Store.Machine(ctx, chosen.Machine)
	return r, m, err
}
