package custom_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

// refusals have exactly one error each, and the mark under its source where it is.
var refusals = []struct{ name, rule, want string }{
	{
		"a list that there is not", "each: listener\n  expression: e.port == 80",
		"4:9: rules[0].each: got \"listener\", expected one of LISTS; did you mean \"listeners\"?",
	},
	{
		"something else than a list", "each: os\n  expression: e.id == 'a'",
		"4:9: rules[0].each: got \"os\", expected one of LISTS",
	},
	{
		"a field that there is not", "each: mounts\n  expression: e.encrypte",
		"5:16: rules[0].expression: Mount has no field \"encrypte\", expected target, fstype, source, device, root, options, encrypted, crypt; did you mean \"encrypted\"?\n" +
			"    e.encrypte\n" +
			"     ^",
	},
	{
		"a field of an element of another list", "expression: evidence.mounts.all(m, m.targt != '/')",
		"4:39: rules[0].expression: Mount has no field \"targt\", expected target, fstype, source, device, root, options, encrypted, crypt; did you mean \"target\"?\n" +
			"    evidence.mounts.all(m, m.targt != '/')\n" +
			"                            ^",
	},
	{
		"a field of something unnamed", "expression: evidence.mounts[0].targt == '/'",
		"4:33: rules[0].expression: there is no field \"targt\"\n" +
			"    evidence.mounts[0].targt == '/'\n" +
			"                      ^",
	},
	{
		"a field of a text", "expression: evidence.os.id.name == '/'",
		"4:29: rules[0].expression: type 'string' does not support field selection\n" +
			"    evidence.os.id.name == '/'\n" +
			"                  ^",
	},
	{
		"types that do not go together", "each: listeners\n  expression: e.port == \"80\"",
		"5:22: rules[0].expression: == does not go with (int, string)\n" +
			"    e.port == \"80\"\n" +
			"           ^",
	},
	{
		"in a block", "each: listeners\n  expression: |\n    e.port != 80\n      || e.addr == 1",
		"7:17: rules[0].expression: == does not go with (string, int)\n" +
			"      || e.addr == 1\n" +
			"                ^",
	},
	{
		"an index of a text", "expression: evidence.os.id[0] == 'd'",
		"4:29: rules[0].expression: [ ] does not go with (string, int)\n" +
			"    evidence.os.id[0] == 'd'\n" +
			"                  ^",
	},
	{
		"a name that there is not", "expression: evidense.os.id == 'd'",
		"4:15: rules[0].expression: there is no \"evidense\", expected evidence or a function; did you mean \"evidence\"?\n" +
			"    evidense.os.id == 'd'\n" +
			"    ^",
	},
	{
		"an element without each", "expression: e.port == 80",
		"4:15: rules[0].expression: there is no \"e\" without each; expected evidence\n" +
			"    e.port == 80\n" +
			"    ^",
	},
	{
		"a function that there is not", "each: mounts\n  expression: versionsIs(e.target, '> 1')",
		"5:25: rules[0].expression: there is no \"versionsIs\", expected e, evidence or a function; did you mean \"versionIs\"?\n" +
			"    versionsIs(e.target, '> 1')\n" +
			"              ^",
	},
	{
		"has", "expression: has(evidence.os.id)",
		"4:18: rules[0].expression: has is not part of the language: a fact that is not known makes the rule Unknown, and missing says what follows\n" +
			"    has(evidence.os.id)\n" +
			"       ^",
	},
	{
		"dyn", "expression: dyn(1) == 2",
		"4:18: rules[0].expression: dyn is not part of the language: every value has the type that the evidence gives it\n" +
			"    dyn(1) == 2\n" +
			"       ^",
	},
	{
		"where of another type", "each: mounts\n  where: e.target\n  expression: e.encrypted",
		"5:10: rules[0].where: gives string, expected bool\n" +
			"    e.target\n" +
			"    ^",
	},
	{
		"expression of another type", "expression: evidence.listeners",
		"4:15: rules[0].expression: gives list(Listener), expected bool\n" +
			"    evidence.listeners\n" +
			"    ^",
	},
	{
		"message of another type", "expression: evidence.os.id == 'a'\n  message: '1'",
		"5:13: rules[0].message: gives int, expected string\n" +
			"    1\n" +
			"    ^",
	},
	{
		"no CEL at all", "expression: 'evidence.os.id =='",
		"4:33: rules[0].expression: is not CEL: something is missing at the end\n" +
			"    evidence.os.id ==\n" +
			"                     ^",
	},
	{
		"a name of ours", "expression: \"@clock == 1\"",
		"4:16: rules[0].expression: is not CEL: token recognition error at: '@'\n" +
			"    @clock == 1\n" +
			"    ^",
	},
	{
		"a version that is none", "expression: versionIs(evidence.os.kernel, '6')",
		"4:45: rules[0].expression: got \"6\", expected an operator (<, <=, =, !=, >=, >) and a version, such as \">= 3.7.0\" or \">= 3.7.0, < 4\"\n" +
			"    versionIs(evidence.os.kernel, '6')\n" +
			"                                  ^",
	},
	{
		"a version that is worked out", "expression: versionIs(evidence.os.kernel, '>= ' + evidence.os.id)",
		"4:51: rules[0].expression: versionIs is compared with something that is worked out, expected a text in quotes, which can be checked now\n" +
			"    versionIs(evidence.os.kernel, '>= ' + evidence.os.id)\n" +
			"                                        ^",
	},
	{
		"a network that is none", "expression: inNetwork(evidence.os.id, '10.0.0.1/8')",
		"4:41: rules[0].expression: got \"10.0.0.1/8\", expected a network such as 10.0.0.0/8 or fd00::/8\n" +
			"    inNetwork(evidence.os.id, '10.0.0.1/8')\n" +
			"                              ^",
	},
	{
		"a regular expression that is none", "expression: evidence.os.id.matches('(')",
		"4:38: rules[0].expression: is no regular expression of RE2: error parsing regexp: missing closing ): `(`\n" +
			"    evidence.os.id.matches('(')\n" +
			"                           ^",
	},
	{
		"a duration that is none", "expression: age(evidence.os.boot) < duration('3d')",
		"4:48: rules[0].expression: is no duration, expected hours, minutes or seconds such as duration(\"72h\")\n" +
			"    age(evidence.os.boot) < duration('3d')\n" +
			"                                     ^",
	},
	{
		"a time that is none", "expression: evidence.os.boot < timestamp('yesterday')",
		"4:44: rules[0].expression: is no time, expected one such as timestamp(\"2026-01-31T00:00:00Z\")\n" +
			"    evidence.os.boot < timestamp('yesterday')\n" +
			"                                 ^",
	},
	{
		"the age of a text", "expression: age(evidence.os.id) < duration('1h')",
		"4:18: rules[0].expression: age does not go with (string)\n" +
			"    age(evidence.os.id) < duration('1h')\n" +
			"       ^",
	},
	{
		"whole objects", "expression: evidence.os == evidence.os",
		"4:27: rules[0].expression: compares whole objects, expected one of their fields\n" +
			"    evidence.os == evidence.os\n" +
			"                ^",
	},
	{
		"an object", "expression: 'keyward.Listener{port: 3}.port == 3'",
		"4:32: rules[0].expression: makes an object, and there is nothing to do with one\n" +
			"    keyward.Listener{port: 3}.port == 3\n" +
			"                    ^",
	},
	{
		"an element called e", "expression: evidence.mounts.all(e, e.encrypted)",
		"4:34: rules[0].expression: calls the elements of a list \"e\", which is taken; expected another name\n" +
			"    evidence.mounts.all(e, e.encrypted)\n" +
			"                       ^",
	},
	{
		"lists within lists", "expression: evidence.listeners.all(l, evidence.listeners.all(k, k.port != l.port))",
		"4:15: rules[0].expression: may cost 2100227, expected at most 100000; go through a list with each, or with exists or all in place of filter and map\n" +
			"    evidence.listeners.all(l, evidence.listeners.all(k, k.port != l.port))\n" +
			"    ^",
	},
	{
		"a line far to the right", "expression: evidence.os.id == 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' || evidence.os.pretti == 'b'",
		"4:128: rules[0].expression: OS has no field \"pretti\", expected id, versionId, pretty, kernel, arch, bootId, boot; did you mean \"pretty\"?\n" +
			"    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' || evidence.os.pretti == 'b'\n" +
			"                                                               ^",
	},
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			document := "policy: x\nrules:\n- rule: r\n  " + c.rule + "\n"
			p, err := custom.Parse([]byte(document))
			var all policy.Errors
			if p != nil || !errors.As(err, &all) || len(all) != 1 {
				t.Fatalf("Parse(%q) = %v, %v, want one error", document, p, err)
			}
			want := strings.Replace(c.want, "LISTS", strings.Join(custom.Lists(), ", "), 1)
			if diff := cmp.Diff(want, err.Error()); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", document, diff)
			}
		})
	}
}

// Every rule's texts are checked, whatever else is wrong with the document, and all stands in its order.
func TestAllErrors(t *testing.T) {
	t.Parallel()
	_, err := custom.Parse([]byte("policy: x\nrules:\n- {rule: a, each: mounts, where: e.a, expression: e.b, message: e.c}\n- {rule: b, expression: f}\n"))
	var all policy.Errors
	if !errors.As(err, &all) || len(all) != 4 {
		t.Errorf("Parse = %v, want four errors", err)
	}
	for name, c := range map[string]struct {
		rules string
		want  []string // line:column: path of each error
	}{
		"beside others":                 {"- {rule: a, os: {is: dos}}\n- {rule: b, expression: f, fix: 1}\n- {rule: c, os: {is: beos}}", []string{"4:22: rules[0].os.is", "5:25: rules[1].expression", "5:33: rules[1].fix", "6:22: rules[2].os.is"}},
		"two conditions":                {"- {rule: a, os: {is: debian}, expression: f}", []string{"4:3: rules[0]", "4:43: rules[0].expression"}},
		"a text that cannot be read":    {"- {rule: a, each: mounts, where: 1, expression: e.b}", []string{"4:34: rules[0].where", "4:50: rules[0].expression"}},
		"an expression that cannot":     {"- {rule: a, each: mounts, where: e.a, expression: 1}", []string{"4:35: rules[0].where", "4:51: rules[0].expression"}},
		"where without each":            {"- {rule: a, where: e.a, expression: f}", []string{"4:20: rules[0].where", "4:37: rules[0].expression"}},
		"each by another name":          {"- {rule: a, eech: mounts, expression: e.b}", []string{"4:13: rules[0]"}},
		"each that cannot be read":      {"- {rule: a, each: [mounts], expression: e.b}", []string{"4:19: rules[0].each"}},
		"each that is not there":        {"- {rule: a, each: mount, expression: e.b}", []string{"4:19: rules[0].each"}},
		"a message without expression":  {"- {rule: a, each: mounts, message: e.b}", []string{"4:3: rules[0]", "4:19: rules[0].each", "4:36: rules[0].message"}},
		"the only rule is not readable": {"- {rule: a, expression: f", []string{"4:3: "}},
	} {
		_, err := custom.Parse([]byte("policy: x\ncolour: red\nrules:\n" + c.rules + "\n"))
		if !errors.As(err, &all) {
			t.Fatalf("%s: Parse = %v, want errors", name, err)
		}
		var got []string
		for _, e := range all {
			if e.Line != 2 {
				got = append(got, fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Path))
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: Parse = %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// All expressions of a policy together are bounded, since each of a hundred rules may be.
func TestCostOfAPolicy(t *testing.T) {
	t.Parallel()
	document := "policy: x\nrules:\n"
	for i := range 60 {
		document += fmt.Sprintf("- {rule: r%d, each: listeners, expression: 'evidence.mounts.exists(m, m.target.contains(\"x%d\") && e.addr.contains(\"y\"))'}\n", i, i)
	}
	_, err := custom.Parse([]byte(document))
	var all policy.Errors
	if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].Message, "all expressions up to here may cost") || !strings.Contains(all[0].Message, "expected at most 20000000") {
		t.Errorf("Parse = %v, want the sum refused once", err)
	}
}

// The limits of the form: what is nested or long is refused by CEL's parser, quickly.
func TestLimitsOfForm(t *testing.T) {
	t.Parallel()
	for name, expression := range map[string]string{
		"brackets": strings.Repeat("(", 1500) + "true" + strings.Repeat(")", 1500),
		"terms":    "true" + strings.Repeat("&&true", 600),
		"lists":    strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + " == []",
		"a text":   "'" + strings.Repeat("a", 3990) + "' == ''",
	} {
		p, err := custom.Parse([]byte("policy: x\nrules:\n- rule: r\n  expression: |\n    " + expression + "\n"))
		if ok := name == "a text"; (err == nil) != ok || (p != nil) != ok {
			t.Errorf("%s: Parse = %v, %v", name, p, err)
		}
	}
}
