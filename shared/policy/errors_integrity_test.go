package policy_test

import "testing"

func TestErrorsOfIntegrity(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "grace missing",
			text: "policy: x\nintegrity: {onFail: revoke}",
			want: []string{
				`2:21: integrity.grace: is missing, required with onFail: revoke; expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace missing for silence",
			text: "policy: x\nrules: [{rule: r, os: {is: debian}}]\nintegrity: {silence: {then: revoke}}",
			want: []string{
				`3:22: integrity.grace: is missing, required with silence.then: revoke; expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "silence without rules",
			text: "policy: x\nintegrity: {grace: 4h, silence: {then: revoke}}",
			want: []string{
				`2:12: integrity.silence.then: got revoke, which needs at least one rule that is not info`,
			},
		},
		{
			name: "silence with rules that only show",
			text: "policy: x\nrules: [{rule: r, os: {is: debian}, info: true}]\nintegrity: {grace: 4h, silence: {then: revoke}}",
			want: []string{
				`3:12: integrity.silence.then: got revoke, which needs at least one rule that is not info`,
			},
		},
		{
			name: "silence notify",
			text: "policy: x\nintegrity: {silence: {after: 59m, then: notify}}",
			want: []string{
				`2:30: integrity.silence.after: got "59m", which is too short, expected a duration from 1h to 30d, written like 30m, 4h or 7d`,
				`2:41: integrity.silence.then: got "notify", expected one of hold, revoke`,
			},
		},
		{
			name: "grace negative",
			text: "policy: x\nintegrity: {onFail: revoke, grace: -4h}",
			want: []string{
				`2:36: integrity.grace: got "-4h", expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace absurd",
			text: "policy: x\nintegrity: {onFail: revoke, grace: 999999d}",
			want: []string{
				`2:36: integrity.grace: got "999999d", which is too long, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace too short",
			text: "policy: x\nintegrity: {onFail: revoke, grace: 59s}",
			want: []string{
				`2:36: integrity.grace: got "59s", which is too short, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace without unit",
			text: "policy: x\nintegrity: {onFail: revoke, grace: 4}",
			want: []string{
				`2:36: integrity.grace: got 4, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace with a fraction",
			text: "policy: x\nintegrity: {onFail: revoke, grace: 1.5h}",
			want: []string{
				`2:36: integrity.grace: got "1.5h", expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace overflows",
			text: "policy: x\nintegrity: {onFail: revoke, grace: 9999999999999999999h}",
			want: []string{
				`2:36: integrity.grace: got "9999999999999999999h", which is too long, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace is empty",
			text: "policy: x\nintegrity:\n  onFail: revoke\n  grace:\n",
			want: []string{
				`4:3: integrity.grace: got nothing, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace is a list",
			text: "policy: x\nintegrity: {onFail: revoke, grace: [4h]}",
			want: []string{
				`2:36: integrity.grace: got a list, expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "grace has no number",
			text: "policy: x\nintegrity: {onFail: revoke, grace: ''}",
			want: []string{
				`2:36: integrity.grace: got "", expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "action",
			text: "policy: x\nintegrity: {onFail: disable}",
			want: []string{
				`2:21: integrity.onFail: got "disable", expected one of notify, hold, revoke`,
			},
		},
		{
			name: "confirm",
			text: "policy: x\nintegrity: {confirm: 0}",
			want: []string{
				`2:22: integrity.confirm: got 0, expected a whole number from 1 to 5`,
			},
		},
		{
			name: "confirm is a word",
			text: "policy: x\nintegrity: {confirm: often}",
			want: []string{
				`2:22: integrity.confirm: got "often", expected a whole number from 1 to 5, or a mapping with failures, of`,
			},
		},
		{
			name: "confirm of fewer",
			text: "policy: x\nintegrity: {confirm: {failures: 3, of: 2}}",
			want: []string{
				`2:40: integrity.confirm.of: got 2, expected 3 to 10, at least as many as failures`,
			},
		},
		{
			name: "confirm by half",
			text: "policy: x\nintegrity: {confirm: {failures: 3}}",
			want: []string{
				`2:22: integrity.confirm.of: is missing, required beside the other of failures, of; expected a whole number`,
			},
		},
		{
			name: "confirm out of bounds",
			text: "policy: x\nintegrity: {confirm: {failures: 6, of: 11}}",
			want: []string{
				`2:33: integrity.confirm.failures: got 6, expected a whole number from 1 to 5`,
				`2:40: integrity.confirm.of: got 11, expected a whole number from 1 to 10`,
			},
		},
		{
			name: "changes",
			text: "policy: x\nintegrity: {changes: 1}",
			want: []string{
				`2:22: integrity.changes: got 1, expected a whole number from 2 to 100`,
			},
		},
		{
			name: "restore after",
			text: "policy: x\nintegrity: {restore: {after: 6, then: never}}",
			want: []string{
				`2:30: integrity.restore.after: got 6, expected a whole number from 1 to 5`,
				`2:39: integrity.restore.then: got "never", expected one of automatic, manual`,
			},
		},
		{
			name: "retry",
			text: "policy: x\nintegrity: {retry: {every: 1m, upTo: 1001}}",
			want: []string{
				`2:28: integrity.retry.every: got "1m", which is too short, expected a duration from 5m to 24h, written like 30m, 4h or 7d`,
				`2:38: integrity.retry.upTo: got 1001, expected a whole number from 0 to 1000`,
			},
		},
		{
			name: "restore",
			text: "policy: x\nintegrity: {restore: auto}",
			want: []string{
				`2:22: integrity.restore: got "auto", expected one of automatic, manual`,
			},
		},
		{
			name: "settle",
			text: "policy: x\nintegrity: {settle: 2d}",
			want: []string{
				`2:21: integrity.settle: got "2d", which is too long, expected a duration from 0s to 24h, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "remind",
			text: "policy: x\nintegrity: {remind: 1m}",
			want: []string{
				`2:21: integrity.remind: got "1m", which is too short, expected a duration from 1h to 30d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "remind is true",
			text: "policy: x\nintegrity: {remind: true}",
			want: []string{
				`2:21: integrity.remind: got true, expected a duration from 1h to 30d, written like 30m, 4h or 7d`,
			},
		},
		{
			name: "key",
			text: "policy: x\nintegrity: {key: {mode: revoke-grants, shared: yes, lock: sure, snapshot: 1, effect: detach}}",
			want: []string{
				`2:25: integrity.key.mode: got "revoke-grants", expected one of revoke-grant, disable-key; did you mean "revoke-grant"?`,
				`2:48: integrity.key.shared: got "yes", expected one of refused, allowed`,
				`2:59: integrity.key.lock: got "sure", expected true or false`,
				`2:75: integrity.key.snapshot: got 1, expected true or false`,
				`2:86: integrity.key.effect: got "detach", expected one of lock, stop`,
			},
		},
		{
			name: "calendar",
			text: "policy: x\nintegrity: {calendar: [month-end, month-end, 'two words', 7, 'arn:aws:ssm:us-east-1:1:document/x-y-z']}",
			want: []string{
				`2:35: integrity.calendar[1]: "month-end" stands twice`,
				`2:46: integrity.calendar[2]: got "two words", expected the name or ARN of an SSM change calendar, such as month-end`,
				`2:59: integrity.calendar[3]: got 7, expected the name or ARN of an SSM change calendar, such as month-end`,
				`2:62: integrity.calendar[4]: got "arn:aws:ssm:us-east-1:1:document/x-y-z", expected the name or ARN of an SSM change calendar, such as month-end`,
			},
		},
		{
			name: "too many calendars",
			text: "policy: x\nintegrity: {calendar: [aaa, bbb, ccc, ddd, eee, fff]}",
			want: []string{
				`2:23: integrity.calendar: got 6, expected a list of 0 to 5 change calendars`,
			},
		},
	})
}
