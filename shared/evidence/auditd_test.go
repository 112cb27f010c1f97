package evidence_test

import (
	"testing"

	"github.com/keyward/keyward/shared/evidence"
)

func TestAuditd(t *testing.T) {
	t.Parallel()
	ok := load(t, "auditd")
	tell(t, evidence.Auditd, map[string]story{
		"not asked for":          {bare().narrow(",os,"), nothing("not_collected")},
		"not installed":          {bare(), notThere},
		"leftovers":              {bare().with("auditd", "left /etc/audit/auditd.conf"), residue},
		"a program alone":        {bare().with("auditd", "bin /usr/sbin/auditd\nconf absent /etc/audit/auditd.conf"), residue},
		"protects":               {ok, "present true; running; protecting; "},
		"stopped":                {ok.with("exe", ""), "present true; stopped; off; "},
		"right name from tmp":    {ok.with("exe", "11724 n /tmp/auditd"), "present true; stopped; off; name_only"},
		"kernel is off":          {ok.edit("auditd", "enabled 1", "enabled 0"), "present true; running; off; "},
		"locked":                 {ok.edit("auditd", "enabled 1", "enabled 2"), "present true; running; protecting; "},
		"not attached":           {ok.edit("auditd", "pid 11724", "pid 0"), "present true; running; off; "},
		"another has the events": {ok.edit("auditd", "pid 11724", "pid 12"), "present true; running; unknown (contradictory); "},
		"no rules":               {ok.edit("auditd", "rules 2", "rules 0"), "present true; running; reduced; "},
		"rules not had":          {ok.edit("auditd", "rules 2\nrules.rc 0", "rules.rc 255"), "present true; running; unknown (failed); "},
		"of a namespace":         {ok.edit("auditd", "status.rc 0", "status.rc 255"), "present true; running; unknown (failed); "},
		"events lost":            {ok.edit("auditd", "lost 0", "lost 7"), "present true; running; protecting; events_lost"},
		"not root":               {ok.user().with("exe", "").edit("auditd", "cli ok", "cli not_root"), "present true; unknown (not_root); unknown (not_root); "},
	})
	p := ok.parse(t).Find(evidence.Auditd)
	if p.Version.Or("") != "3.0.9" || p.Config.Health.Or("") != "ok" || p.CheckedIn.Value.Unix() != 1795408003 || len(p.Protection.Modules) != 2 ||
		p.Definition.Date.Why != evidence.WhyNotApplicable {
		t.Errorf("auditd = %+v, want version, sound settings, its log and no definitions", p)
	}
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"log elsewhere":   {ok.edit("auditd", "log_file = /var/log/audit/audit.log", "log_file = /srv/audit.log"), "log_elsewhere"},
		"no log":          {ok.edit("auditd", "time 1795408003 /var/log/audit/audit.log\n", ""), "absent"},
		"no log, no root": {ok.user().edit("auditd", "time 1795408003 /var/log/audit/audit.log\n", ""), "not_root"},
		"no stat":         {ok.edit("auditd", "time 1795408003 /var/log/audit/audit.log", "time no_tool"), "no_tool"},
	} {
		if got := c.g.parse(t).Find(evidence.Auditd).CheckedIn.Why; got != c.want {
			t.Errorf("%s: CheckedIn is unknown because of %q, want %q", name, got, c.want)
		}
	}
	const unit = "unit auditd.service /usr/lib/systemd/system/auditd.service\n"
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"writes no log": {ok.edit("auditd", "write_logs = yes", "write_logs = no"), "logs_not_written"},
		"masked":        {ok.edit("auditd", unit+"boot auditd.service\n", "unit auditd.service masked\n"), "unit_masked"},
		"not at boot":   {ok.edit("auditd", "boot auditd.service\n", ""), "not_at_boot"},
	} {
		if got := c.g.parse(t).Find(evidence.Auditd).Config.Issues; len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: issues %v, want %s", name, got, c.want)
		}
	}
	if h := ok.edit("auditd", "conf ok", "conf denied").parse(t).Find(evidence.Auditd).Config.Health; h.Why != "denied" {
		t.Errorf("Health = %v, want denied", h)
	}
}

func TestAIDE(t *testing.T) {
	t.Parallel()
	ok := load(t, "aide")
	const database = "time 1795405989 /var/lib/aide/aide.db"
	const schedule = "boot dailyaidecheck.timer\nprocs dailyaidecheck.timer\ncron /etc/cron.daily/aide\n"
	tell(t, evidence.AIDE, map[string]story{
		"not asked for": {bare().narrow(",os,"), nothing("not_collected")},
		"not installed": {bare(), notThere},
		"leftovers":     {bare().with("aide", "left /var/lib/aide"), residue},
		"protects":      {ok, "present true; unknown (not_applicable); protecting; "},
		"cron's":        {ok.edit("aide", "boot dailyaidecheck.timer\n", ""), "present true; unknown (not_applicable); protecting; "},
		"a timer's":     {ok.edit("aide", "cron /etc/cron.daily/aide\n", ""), "present true; unknown (not_applicable); protecting; "},
		"nobody's":      {ok.edit("aide", schedule, ""), "present true; unknown (not_applicable); unknown (no_schedule_found); "},
		"no database":   {ok.edit("aide", "\n"+database, ""), "present true; unknown (not_applicable); off; "},
		"not to be seen": {
			ok.user().edit("aide", "\n"+database, ""), "present true; unknown (not_applicable); unknown (not_root); ",
		},
		"elsewhere": {
			ok.edit("aide", "file:/var/lib/aide/aide.db", "file:/mnt/aide.db"), "present true; unknown (not_applicable); unknown (database_elsewhere); ",
		},
		"settings closed": {
			ok.edit("aide", "conf ok", "conf not_root"), "present true; unknown (not_applicable); unknown (not_root); ",
		},
		"as Red Hat has it": {
			ok.edit("aide", "database_in=file:/var/lib/aide/aide.db", "@@define DBDIR /var/lib/aide\ndatabase=file:@@{DBDIR}/aide.db.gz").
				edit("aide", database, database+".gz"),
			"present true; unknown (not_applicable); protecting; ",
		},
	})
	p := ok.edit("aide", database, database+"\ntime 1795406000 /var/log/aide/aide.log").parse(t).Find(evidence.AIDE)
	if p.Version.Or("") != "0.18.3" || p.Definition.Date.Value.Unix() != 1795405989 || p.LastScan.Value.Unix() != 1795406000 || p.Config.Health.Or("") != "ok" {
		t.Errorf("aide = %+v, want version, database, last report and sound settings", p)
	}
	p = ok.edit("aide", database, database+".new").edit("aide", schedule, "").parse(t).Find(evidence.AIDE)
	if len(p.Config.Issues) != 3 {
		t.Errorf("Config = %+v, want three issues", p.Config)
	}
	if v := ok.edit("aide", "version AIDE 0.18.3", "version error").parse(t).Find(evidence.AIDE).Version; v.Known {
		t.Errorf("Version = %v, want unknown", v)
	}
}
