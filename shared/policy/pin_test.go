package policy_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// pinned is one failed rule and what a waiver of it would be pinned to.
type pinned struct {
	name   string
	rule   string
	ev     *evidence.Evidence
	values []string
	unsure string
}

func running(state string, missing ...string) func(*evidence.Product) {
	return func(p *evidence.Product) {
		p.Running = evidence.Running{State: evidence.Known(state), Missing: missing, PIDs: []int{1, 2}}
	}
}

func TestValuesOfEveryKindOfRule(t *testing.T) {
	t.Parallel()
	one := func(v string) []string { return []string{v} }
	closed, all := "ports: {closed: [tcp/80, tcp/8000-8100]}", "0.0.0.0"
	hidden, deleted, foreign := on("tcp", all, "any", 80), on("tcp", all, "any", 80), on("tcp", all, "any", 80)
	hidden.Exe, deleted.ExeDeleted, foreign.ExeForeign = evidence.Unknown[string]("not_root"), true, true
	lost := func(p *evidence.Product) { p.Running.State = evidence.Unknown[string]("timeout") }
	for _, c := range []pinned{
		{"port", closed, host(listens(on("tcp", all, "any", 80))), one("tcp/80, /usr/bin/nc"), ""},
		{"port in a range, on IPv6", closed, host(listens(on("tcp", "::", "any", 8080))), one("tcp/8080, /usr/bin/nc"), ""},
		{"port on both families is one", closed, host(listens(on("tcp", "::", "any", 80), on("tcp", all, "any", 80))), one("tcp/80, /usr/bin/nc"), ""},
		{"port on loopback", closed, host(listens(on("tcp", "127.0.0.1", "loopback", 80))), one("tcp/80 on loopback, /usr/bin/nc"), ""},
		{"port on a link", closed, host(listens(on("tcp", "fe80::1", "linklocal", 80))), one("tcp/80 on linklocal, /usr/bin/nc"), ""},
		{"port on one address", closed, host(listens(on("tcp", "10.0.0.1", "specific", 80))), one("tcp/80 on one address, /usr/bin/nc"), ""},
		{"port of a hidden process", closed, host(listens(hidden)), one("tcp/80, process unknown"), ""},
		{"port of a deleted program", closed, host(listens(deleted)), one("tcp/80, /usr/bin/nc, its file is deleted"), ""},
		{"port of a container", closed, host(listens(foreign)), one("tcp/80, /usr/bin/nc, in a file system of its own"), ""},
		{
			"more ports than are told", closed,
			host(listens(on("tcp", all, "any", 8004), on("tcp", all, "any", 8001), on("tcp", all, "any", 8002), on("tcp", all, "any", 8003))),
			[]string{"tcp/8001, /usr/bin/nc", "tcp/8002, /usr/bin/nc", "tcp/8003, /usr/bin/nc", "tcp/8004, /usr/bin/nc"}, "",
		},
		{"beside only", "ports: {only: [tcp/22]}", host(listens(on("udp", "::", "any", 53))), one("udp/53, /usr/bin/nc"), ""},
		{"nothing on an open port", "ports: {open: [tcp/443]}", host(), one("nothing on tcp/443"), ""},
		{"product not installed", "product: {is: ossec, state: running}", host(notInstalled(evidence.OSSEC)), one("ossec not installed"), ""},
		{"product installed", "product: {is: ossec, state: absent}", host(installed(evidence.OSSEC)), one("ossec installed"), ""},
		{"product stopped", "product: {is: ossec, state: running}", host(installed(evidence.OSSEC, running("stopped", "b", "a"))), one("ossec stopped"), ""},
		{"product runs in part", "product: {is: ossec, state: running}", host(installed(evidence.OSSEC, running("partial", "b", "a"))), one("ossec partial without a, b"), ""},
		{"product runs and must not", "product: {is: ossec, state: stopped}", host(installed(evidence.OSSEC)), one("ossec running"), ""},
		{"product down that has to protect", "product: {is: ossec, state: protecting}", host(installed(evidence.OSSEC, running("stopped"))), one("ossec stopped"), ""},
		{"product does not protect", "product: {is: deep-security, state: protecting}", host(installed(evidence.DeepSecurity, func(p *evidence.Product) {
			p.Protection = evidence.Protection{State: evidence.Known("reduced"), Reason: "driver_offline"}
		})), one("deep-security protection reduced (driver_offline)"), ""},
		{"product version", "product: {is: ossec, version: '>= 4'}", host(installed(evidence.OSSEC)), one("ossec version v3.7.0"), ""},
		{"definitions", "product: {is: deep-security, definitions: {age: '<= 24h'}}", host(installed(evidence.DeepSecurity)), one("deep-security definitions of 2026-02-27T11:00:00Z"), ""},
		{"operating system", "os: {is: rhel}", host(), one("system debian"), ""},
		{"system version", "os: {version: '>= 13'}", host(), one("system version 12"), ""},
		{"kernel", "os: {kernel: '>= 6.6'}", host(), one("system kernel 6.1.0-18-cloud-amd64"), ""},
		{"all", "all: [{os: {is: rhel}}, {product: {is: ossec, version: '>= 4'}}]", host(installed(evidence.OSSEC)), []string{"ossec version v3.7.0", "system debian"}, ""},
		{"any", "any: [{os: {is: rhel}}, {product: {is: ossec, version: '>= 4'}}]", host(installed(evidence.OSSEC)), []string{"ossec version v3.7.0", "system debian"}, ""},
		{"doubt beside a failure", "product: {is: ossec, state: running, version: '>= 4'}", host(installed(evidence.OSSEC, lost)), one("ossec version v3.7.0"), "running state unknown (timeout)"},
		{"doubt that fails", "missing: fail\n  product: {is: ossec, state: running}", host(installed(evidence.OSSEC, lost)), one("running state unknown (timeout)"), ""},
		{"doubt that fails beside a failure", "missing: fail\n  product: {is: ossec, state: running, version: '>= 4'}", host(installed(evidence.OSSEC, lost)), []string{"ossec version v3.7.0", "running state unknown (timeout)"}, ""},
		{"doubt that passes beside a failure", "missing: pass\n  product: {is: ossec, state: running, version: '>= 4'}", host(installed(evidence.OSSEC, lost)), one("ossec version v3.7.0"), ""},
		{"doubt in any that fails", "missing: fail\n  any: [{os: {is: rhel}}, {product: {is: ossec, state: running}}]", host(installed(evidence.OSSEC, lost)), []string{"running state unknown (timeout)", "system debian"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, "policy: x\nrules:\n- rule: r\n  "+c.rule)
			f := policy.Evaluate(p, c.ev, noon).Findings[0]
			if diff := cmp.Diff(c.values, f.Values); diff != "" || f.Verdict != policy.Fail || f.Unsure != c.unsure {
				t.Errorf("%s, unsure %q, want Fail, unsure %q; values (-want +got):\n%s", f.Verdict, f.Unsure, c.unsure, diff)
			}
			again := *c.ev
			again.Collect.Received = noon.Add(time.Minute) // another look, a little later, after a restart of everything
			again.Listeners.Value = append([]evidence.Listener(nil), again.Listeners.Value...)
			for i := range again.Listeners.Value {
				again.Listeners.Value[i].PID = evidence.Known(9000 + i)
			}
			later := policy.Evaluate(p, &again, noon.Add(5*time.Hour)).Findings[0]
			if diff := cmp.Diff(f.Values, later.Values); diff != "" {
				t.Errorf("five hours and a restart later the values differ:\n%s", diff)
			}
		})
	}
}

// A rule that passed, or could not be judged, has nothing that a waiver could be pinned to.
func TestOnlyFailuresHaveValues(t *testing.T) {
	t.Parallel()
	for rule, ev := range map[string]*evidence.Evidence{
		"os: {is: debian}": host(), "product: {is: ossec, state: running}": host(), "ports: {closed: [tcp/80]}": nil,
	} {
		f := policy.Evaluate(parse(t, "policy: x\nrules:\n- rule: r\n  "+rule), ev, noon).Findings[0]
		if f.Verdict == policy.Fail || f.Values != nil || f.Unsure != "" {
			t.Errorf("%s: %+v, want no values", rule, f)
		}
	}
}

func TestMoreThanCanBeWaived(t *testing.T) {
	t.Parallel()
	p := parse(t, "policy: x\nrules:\n- rule: r\n  ports: {only: [tcp/22]}")
	for n, want := range map[int]int{policy.MaxValues: policy.MaxValues, policy.MaxValues + 1: 0} {
		var many []evidence.Listener
		for i := range n {
			many = append(many, on("tcp", "::", "any", 1000+i))
		}
		if f := policy.Evaluate(p, host(listens(many...)), noon).Findings[0]; len(f.Values) != want || f.Verdict != policy.Fail {
			t.Errorf("%d listeners: %s with %d values, want Fail with %d", n, f.Verdict, len(f.Values), want)
		}
	}
}

// What a machine chose stays one line of ASCII, and two texts that are not the same never become the same.
func TestPin(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", policy.MaxValue)
	for s, want := range map[string]string{
		"tcp/80, /usr/bin/nc": "tcp/80, /usr/bin/nc",
		"a\nb\x1b[2J":         `a\nb\x1b[2J`,
		"/usr/sbin/ngіnx":     `/usr/sbin/ng\u0456nx`,
		`a"b\`:                `a\"b\\`,
		"\xff":                `\xff`,
		long:                  long,
	} {
		if got := policy.Pin(s); got != want {
			t.Errorf("Pin(%q) = %q, want %q", s, got, want)
		}
	}
	cut := policy.Pin(long + "y")
	if len(cut) != policy.MaxValue || cut == policy.Pin(long+"z") || policy.Pin(cut) == cut {
		t.Errorf("Pin of a long text = %q", cut)
	}
}

func TestPinTellsTextsApart(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringN(150, 250, 400), rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 250), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if rapid.Bool().Draw(t, "a made text") {
			b = policy.Pin(a)
		}
		if a != b && policy.Pin(a) == policy.Pin(b) {
			t.Fatalf("%q and %q are both pinned as %q", a, b, policy.Pin(a))
		}
		for i, r := range policy.Pin(a) {
			if r < ' ' || r > '~' {
				t.Fatalf("Pin(%q) has %U at %d", a, r, i)
			}
		}
		if n := len(policy.Pin(a)); n > policy.MaxValue {
			t.Fatalf("Pin(%q) has %d bytes", a, n)
		}
	})
}

// Every value that failed counts in a waiver, so that whatever fails is in the values or there are none.
func TestEveryFailureHasValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		for _, f := range policy.Evaluate(drawPolicy(t), drawEvidence(t), noon).Findings {
			if (f.Verdict == policy.Fail) != (len(f.Values) > 0) {
				t.Fatalf("values of a finding: %s", fmt.Sprintf("%+v", f))
			}
		}
	})
}
