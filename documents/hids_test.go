package documents_test

import (
	"os"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

// packaged makes the agent one of the packages, whose daemons are links to programs called client-….
func (m machine) packaged() {
	m.t.Helper()
	m.agent()
	for _, d := range []string{"syscheckd", "logcollector", "execd"} {
		name := "ossec/bin/ossec-" + d
		if err := os.Remove(m.path(name)); err != nil {
			m.t.Fatal(err)
		}
		m.install("ossec/bin/client-" + d)
		m.symlink("ossec/bin/client-"+d, name)
	}
	m.write("ossec-init.conf", "DIRECTORY=\""+m.path("ossec")+"\"\nVERSION=\"3.8.0\"\nDATE=\"Tue Mar  5\"\nTYPE=\"server\"\nTYPE=\"agent\"\n")
}

// hybrid makes it a server with an agent's tree below it.
func (m machine) hybrid() {
	m.t.Helper()
	m.agent()
	if err := os.Remove(m.path("ossec/bin/ossec-agentd")); err != nil {
		m.t.Fatal(err)
	}
	m.write("ossec-init.conf", "DIRECTORY=\""+m.path("ossec")+"\"\nVERSION=\"v3.8.0\"\nTYPE=\"server\"\n")
	m.write("ossec/etc/client.keys", "")
	for _, d := range []string{"ossec-analysisd", "ossec-remoted", "ossec-monitord"} {
		m.install("ossec/bin/" + d)
	}
	m.install("ossec/ossec-agent/bin/ossec-agentd", "ossec/ossec-agent/bin/ossec-logcollector")
	m.write("ossec/ossec-agent/etc/client.keys", "001 web 10.0.0.7 4f8de1f4e2b9c9e4d0a8c7b6a5f4e3d2\n")
	m.write("ossec/ossec-agent/logs/ossec.log", "2026/11/23 03:03:52 ossec-agentd(4102): INFO: Connected to server 10.0.0.5, port 1514.\n")
	m.write("ossec/logs/ossec.log", "2026/11/23 03:41:00 ossec-syscheckd: INFO: Ending syscheck scan.\n")
}

var hybridPrograms = []string{
	"bin/ossec-analysisd", "bin/ossec-remoted", "bin/ossec-monitord", "bin/ossec-logcollector", "bin/ossec-syscheckd", "bin/ossec-execd",
	"ossec-agent/bin/ossec-agentd", "ossec-agent/bin/ossec-logcollector",
}

func TestKindsOfOSSECOnThisHost(t *testing.T) {
	t.Parallel()
	start := func(m machine, except string) {
		for _, p := range hybridPrograms {
			if p != except {
				m.start("ossec/" + p)
			}
		}
	}
	for name, c := range map[string]struct {
		prepare func(m machine)
		want    string
	}{
		"of a package": {func(m machine) { m.packaged(); m.startAgent("") }, "agent present true; running; protecting; "},
		"of a package, half of it": {
			func(m machine) { m.packaged(); m.startAgent("ossec-syscheckd") }, "agent present true; partial; reduced; ",
		},
		"hybrid":                   {func(m machine) { m.hybrid(); start(m, "") }, "hybrid present true; running; protecting; "},
		"hybrid without its agent": {func(m machine) { m.hybrid(); start(m, "ossec-agent/bin/ossec-agentd") }, "hybrid present true; partial; reduced; "},
		"decoy beside what runs": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				m.install("tmp/ossec-syscheckd")
				m.start("tmp/ossec-syscheckd")
			},
			"agent present true; running; protecting; name_only",
		},
		"decoy in place of what was stopped": {
			func(m machine) {
				m.agent()
				m.startAgent("ossec-syscheckd")
				m.install("tmp/ossec-syscheckd")
				m.start("tmp/ossec-syscheckd")
			},
			"agent present true; partial; reduced; name_only",
		},
		"deleted while it runs": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				if err := os.Remove(m.path("ossec/bin/ossec-syscheckd")); err != nil {
					m.t.Fatal(err)
				}
			}, "agent present true; unknown (replaced_program); unknown (replaced_program); replaced_program stale_pid",
		},
		"its record contradicts its programs": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				m.write("ossec-init.conf", "DIRECTORY=\""+m.path("ossec")+"\"\nTYPE=\"server\"\n")
			}, "unknown (contradictory) present true; unknown (contradictory); unknown (contradictory); ",
		},
		"file check taken out in a comment": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				m.write("ossec/etc/ossec.conf", "<server-ip>10.0.0.5</server-ip><syscheck>\n<!-- <disabled>yes</disabled>\n-->\n</syscheck>\n")
			}, "agent present true; running; protecting; ",
		},
		"file check pushed off": {
			func(m machine) {
				m.agent()
				m.startAgent("")
				m.write("ossec/etc/shared/agent.conf", "<agent_config>\n<syscheck><disabled>yes</disabled></syscheck>\n</agent_config>\n")
			}, "agent present true; running; unknown (pushed_settings); ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			c.prepare(m)
			e := m.inspect(m.script(), nil)
			p := e.Find(evidence.OSSEC)
			if got := p.Kind.String() + " " + show(p); got != c.want {
				t.Errorf("OSSEC is %q, want %q\nrecords %+v", got, c.want, e.Collect.Records)
			}
		})
	}
}
