package evidence_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyward/keyward/shared/evidence"
)

func TestOSSEC(t *testing.T) {
	t.Parallel()
	agent := load(t, "ossec-agent")
	tell(t, evidence.OSSEC, map[string]story{
		"not installed":             {bare(), notThere},
		"not installed, not root":   {bare().user(), notThere},
		"running":                   {agent, "present true; running; protecting; "},
		"rpm with symlinked names":  {load(t, "ossec-rpm"), "present true; running; protecting; "},
		"server":                    {load(t, "ossec-server"), "present true; running; protecting; "},
		"folder gone, init left":    {bare().with("hids", "init ok\ndir absent /var/ossec"), residue},
		"only logs left":            {bare().with("hids", "init absent\ndir ok /var/ossec\nbindir absent\nbin\npid"), residue},
		"program without the rest":  {bare().with("hids", "init absent\ndir ok /var/ossec\nbindir ok\nbin ossec-agentd\npid").skip("hids.conf", "absent"), residue},
		"stopped":                   {agent.with("exe", "").edit("hids", "pid ossec-agentd-501.pid ossec-execd-500.pid ossec-logcollector-502.pid ossec-syscheckd-503.pid", "pid"), "present true; stopped; off; "},
		"stopped, stale pid files":  {agent.with("exe", ""), "present true; stopped; off; stale_pid"},
		"pid now another's program": {agent.with("exe", "501 = /usr/bin/sleep"), "present true; stopped; off; stale_pid"},
		"right name, wrong program": {agent.with("exe", "501 = /tmp/var/ossec/bin/ossec-agentd"), "present true; stopped; off; name_only stale_pid"},
		"path of another namespace": {agent.edit("exe", "501 =", "501 !"), "present true; partial; reduced; foreign_program stale_pid"},
		"partial":                   {agent.with("exe", "500 = /var/ossec/bin/ossec-execd"), "present true; partial; reduced; stale_pid"},
		"replaced program": {
			agent.edit("exe", "503 = /var/ossec/bin/ossec-syscheckd", "503 d /var/ossec/bin/ossec-syscheckd (deleted)"),
			"present true; unknown (replaced_program); unknown (replaced_program); replaced_program stale_pid",
		},
		"a program nobody may see":    {agent.edit("exe", "503 = /var/ossec/bin/ossec-syscheckd", "").edit("hids", "keys 1", "hidden 503\nkeys 1"), "present true; unknown (not_visible); unknown (not_visible); stale_pid"},
		"processes cut":               {agent.cut("exe", ""), "present true; unknown (cut); unknown (cut); stale_pid"},
		"not root, folder closed":     {bare().user().with("hids", "init not_root\ndir not_root /var/ossec"), nothing("not_root")},
		"not root, no init":           {bare().user().with("hids", "init absent\ndir not_root /var/ossec"), nothing("not_root")},
		"not root, init but no dir":   {bare().user().with("hids", "init not_root\ndir absent /var/ossec"), nothing("not_root")},
		"not root, bin closed":        {bare().user().with("hids", "init not_root\ndir ok /var/ossec\nbindir not_root"), nothing("not_root")},
		"not root, processes closed":  {agent.user().with("exe", ""), "present true; unknown (not_root); unknown (not_root); stale_pid"},
		"root, folder closed":         {bare().with("hids", "init absent\ndir denied /var/ossec"), nothing("not_visible")},
		"init points somewhere odd":   {bare().with("hids", "init unsafe_path\ndir absent /var/ossec"), nothing("unsafe_path")},
		"record missing":              {bare().without("hids"), nothing("missing")},
		"not asked for":               {agent.narrow(",os,wazuh,"), nothing("not_collected")},
		"not enrolled":                {agent.edit("hids", "keys 1", "keys 0"), "present true; running; reduced; "},
		"no key file":                 {agent.edit("hids", "keys 1", "keys absent"), "present true; running; reduced; "},
		"key file not to be read":     {agent.edit("hids", "keys 1", "keys not_root"), "present true; running; protecting; "},
		"waits for its manager":       {agent.edit("hids", "keys 1", "keys 1\nwait"), "present true; running; reduced; "},
		"lost its manager":            {agent.edit("hids.log", "waiting 3", "lost 12"), "present true; running; reduced; "},
		"manager answered again":      {agent.edit("hids.log", "waiting 3", "lost 12").edit("hids.log", "connected 9", "back 13"), "present true; running; protecting; "},
		"no word of its manager":      {agent.with("hids.log", ""), "present true; running; unknown (connection_unknown); "},
		"file check is off":           {agent.edit("hids.conf", "<frequency>79200<\n<disabled>no<", "<disabled>yes<"), "present true; running; reduced; "},
		"active response off in log":  {agent.edit("hids.log", "waiting 3", "noresponse 3").edit("exe", "500 =", "400 !"), "present true; running; protecting; foreign_program stale_pid"},
		"active response off in conf": {load(t, "ossec-server"), "present true; running; protecting; "},
		"mail daemon must run":        {load(t, "ossec-server").edit("exe", "25 =", "25 !"), "present true; partial; reduced; foreign_program"},
		"mail off, none needed":       {load(t, "ossec-server").edit("exe", "25 =", "25 !").edit("hids.conf", "notification>yes<", "notification>no<"), "present true; running; protecting; foreign_program"},
	})
}

func TestWazuh(t *testing.T) {
	t.Parallel()
	agent, old := load(t, "wazuh-agent"), load(t, "wazuh-3")
	tell(t, evidence.Wazuh, map[string]story{
		"running":              {agent, "present true; running; protecting; "},
		"disconnected":         {agent.edit("hids.state", "'connected'", "'disconnected'"), "present true; running; reduced; "},
		"its word is old":      {agent.edit("hids.time", "1795408199", "1795400000"), "present true; running; unknown (stale_state); "},
		"age of word unknown":  {agent.skip("hids.time", "no_tool"), "present true; running; protecting; "},
		"modules may end":      {agent.edit("exe", "604 = /var/ossec/bin/wazuh-modulesd", ""), "present true; running; protecting; "},
		"3.x, pending":         {old, "present true; running; reduced; "},
		"OSSEC is not Wazuh":   {load(t, "ossec-agent"), notThere},
		"left over":            {agent.edit("hids", "wazuh-agentd ", ""), residue},
		"not asked for":        {agent.narrow(",ossec,"), nothing("not_collected")},
		"not root, all closed": {bare().user().with("hids", "init absent\ndir not_root /var/ossec"), nothing("not_root")},
	})
	tell(t, evidence.OSSEC, map[string]story{
		"Wazuh is not OSSEC":     {agent, notThere},
		"Wazuh 3 is not OSSEC":   {old, notThere},
		"Wazuh by its name only": {old.edit("hids", " wazuh-modulesd", ""), notThere},
	})
}

func TestHIDSLeaves(t *testing.T) {
	t.Parallel()
	show := func(g guest, id evidence.ProductID) string {
		p := g.parse(t).Find(id)
		return fmt.Sprintf("%v %v %v | %v | %v | %v", p.Kind, p.Version, p.Dir, p.LastScan, p.CheckedIn, p.Definition.Version)
	}
	agent, server := load(t, "ossec-agent"), load(t, "ossec-server")
	noType := agent.edit("hids.init", "TYPE=\"agent\"", "")
	serverNoType := server.edit("hids.init", "TYPE=\"server\"", "")
	noZone := agent
	noZone.At = fmt.Sprint(start.Unix())
	for name, c := range map[string]struct {
		g    guest
		id   evidence.ProductID
		want string
	}{
		"agent, local time turned into UTC": {agent, evidence.OSSEC, "agent 3.7.0 /var/ossec | 2026-11-23 02:55:10 +0000 UTC | 2026-11-23 02:03:52 +0000 UTC | unknown (no_feed)"},
		"server, epoch from the database":   {server, evidence.OSSEC, "server 3.8.0 /var/ossec | 2026-11-23 05:00:00 +0000 UTC | unknown (not_applicable) | unknown (no_feed)"},
		"rpm, the last type counts":         {load(t, "ossec-rpm"), evidence.OSSEC, "agent 3.8.0 /var/ossec | unknown (no_source) | 2026-11-23 02:03:52 +0000 UTC | unknown (no_feed)"},
		"wazuh":                             {load(t, "wazuh-agent"), evidence.Wazuh, "agent 4.14.7 /var/ossec | 2026-11-23 02:41:00 +0000 UTC | 2026-11-23 04:29:54 +0000 UTC | unknown (no_feed)"},
		"wazuh without a version file":      {load(t, "wazuh-agent").skip("hids.version", "absent"), evidence.Wazuh, "agent 4.14.7 /var/ossec | 2026-11-23 02:41:00 +0000 UTC | 2026-11-23 04:29:54 +0000 UTC | unknown (no_feed)"},
		"wazuh 3":                           {load(t, "wazuh-3"), evidence.Wazuh, "agent 3.13.6 /var/ossec | unknown (no_source) | unknown (no_source) | unknown (no_feed)"},
		"no type, agent by its programs":    {noType, evidence.OSSEC, "agent 3.7.0 /var/ossec | 2026-11-23 02:55:10 +0000 UTC | 2026-11-23 02:03:52 +0000 UTC | unknown (no_feed)"},
		"no type, server by its programs":   {serverNoType, evidence.OSSEC, "server 3.8.0 /var/ossec | 2026-11-23 05:00:00 +0000 UTC | unknown (not_applicable) | unknown (no_feed)"},
		"no type, local by its programs":    {serverNoType.edit("hids", " ossec-remoted", ""), evidence.OSSEC, "local 3.8.0 /var/ossec | 2026-11-23 05:00:00 +0000 UTC | unknown (not_applicable) | unknown (no_feed)"},
		"no zone, no local times":           {noZone, evidence.OSSEC, "agent 3.7.0 /var/ossec | unknown (no_source) | unknown (no_source) | unknown (no_feed)"},
		"nothing readable": {
			bare().with("hids", "init not_root\ndir ok\nbindir ok\nbin ossec-agentd ossec-analysisd ossec-control").with("hids.log", "a\nb 0 x\nc x y\nconnected 1 short"), evidence.OSSEC,
			"local unknown (no_source) unknown (parse_error) | unknown (no_source) | unknown (not_applicable) | unknown (no_feed)",
		},
	} {
		if got := show(c.g, c.id); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
	got := agent.parse(t).Find(evidence.OSSEC)
	want := evidence.Running{
		State: evidence.Known("running"), PIDs: []int{500, 501, 502, 503},
		Expected: []string{"ossec-agentd", "ossec-execd", "ossec-logcollector", "ossec-syscheckd"},
		Up:       []string{"ossec-agentd", "ossec-execd", "ossec-logcollector", "ossec-syscheckd"},
	}
	if diff := cmp.Diff(want, got.Running); diff != "" {
		t.Errorf("Running (-want +got):\n%s", diff)
	}
	if len(got.Protection.Modules) != 2 || got.Protection.Modules[0].Name != "syscheck" || !got.Protection.Modules[0].OK.Value {
		t.Errorf("Modules = %+v, want syscheck and rootcheck on", got.Protection.Modules)
	}
}
