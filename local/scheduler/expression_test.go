package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/scheduler"
	"github.com/keyward/keyward/local/wire"
)

func date(text string) time.Time {
	at, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		panic(err)
	}
	return at
}

// TestWhen holds the instants at which schedules fire against what AWS documents.
func TestWhen(t *testing.T) {
	t.Parallel()
	const berlin, newYork = "Europe/Berlin", "America/New_York"
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		expression, zone, start string
		forward                 time.Duration
		want                    string
	}{
		"daily":                              {"cron(30 4 * * ? *)", "UTC", "2026-03-01T00:00", 3 * day, "03-01T04:30:00Z 03-02T04:30:00Z 03-03T04:30:00Z"},
		"at the very minute":                 {"cron(30 4 * * ? *)", "UTC", "2026-03-01T04:30", day, "03-01T04:30:00Z 03-02T04:30:00Z"},
		"weekly by name":                     {"cron(0 2 ? * SUN *)", "UTC", "2026-03-01T03:00", 14 * day, "03-08T02:00:00Z 03-15T02:00:00Z"},
		"weekly by number":                   {"cron(0 2 ? * 1 *)", "UTC", "2026-03-01T03:00", 14 * day, "03-08T02:00:00Z 03-15T02:00:00Z"},
		"saturday is 7":                      {"cron(0 2 ? * 7 *)", "UTC", "2026-03-01T03:00", 8 * day, "03-07T02:00:00Z"},
		"working days":                       {"cron(0 9 ? * mon-fri *)", "UTC", "2026-03-05T12:00", 5 * day, "03-06T09:00:00Z 03-09T09:00:00Z 03-10T09:00:00Z"},
		"list of days":                       {"cron(0 9 ? * 2,WED *)", "UTC", "2026-03-01T12:00", 7 * day, "03-02T09:00:00Z 03-04T09:00:00Z"},
		"second tuesday":                     {"cron(0 9 ? * 3#2 *)", "UTC", "2026-03-01T12:00", 50 * day, "03-10T09:00:00Z 04-14T09:00:00Z"},
		"first sunday by name":               {"cron(0 9 ? * SUN#1 *)", "UTC", "2026-03-01T12:00", 40 * day, "04-05T09:00:00Z"},
		"last friday":                        {"cron(0 9 ? * 6L *)", "UTC", "2026-03-01T12:00", 60 * day, "03-27T09:00:00Z 04-24T09:00:00Z"},
		"last sunday":                        {"cron(0 9 ? * 1L *)", "UTC", "2026-03-01T12:00", 60 * day, "03-29T09:00:00Z 04-26T09:00:00Z"},
		"last day of the week":               {"cron(0 9 ? * L *)", "UTC", "2026-03-01T12:00", 8 * day, "03-07T09:00:00Z"},
		"last day of the month":              {"cron(0 9 L * ? *)", "UTC", "2026-02-01T12:00", 60 * day, "02-28T09:00:00Z 03-31T09:00:00Z"},
		"weekday next to the first":          {"cron(0 9 1W * ? *)", "UTC", "2026-02-25T12:00", 40 * day, "03-02T09:00:00Z 04-01T09:00:00Z"},
		"weekday next to the 15th":           {"cron(0 9 15W * ? *)", "UTC", "2026-02-25T12:00", 22 * day, "03-16T09:00:00Z"},
		"31st":                               {"cron(0 9 31 * ? *)", "UTC", "2026-01-31T12:00", 130 * day, "03-31T09:00:00Z 05-31T09:00:00Z"},
		"months by name":                     {"cron(0 9 1 JAN,MAR-APR ? *)", "UTC", "2026-01-02T12:00", 130 * day, "03-01T09:00:00Z 04-01T09:00:00Z"},
		"steps of minutes":                   {"cron(0/20 4 * * ? *)", "UTC", "2026-03-01T00:00", day, "03-01T04:00:00Z 03-01T04:20:00Z 03-01T04:40:00Z"},
		"steps from a minute":                {"cron(10/25 4 * * ? *)", "UTC", "2026-03-01T00:00", day, "03-01T04:10:00Z 03-01T04:35:00Z"},
		"steps in a range":                   {"cron(0 8-12/2 * * ? *)", "UTC", "2026-03-01T00:00", day, "03-01T08:00:00Z 03-01T10:00:00Z 03-01T12:00:00Z"},
		"steps of all days":                  {"cron(0 8 */14 * ? *)", "UTC", "2026-03-01T00:00", 31 * day, "03-01T08:00:00Z 03-15T08:00:00Z 03-29T08:00:00Z"},
		"year":                               {"cron(0 8 1 1 ? 2028)", "UTC", "2026-03-01T00:00", 3 * 365 * day, "01-01T08:00:00Z"},
		"steps of years count from 1970":     {"cron(0 8 1 1 ? */7)", "UTC", "2026-03-01T00:00", 365 * day, ""},
		"a year that is past":                {"cron(0 8 1 1 ? 2025)", "UTC", "2026-03-01T00:00", 365 * day, ""},
		"a date that never is":               {"cron(0 8 30 2 ? *)", "UTC", "2026-03-01T00:00", 365 * day, ""},
		"leap day":                           {"cron(0 8 29 2 ? *)", "UTC", "2026-03-01T00:00", 3 * 365 * day, "02-29T08:00:00Z"},
		"Berlin, hour that is missing":       {"cron(30 2 * * ? *)", berlin, "2026-03-27T12:00", 4 * day, "03-28T02:30:00+01 03-30T02:30:00+02 03-31T02:30:00+02"},
		"Berlin, hour behind it":             {"cron(0 3 * * ? *)", berlin, "2026-03-28T12:00", 2 * day, "03-29T03:00:00+02 03-30T03:00:00+02"},
		"Berlin, hour before it":             {"cron(59 1 * * ? *)", berlin, "2026-03-28T12:00", 2 * day, "03-29T01:59:00+01 03-30T01:59:00+02"},
		"Berlin, every hour in spring":       {"cron(0 1-4 * * ? *)", berlin, "2026-03-28T12:00", day, "03-29T01:00:00+01 03-29T03:00:00+02 03-29T04:00:00+02"},
		"Berlin, hour that comes twice":      {"cron(30 2 * * ? *)", berlin, "2026-10-24T12:00", 2 * day, "10-25T02:30:00+02 10-26T02:30:00+01"},
		"Berlin, made in the second hour":    {"cron(30 2 * * ? *)", berlin, "2026-10-25T01:10", day + time.Hour, "10-26T02:30:00+01"},
		"Berlin, every hour in autumn":       {"cron(0 1-4 * * ? *)", berlin, "2026-10-24T12:00", day, "10-25T01:00:00+02 10-25T02:00:00+02 10-25T03:00:00+01 10-25T04:00:00+01"},
		"Berlin, weekly on the missing hour": {"cron(15 2 ? * SUN *)", berlin, "2026-03-21T12:00", 16 * day, "03-22T02:15:00+01 04-05T02:15:00+02"},
		"Berlin, a day of a rate":            {"rate(1 day)", berlin, "2026-03-28T08:00", 2 * day, "03-28T09:00:00+01 03-29T10:00:00+02 03-30T10:00:00+02"},
		"Berlin, a day of a rate in autumn":  {"rate(1 day)", berlin, "2026-10-24T08:00", 2 * day, "10-24T10:00:00+02 10-25T09:00:00+01 10-26T09:00:00+01"},
		"New York, hour that is missing":     {"cron(30 2 * * ? *)", newYork, "2026-03-07T00:00", 3 * day, "03-07T02:30:00-05 03-09T02:30:00-04"},
		"New York, hour behind it":           {"cron(0 3 * * ? *)", newYork, "2026-03-08T00:00", 2 * day, "03-08T03:00:00-04 03-09T03:00:00-04"},
		"New York, hour that comes twice":    {"cron(30 1 * * ? *)", newYork, "2026-10-31T12:00", 2 * day, "11-01T01:30:00-04 11-02T01:30:00-05"},
		"New York, minutes that come twice":  {"cron(0/30 1 * * ? *)", newYork, "2026-10-31T12:00", day, "11-01T01:00:00-04 11-01T01:30:00-04"},
		"New York, a day of a rate":          {"rate(1 day)", newYork, "2026-03-07T17:00", 2 * day, "03-07T12:00:00-05 03-08T13:00:00-04 03-09T13:00:00-04"},
		"Samoa, a day that never was":        {"cron(0 12 * * ? *)", "Pacific/Apia", "2011-12-29T00:00", 3 * day, "12-29T12:00:00-10 12-31T12:00:00+14 01-01T12:00:00+14"},
		"rate begins at once":                {"rate(5 minutes)", "UTC", "2026-03-01T00:00", 11 * time.Minute, "03-01T00:00:00Z 03-01T00:05:00Z 03-01T00:10:00Z"},
		"rate of an hour":                    {"rate(1 hour)", "UTC", "2026-03-01T00:00", 90 * time.Minute, "03-01T00:00:00Z 03-01T01:00:00Z"},
		"once":                               {"at(2026-03-02T12:00:30)", "UTC", "2026-03-01T00:00", 3 * day, "03-02T12:00:30Z"},
		"once, in a zone":                    {"at(2026-07-02T12:00:00)", berlin, "2026-07-01T00:00", 3 * day, "07-02T12:00:00+02"},
		"once, in the hour that comes twice": {"at(2026-10-25T02:30:00)", berlin, "2026-10-24T00:00", 3 * day, "10-25T02:30:00+02"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, date(c.start))
			w.create(t, schedule(c.expression, c.zone))
			w.forward(t, c.forward)
			if got := w.times(t, c.zone); got != c.want {
				t.Errorf("%s in %s fired %s\nwant %s", c.expression, c.zone, got, c.want)
			}
		})
	}
}

func TestDatesBoundASchedule(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ expression, start, end, want string }{
		"rate from its start":       {"rate(1 day)", "2026-03-02T06:00", "", "03-02T06:00:00Z 03-03T06:00:00Z 03-04T06:00:00Z"},
		"rate to its end":           {"rate(1 day)", "", "2026-03-03T00:00", "03-01T00:00:00Z 03-02T00:00:00Z 03-03T00:00:00Z"},
		"cron between both":         {"cron(0 12 * * ? *)", "2026-03-02T00:00", "2026-03-03T11:59", "03-02T12:00:00Z"},
		"once, which ignores dates": {"at(2026-03-02T12:00:00)", "2026-03-04T00:00", "2026-03-01T12:00", "03-02T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, date("2026-03-01T00:00"))
			w.create(t, schedule(c.expression, "", func(s *scheduler.Schedule) {
				if c.start != "" {
					s.StartDate = wire.Time{Time: date(c.start)}
				}
				if c.end != "" {
					s.EndDate = wire.Time{Time: date(c.end)}
				}
			}))
			w.forward(t, 4*24*time.Hour-time.Minute)
			if got := w.times(t, "UTC"); got != c.want {
				t.Errorf("fired %s\nwant  %s", got, c.want)
			}
		})
	}
}

func TestExpressionRefuses(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]string{
		"":                                       "want rate(…), cron(…) or at(…)",
		"every(5 minutes)":                       "want rate(…), cron(…) or at(…)",
		"rate(5)":                                "want a positive number",
		"rate(0 minutes)":                        "want a positive number",
		"rate(-1 minutes)":                       "want a positive number",
		"rate(5 seconds)":                        "want a positive number",
		"rate(5000 days)":                        "longer than ten years",
		"at(2026-03-02)":                         "want yyyy-mm-ddThh:mm:ss",
		"at(2026-02-30T00:00:00)":                "want yyyy-mm-ddThh:mm:ss",
		"at(2026-03-29T02:30:00)":                "the clocks of Europe/Berlin never show 2026-03-29T02:30:00",
		"at(2026-02-01T00:00:00)":                "its time is past",
		"cron(30 4 * * *)":                       "want six fields",
		"cron(0 30 4 * * ? *)":                   "want six fields",
		"cron(30 4 * * * *)":                     "want ? in exactly one",
		"cron(30 4 ? * ? *)":                     "want ? in exactly one",
		"cron(? 4 * * ? *)":                      "minutes: ? is for the two day fields only",
		"cron(60 4 * * ? *)":                     `minutes: "60" is not a value from 0 to 59`,
		"cron(+5 4 * * ? *)":                     `minutes: "+5" is not a value`,
		"cron(x 4 * * ? *)":                      `minutes: "X" is not a value`,
		"cron(1,,2 4 * * ? *)":                   `minutes: "" is not a value`,
		"cron(0 24 * * ? *)":                     `hours: "24" is not a value from 0 to 23`,
		"cron(0 22-4 * * ? *)":                   `hours: "22-4": the range runs backwards`,
		"cron(0 1-x * * ? *)":                    `hours: "X" is not a value`,
		"cron(0 0/0 * * ? *)":                    `hours: "0/0": the step is not a number from 1 to 23`,
		"cron(0 */x * * ? *)":                    `hours: "*/X": the step is not a number`,
		"cron(0 4 0 * ? *)":                      `day of month: "0" is not a value from 1 to 31`,
		"cron(0 4 LW * ? *)":                     `day of month: "LW" is not a value`,
		"cron(0 4 W * ? *)":                      `day of month: "W" is not a value`,
		"cron(0 4 32W * ? *)":                    `day of month: "32" is not a value`,
		"cron(0 4 L-3 * ? *)":                    `day of month: "L" is not a value`,
		"cron(0 4 1 13 ? *)":                     `month: "13" is not a value from 1 to 12`,
		"cron(0 4 ? * 0 *)":                      `day of week: "0" is not a value from 1 to 7`,
		"cron(0 4 ? * 8 *)":                      `day of week: "8" is not a value from 1 to 7`,
		"cron(0 4 ? * FRI-MON *)":                `day of week: "FRI-MON": the range runs backwards`,
		"cron(0 4 ? * 2/2 *)":                    `day of week: "2/2": no steps here`,
		"cron(0 4 ? * 3#6 *)":                    `day of week: "3#6" is not a value`,
		"cron(0 4 ? * 3#1,6#3 *)":                `"3#1": # must be the only expression of its field`,
		"cron(0 4 ? * XYZL *)":                   `day of week: "XYZ" is not a value`,
		"cron(0 4 * * ? 1969)":                   `year: "1969" is not a value from 1970 to 2199`,
		"cron(0 4 * * ? 2200)":                   `year: "2200" is not a value`,
		"cron(" + strings.Repeat("1 ", 99) + ")": "want six fields",
	} {
		t.Run(expression[:min(len(expression), 40)], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, date("2026-03-01T00:00"))
			_, err := w.scheduler.Create(schedule(expression, "Europe/Berlin"))
			wantError(t, err, "ValidationException", "Invalid Schedule Expression "+expression+": ")
			wantError(t, err, "ValidationException", want)
		})
	}
	for _, zone := range []string{"Europe/Berlln", "Local", "../etc/passwd"} {
		_, err := newWorld(t, date("2026-03-01T00:00")).scheduler.Create(schedule("rate(1 day)", zone))
		wantError(t, err, "ValidationException", "time zone")
	}
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"cron(0/5 8-17 ? JAN-MAR,5 MON-FRI 2026-2030/2)", "cron(0 4 L * ? *)", "cron(0 4 15W * ? *)", "cron(0 4 ? * 6#3 *)", "rate(5 minutes)", "at(2026-12-31T23:59:59)", "at(2021-12-31T23:59:59)"} {
		f.Add(seed, "Europe/Berlin")
	}
	f.Fuzz(func(t *testing.T, expression, zone string) {
		start := date("2026-03-01T00:00")
		at, err := scheduler.NextOccurrence(expression, zone, start)
		if err == nil && !at.IsZero() && at.Before(start) {
			t.Errorf("%s in %s: %s is before %s", expression, zone, at, start)
		}
	})
}
