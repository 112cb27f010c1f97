// Package show prints for people or for programs: tables with aligned columns, or JSON. It alone decides what a terminal
// gets: colours, how wide lines are, that progress is drawn. Text that came from a machine is made harmless: control
// characters never reach the terminal.
package show

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Printer writes results.
type Printer struct {
	out  io.Writer
	json bool
	to   Terminal

	working   io.Writer // what is said of long work goes here, beside the result
	workingOn Terminal
}

// New returns a printer to a file or a pipe; asJSON prints values as JSON instead of tables.
func New(out io.Writer, asJSON bool) *Printer { return &Printer{out: out, json: asJSON} }

// On is the printer as it prints to a terminal.
func (p *Printer) On(t Terminal) *Printer {
	on := *p
	on.to = t
	return &on
}

// Working is the printer that says how far long work is, beside its results.
func (p *Printer) Working(out io.Writer, t Terminal) *Printer {
	with := *p
	with.working, with.workingOn = out, t
	return &with
}

// Progress begins the progress of what. Nobody hears of it without Working.
func (p *Printer) Progress(what string) *Progress {
	out := p.working
	if out == nil {
		out = io.Discard
	}
	return NewProgress(out, p.workingOn, what, time.Now)
}

// Diagnostics is where what is said beside the results goes.
func (p *Printer) Diagnostics() Terminal { return p.workingOn }

// Terminal is where the results go.
func (p *Printer) Terminal() Terminal { return p.to }

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

// Each prints one of a row of values that has no end: as one line of JSON, or as one line for people.
func (p *Printer) Each(v any, line string) error {
	if p.json {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return err
		}
		_, err := io.WriteString(p.out, HarmlessJSON(text.String()))
		return err
	}
	_, err := fmt.Fprintln(p.out, Harmless(line))
	return err
}

// Line prints one line for people.
func (p *Printer) Line(format string, args ...any) {
	fmt.Fprintln(p.out, Harmless(fmt.Sprintf(format, args...)))
}

// Text prints a text of many lines that somebody stored: as it is to a file or a pipe, harmless to a terminal.
func (p *Printer) Text(s string) {
	if p.to.TTY {
		lines := strings.Split(s, "\n")
		for i, l := range lines {
			lines[i] = Harmless(strings.ReplaceAll(l, "\t", "    "))
		}
		s = strings.Join(lines, "\n")
	}
	io.WriteString(p.out, s)
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
