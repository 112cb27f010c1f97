package show_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 1, 4, 30, 0, 0, time.UTC)
	run := func(to show.Terminal, steps int, step time.Duration) string {
		var out bytes.Buffer
		now := begin
		p := show.NewProgress(&out, to, "reading \x1bledgers", func() time.Time { return now })
		for i := range steps {
			now = now.Add(step)
			p.Done(int64(i+1), 100)
		}
		p.End()
		return out.String()
	}
	if got := run(show.Terminal{}, 90, 100*time.Millisecond); got != "" {
		t.Errorf("a pipe hears %q of 9 seconds of work", got)
	}
	if got, want := run(show.Terminal{}, 25, time.Second), "reading ?ledgers: 10 %, about 1min 30s left\nreading ?ledgers: 20 %, about 1min 20s left\n"; got != want {
		t.Errorf("a pipe hears %q, want %q", got, want)
	}
	terminal := show.Terminal{TTY: true, Moves: true, Width: 30}
	if got := run(terminal, 4, 100*time.Millisecond); got != "" {
		t.Errorf("a terminal gets %q for work that is done at once", got)
	}
	got := run(terminal, 50, time.Second)
	if !strings.HasPrefix(got, "\rreading ?ledgers: 1 %\x1b[K\rreading ?ledgers: 2 %, about…\x1b[K\r") || !strings.HasSuffix(got, "50 %, abou…\x1b[K\r\x1b[K") {
		t.Errorf("a terminal gets %q", got)
	}
	var out bytes.Buffer
	now := begin
	p := show.NewProgress(&out, show.Terminal{}, "waiting", func() time.Time { return now })
	now = now.Add(12 * time.Second)
	p.Done(0, 0)
	if out.String() != "waiting: 12s so far\n" {
		t.Errorf("work of unknown size says %q", out.String())
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 12500 * time.Millisecond: "12s", 4 * time.Minute: "4min 0s", 239 * time.Minute: "3h 59min", 52 * time.Hour: "2d 4h", -90 * time.Second: "-1min 30s",
	} {
		if got := show.Span(d); got != want {
			t.Errorf("Span(%s) = %s, want %s", d, got, want)
		}
	}
}
