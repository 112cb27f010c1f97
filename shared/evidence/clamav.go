package evidence

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// parseClamAV reads ClamAV: formats of its own source and of Debian's packages. The head of a database is
// not signed by itself: whoever is root can write another date there.
func parseClamAV(d *document, local *time.Location) Product {
	a, instead := d.agent("clamav", ClamAV)
	if a == nil {
		return *instead
	}
	daemon, boot := a.unit("clamav-daemon.service")
	_, socket := a.unit("clamav-daemon.socket") // starts it when somebody asks
	scan, _ := a.unit("clamd@scan.service")
	conf, _, _ := strings.Cut(a.last("conf"), " ")
	databases := clamDatabases(a)
	p := a.installed(ClamAV, ConfidenceA, daemon || scan || conf != "" || len(databases) > 0 || a.has("clamscan") && a.has("freshclam"))
	if !p.Present.Value {
		return p
	}
	p.Kind = Known("scanner")
	if a.has("clamd") {
		p.Kind = Known("daemon")
	}
	expected, optional := []string{"clamd"}, []string{"clamonacc", "freshclam"}
	if _, update := a.unit("clamav-freshclam.service"); update {
		// Without its unit freshclam may be cron's, and then runs for seconds only.
		expected, optional = []string{"clamd", "freshclam"}, []string{"clamonacc"}
	}
	ds := a.daemons()
	p.Running, p.Why = d.running(ds, expected, optional, nil, "")
	p.Version = a.clamVersion()
	p.Definition = a.clamDefinition(databases)
	p.LastScan = Unknown[time.Time](WhyNoSource)
	p.CheckedIn = a.updated(local)
	p.Config = a.clamConfig(conf, databases, boot || socket || scan)
	p.Protection = clamProtection(p, len(ds.up["clamonacc"]) > 0)
	return p
}

// clamVersion is of "ClamAV 1.4.6/27500/Sun Nov 22 08:27:02 2026".
func (a *agent) clamVersion() Fact[string] {
	text, ok := strings.CutPrefix(a.last("version"), "ClamAV ")
	if !ok {
		return Unknown[string](a.whyNot("version"))
	}
	version, _, _ := strings.Cut(text, "/")
	return known(version, WhyParse)
}

// clamDatabase is the head of one database file: "ClamAV-VDB:22 Nov 2026 04-27 -0400:27500:2080000:90".
type clamDatabase struct {
	file    string
	version int
	date    Fact[time.Time]
}

// clamDatabases pairs the files with their heads, which follow in their order. A file that cannot be
// read has none.
func clamDatabases(a *agent) []clamDatabase {
	var out []clamDatabase
	next := 0
	var heads []string
	for _, piece := range a.pieces {
		if strings.HasPrefix(piece, "ClamAV-VDB:") {
			heads = append(heads, piece)
		}
	}
	for _, line := range a.lines["db"] {
		state, file, _ := strings.Cut(line, " ")
		db := clamDatabase{file: path.Base(file), date: Unknown[time.Time](WhyParse)}
		if state != "ok" {
			db.date = Unknown[time.Time](code(state))
		} else if len(heads) == countOK(a.lines["db"]) {
			db.version, db.date = clamHead(heads[next])
			next++
		}
		out = append(out, db)
	}
	return out
}

func countOK(all []string) (n int) {
	for _, line := range all {
		if strings.HasPrefix(line, "ok ") {
			n++
		}
	}
	return n
}

func clamHead(head string) (int, Fact[time.Time]) {
	f := strings.Split(head, ":")
	if len(f) < 3 {
		return 0, Unknown[time.Time](WhyParse)
	}
	version, err := strconv.Atoi(f[2])
	at, timeErr := time.Parse("02 Jan 2006 15-04 -0700", strings.TrimSpace(f[1]))
	if err != nil || timeErr != nil || at.Unix() <= 0 || at.Unix() > maxUnix {
		return 0, Unknown[time.Time](WhyParse)
	}
	return version, Known(at.UTC())
}

// clamDefinition is the daily database's: the newest of its files, as ClamAV itself takes the higher one.
func (a *agent) clamDefinition(all []clamDatabase) Definition {
	best := clamDatabase{date: Unknown[time.Time]("no_database")}
	if state, _, _ := strings.Cut(a.last("dir"), " "); state != "ok" && state != WhyAbsent {
		best.date = Unknown[time.Time](code(state))
	}
	for _, db := range all {
		if strings.HasPrefix(db.file, "daily.") && (!best.date.Known || db.version > best.version) {
			best = db
		}
	}
	if !best.date.Known {
		return Definition{Version: Unknown[string](best.date.Why), Date: best.date}
	}
	return Definition{Version: Known(strconv.Itoa(best.version)), Date: best.date}
}

// updated is when freshclam last said that its definitions are the newest. Its own file freshclam.dat is
// no witness: it appears at a start at which every download failed.
func (a *agent) updated(local *time.Location) Fact[time.Time] {
	stamp, _, ok := strings.Cut(a.last("log"), " -> ")
	if !ok {
		if rc := a.last("log.rc"); rc != "0" && strings.Trim(rc, "0123456789") != "" {
			return Unknown[time.Time](code(rc))
		}
		return Unknown[time.Time](a.whyNot("log"))
	}
	return localTime(stamp, "Mon Jan _2 15:04:05 2006", local)
}

func (a *agent) clamConfig(state string, databases []clamDatabase, boot bool) Config {
	if state != "" && state != "ok" {
		return Config{Health: Unknown[string](code(state))}
	}
	var issues []string
	if _, example := a.settings()["Example"]; example {
		issues = append(issues, "not_configured")
	}
	if len(databases) == 0 && a.last("dir") != "" && strings.HasPrefix(a.last("dir"), "ok ") {
		issues = append(issues, "no_database")
	}
	if a.has("clamd") && a.masked("clamav-daemon.service") {
		issues = append(issues, "unit_masked")
	} else if there, _ := a.unit("clamav-daemon.service"); there && !boot {
		issues = append(issues, "not_at_boot")
	}
	return health(issues...)
}

// clamProtection: only clamonacc, which asks clamd about each file that is opened, protects; clamd alone
// scans what it is given.
func clamProtection(p Product, onAccess bool) Protection {
	switch state := p.Running.State; {
	case !state.Known:
		return Protection{State: Unknown[string](state.Why), Reason: state.Why}
	case state.Value == "stopped":
		return Protection{State: Known("off"), Reason: "stopped"}
	case !onAccess:
		return Protection{State: Known("reduced"), Reason: "on_demand_only"}
	case state.Value != "running":
		return Protection{State: Known("reduced"), Reason: "partial"}
	case !p.Definition.Date.Known && p.Definition.Date.Why == "no_database":
		return Protection{State: Known("reduced"), Reason: "no_database"}
	}
	return Protection{State: Known("protecting")}
}
