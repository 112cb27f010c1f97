// Package handler serves the links of mails. It is what the program act serves, apart from its wiring.
//
// Anybody may call it, so nothing is believed but the secret in the address. Following a link changes nothing, whoever or
// whatever follows it; what it does needs the form of its page, which sends the secret a second time.
package handler

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/keyward/keyward/functions/internal/boot"
	"github.com/keyward/keyward/functions/internal/tell"
	"github.com/keyward/keyward/shared/actionlink"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

type records interface {
	ActionLink(ctx context.Context, id string) (record.ActionLink, error)
	Machine(ctx context.Context, id string) (record.Machine, error)
	HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error)
	Apply(ctx context.Context, c store.Change) (record.Machine, error)
}

type inspector interface {
	Invoke(ctx context.Context, event any) error
}

// Handler serves the two routes. All fields are required.
type Handler struct {
	Store   records
	Inspect inspector
	Place   tell.Place
	Log     *slog.Logger
}

type (
	request  = events.APIGatewayV2HTTPRequest
	response = events.APIGatewayV2HTTPResponse
)

// maxBody is more than the form of the page sends.
const maxBody = 1 << 10

// Handle answers with a page, whatever comes of it: what reads it is a person.
func (h *Handler) Handle(ctx context.Context, now time.Time, in request) (response, error) {
	route, ok := map[string]func(context.Context, time.Time, request) (answer, error){
		"GET /a/{token}":  h.show,
		"POST /a/{token}": h.act,
	}[in.RouteKey]
	if !ok {
		return answer{status: http.StatusNotFound, Title: unknownLink}.response()
	}
	a, err := route(ctx, now, in)
	switch {
	case fault.Is(err, fault.NotFound):
		a = answer{status: http.StatusNotFound, Title: unknownLink, Lines: []string{"Copy the address from the mail whole. A link that was not used ends after a week."}}
	case err != nil:
		h.Log.ErrorContext(ctx, "link failed", boot.KeyKind, fault.Of(fault.KindOf(err)).Name, boot.KeyError, err.Error())
		a = answer{status: http.StatusServiceUnavailable, Title: "This did not work", Lines: []string{"Nothing is known to have changed. Try again in a minute, or use the commands in the mail."}}
	}
	return a.response()
}

const unknownLink = "There is no such link"

// show says what the link would do. It writes nothing.
func (h *Handler) show(ctx context.Context, now time.Time, in request) (answer, error) {
	l, m, no, err := h.read(ctx, now, in)
	if err != nil || no != nil {
		return or(no), err
	}
	return offer(in.PathParameters["token"], l, m, now), nil
}

// act does it, once: the link is used up in the transaction of what it does. What another changed meanwhile is read again.
func (h *Handler) act(ctx context.Context, now time.Time, in request) (answer, error) {
	if !confirmed(in) {
		return answer{status: http.StatusBadRequest, Title: "Nothing was done", Lines: []string{"Follow the link in the mail and use the button of its page."}}, nil
	}
	const tries = 5
	for range tries {
		l, m, no, err := h.read(ctx, now, in)
		if err != nil || no != nil {
			return or(no), err
		}
		c, err := h.change(l, m, now)
		if err != nil {
			return answer{}, err
		}
		_, err = h.Store.Apply(ctx, c)
		if fault.Is(err, fault.Conflict) {
			continue
		}
		if err != nil {
			return answer{}, err
		}
		h.Log.InfoContext(ctx, "link used", boot.KeyMachine, m.ID, boot.KeyKind, l.Action)
		return h.follow(ctx, l, m, now), nil
	}
	return answer{}, fault.New(fault.Transient, "using a link: its machine keeps being changed by others")
}

// change is what is written; of what is asked of people they are told by mail, which the sweep starts.
func (h *Handler) change(l record.ActionLink, m record.Machine, now time.Time) (store.Change, error) {
	act := actionlink.Use(l, m, now)
	c := store.Change{Machine: act.Machine, Link: &act.Link, Hold: act.Hold, Ledger: []record.Entry{act.Entry}, At: now}
	if actionlink.Action(l.Action) != actionlink.AskWaiver {
		return c, nil
	}
	start, err := tell.Machine(h.Place, m, notice.WaiverAsked, enforcement.Input{By: act.Entry.By}, now)
	c.Start = []record.Start{start}
	return c, err
}

// follow does what comes after the record: a look is asked for.
func (h *Handler) follow(ctx context.Context, l record.ActionLink, m record.Machine, now time.Time) answer {
	if actionlink.Action(l.Action) != actionlink.Check {
		return done(l, m, now)
	}
	err := h.Inspect.Invoke(ctx, inspection.Request{Version: inspection.Version, Purpose: record.Check, Machines: []string{m.ID}})
	if err != nil {
		h.Log.ErrorContext(ctx, "link failed", boot.KeyMachine, m.ID, boot.KeyKind, fault.Of(fault.KindOf(err)).Name, boot.KeyError, err.Error())
		return answer{status: http.StatusServiceUnavailable, Title: "The look could not be asked for", Machine: m.ID,
			Lines: []string{"That you asked is written down, and the link is used up. Nothing else changed. Use: keyward machine check " + m.ID}}
	}
	return done(l, m, now)
}

// read is the link with its machine, or the answer that says why the link does nothing.
func (h *Handler) read(ctx context.Context, now time.Time, in request) (l record.ActionLink, m record.Machine, no *answer, err error) {
	id := actionlink.ID(in.PathParameters["token"])
	if id == "" {
		return l, m, nil, fault.New(fault.NotFound, "reading a link: its address is none")
	}
	if l, err = h.Store.ActionLink(ctx, id); err != nil {
		return l, m, nil, err
	}
	if m, err = h.Store.Machine(ctx, l.Machine); err != nil {
		return l, m, nil, err
	}
	if why := actionlink.Judge(l, m, now); why != "" {
		return l, m, refused(why, m), nil
	}
	if actionlink.Action(l.Action) == actionlink.Hold {
		holds, err := h.Store.HoldsOn(ctx, []record.Scope{record.Scope("machine:" + m.ID)}, now)
		if len(holds) > 0 || err != nil {
			return l, m, heldAlready(m), err
		}
	}
	return l, m, nil, nil
}

func or(no *answer) answer {
	if no == nil {
		return answer{}
	}
	return *no
}

// confirmed is whether the form of the page was sent: it has the token of the address in its body.
func confirmed(in request) bool {
	body := in.Body
	if in.IsBase64Encoded {
		raw, err := base64.StdEncoding.DecodeString(body)
		if err != nil {
			return false
		}
		body = string(raw)
	}
	if len(body) > maxBody {
		return false
	}
	form, err := url.ParseQuery(body)
	return err == nil && form.Get("token") != "" && form.Get("token") == in.PathParameters["token"]
}
