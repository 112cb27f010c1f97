package evidence_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func TestHybridAndOddInstalls(t *testing.T) {
	t.Parallel()
	hybrid, agent, server, rpm := load(t, "ossec-hybrid"), load(t, "ossec-agent"), load(t, "ossec-server"), load(t, "ossec-rpm")
	tell(t, evidence.OSSEC, map[string]story{
		"hybrid":                      {hybrid, "present true; running; protecting; "},
		"hybrid, its agent is gone":   {hybrid.edit("exe", "30 = /var/ossec/ossec-agent/bin/ossec-agentd\n", ""), "present true; partial; reduced; "},
		"hybrid, its server is gone":  {hybrid.edit("exe", "20 = /var/ossec/bin/ossec-analysisd\n", ""), "present true; partial; reduced; stale_pid"},
		"hybrid, not enrolled":        {hybrid.edit("hids", "keys 1", "keys 0"), "present true; running; reduced; "},
		"hybrid without type":         {hybrid.edit("hids.init", "TYPE=\"server\"", ""), "present true; running; protecting; "},
		"rpm, a program is gone":      {rpm.edit("exe", "503 = /var/ossec/bin/client-syscheckd", ""), "present true; partial; reduced; "},
		"rpm, a program was replaced": {rpm.edit("exe", "503 = /var/ossec/bin/client-syscheckd", "503 d /var/ossec/bin/client-syscheckd (deleted)"), "present true; unknown (replaced_program); unknown (replaced_program); replaced_program"},
		"says agent, has a server's programs": {
			server.edit("hids", "bin ossec-agentd ", "bin ").edit("hids.init", "TYPE=\"server\"", "TYPE=\"agent\""),
			"present true; unknown (contradictory); unknown (contradictory); ",
		},
		"says server, has an agent's programs": {
			agent.edit("hids.init", "TYPE=\"agent\"", "TYPE=\"server\""), "present true; unknown (contradictory); unknown (contradictory); ",
		},
		"a server without agents": {
			server.edit("hids", "keys 4", "keys 0").edit("exe", "21 = /var/ossec/bin/ossec-remoted\n", ""), "present true; running; reduced; ",
		},
		"a server without a key file": {
			server.edit("hids", "keys 4", "keys absent").edit("exe", "21 = /var/ossec/bin/ossec-remoted\n", ""), "present true; running; reduced; ",
		},
		"a server with agents needs remoted": {server.edit("exe", "21 = /var/ossec/bin/ossec-remoted\n", ""), "present true; partial; reduced; "},
		"what is commented out is not off": {
			agent.edit("hids.conf", "<frequency>79200<\n<disabled>no<", "<!--\n<disabled>yes<\n-->"), "present true; running; protecting; ",
		},
		"what follows a comment counts": {
			agent.edit("hids.conf", "<frequency>79200<\n<disabled>no<", "<!--\n-->\n<disabled>yes<"), "present true; running; reduced; ",
		},
		"its manager pushed it off": {
			agent.with("hids.shared", "<syscheck>\n<disabled>yes<\n</syscheck>"), "present true; running; unknown (pushed_settings); ",
		},
		"its manager pushed it on":   {agent.with("hids.shared", "<syscheck>\n<disabled>no<\n</syscheck>"), "present true; running; protecting; "},
		"settings not to be read":    {agent.skip("hids.conf", "denied"), "present true; running; unknown (denied); "},
		"settings cut":               {agent.cut("hids.conf", "<syscheck>"), "present true; running; unknown (cut); "},
		"right name run from /tmp":   {agent.with("exe", "9 n /tmp/ossec-syscheckd"), "present true; stopped; off; name_only stale_pid"},
		"the same, of a package":     {rpm.with("exe", "9 n /tmp/client-syscheckd"), "present true; stopped; off; name_only stale_pid"},
		"the same, beside the right": {agent.edit("exe", "500 =", "9 n /tmp/ossec-syscheckd\n500 ="), "present true; running; protecting; name_only"},
		"without any key file (2.8)": {agent.edit("hids", "keys 1", "keys absent"), "present true; running; reduced; "},
	})
	if k := hybrid.parse(t).Find(evidence.OSSEC).Kind; k.Or("") != "hybrid" {
		t.Errorf("Kind = %v, want hybrid", k)
	}
}

func TestWazuhFive(t *testing.T) {
	t.Parallel()
	agent := load(t, "wazuh-agent")
	five := agent.edit("hids.state", "last_ack='2026-11-23 05:29:54'", "").edit("hids.version", "4.14.7", "5.0.0")
	p := five.parse(t).Find(evidence.Wazuh)
	if p.Version.Or("") != "5.0.0" || p.CheckedIn.Value.Format("15:04:05") != "04:29:50" {
		t.Errorf("Wazuh = %+v, want 5.0.0 and its last sign of life", p)
	}
	manager := bare().with("hids", "init absent\ndir ok /var/ossec\nbindir ok\nbin wazuh-analysisd wazuh-control wazuh-db wazuh-modulesd wazuh-monitord wazuh-remoted\nkeys 3").
		with("hids.conf", "<syscheck>").with("hids.control", "VERSION=\"v5.0.0\"\nTYPE=\"server\"").
		with("exe", "1 = /var/ossec/bin/wazuh-analysisd\n2 = /var/ossec/bin/wazuh-remoted\n3 = /var/ossec/bin/wazuh-monitord\n4 = /var/ossec/bin/wazuh-db")
	tell(t, evidence.Wazuh, map[string]story{
		"manager without what it no longer has": {manager, "present true; running; protecting; "},
		"manager without its analysis":          {manager.edit("exe", "1 = /var/ossec/bin/wazuh-analysisd\n", ""), "present true; partial; reduced; "},
	})
}

func TestHIDSSettings(t *testing.T) {
	t.Parallel()
	agent := load(t, "ossec-agent")
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"sound":          {agent, ""},
		"no file":        {agent.skip("hids.conf", "absent"), "not_configured"},
		"closed":         {agent.skip("hids.conf", "denied"), "denied"},
		"no manager":     {agent.edit("hids.conf", "<address>10.0.0.5<\n", ""), "no_manager"},
		"empty manager":  {agent.edit("hids.conf", "10.0.0.5", " "), "no_manager"},
		"not enrolled":   {agent.edit("hids", "keys 1", "keys 0"), "not_enrolled"},
		"file check off": {agent.edit("hids.conf", "<frequency>79200<\n<disabled>no<", "<disabled>yes<"), "syscheck_disabled"},
		"pushed off":     {agent.with("hids.shared", "<syscheck>\n<disabled>yes<"), "syscheck_disabled_by_push"},
	} {
		got := c.g.parse(t).Find(evidence.OSSEC).Config
		if text := strings.Join(append(got.Issues, got.Health.Why), ""); text != c.want {
			t.Errorf("%s: Config = %+v, want %q", name, got, c.want)
		}
	}
}
