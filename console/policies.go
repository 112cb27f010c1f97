package console

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/keyward/keyward/shared/record"
)

type policiesBody struct {
	Policies []record.Policy
	Machines map[string]int
}

// Of is how many machines are under a policy.
func (b policiesBody) Of(name string) int { return b.Machines[name] }

func (c *Console) policies(w http.ResponseWriter, r *http.Request) {
	l := c.fleet.look(r.Context())
	v := view{Template: "policies", Title: "Policies", Tab: "policies", Lists: l}
	all, err := c.API.Policies(r.Context())
	b := policiesBody{all, map[string]int{}}
	for _, m := range l.Rows {
		b.Machines[m.Policy]++
	}
	v.Trouble, v.Body = wrong(err, "GET /v1/policies"), b
	c.show(w, r, v)
}

// mostVersions is how many versions a policy's page lists.
const mostVersions = 100

type policyBody struct {
	P        record.Policy
	Newest   int
	Versions []record.Policy
	Unshown  int
	Text     string
}

// policy is one version of a policy, the newest unless another is asked for, with the others.
func (c *Console) policy(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v := view{Template: "policy", Title: "Policy " + cut(name, 60), Tab: "policies"}
	read := c.API.Policy
	if n, err := strconv.Atoi(r.URL.Query().Get("version")); err == nil {
		read = c.API.PolicyVersion(n)
	}
	p, err := read(r.Context(), name)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/policies/{name}")
		c.show(w, r, v)
		return
	}
	b := policyBody{P: p, Newest: p.Version, Text: p.Text}
	b.Versions, err = c.API.PolicyVersions(r.Context(), name)
	v.Trouble = wrong(err, "GET /v1/policies/{name}/versions")
	if len(b.Versions) > 0 {
		b.Newest = b.Versions[0].Version
	}
	if n := len(b.Versions); n > mostVersions {
		b.Versions, b.Unshown = b.Versions[:mostVersions], n-mostVersions
	}
	v.Body = b
	c.show(w, r, v)
}

type diffBody struct {
	Name     string
	From, To int
	Lines    []diffLine
	Unshown  int
}

// diffLine is a line of a difference: Kind is + or - or empty.
type diffLine struct{ Kind, Text string }

// mostDiff is how many lines of a difference are shown.
const mostDiff = 2000

func (c *Console) policyDiff(w http.ResponseWriter, r *http.Request) {
	name, q := r.PathValue("name"), r.URL.Query()
	from, _ := strconv.Atoi(q.Get("from"))
	to, _ := strconv.Atoi(q.Get("to"))
	v := view{Template: "diff", Title: "Policy " + cut(name, 60) + ", what changed", Tab: "policies"}
	d, err := c.API.PolicyDiff(r.Context(), name, from, to)
	if err != nil {
		v.Template, v.Trouble = "trouble", wrong(err, "GET /v1/policies/{name}/diff")
		c.show(w, r, v)
		return
	}
	b := diffBody{Name: name, From: d.From, To: d.To}
	for text := range strings.Lines(d.Diff) {
		l := diffLine{Text: strings.TrimRight(text, "\n")}
		switch {
		case strings.HasPrefix(text, "+++"), strings.HasPrefix(text, "---"):
		case strings.HasPrefix(text, "+"), strings.HasPrefix(text, "-"):
			l.Kind = text[:1]
		}
		if len(b.Lines) < mostDiff {
			b.Lines = append(b.Lines, l)
		} else {
			b.Unshown++
		}
	}
	v.Body = b
	c.show(w, r, v)
}

// policyPath is the address of a policy's page.
func policyPath(name string) string { return "/policies/" + url.PathEscape(name) }
