package console

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/integrity"
)

// perPage is how many machines a page lists.
const perPage = 50

// order is one that a list can have.
type order struct {
	Name, Label string
	less        func(a, b *row) int
}

// sorts are the orders that a list can have; each falls back on the id.
var sorts = []order{
	{"id", "Machine", func(a, b *row) int { return 0 }},
	{"name", "Name", func(a, b *row) int { return cmp.Compare(a.Name, b.Name) }},
	{"policy", "Policy", func(a, b *row) int { return cmp.Compare(a.Policy, b.Policy) }},
	{"standing", "Standing", func(a, b *row) int { return cmp.Compare(rank(a), rank(b)) }},
	{"key", "Key", func(a, b *row) int { return cmp.Compare(key(a.Key), key(b.Key)) }},
	{"due", "Due", func(a, b *row) int { return last(a.DueAt, b.DueAt) }},
	{"looked", "Looked at", func(a, b *row) int { return a.LookedAt.Compare(b.LookedAt) }},
	{"failed", "Failed rules", func(a, b *row) int { return cmp.Compare(b.Failed, a.Failed) }},
}

// rank puts first what people look for.
func rank(r *row) int {
	switch r.Standing {
	case integrity.Bad:
		return 0
	case integrity.Good:
		return 2
	default:
		return 1
	}
}

// last puts what has no time behind what has one.
func last(a, b time.Time) int {
	switch {
	case a.IsZero() == b.IsZero():
		return a.Compare(b)
	case a.IsZero():
		return 1
	default:
		return -1
	}
}

type machinesBody struct {
	Asked                   url.Values
	Rows                    []*row
	Found, All, Page, Pages int
	First, Last             int
	Policies                []string
	Columns                 []column
}

// column is a heading that sorts.
type column struct {
	Label, Href, Sort string // Sort is ascending, descending or ""
}

func (c *Console) machines(w http.ResponseWriter, r *http.Request) {
	l := c.fleet.look(r.Context())
	v := view{Template: "machines", Title: "Machines", Tab: "machines", Lists: l}
	if l.Known {
		v.Body = machinesOf(l, r.URL.Query())
	} else {
		v.Trouble = l.Trouble
	}
	c.show(w, r, v)
}

func machinesOf(l lists, q url.Values) machinesBody {
	b := machinesBody{Asked: q, All: len(l.Rows)}
	found := make([]*row, 0, len(l.Rows))
	asks := asksOf(q)
	for i := range l.Rows {
		m := &l.Rows[i]
		if n := len(b.Policies); (n == 0 || b.Policies[n-1] != m.Policy) && !slices.Contains(b.Policies, m.Policy) {
			b.Policies = append(b.Policies, m.Policy)
		}
		if asks.fit(m) {
			found = append(found, m)
		}
	}
	slices.Sort(b.Policies)
	b.Columns = b.sorted(found)
	b.Found = len(found)
	b.Pages = max(1, (b.Found+perPage-1)/perPage)
	asked, _ := strconv.Atoi(q.Get("page"))
	b.Page = min(b.Pages, max(1, asked))
	from := (b.Page - 1) * perPage
	b.Rows = found[from:min(len(found), from+perPage)]
	b.First, b.Last = min(from+1, len(found)), from+len(b.Rows)
	return b
}

// sorted puts rows into the order that is asked for and gives the headings.
func (b machinesBody) sorted(rows []*row) []column {
	asked, down := strings.CutPrefix(b.Asked.Get("sort"), "-")
	at := max(0, slices.IndexFunc(sorts, func(o order) bool { return o.Name == asked }))
	if at > 0 {
		slices.SortFunc(rows, func(a, b *row) int { return cmp.Or(sorts[at].less(a, b), cmp.Compare(a.ID, b.ID)) })
	}
	if down {
		slices.Reverse(rows)
	}
	var all []column
	for i, s := range sorts {
		col := column{Label: s.Label, Href: b.with("sort", s.Name)}
		if i == at && down {
			col.Sort = "descending"
		} else if i == at {
			col.Sort, col.Href = "ascending", b.with("sort", "-"+s.Name)
		}
		all = append(all, col)
	}
	return all
}

// asks are what a list is asked for: words that are in a machine's id, name, owner or zone, and what it is.
type asks struct {
	words                          []string
	policy, standing, key, follows string
}

func asksOf(q url.Values) asks {
	return asks{strings.Fields(strings.ToLower(q.Get("q"))), q.Get("policy"), q.Get("standing"), q.Get("key"), q.Get("follows")}
}

func (a asks) fit(m *row) bool {
	for _, w := range a.words {
		if !strings.Contains(m.text, w) {
			return false
		}
	}
	return (a.policy == "" || a.policy == m.Policy) && (a.standing == "" || a.standing == standing(m.Standing)) && (a.key == "" || a.key == key(m.Key)) &&
		(a.follows == "" || a.follows == "due" && !m.DueAt.IsZero() || a.follows == "held" && m.HeldFor != "")
}

// with is the address of this list with one thing asked for otherwise, from its first page on.
func (b machinesBody) with(field, value string) string {
	q := url.Values{}
	for _, f := range []string{"q", "policy", "standing", "key", "follows", "sort"} {
		if v := b.Asked.Get(f); v != "" {
			q.Set(f, v)
		}
	}
	if q.Set(field, value); value == "" {
		q.Del(field)
	}
	return "/machines?" + q.Encode()
}

// Earlier and Later are the addresses of the pages beside this one, "" when there is none.
func (b machinesBody) Earlier() string { return b.turn(b.Page - 1) }
func (b machinesBody) Later() string   { return b.turn(b.Page + 1) }

func (b machinesBody) turn(page int) string {
	if page < 1 || page > b.Pages {
		return ""
	}
	return b.with("page", strconv.Itoa(page))
}

// Get is what is asked for.
func (b machinesBody) Get(field string) string { return b.Asked.Get(field) }

// Standings and Keys are the words that can be asked for.
func (machinesBody) Standings() []string { return []string{"Good", "Bad", "Unknown"} }

// Keys are those of key states.
func (machinesBody) Keys() []string {
	return []string{"Untouched", "Released", "Revoking", "Revoked", "Withdrawn"}
}
