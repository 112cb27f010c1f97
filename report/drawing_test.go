package report_test

import (
	"math"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/report"
)

func TestDraw(t *testing.T) {
	t.Parallel()
	good := report.Series{Name: "good", Tone: report.ToneGood, Values: []float64{2, 0}}
	bad := report.Series{Name: "bad", Tone: report.ToneBad, Values: []float64{1, 4}}
	got := report.Chart{Labels: []string{"Mon", "Tue"}, Series: []report.Series{good, bad}}.Draw(1)
	want := report.Drawing{
		Lines: []report.Mark{{At: 0, Text: "0"}, {At: 0.25, Text: "1"}, {At: 0.5, Text: "2"}, {At: 0.75, Text: "3"}, {At: 1, Text: "4"}},
		Bars: []report.Bar{
			{Left: 0.05, Width: 0.4, Height: 0.5, Label: "Mon", Series: good, Value: 2},
			{Left: 0.05, Width: 0.4, Bottom: 0.5, Height: 0.25, Label: "Mon", Series: bad, Value: 1},
			{Left: 0.55, Width: 0.4, Height: 1, Label: "Tue", Series: bad, Value: 4},
		},
		Labels: []report.Mark{{At: 0.25, Text: "Mon"}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("Draw (-want +got):\n%s", diff)
	}
	empty := report.Chart{}.Draw(10)
	if len(empty.Bars) != 0 || len(empty.Labels) != 0 || len(empty.Lines) != 2 {
		t.Errorf("Draw of nothing = %+v", empty)
	}
}

// Whatever is counted, it is drawn inside its room, and the bars have the height of their values.
func TestDrawingsFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, most := rapid.IntRange(0, 400).Draw(t, "labels"), rapid.IntRange(1, 20).Draw(t, "most labels")
		c := report.Chart{Series: make([]report.Series, rapid.IntRange(0, 4).Draw(t, "series"))}
		for i := range n {
			c.Labels = append(c.Labels, strconv.Itoa(i))
		}
		total := 0.0
		for i := range c.Series {
			c.Series[i].Values = rapid.SliceOfN(rapid.Float64Range(0, 1e9), n, n).Draw(t, "values")
			for _, v := range c.Series[i].Values {
				total += v
			}
		}
		d := c.Draw(most)
		drawn := 0.0
		for _, b := range d.Bars {
			if b.Left < 0 || b.Left+b.Width > 1 || b.Bottom < 0 || b.Height <= 0 || b.Bottom+b.Height > 1+1e-9 {
				t.Fatalf("bar %+v", b)
			}
			drawn += b.Value
		}
		if math.Abs(drawn-total) > 1e-6*total {
			t.Fatalf("bars of %v, counted are %v", drawn, total)
		}
		if len(d.Labels) > most || len(d.Labels) == 0 && n > 0 || len(d.Lines) < 2 || len(d.Lines) > 6 || math.Abs(d.Lines[len(d.Lines)-1].At-1) > 1e-9 {
			t.Fatalf("%d labels of at most %d, lines %v", len(d.Labels), most, d.Lines)
		}
	})
}

func TestTonesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[[3]int]report.Tone{{}: "none"}
	for _, tone := range []report.Tone{report.ToneGood, report.ToneBad, report.ToneUnknown, report.TonePlain, report.ToneOther} {
		if other, ok := seen[tone.RGB()]; ok {
			t.Errorf("%s looks as %s", tone, other)
		}
		seen[tone.RGB()] = tone
	}
	if got := report.Tone("").RGB(); got != [3]int{} {
		t.Errorf("RGB of none = %v", got)
	}
}
