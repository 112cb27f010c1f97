package main

import (
	"context"
	"os"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/fleet"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

// screenWatch draws the fleet until its user ends it.
type screenWatch struct {
	screen  *show.Screen
	watcher *fleet.Watcher
	to      show.Terminal
	pace    fleet.Pace
	view    fleet.View
	room    int // machines that the screen has room for
}

func newScreenWatch(screen *show.Screen, w *fleet.Watcher, to show.Terminal, pace fleet.Pace) *screenWatch {
	return &screenWatch{screen: screen, watcher: w, to: to, pace: pace}
}

// looked is one look that is over.
type looked struct {
	look    *fleet.Look
	changes []fleet.Change
	owed    int
	wait    time.Duration
	err     error
}

// mostChanges are how many changes are remembered for the screen.
const mostChanges = 200

// run draws what is known, whatever the API does meanwhile: a look that hangs stops neither the clock nor the keys.
func (s *screenWatch) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const redraw = 250 * time.Millisecond // a changed size is seen so late at most
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	looks, keys := make(chan looked, 1), s.screen.Keys()
	next := time.After(0)
	for {
		if err := s.draw(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case typed, open := <-keys:
			if !open || s.view.Press(typed, s.room) {
				return nil
			}
		case <-next:
			go func() { looks <- s.look(ctx) }()
		case l := <-looks:
			if fleet.Ends(l.err) && ctx.Err() == nil {
				return l.err
			}
			s.take(l)
			next = time.After(l.wait)
		}
	}
}

// look is one look, and before the first change what happened last.
func (s *screenWatch) look(ctx context.Context) looked {
	began := time.Now()
	first := s.view.Look == nil
	var l looked
	l.look, l.changes, l.err = s.watcher.Look(ctx)
	if first && l.err == nil {
		l.changes, l.err = s.watcher.Newest(ctx, 20)
	}
	l.owed, l.wait = s.watcher.Owed(), s.pace.Next(time.Since(began), l.err)
	return l
}

// take has the view show what was read. What could not be read leaves what was.
func (s *screenWatch) take(l looked) {
	s.view.Changes = append(s.view.Changes, l.changes...)
	s.view.Changes = s.view.Changes[max(0, len(s.view.Changes)-mostChanges):]
	s.view.Owed, s.view.Trouble, s.view.Again = l.owed, "", time.Now().Add(l.wait)
	if l.look != nil {
		s.view.Look, s.view.Due = l.look, dueNext(l.look)
	}
	if l.err != nil {
		s.view.Trouble = l.err.Error()
	}
}

func (s *screenWatch) draw() error {
	s.view.Now = time.Now()
	columns, lines := show.Size(os.Stdout, os.Getenv)
	var drawn []string
	drawn, s.room = fleet.Draw(s.view, fleet.Size{Columns: columns, Lines: lines}, s.to)
	return s.screen.Draw(drawn, columns)
}

// dueNext are the revocations to come, in the order of keyward machine list --due.
func dueNext(l *fleet.Look) []fleet.Due {
	machines := map[string]record.Machine{}
	for _, m := range l.Machines {
		machines[m.ID] = m
	}
	var due []fleet.Due
	for _, d := range planOf(l.Machines, l.Status) {
		due = append(due, fleet.Due{Machine: d.Machine, Name: machines[d.Machine].Name, Policy: d.Policy, At: d.Earliest, Held: d.Held})
	}
	return due
}
