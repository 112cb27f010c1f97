package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/console"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/policy/custom"
)

type consoleCommand struct {
	Port int  `help:"Port on 127.0.0.1; 0 takes a free one." default:"4567"`
	Open bool `help:"Open it in the browser of this desktop."`
}

func (consoleCommand) Help() string {
	return "It calls the API with your AWS credentials as long as it runs, and answers on this host alone, to whoever has the address that it prints.\n\n" +
		"Example:\n  keyward console --open"
}

func (a consoleCommand) Run(ctx context.Context, c *cli, p *show.Printer) error {
	if a.Port < 0 || a.Port > 65535 {
		return &invalid{fmt.Errorf("--port %d: expected 0 to 65535", a.Port)}
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port)))
	if err != nil {
		return &invalid{fmt.Errorf("--port %d: %w; --port 0 takes a free one", a.Port, err)}
	}
	page := console.New(console.Options{
		API: api, URL: c.API, Port: listener.Addr().(*net.TCPAddr).Port,
		Check:  func(text []byte) error { _, err := custom.Parse(text); return err },
		Report: reporter(api),
	})
	server := &http.Server{Handler: page.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	err = p.Value(map[string]string{"KEYWARD_CONSOLE_URL": page.Address()}, func() {
		p.Line("%s", page.Address())
		p.Line("# the console is up, for whoever has this address; end it with Ctrl-C")
	})
	if err == nil && a.Open {
		if problem := browse(page.Address()); problem != nil {
			fmt.Fprintln(os.Stderr, "keyward: opening the browser:", show.Harmless(problem.Error()))
		}
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	return errors.Join(err, server.Close())
}

// reporter makes the reports of keyward report run.
func reporter(api *people.Client) console.Reporter {
	return func(ctx context.Context, wish console.ReportWish) (console.MakeReport, error) {
		run := reportRun{Format: wish.Form, Last: wish.Last, Zone: wish.Zone}
		if wish.Last == "" {
			run.From, run.To = wish.From, wish.To
		}
		write, _, err := run.form()
		if err != nil {
			return nil, &console.WrongWish{Err: err}
		}
		sections, err := report.Chosen(nil)
		if err != nil {
			return nil, err
		}
		status, err := api.Status(ctx)
		if err != nil {
			return nil, err
		}
		period, err := run.period(status.Time)
		if err != nil {
			return nil, &console.WrongWish{Err: err}
		}
		return func(ctx context.Context, w io.Writer, progress func(done, all int)) (string, []string, error) {
			r, _, err := reported(ctx, api, status, period, sections, progress)
			if err != nil {
				return "", nil, err
			}
			return r.Period().Title() + " (" + r.Zone + ")", r.Gaps, write(w, r)
		}, nil
	}
}

// browse has the desktop open an address. It does not wait for the browser.
func browse(address string) error {
	program := map[string][]string{"darwin": {"open"}, "windows": {"rundll32", "url.dll,FileProtocolHandler"}}[runtime.GOOS]
	if program == nil {
		program = []string{"xdg-open"}
	}
	c := exec.Command(program[0], append(program[1:], address)...)
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // how it ended tells nothing
	return nil
}
