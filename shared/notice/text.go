package notice

import "strings"

// width is the most characters of a line of the plain text.
const width = 76

// text is the plain body.
func (d document) text() string {
	var b strings.Builder
	b.WriteString(wrap(d.Heading, "", width) + "\n")
	for _, p := range d.Lead {
		b.WriteString(wrap(p, "", width) + "\n")
	}
	rows(&b, d.Facts, "")
	if len(d.Findings) > 0 {
		title(&b, findingsTitle)
	}
	for _, f := range d.Findings {
		b.WriteString(wrap("* "+f.Rule, "", width))
		rows(&b, f.Rows, "  ")
	}
	if d.More != "" {
		b.WriteString(wrap(d.More, "", width) + "\n")
	}
	for _, s := range d.Sections {
		title(&b, s.Heading)
		for _, i := range s.Items {
			switch {
			case i.Command != "":
				b.WriteString("    " + i.Command + "\n\n")
			case i.Link != "":
				b.WriteString(i.Link + "\n\n")
			case i.Table != nil:
				i.Table.text(&b)
			default:
				b.WriteString(wrap(i.Paragraph, "", width) + "\n")
			}
		}
	}
	b.WriteString("-- \n") // the mark that mail programs know a signature by
	for _, f := range d.Footer {
		b.WriteString(wrap(f, "", width))
	}
	return b.String()
}

// findingsTitle heads the findings in both bodies.
const findingsTitle = "What was found"

func title(b *strings.Builder, s string) {
	b.WriteString(s + "\n" + strings.Repeat("-", len([]rune(s))) + "\n\n")
}

// rows writes a table as lines of label and value; a long value goes on below its label.
func rows(b *strings.Builder, rows []row, indent string) {
	for _, r := range rows {
		line := indent + r.Label + ": " + r.Value
		if len([]rune(line)) <= width {
			b.WriteString(line + "\n")
			continue
		}
		b.WriteString(indent + r.Label + ":\n" + wrap(r.Value, indent+"  ", width))
	}
	b.WriteByte('\n')
}

// text writes a table as a list: its columns once, and then each row, a line or more for each of its cells.
func (t table) text(b *strings.Builder) {
	b.WriteString(wrap(strings.Join(t.Columns, " / "), "", width) + "\n")
	for _, r := range t.Rows {
		b.WriteString(wrap("* "+r[0], "", width))
		for _, cell := range r[1:] {
			if cell != "" {
				b.WriteString(wrap(cell, "  ", width))
			}
		}
	}
	b.WriteByte('\n')
}

// wrap breaks a paragraph into lines of at most width characters, each begun by indent. A longer word
// gets a line of its own.
func wrap(s, indent string, width int) string {
	var b strings.Builder
	line := 0
	for _, word := range strings.Fields(s) {
		n := len([]rune(word))
		if line > 0 && line+1+n > width {
			b.WriteString("\n")
			line = 0
		}
		if line == 0 {
			b.WriteString(indent)
			line = len(indent)
		} else {
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += n
	}
	b.WriteByte('\n')
	return b.String()
}
