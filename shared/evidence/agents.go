package evidence

import (
	"slices"
	"strings"
	"time"
)

// Confidence says how well the format that a product's facts were read from is known.
type Confidence string

// The confidences. The zero value is of a product that was not looked at.
const (
	ConfidenceA Confidence = "A" // read in the maker's own source or documentation, or measured on installs
	ConfidenceB Confidence = "B" // live captures of others agree; the maker publishes no format
	ConfidenceC Confidence = "C" // one public use: to be confirmed on a live host before a key depends on it
)

// agent is a product that the probe puts into one record: labelled lines, of which bin, left, shut, unit,
// boot, procs, conf, time and package mean the same for all.
type agent struct {
	d      *document
	record string
	lines  map[string][]string // by label
	pieces []string            // lines that were taken out of files, which have no label
}

var agentLabels = map[string]bool{
	"bin": true, "left": true, "shut": true, "unit": true, "boot": true, "procs": true, "conf": true, "places": true, "time": true,
	"package": true, "dir": true, "cli": true, "version": true, "db": true, "log": true, "cron": true, "health": true,
	"answer": true, "program": true, "oneshot": true, "asked": true, "status": true, "rules": true, "count": true,
}

// agent reads a product's record. When that is not to be had, the product is returned and what it says is
// all that can be said.
func (d *document) agent(word string, id ProductID) (*agent, *Product) {
	if !d.wants(word) {
		p := unknownProduct(id, WhyNotCollected)
		return nil, &p
	}
	if why := d.why(word); why != "" {
		p := unknownProduct(id, why)
		return nil, &p
	}
	a := &agent{d: d, record: word, lines: map[string][]string{}}
	for line := range lines(d.text(word)) {
		label, rest, _ := strings.Cut(line, " ")
		if agentLabels[label] || strings.HasSuffix(label, ".rc") {
			a.lines[label] = append(a.lines[label], rest)
		} else {
			a.pieces = append(a.pieces, line)
		}
	}
	return a, nil
}

// installed tells a product that is there from one that is not: a program, and one thing more that an
// installation brings. What an uninstall leaves is a residue, which is not installed; so is a program
// alone, which anybody's archive may have brought.
func (a *agent) installed(id ProductID, confidence Confidence, more bool) Product {
	shut := a.last("shut")
	switch {
	case len(a.lines["bin"]) > 0 && more:
		p := unknownProduct(id, WhyNoSource)
		p.Present, p.Why, p.Confidence = Known(true), nil, confidence
		p.Sources = []string{a.record, "exe"}
		return p
	case shut == WhyNotRoot || shut == WhyDenied:
		return unknownProduct(id, a.d.hidden())
	case len(a.lines["bin"]) > 0 || len(a.lines["left"]) > 0:
		p := notInstalled(id)
		p.Why = append(p.Why, "residue")
		return p
	default:
		return notInstalled(id)
	}
}

// last is what the last line with this label says.
func (a *agent) last(label string) string {
	if all := a.lines[label]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

func (a *agent) has(program string) bool {
	return slices.ContainsFunc(a.lines["bin"], func(p string) bool { return p[strings.LastIndex(p, "/")+1:] == program })
}

// daemons are the processes of the programs that belong at these places, whether they are still there or not.
func (a *agent) daemons() daemons { return a.d.daemonsAt(strings.Fields(a.last("places"))...) }

// unit says of a systemd unit whether its file is there and not masked, and whether it starts by itself.
func (a *agent) unit(name string) (there, boot bool) {
	for _, line := range a.lines["unit"] {
		if n, file, _ := strings.Cut(line, " "); n == name && file != "masked" {
			there = true
		}
	}
	return there, there && slices.Contains(a.lines["boot"], name)
}

func (a *agent) masked(name string) bool { return slices.Contains(a.lines["unit"], name+" masked") }

// whyNot is why a command that was asked gave nothing: not asked, or how it ended.
func (a *agent) whyNot(command string) string {
	if cli := a.last("cli"); cli != "" && cli != "ok" {
		return code(cli)
	}
	switch rc := a.last(command + ".rc"); rc {
	case "":
		return WhyMissing
	case "0":
		return WhyNoSource
	case "124", "137", "143":
		return WhyTimeout
	default:
		return WhyFailed
	}
}

// answered is whether a command ran and ended well.
func (a *agent) answered(command string) bool { return a.last(command+".rc") == "0" }

// settings are the pieces of its settings, as "name value" or "name = value".
func (a *agent) settings() map[string]string {
	out := map[string]string{}
	for _, line := range a.pieces {
		at := strings.IndexAny(line, " \t=")
		if at < 0 {
			out[line] = ""
			continue
		}
		out[line[:at]] = clean(strings.TrimLeft(line[at:], " \t="))
	}
	return out
}

// written is when a file was last written, by the guest's clock.
func (a *agent) written(file string) Fact[time.Time] {
	for _, line := range a.lines["time"] {
		if secs, name, _ := strings.Cut(line, " "); name == file {
			return unixTime(secs)
		}
	}
	if a.last("time") == WhyNoTool {
		return Unknown[time.Time](WhyNoTool)
	}
	return Unknown[time.Time](WhyAbsent)
}

// health is ok, or what is wrong with the product's settings.
func health(issues ...string) Config {
	if len(issues) == 0 {
		return Config{Health: Known("ok")}
	}
	return Config{Health: Known("bad"), Issues: issues}
}

// noDefinitions is a product's state of definitions when it has none.
func noDefinitions() Definition {
	return Definition{Version: Unknown[string](WhyNotApplicable), Date: Unknown[time.Time](WhyNotApplicable)}
}
