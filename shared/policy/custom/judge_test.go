package custom_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/policy/custom"
)

// The inspection of every test: the guest's clock is an hour behind ours, the answer came at noon.
var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	guestEnd = noon.Add(-time.Hour)
)

// host has two listeners, of the second of which the program is not known, and three mounts, of the third
// of which it is not known whether it is encrypted.
func host(change ...func(*evidence.Evidence)) *evidence.Evidence {
	ev := &evidence.Evidence{
		Collect: evidence.Collect{GuestEnd: guestEnd, Received: noon},
		OS:      evidence.OS{ID: evidence.Known("debian"), Kernel: evidence.Known("6.1.0-18-amd64"), Arch: evidence.Unknown[string]("timeout")},
		Listeners: evidence.Known([]evidence.Listener{
			{Proto: "tcp", Family: 4, Addr: "10.1.2.3", Port: 80, Scope: "specific", PID: evidence.Known(4711), Exe: evidence.Known("/usr/sbin/nginx")},
			{Proto: "tcp", Family: 4, Addr: "127.0.0.1", Port: 25, Scope: "loopback", PID: evidence.Unknown[int]("not_root"), Exe: evidence.Unknown[string]("not_root")},
		}),
		Mounts: evidence.Known([]evidence.Mount{
			{Target: "/", Source: "/dev/vda1", FSType: "ext4", Options: []string{"rw"}, Encrypted: evidence.Known(false)},
			{Target: "/data", Source: "/dev/mapper/data", FSType: "xfs", Options: []string{"rw", "nodev"}, Encrypted: evidence.Known(true), Crypt: evidence.Known("LUKS2")},
			{Target: "/data/new", Source: "/dev/vdb", FSType: "xfs", Encrypted: evidence.Unknown[bool]("no_device")},
		}),
		Products: []evidence.Product{
			{ID: evidence.OSSEC, Present: evidence.Known(true), Version: evidence.Known("3.6.0"), Running: evidence.Running{State: evidence.Known("partial"), Missing: []string{"ossec-b", "ossec-a"}},
				Definition: evidence.Definition{Date: evidence.Known(guestEnd.Add(-48 * time.Hour))}},
			{ID: evidence.DeepSecurity, Present: evidence.Known(false), Version: evidence.Unknown[string]("not_installed"),
				Definition: evidence.Definition{Date: evidence.Known(guestEnd.Add(time.Hour))}},
		},
	}
	for _, c := range change {
		c(ev)
	}
	return ev
}

func parse(tb testing.TB, rule string) *policy.Policy {
	tb.Helper()
	p, err := custom.Parse([]byte("policy: x\nrules:\n- rule: r\n  " + strings.ReplaceAll(rule, "\n", "\n  ") + "\n"))
	if err != nil {
		tb.Fatalf("Parse(%s) = %v", rule, err)
	}
	return p
}

func TestJudge(t *testing.T) {
	t.Parallel()
	noMounts := func(ev *evidence.Evidence) { ev.Mounts = evidence.Unknown[[]evidence.Mount]("timeout") }
	emptyMounts := func(ev *evidence.Evidence) { ev.Mounts = evidence.Known([]evidence.Mount{}) }
	tooMany := func(ev *evidence.Evidence) { ev.Mounts.Value = make([]evidence.Mount, evidence.MaxMounts+1) }
	for name, c := range map[string]struct {
		rule string
		ev   *evidence.Evidence
		want policy.Finding
	}{
		"every element is as asked": {
			"each: mounts\nexpression: e.target.startsWith('/')", host(),
			policy.Finding{Verdict: policy.Pass, Actual: "3 mounts as expected"},
		},
		"one fails, another is not known": {
			"each: mounts\nexpression: e.encrypted\nmessage: '\"plain: \" + e.target'", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "plain: /", Offender: "plain: /", Values: []string{"mounts target=/ source=/dev/vda1 encrypted=false"},
				Unsure: "target=/data/new source=/dev/vdb: encrypted unknown (no_device)",
			},
		},
		"without a message the element is named": {
			"each: listeners\nexpression: e.port != 80", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "proto=tcp port=80 scope=specific exe=/usr/sbin/nginx", Offender: "proto=tcp port=80 scope=specific exe=/usr/sbin/nginx",
				Values: []string{"listeners proto=tcp port=80 scope=specific exe=/usr/sbin/nginx"},
			},
		},
		"a fact is not known": {
			"each: mounts\nwhere: e.target.startsWith('/data')\nexpression: e.encrypted", host(),
			policy.Finding{Actual: "target=/data/new source=/dev/vdb: encrypted unknown (no_device)", Why: "no_device"},
		},
		"a fact that is not known decides nothing here": {
			"each: mounts\nwhere: e.target.startsWith('/data')\nexpression: e.encrypted || e.fstype == 'xfs'", host(),
			policy.Finding{Verdict: policy.Pass, Actual: "2 mounts as expected"},
		},
		"whether an element counts is not known": {
			"each: listeners\nwhere: e.exe == '/usr/sbin/sshd'\nexpression: e.port == 22", host(),
			policy.Finding{Actual: "proto=tcp port=25 scope=loopback exe=unknown: exe unknown (not_root)", Why: "not_root"},
		},
		"missing: fail": {
			"each: mounts\nwhere: e.target.startsWith('/data')\nexpression: e.encrypted\nmissing: fail", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "target=/data/new source=/dev/vdb: encrypted unknown (no_device)", Why: "no_device",
				Values: []string{"target=/data/new source=/dev/vdb: encrypted unknown (no_device)"},
			},
		},
		"the list is not known": {
			"each: mounts\nexpression: e.encrypted", host(noMounts),
			policy.Finding{Actual: "mounts unknown (timeout)", Why: "timeout"},
		},
		"the list is longer than estimated": {
			"each: mounts\nexpression: e.encrypted", host(tooMany),
			policy.Finding{Actual: "mounts unknown (too_many)", Why: "too_many"},
		},
		"no elements": {
			"each: mounts\nexpression: e.encrypted\nmissing: pass", host(emptyMounts),
			policy.Finding{Actual: "no mounts to look at", Why: "no_elements"},
		},
		"no elements that count": {
			"each: mounts\nwhere: e.target == '/srv'\nexpression: e.encrypted\nempty: pass", host(),
			policy.Finding{Verdict: policy.Pass, Actual: "no mounts to look at"},
		},
		"no elements are a failure": {
			"each: mounts\nwhere: e.target == '/srv'\nexpression: e.encrypted\nempty: fail", host(),
			policy.Finding{Verdict: policy.Fail, Actual: "no mounts to look at", Values: []string{"no mounts"}},
		},
		"several fail": {
			"each: mounts\nexpression: e.fstype == 'zfs'\nmessage: e.target", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "/; /data; /data/new", Offender: "/", Values: []string{
					"mounts target=/ source=/dev/vda1 fstype=ext4", "mounts target=/data source=/dev/mapper/data fstype=xfs", "mounts target=/data/new source=/dev/vdb fstype=xfs",
				},
			},
		},
		"a message over unknown facts": {
			"each: listeners\nexpression: e.port != 25\nmessage: '\"by \" + e.exe'", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "proto=tcp port=25 scope=loopback exe=unknown", Offender: "proto=tcp port=25 scope=loopback exe=unknown",
				Values: []string{"listeners proto=tcp port=25 scope=loopback exe=unknown"},
			},
		},
		"lists of texts": {
			"each: mounts\nwhere: e.target == '/data'\nexpression: '\"noexec\" in e.options'", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "target=/data source=/dev/mapper/data options=[nodev,rw]", Offender: "target=/data source=/dev/mapper/data options=[nodev,rw]",
				Values: []string{"mounts target=/data source=/dev/mapper/data options=[nodev,rw]"},
			},
		},
		"the whole evidence passes": {
			`expression: evidence.os.id == "debian"`, host(), policy.Finding{Verdict: policy.Pass, Actual: "as expected"},
		},
		"the whole evidence fails": {
			`expression: versionIs(evidence.os.kernel, ">= 6.2")`, host(),
			policy.Finding{Verdict: policy.Fail, Actual: "os.kernel=6.1.0-18-amd64", Values: []string{"os.kernel=6.1.0-18-amd64"}},
		},
		"the whole evidence with a message": {
			"expression: versionIs(evidence.os.kernel, '>= 6.2')\nmessage: '\"kernel \" + evidence.os.kernel'", host(),
			policy.Finding{Verdict: policy.Fail, Actual: "kernel 6.1.0-18-amd64", Values: []string{"os.kernel=6.1.0-18-amd64"}},
		},
		"a list as a whole cannot be waived": {
			"expression: evidence.listeners.all(l, l.port != 80)", host(), policy.Finding{Verdict: policy.Fail, Actual: "not as expected"},
		},
		"an element that is compared with all others cannot be waived": {
			"each: mounts\nwhere: e.target == '/'\nexpression: evidence.mounts.exists(m, m.target == e.target + 'x')\nmessage: e.target", host(),
			policy.Finding{Verdict: policy.Fail, Actual: "/", Offender: "/"},
		},
		"of two facts one is not known": {
			`expression: evidence.os.id == "debian" && evidence.os.arch == "x86_64"`, host(),
			policy.Finding{Actual: "os.arch unknown (timeout)", Why: "timeout"},
		},
		"missing: pass": {
			"expression: evidence.os.arch == 'x86_64'\nmissing: pass", host(),
			policy.Finding{Verdict: policy.Pass, Actual: "os.arch unknown (timeout)", Why: "timeout"},
		},
		"an unknown list": {
			"expression: evidence.mounts.exists(m, m.target == '/')", host(noMounts), policy.Finding{Actual: "mounts unknown (timeout)", Why: "timeout"},
		},
		"an unknown element of a list": {
			"expression: evidence.mounts.all(m, m.encrypted || m.target == '/')", host(), policy.Finding{Actual: "encrypted unknown (no_device)", Why: "no_device"},
		},
		"an error is no missing fact": {
			"expression: 1 / (evidence.listeners.size() - 2) == 1\nmissing: pass", host(),
			policy.Finding{Actual: "cannot be evaluated: division by zero", Why: "evaluation_error"},
		},
		"an error of an element": {
			"each: listeners\nexpression: 80 / (80 - e.port) != 1\nmissing: pass", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "proto=tcp port=25 scope=loopback exe=unknown", Offender: "proto=tcp port=25 scope=loopback exe=unknown",
				Values: []string{"listeners proto=tcp port=25 scope=loopback exe=unknown"},
				Unsure: "proto=tcp port=80 scope=specific exe=/usr/sbin/nginx: cannot be evaluated: division by zero",
			},
		},
		"age": {
			"each: products\nwhere: e.present\nexpression: age(e.definition.date) < duration('48h')", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "id=ossec present=true definition.date=2026-02-27T11:00:00Z", Offender: "id=ossec present=true definition.date=2026-02-27T11:00:00Z",
				Values: []string{"products id=ossec present=true definition.date=2026-02-27T11:00:00Z"},
			},
		},
		"age that is still allowed": {
			"each: products\nwhere: e.present\nexpression: age(e.definition.date) <= duration('48h')", host(), policy.Finding{Verdict: policy.Pass, Actual: "1 products as expected"},
		},
		"age of a date ahead": {
			"each: products\nwhere: '!e.present'\nexpression: age(e.definition.date) <= duration('48h')", host(),
			policy.Finding{Actual: "id=deep-security: age unknown (future_date)", Why: "future_date"},
		},
		"age without the machine's time": {
			"each: products\nwhere: e.present\nexpression: age(e.definition.date) <= duration('48h')", host(func(ev *evidence.Evidence) { ev.Collect = evidence.Collect{} }),
			policy.Finding{Actual: "id=ossec: age unknown (no_guest_time)", Why: "no_guest_time"},
		},
		"a version that cannot be read": {
			"expression: versionIs(evidence.os.id, '>= 3')", host(), policy.Finding{Actual: "version unknown (unreadable_version)", Why: "unreadable_version"},
		},
		"networks": {
			"each: listeners\nexpression: inNetwork(e.addr, '10.0.0.0/8') || inNetwork(e.addr, '127.0.0.0/8')", host(), policy.Finding{Verdict: policy.Pass, Actual: "2 listeners as expected"},
		},
		"an address that cannot be read": {
			"expression: inNetwork(evidence.os.id, '10.0.0.0/8')", host(), policy.Finding{Actual: "address unknown (unreadable_address)", Why: "unreadable_address"},
		},
		"nested lists": {
			"each: products\nwhere: e.present\nexpression: e.running.missing.size() == 0\nmessage: '\"without \" + e.running.missing[1]'", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "without ossec-a", Offender: "without ossec-a",
				Values: []string{"products id=ossec present=true running.missing=[ossec-a,ossec-b]"},
			},
		},
		"a list of which nothing is known is not empty": {
			"each: products\nwhere: e.id == 'deep-security'\nexpression: e.protection.modules.exists(m, m.ok) || e.running.missing.size() == 0", host(func(ev *evidence.Evidence) {
				ev.Products[1].Protection.State, ev.Products[1].Running.State = evidence.Unknown[string]("not_root"), evidence.Known("running")
				ev.Products[1].Running.Missing = []string{"ds_agent"}
			}),
			policy.Finding{Actual: "id=deep-security: protection.modules unknown (not_root)", Why: "not_root"},
		},
		"a message of several lines": {
			"each: mounts\nwhere: e.target == '/'\nexpression: e.encrypted\nmessage: |\n  'a\\n\\n\\t b'", host(),
			policy.Finding{Verdict: policy.Fail, Actual: "a b", Offender: "a b", Values: []string{"mounts target=/ source=/dev/vda1 encrypted=false"}},
		},
		"an empty message": {
			"each: mounts\nwhere: e.target == '/'\nexpression: e.encrypted\nmessage: \"' '\"", host(),
			policy.Finding{
				Verdict: policy.Fail, Actual: "target=/ source=/dev/vda1 encrypted=false", Offender: "target=/ source=/dev/vda1 encrypted=false",
				Values: []string{"mounts target=/ source=/dev/vda1 encrypted=false"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, c.rule)
			r := policy.Evaluate(p, c.ev, noon)
			c.want.Rule, c.want.Expected = "r", p.Rules[0].Expected
			if diff := cmp.Diff([]policy.Finding{c.want}, r.Findings); diff != "" || r.Verdict != c.want.Verdict {
				t.Errorf("Evaluate(%q) = %s; findings (-want +got):\n%s", c.rule, r.Verdict, diff)
			}
		})
	}
}

// Many fail: few are told, the rest counted, and more than can be waived one by one are not waived at all.
func TestManyFail(t *testing.T) {
	t.Parallel()
	ev := host(func(ev *evidence.Evidence) {
		ev.Mounts.Value = make([]evidence.Mount, 40)
		for i := range ev.Mounts.Value {
			ev.Mounts.Value[i].Target = "/" + strings.Repeat("x", i)
		}
	})
	f := policy.Evaluate(parse(t, "each: mounts\nexpression: e.target == ''\nmessage: e.target"), ev, noon).Findings[0]
	if f.Actual != "/; /x; /xx; and 37 more" || f.Values != nil {
		t.Errorf("finding = %+v", f)
	}
	f = policy.Evaluate(parse(t, "each: mounts\nexpression: e.encrypted"), ev, noon).Findings[0]
	if f.Verdict != policy.Unknown || !strings.HasSuffix(f.Actual, "; and 37 more") {
		t.Errorf("finding = %+v", f)
	}
}

// A machine's texts do not make a finding long.
func TestLongMessage(t *testing.T) {
	t.Parallel()
	ev := host(func(ev *evidence.Evidence) { ev.OS.ID = evidence.Known(strings.Repeat("d", 256)) })
	f := policy.Evaluate(parse(t, "expression: evidence.os.id == 'a'\nmessage: evidence.os.id + evidence.os.id"), ev, noon).Findings[0]
	if want := strings.Repeat("d", 200) + "..."; f.Actual != want {
		t.Errorf("Actual = %q", f.Actual)
	}
}

// One policy judges on many goroutines, and a policy without such rules is not touched.
func TestCompile(t *testing.T) {
	t.Parallel()
	plain, err := policy.Parse([]byte("policy: x\nrules: [{rule: r, os: {is: debian}}]"))
	if err != nil {
		t.Fatal(err)
	}
	if same, err := custom.Compile(plain); err != nil || same != plain {
		t.Errorf("Compile = %p, %v, want the policy itself", same, err)
	}
	p := parse(t, "each: mounts\nexpression: e.encrypted && evidence.listeners.exists(l, l.port == 80)")
	done := make(chan policy.Verdict)
	for range 8 {
		go func() {
			var v policy.Verdict
			for range 50 {
				v = policy.Evaluate(p, host(), noon).Verdict
			}
			done <- v
		}()
	}
	for range 8 {
		if v := <-done; v != policy.Fail {
			t.Errorf("Evaluate = %s, want Fail", v)
		}
	}
}
