package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// officeScan is what the registry says of Trend Micro's OfficeScan or Apex One agent, its spaces taken out of the
// names. The vendor documents the root and some values; the rest is what several public tools read.
type officeScan map[string]string

func parseOfficeScan(d *document, s services) Product {
	if !d.wants("officescan") {
		return unknownProduct(OfficeScan, WhyNotCollected)
	}
	for _, why := range []string{d.why("osce"), s.why} {
		if why != "" {
			return unknownProduct(OfficeScan, why)
		}
	}
	o := officeScan(words(d.text("osce")))
	state, dir := d.winDir(o)
	bins := strings.Fields(o["bin"])
	service := s.has("ntrtscan") || s.has("tmlisten")
	p := notInstalled(OfficeScan)
	switch {
	case o.worryFree():
		p.Why = append(p.Why, "worry_free")
		return p
	case state == WhyAbsent && dir == "" && !service:
		return p
	case state == WhyAbsent, state == "ok" && len(bins) == 0, state == "ok" && !service:
		// Keys and even services survive an uninstall; without its programs and its service it is not there.
		p.Why = append(p.Why, "residue")
		return p
	case state != "ok":
		return unknownProduct(OfficeScan, code(state))
	}
	return o.product(d, s, dir)
}

// worryFree says that the keys are those of the small business product that shares them.
func (o officeScan) worryFree() bool {
	return o["WFBSAgentVersion"] != "" || strings.Contains(o["ProductName"], "WFBS")
}

func (o officeScan) product(d *document, s services, dir string) Product {
	p := unknownProduct(OfficeScan, WhyNoSource)
	p.Present, p.Kind, p.Dir, p.Sources = Known(true), Known("agent"), known(dir, WhyParse), []string{"osce", "svc", "exe"}
	p.Confidence = ConfidenceC
	p.Variant = Known("apex_one")
	if strings.Contains(o["uninstall"]+o["ProductName"]+dir, "OfficeScan") && !strings.Contains(o["uninstall"], "Apex One") {
		p.Variant = Known("officescan")
	}
	p.Version = known(o["TmListen_Ver"], WhyNoSource)
	if !p.Version.Known {
		p.Version = known(o["ProgramVer"], WhyNoSource)
	}
	p.Running, p.Why = s.running(d, []string{"ntrtscan", "tmlisten"}, "TmCCSF", "TMBMServer", "TmPfw")
	p.Definition = o.definition(d)
	p.Protection = o.protection(p.Running)
	return p
}

// definition is the pair of values of the scan method in use; the other pair is 0 or stale.
func (o officeScan) definition(d *document) Definition {
	version, date := "InternalPatternVer", "PatternDate"
	switch o["ScanType"] {
	case "0":
	case "1":
		version, date = "InternalNonCrcPatternVer", "NonCrcPatternDate"
	default:
		return Definition{Version: Unknown[string]("scan_method"), Date: Unknown[time.Time]("scan_method")}
	}
	return Definition{Version: pattern(o[version]), Date: day(o[date], d.End)}
}

// pattern reads 1626700, which is 16.267.00, or the dotted form.
func pattern(s string) Fact[string] {
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case s == "" || s == "0":
		return Unknown[string](WhyNoSource)
	case err != nil && strings.Contains(s, "."):
		return known(s, WhyParse)
	case err != nil:
		return Unknown[string](WhyParse)
	}
	return Known(fmt.Sprintf("%d.%03d.%02d", n/100000, n/100%1000, n%100))
}

// day reads yyyymmdd, a day without a zone: its first second by UTC. A day that has begun only elsewhere is now.
func day(s string, guest int64) Fact[time.Time] {
	t, err := time.Parse("20060102", s)
	if err != nil || t.Unix() <= 0 {
		return Unknown[time.Time](WhyParse)
	}
	if now := time.Unix(guest, 0).UTC(); t.After(now) && t.Before(now.Add(14*time.Hour)) {
		return Known(now)
	}
	return Known(t)
}

// protection is real-time scanning: switched on, and its services up.
func (o officeScan) protection(r Running) Protection {
	enabled := o["Enable"]
	out := Protection{Modules: []Module{{Name: "realtime", Mode: Unknown[string](WhyNoSource), OK: Unknown[bool](WhyNoSource)}}}
	if slices.Contains([]string{"0", "1"}, enabled) {
		mode := map[string]string{"0": "off", "1": "on"}[enabled]
		out.Modules[0].Mode, out.Modules[0].OK = Known(mode), Known(enabled == "1")
	}
	state, reason := "protecting", ""
	switch {
	case !r.State.Known:
		out.State, out.Reason = Unknown[string](r.State.Why), r.State.Why
		return out
	case r.State.Value == "stopped":
		state, reason = "off", "stopped"
	case enabled == "0":
		state, reason = "off", "realtime_off"
	case enabled != "1":
		out.State, out.Reason = Unknown[string](WhyNoSource), WhyNoSource
		return out
	case r.State.Value != "running":
		state, reason = "reduced", "partial"
	}
	out.State, out.Reason = Known(state), reason
	return out
}
