package fleet

import (
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

// page draws lines that are never wider than the terminal.
type page struct {
	to    show.Terminal
	lines []string
}

type piece struct {
	tone show.Tone
	text string
}

// line adds a line of pieces; what does not fit is cut at its end.
func (p *page) line(pieces ...piece) {
	var line strings.Builder
	left := p.to.Width
	for _, one := range pieces {
		text := show.Clip(show.Harmless(firstOf(one.text, 4*p.to.Width)), left)
		line.WriteString(p.to.Paint(one.tone, text))
		left -= show.Width(text)
	}
	p.lines = append(p.lines, strings.TrimRight(line.String(), " "))
}

// flow adds pieces, on as many lines as they need when the terminal has lines to spare.
func (p *page) flow(spare bool, pieces ...piece) {
	var line []piece
	used := 0
	for _, one := range pieces {
		if w := show.Width(show.Harmless(firstOf(one.text, 4*p.to.Width))); spare && used > 0 && used+w > p.to.Width {
			p.line(line...)
			line, used = nil, 0
			one.text = strings.TrimLeft(one.text, " ")
		}
		line, used = append(line, one), used+show.Width(one.text)
	}
	p.line(line...)
}

// firstOf is enough of a text for a line: a machine's can be a megabyte, and is drawn every second.
func firstOf(s string, runes int) string {
	if len(s) <= runes {
		return s
	}
	n := 0
	for i := range s {
		if n++; n > runes {
			return s[:i]
		}
	}
	return s
}

// filled has the foot on the last lines.
func filled(lines, foot []string, n int) []string {
	n = max(n, 1)
	if len(lines) > n-len(foot) {
		lines = lines[:max(n-len(foot), 0)]
	}
	for len(lines) < n-len(foot) {
		lines = append(lines, "")
	}
	return append(lines, foot...)[:n]
}
