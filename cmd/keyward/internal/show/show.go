// Package show prints for people or for programs: tables with aligned columns, or JSON. Text that
// came from a machine is made harmless: control characters never reach the terminal.
package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"
)

// Printer writes results.
type Printer struct {
	out  io.Writer
	json bool
}

// New returns a printer; asJSON prints values as JSON instead of tables.
func New(out io.Writer, asJSON bool) *Printer { return &Printer{out: out, json: asJSON} }

// JSON says whether programs read the output.
func (p *Printer) JSON() bool { return p.json }

// Value prints v as JSON, or calls table to print it for people.
func (p *Printer) Value(v any, table func()) error {
	if !p.json {
		table()
		return nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(p.out, HarmlessJSON(text.String()))
	return err
}

// Line prints one line for people.
func (p *Printer) Line(format string, args ...any) {
	fmt.Fprintln(p.out, Harmless(fmt.Sprintf(format, args...)))
}

// Table prints rows below a header. An empty table prints what instead.
func (p *Printer) Table(header []string, rows [][]string, empty string) {
	if len(rows) == 0 {
		p.Line("%s", empty)
		return
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	write := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, Harmless(c))
		}
		fmt.Fprintln(w)
	}
	if len(header) > 0 {
		write(header)
	}
	for _, r := range rows {
		write(r)
	}
	w.Flush()
}

// Harmless replaces control characters, which could move the cursor or rewrite lines, by "?".
func Harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' {
			return '?'
		}
		return r
	}, s)
}

// HarmlessJSON escapes what JSON lets stand in texts and terminals act upon, such as U+009B. What it
// says stays the same.
func HarmlessJSON(s string) string {
	var out strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII || unicode.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

// Time prints an instant in UTC to the second; "-" when there is none.
func Time(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// Or is s, or instead when it is empty.
func Or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
