package policy_test

import "testing"

func TestErrorsOfRule(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "no rules",
			text: "policy: x\nrules: []",
			want: []string{
				`2:8: rules: got 0, expected a list of 1 to 100 rules`,
			},
		},
		{
			name: "rules are a mapping",
			text: "policy: x\nrules: {rule: r}",
			want: []string{
				`2:8: rules: got a mapping, expected a list of 1 to 100 rules`,
			},
		},
		{
			name: "rule is a word",
			text: "policy: x\nrules: [a]",
			want: []string{
				`2:9: rules[0]: got "a", expected a mapping with rule, KINDS, all, any, fix, missing, info, each, where, expression, message, empty`,
			},
		},
		{
			name: "rule is empty",
			text: "policy: x\nrules: [~]",
			want: []string{
				`2:8: rules[0]: got nothing, expected a mapping with rule, KINDS, all, any, fix, missing, info, each, where, expression, message, empty`,
			},
		},
		{
			name: "no name",
			text: "policy: x\nrules: [{os: {is: debian}}]",
			want: []string{
				`2:9: rules[0].rule: is missing, expected the rule's name`,
			},
		},
		{
			name: "name is a number",
			text: "policy: x\nrules: [{rule: 1, os: {is: debian}}]",
			want: []string{
				`2:16: rules[0].rule: got 1, expected one line of text of 1 to 64 characters, in quotes`,
			},
		},
		{
			name: "name too long",
			text: "policy: x\nrules: [{rule: rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr, os: {is: debian}}]",
			want: []string{
				`2:16: rules[0].rule: got "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr...", expected one line of text of 1 to 64 characters`,
			},
		},
		{
			name: "same name",
			text: "policy: x\nrules:\n- {rule: r, os: {is: debian}}\n- {rule: R, os: {is: debian}}\n",
			want: []string{
				`4:3: rules[1].rule: the name "R" stands twice; the first is in line 3`,
			},
		},
		{
			name: "no condition",
			text: "policy: x\nrules: [{rule: r}]",
			want: []string{
				`2:9: rules[0]: has no condition, expected one of KINDS, all, any, expression`,
			},
		},
		{
			name: "two conditions",
			text: "policy: x\nrules: [{rule: r, os: {is: debian}, ports: {open: [tcp/1]}}]",
			want: []string{
				`2:9: rules[0]: has ports and os, expected one of KINDS, all, any, expression; all and any join several`,
			},
		},
		{
			name: "missing and info",
			text: "policy: x\nrules:\n- rule: r\n  os: {is: debian}\n  missing: failed\n  info: maybe",
			want: []string{
				`5:12: rules[0].missing: got "failed", expected one of unknown, fail, pass; did you mean "fail"?`,
				`6:9: rules[0].info: got "maybe", expected true or false`,
			},
		},
		{
			name: "expression beside ports",
			text: "policy: x\nrules:\n- rule: r\n  expression: e\n  ports: {open: [tcp/1]}",
			want: []string{
				`3:3: rules[0]: has ports and expression, expected one of KINDS, all, any, expression; all and any join several`,
			},
		},
		{
			name: "where without each",
			text: "policy: x\nrules:\n- rule: r\n  where: w\n  expression: e\n  empty: pass",
			want: []string{
				`4:10: rules[0].where: stands without each; it is about the elements that each goes through`,
				`6:10: rules[0].empty: stands without each; it is about the elements that each goes through`,
			},
		},
		{
			name: "each and message without expression",
			text: "policy: x\nrules:\n- rule: r\n  os: {is: debian}\n  each: mounts\n  message: m",
			want: []string{
				`5:9: rules[0].each: stands without expression, which says what has to be true`,
				`6:12: rules[0].message: stands without expression, which says what has to be true`,
			},
		},
		{
			name: "texts that are none",
			text: "policy: x\nrules:\n- rule: r\n  each: [mounts]\n  where: true\n  expression: {e: 1}\n  message: \"\"\n  empty: none",
			want: []string{
				`4:9: rules[0].each: got a list, expected one line of text of 1 to 64 characters`,
				`5:10: rules[0].where: got true, expected text in CEL of 1 to 4000 characters, in quotes`,
				`6:15: rules[0].expression: got a mapping, expected text in CEL of 1 to 4000 characters, in quotes`,
				`7:12: rules[0].message: got "", expected text in CEL of 1 to 1000 characters`,
				`8:10: rules[0].empty: got "none", expected one of unknown, fail, pass`,
			},
		},
		{
			name: "key of another rule",
			text: "policy: x\nrules:\n- rule: r\n  port: {closed: [tcp/80]}",
			want: []string{
				`4:3: rules[0]: unknown key "port", expected rule, KINDS, all, any, fix, missing, info, each, where, expression, message, empty; did you mean "ports"?`,
			},
		},
		{
			name: "one in any",
			text: "policy: x\nrules:\n- rule: r\n  any: [{os: {is: debian}}]",
			want: []string{
				`4:8: rules[0].any: got 1, expected a list of 2 to 16 conditions`,
			},
		},
		{
			name: "two in an element",
			text: "policy: x\nrules:\n- rule: r\n  any: [{os: {is: debian}, ports: {open: [tcp/1]}}, {}]",
			want: []string{
				`4:9: rules[0].any[0]: has 2 conditions, expected one of KINDS`,
				`4:53: rules[0].any[1]: has 0 conditions, expected one of KINDS`,
			},
		},
		{
			name: "nested any",
			text: "policy: x\nrules:\n- rule: r\n  all: [{os: {is: debian}}, {any: []}]",
			want: []string{
				`4:30: rules[0].all[1]: unknown key "any", expected KINDS`,
			},
		},
		{
			name: "empty element",
			text: "policy: x\nrules:\n- rule: r\n  all: [{os: {is: debian}}, ~]",
			want: []string{
				`4:8: rules[0].all[1]: got nothing, expected a mapping with KINDS`,
			},
		},
		{
			name: "any is a mapping",
			text: "policy: x\nrules:\n- rule: r\n  any: {os: {is: debian}}",
			want: []string{
				`4:8: rules[0].any: got a mapping, expected a list of 2 to 16 conditions`,
			},
		},
	})
}
