package clock_test

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/local/clock"
)

func TestForwardFiresInOrderAndSettles(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	c := clock.New(func() time.Time { return start })
	var order []string
	note := func(s string) func() {
		return func() { order = append(order, s+" "+c.Now().Format("15:04")) }
	}
	c.At(start.Add(2*time.Hour), "b", note("b"))
	c.At(start.Add(time.Hour), "a", func() {
		note("a")()
		c.After(30*time.Minute, "a2", note("a2"))
	})
	c.At(start.Add(5*time.Hour), "late", note("late"))
	stopped := c.At(start.Add(time.Hour), "stopped", note("stopped"))
	if !stopped.Stop() || stopped.Stop() {
		t.Error("Stop: want true once, then false")
	}
	if err := c.Forward(context.Background(), 4*time.Hour); err != nil {
		t.Fatal(err)
	}
	want := []string{"a 01:00", "a2 01:30", "b 02:00"}
	if len(order) != len(want) {
		t.Fatalf("fired %q, want %q", order, want)
	}
	for i := range want {
		if order[i] != want[i] {
			t.Errorf("fired %q, want %q", order, want)
		}
	}
	if got := c.Now(); !got.Equal(start.Add(4 * time.Hour)) {
		t.Errorf("Now() = %s after four hours", got)
	}
	if p := c.Pending(); len(p) != 1 || p[0].Name != "late" {
		t.Errorf("Pending() = %v, want late alone", p)
	}
}

func TestForwardWaitsForWork(t *testing.T) {
	t.Parallel()
	c := clock.New(nil)
	done := c.Work("document")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Forward(ctx, time.Hour); err == nil {
		t.Fatal("Forward went on while work was in flight")
	}
	done()
	done() // a second call changes nothing
	if err := c.Forward(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if c.Offset() < time.Hour-time.Second {
		t.Errorf("Offset() = %s, want an hour", c.Offset())
	}
}

func TestForwardRefusesTheWayBack(t *testing.T) {
	t.Parallel()
	if err := clock.New(nil).Forward(context.Background(), -time.Second); err == nil {
		t.Error("Forward(-1s) = nil, want an error")
	}
}

func TestRunFiresWithRealTime(t *testing.T) {
	t.Parallel()
	c := clock.New(nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go c.Run(ctx)
	fired := make(chan struct{})
	c.After(time.Millisecond, "soon", func() { close(fired) })
	<-fired
}
