package fleet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Due is one revocation to come.
type Due struct {
	Machine, Name, Policy string
	At                    time.Time // not before
	Held                  string    // why it stands still; "" when it does not
}

// View is all that a screen shows.
type View struct {
	Look    *Look // nil: there was none yet
	Due     []Due // in their order
	Changes []Change
	Owed    int // machines whose newest entries were not read yet

	Now     time.Time // by our clock
	Trouble string    // why the last look did not succeed
	Again   time.Time // when the next is, by our clock

	Filter  string // machines that have this somewhere
	Editing bool   // the filter is being typed
	Scroll  int    // machines above the first that is shown
}

// stackNow is what the stack's clock says now, by what it said at the last look.
func (v View) stackNow() time.Time { return v.Look.Status.Time.Add(v.Now.Sub(v.Look.At)) }

// Size is a terminal's.
type Size struct{ Columns, Lines int }

// Draw is the screen, line by line: exactly as many as the terminal has, none wider than it; and how many machines it has
// room for.
func Draw(v View, size Size, to show.Terminal) (lines []string, machines int) {
	to.Width = max(size.Columns, 1)
	top, foot := &page{to: to}, &page{to: to}
	const spare = 16 // lines from which on the head may have more than it needs
	v.head(top, size.Lines >= spare)
	v.foot(foot)
	if v.Look == nil {
		return filled(top.lines, foot.lines, size.Lines), 1
	}
	left := size.Lines - len(top.lines) - len(foot.lines)
	body := &page{to: to}
	if due := share(left, len(v.Due)); due > 0 {
		v.drawDue(body, due)
	}
	rows := v.Rows()
	news := share(left, len(v.Changes))
	if unused := left - len(body.lines) - 1 - len(rows) - 1; unused > news { // machines leave room
		news = min(unused, len(v.Changes))
	}
	if left < 9 {
		news = 0
	}
	tail := &page{to: to}
	if news > 0 {
		v.drawChanges(tail, news)
	}
	room := left - len(body.lines) - len(tail.lines) - 1
	if room > 0 {
		v.drawMachines(body, rows, room)
	}
	// What is newest stands at the bottom, wherever the list of machines ends.
	body.lines = append(body.lines, make([]string, max(left-len(body.lines)-len(tail.lines), 0))...)
	body.lines = append(body.lines, tail.lines...)
	return filled(append(top.lines, body.lines...), foot.lines, size.Lines), max(room, 1)
}

// share is how many rows a list beside the machines gets: a quarter of what there is.
func share(lines, has int) int {
	if lines < 4 {
		return 0
	}
	return min(has, max(1, lines/4-1))
}

func (v View) head(p *page, spare bool) {
	if v.Look == nil {
		p.line(piece{show.Bold, "Keyward"}, piece{"", "  asking the API for the first time"})
		v.trouble(p)
		return
	}
	s, now := v.Look.Status, v.stackNow()
	where := fmt.Sprintf("  %s %s", s.Account, s.Region)
	clock := show.Time(now)
	if free := p.to.Width - len("Keyward") - len(where) - len(clock); free >= 2 {
		p.line(piece{show.Bold, "Keyward"}, piece{"", where + strings.Repeat(" ", free) + clock})
	} else {
		p.line(piece{show.Bold, clock}, piece{"", where})
	}
	revoked, held := 0, 0
	for _, m := range v.Look.Machines {
		if m.State.Key == integrity.KeyRevoked {
			revoked++
		}
		if m.State.HeldFor != "" {
			held++
		}
	}
	numbered := func(t show.Tone, n int, what string) piece {
		return piece{toned(t, n), fmt.Sprintf("  %d %s", n, what)}
	}
	p.flow(spare, piece{show.Bold, machines(len(v.Look.Machines))},
		numbered(show.Green, s.Machines["Good"], "Good"), numbered(show.Red, s.Machines["Bad"], "Bad"), numbered(show.Yellow, s.Machines["Unknown"], "Unknown"),
		numbered(show.Plain, len(v.Due), "due"), numbered(show.Red, revoked, "revoked"), numbered(show.Plain, held, "held"))
	p.flow(spare, v.breaker(), piece{toned(show.Yellow, s.Holds), holdsOf(v.Look)}, piece{"", "  swept " + ago(now, s.SweptAt)})
	for _, policy := range sortedKeys(s.Paused) {
		p.line(piece{show.Yellow, paused(policy, s.Paused[policy])})
	}
	v.trouble(p)
}

func machines(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}

func toned(t show.Tone, n int) show.Tone {
	if n == 0 {
		return show.Plain
	}
	return t
}

func (v View) breaker() piece {
	b := v.Look.Breaker
	switch {
	case slices.Contains(v.Look.Closed, "breaker"):
		return piece{"", "breaker: not for your role"}
	case !b.Breaker.OpenSince.IsZero():
		return piece{show.Red, "breaker OPEN since " + show.Time(b.Breaker.OpenSince)}
	}
	text, tone := fmt.Sprintf("breaker closed, %d of %d used", len(b.Breaker.Spent), b.Limit), show.Plain
	tripped := 0
	for _, r := range b.Rules {
		tripped += len(r.Trips)
	}
	if tripped > 0 {
		text, tone = text+fmt.Sprintf(", %d tripped", tripped), show.Yellow
	}
	return piece{tone, text}
}

func holdsOf(l *Look) string {
	if slices.Contains(l.Closed, "holds") {
		return fmt.Sprintf("  holds: %d", l.Status.Holds)
	}
	var scopes []string
	for _, h := range l.Holds {
		scopes = append(scopes, string(h.Scope))
	}
	const named = 2
	if len(scopes) == 0 {
		return "  no holds"
	}
	text := "  held: " + strings.Join(scopes[:min(len(scopes), named)], " ")
	if len(scopes) > named {
		text += fmt.Sprintf(" and %d more", len(scopes)-named)
	}
	return text
}

func (v View) trouble(p *page) {
	if v.Trouble != "" {
		p.line(piece{show.Red, fmt.Sprintf("no answer, again in %s: %s", show.Span(max(v.Again.Sub(v.Now), 0)), v.Trouble)})
	}
}

func (v View) foot(p *page) {
	keys := "q ends  / filters  arrows, PgUp, PgDn scroll"
	if v.Editing {
		keys = "filter: " + v.Filter + "_  (Enter keeps it, Esc ends it)"
	}
	age := "nothing was read yet"
	if v.Look != nil {
		age = "as of " + show.Span(max(v.Now.Sub(v.Look.At), 0)) + " ago"
	}
	tone := show.Faint
	if v.Trouble != "" {
		tone = show.Red
	}
	p.line(piece{tone, age}, piece{show.Faint, "  "}, piece{show.Plain, keys})
}

func (v View) drawDue(p *page, n int) {
	p.line(piece{show.Bold, "DUE NEXT"}, piece{"", more(n, len(v.Due))})
	now := v.stackNow()
	for _, d := range v.Due[:n] {
		when, tone := "in "+show.Span(d.At.Sub(now)), show.Plain
		if left := d.At.Sub(now); left <= 0 {
			when, tone = "now", show.Red
		} else if left < time.Hour {
			tone = show.Yellow
		}
		if d.Held != "" {
			when, tone = "held", show.Yellow
		}
		p.line(piece{tone, show.Pad(when, 13)}, piece{"", show.Pad(d.Machine, idWidth) + "  " + named(d.Name) + d.Policy + "  " + show.Time(d.At)}, piece{show.Yellow, heldWhy(d.Held)})
	}
}

func heldWhy(reason string) string {
	if reason == "" {
		return ""
	}
	return "  " + guard.Reason(reason).Text()
}

const idWidth = 19 // of an instance's id; a hybrid node's is one longer, and shifts its line

func named(name string) string {
	if name == "" {
		return ""
	}
	return show.Clip(show.Harmless(firstOf(name, 80)), 20) + "  "
}

func more(shown, all int) string {
	if shown >= all {
		return ""
	}
	return fmt.Sprintf("  %d of %d", shown, all)
}

func (v View) drawMachines(p *page, rows []*record.Machine, n int) {
	title := "  " + fmt.Sprintf("%d-%d of %d", min(v.Scroll+1, len(rows)), min(v.Scroll+n, len(rows)), len(rows))
	if v.Filter != "" {
		title += "  with " + v.Filter
	}
	p.line(piece{show.Bold, "MACHINES"}, piece{"", title})
	from := min(max(v.Scroll, 0), max(len(rows)-1, 0))
	for _, m := range rows[from:min(from+n, len(rows))] {
		tone := map[integrity.Standing]show.Tone{integrity.Good: show.Green, integrity.Bad: show.Red}[m.State.Standing]
		key, keyTone := keyOf(m.State.Key), show.Plain
		if m.State.Key == integrity.KeyRevoked {
			keyTone = show.Red
			if len(m.NotEffective) > 0 {
				key += ", not effective"
			}
		}
		p.line(piece{"", show.Pad(m.ID, idWidth) + "  "}, piece{cmp.Or(tone, show.Yellow), show.Pad(standingOf(m.State.Standing), 7) + "  "},
			piece{keyTone, show.Pad(key, 9) + "  "}, piece{"", named(m.Name) + m.Policy + "  " + m.State.Why})
	}
}

func (v View) drawChanges(p *page, n int) {
	title := more(n, len(v.Changes))
	if v.Owed > 0 {
		title += "  still to be read: of " + machines(v.Owed)
	}
	p.line(piece{show.Bold, "NEWEST"}, piece{"", title})
	now := v.stackNow()
	for i := range n {
		c := v.Changes[len(v.Changes)-1-i]
		p.line(piece{"", c.line(clock(c.At, now))})
	}
}

// clock is the time of a day, with the day unless it is today.
func clock(at, now time.Time) string {
	if at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
		return at.UTC().Format("15:04:05Z")
	}
	return show.Time(at)
}

// ago is how long something is ago.
func ago(now, at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return show.Span(max(now.Sub(at), 0)) + " ago"
}

func sortedKeys[T any](m map[string]T) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
