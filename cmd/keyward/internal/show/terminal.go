package show

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// Terminal is where output goes. The zero value is a file or a pipe: without colours, of any width.
type Terminal struct {
	TTY    bool // it is a terminal
	Moves  bool // whose cursor can be moved
	Colour bool
	Width  int // columns; 0: lines may have any length
}

// The words of --color.
const (
	ColourAuto   = "auto"
	ColourAlways = "always"
	ColourNever  = "never"
)

// TerminalOf is what a file is, by what the user says with --color and by the environment: NO_COLOR (no-color.org),
// TERM=dumb, COLUMNS. Nothing else in the program decides that.
func TerminalOf(f *os.File, colour string, lookup func(string) string) Terminal {
	t := Terminal{TTY: term.IsTerminal(int(f.Fd()))}
	t.Moves = t.TTY && lookup("TERM") != "dumb" && lookup("TERM") != ""
	t.Colour = colour == ColourAlways || colour != ColourNever && t.Moves && lookup("NO_COLOR") == ""
	if t.TTY {
		t.Width, _ = Size(f, lookup)
	}
	return t
}

// Size is how many columns and lines a terminal has; 80 and 24 when it does not say.
func Size(f *os.File, lookup func(string) string) (columns, lines int) {
	columns, lines, err := term.GetSize(int(f.Fd()))
	if err != nil || columns <= 0 || lines <= 0 {
		columns, lines = 80, 24
	}
	if n, err := strconv.Atoi(lookup("COLUMNS")); err == nil && n > 0 {
		columns = n
	}
	return columns, lines
}

// Tone is how a text looks where there are colours.
type Tone string

// The tones, as the numbers of ECMA-48's SGR. They are what every terminal has, in the colours of its user.
const (
	Plain  Tone = ""
	Bold   Tone = "1"
	Faint  Tone = "2"
	Red    Tone = "31"
	Green  Tone = "32"
	Yellow Tone = "33"
	Turned Tone = "7"
)

// Paint is a harmless text in a tone, the text itself where there are no colours.
func (t Terminal) Paint(tone Tone, text string) string {
	if !t.Colour || tone == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(tone) + "m" + text + "\x1b[0m"
}
