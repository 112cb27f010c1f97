package report

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/keyward/keyward/shared/plain"
)

// Cell is one value: a text, a moment, a length of time, a number or nothing. The zero value is nothing.
type Cell struct {
	kind  kind
	text  string
	at    time.Time
	took  time.Duration
	value float64
}

type kind int

const (
	nothing kind = iota
	text
	moment
	length
	number
	percent
)

// MaxText is how many bytes of a text a report has.
const MaxText = 2000

// Text is a text, as one harmless line.
func Text(s string) Cell { return Cell{kind: text, text: Clean(s)} }

// At is a moment; nothing when it is zero.
func At(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Cell{kind: moment, at: t}
}

// Took is a length of time, to the second.
func Took(d time.Duration) Cell { return Cell{kind: length, took: d.Truncate(time.Second)} }

// Count is a number of things.
func Count(n int) Cell { return Cell{kind: number, value: float64(n)} }

// Share is a part of a whole in percent, to a tenth; nothing when there is no whole.
func Share(part, whole float64) Cell {
	if whole <= 0 {
		return Cell{}
	}
	tenths := int(part * 1000 / whole) // cut, so that 100 is all
	return Cell{kind: percent, value: float64(tenths) / 10}
}

// In is the cell in words, with times in a zone.
func (c Cell) In(zone *time.Location) string {
	switch c.kind {
	case text:
		return c.text
	case moment:
		return c.at.In(zone).Format("2006-01-02 15:04:05 -07:00")
	case length:
		return span(c.took)
	case number:
		return strconv.FormatFloat(c.value, 'f', -1, 64)
	case percent:
		return strconv.FormatFloat(c.value, 'f', 1, 64) + " %"
	default:
		return ""
	}
}

// Value is what the cell holds, for programs: a string, a time.Time, a time.Duration, a float64 (of a share between 0
// and 100) or nil.
func (c Cell) Value() any {
	switch c.kind {
	case text:
		return c.text
	case moment:
		return c.at
	case length:
		return c.took
	case number, percent:
		return c.value
	default:
		return nil
	}
}

// Numeric is whether it is a number, which tables align to the right.
func (c Cell) Numeric() bool { return c.kind == number || c.kind == percent || c.kind == length }

// MarshalJSON writes a text, a time as RFC 3339 in UTC, a length of time as seconds, a number or null.
func (c Cell) MarshalJSON() ([]byte, error) {
	switch v := c.Value().(type) {
	case time.Duration:
		return json.Marshal(int64(v / time.Second))
	case time.Time:
		return json.Marshal(v.UTC())
	default:
		return json.Marshal(v)
	}
}

// span is a length of time in its two largest units.
func span(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	parts := []struct {
		unit string
		n    int64
	}{{"d", int64(d / (24 * time.Hour))}, {"h", int64(d/time.Hour) % 24}, {"min", int64(d/time.Minute) % 60}, {"s", int64(d/time.Second) % 60}}
	for i, p := range parts {
		if p.n == 0 && i < len(parts)-1 {
			continue
		}
		out := fmt.Sprintf("%s%d %s", sign, p.n, p.unit)
		if i+1 < len(parts) && parts[i+1].n > 0 {
			out += fmt.Sprintf(" %d %s", parts[i+1].n, parts[i+1].unit)
		}
		return out
	}
	return ""
}

// Clean is one harmless line of a text: what is longer than MaxText bytes is cut and says so.
func Clean(s string) string { return plain.Cut(s, MaxText, " [cut]") }
