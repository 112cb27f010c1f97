package evidence

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseAuditd reads the Linux audit daemon: formats of its own source and of Debian's package. What the
// kernel says through auditctl -s wins over files.
func parseAuditd(d *document) Product {
	a, instead := d.agent("auditd", Auditd)
	if a == nil {
		return *instead
	}
	unit, boot := a.unit("auditd.service")
	conf, _, _ := strings.Cut(a.last("conf"), " ")
	p := a.installed(Auditd, ConfidenceA, unit || conf != "" && conf != WhyAbsent)
	if !p.Present.Value {
		return p
	}
	p.Kind = Known("daemon")
	ds := a.daemons()
	p.Running, p.Why = d.running(ds, []string{"auditd"}, nil, nil, "")
	p.Version = known(strings.TrimPrefix(a.last("version"), "auditctl version "), a.whyNot("version"))
	p.Definition = noDefinitions()
	p.CheckedIn = a.auditLog()
	p.Protection = a.auditProtection(p.Running)
	p.Config = a.auditConfig(conf, boot)
	if lost, err := strconv.Atoi(a.audit()["lost"]); err == nil && lost > 0 {
		p.Why = append(p.Why, "events_lost")
	}
	return p
}

// audit is what auditctl -s says: "enabled 1", "pid 712", "lost 0".
func (a *agent) audit() map[string]string {
	out := map[string]string{}
	for _, line := range a.lines["status"] {
		k, v, _ := strings.Cut(line, " ")
		out[k] = v
	}
	return out
}

const auditLogFile = "/var/log/audit/audit.log"

// auditLog is when the daemon's log was last written. A log elsewhere is not looked for.
func (a *agent) auditLog() Fact[time.Time] {
	if file := a.settings()["log_file"]; file != "" && file != auditLogFile {
		return Unknown[time.Time]("log_elsewhere")
	}
	at := a.written(auditLogFile)
	if !at.Known && at.Why == WhyAbsent && a.d.UID != 0 {
		return Unknown[time.Time](WhyNotRoot)
	}
	return at
}

// auditProtection: the daemon runs, is the one that the kernel hands events to, and there are rules.
func (a *agent) auditProtection(r Running) Protection {
	kernel := a.audit()
	rules, err := strconv.Atoi(a.last("rules"))
	counted := err == nil && a.answered("rules")
	out := Protection{Modules: auditModules(kernel, rules, counted)}
	unknown := func(why string) Protection { out.State, out.Reason = Unknown[string](why), why; return out }
	known := func(state, why string) Protection { out.State, out.Reason = Known(state), why; return out }
	pid, err := strconv.Atoi(kernel["pid"])
	switch {
	case !r.State.Known:
		return unknown(r.State.Why)
	case r.State.Value == "stopped":
		return known("off", "stopped")
	case !a.answered("status") || kernel["enabled"] == "" || err != nil:
		return unknown(a.whyNot("status"))
	case kernel["enabled"] == "0":
		return known("off", "auditing_off")
	case pid == 0:
		return known("off", "not_attached")
	case !slices.Contains(r.PIDs, pid):
		// The kernel hands its events to another process than the daemon that runs.
		return unknown("contradictory")
	case !counted:
		return unknown(a.whyNot("rules"))
	case rules == 0:
		return known("reduced", "no_rules")
	default:
		return known("protecting", "")
	}
}

// auditModules shows the kernel's side: on, off, or locked until the next boot; and how many rules.
func auditModules(kernel map[string]string, rules int, counted bool) []Module {
	var out []Module
	if mode, ok := map[string]string{"0": "off", "1": "on", "2": "locked"}[kernel["enabled"]]; ok {
		out = append(out, Module{Name: "kernel", Mode: Known(mode), OK: Known(mode != "off")})
	}
	if counted {
		out = append(out, Module{Name: "rules", Mode: Known(strconv.Itoa(rules)), OK: Known(rules > 0)})
	}
	return out
}

func (a *agent) auditConfig(state string, boot bool) Config {
	if state != "ok" {
		return Config{Health: Unknown[string](code(state))}
	}
	var issues []string
	if a.settings()["write_logs"] == "no" {
		issues = append(issues, "logs_not_written")
	}
	if a.masked("auditd.service") {
		issues = append(issues, "unit_masked")
	} else if there, _ := a.unit("auditd.service"); there && !boot {
		issues = append(issues, "not_at_boot")
	}
	return health(issues...)
}
