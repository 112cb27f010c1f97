// Package report makes reports of what Keyward keeps: which keys were approved and denied, how machines did, what was
// revoked and why, who did what. Build turns Data into a Report, and the packages below it write one as a page, a sheet
// or a paper; JSON and CSV are here. It asks no clock and calls nobody.
//
// A report says its period, its time zone, when it was made and what could not be read. What is not known is said, and
// never counted as something. All text in it is one harmless line: most of it was written by machines and people.
package report

import (
	"math"
	"time"
)

// Report is what was found, in the order in which it is shown.
type Report struct {
	Title    string    `json:"title"`
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Version  string    `json:"version"` // of Keyward
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`   // not in it; the moment of reading when the period was not over
	Zone     string    `json:"zone"` // IANA name, in which the times are
	MadeAt   time.Time `json:"madeAt"`
	Gaps     []string  `json:"gaps,omitempty"` // what could not be read; none: it is complete
	Notes    []string  `json:"notes"`          // about the whole
	Sections []Section `json:"sections"`
}

// Complete is whether everything that was to be read was read.
func (r Report) Complete() bool { return len(r.Gaps) == 0 }

// Section is one part of a report.
type Section struct {
	ID      ID       `json:"id"`
	Title   string   `json:"title"`
	About   string   `json:"about"`           // what it counts and from where, in one line
	Notes   []string `json:"notes,omitempty"` // what could not be known
	Figures []Figure `json:"figures,omitempty"`
	Charts  []Chart  `json:"charts,omitempty"`
	Tables  []Table  `json:"tables"`
}

// Figure is one number with its name.
type Figure struct {
	Name  string `json:"name"`
	Value Cell   `json:"value"`
}

// Table is rows below a header. One without rows says Empty.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    [][]Cell `json:"rows"`
	Empty   string   `json:"empty,omitempty"`
}

// Chart is stacked bars: one bar a label, in it one part a series.
type Chart struct {
	Title  string   `json:"title"`
	Unit   string   `json:"unit"` // what is counted, such as machines
	Labels []string `json:"labels"`
	Series []Series `json:"series"`
}

// Series is one value a label.
type Series struct {
	Name   string    `json:"name"`
	Tone   Tone      `json:"tone"`
	Values []float64 `json:"values"`
}

// Tone is what a series means, so that it looks the same in each chart.
type Tone string

// The tones.
const (
	ToneGood    Tone = "good"
	ToneBad     Tone = "bad"
	ToneUnknown Tone = "unknown"
	TonePlain   Tone = "plain"
	ToneOther   Tone = "other"
)

// highest is the highest bar.
func (c Chart) highest() float64 {
	highest := 0.0
	for i := range c.Labels {
		sum := 0.0
		for _, s := range c.Series {
			sum += s.Values[i]
		}
		highest = max(highest, sum)
	}
	return highest
}

// stepTo is how far apart the lines of a scale up to a value are: a round number, at most five of them.
func stepTo(highest float64) float64 {
	if highest <= 0 {
		return 1
	}
	raw := highest / 4
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, f := range []float64{1, 2, 5, 10} {
		if raw <= f*unit {
			return math.Max(f*unit, 1)
		}
	}
	return 10 * unit
}
