package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

// notifierRow is a notifier with what it does, in words.
type notifierRow struct {
	N                 record.Notifier
	Which, Whom, When string
	Secret            string // that was made just now
}

// Text is the notifier as it can be put again.
func (n notifierRow) Text() string { return notifier.Write(n.N) }

func described(n record.Notifier) notifierRow {
	return notifierRow{N: n, Which: notifier.Which(n), Whom: notifier.Whom(n), When: notifier.When(n)}
}

// notifiers are all, for whoever may read them.
func (c *Console) notifiers(ctx context.Context) part[[]notifierRow] {
	return partOf("GET /v1/notifiers", func() (rows []notifierRow, err error) {
		all, err := c.API.Notifiers(ctx)
		for _, n := range all {
			rows = append(rows, described(n))
		}
		return rows, err
	})
}

// notifier is one of them.
func (c *Console) notifier(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v := view{Template: "notifier", Title: "Notifier " + cut(name, 60), Tab: "notices"}
	n, err := c.API.Notifier(r.Context(), name)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/notifiers/{name}")
	} else {
		v.Body = described(n)
	}
	c.show(w, r, v)
}

// A notifier is stored at once: what it tells is seen at the next event, and nothing else follows from it.

type notifierEdit struct {
	Name   string // of the notifier; empty: a new one
	Text   string
	Over   int // the version that the text is to replace; 0: there is none
	Rotate bool
}

// New is whether there is no notifier of this name yet.
func (b notifierEdit) New() bool { return b.Name == "" }

// begunNotifier is what a new notifier begins with.
const begunNotifier = `notifier: NAME
description: Whom it tells
events: [warning, revoked]
to: [ops@example.com]
timeZone: Europe/Berlin
digest: {every: 1h, after: 20}
`

// editNotifier is the page that a notifier's text is changed on.
func (c *Console) editNotifier(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v := view{Template: "notifieredit", Title: "Edit notifier " + cut(name, 60), Tab: "notices"}
	n, err := c.API.Notifier(r.Context(), name)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/notifiers/{name}")
	}
	v.Body = notifierEdit{Name: name, Text: notifier.Write(n), Over: n.Version}
	c.show(w, r, v)
}

func (c *Console) newNotifier(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, view{Template: "notifieredit", Title: "New notifier", Tab: "notices", Body: notifierEdit{Text: begunNotifier}})
}

// putNotifier is the form of that page. A secret that was made is on the page that answers and on no other.
func (c *Console) putNotifier(w http.ResponseWriter, r *http.Request) {
	b := notifierEdit{Name: r.PathValue("name"), Text: strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"), Rotate: r.PostForm.Get("rotate") != ""}
	b.Over, _ = strconv.Atoi(r.PostForm.Get("over"))
	v := view{Template: "notifieredit", Title: "Edit notifier " + cut(b.Name, 60), Tab: "notices", Body: b}
	n, err := notifier.Read([]byte(b.Text))
	t := unreadable("notifier", err)
	if t == nil && !b.New() && n.Name != b.Name {
		t = noted("notifier", "it is another name than that of the notifier that is edited")
	}
	if t == nil && b.New() {
		t = c.taken(r.Context(), n.Name)
	}
	if t == nil {
		stored, err := c.API.PutNotifier(r.Context(), n, b.Over, b.Rotate)
		if t = wrong(err, "PUT /v1/notifiers/{name}"); t == nil {
			c.storedNotifier(w, r, stored)
			return
		}
	}
	v.Failed = &form{"edit", r.PostForm, t}
	c.show(w, r, v)
}

// taken refuses a new notifier whose name another has.
func (c *Console) taken(ctx context.Context, name string) *trouble {
	_, err := c.API.Notifier(ctx, name)
	if err == nil {
		return noted("notifier", "there is one of this name already, which can be edited")
	}
	if t := wrong(err, "GET /v1/notifiers/{name}"); t.Status != http.StatusNotFound {
		return t
	}
	return nil
}

func (c *Console) storedNotifier(w http.ResponseWriter, r *http.Request, n record.Notifier) {
	if n.Webhook == nil || n.Webhook.Secret == "" {
		c.done(w, r, "/notifiers/"+n.Name, fmt.Sprintf("Notifier %s is stored as version %d.", n.Name, n.Version))
		return
	}
	b := described(n)
	b.Secret = n.Webhook.Secret
	c.show(w, r, view{Template: "notifier", Title: "Notifier " + cut(n.Name, 60), Tab: "notices", Body: b})
}
