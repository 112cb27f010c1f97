package policy

import (
	"regexp"
	"slices"
	"strings"
)

// MailEvents are the kinds of notices that a policy may have a text for; a test of shared/notice holds them to its kinds.
// Those about the whole stack go to the account's contact and are under no policy.
var MailEvents = []string{
	"warning", "reminder", "dueSoon", "escalated", "stoodDown", "revoked", "effective", "orderFailed", "restored", "held", "cannotCheck", "withdrawn",
	"unconfirmed", "notifyBad", "waived", "waiverEnding", "waiverAsked", "requestPending", "requestApproved", "requestUnopposed", "requestDenied",
	"requestExpired", "requestFailed", "notEffective", "keyLost", "tagDrift", "restoreDropped",
}

// Omissible are those that a policy may leave out: nothing runs out before a person has read them, and nobody has to act on
// them. A test of shared/notice holds them to its events that can wait.
var Omissible = []string{
	"reminder", "stoodDown", "restored", "cannotCheck", "withdrawn", "notifyBad", "waived", "requestApproved", "requestUnopposed", "requestExpired",
}

// MailVariables are what a text of a policy may name in braces.
var MailVariables = []string{"machine", "name", "owner", "zone", "policy", "version", "event"}

const (
	maxMailPrefix = 40
	maxMailText   = 1000
)

var variable = regexp.MustCompile(`\{[^{}]*\}`)

// mailText reads a text for mails: one line, in which every variable is known.
func (r *reader) mailText(n *node, path string, most int) string {
	s := r.line(n, path, most)
	for _, found := range variable.FindAllString(s, -1) {
		if !slices.Contains(MailVariables, strings.Trim(found, "{}")) {
			r.fail(n, path, "%s is no variable, expected one of {%s}", quote(found), strings.Join(MailVariables, "}, {"))
		}
	}
	return s
}

// mailTexts reads the texts that stand in the mails of some events.
func (r *reader) mailTexts(n *node, path string) map[string]string {
	texts := map[string]string{}
	keys := make([]key, len(MailEvents))
	for i, event := range MailEvents {
		keys[i] = key{event, func(n *node, path string) { texts[event] = r.mailText(n, path, maxMailText) }}
	}
	r.object(n, path, keys)
	return texts
}

// Filled is a text with its variables replaced; one that has no value is left out.
func Filled(text string, values map[string]string) string {
	return strings.TrimSpace(variable.ReplaceAllStringFunc(text, func(found string) string { return values[strings.Trim(found, "{}")] }))
}
