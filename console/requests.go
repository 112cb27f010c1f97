package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

type requestsBody struct {
	Asked        string // a state; "" is those that wait
	States       []string
	Found        []record.Request
	Total        int
	Page, Pages  int
	Names        map[string]string // of machines
	FromTheLists bool
}

// requests lists the key requests: those that wait, or those in a state, newest first.
func (c *Console) requests(w http.ResponseWriter, r *http.Request) { c.showRequests(w, r, nil) }

func (c *Console) showRequests(w http.ResponseWriter, r *http.Request, failed *form) {
	l := c.fleet.look(r.Context())
	v := view{Template: "requests", Title: "Key requests", Tab: "requests", Lists: l, Failed: failed}
	b := requestsBody{Asked: r.URL.Query().Get("state"), Names: map[string]string{}}
	for _, s := range keyrequest.States() {
		b.States = append(b.States, string(s))
	}
	var all []record.Request
	switch {
	case b.Asked != "":
		var err error
		all, err = c.API.Requests(r.Context(), "", b.Asked)
		v.Trouble = wrong(err, "GET /v1/requests")
		slices.Reverse(all)
	case l.Known:
		all, b.FromTheLists = l.Waiting, true
	default:
		v.Trouble = l.Trouble
		if v.Trouble == nil {
			c.show(w, r, v)
			return
		}
	}
	asked, _ := strconv.Atoi(r.URL.Query().Get("page"))
	b.Total, b.Pages = len(all), max(1, (len(all)+perPage-1)/perPage)
	b.Page = min(b.Pages, max(1, asked))
	b.Found = all[(b.Page-1)*perPage : min(len(all), b.Page*perPage)]
	for _, q := range b.Found {
		m, _ := l.row(q.Machine)
		b.Names[q.Machine] = m.Name
	}
	v.Body = b
	c.show(w, r, v)
}

// Turn is the address of another page of the list, "" when there is none.
func (b requestsBody) Turn(by int) string {
	to := b.Page + by
	if to < 1 || to > b.Pages {
		return ""
	}
	return "/requests?" + url.Values{"state": {b.Asked}, "page": {strconv.Itoa(to)}}.Encode()
}

// Name is a machine's.
func (b requestsBody) Name(machine string) string { return b.Names[machine] }

type requestBody struct {
	R     record.Request
	Moves []record.Move // newest first
	Row   row
	Open  bool // a person's decision counts
}

func (c *Console) request(w http.ResponseWriter, r *http.Request) { c.showRequest(w, r, nil) }

func (c *Console) showRequest(w http.ResponseWriter, r *http.Request, failed *form) {
	l := c.fleet.look(r.Context())
	v := view{Template: "request", Title: "Key request " + r.PathValue("id"), Tab: "requests", Lists: l, Failed: failed}
	q, err := c.API.Request(r.Context(), r.PathValue("machine"), r.PathValue("id"))
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/requests/{machine}/{id}")
		c.show(w, r, v)
		return
	}
	b := requestBody{R: q, Moves: slices.Clone(q.Moves)}
	slices.Reverse(b.Moves)
	b.Row, _ = l.row(q.Machine)
	switch keyrequest.State(q.State) {
	case keyrequest.Pending, keyrequest.Approved, keyrequest.Denied, keyrequest.Failure, keyrequest.Expired:
		b.Open = true
	}
	v.Body = b
	c.show(w, r, v)
}

// orderRequest is a form on a request's page.
func (c *Console) orderRequest(w http.ResponseWriter, r *http.Request) {
	machine, id, do := r.PathValue("machine"), r.PathValue("id"), r.PathValue("do")
	var said string
	var t *trouble
	switch do {
	case "approve", "deny", "check":
		q, err := c.API.Rule(r.Context(), machine, id, do, strings.TrimSpace(r.PostForm.Get("reason")))
		said, t = "Key request "+q.ID+" is "+q.State+": "+q.Reason, wrong(err, "POST /v1/requests/{machine}/{id}/approve")
	case "ignore":
		said, t = c.ignore(r.Context(), machine, id, r.PostForm)
	case "revoke":
		said, t = c.revoke(machine)(r.Context(), r.PostForm)
	default:
		c.nowhere(w, r)
		return
	}
	if t != nil {
		c.showRequest(w, r, &form{do, r.PostForm, t})
		return
	}
	c.done(w, r, "/requests/"+url.PathEscape(machine)+"/"+url.PathEscape(id), said)
}

func (c *Console) ignore(ctx context.Context, machine, id string, f url.Values) (string, *trouble) {
	days, err := strconv.Atoi(f.Get("days"))
	if err != nil || days < 1 || days > 365 {
		return "", noted("days", "days are "+strconv.Quote(f.Get("days"))+", expected 1 to 365")
	}
	now, err := c.now(ctx)
	if err != nil {
		return "", wrong(err, "GET /v1/status")
	}
	i, err := c.API.Ignore(ctx, machine, id, record.IgnoreWish{Reason: strings.TrimSpace(f.Get("reason")), Expires: now.Add(time.Duration(days) * 24 * time.Hour)})
	if err != nil {
		return "", wrong(err, "POST /v1/requests/{machine}/{id}/ignore")
	}
	var ids []string
	for _, w := range i.Waivers {
		ids = append(ids, w.ID)
	}
	return "What the machine fails by now may stand, by " + count(len(ids), "waiver") + ": " + strings.Join(ids, ", ") + ". Its state follows once it was looked at.", nil
}

// orderRequests does the same with several requests at once.
func (c *Console) orderRequests(w http.ResponseWriter, r *http.Request) {
	do := r.PathValue("do")
	if do != "approve" && do != "deny" && do != "check" {
		c.nowhere(w, r)
		return
	}
	said, t := c.several(r.Context(), do, r.PostForm)
	if t != nil {
		c.showRequests(w, r, &form{"several", r.PostForm, t})
		return
	}
	c.done(w, r, "/requests", said)
}

func (c *Console) several(ctx context.Context, do string, f url.Values) (string, *trouble) {
	s := record.Selection{Reason: strings.TrimSpace(f.Get("reason"))}
	for _, q := range f["request"] {
		machine, id, _ := strings.Cut(q, "/")
		s.Requests = append(s.Requests, record.Chosen{Machine: machine, ID: id})
	}
	if len(s.Requests) == 0 {
		return "", noted("requests", "none is chosen")
	}
	results, err := c.API.Act(ctx, do, s)
	if err != nil {
		return "", wrong(err, "POST /v1/requests/approve")
	}
	well, lines := 0, []string{}
	for _, a := range results {
		if a.Status < http.StatusBadRequest {
			well++
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: refused (%d): %s", a.Machine, a.Status, a.Detail))
	}
	done := map[string]string{"approve": "approved", "deny": "denied", "check": "to be looked at"}[do]
	return strings.Join(append([]string{fmt.Sprintf("%d of %d %s.", well, len(results), done)}, lines...), "\n"), nil
}

// Chosen is whether a request was chosen in a form that was refused.
func (v view) Chosen(q record.Request) bool {
	return v.Failed != nil && slices.Contains(v.Failed.Typed["request"], q.Machine+"/"+q.ID)
}
