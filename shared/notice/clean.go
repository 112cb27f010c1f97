package notice

import (
	"regexp"
	"strings"

	"github.com/keyward/keyward/shared/plain"
	"github.com/keyward/keyward/shared/policy"
)

// cut is at most the first most characters of a clean line.
func cut(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return strings.TrimRight(string(r[:most-3]), " ") + "..."
	}
	return s
}

var (
	scheme = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*):(//|\\\\)`)
	mailTo = regexp.MustCompile(`(?i)\b(mailto|tel|sms|javascript|data|vbscript|file):`)
	host   = regexp.MustCompile(`(?i)(?:^|//|[^a-z0-9./_-])(?:[a-z0-9_-]+\.)+([a-z]{2,63})\b`)
)

// address is what an owner should be; anything else in its place is taken for an attack.
var address = regexp.MustCompile(`^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$`)

// fileEndings end the names of files and units that findings are full of, and are no domains.
var fileEndings = map[string]bool{
	"service": true, "socket": true, "timer": true, "mount": true, "conf": true, "exe": true, "dll": true, "log": true,
}

// unlinked takes from a line what mail programs turn into links by themselves: a machine must not be
// able to place one in a mail that people trust.
func unlinked(s string) string {
	s = scheme.ReplaceAllString(s, "$1[:]$2")
	s = mailTo.ReplaceAllString(s, "$1[:]")
	return host.ReplaceAllStringFunc(s, func(m string) string {
		if fileEndings[strings.ToLower(m[strings.LastIndexByte(m, '.')+1:])] && !strings.Contains(m, "//") {
			return m
		}
		return strings.ReplaceAll(m, ".", "[.]")
	})
}

// machineText is a value that the machine, or whoever may tag it, chose.
func machineText(s string) string { return unlinked(plain.Line(s, maxValue)) }

// cleaned is the notice with every value made harmless.
func (n Notice) cleaned() Notice {
	n.Machine, n.Name, n.Owner = machineText(n.Machine), unlinked(plain.Line(n.Name, 60)), plain.Line(n.Owner, 100)
	if !address.MatchString(n.Owner) {
		n.Owner = unlinked(n.Owner)
	}
	n.Policy, n.Reference = plain.Line(n.Policy, 60), plain.Line(n.Reference, 100)
	n.Zone, n.Request = machineText(n.Zone), machineText(n.Request)
	n.Waiver, n.What = machineText(n.Waiver), machineText(n.What)
	n.Prefix, n.Header = unlinked(plain.Line(n.Prefix, maxPrefix)), unlinked(plain.Line(n.Header, maxText))
	n.Text, n.FooterText = unlinked(plain.Line(n.Text, maxText)), unlinked(plain.Line(n.FooterText, maxText))
	n.OrderedBy, n.By = plain.Line(n.OrderedBy, 200), plain.Line(n.By, 200)
	n.Why, n.StepFailed, n.OnMachine = machineText(n.Why), machineText(n.StepFailed), machineText(n.OnMachine)
	ways := make([]string, len(n.NotEffective))
	for i, w := range n.NotEffective {
		ways[i] = machineText(w)
	}
	n.NotEffective = ways
	n.Findings, n.Waived = cleanedFindings(n.Findings), cleanedFindings(n.Waived)
	n.Missed, n.Unwarned = addresses(n.Missed), addresses(n.Unwarned)
	return n
}

func addresses(all []string) []string {
	some := make([]string, 0, len(all))
	for _, a := range all[:min(len(all), maxMissed)] {
		some = append(some, plain.Line(a, 100))
	}
	return some
}

func cleanedFindings(all []policy.Finding) []policy.Finding {
	findings := make([]policy.Finding, len(all))
	for i, f := range all {
		findings[i] = policy.Finding{
			Rule: plain.Line(f.Rule, 100), Verdict: f.Verdict, Expected: plain.Line(f.Expected, maxValue), Fix: plain.Line(f.Fix, maxValue),
			Actual: machineText(f.Actual), Offender: machineText(f.Offender), Why: machineText(f.Why),
		}
		for _, w := range f.Waived {
			findings[i].Waived = append(findings[i].Waived, policy.Permission{
				Waiver: unlinked(plain.Line(w.Waiver, 40)), Reason: unlinked(plain.Line(w.Reason, maxValue)), By: unlinked(plain.Line(w.By, 200)), Expires: w.Expires,
			})
		}
	}
	return findings
}
