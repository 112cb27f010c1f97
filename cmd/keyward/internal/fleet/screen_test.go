package fleet_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/cmd/keyward/internal/fleet"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

var update = flag.Bool("update", false, "write the golden screens")

var at = time.Date(2026, 3, 1, 4, 31, 0, 0, time.UTC)

// busy is a stack where much goes on.
func busy() fleet.View {
	machine := func(n int, name string, s integrity.State) record.Machine {
		return record.Machine{ID: fmt.Sprintf("i-%017x", n), Name: name, Policy: "web-tier", State: s}
	}
	machines := []record.Machine{
		machine(1, "shop", integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, DueAt: at.Add(4 * time.Hour), Why: "no plain web: tcp/80 is open on 0.0.0.0 by nginx"}),
		machine(2, "世界", integrity.State{Standing: integrity.Bad, Key: integrity.KeyRevoked, Why: "ossec up and current: it does not run"}),
		machine(3, "", integrity.State{Standing: integrity.Unknown, Why: "the agent gives no answer"}),
		machine(4, "db", integrity.State{Standing: integrity.Bad, Key: integrity.KeyReleased, DueAt: at.Add(-time.Minute), HeldFor: "held-global", Why: "data volumes encrypted: /data is not"}),
	}
	machines[1].NotEffective = []string{"another grant"}
	for n := 5; n < 40; n++ {
		machines = append(machines, machine(n, fmt.Sprintf("web-%d", n), integrity.State{Standing: integrity.Good, Key: integrity.KeyReleased}))
	}
	look := &fleet.Look{
		At: at.Add(-time.Hour),
		Status: record.Status{
			Time: at, Account: "123456789012", Region: "eu-central-1", Machines: map[string]int{"Good": 35, "Bad": 3, "Unknown": 1}, Holds: 1, SweptAt: at.Add(-2 * time.Minute),
		},
		Machines: slices.Clone(machines), Holds: []record.Hold{{Scope: "global", Reason: "bad day", By: "ada", SetAt: at}},
		Breaker: record.BreakerView{Breaker: record.Breaker{Spent: []record.Spent{{Machine: "i-2", At: at}}}, Limit: 5},
	}
	var changes []fleet.Change
	for n := range 12 {
		changes = append(changes, fleet.Change{At: at.Add(time.Duration(n-12) * time.Minute), Kind: "verdict", Machine: machines[n].ID, Name: machines[n].Name, Text: "Good: everything passes"})
	}
	changes = append(changes, fleet.Change{At: at, Kind: fleet.KindHold, Scope: "global", Text: "bad day, until it is lifted", By: "ada"})
	fleet.Sort(look.Machines)
	return fleet.View{
		Look: look, Changes: changes, Now: at.Add(-time.Hour + 7*time.Second),
		Due: []fleet.Due{
			{Machine: machines[0].ID, Name: "shop", Policy: "web-tier", At: at.Add(4 * time.Hour)},
			{Machine: machines[3].ID, Name: "db", Policy: "web-tier", At: at, Held: "held-global"},
		},
	}
}

func TestScreens(t *testing.T) {
	t.Parallel()
	trouble, filtered, begin := busy(), busy(), fleet.View{Now: at, Trouble: "calling the Keyward API: connection refused", Again: at.Add(10 * time.Second)}
	trouble.Trouble, trouble.Again, trouble.Owed = "HTTP 503: Service Unavailable", trouble.Now.Add(20*time.Second), 980
	trouble.Look.Breaker.Breaker.OpenSince, trouble.Look.Closed = at, []string{"holds"}
	trouble.Look.Status.Paused = map[string]record.Pause{record.Everything: {Since: at, Why: "35 of 39 machines do not answer"}}
	filtered.Press("/web-3\r", 10)
	for _, tt := range []struct {
		name           string
		view           fleet.View
		columns, lines int
	}{
		{"busy", busy(), 80, 24}, {"busy", busy(), 40, 10}, {"busy", busy(), 40, 24}, {"busy", busy(), 200, 50}, {"trouble", trouble, 80, 24}, {"filtered", filtered, 80, 24}, {"begin", begin, 80, 24},
	} {
		lines, room := fleet.Draw(tt.view, fleet.Size{Columns: tt.columns, Lines: tt.lines}, show.Terminal{})
		got := strings.Join(lines, "\n") + "\n"
		file := filepath.Join("testdata", fmt.Sprintf("%s-%dx%d.txt", tt.name, tt.columns, tt.lines))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || got != string(want) {
			t.Errorf("%s (%v):\n%swant\n%s", file, err, got, want)
		}
		if len(lines) != tt.lines || room < 1 || room > tt.lines {
			t.Errorf("%s has %d lines, room for %d machines", file, len(lines), room)
		}
	}
}

// inert fails when a screen has what a terminal would act upon but our own colours, or does not fit.
func inert(t interface{ Fatalf(string, ...any) }, lines []string, size fleet.Size) {
	if len(lines) != max(size.Lines, 1) {
		t.Fatalf("%d lines, want %d", len(lines), size.Lines)
	}
	for _, line := range lines {
		for _, tone := range []show.Tone{show.Bold, show.Faint, show.Red, show.Green, show.Yellow, "0"} {
			line = strings.ReplaceAll(line, "\x1b["+string(tone)+"m", "")
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %U", line, r)
			}
		}
		if show.Width(line) > max(size.Columns, 1) {
			t.Fatalf("%q has %d columns, want at most %d", line, show.Width(line), size.Columns)
		}
	}
}

// Whatever machines and people write, and whatever size a terminal has: the screen fits it, and moves nothing.
func TestScreensAreInert(t *testing.T) {
	t.Parallel()
	hostile := rapid.StringOfN(rapid.RuneFrom([]rune("ab 世\u0301\u200b\x1b[2J\x07\u009b\u202e\r\n\t\u2028🔑"), unicode.Arabic), 0, 40, -1)
	rapid.Check(t, func(t *rapid.T) {
		v := busy()
		for i := range 4 {
			m := &v.Look.Machines[i]
			m.ID, m.Name, m.Policy, m.State.Why = hostile.Draw(t, "id"), hostile.Draw(t, "name"), hostile.Draw(t, "policy"), hostile.Draw(t, "why")
			v.Due[i%2].Machine, v.Due[i%2].Name, v.Due[i%2].Policy, v.Due[i%2].Held = m.ID, m.Name, m.Policy, hostile.Draw(t, "held")
		}
		v.Look.Status.Account, v.Look.Holds[0].Scope = hostile.Draw(t, "account"), record.Scope(hostile.Draw(t, "scope"))
		v.Look.Status.Paused = map[string]record.Pause{hostile.Draw(t, "paused"): {Why: hostile.Draw(t, "pause")}}
		v.Changes[len(v.Changes)-1].Text, v.Changes[len(v.Changes)-1].By = hostile.Draw(t, "text"), hostile.Draw(t, "by")
		v.Trouble = hostile.Draw(t, "trouble")
		size := fleet.Size{Columns: rapid.IntRange(0, 220).Draw(t, "columns"), Lines: rapid.IntRange(0, 60).Draw(t, "lines")}
		v.Press(rapid.StringOfN(rapid.RuneFrom([]rune("/jkgG\x1b[AB56~a世\r \x7f")), 0, 20, -1).Draw(t, "typed"), 5)
		lines, room := fleet.Draw(v, size, show.Terminal{Colour: rapid.Bool().Draw(t, "colour")})
		inert(t, lines, size)
		if room < 1 {
			t.Fatalf("room for %d machines", room)
		}
	})
}

// A megabyte of a machine's is drawn as quickly as a word.
func TestHugeTexts(t *testing.T) {
	t.Parallel()
	v := busy()
	for i := range v.Look.Machines {
		v.Look.Machines[i].Name, v.Look.Machines[i].State.Why = strings.Repeat("\u0301x", 500_000), strings.Repeat("\x1b[2J", 200_000)
	}
	size := fleet.Size{Columns: 80, Lines: 24}
	began := time.Now()
	lines, _ := fleet.Draw(v, size, show.Terminal{})
	inert(t, lines, size)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("drawing took %s", took)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed  string
		ends   bool
		filter string
		scroll int
	}{
		{"q", true, "", 0}, {"\x03", true, "", 0}, {"\x1b[B\x1b[B\x1b[A", false, "", 1}, {"\x1bOB", false, "", 1}, {"\x1b[6~", false, "", 10},
		{"\x1b[6~\x1b[5~", false, "", 0}, {"G", false, "", 29}, {"\x1b[F\x1b[H", false, "", 0}, {"jj", false, "", 2}, {"kk", false, "", 0},
		{"/web-1", false, "web-1", 0}, {"/web-1\x7f2\r", false, "web-2", 0}, {"/q世\r", false, "q世", 0}, {"/世\x7f", false, "", 0}, {"/abc\x15\rq", true, "", 0},
		{"/abc\x1b", false, "", 0}, {"/abc\r\x1b", false, "", 0}, {"/a\x03", true, "a", 0}, {"\x1b[99;5Xq", true, "", 0}, {"\x1b[", false, "", 0},
		{"\xffq", true, "", 0}, {"/" + strings.Repeat("x", 100) + "\r", false, strings.Repeat("x", 60), 0},
	} {
		v := busy()
		if ends := v.Press(tt.typed, 10); ends != tt.ends || v.Filter != tt.filter || v.Scroll != tt.scroll {
			t.Errorf("Press(%q) = %t, filter %q, scroll %d, want %+v", tt.typed, ends, v.Filter, v.Scroll, tt)
		}
	}
}
