package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type notifierCheck struct {
	Files []string `arg:"" help:"Files of notifiers."`
}

func (notifierCheck) Help() string { return "Example:\n  keyward notice check shop-ops.yaml" }

// checkedNotifier is the outcome of one file, for programs.
type checkedNotifier struct {
	File     string         `json:"file"`
	Notifier string         `json:"notifier,omitempty"`
	Errors   []policy.Error `json:"errors"`
}

func (a notifierCheck) Run(p *show.Printer) error {
	var results []checkedNotifier
	wrong := 0
	for _, file := range a.Files {
		n, err := readNotifier(file)
		r := checkedNotifier{File: file, Notifier: n.Name, Errors: []policy.Error{}}
		var found policy.Errors
		switch {
		case errors.As(err, &found):
			r.Errors = found
			wrong++
		case err != nil:
			return err
		}
		results = append(results, r)
	}
	err := p.Value(results, func() {
		for _, r := range results {
			for _, e := range r.Errors {
				p.Line("%s:%s", r.File, e.Error())
			}
			if len(r.Errors) == 0 {
				p.Line("%s: notifier %s, no errors", r.File, r.Notifier)
			}
		}
	})
	if err == nil && wrong > 0 {
		return &invalid{fmt.Errorf("%d of %s have errors", wrong, count(len(a.Files), "file"))}
	}
	return err
}

func readNotifier(file string) (record.Notifier, error) {
	text, err := readSmall(file)
	if err != nil {
		return record.Notifier{}, err
	}
	return notifier.Read(text)
}

type notifierPut struct {
	File   string `arg:"" help:"File of the notifier."`
	Over   int    `help:"Only over this version, the one that was read; otherwise nothing is stored." placeholder:"VERSION"`
	Rotate bool   `help:"Make its webhook another secret; posts are signed with that from then on."`
}

func (notifierPut) Help() string {
	return "The secret of a webhook that is new, or at another address, is printed this once.\n\nExample:\n  keyward notice put shop-ops.yaml"
}

func (a notifierPut) Run(ctx context.Context, c *cli, p *show.Printer) error {
	n, err := readNotifier(a.File)
	if err != nil {
		return named(a.File, err)
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	stored, err := api.PutNotifier(ctx, n, a.Over, a.Rotate)
	if err != nil {
		return err
	}
	return p.Value(stored, func() {
		p.Line("Notifier %s is stored as version %d.", stored.Name, stored.Version)
		if stored.Webhook != nil && stored.Webhook.Secret != "" {
			p.Line("What is posted is signed with this secret, which is shown this once:")
			p.Line("%s", stored.Webhook.Secret)
		}
	})
}

type notifierList struct{}

func (notifierList) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	all, err := api.Notifiers(ctx)
	if err != nil {
		return err
	}
	return p.Value(all, func() {
		var rows [][]string
		for _, n := range all {
			rows = append(rows, []string{n.Name, notifier.Which(n), notifier.Whom(n), notifier.When(n)})
		}
		p.Table([]string{"NOTIFIER", "EVENTS", "TELLS", "WHEN"}, rows, "There is no notifier: machines' owners and their policies' addresses alone are told.")
	})
}

type notifierShow struct {
	Name string `arg:"" help:"Name of the notifier."`
}

func (notifierShow) Help() string {
	return "Of a webhook's address the host alone is shown; put so, the stored address stays.\n\nExample:\n  keyward notice show shop-ops >shop-ops.yaml"
}

func (a notifierShow) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	n, err := api.Notifier(ctx, a.Name)
	if err != nil {
		return err
	}
	return p.Value(n, func() { p.Text(notifier.Write(n)) })
}

type notifierDelete struct {
	Name   string `arg:"" help:"Name of the notifier."`
	Reason string `required:"" help:"Why; it is recorded with your name."`
}

func (notifierDelete) Help() string {
	return "Example:\n  keyward notice delete shop-ops --reason 'the shop has closed'"
}

func (a notifierDelete) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	n, err := api.DeleteNotifier(ctx, a.Name, a.Reason)
	if err != nil {
		return err
	}
	return p.Value(n, func() { p.Line("Notifier %s is deleted: it tells nobody any more.", n.Name) })
}
