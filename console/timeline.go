package console

import "time"

// timeline is what is due, on a line from now on.
type timeline struct {
	Span   time.Duration
	Bars   []bar // that are not empty
	Marks  []mark
	Moving int // machines on the line whose keys go
	Held   int // and that are held
	Past   int // due already
	Later  int // beyond the line
}

// bar is what is due in one part of the line, in thousandths of its width and hundredths of its height.
type bar struct {
	X, W      float64
	Y, H      float64 // of those that move
	HeldY, HH float64 // of those that are held, above them
	N, Held   int
}

// mark is a label below the line.
type mark struct {
	X    float64
	Text string
}

const bins = 72

// spans are how long a line may be: the shortest that shows everything.
var spans = []time.Duration{time.Hour, 6 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 7 * 24 * time.Hour}

func timelineOf(now time.Time, due []row) timeline {
	t := timeline{Span: spans[0]}
	for _, s := range spans {
		t.Span = s
		if len(due) == 0 || due[len(due)-1].DueAt.Sub(now) <= s {
			break
		}
	}
	if len(due) == 0 {
		t.Span = 24 * time.Hour
	}
	var at [bins]bar
	most := 1
	for _, m := range due {
		off := m.DueAt.Sub(now)
		if off > t.Span {
			t.Later++
			continue
		}
		if off < 0 {
			t.Past++
		}
		b := &at[min(bins-1, max(0, int(float64(off)/float64(t.Span)*bins)))]
		if m.HeldFor != "" {
			b.Held++
			t.Held++
		} else {
			b.N++
			t.Moving++
		}
		most = max(most, b.N+b.Held)
	}
	for i, b := range at {
		if b.N+b.Held == 0 {
			continue
		}
		const width, high, least = 1000.0 / bins, 100.0, 8.0
		scale := func(n int) float64 {
			if n == 0 {
				return 0
			}
			return max(least, high*float64(n)/float64(most)) // one machine among thousands is seen, too
		}
		b.X, b.W, b.H, b.HH = float64(i)*width, width-2, scale(b.N), scale(b.Held)
		if over := (b.H + b.HH) / high; over > 1 {
			b.H, b.HH = b.H/over, b.HH/over
		}
		b.Y = high - b.H
		b.HeldY = b.Y - b.HH
		t.Bars = append(t.Bars, b)
	}
	for i := range 5 {
		text := "now"
		if i > 0 {
			text = "in " + span(t.Span*time.Duration(i)/4)
		}
		t.Marks = append(t.Marks, mark{float64(i) * 250, text})
	}
	return t
}
