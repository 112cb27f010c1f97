package documents_test

import (
	"os"
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

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
			out, _ := run(t, sh(t), m.script(), nil)
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

// serverProtect installs ServerProtect for Linux and starts it.
func (m machine) serverProtect() {
	m.t.Helper()
	// The whole configuration on one line: what is not named must stay behind even so.
	m.write("splx/tmsplx.xml", `<P Name="RealtimeScan" Value="3"/><P Name="SmtpPassword" Value="hunter2"/><P Name="PatternVersion" Value="16.259.00"/>`+"\n")
	m.write("splx/lpt$vpn.259", "")
	m.write("splxlog/Scan.20261122.0001", "end_time=2026/11/22 02:10:00\n")
	m.write("splxlog/Scan.20261123.0001", "start_time=2026/11/23 02:00:00\nend_time=2026/11/23 02:10:00\nPRODUCT_VERSION=3.0\nuser=hunter2\n")
	m.write("modules", "splxmod 1000 0 - Live 0x0 (PO)\nother 1 0 - Live 0x0\n")
	m.install("splx/SPLX.vsapiapp/vsapiapp")
	m.start("splx/SPLX.vsapiapp/vsapiapp")
}

func TestServerProtectOnThisHost(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.serverProtect()
	out, _ := run(t, sh(t), m.script(), nil)
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
