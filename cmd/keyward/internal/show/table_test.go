package show_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

func on(width int, colour bool) (*show.Printer, *bytes.Buffer) {
	var out bytes.Buffer
	return show.New(&out, false).On(show.Terminal{TTY: true, Moves: true, Colour: colour, Width: width}), &out
}

var fleet = [][]string{
	{"i-1234567890abcdef0", "shop", "web-tier", "Bad", "tcp/80 is open on 0.0.0.0 by nginx, which no rule of the house allows"},
	{"i-0fedcba0987654321", "世界", "default", "Good", "-"},
}

func TestTables(t *testing.T) {
	t.Parallel()
	header := []string{"MACHINE", "NAME", "POLICY", "STANDING", "WHY"}
	for _, tt := range []struct {
		width int
		want  string
	}{
		{0, "MACHINE              NAME  POLICY    STANDING  WHY\n" +
			"i-1234567890abcdef0  shop  web-tier  Bad       tcp/80 is open on 0.0.0.0 by nginx, which no rule of the house allows\n" +
			"i-0fedcba0987654321  世界  default   Good      -\n"},
		{80, "MACHINE              NAME  POLICY    STANDING  WHY\n" +
			"i-1234567890abcdef0  shop  web-tier  Bad       tcp/80 is open on 0.0.0.0 by\n" +
			"                                               nginx, which no rule of the house\n" +
			"                                               allows\n" +
			"i-0fedcba0987654321  世界  default   Good      -\n"},
		{40, "MACHINE   i-1234567890abcdef0\nNAME      shop\nPOLICY    web-tier\nSTANDING  Bad\n" +
			"WHY       tcp/80 is open on 0.0.0.0 by\n          nginx, which no rule of the\n          house allows\n\n" +
			"MACHINE   i-0fedcba0987654321\nNAME      世界\nPOLICY    default\nSTANDING  Good\nWHY       -\n"},
	} {
		p, out := on(tt.width, false)
		p.Table(header, fleet, "")
		if out.String() != tt.want {
			t.Errorf("in %d columns:\n%swant\n%s", tt.width, out, tt.want)
		}
	}
	p, out := on(80, false)
	p.Table(nil, [][]string{{"standing", "Bad since 2026-03-01"}, {"what follows", strings.Repeat("word ", 20) + "end"}}, "")
	for line := range strings.Lines(out.String()) {
		if show.Width(line) > 80 || !strings.HasPrefix(line, "standing      Bad") && !strings.HasPrefix(line, "what follows  word") && !strings.HasPrefix(line, "              word") {
			t.Errorf("a table without header has %q", line)
		}
	}
}

func TestColoursAreOfTheTerminalAlone(t *testing.T) {
	t.Parallel()
	p, out := on(0, true)
	p.Table([]string{"MACHINE", "STANDING"}, [][]string{{"i-1", "Bad"}, {"\x1b[31mi-2", "Good"}}, "")
	want := "\x1b[1mMACHINE   \x1b[0m\x1b[1mSTANDING\x1b[0m\ni-1       \x1b[31mBad\x1b[0m\n?[31mi-2  \x1b[32mGood\x1b[0m\n"
	if out.String() != want {
		t.Errorf("table = %q, want %q", out, want)
	}
	if got := (show.Terminal{}).Paint(show.Red, "x"); got != "x" {
		t.Errorf("a pipe gets %q", got)
	}
}

// Whatever stands in a table, no line of it is wider than the terminal but by one word that is, and no word is lost.
func TestTablesFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(t, "columns")
		width := rapid.IntRange(20, 120).Draw(t, "width")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab 世\u0301\x1b\u202e\r\n-")), 0, 60, -1)
		header := make([]string, columns)
		for i := range header {
			header[i] = strings.Repeat("H", i+1)
		}
		rows := rapid.SliceOfN(rapid.SliceOfN(text, columns, columns), 1, 5).Draw(t, "rows")
		p, out := on(width, false)
		p.Table(header, rows, "")
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			words := strings.Fields(line)
			if show.Width(line) > width && show.Width(words[len(words)-1])+columns+2 <= width {
				t.Fatalf("%q has %d columns, the terminal %d", line, show.Width(line), width)
			}
			if show.Harmless(line) != line {
				t.Fatalf("%q is not harmless", line)
			}
		}
		for _, r := range rows {
			for _, c := range r {
				for _, word := range strings.Fields(show.Harmless(c)) {
					if !strings.Contains(out.String(), word) {
						t.Fatalf("%q is not in\n%s", word, out)
					}
				}
			}
		}
	})
}

// A megabyte of a machine's does not fill up the lines of the others.
func TestHugeCells(t *testing.T) {
	t.Parallel()
	for _, width := range []int{0, 80} {
		p, out := on(width, false)
		p.Table([]string{"MACHINE", "WHY"}, [][]string{{"i-1", strings.Repeat("é\x1b", 350_000)}, {"i-2", "x"}}, "")
		if out.Len() > 10_000 || !strings.Contains(out.String(), "more bytes") {
			t.Errorf("%d columns: a table has %d bytes", width, out.Len())
		}
	}
	if got := show.Harmless("a" + strings.Repeat("\u0301", 1000)); strings.Count(got, "\u0301") != 3 || show.Width(got) != 998 {
		t.Errorf("%d marks stay on one character", strings.Count(got, "\u0301"))
	}
}

func TestWidths(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "abc": 3, "Grüße": 5, "世界": 4, "e\u0301": 1, "ｱＡ": 3, "한": 2, "🔑": 2, "नि": 2} {
		if got := show.Width(text); got != want {
			t.Errorf("Width(%q) = %d, want %d", text, got, want)
		}
	}
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"世界世", 4, "世…"}, {"abc", 1, "…"}, {"abc", 0, ""}, {"", 0, ""}} {
		if got := show.Clip(tt.text, tt.columns); got != tt.want || show.Width(got) > tt.columns {
			t.Errorf("Clip(%q, %d) = %q, want %q", tt.text, tt.columns, got, tt.want)
		}
	}
}

func TestTerminals(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	environment := func(name string) string { return map[string]string{"TERM": "xterm", "COLUMNS": "40"}[name] }
	for colour, want := range map[string]show.Terminal{
		show.ColourAuto: {}, show.ColourNever: {}, show.ColourAlways: {Colour: true},
	} {
		if got := show.TerminalOf(w, colour, environment); got != want {
			t.Errorf("a pipe with --color=%s is %+v, want %+v", colour, got, want)
		}
	}
	if columns, lines := show.Size(w, func(string) string { return "" }); columns != 80 || lines != 24 {
		t.Errorf("what has no size has %d columns and %d lines", columns, lines)
	}
}

// A stored text goes to a file as it is; a terminal does not do what it says.
func TestTexts(t *testing.T) {
	t.Parallel()
	const text = "policy: x\n\trule: \x1b[2J\n"
	p, out := on(80, false)
	p.Text(text)
	if want := "policy: x\n    rule: ?[2J\n"; out.String() != want {
		t.Errorf("a terminal gets %q, want %q", out, want)
	}
	var file bytes.Buffer
	if show.New(&file, false).Text(text); file.String() != text {
		t.Errorf("a file gets %q", file.String())
	}
	var lines bytes.Buffer
	l := show.Lines{To: &lines}
	for _, part := range []string{"one\x1b[1m", "\ntwo\n", strings.Repeat("x", 5000)} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("Write = %d, %v", n, err)
		}
	}
	if want := "one?[1m\ntwo\n" + strings.Repeat("x", 4096) + "\n"; lines.String() != want {
		t.Errorf("another program's lines are %q", lines.String())
	}
}

// A table that just fits stays as it is; one column more, and it is broken.
func TestTablesThatJustFit(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{14: "A     B\nword  one more\n", 13: "A     B\nword  one\n      more\n"} {
		p, out := on(width, false)
		p.Table([]string{"A", "B"}, [][]string{{"word", "one more"}}, "")
		if out.String() != want {
			t.Errorf("in %d columns:\n%swant\n%s", width, out, want)
		}
	}
}
