package evidence_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

func TestClamAV(t *testing.T) {
	t.Parallel()
	ok := load(t, "clamav")
	const freshclam = "unit clamav-freshclam.service /usr/lib/systemd/system/clamav-freshclam.service\n"
	enabled := ok.edit("clamav", freshclam, freshclam+"boot clamav-freshclam.service\n")
	onAccess := ok.with("exe", "7 = /usr/sbin/clamd\n8 = /usr/sbin/clamonacc")
	tell(t, evidence.ClamAV, map[string]story{
		"not asked for":          {bare().narrow(",os,"), nothing("not_collected")},
		"record missing":         {ok.without("clamav"), nothing("missing")},
		"not installed":          {bare(), notThere},
		"purged but for folders": {bare().with("clamav", "left /etc/clamav\nleft /var/lib/clamav"), residue},
		"a program alone":        {bare().with("clamav", "bin /usr/sbin/clamd\ndir absent /var/lib/clamav"), residue},
		"running":                {ok, "present true; running; reduced; "},
		"checks on access":       {onAccess, "present true; running; protecting; "},
		"without a database": {
			onAccess.edit("clamav", "db ok /var/lib/clamav/daily.cud\nClamAV-VDB:21 Nov 2026 22-46 +0000:27500:1:213\n", ""),
			"present true; running; reduced; ",
		},
		"stopped":             {ok.with("exe", ""), "present true; stopped; off; "},
		"scanner alone":       {bare().with("clamav", "bin /usr/bin/clamscan\nbin /usr/bin/freshclam\ndir absent /var/lib/clamav"), "present true; stopped; off; "},
		"right name from tmp": {ok.with("exe", "9 n /tmp/clamd"), "present true; stopped; off; name_only"},
		"replaced program": {
			ok.with("exe", "7 d /usr/sbin/clamd (deleted)"), "present true; unknown (replaced_program); unknown (replaced_program); replaced_program",
		},
		"of a container":           {ok.with("exe", "7 ! /usr/sbin/clamd"), "present true; stopped; off; foreign_program"},
		"its updater ended":        {enabled.with("exe", "7 = /usr/sbin/clamd"), "present true; partial; reduced; "},
		"its updater ended, guard": {enabled.with("exe", "7 = /usr/sbin/clamd\n8 = /usr/sbin/clamonacc"), "present true; partial; reduced; "},
		"not root":                 {ok.user().with("exe", ""), "present true; unknown (not_root); unknown (not_root); "},
	})
	p := ok.parse(t).Find(evidence.ClamAV)
	if p.Version.Or("") != "1.4.3" || p.Definition.Version.Or("") != "27500" || p.Kind.Or("") != "daemon" || p.Confidence != evidence.ConfidenceA ||
		p.Definition.Date != evidence.Known(time.Date(2026, 11, 21, 22, 46, 0, 0, time.UTC)) || p.Config.Health.Or("") != "ok" {
		t.Errorf("clamav = %+v, want version, definitions with their date, and sound settings", p)
	}
	if p.CheckedIn.Known || p.CheckedIn.Why != evidence.WhyNoSource {
		t.Errorf("CheckedIn = %v: a log without a word of success is no update", p.CheckedIn)
	}
}

func TestClamAVDefinitions(t *testing.T) {
	t.Parallel()
	ok := load(t, "clamav")
	const head = "ClamAV-VDB:21 Nov 2026 22-46 +0000:27500:1:213\n"
	const daily = "db ok /var/lib/clamav/daily.cud\n"
	two := ok.edit("clamav", daily+head, "db ok /var/lib/clamav/daily.cld\n"+head+
		"db ok /var/lib/clamav/daily.cvd\nClamAV-VDB:20 Nov 2026 04-27 -0400:27498:1:90\n"+
		"db ok /var/lib/clamav/main.cvd\nClamAV-VDB:16 Sep 2021 08-32 -0400:62:6647427:90\n")
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"the newer daily counts": {two, "27500 2026-11-21T22:46:00Z"},
		"one head is missing":    {two.edit("clamav", "ClamAV-VDB:16 Sep 2021 08-32 -0400:62:6647427:90\n", ""), "parse_error"},
		"only main":              {ok.edit("clamav", "daily.cud", "main.cud"), "no_database"},
		"no database":            {ok.edit("clamav", daily+head, ""), "no_database"},
		"closed folder":          {ok.edit("clamav", "dir ok", "dir not_root").edit("clamav", daily+head, ""), "not_root"},
		"odd folder":             {ok.edit("clamav", "dir ok", "dir unsafe_path").edit("clamav", daily+head, ""), "unsafe_path"},
		"closed file":            {ok.edit("clamav", daily+head, "db denied /var/lib/clamav/daily.cud\n"), "denied"},
		"odd date":               {ok.edit("clamav", "21 Nov 2026 22-46 +0000", "yesterday"), "parse_error"},
		"odd version":            {ok.edit("clamav", ":27500:", ":x:"), "parse_error"},
		"date before all dates":  {ok.edit("clamav", "21 Nov 2026", "21 Nov 1926"), "parse_error"},
		"cut head":               {ok.edit("clamav", "21 Nov 2026 22-46 +0000:27500:1:213", "21 Nov"), "parse_error"},
	} {
		d := c.g.parse(t).Find(evidence.ClamAV).Definition
		got := d.Date.Why
		if d.Date.Known {
			got = d.Version.Value + " " + d.Date.Value.Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s: definitions are %q, want %q", name, got, c.want)
		}
	}
}

func TestClamAVUpdatesAndSettings(t *testing.T) {
	t.Parallel()
	ok := load(t, "clamav")
	const said = "log Sat Nov 21 22:46:02 2026 -> daily.cld database is up-to-date (version: 27500, sigs: 1, f-level: 90, builder: x)\n"
	p := ok.edit("clamav", "log.rc 0", said+"log.rc 0").parse(t).Find(evidence.ClamAV)
	if want := time.Date(2026, 11, 21, 21, 46, 2, 0, time.UTC); !p.CheckedIn.Value.Equal(want) {
		t.Errorf("CheckedIn = %v, want %v: the log is in the guest's zone", p.CheckedIn, want)
	}
	for text, want := range map[string]string{"log.rc absent": "absent", "log.rc not_root": "not_root", "log.rc 124": "timeout"} {
		if got := ok.edit("clamav", "log.rc 0", text).parse(t).Find(evidence.ClamAV).CheckedIn.Why; got != want {
			t.Errorf("%s: CheckedIn is unknown because of %q, want %q", text, got, want)
		}
	}
	const unit = "unit clamav-daemon.service /usr/lib/systemd/system/clamav-daemon.service\n"
	for name, c := range map[string]struct {
		g    guest
		want string
	}{
		"example":     {ok.edit("clamav", "DatabaseDirectory /var", "Example\nDatabaseDirectory /var"), "not_configured"},
		"no database": {ok.edit("clamav", "db ok /var/lib/clamav/daily.cud\nClamAV-VDB:21 Nov 2026 22-46 +0000:27500:1:213\n", ""), "no_database"},
		"by a socket": {
			ok.edit("clamav", "boot clamav-daemon.service\n", "unit clamav-daemon.socket /usr/lib/systemd/system/clamav-daemon.socket\nboot clamav-daemon.socket\n"), "",
		},
		"masked":         {ok.edit("clamav", unit+"boot clamav-daemon.service\n", "unit clamav-daemon.service masked\n"), "unit_masked"},
		"not at boot":    {ok.edit("clamav", "boot clamav-daemon.service\n", ""), "not_at_boot"},
		"closed, denied": {ok.edit("clamav", "conf ok", "conf denied"), "denied"},
	} {
		c2 := c.g.parse(t).Find(evidence.ClamAV).Config
		got := c2.Health.Why
		if len(c2.Issues) > 0 {
			got = c2.Issues[0]
		}
		if got != c.want {
			t.Errorf("%s: Config = %+v, want %s", name, c2, c.want)
		}
	}
	if v := ok.edit("clamav", "version ClamAV 1.4.3\nversion.rc 0", "version.rc 127").parse(t).Find(evidence.ClamAV).Version; v.Why != evidence.WhyFailed {
		t.Errorf("Version = %v, want failed", v)
	}
	if v := ok.edit("clamav", "cli ok\nversion ClamAV 1.4.3\nversion.rc 0", "cli unsafe_path").parse(t).Find(evidence.ClamAV).Version; v.Why != evidence.WhyUnsafePath {
		t.Errorf("Version = %v, want unsafe_path", v)
	}
}
