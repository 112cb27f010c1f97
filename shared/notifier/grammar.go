package notifier

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Limits of a notifier.
const (
	MaxTo       = 50
	MaxPolicies = 100
	MaxURL      = 2048
	MinEvery    = 5 * time.Minute
	MaxEvery    = 24 * time.Hour
	MaxAfter    = 1000

	maxSender  = 64
	maxSubject = 40
	maxText    = 1000
)

// reader reads a notifier's parts.
type reader struct{ *policy.Document }

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{2,39}$`)

const nameExpected = "a name of 3 to 40 characters from a-z, 0-9 and - that begins with a letter"

// IsName is whether a text may be a notifier's name.
func IsName(s string) bool { return namePattern.MatchString(s) }

func (d reader) notifier(root policy.Value, n *record.Notifier, more ...policy.Key) {
	line := func(into *string, most int) func(v policy.Value, path string) {
		return func(v policy.Value, path string) { *into = d.MailText(v, path, most) }
	}
	seen := d.Object(root, "", append([]policy.Key{
		{Name: "notifier", Read: func(v policy.Value, path string) { n.Name = d.Matching(v, path, nameExpected, IsName) }},
		{Name: "description", Read: func(v policy.Value, path string) { n.Description = d.Line(v, path, 500) }},
		{Name: "events", Read: func(v policy.Value, path string) { n.Events = d.Words(v, path, "events", eventNames()...) }},
		{Name: "policies", Read: func(v policy.Value, path string) { n.Policies = d.PolicyNames(v, path, MaxPolicies) }},
		{Name: "to", Read: func(v policy.Value, path string) { n.To = d.Addresses(v, path, MaxTo) }},
		{Name: "topic", Read: func(v policy.Value, path string) {
			n.Topic = d.Matching(v, path, topicExpected, topicPattern.MatchString)
		}},
		{Name: "webhook", Read: func(v policy.Value, path string) { n.Webhook = d.webhook(v, path) }},
		{Name: "sender", Read: line(&n.Sender, maxSender)},
		{Name: "subject", Read: line(&n.Subject, maxSubject)},
		{Name: "header", Read: line(&n.Header, maxText)},
		{Name: "footer", Read: line(&n.Footer, maxText)},
		{Name: "texts", Read: func(v policy.Value, path string) { n.Texts = d.texts(v, path) }},
		{Name: "timeZone", Read: func(v policy.Value, path string) { n.TimeZone = d.Zone(v, path) }},
		{Name: "digest", Read: func(v policy.Value, path string) { n.Digest = d.digest(v, path) }},
		{Name: "quiet", Read: func(v policy.Value, path string) { n.Quiet = d.quiet(v, path) }},
	}, more...))
	if !seen["notifier"] {
		d.Missed(root, "notifier", nameExpected)
	}
	if !seen["to"] && !seen["topic"] && !seen["webhook"] {
		d.Missed(root, "to", "at least one of to, topic and webhook: it would tell nobody")
	}
}

// topicPattern is an ARN of a topic that the stack may publish to; SNS has 256 characters for its name.
var topicPattern = regexp.MustCompile(`^arn:aws(-[a-z]+)*:sns:[a-z]{2}(-[a-z]+)+-[0-9]:[0-9]{12}:keyward-notify-[A-Za-z0-9_-]{1,241}$`)

const topicExpected = "the ARN of an SNS topic whose name begins with keyward-notify-, such as arn:aws:sns:eu-central-1:123456789012:keyward-notify-ops"

func (d reader) webhook(v policy.Value, path string) *record.Webhook {
	w := &record.Webhook{}
	seen := d.Object(v, path, []policy.Key{
		{Name: "url", Read: func(v policy.Value, path string) { w.URL = d.Matching(v, path, urlExpected, isAddress) }},
		{Name: "format", Read: func(v policy.Value, path string) { w.Format = d.Word(v, path, "json", "slack") }},
		{Name: "secret", Read: func(v policy.Value, path string) {
			d.Fail(v, path, "is made by Keyward and cannot be put; putting with rotate makes another")
		}},
	})
	if !seen["url"] {
		d.Missed(v, path+".url", urlExpected)
	}
	return w
}

const urlExpected = "https:// and the name of a host, no IP address, no user, no fragment, at most 2048 characters"

var hostPattern = regexp.MustCompile(`^([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?\.?$`)

// isAddress is whether something may be posted to an address, or people were shown it in place of one.
func isAddress(s string) bool {
	plain := strings.TrimSuffix(s, masked)
	if len(s) > MaxURL || strings.ContainsFunc(plain, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return false
	}
	u, err := url.Parse(plain)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Opaque != "" || strings.Contains(s, "#") {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err == nil || len(host) > 253 || !hostPattern.MatchString(host) {
		return false
	}
	host = strings.TrimSuffix(host, ".")
	return host != "localhost" && !strings.HasSuffix(host, ".localhost") && isPort(strings.TrimPrefix(u.Host, u.Hostname()))
}

// isPort is whether a port, with its colon, is one that can be reached, or is left out.
func isPort(s string) bool {
	number, err := strconv.ParseUint(strings.TrimPrefix(s, ":"), 10, 16)
	return s == "" || err == nil && number > 0
}

// texts are those of single events, which may be of the whole stack too.
func (d reader) texts(v policy.Value, path string) map[string]string {
	texts := map[string]string{}
	var keys []policy.Key
	for _, event := range eventNames() {
		keys = append(keys, policy.Key{Name: event, Read: func(v policy.Value, path string) { texts[event] = d.MailText(v, path, maxText) }})
	}
	d.Object(v, path, keys)
	if len(texts) == 0 {
		return nil // as it is written
	}
	return texts
}

func (d reader) digest(v policy.Value, path string) *record.Digest {
	g := &record.Digest{}
	seen := d.Object(v, path, []policy.Key{
		{Name: "every", Read: func(v policy.Value, path string) {
			every, written := d.Duration(v, path, MinEvery, MaxEvery)
			if every%time.Minute != 0 {
				d.Fail(v, path, "got %q, expected whole minutes", written)
			}
			g.Every = written
		}},
		{Name: "after", Read: func(v policy.Value, path string) { g.After = d.Count(v, path, 2, MaxAfter) }},
	})
	if !seen["every"] && !seen["after"] {
		d.Missed(v, path+".every", "at least one of every and after")
	}
	return g
}

// maxQuiet leaves a part of each day in which something is told, on those on which clocks are moved too.
const maxQuiet = 22 * time.Hour

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (d reader) quiet(v policy.Value, path string) *record.Quiet {
	q := &record.Quiet{}
	seen := d.Object(v, path, []policy.Key{
		{Name: "from", Read: func(v policy.Value, path string) { q.From = d.Clock(v, path) }},
		{Name: "to", Read: func(v policy.Value, path string) { q.To = d.Clock(v, path) }},
		{Name: "days", Read: func(v policy.Value, path string) { q.Days = d.Words(v, path, "days", weekdays...) }},
	})
	for _, k := range []string{"from", "to"} {
		if !seen[k] {
			d.Missed(v, path+"."+k, `a time from "00:00" to "23:59"`)
		}
	}
	from, fine := clockOf(q.From)
	to, good := clockOf(q.To)
	if !fine || !good {
		return q
	}
	switch length := (to - from + day) % day; {
	case length == 0:
		d.Fail(v, path, "from and to are both %q, expected different times", q.From)
	case length > maxQuiet:
		d.Fail(v, path, "is quiet from %q to %q, expected at most 22 hours of a day", q.From, q.To)
	}
	return q
}

func eventNames() []string {
	var names []string
	for _, k := range notice.Kinds() {
		names = append(names, string(k))
	}
	return names
}
