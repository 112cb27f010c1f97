package handler

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// pageRequests is how many requests a page looks at.
const pageRequests = 500

// manyMachines is from how many requests on the machines are read in one listing, not each by itself.
const manyMachines = 20

// listRequests is a page of the key requests, oldest first: those of a machine, in a state. A page may be empty and
// not be the last.
func (h *Handler) listRequests(ctx context.Context, c boot.Call) (int, any, error) {
	q := c.URL.Query()
	machine, state := q.Get("machine"), keyrequest.State(q.Get("state"))
	if states := keyrequest.States(); q.Has("state") && !slices.Contains(states, state) {
		var words []string
		for _, s := range states {
			words = append(words, string(s))
		}
		return 0, nil, fault.Wrong("state", "listing key requests: state is %q, expected one of %s", state, strings.Join(words, ", "))
	}
	kept, next, err := h.keptRequests(ctx, machine, q.Get("after"))
	if err != nil {
		return 0, nil, err
	}
	page := record.RequestPage{Next: next}
	if slices.Contains(asKept, state) {
		kept = slices.DeleteFunc(kept, func(r record.Request) bool { return r.State != string(state) })
	}
	if err := h.view(ctx, c, kept); err != nil {
		return 0, nil, err
	}
	page.Requests = append([]record.Request{}, slices.DeleteFunc(kept, func(r record.Request) bool { return state != "" && r.State != string(state) })...)
	return http.StatusOK, page, nil
}

// asKept are the states that no request is shown in without being kept in: those that are not asked for are not looked
// at further, so that a list of the few that wait reads few machines.
var asKept = []keyrequest.State{keyrequest.Pending, keyrequest.Approved, keyrequest.Delivered, keyrequest.Denied, keyrequest.Failure}

// keptRequests are the requests after one, oldest first, and where those after them begin: all of a machine at once, or a
// page of all.
func (h *Handler) keptRequests(ctx context.Context, machine, after string) (kept []record.Request, next string, err error) {
	if machine == "" {
		kept, err = h.Store.RequestsFrom(ctx, after, pageRequests)
	} else {
		kept, err = h.Store.RequestsOf(ctx, machine)
		slices.SortFunc(kept, func(a, b record.Request) int { return cmp.Compare(store.RequestCursor(a), store.RequestCursor(b)) })
		kept = slices.DeleteFunc(kept, func(r record.Request) bool { return store.RequestCursor(r) <= after })
		kept = kept[:min(len(kept), pageRequests)]
	}
	if len(kept) == pageRequests {
		next = store.RequestCursor(kept[len(kept)-1])
	}
	return kept, next, err
}

// view shows requests as they stand: with what became of their machines' keys since. A request whose machine has no
// record any more is shown as it is.
func (h *Handler) view(ctx context.Context, c boot.Call, requests []record.Request) error {
	machines := map[string]record.Machine{}
	if len(requests) > manyMachines {
		all, err := h.Store.Machines(ctx)
		if err != nil {
			return err
		}
		for _, m := range all {
			machines[m.ID] = m
		}
	}
	for i, r := range requests {
		m, ok := machines[r.Machine]
		if !ok && len(requests) <= manyMachines {
			var err error
			if m, err = h.Store.Machine(ctx, r.Machine); err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			machines[r.Machine] = m
		}
		requests[i] = keyrequest.View(r, m, c.Now)
	}
	return nil
}

func (h *Handler) showRequest(ctx context.Context, c boot.Call) (int, any, error) {
	r, err := h.Store.Request(ctx, c.PathValue("machine"), c.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	one := []record.Request{r}
	err = h.view(ctx, c, one)
	return http.StatusOK, boot.Tagged{Value: one[0]}, err
}

func (h *Handler) approveRequest(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error) {
	return h.rule(ctx, c, chosen, w, keyrequest.Approve, "approving")
}

func (h *Handler) denyRequest(ctx context.Context, c boot.Call, chosen record.Chosen, w wished) (record.Acted, error) {
	return h.rule(ctx, c, chosen, w, keyrequest.Deny, "denying")
}

// rule is a person's decision about a request. Of two who decide at once the second is told.
func (h *Handler) rule(ctx context.Context, c boot.Call, chosen record.Chosen, w wished, e keyrequest.Event, doing string) (record.Acted, error) {
	doing += " key request " + chosen.ID + " of " + chosen.Machine
	if err := checkReason(record.Reason{Reason: w.reason}, doing); err != nil {
		return record.Acted{}, err
	}
	r, m, err := h.requestAndMachine(ctx, chosen)
	if err != nil {
		return record.Acted{}, err
	}
	ruling := record.Ruling{Approved: e == keyrequest.Approve, At: c.Now, By: c.Caller, Reason: w.reason}
	if r.Ruling != nil && r.Ruling.Approved == ruling.Approved && keyrequest.Shown(keyrequest.State(r.State), r.ExpiresAt, c.Now) != keyrequest.Expired {
		return record.Acted{}, fault.New(fault.Conflict, "%s: it is %s already, by %s at %s", doing, r.State, r.Ruling.By, r.Ruling.At.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if e == keyrequest.Deny && m.State.Key == integrity.KeyReleased {
		return record.Acted{}, fault.New(fault.Conflict, "%s: the machine has its key since %s, and a denial would take nothing from it", doing, m.State.KeySince.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	requests, err := h.requestsOf(ctx, m)
	if err != nil {
		return record.Acted{}, err
	}
	newest, err := h.Store.Evidence(ctx, m.ID, 1)
	if err != nil {
		return record.Acted{}, err
	}
	if len(newest) > 0 {
		ruling.Verdict, ruling.Seen, ruling.Digest = newest[0].Result.Verdict, newest[0].Sent, newest[0].Digest
	}
	if err := notHisOwn(m, ruling, doing); err != nil {
		return record.Acted{}, err
	}
	if shown := keyrequest.View(r, m, c.Now); shown.State != r.State && shown.State != string(keyrequest.Expired) {
		return record.Acted{}, fault.New(fault.Conflict, "%s: it is %s since %s: %s", doing, shown.State, shown.Moves[len(shown.Moves)-1].At.UTC().Format("2006-01-02 15:04:05 UTC"), shown.Reason)
	}
	if err := decided(&r, ruling, e, c.Now.Add(keyrequest.Lasts(requests)), doing); err != nil {
		return record.Acted{}, err
	}
	return h.keepRuling(ctx, c, m, r, doing)
}

// requestsOf is what a machine's policy says of requests.
func (h *Handler) requestsOf(ctx context.Context, m record.Machine) (policy.Requests, error) {
	stored, err := h.Store.Policy(ctx, m.Policy)
	if fault.Is(err, fault.NotFound) {
		return policy.Default().Requests, nil
	}
	if err != nil {
		return policy.Requests{}, err
	}
	p, err := stored.Compile()
	if err != nil {
		return policy.Requests{}, err
	}
	return p.Requests, nil
}

// decided takes a request to what a person decided. One whose last answer was no key is taken up again for that; one
// whose key was given is not in anybody's hands any more: that is what holds, waivers and revocations are for.
func decided(r *record.Request, ruling record.Ruling, e keyrequest.Event, until time.Time, doing string) error {
	from := keyrequest.State(r.State)
	way := []keyrequest.Event{e}
	switch from {
	case keyrequest.Denied, keyrequest.Failure, keyrequest.Expired:
		way = []keyrequest.Event{keyrequest.Ask, e}
	}
	if keyrequest.Shown(from, r.ExpiresAt, ruling.At) != from {
		way = []keyrequest.Event{keyrequest.Expire, keyrequest.Ask, e}
	}
	state := from
	for _, step := range way {
		to, err := keyrequest.Move(state, step)
		if err != nil {
			return fault.New(fault.Conflict, "%s: it is %s, expected Pending, Approved, Denied, Failure or Expired", doing, from)
		}
		state = to
		r.Moves = append(r.Moves, record.Move{To: string(to), At: ruling.At, By: ruling.By, Why: ruling.Reason})
	}
	r.State, r.DecidedAt, r.Ruling, r.ExpiresAt = string(state), ruling.At, &ruling, time.Time{}
	r.Reason = "a person denied it: " + ruling.Reason
	if ruling.Approved {
		r.Reason, r.ExpiresAt = "a person approved it: "+ruling.Reason, until
	}
	return nil
}

// keepRuling writes a decision with the machine's ledger. What a judgement changed of the machine meanwhile is no
// reason to refuse it; that somebody decided otherwise is.
func (h *Handler) keepRuling(ctx context.Context, c boot.Call, m record.Machine, r record.Request, doing string) (record.Acted, error) {
	const tries = 5
	for range tries {
		told, err := h.ruled(c, &m, r)
		if err != nil {
			return record.Acted{}, err
		}
		_, err = h.Store.Apply(ctx, store.Change{Machine: m, Request: &r, At: c.Now, Start: []record.Start{told}, Ledger: []record.Entry{{
			Machine: m.ID, At: c.Now, Kind: record.EntryRequest, Generation: m.State.Generation, By: c.Caller, Text: "key request " + r.ID + ": " + r.Reason,
		}}})
		if err == nil {
			h.start(ctx, told)
		}
		if !fault.Is(err, fault.Conflict) {
			r.Revision++
			return record.Acted{Status: http.StatusOK, Request: &r}, err
		}
		now, err := h.Store.Request(ctx, r.Machine, r.ID)
		if err != nil {
			return record.Acted{}, err
		}
		if now.Revision != r.Revision {
			return record.Acted{}, fault.New(fault.Conflict, "%s: it was changed meanwhile and is %s: %s", doing, now.State, now.Reason)
		}
		if m, err = h.Store.Machine(ctx, m.ID); err != nil {
			return record.Acted{}, err
		}
	}
	return record.Acted{}, fault.New(fault.Transient, "%s: its machine keeps being changed by others", doing)
}

// ruled notes on a machine what waits since a decision, and makes the execution that tells of it.
func (h *Handler) ruled(c boot.Call, m *record.Machine, r record.Request) (record.Start, error) {
	kind, in := notice.RequestDenied, enforcement.Input{Why: r.Ruling.Reason, By: c.Caller, Request: r.ID}
	m.Asking = nil
	if r.Ruling.Approved {
		kind, in.DueAt = notice.RequestApproved, r.ExpiresAt
		m.Asking = &record.Asking{Request: r.ID, Until: r.ExpiresAt}
	}
	return tell.Machine(h.place(), *m, kind, in, c.Now)
}
