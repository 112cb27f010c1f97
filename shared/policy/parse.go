package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Parse reads and compiles a policy document of at most MaxBytes and MaxDepth. The error is Errors:
// everything that is wrong, each with its position, what stands there and what was expected. The
// text may come from anybody.
func Parse(text []byte) (*Policy, error) { return ParseWith(text, nil) }

// Compiler compiles the custom rules of a document, one program a rule in their order, or says all that is
// wrong with their texts.
type Compiler func(document string, rules []Custom) ([]Program, Errors)

// ParseWith is Parse with the custom rules compiled. What the compiler refuses stands among the other
// errors. It is called once, and only for a document that has custom rules; of a document with errors it
// sees those whose texts could be read.
func ParseWith(text []byte, compile Compiler) (*Policy, error) {
	root, e := parseTree(text)
	if e != nil {
		return nil, Errors{*e}
	}
	document := string(text)
	r := &reader{document: &document}
	p := defaults()
	r.policy(root, p)
	var programs []Program
	if compile != nil && len(r.customs) > 0 {
		var errs Errors
		programs, errs = compile(document, r.customs)
		r.errs = append(r.errs, errs...)
	}
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	sum := sha256.Sum256(text)
	p.Digest, p.Text = hex.EncodeToString(sum[:]), document
	if programs != nil {
		p = p.WithPrograms(programs)
	}
	return p, nil
}

// defaults is a policy that says nothing: it judges nothing and takes no key away.
func defaults() *Policy {
	return &Policy{
		Requests: Requests{OnPass: Approve, OnFail: Deny, OnUnknown: Hold, EvidenceAge: time.Hour, Expire: day},
		Integrity: Integrity{
			OnFail: ActNotify, Confirm: 1, ConfirmOf: 1, RestoreAfter: 1, Changes: 4, SilenceAfter: day, SilenceThen: ActHold, RetryEvery: 30 * time.Minute,
			RetryUpTo: 50, Settle: 30 * time.Minute, Mode: RevokeGrant,
			Safeguard: Safeguard{OnFailure: ActHold, LockWithin: 5 * time.Minute, SnapshotWithin: time.Hour},
		},
	}
}

var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func (r *reader) policy(root *node, p *Policy) {
	seen := r.object(root, "", []key{
		{"policy", func(n *node, path string) { p.Name = r.name(n, path) }},
		{"description", func(n *node, path string) { p.Description = r.line(n, path, 500) }},
		{"machines", func(n *node, path string) { r.machines(n, path, &p.Machines) }},
		{"schedule", func(n *node, path string) { r.schedule(n, path, &p.Schedule) }},
		{"rules", func(n *node, path string) { p.Rules = r.rules(n, path) }},
		{"requests", func(n *node, path string) { r.requests(n, path, &p.Requests) }},
		{"integrity", func(n *node, path string) { r.integrity(n, path, p) }},
		{"notify", func(n *node, path string) { r.notify(n, path, &p.Notify) }},
	})
	if root.kind == mapping && seen["policy"] == nil {
		r.fail(root, "policy", "is missing, expected %s", nameExpected)
	}
	// Without a rule every verdict is Unknown, which silence would turn into a revocation of everything.
	if p.Integrity.SilenceThen == ActRevoke && !slices.ContainsFunc(p.Rules, func(rule Rule) bool { return !rule.Info }) && seen["integrity"] != nil {
		r.fail(seen["integrity"], "integrity.silence.then", "got revoke, which needs at least one rule that is not info")
	}
}

const nameExpected = "a name of 1 to 32 characters from a-z, 0-9 and -"

func (r *reader) name(n *node, path string) string {
	switch {
	case n.kind != text || len(n.text) > MaxName || !namePattern.MatchString(n.text):
		r.got(n, path, nameExpected)
		return ""
	case n.text == DefaultName:
		r.fail(n, path, "%s is the name of the built-in policy, expected another", quote(n.text))
		return ""
	}
	return n.text
}

var machinePattern = regexp.MustCompile(`^(i|mi)-([0-9a-f]{8}|[0-9a-f]{17})$`)

func (r *reader) machines(n *node, path string, m *Machines) {
	ids := func(into *[]string) func(n *node, path string) {
		return func(n *node, path string) {
			r.each(n, path, "machine ids", 1, 100, func(n *node, path string) {
				if n.kind != text || !machinePattern.MatchString(n.text) {
					r.got(n, path, "a machine id such as i-1234567890abcdef0 or mi-1234567890abcdef0")
				}
				*into = append(*into, n.text)
			})
		}
	}
	r.object(n, path, []key{
		{"ids", ids(&m.IDs)},
		{"tags", func(n *node, path string) { m.Tags = r.tags(n, path) }},
		{"except", ids(&m.Except)},
		{"priority", func(n *node, path string) { m.Priority = r.count(n, path, 0, 1000) }},
	})
}

// tags reads names and values within AWS's limits for tags.
func (r *reader) tags(n *node, path string) map[string]string {
	if n.kind != mapping || len(n.pairs) == 0 || len(n.pairs) > 50 {
		r.got(n, path, "a mapping of 1 to 50 tags to their values")
		return nil
	}
	tags := map[string]string{}
	for _, p := range n.pairs {
		here := join(path, p.key.text)
		if _, twice := tags[p.key.text]; twice {
			r.fail(p.key, here, "stands twice")
		}
		if k := p.key.text; k == "" || len([]rune(k)) > 128 {
			r.fail(p.key, path, "got the tag %s, expected a name of 1 to 128 characters", quote(k))
		}
		if p.value.kind == nothing {
			p.value.line, p.value.column = p.key.line, p.key.column
		}
		if p.value.kind != text || len([]rune(p.value.text)) > 256 {
			r.got(p.value, here, "text of at most 256 characters, numbers in quotes")
		}
		tags[p.key.text] = p.value.text
	}
	return maps.Clone(tags)
}

func (r *reader) requests(n *node, path string, q *Requests) {
	decision := func(into *Decision, known ...Decision) func(n *node, path string) {
		return func(n *node, path string) {
			words := make([]string, len(known))
			for i, k := range known {
				words[i] = string(k)
			}
			*into = Decision(r.word(n, path, words...))
		}
	}
	var auto *node
	r.object(n, path, []key{
		{"onPass", decision(&q.OnPass, Approve, Deny, Hold)},
		{"onFail", decision(&q.OnFail, Deny, Hold)},
		{"onUnknown", decision(&q.OnUnknown, Deny, Hold)},
		{"autoApprove", func(n *node, path string) {
			before := len(r.errs)
			if q.AutoApprove = r.duration(n, path, time.Minute, 7*day); len(r.errs) == before {
				auto = n
			}
		}},
		{"evidenceAge", func(n *node, path string) { q.EvidenceAge = r.duration(n, path, time.Minute, 7*day) }},
		{"expire", func(n *node, path string) { q.Expire = r.duration(n, path, time.Hour, 30*day) }},
	})
	switch {
	case auto == nil:
	case q.OnPass != Hold:
		r.fail(auto, path+".autoApprove", "goes with onPass: hold alone: machines that comply are not held for a person otherwise")
	case q.AutoApprove >= q.Expire:
		r.fail(auto, path+".autoApprove", "is %s, and a request expires after %s: it would never be approved", auto.text, formatDuration(q.Expire))
	}
}

func (r *reader) notify(n *node, path string, to *Notify) {
	r.object(n, path, []key{
		{"to", func(n *node, path string) { to.To = r.addresses(n, path, 10) }},
		{"escalate", func(n *node, path string) { to.Escalate = r.escalate(n, path) }},
		{"timeZone", func(n *node, path string) { to.TimeZone = r.zone(n, path) }},
		{"approvals", func(n *node, path string) { to.Approvals = r.flag(n, path) }},
		{"omit", func(n *node, path string) {
			r.each(n, path, "events", 1, len(Omissible), func(n *node, path string) {
				event := r.word(n, path, Omissible...)
				if event != "" && slices.Contains(to.Omit, event) {
					r.fail(n, path, "%s stands twice", quote(event))
				}
				to.Omit = append(to.Omit, event)
			})
		}},
		{"subject", func(n *node, path string) { to.Subject = r.mailText(n, path, maxMailPrefix) }},
		{"header", func(n *node, path string) { to.Header = r.mailText(n, path, maxMailText) }},
		{"footer", func(n *node, path string) { to.Footer = r.mailText(n, path, maxMailText) }},
		{"texts", func(n *node, path string) { to.Texts = r.mailTexts(n, path) }},
		{"ownerTag", nil},
	})
}

var addressPattern = regexp.MustCompile(`^[!-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// isAddress accepts plain ASCII addresses without a display name: 254 characters is SMTP's limit.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && len(s) <= 254 && addressPattern.MatchString(s) && !strings.ContainsAny(s, `<>",;`)
}
