package evidence

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseDefender reads Microsoft Defender for Endpoint on Linux: mdatp health --output json, whose keys are
// those of real output that others published; the maker publishes none.
func parseDefender(d *document) Product {
	a, instead := d.agent("mdatp", Defender)
	if a == nil {
		return *instead
	}
	unit, boot := a.unit("mdatp.service")
	p := a.installed(Defender, ConfidenceB, unit || a.last("cli") == "ok" || a.last("cli") == WhyNotRoot || a.last("cli") == WhyUnsafePath)
	if !p.Present.Value {
		return p
	}
	dir := a.last("dir")
	p.Kind, p.Dir = Known("agent"), known(dir, WhyParse)
	ds := d.daemonsIn(dir, sameName)
	p.Running, p.Why = d.running(ds, []string{"wdavdaemon"}, nil, nil, "")
	h := a.mdatp()
	p.Version = h.text(a, "appVersion")
	p.Definition = Definition{Version: h.text(a, "definitionsVersion"), Date: h.millis(a, "definitionsUpdated")}
	p.LastScan, p.CheckedIn = Unknown[time.Time](WhyNoSource), Unknown[time.Time](WhyNoSource)
	p.Protection = h.protection(a, p.Running)
	p.Config = h.config(a, boot || !unit, d.End)
	return p
}

// mdatp is what mdatp health says: each key's JSON as it stood there.
type mdatp map[string]json.RawMessage

func (a *agent) mdatp() mdatp {
	out := mdatp{}
	if !a.answered("health") {
		return out
	}
	for _, line := range a.lines["health"] {
		var one map[string]json.RawMessage
		if json.Unmarshal([]byte("{"+line+"}"), &one) != nil {
			continue
		}
		for k, v := range one {
			if _, twice := out[k]; !twice {
				out[k] = v
			}
		}
	}
	return out
}

func (h mdatp) text(a *agent, key string) Fact[string] {
	var s string
	if h[key] == nil {
		return Unknown[string](a.whyNot("health"))
	}
	if json.Unmarshal(h[key], &s) != nil {
		return Unknown[string](WhyParse)
	}
	return known(s, WhyNoSource)
}

// millis reads a time, which is milliseconds since 1970 as a text.
func (h mdatp) millis(a *agent, key string) Fact[time.Time] {
	s := h.text(a, key)
	if !s.Known {
		return Unknown[time.Time](s.Why)
	}
	n, err := strconv.ParseInt(s.Value, 10, 64)
	if err != nil {
		return Unknown[time.Time](WhyParse)
	}
	return unixTime(strconv.FormatInt(n/1000, 10))
}

// flag reads true or false, or a setting {"value": true, …}.
func (h mdatp) flag(a *agent, key string) Fact[bool] {
	var b bool
	var setting struct{ Value *bool }
	switch {
	case h[key] == nil:
		return Unknown[bool](a.whyNot("health"))
	case json.Unmarshal(h[key], &b) == nil:
		return Known(b)
	case json.Unmarshal(h[key], &setting) == nil && setting.Value != nil:
		return Known(*setting.Value)
	}
	return Unknown[bool](WhyParse)
}

// protection asks for real-time protection: healthy was seen to be true while that was off.
func (h mdatp) protection(a *agent, r Running) Protection {
	realtime, passive, licensed := h.flag(a, "realTimeProtectionEnabled"), h.flag(a, "passiveModeEnabled"), h.flag(a, "licensed")
	var out Protection
	if realtime.Known {
		mode := map[bool]string{true: "on", false: "off"}[realtime.Value]
		out.Modules = append(out.Modules, Module{Name: "realtime", Mode: Known(mode), OK: realtime})
	}
	state, reason := "protecting", ""
	switch {
	case !r.State.Known:
		out.State, out.Reason = Unknown[string](r.State.Why), r.State.Why
		return out
	case r.State.Value == "stopped":
		state, reason = "off", "stopped"
	case !realtime.Known:
		out.State, out.Reason = Unknown[string](realtime.Why), realtime.Why
		return out
	case !realtime.Value && passive.Or(false):
		state, reason = "reduced", "passive_mode"
	case !realtime.Value:
		state, reason = "off", "no_realtime"
	case licensed.Known && !licensed.Value:
		state, reason = "reduced", "not_licensed"
	}
	out.State, out.Reason = Known(state), reason
	return out
}

func (h mdatp) config(a *agent, boot bool, now int64) Config {
	if len(h) == 0 {
		why := a.whyNot("health")
		return Config{Health: Unknown[string](why)}
	}
	var issues []string
	var said []string
	if json.Unmarshal(h["healthIssues"], &said) == nil {
		for _, s := range said[:min(len(said), 8)] {
			issues = append(issues, code(strings.ReplaceAll(strings.ToLower(s), " ", "_")))
		}
	}
	if healthy := h.flag(a, "healthy"); healthy.Known && !healthy.Value && len(issues) == 0 {
		issues = append(issues, "not_healthy")
	}
	if end := h.millis(a, "productExpiration"); end.Known && end.Value.Unix() < now {
		issues = append(issues, "product_expired")
	}
	if !boot {
		issues = append(issues, "not_at_boot")
	}
	slices.Sort(issues)
	return health(slices.Compact(issues)...)
}
