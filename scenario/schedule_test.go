package scenario_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// looks are when the machines were asked, in a zone and in order: "02 15:04" with the day of the month.
func (w *world) looks(since time.Time, zone *time.Location) []string {
	w.t.Helper()
	out, err := w.systems().ListCommands(w.t.Context(), &ssm.ListCommandsInput{})
	if err != nil {
		w.t.Fatal(err)
	}
	var at []time.Time
	for _, c := range out.Commands {
		if !c.RequestedDateTime.Before(since) {
			at = append(at, *c.RequestedDateTime)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	var all []string
	for _, t := range at {
		all = append(all, t.In(zone).Format("02 15:04"))
	}
	return all
}

// sunday is the nth Sunday of a month of the year after this one; n below zero counts from the end.
func sunday(month time.Month, n int) time.Time {
	t := time.Date(loaded.Year()+1, month, 1, 0, 0, 0, 0, time.UTC)
	t = t.AddDate(0, 0, (7-int(t.Weekday()))%7)
	if n < 0 {
		for next := t.AddDate(0, 0, 7); next.Month() == month; next = next.AddDate(0, 0, 7) {
			t = next
		}
		return t
	}
	return t.AddDate(0, 0, 7*(n-1))
}

// A daily schedule on the days when clocks change: an hour that is skipped is made up for by the sweep, 26 hours after the
// look before; an hour that comes twice brings one look; and where clocks never change nothing happens.
func TestDaylightSaving(t *testing.T) {
	t.Parallel()
	spring, autumn := sunday(time.March, -1), sunday(time.October, -1)    // directive 2000/84/EC
	springUS, autumnUS := sunday(time.March, 2), sunday(time.November, 1) // 15 U.S.C. 260a
	for _, tt := range []struct {
		name, zone, daily string
		day               time.Time // when clocks change
		want              []string  // days counted from that one
	}{
		{"Berlin skips an hour", "Europe/Berlin", "02:30", spring, []string{"-1 02:30", "0 05:30", "1 02:30"}},
		{"Berlin has one twice", "Europe/Berlin", "02:30", autumn, []string{"-1 02:30", "0 02:30", "1 02:30"}},
		{"New York skips an hour", "America/New_York", "02:30", springUS, []string{"-1 02:30", "0 05:30", "1 02:30"}},
		{"New York has one twice", "America/New_York", "01:30", autumnUS, []string{"-1 01:30", "0 01:30", "1 01:30"}},
		{"Kolkata does neither", "Asia/Kolkata", "02:30", spring, []string{"-1 02:30", "0 02:30", "1 02:30"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			noon := func(days int) time.Time {
				return time.Date(tt.day.Year(), tt.day.Month(), tt.day.Day()+days, 12, 0, 0, 0, zone)
			}
			w := begin(t, setup{at: noon(-2), sweep: "rate(15 minutes)", schedule: fmt.Sprintf("{daily: %q, timeZone: %s}", tt.daily, tt.zone)})
			w.until(noon(1))
			var want []string
			for _, s := range tt.want {
				var days int
				var clock string
				if _, err := fmt.Sscan(s, &days, &clock); err != nil {
					t.Fatal(err)
				}
				want = append(want, noon(days).Format("02 ")+clock)
			}
			got := w.looks(noon(-1).Add(-11*time.Hour), zone)
			if len(got) != len(want) || slices.ContainsFunc(want, func(s string) bool { return !slices.ContainsFunc(got, near(s)) }) {
				t.Errorf("looked at %v, want about %v", got, want)
			}
			w.wantStanding("Good")
			w.wantKept()
		})
	}
}

// near is whether a look was made then or, by the sweep, within its next 15 minutes.
func near(want string) func(string) bool {
	return func(got string) bool {
		w, _ := time.Parse("02 15:04", want)
		g, err := time.Parse("02 15:04", got)
		late := g.Sub(w)
		return err == nil && late >= 0 && late <= 16*time.Minute
	}
}

// byHand makes a schedule as a person does in the console.
func (w *world) byHand(name, input string) {
	w.t.Helper()
	inspect := "arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction"
	c := scheduler.New(scheduler.Options{Region: w.Region(), Credentials: w.operator.key, BaseEndpoint: aws.String(w.URL())})
	target := &types.Target{
		Arn: &inspect, RoleArn: aws.String("arn:aws:iam::123456789012:role/keyward-ScheduleRole"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters")},
	}
	if input != "" {
		target.Input = &input
	}
	_, err := c.CreateSchedule(w.t.Context(), &scheduler.CreateScheduleInput{
		Name: &name, ScheduleExpression: aws.String("rate(1 hour)"), Target: target,
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// What a person writes into a schedule is done, and what is misspelt comes to light instead of looking at nothing.
func TestSchedulesMadeByHand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, input string
		looks       bool
		says        string // of what is refused
	}{
		{"no input", "", true, ""},
		{"all", `{}`, true, ""},
		{"one policy", `{"scope":"policy:web"}`, true, ""},
		{"one machine", `{"scope":"machine:` + machineID + `"}`, true, ""},
		{"a policy that there is not", `{"scope":"policy:wbe"}`, false, "there is no policy of this name"},
		{"a field that is misspelt", `{"polcy":"web"}`, false, `unknown field \"polcy\"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{sweep: "rate(15 minutes)"})
			w.forward(2 * time.Minute)
			before := w.Clock().Now()
			w.byHand("by-hand", tt.input)
			w.forward(65 * time.Minute)
			if got := w.looks(before, time.UTC); (len(got) > 0) != tt.looks {
				t.Errorf("looked at %v, want any: %t", got, tt.looks)
			}
			letters := w.DeadLetters()
			if tt.looks != (len(letters) == 0) {
				t.Errorf("%d dead letters", len(letters))
			}
			if log := logged(t, w, "InspectFunction"); !strings.Contains(log, tt.says) {
				t.Errorf("the log does not say %q: %s", tt.says, log)
			}
		})
	}
}
