package evidence

import (
	"path"
	"strings"
	"time"
)

// parseAIDE reads AIDE, which has no process of its own: a check is run by a timer or by cron. What counts
// as its definitions is the database that files are compared with.
func parseAIDE(d *document) Product {
	a, instead := d.agent("aide", AIDE)
	if a == nil {
		return *instead
	}
	conf, _, _ := strings.Cut(a.last("conf"), " ")
	p := a.installed(AIDE, ConfidenceA, conf != "" && conf != WhyAbsent || a.last("dir") == "ok")
	if !p.Present.Value {
		return p
	}
	p.Kind, p.Sources = Known("scanner"), []string{"aide"}
	p.Running = Running{State: Unknown[string](WhyNotApplicable)}
	p.Version = a.aideVersion()
	p.Definition = Definition{Version: Unknown[string](WhyNotApplicable), Date: a.aideDatabase(conf)}
	p.LastScan = a.aideTime("/var/log/aide/aide.log")
	p.CheckedIn = Unknown[time.Time](WhyNotApplicable)
	scheduled := a.aideScheduled()
	p.Protection = aideProtection(p.Definition.Date, scheduled)
	p.Config = a.aideConfig(conf, p.Definition.Date, scheduled)
	return p
}

// aideVersion is of "Aide 0.16" or "AIDE 0.18.3".
func (a *agent) aideVersion() Fact[string] {
	name, version, _ := strings.Cut(a.last("version"), " ")
	if !strings.EqualFold(name, "aide") {
		return Unknown[string](a.whyNot("version"))
	}
	return known(version, WhyParse)
}

// aideTime is when a file of AIDE's was last written. An ordinary user does not see it.
func (a *agent) aideTime(file string) Fact[time.Time] {
	at := a.written(file)
	if !at.Known && at.Why == WhyAbsent && a.d.UID != 0 {
		return Unknown[time.Time](WhyNotRoot)
	}
	return at
}

// aideDatabase is when the database in use was written. A new one beside it is made, but not in use until
// somebody moves it there.
func (a *agent) aideDatabase(conf string) Fact[time.Time] {
	if conf != "ok" {
		return Unknown[time.Time](code(conf))
	}
	file, ok := a.aideFile()
	if !ok {
		return Unknown[time.Time]("database_elsewhere")
	}
	at := a.aideTime(file)
	if !at.Known && at.Why == WhyAbsent {
		return Unknown[time.Time]("no_database")
	}
	return at
}

// aideFile is the database that the settings name: "database_in=file:/var/lib/aide/aide.db", before 0.17
// "database=", with @@{DBDIR} for a folder that @@define names.
func (a *agent) aideFile() (string, bool) {
	dir, file := "", ""
	for _, piece := range a.pieces {
		f := strings.Fields(piece)
		if len(f) == 3 && f[0] == "@@define" && f[1] == "DBDIR" {
			dir = f[2]
		}
		if k, v, ok := strings.Cut(piece, "="); ok && strings.HasPrefix(k, "database") {
			file = strings.TrimSpace(v)
		}
	}
	file = strings.NewReplacer("@@{DBDIR}", dir).Replace(strings.TrimPrefix(file, "file:"))
	return file, path.Dir(file) == "/var/lib/aide"
}

// aideScheduled is whether a timer starts by itself, or cron has AIDE's script.
func (a *agent) aideScheduled() bool {
	if len(a.lines["cron"]) > 0 {
		return true
	}
	for _, name := range a.lines["boot"] {
		if there, boot := a.unit(name); there && boot && strings.HasSuffix(name, ".timer") {
			return true
		}
	}
	return false
}

func aideProtection(database Fact[time.Time], scheduled bool) Protection {
	switch {
	case !database.Known && database.Why == "no_database":
		return Protection{State: Known("off"), Reason: "no_database"}
	case !database.Known:
		return Protection{State: Unknown[string](database.Why), Reason: database.Why}
	case !scheduled:
		// A crontab of somebody's own may run it: that cannot be told from none.
		return Protection{State: Unknown[string]("no_schedule_found"), Reason: "no_schedule_found"}
	default:
		return Protection{State: Known("protecting")}
	}
}

func (a *agent) aideConfig(state string, database Fact[time.Time], scheduled bool) Config {
	if state != "ok" {
		return Config{Health: Unknown[string](code(state))}
	}
	var issues []string
	if !database.Known && database.Why == "no_database" {
		issues = append(issues, "no_database")
		if a.written("/var/lib/aide/aide.db.new").Known || a.written("/var/lib/aide/aide.db.new.gz").Known {
			issues = append(issues, "database_not_activated")
		}
	}
	if !scheduled {
		issues = append(issues, "no_schedule_found")
	}
	return health(issues...)
}
