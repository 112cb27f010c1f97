package report_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/report/sample"
	"github.com/keyward/keyward/shared/fault"
)

func TestLast(t *testing.T) {
	t.Parallel()
	santiago, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		every    report.Every
		now      time.Time
		zone     *time.Location
		from, to string
		hours    float64
	}{
		{report.Daily, sample.Day(30, 4, 0), sample.Berlin, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 23},
		{report.Daily, time.Date(2026, 10, 26, 5, 0, 0, 0, time.UTC), sample.Berlin, "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 25},
		{report.Daily, sample.Day(30, 22, 30), sample.Berlin, "2026-03-30T00:00:00+02:00", "2026-03-31T00:00:00+02:00", 24}, // after midnight in Berlin
		{report.Weekly, sample.Day(30, 4, 0), sample.Berlin, "2026-03-23T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 167},
		{report.Weekly, sample.Day(29, 4, 0), sample.Berlin, "2026-03-16T00:00:00+01:00", "2026-03-23T00:00:00+01:00", 168}, // on a Sunday
		{report.Monthly, sample.Day(31, 23, 0), sample.Berlin, "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", 743},
		{report.Monthly, time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), time.UTC, "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z", 744},
		// Chile's clocks skip the hour after midnight: the day begins at 1.
		{report.Daily, time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC), santiago, "2026-09-06T01:00:00-03:00", "2026-09-07T00:00:00-03:00", 23},
	} {
		p, err := report.Last(tt.every, tt.now, tt.zone)
		if err != nil {
			t.Fatal(err)
		}
		if from, to := p.From.Format(time.RFC3339), p.To.Format(time.RFC3339); from != tt.from || to != tt.to || p.To.Sub(p.From).Hours() != tt.hours {
			t.Errorf("%s at %s: %s to %s, %v hours, want %s to %s, %v", tt.every, tt.now, from, to, p.To.Sub(p.From).Hours(), tt.from, tt.to, tt.hours)
		}
	}
	if _, err := report.Last("yearly", sample.Day(1, 0, 0), time.UTC); !fault.Is(err, fault.Invalid) {
		t.Errorf("yearly: %v", err)
	}
}

func TestMoment(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"2026-03-29": "2026-03-29T00:00:00+01:00", "2026-03-29T12:00:00Z": "2026-03-29T12:00:00Z"} {
		got, err := report.Moment("from", in, sample.Berlin)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("Moment(%q) = %v, %v, want %s", in, got, err, want)
		}
	}
	if _, err := report.Moment("from", "soon", time.UTC); !fault.Is(err, fault.Invalid) {
		t.Errorf("soon: %v", err)
	}
}

func TestPeriodsThatAreNone(t *testing.T) {
	t.Parallel()
	now := sample.Day(40, 0, 0)
	for name, p := range map[string]report.Period{
		"ends before it begins": {From: sample.Day(2, 0, 0), To: sample.Day(1, 0, 0), Zone: time.UTC},
		"of no time":            {From: sample.Day(2, 0, 0), To: sample.Day(2, 0, 0), Zone: time.UTC},
		"begins later":          {From: now, To: now.Add(time.Hour), Zone: time.UTC},
		"too long":              {From: now.Add(-report.LongestPeriod - time.Hour), To: now, Zone: time.UTC},
	} {
		if err := p.Check(now); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := sample.Period().Check(now); err != nil {
		t.Error(err)
	}
}

// TestBuckets: a chart's bars cover the period without gaps, whatever its length and whatever the clocks do.
func TestBuckets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		p     report.Period
		bars  int
		first string
		last  string
	}{
		"a short day": {report.Period{From: time.Date(2026, 3, 29, 0, 0, 0, 0, sample.Berlin), To: time.Date(2026, 3, 30, 0, 0, 0, 0, sample.Berlin), Zone: sample.Berlin}, 23, "29 00:00 CET", "29 23:00 CEST"},
		"a long day":  {report.Period{From: time.Date(2026, 10, 25, 0, 0, 0, 0, sample.Berlin), To: time.Date(2026, 10, 26, 0, 0, 0, 0, sample.Berlin), Zone: sample.Berlin}, 25, "25 00:00 CEST", "25 23:00 CET"},
		"two weeks":   {sample.Period(), 14, "2026-03-23", "2026-04-05"},
		"a quarter":   {report.Period{From: time.Date(2026, 1, 1, 0, 0, 0, 0, sample.Berlin), To: time.Date(2026, 4, 1, 0, 0, 0, 0, sample.Berlin), Zone: sample.Berlin}, 14, "2026-01-01", "2026-03-30"},
		"13 months":   {report.Period{From: time.Date(2025, 3, 5, 0, 0, 0, 0, sample.Berlin), To: time.Date(2026, 4, 1, 0, 0, 0, 0, sample.Berlin), Zone: sample.Berlin}, 13, "2025-03", "2026-03"},
	} {
		d := sample.Data()
		d.ReadAt = tt.p.To.Add(time.Hour)
		c := section(t, report.Build(d, tt.p, []report.ID{report.Compliance}), report.Compliance).Charts[0]
		if n := len(c.Labels); n != tt.bars || c.Labels[0] != tt.first || c.Labels[n-1] != tt.last {
			t.Errorf("%s: %d bars, %s to %s", name, n, c.Labels[0], c.Labels[n-1])
		}
	}
}

func TestTitles(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, sample.Berlin) }
	for want, p := range map[string]report.Period{
		"2026-03-29":               {From: day(29), To: day(30), Zone: sample.Berlin},
		"2026-03-23 to 2026-03-29": {From: day(23), To: day(30), Zone: sample.Berlin},
		"2026-03-23 00:00 +01:00 to 2026-03-23 12:30 +01:00": {From: day(23), To: day(23).Add(12*time.Hour + 30*time.Minute), Zone: sample.Berlin},
	} {
		if got := p.Title(); got != want {
			t.Errorf("Title = %q, want %q", got, want)
		}
	}
}
