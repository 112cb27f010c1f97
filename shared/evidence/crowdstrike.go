package evidence

import (
	"strings"
	"time"
)

// parseCrowdStrike reads the Falcon sensor: falconctl, asked for one option at a time, since its output
// has no fixed form. Which programs run is general knowledge.
func parseCrowdStrike(d *document) Product {
	a, instead := d.agent("crowdstrike", CrowdStrike)
	if a == nil {
		return *instead
	}
	unit, boot := a.unit("falcon-sensor.service")
	p := a.installed(CrowdStrike, ConfidenceB, unit || a.has("falcond") && a.has("falconctl"))
	if !p.Present.Value {
		return p
	}
	dir := a.last("dir")
	p.Kind, p.Dir = Known("agent"), known(dir, WhyParse)
	ds := d.daemonsIn(dir, falconName)
	p.Running, p.Why = d.running(ds, []string{"falcon-sensor"}, []string{"falcond"}, nil, "")
	answers := a.falcon()
	p.Version = a.falconFact(answers, "version")
	p.Definition = noDefinitions()
	p.CheckedIn = Unknown[time.Time](WhyNoSource)
	p.Protection = a.falconProtection(answers, p.Running)
	var issues []string
	if answers["aid"] == notSet {
		issues = append(issues, "never_connected")
	}
	if unit && !boot {
		issues = append(issues, "not_at_boot")
	}
	p.Config = health(issues...)
	if aid := a.falconFact(answers, "aid"); !aid.Known && answers["aid"] != notSet {
		p.Config = Config{Health: Unknown[string](aid.Why)}
	}
	return p
}

// falconName takes the build off a program's name, as in falcon-sensor16108, and joins the sensor of the
// kernel's mode with that of user mode, falcon-sensor-bpf.
func falconName(s string) string {
	return strings.TrimSuffix(strings.TrimRight(s, "0123456789"), "-bpf")
}

const notSet = "not set"

// falcon reads answers such as `version = 7.20.0-17306.`, `rfm-state=false.` and `aid is not set.`.
func (a *agent) falcon() map[string]string {
	out := map[string]string{}
	for _, line := range a.lines["answer"] {
		line = strings.Trim(strings.TrimSpace(line), ".,")
		if name, ok := strings.CutSuffix(line, " is "+notSet); ok {
			out[strings.TrimSpace(name)] = notSet
		} else if k, v, ok := strings.Cut(line, "="); ok {
			out[strings.TrimSpace(k)] = clean(strings.Trim(strings.TrimSpace(v), `".,`))
		}
	}
	return out
}

func (a *agent) falconFact(answers map[string]string, name string) Fact[string] {
	if v := answers[name]; v != "" && v != notSet && a.answered(name) {
		return Known(v)
	}
	return Unknown[string](a.whyNot(name))
}

// falconProtection: a sensor in reduced functionality mode does not protect, nor one that never reached
// its cloud.
func (a *agent) falconProtection(answers map[string]string, r Running) Protection {
	reduced := a.falconFact(answers, "rfm-state")
	switch {
	case !r.State.Known:
		return Protection{State: Unknown[string](r.State.Why), Reason: r.State.Why}
	case r.State.Value == "stopped":
		return Protection{State: Known("off"), Reason: "stopped"}
	case answers["aid"] == notSet:
		return Protection{State: Known("off"), Reason: "never_connected"}
	case r.State.Value != "running":
		return Protection{State: Known("reduced"), Reason: "partial"}
	case reduced.Known && reduced.Value == "true":
		return Protection{State: Known("reduced"), Reason: "reduced_functionality"}
	case reduced.Known && reduced.Value == "false":
		return Protection{State: Known("protecting")}
	case reduced.Known:
		return Protection{State: Unknown[string](WhyParse), Reason: WhyParse}
	default:
		return Protection{State: Unknown[string](reduced.Why), Reason: reduced.Why}
	}
}
