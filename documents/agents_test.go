package documents_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// unit gives systemd of this machine a unit that starts by itself, with these processes.
func (m machine) unit(name string, pids ...int) {
	m.t.Helper()
	m.write("etc/systemd/system/"+name, "[Service]\nExecStart=/bin/true\n")
	m.write("etc/systemd/system/multi-user.target.wants/"+name, "")
	m.write("run/systemd/system/x", "")
	var text strings.Builder
	for _, p := range pids {
		fmt.Fprintln(&text, p)
	}
	m.write("sys/fs/cgroup/system.slice/"+name+"/cgroup.procs", text.String())
}

const clamHead = "ClamAV-VDB:21 Nov 2026 22-46 +0000:27500:1:213:0123:X:builder:1795905962 \n\x1f\x8b\x00\nClamAV-VDB:1 Jan 2030 00-00 +0000:99999:1:1\n"

func (m machine) clamav() {
	m.t.Helper()
	m.program("usr/bin/clamscan", "#!/bin/sh\necho 'ClamAV 1.4.3/27500/Sat Nov 21 22:46:02 2026'\n")
	m.install("usr/sbin/clamd", "usr/bin/freshclam", "usr/sbin/clamonacc")
	m.write("etc/clamav/clamd.conf", "# Example\nDatabaseDirectory "+m.path("var/lib/clamav")+"\nVirusEvent secret\n")
	m.write("var/lib/clamav/daily.cld", clamHead)
	m.write("var/log/clamav/freshclam.log", "Sat Nov 21 22:46:02 2026 -> daily.cld database is up-to-date (version: 27500, sigs: 1, f-level: 90, builder: x)\n")
	m.unit("clamav-daemon.service")
}

func TestClamAVOnThisHost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(m machine)
		want    string
	}{
		"stopped": {func(machine) {}, "present true; stopped; off; "},
		"running": {func(m machine) { m.start("usr/sbin/clamd") }, "present true; running; reduced; "},
		"on access": {
			func(m machine) { m.start("usr/sbin/clamd"); m.start("usr/sbin/clamonacc") }, "present true; running; protecting; ",
		},
		"right name from tmp": {
			func(m machine) { m.install("tmp/clamd"); m.start("tmp/clamd") }, "present true; stopped; off; name_only",
		},
		"deleted program": {
			func(m machine) {
				m.start("usr/sbin/clamd")
				if err := os.Remove(m.path("usr/sbin/clamd")); err != nil {
					m.t.Fatal(err)
				}
			}, "present true; unknown (replaced_program); unknown (replaced_program); replaced_program",
		},
		"half of it": {
			func(m machine) { m.unit("clamav-freshclam.service"); m.start("usr/sbin/clamd") }, "present true; partial; reduced; ",
		},
		"stale pid file": {
			func(m machine) { m.write("run/clamav/clamd.pid", fmt.Sprintln(os.Getpid())) }, "present true; stopped; off; ",
		},
		"purged": {
			func(m machine) {
				for _, f := range []string{"usr/bin/clamscan", "usr/sbin/clamd", "usr/bin/freshclam", "usr/sbin/clamonacc"} {
					if err := os.Remove(m.path(f)); err != nil {
						m.t.Fatal(err)
					}
				}
			}, "present false; unknown (not_installed); unknown (not_installed); not_installed residue",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.clamav()
			c.prepare(m)
			e := m.inspect(m.script(), nil)
			if got := show(e.Find(evidence.ClamAV)); got != c.want {
				t.Errorf("ClamAV is %q, want %q\nrecords %+v", got, c.want, e.Collect.Records)
			}
		})
	}
}

func TestClamAVLeavesOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.clamav()
	out, _ := run(t, sh(t), m.script(), nil)
	p := parse(t, out).Find(evidence.ClamAV)
	if p.Definition.Version.Or("") != "27500" || p.Definition.Date.Value.Unix() != 1795301160 || !p.CheckedIn.Known || p.Config.Health.Or("") != "ok" {
		t.Errorf("ClamAV = %+v, want the definitions' version and date of their head, the last update and sound settings", p)
	}
	if os.Getuid() == 0 && p.Version.Or("") != "1.4.3" {
		t.Errorf("Version = %v, want 1.4.3", p.Version)
	}
	if strings.Contains(inflate(t, out), "secret") {
		t.Error("the answer carries a setting that was not asked for")
	}
	m.mode("usr/bin/clamscan", 0o777)
	if v := m.inspect(m.script(), nil).Find(evidence.ClamAV).Version; v.Why != evidence.WhyUnsafePath {
		t.Errorf("Version = %v: what anybody may change was run", v)
	}
}

const auditctl = "#!/bin/sh\ncase $1 in\n-s) printf 'enabled 1\\npid %d\\nlost 0\\nevil\\n';;\n-l) printf -- '-w /etc/shadow -p wa\\n';;\n-v) echo 'auditctl version 3.0.9';;\nesac\n"

func TestAuditdAndAIDEOnThisHost(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		// auditctl is asked by root alone, and only where root alone could have put it.
		return
	}
	m := newMachine(t)
	m.install("usr/sbin/auditd")
	pid := m.start("usr/sbin/auditd")
	m.program("usr/sbin/auditctl", fmt.Sprintf(auditctl, pid))
	m.write("etc/audit/auditd.conf", "log_file = /var/log/audit/audit.log\nwrite_logs = yes\n")
	m.unit("auditd.service")
	m.program("usr/bin/aide", "#!/bin/sh\necho 'Aide 0.16' >&2\n")
	m.write("etc/aide/aide.conf", "database_in = file:"+m.path("var/lib/aide/aide.db")+"\n")
	m.write("var/lib/aide/aide.db", "")
	m.write("etc/cron.daily/aide", "")
	e := m.inspect(m.script(), nil)
	a := e.Find(evidence.Auditd)
	if got := show(a); got != "present true; running; protecting; " || a.Version.Or("") != "3.0.9" || a.Config.Health.Or("") != "ok" {
		t.Errorf("auditd is %q %+v, want running and protecting", got, a)
	}
	if a := e.Find(evidence.AIDE); a.Present != evidence.Known(true) || a.Version.Or("") != "0.16" || a.Definition.Date.Why != "database_elsewhere" {
		t.Errorf("AIDE = %+v, want version and a database that is not where it belongs", a)
	}
	decoy := newMachine(t)
	decoy.install("tmp/auditd")
	decoy.start("tmp/auditd")
	if got := show(decoy.inspect(decoy.script(), nil).Find(evidence.Auditd)); got != "present false; unknown (not_installed); unknown (not_installed); not_installed" {
		t.Errorf("auditd is %q, want not installed", got)
	}
}

// mdatpHealth answers over several lines, with an organisation that must stay behind.
const mdatpHealth = `#!/bin/sh
printf '{\n  "appVersion" : "101.23062.0010",\n  "orgId" : "organisation42",\n  "realTimeProtectionEnabled":{"value":true},\n "healthy":true,"definitionsUpdated":"1795300000787","definitionsVersion":"1.395.30.0" }\n'
`

func TestAgentsOnThisHost(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		// Their tools are asked by root alone, and only where root alone could have put them.
		return
	}
	m := newMachine(t)
	m.install("opt/microsoft/mdatp/sbin/wdavdaemon", "opt/CrowdStrike/falcond", "opt/CrowdStrike/falcon-sensor7", "opt/sentinelone/bin/agent")
	m.program("opt/microsoft/mdatp/sbin/wdavdaemonclient", mdatpHealth)
	m.program("opt/CrowdStrike/falconctl", "#!/bin/sh\ncase $2 in --version) echo 'version = 7.20.0-17306.';; --aid) echo 'aid=\"44e3b7d20b43\".';; --rfm-state) echo rfm-state=false.;; esac\n")
	m.program("opt/sentinelone/bin/sentinelctl", "#!/bin/sh\ncase $1 in version) echo 'Agent version: 30.1.1.10';; control) echo 'Agent state      Enabled';; management) printf 'Site-Key sitekey42\\nConnectivity    On\\n';; esac\n")
	for _, p := range []string{"opt/microsoft/mdatp/sbin/wdavdaemon", "opt/CrowdStrike/falcon-sensor7", "opt/sentinelone/bin/agent"} {
		m.start(p)
	}
	m.unit("amazon-guardduty-agent.service", m.start("opt/CrowdStrike/falcond"))
	m.write("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 9\n\nPackage: amazon-guardduty-agent\nStatus: install ok installed\nVersion: 1.7.0\n\nPackage: z\nVersion: 8\n")
	out, _ := run(t, sh(t), m.script(), nil)
	e := parse(t, out)
	for id, want := range map[evidence.ProductID]string{
		evidence.Defender:    "present true; running; protecting;  101.23062.0010",
		evidence.CrowdStrike: "present true; running; protecting;  7.20.0-17306",
		evidence.SentinelOne: "present true; running; protecting;  30.1.1.10",
		evidence.GuardDuty:   "present true; running; unknown (no_source);  1.7.0",
	} {
		p := e.Find(id)
		if got := show(p) + " " + p.Version.Or(""); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if e.Find(evidence.Defender).Definition.Date.Value.Unix() != 1795300000 {
		t.Errorf("definitions are of %v", e.Find(evidence.Defender).Definition.Date)
	}
	text := inflate(t, out)
	for _, secret := range []string{"44e3b7d20b43", "sitekey42", "organisation42"} {
		if strings.Contains(text, secret) {
			t.Errorf("the answer carries %q", secret)
		}
	}
}

func TestOthersOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("var/lib/dpkg/status", "Package: falco\nStatus: install ok installed\nVersion: 0.39.2\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n")
	m.install("usr/bin/falco", "usr/bin/idle", "tmp/idle")
	if err := os.Symlink(m.path("usr/bin/falco"), m.path("usr/bin/link")); err != nil {
		t.Fatal(err)
	}
	pid := m.start("usr/bin/falco")
	m.start("tmp/idle")
	m.unit("falco.service", pid)
	m.unit("once.service")
	m.write("etc/systemd/system/once.service", "[Service]\nType=oneshot\n")
	m.unit("masked.service")
	if err := os.Remove(m.path("etc/systemd/system/masked.service")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/null", m.path("etc/systemd/system/masked.service")); err != nil {
		t.Fatal(err)
	}
	ask := []string{"package:falco", "package:gone", "package:none", "unit:falco.service", "unit:once.service", "unit:masked.service", "unit:none.service"}
	for _, p := range []string{"usr/bin/falco", "usr/bin/link", "usr/bin/idle", "usr/bin/none"} {
		ask = append(ask, "program:"+m.path(p))
	}
	e := m.inspect(m.script(ask...), nil)
	for name, c := range map[string]struct {
		signs evidence.Signs
		want  string
	}{
		"all of it": {
			evidence.Signs{Package: "falco", Unit: "falco.service", Binary: m.path("usr/bin/falco"), Process: m.path("usr/bin/falco")},
			"present true; running; unknown (no_source); ",
		},
		"through a link":   {evidence.Signs{Process: m.path("usr/bin/link")}, "present true; running; unknown (no_source); "},
		"name elsewhere":   {evidence.Signs{Process: m.path("usr/bin/idle")}, "present true; stopped; unknown (no_source); name_only"},
		"half of it runs":  {evidence.Signs{Unit: "falco.service", Process: m.path("usr/bin/idle")}, "present true; partial; unknown (no_source); name_only"},
		"half of it there": {evidence.Signs{Unit: "falco.service", Binary: m.path("usr/bin/none")}, "present unknown (contradictory); running; unknown (no_source); "},
		"nothing of it": {
			evidence.Signs{Package: "none", Unit: "none.service", Process: m.path("usr/bin/none")},
			"present false; unknown (not_installed); unknown (not_installed); not_installed",
		},
		"removed":   {evidence.Signs{Package: "gone"}, "present false; unknown (not_installed); unknown (not_installed); not_installed"},
		"once":      {evidence.Signs{Unit: "once.service"}, "present true; unknown (oneshot_unit); unknown (no_source); "},
		"masked":    {evidence.Signs{Unit: "masked.service"}, "present true; stopped; unknown (no_source); "},
		"not asked": {evidence.Signs{Unit: "x.service"}, "present unknown (not_collected); unknown (not_collected); unknown (no_source); "},
	} {
		if got := show(e.Other("other:x", c.signs)); got != c.want {
			t.Errorf("%s: it is %q, want %q\n%+v", name, got, c.want, e.Others)
		}
	}
	if v := e.Other("other:x", evidence.Signs{Package: "falco"}).Version; v.Or("") != "0.39.2" {
		t.Errorf("Version = %v, want 0.39.2", v)
	}
}
