package evidence

import (
	"strings"
	"time"
)

// defenderAV is Microsoft Defender Antivirus as its class MSFT_MpComputerStatus describes it (learn.microsoft.com,
// Get-MpComputerStatus), or the error that it gave.
type defenderAV map[string]string

func parseDefenderAV(d *document, s services) Product {
	if !d.wants("defender") {
		return unknownProduct(DefenderAV, WhyNotCollected)
	}
	for _, why := range []string{d.why("mp"), s.why} {
		if why != "" {
			return unknownProduct(DefenderAV, why)
		}
	}
	m := defenderAV(words(d.text("mp")))
	why, failed := m.failed()
	switch {
	case !s.has("WinDefend") && why == WhyAbsent:
		return notInstalled(DefenderAV)
	case !s.has("WinDefend") && failed:
		return unknownProduct(DefenderAV, why)
	case !s.has("WinDefend"):
		return unknownProduct(DefenderAV, "contradictory") // it says how it is, and Windows has no such service
	}
	return m.product(d, s)
}

// failed is the error instead of an answer: a reason, and Windows' own words.
func (m defenderAV) failed() (string, bool) {
	reason, _, _ := strings.Cut(m["error"], " ")
	return code(reason), m["error"] != "" || m["AMServiceEnabled"] == ""
}

func (m defenderAV) product(d *document, s services) Product {
	why, failed := m.failed()
	if !failed {
		why = WhyNoSource
	}
	p := unknownProduct(DefenderAV, why)
	p.Present, p.Confidence, p.Sources = Known(true), ConfidenceB, []string{"mp", "svc", "exe"}
	p.Version = known(m["AMProductVersion"], why)
	p.Running, p.Why = s.running(d, []string{"WinDefend"}, "Sense")
	p.Definition = Definition{Version: known(m["AntivirusSignatureVersion"], why), Date: since(m["AntivirusSignatureLastUpdated"], why)}
	p.LastScan = later(since(m["QuickScanEndTime"], why), since(m["FullScanEndTime"], why))
	p.Protection = m.protection(p.Running, why, failed)
	return p
}

// since reads seconds since 1970; Windows' own beginning of time, 1601, means never.
func since(s, otherwise string) Fact[time.Time] {
	if at := unixTime(s); at.Known {
		return at
	}
	return Unknown[time.Time](otherwise)
}

// engines are what has to be on beside real-time protection; Azure's own rule for a healthy Defender asks for
// the same.
var engines = []string{"AntispywareEnabled", "BehaviorMonitorEnabled", "IoavProtectionEnabled", "OnAccessProtectionEnabled"}

// protection is protecting only in normal mode: in the passive ones another product is expected to act, and
// that one has to be asked for itself. Old platforms do not say their mode.
func (m defenderAV) protection(r Running, why string, failed bool) Protection {
	var out Protection
	for _, name := range append([]string{"RealTimeProtectionEnabled", "IsTamperProtected"}, engines...) {
		if on := m.flag(name); on.Known {
			mode := map[bool]string{true: "on", false: "off"}[on.Value]
			out.Modules = append(out.Modules, Module{Name: name, Mode: Known(mode), OK: on})
		}
	}
	state, reason := m.judge()
	switch {
	case r.State.Known && r.State.Value == "stopped":
		state, reason = "off", "stopped"
	case failed:
		state, reason = "", why
	case !r.State.Known:
		state, reason = "", r.State.Why
	}
	if out.Reason = reason; state == "" {
		out.State = Unknown[string](reason)
		return out
	}
	out.State = Known(state)
	return out
}

func (m defenderAV) judge() (state, reason string) {
	for _, name := range []string{"AMServiceEnabled", "AntivirusEnabled", "RealTimeProtectionEnabled"} {
		switch on := m.flag(name); {
		case !on.Known:
			return "", on.Why
		case !on.Value:
			return "off", snake(name)
		}
	}
	switch mode := m["AMRunningMode"]; mode {
	case "", "Normal":
	case "Not running":
		return "off", "not_running"
	case "Passive Mode", "SxS Passive Mode", "EDR Block Mode":
		return "reduced", "passive_mode"
	default:
		return "", "mode_unknown"
	}
	for _, name := range engines {
		switch on := m.flag(name); {
		case !on.Known:
			return "", on.Why
		case !on.Value:
			return "reduced", snake(name)
		}
	}
	return "protecting", ""
}

func (m defenderAV) flag(name string) Fact[bool] {
	switch m[name] {
	case "True":
		return Known(true)
	case "False":
		return Known(false)
	case "":
		return Unknown[bool](WhyNoSource)
	}
	return Unknown[bool](WhyParse)
}

// snake makes real_time_protection_off of RealTimeProtectionEnabled.
func snake(name string) string {
	var b strings.Builder
	for i, r := range strings.Replace(name, "Enabled", "Off", 1) {
		if r >= 'A' && r <= 'Z' && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(strings.Replace(b.String(), "A_M_", "am_", 1))
}
