package evidence

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dsa is what dsa_query of a Deep Security agent says. The vendor publishes the commands but no
// schema; the keys are those of live captures.
type dsa struct {
	d      *document
	dir    string
	facts  map[string]string
	status map[string]string // agentState, dsmUrl, …
	parts  map[string]string // AM.mode, IM.rules, …
}

func parseDeepSecurity(d *document) Product {
	if !d.wants("deepsecurity") {
		return unknownProduct(DeepSecurity, WhyNotCollected)
	}
	if why := d.why("dsa"); why != "" {
		return unknownProduct(DeepSecurity, why)
	}
	a := newDSA(d)
	state, dir := folder(a.facts)
	a.dir = dir
	switch state {
	case "ok":
	case WhyAbsent:
		return notInstalled(DeepSecurity)
	default:
		return unknownProduct(DeepSecurity, d.hidden())
	}
	ds := d.daemonsIn(a.dir, sameName)
	if a.facts["bin"] != "ds_agent" || a.facts["query"] == WhyAbsent && len(ds.up) == 0 && !ds.deleted {
		p := notInstalled(DeepSecurity)
		p.Why = append(p.Why, "residue")
		return p
	}
	return a.product(ds)
}

func newDSA(d *document) dsa {
	a := dsa{
		d: d, facts: words(d.text("dsa")),
		status: answers(d.text("dsa.status"), "AgentStatus."),
		parts:  answers(d.text("dsa.component"), "Component."),
	}
	if why := d.why("dsa.component"); why == WhyCut || why == WhyTimeout {
		// Half of the modules would look like modules that are off.
		a.parts = nil
	}
	return a
}

// answers reads lines of "PREFIX.key: value". GetAgentStatus begins with an index whose keys are
// numbers and whose values are the names of keys: those are not answers.
func answers(text, prefix string) map[string]string {
	out := map[string]string{}
	for line := range lines(text) {
		k, v, ok := strings.Cut(line, ": ")
		k, is := strings.CutPrefix(k, prefix)
		if ok && is && k != "" && strings.Trim(k, "0123456789") != "" {
			out[k] = clean(strings.TrimSpace(v))
		}
	}
	return out
}

func (a *dsa) product(ds daemons) Product {
	p := unknownProduct(DeepSecurity, WhyNoSource)
	p.Present, p.Why, p.Dir = Known(true), nil, known(a.dir, WhyParse)
	p.Kind, p.Confidence = Known("agent"), ConfidenceB
	p.Sources = []string{"dsa", "exe"}
	expected := []string{"ds_agent"}
	if a.parts["AM.mode"] == "on" {
		expected = append(expected, "ds_am")
	}
	p.Running, p.Why = a.d.running(ds, expected, []string{"ds_am"}, nil, "")
	slices.Sort(p.Running.Up)
	p.Running.Up = slices.Compact(p.Running.Up)
	a.answered(&p)
	return p
}

// answered fills in what dsa_query said, once it is known what runs.
func (a *dsa) answered(p *Product) {
	for _, name := range []string{"dsa.status", "dsa.component", "dsa.plugin", "mod"} {
		if a.d.index[name] != nil {
			p.Sources = append(p.Sources, name)
		}
	}
	p.Version = a.version()
	p.Definition.Version = a.pattern()
	p.CheckedIn = a.unless(unixTime(a.status["lastAgentToManagerSession"]))
	p.Variant = a.variant()
	p.Protection = a.protection(p.Running)
	if n, err := strconv.ParseInt(a.parts["AM.licenseExpiry"], 10, 64); err == nil && n > 0 && n < a.d.End {
		p.Why = append(p.Why, "license_expired")
	}
	p.Config = a.config(slices.Contains(p.Why, "license_expired"))
}

// config is whether its settings let it work, as far as the agent says them.
func (a *dsa) config(expired bool) Config {
	if len(a.parts) == 0 || len(a.status) == 0 {
		return Config{Health: Unknown[string](a.whyNot())}
	}
	var issues []string
	if a.variant().Value == "not_activated" {
		issues = append(issues, "not_activated")
	}
	if a.parts["AM.mode"] != "on" {
		issues = append(issues, "anti_malware_off")
	}
	if expired {
		issues = append(issues, "license_expired")
	}
	return health(issues...)
}

// whyNot is why dsa_query gave nothing: not asked, or it refused.
func (a *dsa) whyNot() string {
	if q := a.facts["query"]; q != "ok" {
		return code(q)
	}
	if why := a.d.why("dsa.component"); why != "" && why != WhyFailed {
		return why
	}
	return "cli_denied"
}

func (a *dsa) unless(f Fact[time.Time]) Fact[time.Time] {
	if !f.Known && len(a.status) == 0 {
		return Unknown[time.Time](a.whyNot())
	}
	return f
}

// version is core's "20.0.1-7380" as the package writes it, 20.0.1.7380.
func (a *dsa) version() Fact[string] {
	core := answers(a.d.text("dsa.plugin"), "PluginVersion.")["core"]
	if core == "" {
		return Unknown[string](a.whyNot())
	}
	return known(strings.Replace(core, "-", ".", 1), WhyParse)
}

// variant tells the managers apart by the host that the agent reports to.
func (a *dsa) variant() Fact[string] {
	u, err := url.Parse(a.status["dsmUrl"])
	switch {
	case len(a.status) == 0:
		return Unknown[string](a.whyNot())
	case err != nil || u.Hostname() == "":
		return Known("not_activated")
	case strings.HasSuffix(u.Hostname(), ".cloudone.trendmicro.com"):
		return Known("workload_security")
	default:
		return Known("deep_security_manager")
	}
}

// pattern is the version of the pattern that protects: by name, since the numbers move from host to
// host. No date is ever exposed.
func (a *dsa) pattern() Fact[string] {
	if len(a.parts) == 0 {
		return Unknown[string](a.whyNot())
	}
	for _, want := range []string{"Smart Scan Agent Pattern", "Virus Pattern"} {
		for _, k := range slices.Sorted(maps.Keys(a.parts)) {
			n, is := strings.CutSuffix(k, ".name")
			if is && strings.HasPrefix(k, "AM.version.pattern.") && a.parts[k] == want && a.parts[n+".version"] != "" {
				return Known(a.parts[n+".version"])
			}
		}
	}
	return known(a.parts["AM.version.pattern.VSAPI"], WhyNoSource)
}

// protection asks the modules, not agentState: green was captured while the engine had basic
// functions only.
func (a *dsa) protection(r Running) Protection {
	out := Protection{Modules: a.modules()}
	activated := a.variant()
	state, reason := "protecting", ""
	switch {
	case r.State.Known && r.State.Value == "stopped":
		state, reason = "off", "stopped"
	case len(a.parts) == 0 || len(a.status) == 0:
		out.State, out.Reason = Unknown[string](a.whyNot()), a.whyNot()
		return out
	case !r.State.Known:
		out.State, out.Reason = Unknown[string](r.State.Why), r.State.Why
		return out
	case activated.Value == "not_activated":
		state, reason = "off", "not_activated"
	case !slices.ContainsFunc(out.Modules, func(m Module) bool { return m.OK.Value }):
		state, reason = "off", "no_module_on"
	case r.State.Value != "running":
		state, reason = "reduced", "partial"
	case a.parts["AM.mode"] != "on":
		state, reason = "reduced", "anti_malware_off"
	case a.parts["AM.driverOffline"] == "true":
		state, reason = "reduced", "driver_offline"
	case a.parts["AM.cap.realtime"] == "false":
		state, reason = "reduced", "no_realtime"
	}
	out.State, out.Reason = Known(state), reason
	return out
}

func (a *dsa) modules() []Module {
	var out []Module
	for _, name := range []string{"AM", "FWDPI", "IM", "LI", "WRS", "AC", "SAP"} {
		mode := a.parts[name+".mode"]
		if mode == "" {
			continue
		}
		ok := mode == "on" || mode == "real-time" || strings.HasPrefix(mode, "on-")
		if name == "AM" && a.parts["AM.driverOffline"] == "true" {
			ok = false
		}
		out = append(out, Module{Name: name, Mode: Known(mode), OK: Known(ok)})
	}
	return out
}
