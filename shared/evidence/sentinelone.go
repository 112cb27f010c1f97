package evidence

import (
	"regexp"
	"strings"
	"time"
)

// parseSentinelOne reads the SentinelOne agent: sentinelctl, in the form of output that others published.
// What its processes' programs are called is not known for certain: any but sentinelctl below its folder
// counts.
func parseSentinelOne(d *document) Product {
	a, instead := d.agent("sentinelone", SentinelOne)
	if a == nil {
		return *instead
	}
	unit, boot := a.unit("sentinelone.service")
	p := a.installed(SentinelOne, ConfidenceC, unit || a.last("cli") == "ok" || a.last("cli") == WhyNotRoot)
	if !p.Present.Value {
		return p
	}
	dir := a.last("dir")
	p.Kind, p.Dir = Known("agent"), known(dir, WhyParse)
	ds := d.daemonsIn(dir, func(name string) string {
		if name == "sentinelctl" {
			return name
		}
		return sentinelProcess
	})
	ds.named = nil // that name is ours
	p.Running, p.Why = d.running(ds, []string{sentinelProcess}, nil, nil, "")
	said := a.sentinel()
	p.Version = a.sentinelFact(said, "Agent version", "version")
	p.Definition = noDefinitions()
	p.CheckedIn = Unknown[time.Time](WhyNoSource)
	p.Protection = a.sentinelProtection(said, p.Running)
	p.Config = Config{Health: Unknown[string](a.whyNot("management"))}
	if connectivity := said["Connectivity"]; connectivity != "" {
		var issues []string
		if !strings.EqualFold(connectivity, "On") {
			issues = append(issues, "not_connected")
		}
		if strings.EqualFold(said["Anti Tamper"], "Off") {
			issues = append(issues, "no_tamper_protection")
		}
		if unit && !boot {
			issues = append(issues, "not_at_boot")
		}
		p.Config = health(issues...)
	}
	return p
}

const sentinelProcess = "sentinelone"

var sentinelLine = regexp.MustCompile(`^\s*([A-Za-z ]+?)(?:\s*: |\s{2,})\s*(\S.*)$`)

// sentinel reads lines of "Agent version: 30.1.1.10" and of "Agent state      Enabled".
func (a *agent) sentinel() map[string]string {
	out := map[string]string{}
	for _, line := range a.lines["answer"] {
		if f := sentinelLine.FindStringSubmatch(line); f != nil {
			out[f[1]] = clean(strings.TrimSpace(f[2]))
		}
	}
	return out
}

func (a *agent) sentinelFact(said map[string]string, name, command string) Fact[string] {
	if v := said[name]; v != "" && a.answered(command) {
		return Known(v)
	}
	return Unknown[string](a.whyNot(command))
}

func (a *agent) sentinelProtection(said map[string]string, r Running) Protection {
	state := a.sentinelFact(said, "Agent state", "control")
	switch {
	case !r.State.Known:
		return Protection{State: Unknown[string](r.State.Why), Reason: r.State.Why}
	case r.State.Value == "stopped":
		return Protection{State: Known("off"), Reason: "stopped"}
	case !state.Known:
		return Protection{State: Unknown[string](state.Why), Reason: state.Why}
	case strings.EqualFold(state.Value, "Enabled"):
		return Protection{State: Known("protecting")}
	case strings.EqualFold(state.Value, "Disabled"):
		return Protection{State: Known("off"), Reason: "disabled"}
	default:
		return Protection{State: Unknown[string](WhyParse), Reason: WhyParse}
	}
}
