package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyward/keyward/shared/evidence"
)

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
		"right name elsewhere":  {ds.with("exe", "900 = /tmp/ds_agent\n901 = /opt/ds_agent2/ds_am\n902 = /opt/ds_agent/"), "present true; stopped; off; name_only"},
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

func TestTrendMicroSettings(t *testing.T) {
	t.Parallel()
	ds, sp := load(t, "deep-security"), load(t, "serverprotect")
	for name, c := range map[string]struct {
		g    guest
		id   evidence.ProductID
		want string
	}{
		"sound": {ds, evidence.DeepSecurity, "ok"},
		"not activated, without anti-malware": {
			ds.edit("dsa.status", "AgentStatus.dsmUrl: https://agents-004.workload.us-1.cloudone.trendmicro.com:443/", "AgentStatus.7: dsmUrl").
				edit("dsa.component", "AM.mode: on", "AM.mode: off"), evidence.DeepSecurity, "bad not_activated anti_malware_off",
		},
		"expired":          {ds.edit("dsa.component", "licenseExpiry: 2147483647", "licenseExpiry: 5"), evidence.DeepSecurity, "bad license_expired"},
		"nothing said":     {ds.without("dsa.status"), evidence.DeepSecurity, "unknown (cli_denied)"},
		"ServerProtect":    {sp, evidence.ServerProtect, "ok"},
		"real-time off":    {sp.edit("splx.conf", `Name="RealtimeScan" Value="3"`, `Name="RealtimeScan" Value="0"`), evidence.ServerProtect, "bad realtime_off"},
		"real-time unsaid": {sp.edit("splx.conf", `Name="RealtimeScan" Value="3"`, `Name="x" Value="0"`), evidence.ServerProtect, "unknown (no_source)"},
	} {
		p := c.g.parse(t).Find(c.id)
		if got := strings.Join(append([]string{p.Config.Health.String()}, p.Config.Issues...), " "); got != c.want {
			t.Errorf("%s: Config is %q, want %q", name, got, c.want)
		}
	}
	tell(t, evidence.DeepSecurity, map[string]story{
		"a program alone":          {bare().with("dsa", "dir ok /opt/ds_agent\nbin ds_agent\nquery absent"), residue},
		"without its query, alive": {bare().with("dsa", "dir ok /opt/ds_agent\nbin ds_agent\nquery absent").with("exe", "900 = /opt/ds_agent/ds_agent"), "present true; running; unknown (absent); "},
	})
}
