package policy_test

import "testing"

func TestErrorsOfDocument(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "empty",
			text: "",
			want: []string{
				`1:1: the document is empty, expected a policy`,
			},
		},
		{
			name: "only a comment",
			text: "# c\n",
			want: []string{
				`1:1: the document is empty, expected a policy`,
			},
		},
		{
			name: "a word",
			text: "a",
			want: []string{
				`1:1: got "a", expected a mapping with policy, description, machines, schedule, rules, requests, integrity, notify`,
			},
		},
		{
			name: "a list",
			text: "- a",
			want: []string{
				`1:1: got a list, expected a mapping with policy, description, machines, schedule, rules, requests, integrity, notify`,
			},
		},
		{
			name: "no name",
			text: "description: d",
			want: []string{
				`1:1: policy: is missing, expected a name of 1 to 32 characters from a-z, 0-9 and -`,
			},
		},
		{
			name: "open bracket",
			text: "policy: {a: b",
			want: []string{
				`1:9: is not YAML: could not find flow mapping end token '}'`,
			},
		},
		{
			name: "open quote",
			text: "policy: 'x",
			want: []string{
				`1:9: is not YAML: could not find end character of single-quoted text`,
			},
		},
		{
			name: "tab",
			text: "policy: x\n\tdescription: b\n",
			want: []string{
				`2:1: is not YAML: found character '	' that cannot start any token`,
			},
		},
		{
			name: "a bare word as key",
			text: "policy: x\ninfo\n",
			want: []string{
				`2:1: is not YAML: non-map value is specified`,
			},
		},
		{
			name: "not UTF-8",
			text: "policy: \xff",
			want: []string{
				`1:9: is not UTF-8 text`,
			},
		},
		{
			name: "control character",
			text: "policy: x\n# \x1b[31m",
			want: []string{
				`2:3: the control character U+001B does not belong in a policy`,
			},
		},
		{
			name: "byte order mark",
			text: "\ufeffpolicy: x",
			want: []string{
				`1:1: the control character U+FEFF does not belong in a policy`,
			},
		},
		{
			name: "two documents",
			text: "policy: x\n---\npolicy: y",
			want: []string{
				`2:1: a policy is one document, expected only one ---`,
			},
		},
		{
			name: "end of document",
			text: "policy: x\n...\n",
			want: []string{
				`2:1: a policy is one document, without ...`,
			},
		},
		{
			name: "anchor",
			text: "policy: &a x",
			want: []string{
				`1:9: anchors (&) are not part of the policy language`,
			},
		},
		{
			name: "alias",
			text: "policy: x\nnotify: {to: [*a]}",
			want: []string{
				`2:15: aliases (*) are not part of the policy language; put a text that starts with * in quotes`,
			},
		},
		{
			name: "merge key",
			text: "policy: x\n<<: {a: b}",
			want: []string{
				`2:1: merge keys (<<) are not part of the policy language`,
			},
		},
		{
			name: "tag",
			text: "policy: !!str x",
			want: []string{
				`1:9: tags (!) are not part of the policy language; put a text that starts with ! in quotes`,
			},
		},
		{
			name: "directive",
			text: "%YAML 1.2\n---\npolicy: x",
			want: []string{
				`1:1: directives (%) are not part of the policy language`,
			},
		},
		{
			name: "complex key",
			text: "? policy\n: x",
			want: []string{
				`1:1: complex keys (?) are not part of the policy language`,
			},
		},
		{
			name: "list entry in brackets",
			text: "policy: x\nrules: [- a]",
			want: []string{
				`2:9: a list entry (-) does not belong in brackets`,
			},
		},
		{
			name: "unknown key",
			text: "policy: x\nintergity: {}",
			want: []string{
				`2:1: unknown key "intergity", expected policy, description, machines, schedule, rules, requests, integrity, notify; did you mean "integrity"?`,
			},
		},
		{
			name: "unknown key that is like nothing",
			text: "policy: x\nzebra: {}",
			want: []string{
				`2:1: unknown key "zebra", expected policy, description, machines, schedule, rules, requests, integrity, notify`,
			},
		},
		{
			name: "unknown key far too long",
			text: "policy: x\nkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: {}",
			want: []string{
				`2:1: unknown key "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...", expected policy, description, machines, schedule, rules, requests, integrity, notify`,
			},
		},
		{
			name: "key twice",
			text: "policy: x\nnotify: {to: [a@example.com], to: [b@example.com]}\npolicy: y",
			want: []string{
				`2:31: notify.to: stands twice; the first is in line 2`,
				`3:1: policy: stands twice; the first is in line 1`,
			},
		},
		{
			name: "empty value",
			text: "policy: x\nrules:\nschedule: ~",
			want: []string{
				`2:1: rules: got nothing, expected a list of 1 to 100 rules`,
				`3:1: schedule: got nothing, expected a mapping with daily, weekly, timeZone, spread, surprise`,
			},
		},
		{
			name: "all errors together",
			text: "policy: X\nschedule: {daily: 99:99}\nintegrity:\n  onFail: revok\n  grace: -4h\n",
			want: []string{
				`1:9: policy: got "X", expected a name of 1 to 32 characters from a-z, 0-9 and -`,
				`2:19: schedule.daily: got "99:99", expected a time from "00:00" to "23:59"`,
				`4:11: integrity.onFail: got "revok", expected one of notify, hold, revoke; did you mean "revoke"?`,
				`5:10: integrity.grace: got "-4h", expected a duration from 1m to 90d, written like 30m, 4h or 7d`,
			},
		},
	})
}
