package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]policy.Plan{
		`{daily: "04:30", timeZone: Europe/Berlin}`:                 {"cron(30 4 * * ? *)", "Europe/Berlin", 0},
		`{daily: "00:00"}`:                                          {"cron(0 0 * * ? *)", "UTC", 0},
		`{daily: 23:59, spread: 15m, surprise: 0}`:                  {"cron(59 23 * * ? *)", "UTC", 15},
		`{weekly: {on: sunday, at: "03:05"}, spread: 1h}`:           {"cron(5 3 ? * SUN *)", "UTC", 60},
		`{weekly: {on: thursday, at: "12:00"}, timeZone: UTC}`:      {"cron(0 12 ? * THU *)", "UTC", 0},
		`{weekly: {on: monday, at: "12:00"}, timeZone: Asia/Tokyo}`: {"cron(0 12 ? * MON *)", "Asia/Tokyo", 0},
	} {
		got, ok := parse(t, "policy: x\nschedule: "+text).Schedule.Plan()
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("Plan of %s: %v (-want +got):\n%s", text, ok, diff)
		}
	}
	for _, s := range []policy.Schedule{{}, {TimeZone: "UTC"}, {WeeklyAt: "04:30"}, {WeeklyOn: "monday"}, {Daily: "99:99"}} {
		if got, ok := s.Plan(); ok {
			t.Errorf("Plan of %+v = %+v, want none", s, got)
		}
	}
}
