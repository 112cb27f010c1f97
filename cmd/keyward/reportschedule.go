package main

import (
	"context"
	"strings"

	"github.com/keyward/keyward/cmd/keyward/internal/show"
	"github.com/keyward/keyward/shared/record"
)

type reportSchedules struct {
	Set    reportSet        `cmd:"" help:"Have the stack make, archive and mail a report each day, week or month."`
	List   reportScheduled  `cmd:"" help:"List the reports that are made again and again."`
	Delete reportUnschedule `cmd:"" help:"Have a report not made any more. What is archived stays."`
}

type reportSet struct {
	Name    string   `arg:"" help:"Name of the report: 1 to 32 of a-z, 0-9 and -."`
	Every   string   `help:"daily, weekly or monthly." required:"" placeholder:"WORD"`
	Zone    string   `help:"Time zone of its days and times, by its IANA name." default:"UTC" placeholder:"NAME"`
	Section []string `help:"Only these sections." placeholder:"NAME"`
	Form    []string `help:"html, csv, xlsx, pdf or json." default:"html" placeholder:"FORM"`
	To      []string `help:"Address that gets it; without any it is archived alone." placeholder:"ADDRESS"`
}

func (reportSet) Help() string {
	return "It is made at 5 o'clock in the zone, of the day, week or month before. Set again it replaces the one before.\n\n" +
		"Example:\n  keyward report schedule set board --every monthly --zone Europe/Berlin --form pdf --form xlsx --to board@example.com"
}

func (a reportSet) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	s, err := api.SetReportSchedule(ctx, a.Name, record.ReportWish{Every: a.Every, Zone: a.Zone, Sections: a.Section, Forms: a.Form, To: a.To})
	if err != nil {
		return err
	}
	return p.Value(s, func() { p.Line("Report %s is made %s at 5 o'clock in %s.", s.Name, s.Every, s.Zone) })
}

type reportScheduled struct{}

func (reportScheduled) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	all, err := api.ReportSchedules(ctx)
	if err != nil {
		return err
	}
	return p.Value(all, func() {
		var rows [][]string
		for _, s := range all {
			rows = append(rows, []string{s.Name, s.Every, s.Zone, strings.Join(s.Forms, ", "), show.Or(strings.Join(s.To, ", "), "-"), show.Or(strings.Join(s.Sections, ", "), "all"), s.By})
		}
		p.Table([]string{"NAME", "EVERY", "ZONE", "FORMS", "TO", "SECTIONS", "BY"}, rows, "No report is made again and again but by the parameter ReportEvery.")
	})
}

type reportUnschedule struct {
	Name string `arg:"" help:"Name of the report."`
}

func (a reportUnschedule) Run(ctx context.Context, c *cli, p *show.Printer) error {
	api, err := c.people(ctx)
	if err != nil {
		return err
	}
	s, err := api.DeleteReportSchedule(ctx, a.Name)
	if err != nil {
		return err
	}
	return p.Value(s, func() { p.Line("Report %s is not made any more.", s.Name) })
}
