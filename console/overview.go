package console

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// slice is one part of a bar that shows a whole, in thousandths of its width.
type slice struct {
	Label, Class, Href string
	N                  int
	X, W               float64
}

// dueSoon is how many machines whose keys are due next the overview names.
const dueSoon = 12

type overviewBody struct {
	Standings, Keys, Looks []slice
	Policies               []policyLine
	Due                    []row // the next ones
	DueMore                int
	Line                   timeline
	Pauses                 []pause
	Drill                  *record.Drill // the newest
}

// policyLine is how the machines of one policy stand.
type policyLine struct {
	Name                                       string
	Machines, Good, Bad, Unknown, Revoked, Due int
}

// pause is a policy whose deadlines are moved now.
type pause struct {
	Of, Why string
	Since   time.Time
}

func (c *Console) overview(w http.ResponseWriter, r *http.Request) {
	l := c.fleet.look(r.Context())
	v := view{Template: "overview", Title: "Overview", Tab: "overview", Lists: l}
	if l.Known {
		v.Body = overviewOf(l)
	} else {
		v.Trouble = l.Trouble
	}
	c.show(w, r, v)
}

func overviewOf(l lists) overviewBody {
	var o overviewBody
	now := l.Now()
	standings, keys, looks := map[string]int{}, map[string]int{}, make([]int, len(lookAges)+2)
	policies := map[string]*policyLine{}
	var due []row
	for _, m := range l.Rows {
		standings[standing(m.Standing)]++
		keys[key(m.Key)]++
		looks[lookAge(now, m.LookedAt)]++
		p := policies[m.Policy]
		if p == nil {
			p = &policyLine{Name: m.Policy}
			policies[m.Policy] = p
		}
		p.add(m)
		if !m.DueAt.IsZero() {
			due = append(due, m)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		o.Policies = append(o.Policies, *policies[name])
	}
	for _, s := range []string{"Good", "Bad", "Unknown"} {
		o.Standings = append(o.Standings, slice{Label: s, Class: "is-" + s, Href: "/machines?standing=" + s, N: standings[s]})
	}
	for _, k := range []string{"Released", "Untouched", "Revoking", "Revoked", "Withdrawn"} {
		o.Keys = append(o.Keys, slice{Label: k, Class: "is-" + k, Href: "/machines?key=" + k, N: keys[k]})
	}
	for i, n := range looks {
		o.Looks = append(o.Looks, slice{Label: lookLabel(i), Class: lookClass(i), N: n})
	}
	for _, s := range [][]slice{o.Standings, o.Keys, o.Looks} {
		layOut(s)
	}
	slices.SortStableFunc(due, func(a, b row) int { return a.DueAt.Compare(b.DueAt) })
	o.Line = timelineOf(now, due)
	o.Due, o.DueMore = due[:min(len(due), dueSoon)], max(0, len(due)-dueSoon)
	for _, name := range slices.Sorted(maps.Keys(l.Status.Paused)) {
		p := l.Status.Paused[name]
		of := "policy " + name
		switch name {
		case record.Everything:
			of = "all machines"
		case record.Blind:
			of = "machines that cannot be looked at"
		}
		o.Pauses = append(o.Pauses, pause{of, p.Why, p.Since})
	}
	if len(l.Drills.Value) > 0 {
		o.Drill = &l.Drills.Value[0]
	}
	return o
}

func (p *policyLine) add(m row) {
	p.Machines++
	switch m.Standing {
	case integrity.Good:
		p.Good++
	case integrity.Bad:
		p.Bad++
	default:
		p.Unknown++
	}
	if m.Key == integrity.KeyRevoked {
		p.Revoked++
	}
	if !m.DueAt.IsZero() {
		p.Due++
	}
}

// Link is the machines of the policy.
func (p policyLine) Link() string { return "/machines?policy=" + url.QueryEscape(p.Name) }

// layOut gives each part its place on a bar of 1000.
func layOut(parts []slice) {
	total := 0
	for _, p := range parts {
		total += p.N
	}
	x := 0.0
	for i := range parts {
		parts[i].X, parts[i].W = x, 1000*float64(parts[i].N)/float64(max(1, total))
		x += parts[i].W
	}
}

// lookAges are the bounds of how long ago machines were looked at.
var lookAges = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 48 * time.Hour}

func lookAge(now, at time.Time) int {
	if at.IsZero() {
		return len(lookAges) + 1
	}
	i, _ := slices.BinarySearchFunc(lookAges, now.Sub(at), func(a, b time.Duration) int { return cmp.Compare(a, b) })
	return i
}

func lookLabel(i int) string {
	switch {
	case i < len(lookAges):
		return "within " + span(lookAges[i])
	case i == len(lookAges):
		return "longer ago"
	default:
		return "never"
	}
}

func lookClass(i int) string {
	return []string{"age-0", "age-1", "age-2", "age-3", "age-4", "age-5"}[i]
}
