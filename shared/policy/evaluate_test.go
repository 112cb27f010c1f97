package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// The inspection of every test: the guest's clock is an hour behind ours, the answer came at noon.
var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	guestEnd = noon.Add(-time.Hour)
)

// host is evidence of a plain host on which everything is known.
func host(change ...func(*evidence.Evidence)) *evidence.Evidence {
	ev := &evidence.Evidence{
		Collect: evidence.Collect{GuestEnd: guestEnd, Received: noon},
		OS: evidence.OS{
			ID: evidence.Known("debian"), VersionID: evidence.Known("12"), Pretty: evidence.Known("Debian GNU/Linux 12 (bookworm)"),
			Kernel: evidence.Known("6.1.0-18-cloud-amd64"),
		},
		Listeners: evidence.Known([]evidence.Listener{}),
	}
	for _, c := range change {
		c(ev)
	}
	return ev
}

// listens adds listeners.
func listens(all ...evidence.Listener) func(*evidence.Evidence) {
	return func(ev *evidence.Evidence) { ev.Listeners = evidence.Known(append(ev.Listeners.Value, all...)) }
}

// on is a listener of /usr/bin/nc with the pid 4711.
func on(proto, addr, scope string, port int) evidence.Listener {
	family := 4
	for _, c := range addr {
		if c == ':' {
			family = 6
		}
	}
	return evidence.Listener{
		Proto: proto, Family: family, Addr: addr, Port: port, Scope: scope,
		PID: evidence.Known(4711), Exe: evidence.Known("/usr/bin/nc"),
	}
}

// installed adds a product that runs and protects, in version 3.7.0, with definitions two days old.
func installed(id evidence.ProductID, change ...func(*evidence.Product)) func(*evidence.Evidence) {
	p := evidence.Product{
		ID: id, Present: evidence.Known(true), Dir: evidence.Known("/opt/" + string(id)), Version: evidence.Known("v3.7.0"),
		Running:    evidence.Running{State: evidence.Known("running")},
		Protection: evidence.Protection{State: evidence.Known("protecting")},
		Definition: evidence.Definition{Date: evidence.Known(guestEnd.Add(-48 * time.Hour))},
	}
	for _, c := range change {
		c(&p)
	}
	return func(ev *evidence.Evidence) { ev.Products = append(ev.Products, p) }
}

func notInstalled(id evidence.ProductID) func(*evidence.Evidence) {
	return func(ev *evidence.Evidence) {
		ev.Products = append(ev.Products, evidence.Product{ID: id, Present: evidence.Known(false), Why: []string{"not_installed"}})
	}
}

// judged is one rule on one machine.
type judged struct {
	name     string
	rule     string // what stands under the rule's name
	ev       *evidence.Evidence
	verdict  policy.Verdict
	actual   string
	offender string
	why      string
}

func judgeAll(t *testing.T, table []judged) {
	t.Helper()
	for _, c := range table {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := parse(t, "policy: x\nrules:\n- rule: r\n  fix: f\n  "+c.rule)
			r := policy.Evaluate(p, c.ev, noon)
			want := []policy.Finding{{
				Rule: "r", Fix: "f", Verdict: c.verdict, Expected: p.Rules[0].Expected,
				Actual: c.actual, Offender: c.offender, Why: c.why,
			}}
			// What findings are pinned to has tables of its own, in pin_test.go.
			pins := cmpopts.IgnoreFields(policy.Finding{}, "Values", "Unsure")
			if diff := cmp.Diff(want, r.Findings, pins); diff != "" || r.Verdict != c.verdict {
				t.Errorf("Evaluate(%q) = %v, want %v; findings (-want +got):\n%s", c.rule, r.Verdict, c.verdict, diff)
			}
		})
	}
}

func TestOS(t *testing.T) {
	t.Parallel()
	unknown := host(func(ev *evidence.Evidence) { ev.OS = evidence.OS{ID: evidence.Unknown[string]("timeout")} })
	const pretty = "Debian GNU/Linux 12 (bookworm)"
	judgeAll(t, []judged{
		{"is one", `os: {is: debian}`, host(), policy.Pass, "debian", "", ""},
		{"is one of several", `os: {is: [amzn, debian], version: ">= 12", kernel: ">= 6.1"}`, host(), policy.Pass, "debian; version 12; kernel 6.1.0-18-cloud-amd64", "", ""},
		{"is another", `os: {is: [amzn, rhel]}`, host(), policy.Fail, "debian", pretty, ""},
		{"is not known", `os: {is: debian}`, unknown, policy.Unknown, "operating system unknown (timeout)", "", "timeout"},
		{"architecture", `os: {arch: [x86_64, aarch64]}`, host(func(ev *evidence.Evidence) { ev.OS.Arch = evidence.Known("aarch64") }), policy.Pass, "architecture aarch64", "", ""},
		{"another architecture", `os: {arch: x86_64}`, host(func(ev *evidence.Evidence) { ev.OS.Arch = evidence.Known("i686") }), policy.Fail, "architecture i686", pretty, ""},
		{"is empty", `os: {is: debian}`, host(func(ev *evidence.Evidence) { ev.OS = evidence.OS{ID: evidence.Known("")} }), policy.Fail, `""`, "", ""},
		{"version too old", `os: {is: debian, version: ">= 13"}`, host(), policy.Fail, "version 12", pretty, ""},
		{"version not known", `os: {version: ">= 12"}`, unknown, policy.Unknown, "version unknown (no_reason)", "", "no_reason"},
		{"version that is none", `os: {version: ">= 12"}`, host(func(ev *evidence.Evidence) { ev.OS.VersionID = evidence.Known("sid") }), policy.Unknown, `version "sid" unknown (unreadable_version)`, "", "unreadable_version"},
		{"kernel new enough", `os: {kernel: ">= 3.10"}`, host(), policy.Pass, "kernel 6.1.0-18-cloud-amd64", "", ""},
		{"kernel too old", `os: {kernel: ">= 6.2"}`, host(), policy.Fail, "kernel 6.1.0-18-cloud-amd64", pretty, ""},
		{"kernel not known, system wrong", `os: {is: rhel, kernel: ">= 6.2"}`, host(func(ev *evidence.Evidence) { ev.OS.Kernel = evidence.Unknown[string]("cut") }), policy.Fail, "debian", pretty, ""},
	})
}

func TestPorts(t *testing.T) {
	t.Parallel()
	const nc = ", /usr/bin/nc (pid 4711)"
	closed := `ports: {closed: [tcp/80, tcp/8000-8100]}`
	notRoot := on("tcp", "0.0.0.0", "any", 80)
	notRoot.PID, notRoot.Exe = evidence.Unknown[int]("not_root"), evidence.Unknown[string]("not_root")
	noReason := notRoot
	noReason.PID = evidence.Fact[int]{}
	onlyPID, onlyExe, deleted := on("tcp", "0.0.0.0", "any", 80), on("tcp", "0.0.0.0", "any", 80), on("tcp", "0.0.0.0", "any", 80)
	foreign := on("tcp", "0.0.0.0", "any", 80)
	foreign.ExeForeign = true
	onlyPID.Exe, onlyExe.PID, deleted.ExeDeleted = evidence.Fact[string]{}, evidence.Fact[int]{}, true
	judgeAll(t, []judged{
		{"nothing listens", closed, host(), policy.Pass, "no such listener", "", ""},
		{"not collected", closed, host(func(ev *evidence.Evidence) { ev.Listeners = evidence.Unknown[[]evidence.Listener]("cut") }), policy.Unknown, "listening ports unknown (cut)", "", "cut"},
		{"other ports", closed, host(listens(on("tcp", "0.0.0.0", "any", 7999), on("tcp", "::", "any", 8101), on("udp", "0.0.0.0", "any", 80))), policy.Pass, "no such listener", "", ""},
		{"IPv4", closed, host(listens(on("tcp", "0.0.0.0", "any", 80))), policy.Fail, "tcp/80 on 0.0.0.0" + nc, "tcp/80 on 0.0.0.0" + nc, ""},
		{"IPv6, in a range", closed, host(listens(on("tcp", "::", "any", 8100))), policy.Fail, "tcp/8100 on ::" + nc, "tcp/8100 on ::" + nc, ""},
		{"udp", `ports: {closed: [udp/53]}`, host(listens(on("udp", "10.0.0.1", "specific", 53))), policy.Fail, "udp/53 on 10.0.0.1" + nc, "udp/53 on 10.0.0.1" + nc, ""},
		{"loopback counts", closed, host(listens(on("tcp", "127.0.0.1", "loopback", 80))), policy.Fail, "tcp/80 on 127.0.0.1" + nc, "tcp/80 on 127.0.0.1" + nc, ""},
		{"loopback counts when said", `ports: {closed: [tcp/80], loopback: count}`, host(listens(on("tcp", "::1", "loopback", 80))), policy.Fail, "tcp/80 on ::1" + nc, "tcp/80 on ::1" + nc, ""},
		{"loopback ignored", `ports: {closed: [tcp/80], loopback: ignore}`, host(listens(on("tcp", "127.0.0.1", "loopback", 80))), policy.Pass, "no such listener", "", ""},
		{"owner hidden", closed, host(listens(notRoot)), policy.Fail, "tcp/80 on 0.0.0.0, process unknown (not_root)", "tcp/80 on 0.0.0.0, process unknown (not_root)", ""},
		{"owner hidden without reason", closed, host(listens(noReason)), policy.Fail, "tcp/80 on 0.0.0.0, process unknown", "tcp/80 on 0.0.0.0, process unknown", ""},
		{"only the pid", closed, host(listens(onlyPID)), policy.Fail, "tcp/80 on 0.0.0.0, pid 4711", "tcp/80 on 0.0.0.0, pid 4711", ""},
		{"only the path", closed, host(listens(onlyExe)), policy.Fail, "tcp/80 on 0.0.0.0, /usr/bin/nc", "tcp/80 on 0.0.0.0, /usr/bin/nc", ""},
		{"program deleted", closed, host(listens(deleted)), policy.Fail, "tcp/80 on 0.0.0.0" + nc + ", its file is deleted", "tcp/80 on 0.0.0.0" + nc + ", its file is deleted", ""},
		{"program of a container", closed, host(listens(foreign)), policy.Fail, "tcp/80 on 0.0.0.0" + nc + ", in a file system of its own", "tcp/80 on 0.0.0.0" + nc + ", in a file system of its own", ""},
		{
			"many", closed,
			host(listens(on("tcp", "::", "any", 8005), on("tcp", "0.0.0.0", "any", 8004), on("tcp", "0.0.0.0", "any", 80), on("tcp", "0.0.0.0", "any", 8001), on("tcp", "0.0.0.0", "any", 8003))),
			policy.Fail, "tcp/80 on 0.0.0.0" + nc + "; tcp/8001 on 0.0.0.0" + nc + "; tcp/8003 on 0.0.0.0" + nc + "; and 2 more", "tcp/80 on 0.0.0.0" + nc, "",
		},
		{"open", `ports: {open: [tcp/443]}`, host(listens(on("tcp", "::", "any", 443))), policy.Pass, "tcp/443 on ::" + nc, "", ""},
		{"not open", `ports: {open: [tcp/443]}`, host(listens(on("udp", "::", "any", 443))), policy.Fail, "nothing listens on tcp/443", "tcp/443", ""},
		{"open on loopback alone", `ports: {open: [tcp/443], loopback: ignore}`, host(listens(on("tcp", "::1", "loopback", 443))), policy.Fail, "nothing listens on tcp/443", "tcp/443", ""},
		{"one of two open", `ports: {open: [tcp/443, tcp/22]}`, host(listens(on("tcp", "::", "any", 443))), policy.Fail, "nothing listens on tcp/22", "tcp/22", ""},
		{"open not collected", `ports: {open: [tcp/443]}`, host(func(ev *evidence.Evidence) { ev.Listeners = evidence.Fact[[]evidence.Listener]{} }), policy.Unknown, "listening ports unknown (no_reason)", "", "no_reason"},
		{"only these", `ports: {only: [tcp/22, udp/1-65535]}`, host(listens(on("tcp", "0.0.0.0", "any", 22), on("udp", "::", "any", 5353))), policy.Pass, "no such listener", "", ""},
		{"another beside only", `ports: {only: [tcp/22]}`, host(listens(on("tcp", "0.0.0.0", "any", 22), on("udp", "::", "any", 53))), policy.Fail, "udp/53 on ::" + nc, "udp/53 on ::" + nc, ""},
		{"closed and open", `ports: {closed: [tcp/80], open: [tcp/443]}`, host(listens(on("tcp", "::", "any", 80))), policy.Fail, "tcp/80 on ::" + nc + "; nothing listens on tcp/443", "tcp/80 on ::" + nc, ""},
	})
}

func TestProduct(t *testing.T) {
	t.Parallel()
	const ossec, dsa = evidence.OSSEC, evidence.DeepSecurity
	state := func(s string, missing ...string) func(*evidence.Product) {
		return func(p *evidence.Product) {
			p.Running = evidence.Running{State: evidence.Known(s), Missing: missing}
		}
	}
	protection := func(s, reason string) func(*evidence.Product) {
		return func(p *evidence.Product) {
			p.Protection = evidence.Protection{State: evidence.Known(s), Reason: reason}
		}
	}
	noRunning := func(p *evidence.Product) { p.Running.State = evidence.Unknown[string]("not_root") }
	noProtection := func(p *evidence.Product) { p.Protection.State = evidence.Unknown[string]("cli_denied") }
	noPresence := func(p *evidence.Product) { p.Present = evidence.Unknown[bool]("timeout") }
	noDir := func(p *evidence.Product) { p.Dir = evidence.Fact[string]{} }
	date := func(d time.Time) func(*evidence.Product) {
		return func(p *evidence.Product) { p.Definition.Date = evidence.Known(d) }
	}
	running, age := `product: {is: ossec, state: running}`, `product: {is: deep-security, definitions: {age: "<= 72h"}}`
	judgeAll(t, []judged{
		{"running", running, host(installed(ossec)), policy.Pass, "running", "", ""},
		{"not installed", running, host(notInstalled(ossec)), policy.Fail, "not installed", "ossec", ""},
		{"not looked for", running, host(), policy.Unknown, "presence unknown (not_looked_for)", "", "not_looked_for"},
		{"presence not known", running, host(installed(ossec, noPresence)), policy.Unknown, "presence unknown (timeout)", "", "timeout"},
		{"stopped", running, host(installed(ossec, state("stopped"))), policy.Fail, "stopped", "ossec in /opt/ossec", ""},
		{"stopped, folder not known", running, host(installed(ossec, state("stopped"), noDir)), policy.Fail, "stopped", "ossec", ""},
		{"partial", running, host(installed(ossec, state("partial", "ossec-syscheckd", "ossec-logcollector"))), policy.Fail, "partial, without ossec-syscheckd, ossec-logcollector", "ossec-syscheckd", ""},
		{"partial, many gone", running, host(installed(ossec, state("partial", "a", "b", "c", "d", "e", "f"))), policy.Fail, "partial, without a, b, c, d, e, and others", "a", ""},
		{"running not known", running, host(installed(ossec, noRunning)), policy.Unknown, "running state unknown (not_root)", "", "not_root"},
		{"stopped as asked", `product: {is: ossec, state: stopped}`, host(installed(ossec, state("stopped"))), policy.Pass, "stopped", "", ""},
		{"stopped asked, not installed", `product: {is: ossec, state: stopped}`, host(notInstalled(ossec)), policy.Fail, "not installed", "ossec", ""},
		{"stopped asked, running", `product: {is: ossec, state: stopped}`, host(installed(ossec)), policy.Fail, "running", "ossec in /opt/ossec", ""},
		{"stopped not known", `product: {is: ossec, state: stopped}`, host(installed(ossec, noRunning)), policy.Unknown, "running state unknown (not_root)", "", "not_root"},
		{"installed", `product: {is: ossec, state: installed}`, host(installed(ossec, noRunning)), policy.Pass, "installed", "", ""},
		{"installed not known", `product: {is: ossec, state: installed}`, host(installed(ossec, noPresence)), policy.Unknown, "presence unknown (timeout)", "", "timeout"},
		{"absent", `product: {is: ossec, state: absent}`, host(notInstalled(ossec)), policy.Pass, "not installed", "", ""},
		{"absent asked, installed", `product: {is: ossec, state: absent}`, host(installed(ossec)), policy.Fail, "installed", "ossec in /opt/ossec", ""},
		{"absence not known", `product: {is: ossec, state: absent}`, host(), policy.Unknown, "presence unknown (not_looked_for)", "", "not_looked_for"},
		{"protecting", `product: {is: deep-security, state: protecting}`, host(installed(dsa)), policy.Pass, "protecting", "", ""},
		{"reduced", `product: {is: deep-security, state: protecting}`, host(installed(dsa, protection("reduced", "Firewall is off"))), policy.Fail, "protection reduced (Firewall is off)", "deep-security", ""},
		{"off", `product: {is: deep-security, state: protecting}`, host(installed(dsa, protection("off", ""))), policy.Fail, "protection off", "deep-security", ""},
		{"protection not known", `product: {is: deep-security, state: protecting}`, host(installed(dsa, noProtection)), policy.Unknown, "protection unknown (cli_denied)", "", "cli_denied"},
		{"says it protects while it is down", `product: {is: deep-security, state: protecting}`, host(installed(dsa, state("stopped"))), policy.Fail, "stopped", "deep-security in /opt/deep-security", ""},
		{"says it protects, processes hidden", `product: {is: deep-security, state: protecting}`, host(installed(dsa, noRunning)), policy.Unknown, "running state unknown (not_root)", "", "not_root"},
		{"version", `product: {is: ossec, state: running, version: ">= 3.7.0"}`, host(installed(ossec)), policy.Pass, "running; version v3.7.0", "", ""},
		{"version alone", `product: {is: ossec, version: ">= 3.7.0"}`, host(installed(ossec)), policy.Pass, "installed; version v3.7.0", "", ""},
		{"version too old", `product: {is: ossec, state: running, version: ">= 3.7.1"}`, host(installed(ossec)), policy.Fail, "version v3.7.0", "ossec", ""},
		{"version not known", `product: {is: ossec, version: ">= 3.7.0"}`, host(installed(ossec, func(p *evidence.Product) { p.Version = evidence.Unknown[string]("no_source") })), policy.Unknown, "version unknown (no_source)", "", "no_source"},
		{"definitions", age, host(installed(dsa)), policy.Pass, "installed; definitions 48h old", "", ""},
		{"definitions at the limit", age, host(installed(dsa, date(guestEnd.Add(-72*time.Hour)))), policy.Pass, "installed; definitions 72h old", "", ""},
		{"definitions at a limit that does not count", `product: {is: deep-security, definitions: {age: "< 2d"}}`, host(installed(dsa)), policy.Fail, "definitions 48h old", "deep-security", ""},
		{"definitions too old", age, host(installed(dsa, date(guestEnd.Add(-72*time.Hour-time.Second)))), policy.Fail, "definitions 72h1s old", "deep-security", ""},
		{"definitions new", age, host(installed(dsa, date(guestEnd))), policy.Pass, "installed; definitions 0s old", "", ""},
		{"definitions of weeks ago", age, host(installed(dsa, date(guestEnd.Add(-241*time.Hour)))), policy.Fail, "definitions 10d1h old", "deep-security", ""},
		{"definitions not known", age, host(installed(dsa, func(p *evidence.Product) { p.Definition.Date = evidence.Unknown[time.Time]("no_source") })), policy.Unknown, "date of definitions unknown (no_source)", "", "no_source"},
		{"definitions of the future", age, host(installed(dsa, date(guestEnd.Add(25*time.Hour)))), policy.Unknown, "age of definitions unknown (future_date)", "", "future_date"},
		{"definitions, no guest time", age, host(installed(dsa), func(ev *evidence.Evidence) { ev.Collect.GuestEnd = time.Time{} }), policy.Unknown, "age of definitions unknown (no_guest_time)", "", "no_guest_time"},
	})
}

func TestDefinitionsGrowOldAfterTheInspection(t *testing.T) {
	t.Parallel()
	p := parse(t, "policy: x\nrules: [{rule: r, product: {is: deep-security, definitions: {age: \"<= 72h\"}}}]")
	ev := host(installed(evidence.DeepSecurity))
	for late, want := range map[time.Duration]policy.Verdict{
		-time.Hour: policy.Pass, 24 * time.Hour: policy.Pass, 24*time.Hour + time.Second: policy.Fail,
	} {
		if got := policy.Evaluate(p, ev, noon.Add(late)).Verdict; got != want {
			t.Errorf("Evaluate %v after the inspection = %v, want %v", late, got, want)
		}
	}
}
