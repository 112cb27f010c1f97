package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// A policy is stored in two steps: what it would mean is shown first, and only the text that this was shown of is stored.

type editBody struct {
	Name    string // of the policy; empty: a new one
	Typed   string // the name of a new one
	Text    string
	Over    int             // the version that the text is to replace; 0: there is none
	Preview *record.Preview // what it would mean
	Affects []record.Affected
	Unshown int
	Tried   string // digest of the text that the preview is of
}

// mostAffected is how many machines a preview names.
const mostAffected = 100

// begun is what a new policy begins with.
const begun = `policy: NAME
description: What it is for
machines:
  tags: {tier: web}
  priority: 10
schedule: {daily: "04:30", timeZone: Europe/Berlin}
rules:
  - rule: no telnet
    ports: {closed: [tcp/23]}
    fix: Stop the service that listens on the port
integrity:
  onFail: notify
notify: {to: [ops@example.com]}
`

// edit is the page that a policy's text is changed on.
func (c *Console) edit(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v := view{Template: "edit", Title: "Edit policy " + cut(name, 60), Tab: "policies"}
	p, err := c.API.Policy(r.Context(), name)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/policies/{name}")
	}
	v.Body = editBody{Name: name, Text: p.Text, Over: p.Version}
	c.show(w, r, v)
}

func (c *Console) newPolicy(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, view{Template: "edit", Title: "New policy", Tab: "policies", Body: editBody{Text: begun}})
}

// put is the form of that page: it tries the text, and stores it when it was tried before.
func (c *Console) put(w http.ResponseWriter, r *http.Request) {
	b := editBody{Name: r.PathValue("name"), Text: strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"), Typed: strings.TrimSpace(r.PostForm.Get("name"))}
	b.Over, _ = strconv.Atoi(r.PostForm.Get("over"))
	name := b.Name
	if name == "" {
		name = b.Typed
	}
	v := view{Template: "edit", Title: "Edit policy " + cut(name, 60), Tab: "policies"}
	sum := sha256.Sum256([]byte(name + "\n" + b.Text))
	digest := hex.EncodeToString(sum[:])
	t := unreadable("policy", c.Check([]byte(b.Text)))
	if t == nil && name == "" {
		t = noted("name", "it is empty, expected the name that the text says after policy:")
	}
	if t == nil && r.PostForm.Get("tried") == digest && r.PostForm.Get("store") != "" {
		p, err := c.API.PutPolicy(r.Context(), name, []byte(b.Text), b.Over)
		if err == nil {
			c.done(w, r, policyPath(p.Name), fmt.Sprintf("Policy %s is stored as version %d.", p.Name, p.Version))
			return
		}
		if t = wrong(err, "PUT /v1/policies/{name}"); t.Status == http.StatusPreconditionFailed {
			if now, err := c.API.Policy(r.Context(), name); err == nil {
				b.Over = now.Version
			}
		}
	} else if t == nil {
		p, err := c.API.Preview(r.Context(), name, []byte(b.Text))
		if t = wrong(err, "POST /v1/policies/{name}/preview"); t == nil {
			b.Preview, b.Tried = &p, digest
			b.Affects = p.Affected[:min(len(p.Affected), mostAffected)]
			b.Unshown = len(p.Affected) - len(b.Affects)
		}
	}
	if t != nil {
		v.Failed = &form{"edit", r.PostForm, t}
	}
	v.Body = b
	c.show(w, r, v)
}

// unreadable is what is wrong with the text of a policy or notifier by the error of reading it, nil when nothing is.
func unreadable(what string, err error) *trouble {
	if err == nil {
		return nil
	}
	t := &trouble{Status: http.StatusBadRequest, Title: "The " + what + " has errors, and is not stored"}
	var all policy.Errors
	if !errors.As(err, &all) {
		t.Text = err.Error()
		return t
	}
	for _, e := range all {
		t.Fields = append(t.Fields, fault.Field{Name: e.Path, Detail: e.Message, Line: e.Line, Column: e.Column})
	}
	return t
}

// check says what is wrong with a text that is being typed. It asks nobody.
func (c *Console) check(w http.ResponseWriter, r *http.Request) {
	type found struct {
		Line   int    `json:"line"`
		Column int    `json:"column"`
		Text   string `json:"text"`
	}
	all := []found{}
	text := []byte(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"))
	what, err := "policy", error(nil)
	if r.PostForm.Get("of") == "notifier" {
		what = "notifier"
		_, err = notifier.Read(text)
	} else {
		err = c.Check(text)
	}
	if t := unreadable(what, err); t != nil {
		if t.Text != "" {
			all = append(all, found{Text: inert(t.Text)})
		}
		for _, f := range t.Fields {
			text := f.Detail
			if f.Name != "" {
				text = f.Name + ": " + text
			}
			all = append(all, found{f.Line, f.Column, inert(cut(text, 500))})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // who is gone does not read it
}

// New is whether there is no policy of this name yet.
func (b editBody) New() bool { return b.Name == "" }
