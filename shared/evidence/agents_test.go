package evidence_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func TestDefender(t *testing.T) {
	t.Parallel()
	ok := load(t, "defender")
	tell(t, evidence.Defender, map[string]story{
		"not asked for":   {bare().narrow(",os,"), nothing("not_collected")},
		"record missing":  {ok.without("mdatp"), nothing("missing")},
		"record cut":      {ok.cut("mdatp", "dir /opt/microsoft/mdatp"), nothing("cut")},
		"not installed":   {bare(), notThere},
		"leftovers":       {bare().with("mdatp", "dir /opt/microsoft/mdatp\nleft /etc/opt/microsoft/mdatp"), residue},
		"a program alone": {ok.with("mdatp", "dir /x\nbin /x/sbin/wdavdaemon\ncli absent"), residue},
		"closed folder":   {ok.user().with("mdatp", "dir /opt/microsoft/mdatp\nshut not_root"), nothing("not_root")},
		"protects":        {ok, "present true; running; protecting; "},
		"stopped":         {ok.with("exe", ""), "present true; stopped; off; "},
		"right name elsewhere": {
			ok.with("exe", "700 n /tmp/wdavdaemon"), "present true; stopped; off; name_only",
		},
		"replaced program": {
			ok.with("exe", "700 d /opt/microsoft/mdatp/sbin/wdavdaemon (deleted)"),
			"present true; unknown (replaced_program); unknown (replaced_program); replaced_program",
		},
		"healthy in passive mode": {
			ok.edit("mdatp", `"isManaged":false,"value":true`, `"isManaged":false,"value":false`).
				edit("mdatp", `"displayValue":false,"isManaged":false,"value":false`, `"displayValue":true,"isManaged":false,"value":true`),
			"present true; running; reduced; ",
		},
		"real-time off": {
			ok.edit("mdatp", `"displayValue":true,"isManaged":false,"value":true`, `"value":false`),
			"present true; running; off; ",
		},
		"not licensed":      {ok.edit("mdatp", `"licensed":true`, `"licensed":false`), "present true; running; reduced; "},
		"took too long":     {ok.edit("mdatp", "health.rc 0", "health.rc 124"), "present true; running; unknown (timeout); "},
		"refuses":           {ok.edit("mdatp", "health.rc 0", "health.rc 1"), "present true; running; unknown (failed); "},
		"unsafe tool":       {ok.with("mdatp", "dir /opt/microsoft/mdatp\nbin /opt/microsoft/mdatp/sbin/wdavdaemon\ncli unsafe_path"), "present true; running; unknown (unsafe_path); "},
		"odd words":         {ok.edit("mdatp", `"displayValue":true,"isManaged":false,"value":true`, `"odd":1`), "present true; running; unknown (parse_error); "},
		"not to be seen":    {ok.user().with("exe", "").edit("mdatp", "cli ok", "cli not_root"), "present true; unknown (not_root); unknown (not_root); "},
		"processes not had": {ok.without("exe"), "present true; unknown (missing); unknown (missing); "},
	})
	p := ok.parse(t).Find(evidence.Defender)
	if p.Version.Or("") != "101.23062.0010" || p.Definition.Version.Or("") != "1.395.30.0" || p.Definition.Date.Value.Unix() != 1795300000 ||
		p.Config.Health.Or("") != "ok" || p.Confidence != evidence.ConfidenceB || p.Dir.Or("") != "/opt/microsoft/mdatp" {
		t.Errorf("defender-endpoint = %+v, want version, definitions with their date, and sound settings", p)
	}
	bad := ok.edit("mdatp", `"healthIssues":[]`, `"healthIssues":["no license found","no license found"]`).
		edit("mdatp", "1812756068000", "1712756068000").edit("mdatp", "boot mdatp.service\n", "").parse(t).Find(evidence.Defender)
	if got := bad.Config; got.Health.Or("") != "bad" || len(got.Issues) != 3 {
		t.Errorf("Config = %+v, want three issues", got)
	}
	if h := ok.edit("mdatp", `"healthy":true`, `"healthy":false`).parse(t).Find(evidence.Defender).Config; len(h.Issues) != 1 || h.Issues[0] != "not_healthy" {
		t.Errorf("Config = %+v, want not_healthy", h)
	}
	for _, text := range []string{`"definitionsUpdated":"soon"`, `"definitionsUpdated":5`} {
		p := ok.edit("mdatp", `"definitionsUpdated":"1795300000787"`, text).parse(t).Find(evidence.Defender)
		if p.Definition.Date.Why != evidence.WhyParse {
			t.Errorf("%s: Date = %v, want a parse error", text, p.Definition.Date)
		}
	}
}

func TestCrowdStrike(t *testing.T) {
	t.Parallel()
	ok := load(t, "crowdstrike")
	tell(t, evidence.CrowdStrike, map[string]story{
		"not asked for":   {bare().narrow(",os,"), nothing("not_collected")},
		"not installed":   {bare(), notThere},
		"leftovers":       {bare().with("crowdstrike", "dir /opt/CrowdStrike\nleft /opt/CrowdStrike"), residue},
		"protects":        {ok, "present true; running; protecting; "},
		"sensor is gone":  {ok.with("exe", "810 = /opt/CrowdStrike/falcond17306"), "present true; partial; reduced; "},
		"stopped":         {ok.with("exe", ""), "present true; stopped; off; "},
		"reduced mode":    {ok.edit("crowdstrike", "rfm-state=false", "rfm-state=true"), "present true; running; reduced; "},
		"never connected": {ok.edit("crowdstrike", `aid=set".`, "aid is not set."), "present true; running; off; "},
		"refuses":         {ok.edit("crowdstrike", "answer rfm-state=false.\nrfm-state.rc 0", "rfm-state.rc 255"), "present true; running; unknown (failed); "},
		"odd word":        {ok.edit("crowdstrike", "rfm-state=false", "rfm-state=perhaps"), "present true; running; unknown (parse_error); "},
		"not root": {
			ok.user().with("exe", "").with("crowdstrike", "dir /opt/CrowdStrike\nshut not_root"), nothing("not_root"),
		},
	})
	p := ok.parse(t).Find(evidence.CrowdStrike)
	if p.Version.Or("") != "7.20.0-17306" || p.Config.Health.Or("") != "ok" || p.Definition.Date.Why != evidence.WhyNotApplicable || len(p.Running.PIDs) != 2 {
		t.Errorf("crowdstrike = %+v, want version, sound settings and no definitions", p)
	}
	p = ok.edit("crowdstrike", `aid=set".`, "aid is not set.").edit("crowdstrike", "boot falcon-sensor.service\n", "").parse(t).Find(evidence.CrowdStrike)
	if len(p.Config.Issues) != 2 {
		t.Errorf("Config = %+v, want two issues", p.Config)
	}
	p = ok.edit("crowdstrike", "answer aid=set\".\naid.rc 0\n", "").parse(t).Find(evidence.CrowdStrike)
	if p.Config.Health.Why != evidence.WhyMissing {
		t.Errorf("Config = %+v, want unknown", p.Config)
	}
}

func TestSentinelOne(t *testing.T) {
	t.Parallel()
	ok := load(t, "sentinelone")
	tell(t, evidence.SentinelOne, map[string]story{
		"not asked for": {bare().narrow(",os,"), nothing("not_collected")},
		"not installed": {bare(), notThere},
		"leftovers":     {bare().with("sentinelone", "dir /opt/sentinelone\nleft /opt/sentinelone"), residue},
		"protects":      {ok, "present true; running; protecting; "},
		"only its tool": {ok.with("exe", "901 = /opt/sentinelone/bin/sentinelctl"), "present true; stopped; off; "},
		"disabled":      {ok.edit("sentinelone", "Agent state      Enabled", "Agent state      Disabled"), "present true; running; off; "},
		"odd state":     {ok.edit("sentinelone", "Agent state      Enabled", "Agent state: Sleeping"), "present true; running; unknown (parse_error); "},
		"says nothing":  {ok.edit("sentinelone", "answer Agent state      Enabled\n", ""), "present true; running; unknown (no_source); "},
		"took too long": {ok.edit("sentinelone", "control.rc 0", "control.rc 143"), "present true; running; unknown (timeout); "},
		"not to be seen": {
			ok.user().with("exe", "").edit("sentinelone", "cli ok", "cli not_root"), "present true; unknown (not_root); unknown (not_root); ",
		},
	})
	p := ok.parse(t).Find(evidence.SentinelOne)
	if p.Version.Or("") != "30.1.1.10" || p.Config.Health.Or("") != "ok" || p.Confidence != evidence.ConfidenceC {
		t.Errorf("sentinelone = %+v, want version and sound settings", p)
	}
	p = ok.edit("sentinelone", "Connectivity                     On", "Connectivity                     Off").
		edit("sentinelone", "Anti Tamper                      On", "Anti Tamper                      Off").
		edit("sentinelone", "boot sentinelone.service\n", "").parse(t).Find(evidence.SentinelOne)
	if len(p.Config.Issues) != 3 {
		t.Errorf("Config = %+v, want three issues", p.Config)
	}
}

func TestGuardDuty(t *testing.T) {
	t.Parallel()
	ok := load(t, "guardduty")
	const unit = "unit amazon-guardduty-agent.service /usr/lib/systemd/system/amazon-guardduty-agent.service\n"
	tell(t, evidence.GuardDuty, map[string]story{
		"not asked for":  {bare().narrow(",os,"), nothing("not_collected")},
		"not installed":  {bare(), notThere},
		"leftovers":      {bare().with("guardduty", "package amazon-guardduty-agent absent\nleft /var/log/amzn-guardduty-agent"), residue},
		"removed":        {bare().with("guardduty", "package amazon-guardduty-agent config-files 1.7.0"), residue},
		"no package":     {bare().with("guardduty", "package amazon-guardduty-agent no_tool"), nothing("no_tool")},
		"running":        {ok, "present true; running; unknown (no_source); "},
		"stopped":        {ok.edit("guardduty", "procs amazon-guardduty-agent.service 655", "procs amazon-guardduty-agent.service"), "present true; stopped; unknown (no_source); "},
		"no systemd":     {ok.edit("guardduty", "procs amazon-guardduty-agent.service 655", "procs amazon-guardduty-agent.service no_systemd"), "present true; unknown (no_systemd); unknown (no_source); "},
		"no word of it":  {ok.edit("guardduty", "procs amazon-guardduty-agent.service 655\n", ""), "present true; unknown (missing); unknown (no_source); "},
		"unit alone":     {ok.edit("guardduty", "package amazon-guardduty-agent installed 1.7.0", "package amazon-guardduty-agent no_tool"), "present true; running; unknown (no_source); "},
		"no record line": {ok.edit("guardduty", unit, "").edit("guardduty", "package amazon-guardduty-agent installed 1.7.0\n", ""), nothing("missing")},
	})
	p := ok.parse(t).Find(evidence.GuardDuty)
	if p.Version.Or("") != "1.7.0" || p.Config.Health.Or("") != "ok" || len(p.Running.PIDs) != 1 {
		t.Errorf("guardduty = %+v, want version, sound settings and its process", p)
	}
	for text, want := range map[string]string{
		"unit amazon-guardduty-agent.service masked\n": "unit_masked",
		unit: "not_at_boot",
	} {
		g := ok.edit("guardduty", unit+"boot amazon-guardduty-agent.service\n", text)
		if c := g.parse(t).Find(evidence.GuardDuty).Config; len(c.Issues) != 1 || c.Issues[0] != want {
			t.Errorf("Config = %+v, want %s", c, want)
		}
	}
}
