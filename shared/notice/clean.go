package notice

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keyward/keyward/shared/policy"
)

// clean makes one harmless line of a text: control characters, characters that only format (bidirectional
// overrides, zero-width ones), separators of lines and broken UTF-8 become visible as \x1b or \u202e,
// white space becomes one blank, and what is longer than most characters is cut and says so.
func clean(s string, most int) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n >= most {
			fmt.Fprintf(&b, "... (%d more bytes)", len(s)-i)
			break
		}
		n++
		switch {
		case r == utf8.RuneError:
			b.WriteString("\uFFFD")
		case r == '\t' || r == '\n' || r == '\r' || r == ' ':
			b.WriteByte(' ')
		case r < 0x80 && unicode.IsControl(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

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
func machineText(s string) string { return unlinked(clean(s, maxValue)) }

// cleaned is the notice with every value made harmless.
func (n Notice) cleaned() Notice {
	n.Machine, n.Name, n.Owner = machineText(n.Machine), unlinked(clean(n.Name, 60)), clean(n.Owner, 100)
	if !address.MatchString(n.Owner) {
		n.Owner = unlinked(n.Owner)
	}
	n.Policy, n.Reference = clean(n.Policy, 60), clean(n.Reference, 100)
	n.Zone, n.Request = machineText(n.Zone), machineText(n.Request)
	n.Waiver, n.What = machineText(n.Waiver), machineText(n.What)
	n.Prefix, n.Header = unlinked(clean(n.Prefix, maxPrefix)), unlinked(clean(n.Header, maxText))
	n.Text, n.FooterText = unlinked(clean(n.Text, maxText)), unlinked(clean(n.FooterText, maxText))
	n.OrderedBy, n.By = clean(n.OrderedBy, 200), clean(n.By, 200)
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
		some = append(some, clean(a, 100))
	}
	return some
}

func cleanedFindings(all []policy.Finding) []policy.Finding {
	findings := make([]policy.Finding, len(all))
	for i, f := range all {
		findings[i] = policy.Finding{
			Rule: clean(f.Rule, 100), Verdict: f.Verdict, Expected: clean(f.Expected, maxValue), Fix: clean(f.Fix, maxValue),
			Actual: machineText(f.Actual), Offender: machineText(f.Offender), Why: machineText(f.Why),
		}
		for _, w := range f.Waived {
			findings[i].Waived = append(findings[i].Waived, policy.Permission{
				Waiver: unlinked(clean(w.Waiver, 40)), Reason: unlinked(clean(w.Reason, maxValue)), By: unlinked(clean(w.By, 200)), Expires: w.Expires,
			})
		}
	}
	return findings
}
