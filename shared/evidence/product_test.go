package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyward/keyward/shared/evidence"
)

// show is a product on one line: whether it is there, what runs, whether it protects, and why.
func show(p evidence.Product) string {
	return fmt.Sprintf("present %v; %v; %v; %s", p.Present, p.Running.State, p.Protection.State, strings.Join(p.Why, " "))
}

// story is a case of a truth table.
type story struct {
	g    guest
	want string
}

func tell(t *testing.T, id evidence.ProductID, table map[string]story) {
	t.Helper()
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := show(c.g.parse(t).Find(id)); got != c.want {
				t.Errorf("%s is %q, want %q", id, got, c.want)
			}
		})
	}
}

func (g guest) narrow(words string) guest { g.Want = words; return g }

// edit changes the text of one record.
func (g guest) edit(name, old, with string) guest {
	for _, r := range g.Records {
		if r.Name == name {
			if !strings.Contains(r.Text, old) {
				panic("fixture has no " + old)
			}
			r.Text = strings.ReplaceAll(r.Text, old, with)
			return g.put(r)
		}
	}
	panic("fixture has no " + name)
}

const (
	notThere = "present false; unknown (not_installed); unknown (not_installed); not_installed"
	residue  = notThere + " residue"
)

func nothing(why string) string {
	return fmt.Sprintf("present unknown (%[1]s); unknown (%[1]s); unknown (%[1]s); %[1]s", why)
}

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
		"right name, wrong program": {agent.with("exe", "501 = /tmp/var/ossec/bin/ossec-agentd"), "present true; stopped; off; stale_pid"},
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

func TestPIDsAreCapped(t *testing.T) {
	t.Parallel()
	var exes []string
	for pid := range 100 {
		exes = append(exes, fmt.Sprintf("%d = /opt/ds_agent/ds_agent", pid+1))
	}
	if got := load(t, "deep-security").with("exe", strings.Join(exes, "\n")).parse(t).Find(evidence.DeepSecurity).Running.PIDs; len(got) != 32 {
		t.Errorf("%d pids, want 32", len(got))
	}
}

func TestDeepSecurity(t *testing.T) {
	t.Parallel()
	ds := load(t, "deep-security")
	silent := ds.without("dsa.status").without("dsa.component").without("dsa.plugin")
	tell(t, evidence.DeepSecurity, map[string]story{
		"not installed":         {bare(), notThere},
		"protecting":            {ds, "present true; running; protecting; "},
		"left over":             {bare().with("dsa", "dir ok\nquery absent"), residue},
		"folder closed":         {bare().user().with("dsa", "dir not_root"), nothing("not_root")},
		"record missing":        {bare().without("dsa"), nothing("missing")},
		"not asked for":         {ds.narrow(",ossec,"), nothing("not_collected")},
		"stopped":               {ds.with("exe", ""), "present true; stopped; off; "},
		"stopped and silent":    {silent.with("exe", ""), "present true; stopped; off; "},
		"anti-malware is down":  {ds.edit("exe", "901 = /opt/ds_agent/ds_am", ""), "present true; partial; reduced; "},
		"right name elsewhere":  {ds.with("exe", "900 = /tmp/ds_agent\n901 = /opt/ds_agent2/ds_am\n902 = /opt/ds_agent/"), "present true; stopped; off; "},
		"replaced program":      {ds.with("exe", "900 d /opt/ds_agent/ds_agent (deleted)"), "present true; unknown (replaced_program); unknown (replaced_program); replaced_program"},
		"foreign program":       {ds.with("exe", "900 ! /opt/ds_agent/ds_agent"), "present true; stopped; off; foreign_program"},
		"not root":              {silent.user().with("exe", "").edit("dsa", "query ok", "query not_root"), "present true; unknown (not_root); unknown (not_root); "},
		"unsafe query":          {silent.edit("dsa", "query ok", "query unsafe_path").with("exe", "900 = /opt/ds_agent/ds_agent"), "present true; running; unknown (unsafe_path); "},
		"query refuses":         {silent.rc("dsa.component", "", 1).with("exe", "900 = /opt/ds_agent/ds_agent"), "present true; running; unknown (cli_denied); "},
		"query hangs":           {ds.rc("dsa.component", "Component.AM.mode: on", 124), "present true; running; unknown (timeout); "},
		"components cut":        {ds.cut("dsa.component", "Component.AM.mode: on"), "present true; running; unknown (cut); "},
		"not activated":         {ds.edit("dsa.status", "AgentStatus.dsmUrl: https://agents-004.workload.us-1.cloudone.trendmicro.com:443/", "AgentStatus.7: dsmUrl"), "present true; running; off; "},
		"anti-malware off":      {ds.edit("dsa.component", "AM.mode: on", "AM.mode: off"), "present true; running; reduced; "},
		"driver offline by key": {ds.edit("dsa.component", "driverOffline: false", "driverOffline: true"), "present true; running; reduced; "},
		"driver offline by mode": {
			ds.edit("dsa.component", "AM.mode: on", "AM.mode: driver-offline"), "present true; running; reduced; ",
		},
		"no real-time scan":      {ds.edit("dsa.component", "cap.realtime: true", "cap.realtime: false"), "present true; running; reduced; "},
		"every module off":       {ds.with("dsa.component", "Component.AM.mode: off\nComponent.IM.mode: off"), "present true; running; off; "},
		"licence ran out":        {ds.edit("dsa.component", "2147483647", "1700000000"), "present true; running; protecting; license_expired"},
		"processes unknown":      {ds.cut("exe", ""), "present true; unknown (cut); unknown (cut); "},
		"index lines do not say": {ds.with("dsa.status", "AgentStatus.13: driverHooked"), "present true; running; unknown (cli_denied); "},
	})
}

func TestDeepSecurityLeaves(t *testing.T) {
	t.Parallel()
	ds := load(t, "deep-security")
	show := func(g guest) string {
		p := g.parse(t).Find(evidence.DeepSecurity)
		return fmt.Sprintf("%v | %v | %v %v | %v", p.Version, p.Variant, p.Definition.Version, p.Definition.Date, p.CheckedIn)
	}
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"workload security": {ds, "20.0.1.7380 | workload_security | 21.245.00 unknown (no_source) | 2026-11-23 04:20:00 +0000 UTC"},
		"own manager": {
			ds.edit("dsa.status", "agents-004.workload.us-1.cloudone.trendmicro.com:443", "dsm.example.com:4120"),
			"20.0.1.7380 | deep_security_manager | 21.245.00 unknown (no_source) | 2026-11-23 04:20:00 +0000 UTC",
		},
		"older agent's flat keys": {
			ds.with("dsa.component", "Component.AM.version.pattern.VSAPI: 16.259.00"),
			"20.0.1.7380 | workload_security | 16.259.00 unknown (no_source) | 2026-11-23 04:20:00 +0000 UTC",
		},
		"no pattern named": {
			ds.with("dsa.component", "Component.AM.mode: on"),
			"20.0.1.7380 | workload_security | unknown (no_source) unknown (no_source) | 2026-11-23 04:20:00 +0000 UTC",
		},
		"no session yet": {
			ds.edit("dsa.status", "1795407600", "0"),
			"20.0.1.7380 | workload_security | 21.245.00 unknown (no_source) | unknown (parse_error)",
		},
		"silent": {
			ds.without("dsa.status").without("dsa.component").without("dsa.plugin"),
			"unknown (missing) | unknown (missing) | unknown (missing) unknown (no_source) | unknown (missing)",
		},
	} {
		if got := show(c.g); got != c.want {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
	var modules []string
	for _, m := range ds.parse(t).Find(evidence.DeepSecurity).Protection.Modules {
		modules = append(modules, fmt.Sprint(m.Name, " ", m.Mode, " ", m.OK))
	}
	want := []string{"AM on true", "FWDPI on-prevent true", "IM real-time true", "LI on true", "WRS off false"}
	if diff := cmp.Diff(want, modules); diff != "" {
		t.Errorf("Modules (-want +got):\n%s", diff)
	}
}

func TestServerProtect(t *testing.T) {
	t.Parallel()
	sp := load(t, "serverprotect")
	tell(t, evidence.ServerProtect, map[string]story{
		"not installed":       {bare(), notThere},
		"protecting":          {sp, "present true; running; protecting; "},
		"left over":           {sp.skip("splx.conf", "absent"), residue},
		"no program":          {sp.edit("splx", "vsapiapp ", ""), residue},
		"folder closed":       {bare().user().with("splx", "dir not_root"), nothing("not_root")},
		"record missing":      {bare().without("splx"), nothing("missing")},
		"not asked for":       {sp.narrow(",ossec,"), nothing("not_collected")},
		"stopped":             {sp.with("exe", ""), "present true; stopped; off; "},
		"no kernel module":    {sp.with("mod", ""), "present true; running; off; "},
		"module still loads":  {sp.with("mod", "splxmod Loading"), "present true; running; off; "},
		"modules not read":    {sp.without("mod"), "present true; running; unknown (missing); "},
		"real-time off":       {sp.edit("splx.conf", `"RealtimeScan" Value="3"`, `"RealtimeScan" Value="0"`), "present true; running; off; "},
		"real-time not known": {sp.edit("splx.conf", "RealtimeScan", "Other"), "present true; running; unknown (no_source); "},
		"configuration cut":   {sp.cut("splx.conf", ""), "present true; running; unknown (cut); "},
		"not root":            {sp.user().with("exe", ""), "present true; unknown (not_root); unknown (not_root); "},
		"replaced program":    {sp.edit("exe", "950 =", "950 d"), "present true; unknown (replaced_program); unknown (replaced_program); replaced_program"},
	})
	p := sp.parse(t).Find(evidence.ServerProtect)
	got := fmt.Sprintf("%v | %v %v | %v | %v", p.Version, p.Definition.Version, p.Definition.Date, p.LastScan, p.Running.Up)
	want := fmt.Sprintf("3.0 | 16.259.00 %v | 2026-11-23 01:10:00 +0000 UTC | [vsapiapp entity splxhttpd]", time.Unix(1795350000, 0).UTC())
	if got != want {
		t.Errorf("leaves: %s\nwant %s", got, want)
	}
	if p := sp.with("splx.scan", "end_time=yesterday").parse(t).Find(evidence.ServerProtect); p.LastScan.Why != "parse_error" || p.Version.Known {
		t.Errorf("LastScan = %v Version = %v, want both unknown", p.LastScan, p.Version)
	}
}

func TestOfficeScanIsForWindows(t *testing.T) {
	t.Parallel()
	p := bare().parse(t).Find(evidence.OfficeScan)
	if p.Present != evidence.Known(false) || strings.Join(p.Why, " ") != "not_installed windows_only" {
		t.Errorf("OfficeScan = %+v, want not installed because windows_only", p)
	}
}
