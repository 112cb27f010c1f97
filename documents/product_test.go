package documents_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

const daemonVariable = "KEYWARD_TEST_DAEMON"

// TestMain lets the test binary stand in for a product's daemon: it waits until its input ends.
func TestMain(m *testing.M) {
	if os.Getenv(daemonVariable) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// machine is a folder that the script takes for the places of the products.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	// t.TempDir puts the test's name into the path, and the script trusts plain characters only.
	root, err := os.MkdirTemp("", "machine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	// The kernel shows programs with every symbolic link followed; so must the folder be called.
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	return machine{t, root}
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// install puts this test's own program at name.
func (m machine) install(names ...string) {
	m.t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, name := range names {
		m.write(name, string(self))
	}
}

// start runs the program at name until the test ends, and returns its pid.
func (m machine) start(name string) int {
	m.t.Helper()
	cmd := exec.Command(m.path(name))
	cmd.Args[0] = "ossec-agentd" // what a process calls itself must not count
	cmd.Env = []string{daemonVariable + "=1"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// script is the inspection with the products' places moved into this machine. Below its root only
// the user of the test can write, so the check of who could have changed a program starts there.
func (m machine) script() string {
	m.t.Helper()
	text, err := documents.Render(testNonce, documents.Words())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, r := range [][2]string{
		{"/var/ossec", m.path("ossec")},
		{"/etc/ossec-init.conf", m.path("ossec-init.conf")},
		{"/opt/ds_agent", m.path("ds_agent")},
		{"/opt/TrendMicro/SProtectLinux", m.path("splx")},
		{"/var/log/TrendMicro/SProtectLinux", m.path("splxlog")},
		{"/proc/modules", m.path("modules")},
		{`while [ -n "$_p" ]; do`, `while [ "$_p" != "` + m.root + `" ]; do`},
		{`ls -lnd -- / "$@"`, `ls -lnd -- "$@"`},
	} {
		if !strings.Contains(text, r[0]) {
			m.t.Fatalf("the script does not say %q any more", r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return text
}

func (m machine) inspect(as *syscall.Credential) *evidence.Evidence {
	m.t.Helper()
	out, home := run(m.t, shells(m.t)["sh"], m.script(), as)
	nothingIn(m.t, home)
	return parse(m.t, out)
}

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
			"present true; stopped; off; ",
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
			e := m.inspect(nil)
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
	out, _ := run(t, shells(t)["sh"], m.script(), nil)
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
	e := m.inspect(&syscall.Credential{Uid: 65534, Gid: 65534})
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
	e := m.inspect(nil)
	p := e.Find(evidence.Wazuh)
	if got := show(p); got != "present true; running; protecting; " || p.Version.Or("") != "4.14.7" || !p.CheckedIn.Known {
		t.Errorf("Wazuh is %q %+v, want running and protecting", got, p)
	}
	if e.Find(evidence.OSSEC).Present != evidence.Known(false) {
		t.Errorf("OSSEC = %+v, want known not to be", e.Find(evidence.OSSEC))
	}
}

const dsaQuery = `#!/bin/sh
case $2 in
GetAgentStatus) printf 'AgentStatus.13: dsmUrl\nAgentStatus.agentState: green\nAgentStatus.lastAgentToManagerSession: 1795407600\nAgentStatus.dsmUrl: https://dsm.example.com:4120/\nAgentStatus.secret: hunter2\n';;
GetComponentInfo) printf 'Component.AM.mode: on\nComponent.AM.driverOffline: false\nComponent.AM.version.pattern.15.name: Smart Scan Agent Pattern\nComponent.AM.version.pattern.15.version: 21.245.00\n';;
GetPluginVersion) printf 'PluginVersion.core: 20.0.1-7380\n';;
esac
`

func TestDeepSecurityOnThisHost(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		// dsa_query is asked by root alone, and only where root alone could have put it.
		return
	}
	for name, c := range map[string]struct {
		prepare func(m machine)
		want    string
	}{
		"protecting": {func(machine) {}, "present true; running; protecting; "},
		"anybody could have changed the query": {
			func(m machine) { m.mode("ds_agent/dsa_query", 0o777) }, "present true; running; unknown (unsafe_path); ",
		},
		"anybody could have put it there": {
			func(m machine) { m.mode("ds_agent", 0o777) }, "present true; running; unknown (unsafe_path); ",
		},
		"another user owns it": {
			func(m machine) {
				if err := os.Chown(m.path("ds_agent/dsa_query"), 65534, 0); err != nil {
					m.t.Fatal(err)
				}
			}, "present true; running; unknown (unsafe_path); ",
		},
		"the query is a link": {
			func(m machine) {
				m.write("elsewhere", dsaQuery)
				if err := os.Remove(m.path("ds_agent/dsa_query")); err != nil {
					m.t.Fatal(err)
				}
				if err := os.Symlink(m.path("elsewhere"), m.path("ds_agent/dsa_query")); err != nil {
					m.t.Fatal(err)
				}
			}, "present true; running; unknown (unsafe_path); ",
		},
		"the query refuses": {
			func(m machine) { m.write("ds_agent/dsa_query", "#!/bin/sh\necho denied\nexit 5\n") },
			"present true; running; unknown (cli_denied); ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.write("ds_agent/dsa_query", dsaQuery)
			m.install("ds_agent/ds_agent", "ds_agent/ds_am")
			m.start("ds_agent/ds_agent")
			m.start("ds_agent/ds_am")
			c.prepare(m)
			out, _ := run(t, shells(t)["sh"], m.script(), nil)
			e := parse(t, out)
			if got := show(e.Find(evidence.DeepSecurity)); got != c.want {
				t.Errorf("Deep Security is %q, want %q\nrecords %+v", got, c.want, e.Collect.Records)
			}
			if strings.Contains(inflate(t, out), "hunter2") {
				t.Error("the answer carries a key that was not asked for")
			}
		})
	}
}

func (m machine) mode(name string, mode os.FileMode) {
	m.t.Helper()
	if err := os.Chmod(m.path(name), mode); err != nil {
		m.t.Fatal(err)
	}
}

func TestServerProtectOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	// The whole configuration on one line: what is not named must stay behind even so.
	m.write("splx/tmsplx.xml", `<P Name="RealtimeScan" Value="3"/><P Name="SmtpPassword" Value="hunter2"/><P Name="PatternVersion" Value="16.259.00"/>`+"\n")
	m.write("splx/lpt$vpn.259", "")
	m.write("splxlog/Scan.20261122.0001", "end_time=2026/11/22 02:10:00\n")
	m.write("splxlog/Scan.20261123.0001", "start_time=2026/11/23 02:00:00\nend_time=2026/11/23 02:10:00\nPRODUCT_VERSION=3.0\nuser=hunter2\n")
	m.write("modules", "splxmod 1000 0 - Live 0x0 (PO)\nother 1 0 - Live 0x0\n")
	m.install("splx/SPLX.vsapiapp/vsapiapp")
	m.start("splx/SPLX.vsapiapp/vsapiapp")
	out, _ := run(t, shells(t)["sh"], m.script(), nil)
	p := parse(t, out).Find(evidence.ServerProtect)
	if got := show(p); got != "present true; running; protecting; " {
		t.Errorf("ServerProtect is %q, want running and protecting", got)
	}
	if p.Version.Or("") != "3.0" || p.Definition.Version.Or("") != "16.259.00" || !p.Definition.Date.Known || p.LastScan.Value.Day() != 23 {
		t.Errorf("ServerProtect = %+v, want version, pattern, its date and the newest scan", p)
	}
	if strings.Contains(inflate(t, out), "hunter2") {
		t.Error("the answer carries a secret of the configuration")
	}
}

func (m machine) symlink(target, name string) {
	m.t.Helper()
	if err := os.Symlink(m.path(target), m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}
