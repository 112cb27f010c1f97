package evidence

import (
	"strings"
	"time"
)

// parseServerProtect reads ServerProtect for Linux 3.0. Without its kernel module there is no
// real-time scan, whatever runs: the vendor's own notes on the module.
func parseServerProtect(d *document, local *time.Location) Product {
	if !d.wants("serverprotect") {
		return unknownProduct(ServerProtect, WhyNotCollected)
	}
	if why := d.why("splx"); why != "" {
		return unknownProduct(ServerProtect, why)
	}
	facts := words(d.text("splx"))
	conf := attributes(d.text("splx.conf"))
	state, dir := folder(facts)
	switch state {
	case "ok":
	case WhyAbsent:
		return notInstalled(ServerProtect)
	default:
		return unknownProduct(ServerProtect, d.hidden())
	}
	confWhy := d.why("splx.conf")
	if !strings.Contains(" "+facts["bin"]+" ", " vsapiapp ") || confWhy == WhyAbsent || confWhy == WhyMissing {
		p := notInstalled(ServerProtect)
		p.Why = append(p.Why, "residue")
		return p
	}
	p := unknownProduct(ServerProtect, WhyNoSource)
	p.Present, p.Why, p.Dir = Known(true), nil, known(dir, WhyParse)
	p.Kind, p.Confidence = Known("server"), ConfidenceB
	p.Sources = []string{"splx", "exe", "mod"}
	ds := d.daemonsIn(dir, sameName)
	p.Running, p.Why = d.running(ds, []string{"vsapiapp"}, []string{"entity", "splxhttpd"}, nil, "")
	if confWhy == "" {
		confWhy = WhyNoSource
	}
	p.Version = known(conf["ProductVersion"], confWhy)
	p.Definition.Version = known(conf["PatternVersion"], confWhy)
	p.Definition.Date = patternTime(d.text("splx.time"))
	scan := assignments(d.text("splx.scan"))
	if !p.Version.Known {
		p.Version = known(scan["PRODUCT_VERSION"], confWhy)
	}
	p.LastScan = localTime(scan["end_time"], ossecStamp, local)
	switch realtime, set := conf["RealtimeScan"]; {
	case !set:
		p.Config = Config{Health: Unknown[string](confWhy)}
	case realtime == "0":
		p.Config = health("realtime_off")
	default:
		p.Config = health()
	}
	p.Protection = splxProtection(d, p.Running, conf, confWhy)
	return p
}

// attributes reads pieces like <P Name="EngineVersion" Value="12.000.1008".
func attributes(text string) map[string]string {
	out := map[string]string{}
	for line := range lines(text) {
		f := strings.Split(line, `"`)
		if len(f) >= 4 {
			out[f[1]] = clean(f[3])
		}
	}
	return out
}

// patternTime is when the newest pattern file was written: the pattern itself has no date.
func patternTime(text string) Fact[time.Time] {
	newest := Unknown[time.Time](WhyNoSource)
	for line := range lines(text) {
		secs, name, _ := strings.Cut(line, " ")
		if strings.Contains(name, "lpt$vpn.") {
			newest = later(newest, unixTime(secs))
		}
	}
	return newest
}

func splxProtection(d *document, r Running, conf map[string]string, confWhy string) Protection {
	module := false
	for line := range lines(d.text("mod")) {
		name, state, _ := strings.Cut(line, " ")
		module = module || (name == "splxmod" && state == "Live")
	}
	realtime, set := conf["RealtimeScan"]
	switch {
	case !r.State.Known:
		return Protection{State: Unknown[string](r.State.Why), Reason: r.State.Why}
	case r.State.Value == "stopped":
		return Protection{State: Known("off"), Reason: "stopped"}
	case set && realtime == "0":
		return Protection{State: Known("off"), Reason: "realtime_off"}
	case d.why("mod") == "" && !module:
		return Protection{State: Known("off"), Reason: "no_kernel_module"}
	case d.why("mod") != "":
		return Protection{State: Unknown[string](d.why("mod")), Reason: d.why("mod")}
	case !set:
		return Protection{State: Unknown[string](confWhy), Reason: confWhy}
	default:
		return Protection{State: Known("protecting")}
	}
}
