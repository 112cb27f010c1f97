package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

// watchFlags keep a list going.
type watchFlags struct {
	Watch bool          `help:"Go on until Ctrl-C, and print what changes."`
	Every time.Duration `help:"How often to look with --watch." default:"5s"`
}

// watched is one row of a list.
type watched struct {
	ID    string
	State string // what makes the row new when it changes
	Cells []string
	Value any // what programs read
}

// watch prints a list, and then each row that is new or has changed, until it is interrupted. What cannot be read for a
// moment is said, and read again.
func (f watchFlags) watch(ctx context.Context, p *show.Printer, header []string, empty string, look func(context.Context) ([]watched, error)) error {
	if f.Every <= 0 {
		return &invalid{fmt.Errorf("--every %s: expected more than nothing", f.Every)}
	}
	seen := map[string]string{}
	for first := true; ; first = false {
		rows, err := look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			fmt.Fprintln(os.Stderr, "keyward:", show.Harmless(err.Error()))
		}
		if err := printNew(p, rows, seen, first, header, empty); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.Every):
		}
	}
}

func printNew(p *show.Printer, rows []watched, seen map[string]string, first bool, header []string, empty string) error {
	values, cells := []any{}, [][]string{}
	for _, r := range rows {
		if state, ok := seen[r.ID]; ok && state == r.State {
			continue
		}
		seen[r.ID] = r.State
		values, cells = append(values, r.Value), append(cells, r.Cells)
	}
	if len(cells) == 0 && !first {
		return nil
	}
	if !first {
		header = nil
	}
	return p.Value(values, func() { p.Table(header, cells, empty) })
}
