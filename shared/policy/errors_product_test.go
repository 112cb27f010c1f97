package policy_test

import "testing"

const productList = "ossec, wazuh, deep-security, serverprotect-linux, officescan, defender, clamav, defender-endpoint, crowdstrike, sentinelone, " +
	"guardduty, aide, auditd, other:NAME"

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
				`4:12: rules[0].product: got "ossec", expected a mapping with is, state, version, definitions, package, unit, binary, process`,
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
			name: "another product without signs",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:falco\", state: running}",
			want: []string{
				`4:12: rules[0].product: does not say by what other:falco is told, expected package, unit, binary or process`,
			},
		},
		{
			name: "signs of a product of the catalogue",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: clamav, state: running, unit: clamav-daemon.service}",
			want: []string{
				`4:47: rules[0].product.unit: goes only with other:NAME, clamav is in the catalogue`,
			},
		},
		{
			name: "another product's ugly name",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:A b\", state: running, unit: a.service}",
			want: []string{
				`4:17: rules[0].product.is: got "other:A b", expected other: and a name of 1 to 32 of a-z, 0-9 and -, such as other:falco`,
			},
		},
		{
			name: "what a package cannot tell",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:falco\", state: running, package: falco}",
			want: []string{
				`4:39: rules[0].product.state: running needs unit or process, which tell what runs`,
			},
		},
		{
			name: "version without package",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:falco\", version: \">= 1\", unit: falco.service}",
			want: []string{
				`4:41: rules[0].product.version: needs package, which alone has a version`,
			},
		},
		{
			name: "signs that are none",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:falco\", state: running, unit: falco, process: falco, binary: /usr/../falco, package: \"a b\"}",
			want: []string{
				`4:54: rules[0].product.unit: got "falco", expected the name of a systemd service, such as falco.service`,
				`4:70: rules[0].product.process: got "falco", expected the absolute path of a file, such as /usr/bin/falco`,
				`4:85: rules[0].product.binary: got "/usr/../falco", expected the absolute path of a file, such as /usr/bin/falco`,
				`4:109: rules[0].product.package: got "a b", expected the name of a package, such as falco`,
			},
		},
		{
			name: "what nobody knows of another product",
			text: "policy: x\nrules:\n- rule: r\n  product: {is: \"other:falco\", state: protecting, unit: falco.service, definitions: {age: \"<= 72h\"}}",
			want: []string{
				`4:39: rules[0].product.state: "protecting" does not fit other:falco, expected one of running, stopped, installed, absent: ` +
					`of what is not in the catalogue nobody knows whether it protects`,
				`4:85: rules[0].product.definitions: does not fit other:falco, which is not in the catalogue, so that its definitions are not known`,
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
