package evidence

import (
	"strconv"
	"strings"
	"time"
)

// hidsConf is what is read of ossec.conf, which may hold several top elements and so is not one XML
// document: the probe sends the named pieces in their order.
type hidsConf struct {
	mail        bool
	responseOff bool
	syscheckOff bool
	manager     bool // it names one
	modules     []Module
}

func parseHIDSConf(text string) hidsConf {
	var c hidsConf
	section := ""
	off := map[string]bool{}
	seen := map[string]bool{}
	comment := false
	for line := range lines(text) {
		name, value, ok := strings.Cut(strings.Trim(line, "<"), ">")
		switch {
		case line == "<!--", line == "-->":
			comment = line == "<!--"
		case comment:
			// What somebody took out counts no more.
		case !ok:
		case strings.HasPrefix(name, "/"):
			section = ""
		case value == "" && (name == "syscheck" || name == "rootcheck" || name == "active-response"):
			section, seen[name] = name, true
		case name == "address" || name == "server-ip" || name == "server-hostname":
			c.manager = c.manager || strings.TrimSpace(value) != ""
		case name == "disabled":
			off[section] = strings.TrimSpace(value) == "yes"
		case name == "email_notification":
			c.mail = strings.TrimSpace(value) == "yes"
		}
	}
	c.responseOff, c.syscheckOff = off["active-response"], off["syscheck"]
	for _, name := range []string{"syscheck", "rootcheck"} {
		if seen[name] {
			mode := "on"
			if off[name] {
				mode = "off"
			}
			c.modules = append(c.modules, Module{Name: name, Mode: Known(mode), OK: Known(!off[name])})
		}
	}
	return c
}

// logLine is the last line of one sort in ossec.log.
type logLine struct {
	line int // its number in the part that was read; 0 means there is none
	at   Fact[time.Time]
}

// parseHIDSLog reads "SORT NUMBER LINE". "Connected to" counts only with its message number 4102: a
// newer OSSEC logs the same words without it for a mere connect() on UDP.
func parseHIDSLog(text string, local *time.Location) map[string]logLine {
	out := map[string]logLine{}
	for line := range lines(text) {
		f := strings.SplitN(line, " ", 3)
		if len(f) != 3 {
			continue
		}
		n, err := strconv.Atoi(f[1])
		if err != nil || n <= 0 {
			continue
		}
		at := Unknown[time.Time](WhyParse)
		if len(f[2]) >= len(ossecStamp) {
			at = localTime(f[2][:len(ossecStamp)], ossecStamp, local)
		}
		out[f[0]] = logLine{line: n, at: at}
	}
	return out
}

const ossecStamp = "2006/01/02 15:04:05"

// localTime reads a time that is written without its zone, in the zone that the guest had when it was
// asked: across a change to or from summer time it is an hour off.
func localTime(s, layout string, local *time.Location) Fact[time.Time] {
	if s == "" {
		return Unknown[time.Time](WhyNoSource)
	}
	if local == nil {
		return Unknown[time.Time]("no_zone")
	}
	t, err := time.ParseInLocation(layout, strings.TrimSpace(s), local)
	if err != nil || t.Unix() <= 0 || t.Unix() > maxUnix {
		return Unknown[time.Time](WhyParse)
	}
	return Known(t.UTC())
}
