package policy_test

import "testing"

const productList = "ossec, wazuh, deep-security, serverprotect-linux, officescan, defender, clamav, defender-endpoint, crowdstrike, sentinelone, " +
	"guardduty, aide, auditd"

func TestErrorsOfProduct(t *testing.T) {
	t.Parallel()
	refuse(t, []refusal{
		{
			name: "unknown product",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: osec, state: running}",
			want: []string{
				`4:17: rules[0].product.is: got "osec", expected one of ` + productList + `; did you mean "ossec"?`,
			},
		},
		{
			name: "two letters swapped",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: osesc, state: running}",
			want: []string{
				`4:17: rules[0].product.is: got "osesc", expected one of ` + productList + `; did you mean "ossec"?`,
			},
		},
		{
			name: "no product",
			text: "policy: x\nrules:\n- rule: r\n  product: {state: running}",
			want: []string{
				`4:12: rules[0].product.is: is missing, expected one of ` + productList + ``,
			},
		},
		{
			name: "product is text",
			text: "policy: x\nrules:\n- rule: r\n  product: ossec",
			want: []string{
				`4:12: rules[0].product: got "ossec", expected a mapping with is, state, version, definitions`,
			},
		},
		{
			name: "nothing asked",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec}",
			want: []string{
				`4:12: rules[0].product: asks nothing of ossec, expected state, version or definitions`,
			},
		},
		{
			name: "unknown state",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, state: runing}",
			want: []string{
				`4:31: rules[0].product.state: got "runing", expected one of running, stopped, installed, absent, protecting; did you mean "running"?`,
			},
		},
		{
			name: "version without operator",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \"3.7.0\"}",
			want: []string{
				`4:33: rules[0].product.version: got "3.7.0", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version with a wrong operator",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \"=> 3.7.0\"}",
			want: []string{
				`4:33: rules[0].product.version: got "=> 3.7.0", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version with two operators",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \">= 3.7 < 4\"}",
			want: []string{
				`4:33: rules[0].product.version: got ">= 3.7 < 4", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version without number",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \">= latest\"}",
			want: []string{
				`4:33: rules[0].product.version: got ">= latest", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version is a number",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: 3.7}",
			want: []string{
				`4:33: rules[0].product.version: got 3.7, expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version has too many numbers",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \"= 1.2.3.4.5.6.7.8.9\"}",
			want: []string{
				`4:33: rules[0].product.version: got "= 1.2.3.4.5.6.7.8.9", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "version has an empty part",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, version: \">= 3,\"}",
			want: []string{
				`4:33: rules[0].product.version: got ">= 3,", expected an operator (<, <=, =, !=, >=, >) and a version, such as ">= 3.7.0" or ">= 3.7.0, < 4"`,
			},
		},
		{
			name: "absent with version",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: ossec, state: absent, version: \">= 3\"}",
			want: []string{
				`4:12: rules[0].product: state absent does not go with version or definitions`,
			},
		},
		{
			name: "definitions of a product without",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: wazuh, definitions: {age: \"<= 72h\"}}",
			want: []string{
				`4:37: rules[0].product.definitions: does not fit wazuh, which has no pattern feed`,
			},
		},
		{
			name: "definitions of a daemon with rules",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: auditd, state: running, definitions: {age: \"<= 72h\"}}",
			want: []string{
				`4:54: rules[0].product.definitions: does not fit auditd, which has no definitions, only rules`,
			},
		},
		{
			name: "definitions that a cloud has",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: crowdstrike, definitions: {age: \"<= 72h\"}}",
			want: []string{
				`4:43: rules[0].product.definitions: does not fit crowdstrike, which has no definitions, its cloud decides`,
			},
		},
		{
			name: "state of what has no process",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: aide, state: running}",
			want: []string{
				`4:30: rules[0].product.state: "running" does not fit aide, expected one of installed, absent, protecting: it has no process of its own`,
			},
		},
		{
			name: "state that nobody can see",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: guardduty, state: protecting}",
			want: []string{
				`4:35: rules[0].product.state: "protecting" does not fit guardduty, expected one of running, stopped, installed, absent: ` +
					`whether its events arrive is not to be seen on the machine`,
			},
		},
		{
			name: "definitions without age",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: {}}",
			want: []string{
				`4:45: rules[0].product.definitions.age: is missing, expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`,
			},
		},
		{
			name: "definitions are text",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: \"<= 72h\"}",
			want: []string{
				`4:45: rules[0].product.definitions: got "<= 72h", expected a mapping with age`,
			},
		},
		{
			name: "age with a wrong operator",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: {age: \">= 72h\"}}",
			want: []string{
				`4:51: rules[0].product.definitions.age: got ">= 72h", expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`,
			},
		},
		{
			name: "age too long",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: {age: \"<= 366d\"}}",
			want: []string{
				`4:51: rules[0].product.definitions.age: got "<= 366d", expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`,
			},
		},
		{
			name: "age without unit",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: {age: 72}}",
			want: []string{
				`4:51: rules[0].product.definitions.age: got 72, expected an operator (<, <=) and a duration from 1h to 365d, such as "<= 72h"`,
			},
		},
		{
			name: "definitions version",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: deep-security, definitions: {version: \">= 1\"}}",
			want: []string{
				`4:46: rules[0].product.definitions: unknown key "version", expected age`,
			},
		},
	})
}
