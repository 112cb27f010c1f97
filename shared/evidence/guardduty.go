package evidence

import (
	"strings"
	"time"
)

// parseGuardDuty reads the agent of GuardDuty's runtime monitoring: its package and its unit, which AWS
// names. It says nothing of itself on the machine: whether its events arrive, GuardDuty knows.
func parseGuardDuty(d *document) Product {
	a, instead := d.agent("guardduty", GuardDuty)
	if a == nil {
		return *instead
	}
	const unitName, packageName = "amazon-guardduty-agent.service", "amazon-guardduty-agent"
	unit, boot := a.unit(unitName)
	masked := a.masked(unitName)
	state, version := a.packaged(packageName)
	switch {
	case !unit && !masked && state == WhyAbsent:
		p := notInstalled(GuardDuty)
		if len(a.lines["left"]) > 0 {
			p.Why = append(p.Why, "residue")
		}
		return p
	case !unit && !masked && state != "installed":
		if state == "config-files" || state == "not-installed" {
			p := notInstalled(GuardDuty)
			p.Why = append(p.Why, "residue")
			return p
		}
		return unknownProduct(GuardDuty, code(state))
	}
	p := unknownProduct(GuardDuty, WhyNoSource)
	p.Present, p.Why, p.Confidence, p.Kind = Known(true), nil, ConfidenceC, Known("agent")
	p.Sources = []string{"guardduty"}
	p.Version = known(version, code(state))
	p.Running = a.unitRunning(unitName, "amazon-guardduty-agent")
	p.Definition = noDefinitions()
	p.LastScan, p.CheckedIn = Unknown[time.Time](WhyNotApplicable), Unknown[time.Time](WhyNoSource)
	p.Config = health()
	switch {
	case masked:
		p.Config = health("unit_masked")
	case !boot:
		p.Config = health("not_at_boot")
	}
	return p
}

// packaged is what the package manager says of a package: installed with its version, absent, or why it
// is not known.
func (a *agent) packaged(name string) (state, version string) {
	for _, line := range a.lines["package"] {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != name || state == "installed" {
			continue // of several architectures one that is installed counts
		}
		if state, version = f[1], ""; len(f) > 2 {
			version = f[2]
		}
	}
	if state == "" {
		state = WhyMissing
	}
	return state, version
}

// unitRunning is whether systemd has a process in the unit. Only root can put one there.
func (a *agent) unitRunning(unit, name string) Running {
	r := Running{Expected: []string{name}}
	for _, line := range a.lines["procs"] {
		who, pids, _ := strings.Cut(line, " ")
		switch {
		case who != unit:
		case pids == "no_systemd":
			r.State = Unknown[string]("no_systemd")
			return r
		case strings.TrimSpace(pids) == "":
			r.State, r.Missing = Known("stopped"), r.Expected
			return r
		default:
			r.State, r.Up = Known("running"), r.Expected
			r.PIDs = numbers(pids)
			return r
		}
	}
	r.State = Unknown[string](WhyMissing)
	return r
}
