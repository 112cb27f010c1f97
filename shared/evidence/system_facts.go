package evidence

import (
	"slices"
	"strconv"
	"strings"
)

// parseSystem reads the facts that were asked for beyond the usual ones.
func parseSystem(d *document) System {
	var s System
	s.Reboot = wanted(d, "reboot", parseReboot)
	s.Updates = wanted(d, "updates", parseUpdates)
	s.MAC = wanted(d, "mac", parseMAC)
	s.Accounts = wanted(d, "accounts", parseAccounts)
	s.SSHD = wanted(d, "sshd", parseSSHD)
	s.Time = wanted(d, "time", parseTime)
	s.Kernel = wanted(d, "kernel", parseKernel)
	s.Modules = wanted(d, "modules", parseModules)
	s.Packages = wanted(d, "packages", parsePackages)
	s.Files = wanted(d, "files", parseFiles)
	s.Cron = wanted(d, "cron", parseCron)
	s.SUID = wanted(d, "suid", parseSUID)
	s.Tamper = wanted(d, "tamper", parseTamper)
	return s
}

func wanted[T any](d *document, word string, parse func(*document) T) *T {
	if !d.wants(word) {
		return nil
	}
	v := parse(d)
	return &v
}

// value is what stands after a label: a text, or "!REASON" for one that could not be read.
func value(labels map[string]string, label string) Fact[string] {
	s, is := labels[label]
	if why, not := strings.CutPrefix(s, "!"); not {
		return Unknown[string](code(why))
	}
	if !is {
		return Unknown[string](WhyMissing)
	}
	return known(s, WhyParse)
}

// as turns a fact into another one; what does not fit is a parse error.
func as[A, B any](f Fact[A], convert func(A) (B, bool)) Fact[B] {
	if !f.Known {
		return Unknown[B](f.Why)
	}
	if v, ok := convert(f.Value); ok {
		return Known(v)
	}
	return Unknown[B](WhyParse)
}

// number reads a count.
func number(s string) (int, bool) {
	n, err := strconv.ParseInt(s, 10, 32)
	return int(n), err == nil && n >= 0
}

// yes reads 1, Y and 0, N, as the kernel writes them.
func yes(s string) (value, ok bool) {
	switch s {
	case "1", "Y", "y":
		return true, true
	case "0", "N", "n":
		return false, true
	default:
		return false, false
	}
}

// labelled are the lines of a record that begin with a label, without it.
func labelled(text, label string) []string {
	var out []string
	for line := range lines(text) {
		if rest, is := strings.CutPrefix(line, label+" "); is {
			out = append(out, clean(rest))
		}
	}
	return out
}

// list is a sorted list, each once, unless it is longer than may be kept.
func list(all []string, most int) Fact[[]string] {
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	if len(all) > most {
		return Unknown[[]string](WhyTooMany)
	}
	if all == nil {
		all = []string{}
	}
	return Known(all)
}

// ifWhole is the fact unless the record is not whole.
func ifWhole[T any](d *document, record string, f Fact[T]) Fact[T] {
	if why := d.why(record); why != "" {
		return Unknown[T](why)
	}
	return f
}
