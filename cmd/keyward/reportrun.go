package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/gather"
	"github.com/keyward/keyward/report/page"
	"github.com/keyward/keyward/report/paper"
	"github.com/keyward/keyward/report/sheet"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

type reportCommands struct {
	Schedule reportSchedules `cmd:"" help:"Reports that the stack makes again and again."`

	Run reportRun `cmd:"" help:"Make a report of a time that you say, into a file."`
}

type reportRun struct {
	File    string   `help:"File to write; - for standard output." required:"" placeholder:"FILE"`
	Format  string   `help:"html, csv, xlsx, pdf or json; without it, as the file's name ends." placeholder:"FORM"`
	From    string   `help:"Beginning of the time: a day such as 2026-03-01, a time such as 2026-03-01T12:00:00Z, or how long ago, such as 30d." placeholder:"TIME"`
	To      string   `help:"End of the time, which is not in it; without it, now." placeholder:"TIME"`
	Last    string   `help:"Instead of --from and --to: the day, week or month before: daily, weekly or monthly." placeholder:"WORD"`
	Zone    string   `help:"Time zone of days and of every time in the report, by its IANA name." default:"UTC" placeholder:"NAME"`
	Section []string `help:"Only these sections, such as compliance or keys-approved; docs/reports.md lists them." placeholder:"NAME"`
}

func (reportRun) Help() string {
	return "It reads through the API with your credentials, so that it has what your role may read; what could not be read is named in it.\n\n" +
		"Exit codes: 0 the report is complete, 3 it was written and something could not be read.\n\n" +
		"Examples:\n  keyward report run --last monthly --zone Europe/Berlin --file march.html\n" +
		"  keyward report run --from 2026-03-01 --to 2026-04-01 --section revocations --section holds --file march.xlsx"
}

// forms write a report.
var forms = map[string]func(io.Writer, report.Report) error{
	"html": page.HTML, "csv": report.CSV, "json": report.JSON, "xlsx": sheet.XLSX, "pdf": paper.PDF,
}

// reportMade is what the command says of a report.
type reportMade struct {
	File     string    `json:"file"`
	Form     string    `json:"form"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Zone     string    `json:"zone"`
	MadeAt   time.Time `json:"madeAt"`
	Complete bool      `json:"complete"`
	Gaps     []string  `json:"gaps,omitempty"`
}

func (a reportRun) Run(ctx context.Context, c *cli, p *show.Printer) error {
	write, form, err := a.form()
	if err != nil {
		return err
	}
	sections, err := report.Chosen(a.Section)
	if err != nil {
		return &invalid{err}
	}
	if a.File != "-" {
		if _, err := os.Lstat(a.File); err == nil { // before minutes of reading
			return &invalid{fmt.Errorf("%s: it is there already, expected the name of a new file", a.File)}
		}
	}
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	status, err := api.Status(ctx)
	if err != nil {
		return err
	}
	period, err := a.period(status.Time)
	if err != nil {
		return &invalid{err}
	}
	working := p.Progress("reading what is kept")
	r, machines, err := reported(ctx, api, status, period, sections, func(done, all int) { working.Done(int64(done), int64(all)) })
	working.End()
	if err != nil {
		return err
	}
	if a.File == "-" {
		err = write(os.Stdout, r)
	} else if err = newFile(a.File, "report", func(w io.Writer) error { return write(w, r) }); err == nil {
		made := reportMade{a.File, form, r.From, r.To, r.Zone, r.MadeAt, r.Complete(), r.Gaps}
		err = p.Value(made, func() {
			p.Line("The report of %s (%s) on %s is in %s.", r.Period().Title(), r.Zone, count(machines, "machine"), a.File)
		})
	}
	if err == nil && !r.Complete() {
		return &notInOrder{"the report is not complete, it could not read\n  " + strings.Join(r.Gaps, "\n  ")}
	}
	return err
}

// reported reads a report through the API, and says of how many machines it is.
func reported(ctx context.Context, api *people.Client, status record.Status, period report.Period, sections []report.ID, progress func(done, all int)) (report.Report, int, error) {
	place := gather.Place{Account: status.Account, Region: status.Region, Version: status.Version, ReadAt: status.Time}
	data, err := gather.Gather(ctx, asked{api}, place, period, sections, progress)
	if err != nil {
		return report.Report{}, 0, err
	}
	return report.Build(data, period, sections), len(data.Machines), nil
}

// form is how to write, by --format or by the file's name.
func (a reportRun) form() (func(io.Writer, report.Report) error, string, error) {
	name, from := a.Format, "--format"
	if name == "" {
		name, from = strings.ToLower(strings.TrimPrefix(filepath.Ext(a.File), ".")), "the end of --file"
	}
	write, ok := forms[name]
	if !ok {
		var known []string
		for f := range forms {
			known = append(known, f)
		}
		slices.Sort(known)
		return nil, "", &invalid{fmt.Errorf("%s is %q, expected one of %s", from, name, strings.Join(known, ", "))}
	}
	return write, name, nil
}

// period is the time that is asked for, seen from the stack's clock.
func (a reportRun) period(now time.Time) (report.Period, error) {
	zone, err := report.Zone(a.Zone)
	if err != nil {
		return report.Period{}, err
	}
	if a.Last != "" {
		if a.From != "" || a.To != "" {
			return report.Period{}, errors.New("--last and --from or --to both say which time; expected one of them")
		}
		return report.Last(report.Every(a.Last), now, zone)
	}
	if a.From == "" {
		return report.Period{}, errors.New("which time? expected --from, or --last daily, weekly or monthly")
	}
	p := report.Period{To: now, Zone: zone}
	if d, ok := policy.ParseDuration(a.From); ok {
		p.From = now.Add(-d)
	} else if p.From, err = report.Moment("--from", a.From, zone); err != nil {
		return p, err
	}
	if a.To != "" {
		if p.To, err = report.Moment("--to", a.To, zone); err != nil {
			return p, err
		}
	}
	return p, p.Check(now)
}

// asked is the people's API as a report is read from it.
type asked struct{ api *people.Client }

func (s asked) Machines(ctx context.Context) ([]record.Machine, error) {
	return s.api.Machines(ctx, people.Asked{})
}

func (s asked) Ledger(ctx context.Context, id string) ([]record.Entry, map[string]record.Head, error) {
	return s.api.Audit(ctx, id)
}

func (s asked) Looks(ctx context.Context, id string, since, until time.Time, each func(record.Evidence)) error {
	for after := ""; ; {
		h, err := s.api.History(ctx, id, since, until, after)
		if err != nil {
			return err
		}
		for _, e := range h.Evidence {
			each(e)
		}
		if h.Next == "" {
			return nil
		}
		if h.Next <= after {
			return fmt.Errorf("reading the history of %s: its pages do not go on after %s", id, after)
		}
		after = h.Next
	}
}

func (s asked) Requests(ctx context.Context) ([]record.Request, error) {
	return s.api.Requests(ctx, "", "")
}

func (s asked) PolicyNames(ctx context.Context) ([]string, error) {
	all, err := s.api.Policies(ctx)
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return names, err
}

func (s asked) PolicyVersions(ctx context.Context, name string) ([]record.Policy, error) {
	all, err := s.api.PolicyVersions(ctx, name)
	if refused := (&people.Refusal{}); errors.As(err, &refused) && refused.Kind == "NotFound" {
		return nil, nil // such as default, which is built in
	}
	return all, err
}

func (s asked) Holds(ctx context.Context) ([]record.Hold, error) { return s.api.Holds(ctx) }

func (s asked) Waivers(ctx context.Context) (record.WaiverList, error) {
	return s.api.Waivers(ctx, "", true)
}

func (s asked) BreakerEvents(ctx context.Context) ([]record.BreakerEvent, error) {
	v, err := s.api.Breaker(ctx)
	return v.Events, err
}
