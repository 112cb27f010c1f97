package policy_test

import "testing"

func TestErrorsOfSchedule(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "impossible time",
			text: "policy: x\nschedule: {daily: 99:99}",
			want: []string{
				`2:19: schedule.daily: got "99:99", expected a time from "00:00" to "23:59"`,
			},
		},
		{
			name: "24 o'clock",
			text: "policy: x\nschedule: {daily: \"24:00\"}",
			want: []string{
				`2:19: schedule.daily: got "24:00", expected a time from "00:00" to "23:59"`,
			},
		},
		{
			name: "hour without zero",
			text: "policy: x\nschedule: {daily: \"4:30\"}",
			want: []string{
				`2:19: schedule.daily: got "4:30", expected a time from "00:00" to "23:59"`,
			},
		},
		{
			name: "time is a list",
			text: "policy: x\nschedule: {daily: [\"04:30\"]}",
			want: []string{
				`2:19: schedule.daily: got a list, expected a time from "00:00" to "23:59"`,
			},
		},
		{
			name: "unknown zone",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: Europe/Belrin}",
			want: []string{
				`2:38: schedule.timeZone: got "Europe/Belrin", expected an IANA time zone such as Europe/Berlin or UTC; did you mean "Europe/Berlin"?`,
			},
		},
		{
			name: "zone in small letters",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: europe/berlin}",
			want: []string{
				`2:38: schedule.timeZone: got "europe/berlin", expected an IANA time zone such as Europe/Berlin or UTC; did you mean "Europe/Berlin"?`,
			},
		},
		{
			name: "zone of this host",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: localtime}",
			want: []string{
				`2:38: schedule.timeZone: got "localtime", expected an IANA time zone such as Europe/Berlin or UTC`,
			},
		},
		{
			name: "zone of nowhere",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: Factory}",
			want: []string{
				`2:38: schedule.timeZone: got "Factory", expected an IANA time zone such as Europe/Berlin or UTC`,
			},
		},
		{
			name: "zone is a path",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: ../Europe/Berlin}",
			want: []string{
				`2:38: schedule.timeZone: got "../Europe/Berlin", expected an IANA time zone such as Europe/Berlin or UTC`,
			},
		},
		{
			name: "zone is a number",
			text: "policy: x\nschedule: {daily: \"04:30\", timeZone: 1}",
			want: []string{
				`2:38: schedule.timeZone: got 1, expected an IANA time zone such as Europe/Berlin or UTC`,
			},
		},
		{
			name: "spread too long",
			text: "policy: x\nschedule: {daily: \"04:30\", spread: 61m}",
			want: []string{
				`2:36: schedule.spread: got "61m", which is too long, expected a duration from 0s to 1h, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "spread in seconds",
			text: "policy: x\nschedule: {daily: \"04:30\", spread: 90s}",
			want: []string{
				`2:36: schedule.spread: got "90s", expected whole minutes`,
			},
		},
		{
			name: "surprise",
			text: "policy: x\nschedule: {daily: \"04:30\", surprise: 1}",
			want: []string{
				`2:38: schedule.surprise: got 1, but surprise is not available in this version; expected 0`,
			},
		},
		{
			name: "no time",
			text: "policy: x\nschedule: {timeZone: UTC}",
			want: []string{
				`2:11: schedule: has no time, expected daily or weekly`,
			},
		},
		{
			name: "two times",
			text: "policy: x\nschedule: {daily: \"04:30\", weekly: {on: sunday, at: \"04:30\"}}",
			want: []string{
				`2:36: schedule.weekly: stands beside daily, expected one of the two`,
			},
		},
		{
			name: "weekday",
			text: "policy: x\nschedule: {weekly: {on: sundy, at: \"04:30\"}}",
			want: []string{
				`2:25: schedule.weekly.on: got "sundy", expected one of sunday, monday, tuesday, wednesday, thursday, friday, saturday; did you mean "sunday"?`,
			},
		},
		{
			name: "half a week",
			text: "policy: x\nschedule: {weekly: {on: sunday}}",
			want: []string{
				`2:20: schedule.weekly: is not complete, expected both on and at`,
			},
		},
		{
			name: "week is text",
			text: "policy: x\nschedule: {weekly: sunday}",
			want: []string{
				`2:20: schedule.weekly: got "sunday", expected a mapping with on, at`,
			},
		},
		{
			name: "schedule is text",
			text: "policy: x\nschedule: daily",
			want: []string{
				`2:11: schedule: got "daily", expected a mapping with daily, weekly, timeZone, spread, surprise`,
			},
		},
	})
}
