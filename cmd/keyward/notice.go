package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type noticeCommands struct {
	List      noticeList     `cmd:"" help:"List the events that people are told of."`
	Preview   noticePreview  `cmd:"" help:"Show what a mail would say, and send nothing."`
	Check     notifierCheck  `cmd:"" help:"Check files of notifiers; every error with line and column. Needs no AWS."`
	Put       notifierPut    `cmd:"" help:"Store a notifier, which tells others of events besides."`
	Notifiers notifierList   `cmd:"" help:"List the notifiers."`
	Show      notifierShow   `cmd:"" help:"Print a stored notifier, as it can be put again."`
	Delete    notifierDelete `cmd:"" help:"Have a notifier tell nobody any more."`
}

type noticeList struct{}

func (noticeList) Help() string { return "Example:\n  keyward notice list" }

// event is one row of the list, for programs.
type event struct {
	Event string `json:"event"`
	When  string `json:"when"`
}

func (noticeList) Run(p *show.Printer) error {
	var all []event
	for _, e := range notice.Events() {
		all = append(all, event{string(e.Kind), e.Said()})
	}
	return p.Value(all, func() {
		var rows [][]string
		for _, e := range all {
			rows = append(rows, []string{e.Event, e.When})
		}
		p.Table([]string{"EVENT", "IS SENT WHEN"}, rows, "")
	})
}

type noticePreview struct {
	Event   string `arg:"" help:"An event of 'keyward notice list', such as warning."`
	Machine string `arg:"" optional:"" help:"A machine's id, for what its records say now; without it, an example."`
	HTML    bool   `help:"The HTML body instead of the text."`
}

func (noticePreview) Help() string {
	return "What only the moment of sending knows, such as who decided and why, is an example in it.\n\nExamples:\n" +
		"  keyward notice preview warning\n  keyward notice preview dueSoon i-1234567890abcdef0\n  keyward notice preview revoked i-1234567890abcdef0 --html >mail.html"
}

func (a noticePreview) Run(ctx context.Context, c *cli, p *show.Printer) error {
	e, ok := notice.EventOf(a.Event)
	if !ok {
		return &invalid{fmt.Errorf("event is %q, expected one of %s", a.Event, strings.Join(eventNames(), ", "))}
	}
	now := time.Now()
	m, under := content.Example(now)
	if a.Machine != "" {
		api, err := c.people(ctx)
		if err != nil {
			return err
		}
		status, err := api.Status(ctx) // whose time the records have
		if err != nil {
			return err
		}
		now = status.Time
		v, err := api.Machine(ctx, a.Machine)
		if err != nil {
			return err
		}
		m = v.Machine
		if under, err = toldBy(m.Policy, func(name string) (record.Policy, error) { return api.Policy(ctx, name) }); err != nil {
			return err
		}
	}
	mail, err := notice.Render(content.Preview(e.Kind, m, under, now), now)
	if err != nil {
		return err
	}
	return p.Value(mail, func() {
		if a.HTML {
			p.Text(mail.HTML)
			return
		}
		p.Text("Subject: " + mail.Subject + "\n\n" + mail.Text)
	})
}

// toldBy is the policy by which a machine's mails speak. Of one whose policy there is not, they say what the built-in one says:
// so do those that are sent.
func toldBy(name string, read func(name string) (record.Policy, error)) (*policy.Policy, error) {
	p, err := content.PolicyOf(name, read)
	if refused := (&people.Refusal{}); errors.As(err, &refused) && refused.Kind == "NotFound" {
		return policy.Default(), nil
	}
	return p, err
}

func eventNames() []string {
	var all []string
	for _, k := range notice.Kinds() {
		all = append(all, string(k))
	}
	return all
}
