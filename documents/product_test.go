package documents_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func show(p evidence.Product) string {
	return fmt.Sprintf("present %v; %v; %v; %s", p.Present, p.Running.State, p.Protection.State, strings.Join(p.Why, " "))
}

var agentDaemons = []string{"ossec-agentd", "ossec-execd", "ossec-logcollector", "ossec-syscheckd"}

// agent installs an enrolled and connected OSSEC agent that does not run yet.
func (m machine) agent() {
	m.t.Helper()
	m.write("ossec-init.conf", "DIRECTORY=\""+m.path("ossec")+"\"\nVERSION=\"v3.8.0\"\nDATE=\"Tue Mar  5\"\nTYPE=\"agent\"\nSECRET=\"no\"\n")
	m.write("ossec/etc/client.keys", "001 web 10.0.0.7 4f8de1f4e2b9c9e4d0a8c7b6a5f4e3d2\n")
	m.write("ossec/etc/ossec.conf", "<ossec_config><client><server-ip>10.0.0.5</server-ip></client>\n<syscheck><disabled>no</disabled></syscheck></ossec_config>\n")
	m.write("ossec/logs/ossec.log", "2026/11/23 03:03:52 ossec-agentd(4102): INFO: Connected to server 10.0.0.5, port 1514.\n"+
		"2026/11/23 03:03:53 INFO: Connected to 10.77.0.9 at address 10.77.0.9, port 1514\n")
	m.write("ossec/bin/ossec-control", "")
	for _, d := range agentDaemons {
		m.install("ossec/bin/" + d)
	}
}

func (m machine) startAgent(except string) {
	m.t.Helper()
	for _, d := range agentDaemons {
		if d != except {
			pid := m.start("ossec/bin/" + d)
			m.write(fmt.Sprintf("ossec/var/run/%s-%d.pid", d, pid), fmt.Sprintln(pid))
		}
	}
}

// The whole truth table of a product, with real processes below the real script.
func TestOSSECOnThisHost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(m machine)
		want    string
	}{
		"not installed": {func(machine) {}, "present false; unknown (not_installed); unknown (not_installed); not_installed"},
		"only its folder is left": {
			func(m machine) { m.write("ossec/logs/ossec.log", "") },
			"present false; unknown (not_installed); unknown (not_installed); not_installed residue",
		},
		"only its record is left": {
			func(m machine) { m.write("ossec-init.conf", "DIRECTORY=\"/nowhere\"\n") },
			"present false; unknown (not_installed); unknown (not_installed); not_installed residue",
		},
		"its record is a trap": {
			func(m machine) { m.write("ossec-init.conf", "DIRECTORY=\"/x$(id)\ng /etc/shadow .\"\n") },
			"present unknown (unsafe_path); unknown (unsafe_path); unknown (unsafe_path); unsafe_path",
		},
		"stopped": {machine.agent, "present true; stopped; off; "},
		"stopped, stale pid": {
			func(m machine) { m.agent(); m.write("ossec/var/run/ossec-agentd-999999.pid", "") },
			"present true; stopped; off; stale_pid",
		},
		"pid file of another's process": {
			func(m machine) {
				m.agent()
				m.write(fmt.Sprintf("ossec/var/run/ossec-agentd-%d.pid", os.Getpid()), "")
			},
			"present true; stopped; off; stale_pid",
		},
		"right name, wrong program": {
			func(m machine) { m.agent(); m.install("tmp/ossec-agentd"); m.start("tmp/ossec-agentd") },
			"present true; stopped; off; name_only",
		},
		"a pid file whose name is a trap": {
			func(m machine) { m.agent(); m.write("ossec/var/run/ossec\nd keys 0\nx-999999.pid", "") },
			"present true; stopped; off; ",
		},
		"running": {func(m machine) { m.agent(); m.startAgent("") }, "present true; running; protecting; "},
		"partial": {
			func(m machine) { m.agent(); m.startAgent("ossec-syscheckd") },
			"present true; partial; reduced; ",
		},
		"program replaced while it runs": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				if err := os.Remove(m.path("ossec/bin/ossec-syscheckd")); err != nil {
					m.t.Fatal(err)
				}
				m.install("ossec/bin/ossec-syscheckd")
			},
			"present true; unknown (replaced_program); unknown (replaced_program); replaced_program stale_pid",
		},
		"waits for its manager": {
			func(m machine) { m.agent(); m.startAgent(""); m.write("ossec/queue/ossec/.wait", "l") },
			"present true; running; reduced; ",
		},
		"not enrolled": {
			func(m machine) { m.agent(); m.startAgent(""); m.write("ossec/etc/client.keys", "") },
			"present true; running; reduced; ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			c.prepare(m)
			e := m.inspect(m.script(), nil)
			if got := show(e.Find(evidence.OSSEC)); got != c.want {
				t.Errorf("OSSEC is %q, want %q\nrecords %+v", got, c.want, e.Collect.Records)
			}
		})
	}
}

func TestOSSECLeavesOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.agent()
	m.startAgent("")
	out, _ := run(t, sh(t), m.script(), nil)
	p := parse(t, out).Find(evidence.OSSEC)
	if p.Version.Or("") != "3.8.0" || p.Kind.Or("") != "agent" || p.Dir.Or("") != m.path("ossec") || !p.CheckedIn.Known || len(p.Running.PIDs) != 4 {
		t.Errorf("OSSEC = %+v, want version, kind, folder, last contact and four pids", p)
	}
	text := inflate(t, out)
	for _, secret := range []string{"4f8de1f4", "10.0.0.7", "SECRET"} {
		if strings.Contains(text, secret) {
			t.Errorf("the answer carries %q", secret)
		}
	}
}

// The rest is closed to an ordinary user, which is not the same as absent.
func TestOSSECAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		// Only root can become another user here; the parser's own table covers not_root.
		return
	}
	m := newMachine(t)
	m.agent()
	for name, mode := range map[string]os.FileMode{"ossec": 0o550, "ossec-init.conf": 0o600} {
		if err := os.Chmod(m.path(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	e := m.inspect(m.moved(), &syscall.Credential{Uid: 65534, Gid: 65534})
	for _, id := range []evidence.ProductID{evidence.OSSEC, evidence.Wazuh} {
		if got := e.Find(id).Present; got != evidence.Unknown[bool](evidence.WhyNotRoot) {
			t.Errorf("%s: Present = %v, want not_root", id, got)
		}
	}
	if got := e.Find(evidence.DeepSecurity).Present; got != evidence.Known(false) {
		t.Errorf("deep-security: Present = %v, want known not to be", got)
	}
}

func TestWazuhOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("ossec/etc/client.keys", "001 web any 4f8de1f4\n")
	m.write("ossec/etc/ossec.conf", "<syscheck><disabled>no</disabled></syscheck>")
	m.write("ossec/bin/wazuh-control", "VERSION=\"v4.14.7\"\nREVISION=\"rc1\"\nTYPE=\"agent\"\n")
	m.write("ossec/VERSION.json", "{\"version\":\"4.14.7\",\n \"stage\":\"rc1\"}\n")
	m.write("ossec/var/run/wazuh-agentd.state", "# - connected:    connection established\nstatus='connected'\nlast_keepalive='2026-11-23 02:00:00'\nlast_ack='2026-11-23 02:00:01'\n")
	for _, d := range []string{"agentd", "execd", "logcollector", "modulesd", "syscheckd"} {
		m.install("ossec/bin/wazuh-" + d)
		m.start("ossec/bin/wazuh-" + d)
	}
	e := m.inspect(m.script(), nil)
	p := e.Find(evidence.Wazuh)
	if got := show(p); got != "present true; running; protecting; " || p.Version.Or("") != "4.14.7" || !p.CheckedIn.Known {
		t.Errorf("Wazuh is %q %+v, want running and protecting", got, p)
	}
	if e.Find(evidence.OSSEC).Present != evidence.Known(false) {
		t.Errorf("OSSEC = %+v, want known not to be", e.Find(evidence.OSSEC))
	}
}
