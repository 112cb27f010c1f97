package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

func TestWindowsAgents(t *testing.T) {
	t.Parallel()
	e := windowsFixture(t, "windows-agents").parse(t)
	for id, want := range map[evidence.ProductID]struct{ version, variant, dir, running, protection, definition, date, scan, seen string }{
		evidence.OSSEC: {
			"3.7.0", "unknown (no_source)", `C:\Program Files (x86)\ossec-agent`, "running", "protecting",
			"unknown (no_feed)", "unknown (no_feed)", "2026-11-23 02:41:00 +0000 UTC", "2026-11-23 04:10:11 +0000 UTC",
		},
		evidence.DeepSecurity: {
			"20.0.1.7380", "workload_security", `C:\Program Files\Trend Micro\Deep Security Agent`, "running", "protecting",
			"21.245.00", "unknown (no_source)", "unknown (no_source)", time.Unix(1795408000, 0).UTC().String(),
		},
		evidence.OfficeScan: {
			"14.0.0.12057", "apex_one", `C:\Program Files (x86)\Trend Micro\Security Agent`, "running", "protecting",
			"21.245.00", "2026-11-22 00:00:00 +0000 UTC", "unknown (no_source)", "unknown (no_source)",
		},
	} {
		p := e.Find(id)
		got := []string{
			p.Version.String(), p.Variant.String(), p.Dir.String(), p.Running.State.String(), p.Protection.State.String(),
			p.Definition.Version.String(), p.Definition.Date.String(), p.LastScan.String(), p.CheckedIn.String(),
		}
		all := []string{want.version, want.variant, want.dir, want.running, want.protection, want.definition, want.date, want.scan, want.seen}
		if strings.Join(got, "|") != strings.Join(all, "|") || !p.Present.Or(false) || len(p.Why) > 0 {
			t.Errorf("%s:\n got %q, why %v\nwant %q", id, got, p.Why, all)
		}
	}
	if p := e.Find(evidence.Wazuh); p.Present != evidence.Known(false) {
		t.Errorf("Wazuh = %+v, want not installed beside OSSEC", p)
	}
}

// service changes what is said of one service: NAME STATE PID PATH, with tabs.
func (g guest) service(name, state, pid string) guest {
	for _, r := range g.Records {
		if r.Name != "svc" {
			continue
		}
		var out []string
		for line := range strings.SplitSeq(r.Text, "\n") {
			if f := strings.Split(line, "\t"); f[0] == name {
				if state == "" {
					continue
				}
				line = strings.Join([]string{name, state, f[2], pid, f[4]}, "\t")
			}
			out = append(out, line)
		}
		return g.with("svc", strings.Join(out, "\n"))
	}
	return g
}

func TestWindowsAgentsThatDoNotRun(t *testing.T) {
	t.Parallel()
	agents := windowsFixture(t, "windows-agents")
	foreign := strings.NewReplacer(
		`1500 = C:\Program Files (x86)\ossec-agent\ossec-agent.exe`, `1500 = C:\Temp\ossec-agent.exe`,
		`1700 = C:\Program Files (x86)\Trend Micro\Security Agent\NTRtScan.exe`, `1700 = C:\Temp\other.exe`,
	)
	exes := ""
	for _, r := range agents.Records {
		if r.Name == "exe" {
			exes = r.Text
		}
	}
	for name, c := range map[string]struct {
		g                            guest
		id                           evidence.ProductID
		present, running, protection string
		why                          string
	}{
		"OSSEC stopped":            {agents.service("OssecSvc", "Stopped", "0"), evidence.OSSEC, "true", "stopped", "off", ""},
		"OSSEC starting":           {agents.service("OssecSvc", "Start Pending", "1500"), evidence.OSSEC, "true", "unknown (pending)", "unknown (pending)", "pending"},
		"OSSEC's service is gone":  {agents.service("OssecSvc", "", ""), evidence.OSSEC, "false", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"OSSEC's folder is gone":   {agents.with("hids", "dir absent C:\\ossec"), evidence.OSSEC, "false", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"OSSEC's program is gone":  {agents.with("hids", "dir ok C:\\ossec\nbin \nkeys 1"), evidence.OSSEC, "false", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"OSSEC in an odd place":    {agents.with("hids", "dir unsafe_path"), evidence.OSSEC, "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)", "unsafe_path"},
		"another program":          {agents.with("exe", foreign.Replace(exes)), evidence.OSSEC, "true", "unknown (foreign_program)", "unknown (foreign_program)", "foreign_program"},
		"no processes":             {agents.skip("exe", "failed"), evidence.OSSEC, "true", "unknown (failed)", "unknown (failed)", "failed"},
		"no services":              {agents.skip("svc", "failed"), evidence.OSSEC, "unknown (failed)", "unknown (failed)", "unknown (failed)", "failed"},
		"services cut":             {agents.cut("svc", ""), evidence.OfficeScan, "unknown (cut)", "unknown (cut)", "unknown (cut)", "cut"},
		"services garbled":         {agents.with("svc", "OssecSvc Running"), evidence.OSSEC, "unknown (parse_error)", "unknown (parse_error)", "unknown (parse_error)", "parse_error"},
		"OSSEC not enrolled":       {agents.with("hids", "dir ok C:\\ossec\nbin ossec-agent.exe\nkeys 0"), evidence.OSSEC, "true", "running", "reduced", ""},
		"OSSEC lost its manager":   {agents.with("hids.log", "connected 3 x\nlost 9 x"), evidence.OSSEC, "true", "running", "reduced", ""},
		"OSSEC's log says nothing": {agents.with("hids.log", ""), evidence.OSSEC, "true", "running", "unknown (connection_unknown)", ""},
		"OSSEC's settings closed":  {agents.skip("hids.conf", "denied"), evidence.OSSEC, "true", "running", "unknown (denied)", ""},
		"Deep Security stopped":    {agents.service("ds_agent", "Stopped", "0").service("Amsp", "Stopped", "0"), evidence.DeepSecurity, "true", "stopped", "off", ""},
		"no anti-malware":          {agents.service("Amsp", "Stopped", "0"), evidence.DeepSecurity, "true", "partial", "reduced", ""},
		"dsa_query cut":            {agents.cut("dsa.component", "Component.AM.mode: on"), evidence.DeepSecurity, "true", "running", "unknown (cut)", ""},
		"dsa_query not safe":       {agents.with("dsa", "dir ok C:\\ds\nbin ds_agent.exe\nquery unsafe_path\nfile 20.0.0.1").without("dsa.status").without("dsa.component").without("dsa.plugin"), evidence.DeepSecurity, "true", "running", "unknown (unsafe_path)", ""},
		"Deep Security residue":    {agents.service("ds_agent", "", ""), evidence.DeepSecurity, "false", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"Deep Security odd place":  {agents.with("dsa", "dir unsafe_path"), evidence.DeepSecurity, "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)", "unsafe_path"},
		"OfficeScan half stopped":  {agents.service("tmlisten", "Stopped", "0"), evidence.OfficeScan, "true", "partial", "reduced", ""},
		"OfficeScan stopped":       {agents.service("tmlisten", "Stopped", "0").service("ntrtscan", "Stopped", "0"), evidence.OfficeScan, "true", "stopped", "off", ""},
		"OfficeScan's other exe":   {agents.with("exe", foreign.Replace(exes)), evidence.OfficeScan, "true", "unknown (foreign_program)", "unknown (foreign_program)", "foreign_program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.g.parse(t).Find(c.id)
			if p.Present.String() != c.present || p.Running.State.String() != c.running || p.Protection.State.String() != c.protection || strings.Join(p.Why, " ") != c.why {
				t.Errorf("present %s, %s, %s (%s), why %q; want %s, %s, %s, why %q", p.Present, p.Running.State, p.Protection.State, p.Protection.Reason, p.Why,
					c.present, c.running, c.protection, c.why)
			}
		})
	}
}

func TestWazuhOnWindows(t *testing.T) {
	t.Parallel()
	g := windowsFixture(t, "windows-agents").
		with("svc", "WazuhSvc\tRunning\tAuto\t1500\tC:\\Program Files (x86)\\ossec-agent\\wazuh-agent.exe").
		with("exe", "1500 = c:\\program files (x86)\\OSSEC-agent\\wazuh-agent.exe").
		with("hids", "dir ok C:\\Program Files (x86)\\ossec-agent\nbin wazuh-agent.exe\nwazuh yes\nkeys 1").
		with("hids.version", "\"version\": \"4.14.7\"\nfile 4.14.7.0").
		with("hids.state", "status='connected'\nlast_ack='2026-11-23 05:29:54'").with("hids.time", "1795408199 wazuh-agent.state")
	p := g.parse(t).Find(evidence.Wazuh)
	if p.Version.Value != "4.14.7" || p.Running.State.Value != "running" || p.Protection.State.Value != "protecting" || p.CheckedIn.String() != "2026-11-23 04:29:54 +0000 UTC" {
		t.Errorf("Wazuh = %+v", p)
	}
	if p := g.parse(t).Find(evidence.OSSEC); p.Present != evidence.Known(false) {
		t.Errorf("OSSEC = %+v, want not installed beside Wazuh", p)
	}
	old := g.with("svc", "OssecSvc\tRunning\tAuto\t1500\tC:\\ossec-agent\\ossec-agent.exe").with("exe", "1500 = C:\\ossec-agent\\ossec-agent.exe").
		with("hids", "dir ok C:\\ossec-agent\nbin ossec-agent.exe\nwazuh yes\nkeys 1").with("hids.version", "v3.13.6")
	if p := old.parse(t).Find(evidence.Wazuh); p.Version.Value != "3.13.6" || p.Running.State.Value != "running" {
		t.Errorf("an old Wazuh = %+v, want 3.13.6 running", p)
	}
	if p := g.with("hids.version", "file 0.0.0.0").parse(t).Find(evidence.Wazuh); p.Version.Known {
		t.Errorf("Version = %v, want unknown", p.Version)
	}
}

func TestOfficeScanValues(t *testing.T) {
	t.Parallel()
	agents := windowsFixture(t, "windows-agents")
	text := ""
	for _, r := range agents.Records {
		if r.Name == "osce" {
			text = r.Text
		}
	}
	for name, c := range map[string]struct{ old, new, version, date, protection, present string }{
		"conventional":     {"ScanType 1", "ScanType 0\nPatternDate 20261123", "unknown (no_source)", "2026-11-23 00:00:00 +0000 UTC", "protecting", "true"},
		"no method":        {"ScanType 1", "", "unknown (scan_method)", "unknown (scan_method)", "protecting", "true"},
		"dotted":           {"Ver 2124500", "Ver 21.245.00", "21.245.00", "2026-11-22 00:00:00 +0000 UTC", "protecting", "true"},
		"no number":        {"Ver 2124500", "Ver new", "unknown (parse_error)", "2026-11-22 00:00:00 +0000 UTC", "protecting", "true"},
		"no date":          {"Date 20261122", "Date yesterday", "21.245.00", "unknown (parse_error)", "protecting", "true"},
		"a day ahead":      {"Date 20261122", "Date 20261124", "21.245.00", "2026-11-24 00:00:00 +0000 UTC", "protecting", "true"},
		"realtime off":     {"Enable 1", "Enable 0", "21.245.00", "2026-11-22 00:00:00 +0000 UTC", "off", "true"},
		"realtime unknown": {"Enable 1", "", "21.245.00", "2026-11-22 00:00:00 +0000 UTC", "unknown (no_source)", "true"},
		"Worry-Free":       {"Server apex", "WFBSAgentVersion 20\nServer apex", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "false"},
		"uninstalled":      {"dir ok", "dir absent", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "false"},
		"no programs":      {"bin TmListen.exe NTRtScan.exe PccNTMon.exe", "bin ", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "false"},
		"odd place":        {`dir ok C:\Program Files (x86)\Trend Micro\Security Agent`, "dir unsafe_path", "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := agents.with("osce", strings.Replace(text, c.old, c.new, 1)).parse(t).Find(evidence.OfficeScan)
			if p.Present.String() != c.present || p.Definition.Version.String() != c.version || p.Definition.Date.String() != c.date || p.Protection.State.String() != c.protection {
				t.Errorf("present %s, definitions %s of %s, %s; want %s, %s of %s, %s", p.Present, p.Definition.Version, p.Definition.Date, p.Protection.State,
					c.present, c.version, c.date, c.protection)
			}
		})
	}
	// A day that has begun in Taipei and not yet by UTC is no date in the future.
	late := agents
	late.At, late.End = "1795390000 +0000", 1795390000 // 23:26 of the day before
	p := late.with("osce", strings.Replace(text, "Date 20261122", "Date 20261123", 1)).parse(t).Find(evidence.OfficeScan)
	if p.Definition.Date.String() != time.Unix(1795390000, 0).UTC().String() {
		t.Errorf("Date = %v, want the machine's own time", p.Definition.Date)
	}
}

func TestDefenderAV(t *testing.T) {
	t.Parallel()
	server := windowsFixture(t, "windows-server")
	text := ""
	for _, r := range server.Records {
		if r.Name == "mp" {
			text = r.Text
		}
	}
	p := server.parse(t).Find(evidence.DefenderAV)
	if !p.Present.Value || p.Version.Value != "4.18.24090.11" || p.Running.State.Value != "running" || p.Protection.State.Value != "protecting" ||
		p.Definition.Version.Value != "1.421.12.0" || p.Definition.Date.Value.Unix() != 1795376000 || p.LastScan.Value.Unix() != 1795330000 {
		t.Errorf("Defender = %+v", p)
	}
	for name, c := range map[string]struct{ old, new, state, reason string }{
		"real time off":        {"RealTimeProtectionEnabled True", "RealTimeProtectionEnabled False", "off", "real_time_protection_off"},
		"service says off":     {"AMServiceEnabled True", "AMServiceEnabled False", "off", "am_service_off"},
		"passive":              {"Normal", "Passive Mode", "reduced", "passive_mode"},
		"EDR in block mode":    {"Normal", "EDR Block Mode", "reduced", "passive_mode"},
		"not running":          {"Normal", "Not running", "off", "not_running"},
		"a mode of the future": {"Normal", "Quantum", "unknown (mode_unknown)", "mode_unknown"},
		"no mode":              {"AMRunningMode Normal\n", "", "protecting", ""},
		"behaviour off":        {"BehaviorMonitorEnabled True", "BehaviorMonitorEnabled False", "reduced", "behavior_monitor_off"},
		"behaviour unsaid":     {"BehaviorMonitorEnabled True\n", "", "unknown (no_source)", "no_source"},
		"half a word":          {"AntivirusEnabled True", "AntivirusEnabled Tr", "unknown (parse_error)", "parse_error"},
		"stopped":              {text, "error failed Failed HRESULT 0x800106ba", "unknown (failed)", "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := server.with("mp", strings.Replace(text, c.old, c.new, 1)).parse(t).Find(evidence.DefenderAV)
			if !p.Present.Value || p.Protection.State.String() != c.state || p.Protection.Reason != c.reason {
				t.Errorf("protection %s (%s), want %s (%s)", p.Protection.State, p.Protection.Reason, c.state, c.reason)
			}
		})
	}
	// 0x800106BA is what Windows says when the service does not run, which is a state and no failure.
	stopped := server.service("WinDefend", "Stopped", "0").with("mp", "error failed Failed HRESULT 0x800106ba").parse(t).Find(evidence.DefenderAV)
	if !stopped.Present.Value || stopped.Running.State.Value != "stopped" || stopped.Protection.State.Value != "off" || stopped.Protection.Reason != "stopped" {
		t.Errorf("a stopped Defender = %+v", stopped)
	}
	for name, c := range map[string]struct{ mp, want string }{
		"removed":       {"error absent InvalidNamespace ", "false"},
		"closed":        {"error denied AccessDenied ", "unknown (denied)"},
		"contradictory": {text, "unknown (contradictory)"},
		"silent":        {"", "unknown (parse_error)"},
	} {
		if p := server.with("svc", "").with("mp", c.mp).parse(t).Find(evidence.DefenderAV); p.Present.String() != c.want {
			t.Errorf("%s, without the service: present %s, want %s", name, p.Present, c.want)
		}
	}
	if p := server.skip("mp", "budget").parse(t).Find(evidence.DefenderAV); p.Present.Known {
		t.Errorf("a record that was left out = %+v, want unknown", p)
	}
}

func TestServicesAlone(t *testing.T) {
	t.Parallel()
	const path = `C:\Program Files\CrowdStrike\CSFalconService.exe`
	there := bareWindows().with("svc", "CSFalconService\tRunning\tAuto\t900\t"+path).with("exe", "900 = "+path).
		with("crowdstrike", "dir ok C:\\Program Files\\CrowdStrike\nfile 7.20.19005.0")
	for name, c := range map[string]struct {
		g                                     guest
		present, running, protection, version string
		why                                   string
	}{
		"runs":        {there, "true", "running", "unknown (no_source)", "7.20.19005.0", ""},
		"stopped":     {there.service("CSFalconService", "Stopped", "0"), "true", "stopped", "off", "7.20.19005.0", ""},
		"another":     {there.with("exe", "900 = C:\\Temp\\x.exe"), "true", "unknown (foreign_program)", "unknown (no_source)", "7.20.19005.0", "foreign_program"},
		"no program":  {there.with("crowdstrike", "dir ok C:\\Program Files\\CrowdStrike"), "false", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"no folder":   {there.with("crowdstrike", "dir absent C:\\x"), "false", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "not_installed residue"},
		"odd folder":  {there.with("crowdstrike", "dir unsafe_path"), "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)", "unknown (unsafe_path)", "unsafe_path"},
		"no service":  {there.with("svc", ""), "false", "unknown (not_installed)", "unknown (not_installed)", "unknown (not_installed)", "not_installed"},
		"no services": {there.skip("svc", "failed"), "unknown (failed)", "unknown (failed)", "unknown (failed)", "unknown (failed)", "failed"},
		"failed":      {there.skip("crowdstrike", "absent"), "unknown (absent)", "unknown (absent)", "unknown (absent)", "unknown (absent)", "absent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := c.g.parse(t).Find(evidence.CrowdStrike)
			if p.Present.String() != c.present || p.Running.State.String() != c.running || p.Protection.State.String() != c.protection ||
				p.Version.String() != c.version || strings.Join(p.Why, " ") != c.why {
				t.Errorf("present %s, %s, %s, version %s, why %q; want %+v", p.Present, p.Running.State, p.Protection.State, p.Version, p.Why, c)
			}
		})
	}
	if p := bareWindows().parse(t).Find(evidence.SentinelOne); p.Present != evidence.Known(false) {
		t.Errorf("SentinelOne = %+v, want not installed", p)
	}
	for _, id := range []evidence.ProductID{evidence.ClamAV, evidence.Defender, evidence.GuardDuty, evidence.AIDE, evidence.Auditd} {
		if p := bareWindows().parse(t).Find(id); p.Present.Known || p.Present.Why != "not_on_windows" {
			t.Errorf("%s = %+v, want unknown: nobody looks for it on Windows", id, p)
		}
	}
}
