package show

import (
	"fmt"
	"strings"
)

// mostOfACell is how many bytes of one cell people are shown: a machine may have put a megabyte there, and all other rows
// would be filled up to it. JSON has the whole.
const mostOfACell = 2000

const gap = 2 // columns between two columns of a table

// Table prints rows below a header. An empty table prints what instead. On a terminal it fits the width: texts are broken at
// blanks, and where not even that helps each row becomes a block of lines. Nothing is left out, and no id is cut. To a file
// or a pipe lines are as long as they are.
func (p *Printer) Table(header []string, rows [][]string, empty string) {
	if len(rows) == 0 {
		p.Line("%s", empty)
		return
	}
	var all [][]string
	if len(header) > 0 {
		all = append(all, header)
	}
	for _, r := range rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = cell(c)
		}
		all = append(all, cells)
	}
	widths := natural(all)
	if p.to.Width > 0 && total(widths) > p.to.Width {
		fitted, ok := fit(all, widths, p.to.Width)
		if !ok && len(header) > 0 {
			p.blocks(header, all[1:])
			return
		}
		widths = fitted
	}
	for i, r := range all {
		for _, line := range broken(r, widths) {
			p.row(line, widths, i == 0 && len(header) > 0)
		}
	}
}

// cell is a harmless line of at most so many bytes.
func cell(s string) string {
	if len(s) <= mostOfACell {
		return Harmless(s)
	}
	return strings.ToValidUTF8(Harmless(s[:mostOfACell]), "") + fmt.Sprintf("… (%d more bytes)", len(s)-mostOfACell)
}

// natural are the widths of the columns. The last cell of a row is followed by none, and counts as what overhangs.
func natural(rows [][]string) []int {
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(c))
		}
	}
	return widths
}

func total(widths []int) int {
	n := gap * (len(widths) - 1)
	for _, w := range widths {
		n += w
	}
	return n
}

// fit makes the widest columns narrower, down to their widest word, until all fit; false when they do not even then.
func fit(rows [][]string, widths []int, columns int) ([]int, bool) {
	least := make([]int, len(widths))
	for _, r := range rows {
		for i, c := range r {
			least[i] = max(least[i], widestWord(c))
		}
	}
	widths = append([]int{}, widths...)
	for over := total(widths) - columns; over > 0; {
		widest, next := -1, 0
		for i, w := range widths {
			switch {
			case w <= least[i]:
			case widest < 0 || w > widths[widest]:
				if widest >= 0 {
					next = widths[widest]
				}
				widest = i
			case w > next:
				next = w
			}
		}
		if widest < 0 {
			return widths, false
		}
		by := min(over, widths[widest]-max(least[widest], min(next, widths[widest]-1)))
		widths[widest], over = widths[widest]-by, over-by
	}
	return widths, true
}

// broken are the lines of one row.
func broken(row []string, widths []int) [][]string {
	parts := make([][]string, len(row))
	height := 1
	for i, c := range row {
		parts[i] = wrap(c, max(widths[i], 1))
		if Width(c) <= widths[i] {
			parts[i] = []string{c}
		}
		height = max(height, len(parts[i]))
	}
	lines := make([][]string, height)
	for n := range lines {
		lines[n] = make([]string, len(row))
		for i := range row {
			if n < len(parts[i]) {
				lines[n][i] = parts[i][n]
			}
		}
	}
	return lines
}

func (p *Printer) row(cells []string, widths []int, header bool) {
	var line strings.Builder
	for i, c := range cells {
		text := c
		if i < len(cells)-1 {
			text = Pad(c, widths[i]+gap)
		}
		line.WriteString(p.to.Paint(tone(c, header), text))
	}
	fmt.Fprintln(p.out, strings.TrimRight(line.String(), " "))
}

// tone is how a cell looks that is one of the words people look for.
func tone(cell string, header bool) Tone {
	if header {
		return Bold
	}
	switch cell {
	case "Good", "Pass":
		return Green
	case "Bad", "Fail", "Revoked", "Revoked, not effective":
		return Red
	case "Unknown":
		return Yellow
	}
	return Plain
}

// blocks prints each row as lines of their own, a cell each.
func (p *Printer) blocks(header []string, rows [][]string) {
	label := natural([][]string{header})
	most := 0
	for _, w := range label {
		most = max(most, w)
	}
	for n, r := range rows {
		if n > 0 {
			fmt.Fprintln(p.out)
		}
		for i, c := range r {
			name := ""
			if i < len(header) {
				name = header[i]
			}
			for k, part := range wrap(c, max(p.to.Width-most-gap, 1)) {
				if k > 0 {
					name = ""
				}
				fmt.Fprintln(p.out, strings.TrimRight(p.to.Paint(Bold, Pad(name, most+gap))+p.to.Paint(tone(c, false), part), " "))
			}
		}
	}
}
