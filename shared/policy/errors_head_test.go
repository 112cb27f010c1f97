package policy_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/policy"
)

func TestErrorsOfHead(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "name with capitals",
			text: "policy: Web",
			want: []string{
				`1:9: policy: got "Web", expected a name of 1 to 32 characters from a-z, 0-9 and -`,
			},
		},
		{
			name: "name too long",
			text: "policy: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			want: []string{
				`1:9: policy: got "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", expected a name of 1 to 32 characters from a-z, 0-9 and -`,
			},
		},
		{
			name: "name is a number",
			text: "policy: 12",
			want: []string{
				`1:9: policy: got 12, expected a name of 1 to 32 characters from a-z, 0-9 and -`,
			},
		},
		{
			name: "name of the built-in one",
			text: "policy: default",
			want: []string{
				`1:9: policy: "default" is the name of the built-in policy, expected another`,
			},
		},
		{
			name: "description in two lines",
			text: "policy: x\ndescription: |\n  a\n  b\n",
			want: []string{
				`2:14: description: got "a\nb\n", expected one line of text of 1 to 500 characters`,
			},
		},
		{
			name: "description is a number",
			text: "policy: x\ndescription: 12",
			want: []string{
				`2:14: description: got 12, expected one line of text of 1 to 500 characters, in quotes`,
			},
		},
		{
			name: "description empty",
			text: "policy: x\ndescription: ''",
			want: []string{
				`2:14: description: got "", expected one line of text of 1 to 500 characters`,
			},
		},
		{
			name: "machine ids",
			text: "policy: x\nmachines: {ids: [web-1, i-1234567890abcdef0, ~], except: i-12345678}",
			want: []string{
				`2:17: machines.ids[2]: got nothing, expected a machine id such as i-1234567890abcdef0 or mi-1234567890abcdef0`,
				`2:18: machines.ids[0]: got "web-1", expected a machine id such as i-1234567890abcdef0 or mi-1234567890abcdef0`,
				`2:58: machines.except: got "i-12345678", expected a list of 1 to 100 machine ids`,
			},
		},
		{
			name: "no machine ids",
			text: "policy: x\nmachines: {ids: []}",
			want: []string{
				`2:17: machines.ids: got 0, expected a list of 1 to 100 machine ids`,
			},
		},
		{
			name: "tags",
			text: "policy: x\nmachines: {tags: {a: 1, b: ~, c: [x], '': d, a: x}}",
			want: []string{
				`2:22: machines.tags.a: got 1, expected text of at most 256 characters, numbers in quotes`,
				`2:25: machines.tags.b: got nothing, expected text of at most 256 characters, numbers in quotes`,
				`2:34: machines.tags.c: got a list, expected text of at most 256 characters, numbers in quotes`,
				`2:39: machines.tags: got the tag "", expected a name of 1 to 128 characters`,
				`2:46: machines.tags.a: stands twice`,
			},
		},
		{
			name: "tags are a list",
			text: "policy: x\nmachines: {tags: [a]}",
			want: []string{
				`2:18: machines.tags: got a list, expected a mapping of 1 to 50 tags to their values`,
			},
		},
		{
			name: "priority",
			text: "policy: x\nmachines: {priority: 1001}",
			want: []string{
				`2:22: machines.priority: got 1001, expected a whole number from 0 to 1000`,
			},
		},
		{
			name: "priority in quotes",
			text: "policy: x\nmachines: {priority: \"10\"}",
			want: []string{
				`2:22: machines.priority: got "10", expected a whole number from 0 to 1000`,
			},
		},
		{
			name: "priority is a fraction",
			text: "policy: x\nmachines: {priority: 1.5}",
			want: []string{
				`2:22: machines.priority: got 1.5, expected a whole number from 0 to 1000`,
			},
		},
		{
			name: "notify",
			text: "policy: x\nnotify: {to: [ops, Ops <ops@example.com>, ops@example.com, ops@example.com], timeZone: Local, ownerTag: owner}",
			want: []string{
				`2:15: notify.to[0]: got "ops", expected an e-mail address such as ops@example.com`,
				`2:20: notify.to[1]: got "Ops <ops@example.com>", expected an e-mail address such as ops@example.com`,
				`2:60: notify.to[3]: "ops@example.com" stands twice`,
				`2:88: notify.timeZone: got "Local", expected an IANA time zone such as Europe/Berlin or UTC`,
				`2:95: notify.ownerTag: is not available in this version`,
			},
		},
		{
			name: "events that are left out",
			text: "policy: x\nnotify: {omit: [warning, restored, restored]}",
			want: []string{
				`2:17: notify.omit[0]: got "warning", expected one of ` + strings.Join(policy.Omissible, ", "),
				`2:36: notify.omit[2]: "restored" stands twice`,
			},
		},
		{
			name: "texts of mails",
			text: "policy: x\nnotify: {subject: \"[{team}]\", header: \"{machine} {}\", footer: 1, texts: {warning: \"{Inst_ID}\", ransom: x}}",
			want: []string{
				`2:19: notify.subject: "{team}" is no variable, expected one of {machine}, {name}, {owner}, {zone}, {policy}, {version}, {event}`,
				`2:39: notify.header: "{}" is no variable, expected one of {machine}, {name}, {owner}, {zone}, {policy}, {version}, {event}`,
				`2:63: notify.footer: got 1, expected one line of text of 1 to 1000 characters, in quotes`,
				`2:83: notify.texts.warning: "{Inst_ID}" is no variable, expected one of {machine}, {name}, {owner}, {zone}, {policy}, {version}, {event}`,
				`2:96: notify.texts: unknown key "ransom", expected ` + strings.Join(policy.MailEvents, ", "),
			},
		},
		{
			name: "steps without what they need",
			text: "policy: x\nnotify: {escalate: [{to: [a@example.com]}, {after: 2h}, lead@example.com]}",
			want: []string{
				`2:21: notify.escalate[0].after: is missing, expected a duration from 5m to 30d`,
				`2:44: notify.escalate[1].to: is missing, expected a list of e-mail addresses`,
				`2:57: notify.escalate[2]: got "lead@example.com", expected a mapping with after, to`,
			},
		},
		{
			name: "steps at times that are none",
			text: "policy: x\nnotify: {escalate: [{after: 4m, to: [a@example.com]}, {after: 31d, to: [a@example.com]}, {after: 5m30s, to: [a@example.com]}]}",
			want: []string{
				`2:29: notify.escalate[0].after: got "4m", which is too short, expected a duration from 5m to 30d, written like 30m, 4h or 7d`,
				`2:63: notify.escalate[1].after: got "31d", which is too long, expected a duration from 5m to 30d, written like 30m, 4h or 7d`,
				`2:98: notify.escalate[2].after: got "5m30s", expected whole minutes`,
			},
		},
		{
			name: "steps that do not rise",
			text: "policy: x\nnotify:\n  escalate:\n  - {after: 8h, to: [a@example.com]}\n  - {after: 480m, to: [a@example.com]}\n  - {after: 2h, to: [b, a@example.com, a@example.com], by: x}",
			want: []string{
				`5:13: notify.escalate[1].after: got "480m", expected more than the 8h of the step before`,
				`6:22: notify.escalate[2].to[0]: got "b", expected an e-mail address such as ops@example.com`,
				`6:40: notify.escalate[2].to[2]: "a@example.com" stands twice`,
				`6:56: notify.escalate[2]: unknown key "by", expected after, to`,
			},
		},
		{
			name: "no steps, and too many",
			text: "policy: x\nnotify: {escalate: []}",
			want: []string{`2:20: notify.escalate: got 0, expected a list of 1 to 5 steps`},
		},
		{
			name: "nobody to notify",
			text: "policy: x\nnotify: {to: []}",
			want: []string{
				`2:14: notify.to: got 0, expected a list of 1 to 10 e-mail addresses`,
			},
		},
		{
			name: "notify is text",
			text: "policy: x\nnotify: ops@example.com",
			want: []string{
				`2:9: notify: got "ops@example.com", expected a mapping with to, escalate, timeZone, approvals, omit, subject, header, footer, texts`,
			},
		},
		{
			name: "nothing to approve by itself",
			text: "policy: x\nrequests: {autoApprove: 30m}",
			want: []string{
				`2:25: requests.autoApprove: goes with onPass: hold alone: machines that comply are not held for a person otherwise`,
			},
		},
		{
			name: "approved by itself too late",
			text: "policy: x\nrequests: {onPass: hold, autoApprove: 4h, expire: 2h}",
			want: []string{
				`2:39: requests.autoApprove: is 4h, and a request expires after 2h: it would never be approved`,
			},
		},
		{
			name: "requests",
			text: "policy: x\nrequests: {onPass: approved, onFail: approve, onUnknown: approve, evidenceAge: 8d, expire: 59m, autoApprove: never}",
			want: []string{
				`2:20: requests.onPass: got "approved", expected one of approve, deny, hold; did you mean "approve"?`,
				`2:38: requests.onFail: got "approve", expected one of deny, hold`,
				`2:58: requests.onUnknown: got "approve", expected one of deny, hold`,
				`2:80: requests.evidenceAge: got "8d", which is too long, expected a duration from 1m to 7d, written like 30m, 4h or 7d`,
				`2:92: requests.expire: got "59m", which is too short, expected a duration from 1h to 30d, written like 30m, 4h or 7d`,
				`2:110: requests.autoApprove: got "never", expected a duration from 1m to 7d, written like 30m, 4h or 7d`,
			},
		},
	})
}
