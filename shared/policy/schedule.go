package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is a schedule in the words of EventBridge Scheduler.
type Plan struct {
	Expression    string // cron(30 4 * * ? *)
	TimeZone      string // IANA
	WindowMinutes int    // of the flexible time window; 0 means off
}

// Plan translates the schedule; ok is false if the policy has none. Scheduler skips a time that
// daylight saving leaves out, and runs a repeated one once.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
func (s Schedule) Plan() (plan Plan, ok bool) {
	days, clock := "* * ?", s.Daily
	if clock == "" && slices.Contains(weekdays, s.WeeklyOn) {
		days, clock = "? * "+strings.ToUpper(s.WeeklyOn[:3]), s.WeeklyAt
	}
	at, err := time.Parse("15:04", clock)
	if err != nil {
		return Plan{}, false
	}
	zone := s.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	expression := fmt.Sprintf("cron(%d %d %s *)", at.Minute(), at.Hour(), days)
	return Plan{Expression: expression, TimeZone: zone, WindowMinutes: int(s.Spread / time.Minute)}, true
}

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (r *reader) schedule(n *node, path string, s *Schedule) {
	seen := r.object(n, path, []key{
		{"daily", func(n *node, path string) { s.Daily = r.clock(n, path) }},
		{"weekly", func(n *node, path string) { r.weekly(n, path, s) }},
		{"timeZone", func(n *node, path string) { s.TimeZone = r.zone(n, path) }},
		{"spread", func(n *node, path string) { s.Spread = r.spread(n, path) }},
		{"surprise", func(n *node, path string) {
			if n.kind != number || n.text != "0" {
				r.fail(n, path, "got %s, but surprise is not available in this version; expected 0", n)
			}
		}},
	})
	if n.kind != mapping {
		return
	}
	switch daily, weekly := seen["daily"] != nil, seen["weekly"] != nil; {
	case daily && weekly:
		r.fail(seen["weekly"], join(path, "weekly"), "stands beside daily, expected one of the two")
	case !daily && !weekly:
		r.fail(n, path, "has no time, expected daily or weekly")
	}
}

func (r *reader) weekly(n *node, path string, s *Schedule) {
	seen := r.object(n, path, []key{
		{"on", func(n *node, path string) { s.WeeklyOn = r.word(n, path, weekdays...) }},
		{"at", func(n *node, path string) { s.WeeklyAt = r.clock(n, path) }},
	})
	if n.kind == mapping && (seen["on"] == nil || seen["at"] == nil) {
		r.fail(n, path, "is not complete, expected both on and at")
	}
}

// spread reads the window in which Scheduler may choose the moment; it counts in minutes.
func (r *reader) spread(n *node, path string) time.Duration {
	d := r.duration(n, path, 0, time.Hour)
	if d%time.Minute != 0 {
		r.got(n, path, "whole minutes")
	}
	return d
}
