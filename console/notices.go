package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// mostOffered is how many machines the form of a preview offers.
const mostOffered = 200

type noticesBody struct {
	Events    []notice.Event
	Asked     url.Values
	Offered   []*row
	Preview   *preview
	Notifiers part[[]notifierRow]
}

// preview is what a mail would say.
type preview struct {
	Event   notice.Event
	Machine record.Machine
	Policy  *policy.Policy
	Mail    notice.Mail
	Example bool // Machine is one that there is not
}

// Omitted is whether the policy leaves such mails out.
func (p *preview) Omitted() bool { return slices.Contains(p.Policy.Notify.Omit, string(p.Event.Kind)) }

// notices are the events that people are told of, and what a mail about one would say.
func (c *Console) notices(w http.ResponseWriter, r *http.Request) {
	l := c.fleet.look(r.Context())
	b := noticesBody{Events: notice.Events(), Asked: r.URL.Query(), Offered: offered(l)}
	v := view{Template: "notices", Title: "Notices", Tab: "notices", Lists: l}
	if b.Get("event") != "" {
		if b.Preview, v.Trouble = c.preview(r.Context(), l, b.Get("event"), b.Get("machine")); b.Preview != nil {
			v.Title = "Notice " + b.Get("event")
			w.Header().Set("Content-Security-Policy", policyOfFraming)
		}
	}
	b.Notifiers = c.notifiers(r.Context())
	v.Body = b
	c.show(w, r, v)
}

// noticeMail is the HTML of a mail alone, for the frame of its preview.
func (c *Console) noticeMail(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policyOfMail)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Del("Cross-Origin-Opener-Policy") // browsers open nothing that has it and is sandboxed
	b := noticesBody{Asked: r.URL.Query()}
	p, t := c.preview(r.Context(), c.fleet.look(r.Context()), b.Get("event"), b.Get("machine"))
	if t != nil {
		c.refuse(w, t.Status, inert(cut(t.Title+". "+t.Text, 2000)))
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(p.Mail.HTML)) // who is gone does not read it
}

// preview makes the mail of an event about a machine as its records are now, or about an example.
func (c *Console) preview(ctx context.Context, l lists, event, machine string) (*preview, *trouble) {
	e, ok := notice.EventOf(event)
	if !ok {
		return nil, noted("event", "there is none of this name: all are in the list")
	}
	now := l.Now()
	p := &preview{Event: e, Example: machine == ""}
	p.Machine, p.Policy = content.Example(now)
	if !p.Example {
		if !l.Known {
			at, err := c.now(ctx)
			if err != nil {
				return nil, wrong(err, "GET /v1/status")
			}
			now = at
		}
		if t := c.about(ctx, p, machine); t != nil {
			return nil, t
		}
	}
	var err error
	if p.Mail, err = notice.Render(content.Preview(e.Kind, p.Machine, p.Policy, now), now); err != nil {
		return nil, unmade(err)
	}
	return p, nil
}

// about reads the machine of a preview and its policy. Of one whose policy there is not, mails say what the built-in one
// says: so do those that are sent.
func (c *Console) about(ctx context.Context, p *preview, machine string) *trouble {
	v, err := c.API.Machine(ctx, machine)
	if err != nil {
		return wrong(err, "GET /v1/machines/{id}")
	}
	p.Machine = v.Machine
	var unread error
	p.Policy, err = content.PolicyOf(v.Machine.Policy, func(name string) (stored record.Policy, err error) {
		stored, unread = c.API.Policy(ctx, name)
		return stored, unread
	})
	t := wrong(unread, "GET /v1/policies/{name}")
	switch {
	case t != nil && t.Status == http.StatusNotFound:
		p.Policy = policy.Default()
	case t != nil:
		return t
	case err != nil:
		return unmade(err)
	}
	return nil
}

// unmade is what is wrong with records that no mail can be made of.
func unmade(err error) *trouble {
	return &trouble{Status: http.StatusUnprocessableEntity, Title: "No mail can be made of these records", Text: err.Error()}
}

// offered are machines to choose from, those that fail first.
func offered(l lists) []*row {
	var bad, others []*row
	for i := range l.Rows {
		if m := &l.Rows[i]; m.Standing == integrity.Bad {
			bad = append(bad, m)
		} else if len(others) < mostOffered {
			others = append(others, m)
		}
	}
	all := append(bad, others...)
	return all[:min(len(all), mostOffered)]
}

// Get is what is asked for.
func (b noticesBody) Get(field string) string { return strings.TrimSpace(b.Asked.Get(field)) }

// Of is the address of the preview of an event, about the same machine and shown in the same way.
func (b noticesBody) Of(event string) string { return b.address("/notices", event) }

// Frame is the address of the mail that is previewed.
func (b noticesBody) Frame() string { return b.address("/notices/mail", b.Get("event")) }

func (b noticesBody) address(path, event string) string {
	q := url.Values{"event": {event}}
	for _, f := range []string{"machine", "screen", "colours"} {
		if v := b.Get(f); v != "" {
			q.Set(f, v)
		}
	}
	return path + "?" + q.Encode()
}

// Screens are how wide a mail is shown.
func (noticesBody) Screens() []choice {
	return []choice{{"", "wide"}, {"narrow", "narrow, as a phone"}}
}

// Colours are those of the mail; browsers have it follow their own unless one is chosen.
func (noticesBody) Colours() []choice {
	return []choice{{"", "as the browser"}, {"light", "light"}, {"dark", "dark"}}
}

// Look are the classes of the frame.
func (b noticesBody) Look() string {
	look := "mail"
	for _, f := range []string{b.Get("screen"), b.Get("colours")} {
		if f == "narrow" || f == "light" || f == "dark" {
			look += " in-" + f
		}
	}
	return look
}

// Height is that of a frame in which the mail need not be scrolled: keys do not reach a frame that may run nothing.
func (b noticesBody) Height() int {
	const wide, narrow, most = 28, 46, 20000 // for a line of the text; a test in a browser holds them
	line := wide
	if b.Get("screen") == "narrow" {
		line = narrow
	}
	return min(most, line*strings.Count(b.Preview.Mail.Text, "\n"))
}
