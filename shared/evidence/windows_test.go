package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/evidence"
)

// bareWindows is a Windows machine as SYSTEM sees it on which nothing is installed.
func bareWindows() guest {
	g := bare()
	g.Probe, g.Records = "windows-ps/1.0.0", nil
	g.Want = ",os,listeners,firewall,mounts,ossec,wazuh,deepsecurity,serverprotect,officescan,defender,crowdstrike,sentinelone,"
	return g.with("sys", "caption Microsoft Windows Server 2022 Datacenter\nversion 10.0.20348.2527\narch AMD64\nbtime 1795300000").
		with("net", "").with("svc", "").with("exe", "").with("mnt", "").with("blk", "").
		with("hids", `dir absent C:\Program Files (x86)\ossec-agent`).with("dsa", "dir absent").with("osce", "dir absent").with("crowdstrike", "dir absent").with("sentinelone", "dir absent").
		with("mp", "error absent InvalidNamespace ").with("fw", "service Running\nprofile Domain True Block\nprofile Private True Block\nprofile Public True Block\nnet 2")
}

func windowsFixture(tb testing.TB, name string) guest { return loadOnto(tb, bareWindows(), name) }

func TestWindowsMachine(t *testing.T) {
	t.Parallel()
	e := windowsFixture(t, "windows-server").parse(t)
	if e.Platform != "windows" || !e.Collect.Complete.Or(false) || !e.Collect.Privileged.Or(false) {
		t.Errorf("platform %s, complete %v, privileged %v", e.Platform, e.Collect.Complete, e.Collect.Privileged)
	}
	want := evidence.OS{
		ID: evidence.Known("windows"), VersionID: evidence.Known("10.0.20348.2527"), Pretty: evidence.Known("Microsoft Windows Server 2022 Datacenter"),
		Kernel: evidence.Known("10.0.20348.2527"), Arch: evidence.Known("x86_64"), BootID: evidence.Unknown[string]("no_source"),
		Boot: evidence.Known(time.Unix(1795300000, 0).UTC()),
	}
	if diff := cmp.Diff(want, e.OS); diff != "" {
		t.Errorf("OS (-want +got):\n%s", diff)
	}
	if e.Firewall.Engine.Value != "wfp" || e.Firewall.DefaultIn.Value != "drop" || e.Firewall.DefaultIn6.Value != "drop" || !e.Firewall.Active.Value || e.Firewall.Rules.Known {
		t.Errorf("Firewall = %+v, want one that drops", e.Firewall)
	}
	for id, why := range map[evidence.ProductID]string{
		evidence.OSSEC: "not_installed", evidence.Wazuh: "not_installed", evidence.DeepSecurity: "not_installed", evidence.OfficeScan: "not_installed",
		evidence.ServerProtect: "not_installed linux_only",
	} {
		if p := e.Find(id); p.Present != evidence.Known(false) || strings.Join(p.Why, " ") != why {
			t.Errorf("%s = %+v, want %s", id, p, why)
		}
	}
	if p := e.Find("clamav"); p.Present.Known {
		t.Errorf("a product that nobody looked for on Windows is %+v, want unknown", p)
	}
}

// The line of a plain server goes into one entry of SSM's list.
func TestLineOfAWindowsServerIsShort(t *testing.T) {
	t.Parallel()
	if n := len(windowsFixture(t, "windows-server").line(t)); n > 2400 {
		t.Errorf("%d characters, want at most 2,400", n)
	}
}

func TestWindowsListeners(t *testing.T) {
	t.Parallel()
	e := windowsFixture(t, "windows-server").parse(t)
	at := map[string]evidence.Listener{}
	for _, l := range e.Listeners.Value {
		at[fmt.Sprintf("%s %s %d", l.Proto, l.Addr, l.Port)] = l
	}
	if len(at) != 34 {
		t.Errorf("%d listeners, want 34", len(at))
	}
	for where, want := range map[string]evidence.Listener{
		"tcp 0.0.0.0 3389": {
			Proto: "tcp", Family: 4, Addr: "0.0.0.0", Port: 3389, UID: evidence.NoUID, Scope: "any", DualStack: evidence.Known(false),
			PID: evidence.Known(1088), Exe: evidence.Known(`C:\Windows\System32\svchost.exe`),
		},
		"tcp :: 5985": {
			Proto: "tcp", Family: 6, Addr: "::", Port: 5985, UID: evidence.NoUID, Scope: "any", DualStack: evidence.Unknown[bool]("no_source"),
			PID: evidence.Known(4), Exe: evidence.Known("System"),
		},
		"udp 127.0.0.1 49664": {
			Proto: "udp", Family: 4, Addr: "127.0.0.1", Port: 49664, UID: evidence.NoUID, Scope: "loopback", DualStack: evidence.Known(false),
			PID: evidence.Known(1284), Exe: evidence.Known(`C:\Windows\System32\svchost.exe`),
		},
		"udp fe80::a00:1234:5678:9abc 546": {
			Proto: "udp", Family: 6, Addr: "fe80::a00:1234:5678:9abc", Port: 546, UID: evidence.NoUID, Scope: "linklocal", DualStack: evidence.Known(false),
			PID: evidence.Known(1400), Exe: evidence.Known(`C:\Windows\System32\svchost.exe`),
		},
	} {
		if diff := cmp.Diff(want, at[where]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", where, diff)
		}
	}
}

func TestWindowsListenersThatAreNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		g   guest
		why string
	}{
		"three words":     {bareWindows().with("net", "tcp 0.0.0.0 80"), "parse_error"},
		"no address":      {bareWindows().with("net", "tcp web 80 4"), "parse_error"},
		"port too large":  {bareWindows().with("net", "tcp 0.0.0.0 65536 4"), "parse_error"},
		"no process":      {bareWindows().with("net", "tcp 0.0.0.0 80 x"), "parse_error"},
		"another proto":   {bareWindows().with("net", "raw 0.0.0.0 80 4"), "parse_error"},
		"as on Linux":     {bareWindows().with("net", "tcp 00000000:0050 0 4"), "parse_error"},
		"cut":             {bareWindows().cut("net", "tcp 0.0.0.0 80 4"), "cut"},
		"no such class":   {bareWindows().skip("net", "failed"), "failed"},
		"missing":         {bareWindows().without("net"), "missing"},
		"too many":        {bareWindows().with("net", strings.Repeat("tcp 0.0.0.0 80 4\n", 513)), "too_many"},
		"not asked about": {guest{Version: 1, Nonce: nonce, Probe: "windows-ps/1.0.0", Want: ",os,", At: bare().At, End: bare().End}, "not_collected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.g.parse(t).Listeners; got.Known || got.Why != c.why {
				t.Errorf("Listeners = %+v, want unknown, %s", got, c.why)
			}
		})
	}
	l := bareWindows().with("net", "tcp 0.0.0.0 80 77").parse(t).Listeners.Value
	if len(l) != 1 || l[0].Exe.Known || l[0].Exe.Why != "not_visible" {
		t.Errorf("a listener without a program = %+v, want one whose program is not visible", l)
	}
}

func TestWindowsFirewall(t *testing.T) {
	t.Parallel()
	all := "profile Domain True Block\nprofile Private True Block\nprofile Public True Block\n"
	for name, c := range map[string]struct{ text, in string }{
		"on":                          {"service Running\n" + all + "net 0", "drop"},
		"in no network":               {"service Running\n" + all, "drop"},
		"service stopped":             {"service Stopped\n" + all + "net 0", "allow"},
		"service starting":            {"service Start Pending\n" + all + "net 0", "unknown (pending)"},
		"service unknown":             {all + "net 0", "unknown (parse_error)"},
		"its profile is off":          {"service Running\n" + strings.Replace(all, "Public True", "Public False", 1) + "net Public", "allow"},
		"its profile allows":          {"service Running\n" + strings.Replace(all, "Domain True Block", "Domain True Allow", 1) + "net 2", "allow"},
		"another profile is off":      {"service Running\n" + strings.Replace(all, "Public True", "Public False", 1) + "net DomainAuthenticated", "drop"},
		"one of two is off":           {"service Running\n" + strings.Replace(all, "Public True", "Public False", 1) + "net 2\nnet 0", "allow"},
		"some profile is off":         {"service Running\n" + strings.Replace(all, "Public True", "Public False", 1), "unknown (profile_unknown)"},
		"a category without name":     {"service Running\n" + strings.Replace(all, "Public True", "Public False", 1) + "net 9", "unknown (profile_unknown)"},
		"not configured":              {"service Running\n" + strings.Replace(all, "Public True Block", "Public NotConfigured Block", 1) + "net 0", "unknown (not_configured)"},
		"its profile is not in there": {"service Running\nprofile Domain True Block\nnet 0", "unknown (missing)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fw := bareWindows().with("fw", c.text).parse(t).Firewall
			if fw.DefaultIn.String() != c.in || fw.DefaultIn6.String() != c.in || fw.Active.Known != fw.DefaultIn.Known || fw.Active.Value != (c.in == "drop") {
				t.Errorf("Firewall = %+v, want %s", fw, c.in)
			}
		})
	}
	if fw := bareWindows().skip("fw", "no_tool").parse(t).Firewall; fw.Active.Known || fw.Active.Why != "no_tool" {
		t.Errorf("Firewall without the cmdlet = %+v, want unknown", fw)
	}
}

func TestVolumes(t *testing.T) {
	t.Parallel()
	const id = `\\?\Volume{1b3f2c5a-0000-0000-0000-100000000000}\`
	for name, c := range map[string]struct{ encrypted, crypt, blk, skip string }{
		"encrypted":          {"true", "BitLocker", id + "\t1\t1\t7", ""},
		"suspended":          {"false", "unknown (suspended)", id + "\t1\t0\t7", ""},
		"locked":             {"unknown (parse_error)", "unknown (parse_error)", id + "\t1\t2\t7", ""},
		"decrypted":          {"false", "unknown (not_encrypted)", id + "\t0\t0\t0", ""},
		"being encrypted":    {"false", "unknown (in_progress)", id + "\t2\t0\t7", ""},
		"another's":          {"unknown (no_device)", "unknown (no_device)", "\\\\?\\Volume{x}\\\t1\t1\t7", ""},
		"garbled":            {"unknown (no_device)", "unknown (no_device)", id + " 1 1 7", ""},
		"no such number":     {"unknown (parse_error)", "unknown (parse_error)", id + "\t9\t1\t7", ""},
		"BitLocker is not":   {"false", "unknown (not_encrypted)", "", "absent"},
		"not an admin":       {"unknown (not_root)", "unknown (not_root)", "", "not_root"},
		"query that failed":  {"unknown (failed)", "unknown (failed)", "", "failed"},
		"query without time": {"unknown (timeout)", "unknown (timeout)", "", "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := bareWindows().with("mnt", id+"\tNTFS\tC:\\").with("blk", c.blk)
			if c.skip != "" {
				g = g.skip("blk", c.skip)
			}
			m := g.parse(t).Mounts.Value
			if len(m) != 1 || m[0].Target != `C:\` || m[0].FSType != "ntfs" || m[0].Encrypted.String() != c.encrypted || m[0].Crypt.String() != c.crypt {
				t.Errorf("Mounts = %+v, want C:\\ with %s, %s", m, c.encrypted, c.crypt)
			}
		})
	}
	if m := windowsFixture(t, "windows-server").parse(t).Mounts.Value; len(m) != 2 || m[1].Target != `D:\data\` {
		t.Errorf("Mounts = %+v, want the two that are mounted", m)
	}
	for name, text := range map[string]string{"two fields": "x\tNTFS", "no name": id + "\tNTFS\t", "spaces": id + " NTFS C:\\"} {
		if m := bareWindows().with("mnt", text).parse(t).Mounts; m.Known || m.Why != "parse_error" {
			t.Errorf("%s: Mounts = %+v, want unknown", name, m)
		}
	}
}

// A user's view is a narrower one: what is not seen is not there only for an administrator.
func TestWindowsAsAUser(t *testing.T) {
	t.Parallel()
	e := bareWindows().user().parse(t)
	if p := e.Find(evidence.OSSEC); p.Present.Known || p.Present.Why != "not_root" {
		t.Errorf("OSSEC = %+v, want unknown, not_root", p)
	}
	g := windowsFixture(t, "windows-agents").with("exe", "").user()
	if p := g.parse(t).Find(evidence.OSSEC); p.Running.State.Known || p.Running.State.Why != "not_root" {
		t.Errorf("Running = %+v, want unknown, not_root", p.Running)
	}
}
