package storm_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/storm"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestNext(t *testing.T) {
	t.Parallel()
	first := record.Storm{Group: "g", Alone: "a", LastAt: noon}
	opened := record.Storm{Group: "g", LastAt: noon, OpensAt: noon.Add(2 * time.Minute)}
	led := opened
	led.Leader, led.LeaderUntil = "b", noon.Add(5*time.Minute)
	late := record.Storm{Group: "g", LastAt: noon, Round: 3}
	for name, c := range map[string]struct {
		g     record.Storm
		who   string
		now   time.Time
		after record.Storm
		turn  storm.Turn
		at    time.Time // of Wait: not before
	}{
		"the first goes": {record.Storm{Group: "g"}, "a", noon, first, storm.Alone, time.Time{}},
		"the first, tried again or failing again": {first, "a", noon.Add(time.Minute), first, storm.Alone, time.Time{}},
		"the second waits":                        {first, "b", noon, opened, storm.Wait, opened.OpensAt},
		"a part of a second is rounded up":        {first, "b", noon.Add(-time.Millisecond), opened, storm.Wait, opened.OpensAt},
		"a third waits with it":                   {opened, "c", noon.Add(time.Minute), opened, storm.Wait, opened.OpensAt},
		"one of them leads":                       {opened, "b", noon.Add(3 * time.Minute), led, storm.Lead, time.Time{}},
		"the other waits for it":                  {led, "c", noon.Add(3 * time.Minute), led, storm.Wait, noon.Add(3*time.Minute + 15*time.Second)},
		"the leader, tried again":                 {led, "b", noon.Add(3 * time.Minute), led, storm.Lead, time.Time{}},
		"a leader that was lost is replaced":      {led, "c", noon.Add(5 * time.Minute), record.Storm{Group: "g", LastAt: noon, OpensAt: opened.OpensAt, Leader: "c", LeaderUntil: noon.Add(7 * time.Minute)}, storm.Lead, time.Time{}},
		"later ones wait longer":                  {late, "d", noon, record.Storm{Group: "g", LastAt: noon, Round: 3, OpensAt: noon.Add(8 * time.Minute)}, storm.Wait, noon.Add(8 * time.Minute)},
		"after a quiet time one goes":             {late, "d", noon.Add(20 * time.Minute), record.Storm{Group: "g", LastAt: noon.Add(20 * time.Minute), Alone: "d"}, storm.Alone, time.Time{}},
	} {
		after, turn, at := storm.Next(c.g, c.who, c.who, c.now)
		if after != c.after || turn != c.turn {
			t.Errorf("%s: %+v, turn %d, want %+v, turn %d", name, after, turn, c.after, c.turn)
		}
		if turn == storm.Wait && (at.Before(c.at) || at.Sub(c.at) > 15*time.Second || !at.Equal(at.Truncate(time.Second))) {
			t.Errorf("%s: asks again at %s, want from %s", name, at, c.at)
		}
	}
}

func TestDone(t *testing.T) {
	t.Parallel()
	g := storm.Done(record.Storm{Group: "g", Version: 4, OpensAt: noon, Leader: "b", LeaderUntil: noon.Add(time.Hour), Round: 1}, noon.Add(time.Second))
	if want := (record.Storm{Group: "g", Version: 4, LastAt: noon.Add(time.Second), Round: 2}); g != want {
		t.Errorf("Done = %+v, want %+v", g, want)
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	g := storm.Group("web", []string{"a@example.com", "b@example.com"}, []string{"a@example.com"}, nil)
	if got := storm.Group("web", []string{"B@example.com", "a@example.com"}, []string{"a@example.com"}, nil); got != g {
		t.Error("another order of the same people is another group")
	}
	for name, other := range map[string]string{
		"policy": storm.Group("db", []string{"a@example.com", "b@example.com"}, []string{"a@example.com"}, nil),
		"people": storm.Group("web", []string{"a@example.com"}, []string{"a@example.com"}, nil),
		"counts": storm.Group("web", []string{"a@example.com", "b@example.com"}, []string{"b@example.com"}, nil),
		"lost":   storm.Group("web", []string{"a@example.com", "b@example.com"}, []string{"a@example.com"}, []string{"c@example.com"}),
	} {
		if other == g {
			t.Errorf("another %s is the same group", name)
		}
	}
}

// However executions come, who waits is told to come back, and at the latest after Longest and a leader's time somebody
// goes for it; at no time do two lead.
func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, now := record.Storm{Group: "g"}, noon
		since, back := map[string]time.Time{}, map[string]time.Time{}
		for step := range 200 {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "seconds")) * time.Second)
			who := fmt.Sprint("new-", step)
			for waiting, at := range back { // whoever is to come back has come by now
				if !at.After(now) && (back[who].IsZero() || waiting < who) {
					who = waiting
				}
			}
			led := g.Leader != "" && g.Leader != who && now.Before(g.LeaderUntil) && !g.OpensAt.IsZero()
			after, turn, at := storm.Next(g, who, who, now)
			g = after
			switch turn {
			case storm.Wait:
				if !at.After(now) {
					t.Fatalf("%s waits until %s, which is over at %s", who, at, now)
				}
				if since[who].IsZero() {
					since[who] = now
				}
				back[who] = at
			case storm.Lead:
				if led {
					t.Fatalf("%s leads while %s does", who, g.Leader)
				}
				if rapid.Bool().Draw(t, "dies") {
					back[who] = now.Add(3 * time.Minute)
					continue
				}
				g = storm.Done(g, now)
				clear(back)
				clear(since)
			case storm.Alone:
				delete(back, who)
			}
			for waiting, from := range since {
				if now.Sub(from) > time.Hour {
					t.Fatalf("%s waits since %s, and it is %s", waiting, from, now)
				}
			}
		}
	})
}
