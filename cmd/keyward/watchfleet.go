package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/fleet"
	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
)

type watchCommand struct {
	Every time.Duration `help:"How often to look, at least 1s on a terminal; more rarely where looks take long or fail." default:"5s"`
}

func (watchCommand) Help() string {
	return "On a terminal a screen; otherwise, and with --output json, a line for each change. It ends with q or Ctrl-C, or when the stack " +
		"refuses your credentials (exit code 2); what does not answer for a while is asked again.\n\nExamples:\n  keyward watch\n  keyward watch --output json >>changes.jsonl"
}

func (a watchCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	if a.Every <= 0 {
		return &invalid{fmt.Errorf("--every %s: expected more than nothing", a.Every)}
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	w := &fleet.Watcher{API: api.Remembering(), Now: time.Now}
	if p.JSON() || !p.Terminal().Moves || !show.IsTerminal(os.Stdin) {
		return refusal(watchLines(ctx, w, p, fleet.Pace{Every: a.Every}))
	}
	screen, err := show.TakeScreen(os.Stdin, os.Stdout)
	if err != nil {
		return fmt.Errorf("taking the terminal: %w", err)
	}
	defer screen.Give() // also when something panics
	err = newScreenWatch(screen, w, p.Terminal(), fleet.Pace{Every: max(a.Every, time.Second)}).run(ctx)
	return refusal(errors.Join(err, screen.Give()))
}

// refusal says what to do where the stack does not take who watches.
func refusal(err error) error {
	var refused *people.Refusal
	if errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusUnauthorized) {
		return fmt.Errorf("the stack refuses these AWS credentials, which have expired or may not read it; sign in again, or set --profile: %w", err)
	}
	return err
}

// watchLines prints each change, until it is interrupted. What cannot be read is said once, and read again.
func watchLines(ctx context.Context, w *fleet.Watcher, p *show.Printer, pace fleet.Pace) error {
	for said := ""; ; {
		began := time.Now()
		_, changes, err := w.Look(ctx)
		for _, change := range changes {
			if err := p.Each(change, change.Line()); err != nil {
				return fmt.Errorf("writing a change: %w", err)
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		wait := pace.Next(time.Since(began), err)
		switch {
		case err == nil && said != "":
			fmt.Fprintln(os.Stderr, "keyward: the API answers again")
			said = ""
		case err != nil && fleet.Ends(err):
			return err
		case err != nil && err.Error() != said:
			said = err.Error()
			fmt.Fprintln(os.Stderr, "keyward:", show.Harmless(said)+"; asking again")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}
