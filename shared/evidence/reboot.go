package evidence

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parseReboot reads "marker FILE", "notifier" and "boot vmlinuz-…". A marker, or a newer kernel of the
// running one's kind, says that a reboot is due. That there is none says nothing on a machine where
// nobody would write it; then only a known newest kernel does.
func parseReboot(d *document) Reboot {
	if why := d.why("reboot"); why != "" {
		return Reboot{Required: Unknown[bool](why)}
	}
	labels := words(d.text("reboot"))
	var r Reboot
	if _, is := labels["marker"]; is {
		r.Reasons = append(r.Reasons, "marker")
		for line := range lines(d.text("reboot.why")) {
			r.Reasons = append(r.Reasons, clean(line))
		}
	}
	running := parseOS(d).Kernel
	newer, found := newerKernel(running.Value, strings.Fields(labels["boot"]))
	if running.Known && newer != "" {
		r.Reasons = append(r.Reasons, "kernel "+clean(newer))
	}
	r.Reasons = slices.Compact(r.Reasons)
	r.Reasons = r.Reasons[:min(len(r.Reasons), 16)]
	_, notifier := labels["notifier"]
	switch {
	case len(r.Reasons) > 0:
		r.Required = Known(true)
	case notifier, running.Known && found:
		r.Required = Known(false)
	default:
		r.Required = Unknown[bool](WhyNoSource)
	}
	return r
}

var kernelName = regexp.MustCompile(`^(\d+(?:[.-]\d+)*)(.*)$`)

// newerKernel is an installed kernel of the running one's flavour that is newer than it; found says that
// the running one is among them.
func newerKernel(running string, installed []string) (newer string, found bool) {
	is := kernelName.FindStringSubmatch(running)
	if is == nil {
		return "", false
	}
	best := kernelNumbers(is[1])
	for _, name := range installed {
		name = strings.TrimPrefix(name, "vmlinuz-")
		other := kernelName.FindStringSubmatch(name)
		if name == running {
			found = true
		}
		if other == nil || flavour(other[2]) != flavour(is[2]) {
			continue
		}
		if n := kernelNumbers(other[1]); slices.Compare(n, best) > 0 {
			newer, best = name, n
		}
	}
	return newer, found
}

// flavour is the end of a kernel's name without digits, so that .el9_4 and .el9_5 are one: -cloud-amd64.
func flavour(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '_' || r == '.' {
			return -1
		}
		return r
	}, s)
}

func kernelNumbers(s string) []int {
	var out []int
	for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '.' || r == '-' }) {
		n, _ := strconv.Atoi(part) // digits alone; one that is too long is the greatest there is
		out = append(out, n)
	}
	return out
}

// parseUpdates reads "name PACKAGE", "pending N" and "security N" of what apt would do.
func parseUpdates(d *document) Updates {
	why := d.why("updates")
	if why == "" {
		why = WhyParse
	}
	u := Updates{
		Source: Unknown[string](why), Pending: Unknown[int](why), Security: Unknown[int](why), Lists: Unknown[time.Time](why),
		Installed: Unknown[time.Time](WhyNoSource),
	}
	if d.why("updates") != "" {
		return u
	}
	labels := words(d.text("updates"))
	u.Source = Known("apt")
	u.Pending, u.Security = as(value(labels, "pending"), number), as(value(labels, "security"), number)
	u.Names = labelled(d.text("updates"), "name")
	u.Names = u.Names[:min(len(u.Names), 40)]
	u.Lists = newest(d.text("updates.time"), d.why("updates.time"))
	return u
}

// newest is the latest of the dates in lines "SECONDS PATH".
func newest(text, why string) Fact[time.Time] {
	if why != "" {
		return Unknown[time.Time](why)
	}
	best := Unknown[time.Time](WhyAbsent)
	for line := range lines(text) {
		secs, _, _ := strings.Cut(line, " ")
		if t := unixTime(secs); t.Known && (!best.Known || t.Value.After(best.Value)) {
			best = t
		}
	}
	return best
}
