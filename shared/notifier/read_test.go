package notifier_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// everyKey is a notifier with all that one can say.
const everyKey = `notifier: shop-ops
description: The shop's machines, for those on duty
events: [warning, revoked, outage]
policies: [web-tier, default]
to: [ops@example.com, lead@example.com]
topic: arn:aws:sns:eu-central-1:123456789012:keyward-notify-shop
webhook: {url: "https://hooks.example.com:8443/services/T0/B1?x=y", format: slack}
sender: Keys of the shop
subject: "[SHOP]"
header: This is about {name} in {zone}.
footer: "Questions: extension 4711"
texts:
  warning: Tell {owner} before {machine} goes down.
  outage: Look at the network first.
timeZone: Europe/Berlin
digest: {every: 1h30m, after: 20}
quiet: {from: "22:00", to: "06:30", days: [fri, sat]}
`

func every() record.Notifier {
	return record.Notifier{
		Name: "shop-ops", Description: "The shop's machines, for those on duty", Events: []string{"warning", "revoked", "outage"},
		Policies: []string{"web-tier", "default"}, To: []string{"ops@example.com", "lead@example.com"},
		Topic:   "arn:aws:sns:eu-central-1:123456789012:keyward-notify-shop",
		Webhook: &record.Webhook{URL: "https://hooks.example.com:8443/services/T0/B1?x=y", Format: "slack"},
		Sender:  "Keys of the shop", Subject: "[SHOP]", Header: "This is about {name} in {zone}.", Footer: "Questions: extension 4711",
		Texts:    map[string]string{"warning": "Tell {owner} before {machine} goes down.", "outage": "Look at the network first."},
		TimeZone: "Europe/Berlin", Digest: &record.Digest{Every: "1h30m", After: 20},
		Quiet: &record.Quiet{From: "22:00", To: "06:30", Days: []string{"fri", "sat"}},
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want record.Notifier
	}{
		"every key": {everyKey, every()},
		"least":     {"notifier: ops\nto: [ops@example.com]\n", record.Notifier{Name: "ops", To: []string{"ops@example.com"}}},
		"no text":   {"notifier: ops\nto: [ops@example.com]\ntexts: {}\n", record.Notifier{Name: "ops", To: []string{"ops@example.com"}}},
		"a masked address": {
			"notifier: ops\nwebhook: {url: https://hooks.example.com/…}\n",
			record.Notifier{Name: "ops", Webhook: &record.Webhook{URL: "https://hooks.example.com/…"}},
		},
		"a digest by number alone": {
			"notifier: ops\nto: [ops@example.com]\ndigest: {after: 2}\n",
			record.Notifier{Name: "ops", To: []string{"ops@example.com"}, Digest: &record.Digest{After: 2}},
		},
	} {
		got, err := notifier.Read([]byte(tt.text))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("Read(%s) = %v (-want +got):\n%s", name, err, diff)
		}
		if err := notifier.Check(got); err != nil {
			t.Errorf("Check(%s) = %v", name, err)
		}
	}
}

const (
	nameExpected  = "expected a name of 3 to 40 characters from a-z, 0-9 and - that begins with a letter"
	urlExpected   = "expected https:// and the name of a host, no IP address, no user, no fragment, at most 2048 characters"
	topicExpected = "expected the ARN of an SNS topic whose name begins with keyward-notify-, such as arn:aws:sns:eu-central-1:123456789012:keyward-notify-ops"
	keys          = "notifier, description, events, policies, to, topic, webhook, sender, subject, header, footer, texts, timeZone, digest, quiet"
)

func events() string {
	var names []string
	for _, k := range notice.Kinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// Each text stands under a notifier's name and an address.
func TestReadRefused(t *testing.T) {
	t.Parallel()
	const head = "notifier: ops\nto: [ops@example.com]\n"
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "1:1: the document is empty, expected a notifier"},
		{"a list", "- a", "1:1: got a list, expected a mapping with " + keys},
		{"no YAML", "notifier: [", "1:11: is not YAML: sequence end token ']' not found"},
		{"an anchor", "notifier: &a ops", "1:11: anchors (&) are not part of its language"},
		{"two documents", "notifier: ops\n---\nto: x", "2:1: a notifier is one document, expected only one ---"},
		{"nobody to tell", "notifier: ops", "1:1: to: is missing, expected at least one of to, topic and webhook: it would tell nobody"},
		{"no name", "to: [ops@example.com]", "1:1: notifier: is missing, " + nameExpected},
		{"a short name", "notifier: ab\nto: [ops@example.com]", `1:11: notifier: got "ab", ` + nameExpected},
		{"a name of a digit", "notifier: 1ops\nto: [ops@example.com]", `1:11: notifier: got "1ops", ` + nameExpected},
		{"a number", "notifier: 12345\nto: [ops@example.com]", `1:11: notifier: got 12345, ` + nameExpected},
		{"an unknown key", head + "tos: x", `3:1: unknown key "tos", expected ` + keys + `; did you mean "to"?`},
		{"what Keyward adds", head + "version: 2", `3:1: unknown key "version", expected ` + keys},
		{"an unknown event", head + "events: [warnin]", `3:10: events[0]: got "warnin", expected one of ` + events() + `; did you mean "warning"?`},
		{"an event twice", head + "events: [warning, warning]", `3:19: events[1]: "warning" stands twice`},
		{"no events", head + "events: []", fmt.Sprintf("3:9: events: got 0, expected a list of 1 to %d events", len(notice.Kinds()))},
		{"events as a word", head + "events: warning", fmt.Sprintf(`3:9: events: got "warning", expected a list of 1 to %d events`, len(notice.Kinds()))},
		{"a policy that is none", head + "policies: [Web]", `3:12: policies[0]: got "Web", expected a name of 1 to 32 characters from a-z, 0-9 and -`},
		{"a policy twice", head + "policies: [web, web]", `3:17: policies[1]: "web" stands twice`},
		{"an address", "notifier: ops\nto: [ops, 'a@example.com', 'a@example.com']", `2:6: to[0]: got "ops", expected an e-mail address such as ops@example.com
2:28: to[2]: "a@example.com" stands twice`},
		{"a topic of another name", head + "topic: arn:aws:sns:eu-central-1:123456789012:ops", `3:8: topic: got "arn:aws:sns:eu-central-1:123456789012:ops", ` + topicExpected},
		{"a queue", head + "topic: arn:aws:sqs:eu-central-1:123456789012:keyward-notify-a", `3:8: topic: got "arn:aws:sqs:eu-central-1:123456789012:keyward-notify-a", ` + topicExpected},
		{"a webhook without an address", head + "webhook: {format: json}", "3:10: webhook.url: is missing, " + urlExpected},
		{"a webhook's format", head + "webhook: {url: 'https://a.example.com', format: xml}", `3:49: webhook.format: got "xml", expected one of json, slack`},
		{"a webhook's secret", head + "webhook: {url: 'https://a.example.com', secret: x}", "3:49: webhook.secret: is made by Keyward and cannot be put; putting with rotate makes another"},
		{"an unknown variable", head + "header: About {host}", `3:9: header: "{host}" is no variable, expected one of {machine}, {name}, {owner}, {zone}, {policy}, {version}, {event}`},
		{"a text for no event", head + "texts: {warn: a}", `3:9: texts: unknown key "warn", expected ` + events()},
		{"a text of two lines", head + "footer: |\n  a\n  b\n", `3:9: footer: got "a\nb\n", expected one line of text of 1 to 1000 characters`},
		{"a long subject", head + "subject: " + strings.Repeat("a", 41), `3:10: subject: got "` + strings.Repeat("a", 41) + `", expected one line of text of 1 to 40 characters`},
		{"a long sender", head + "sender: " + strings.Repeat("a", 65), `3:9: sender: got "` + strings.Repeat("a", 64) + `...", expected one line of text of 1 to 64 characters`},
		{"a zone", head + "timeZone: Berlin", `3:11: timeZone: got "Berlin", expected an IANA time zone such as Europe/Berlin or UTC`},
		{"an empty digest", head + "digest: {}", "3:9: digest.every: is missing, expected at least one of every and after"},
		{"a digest too often", head + "digest: {every: 4m}", `3:17: digest.every: got "4m", which is too short, expected a duration from 5m to 24h, written like 30m, 4h or 7d`},
		{"a digest too rare", head + "digest: {every: 25h}", `3:17: digest.every: got "25h", which is too long, expected a duration from 5m to 24h, written like 30m, 4h or 7d`},
		{"a digest by the second", head + "digest: {every: 5m30s}", `3:17: digest.every: got "5m30s", expected whole minutes`},
		{"a digest of one", head + "digest: {after: 1}", "3:17: digest.after: got 1, expected a whole number from 2 to 1000"},
		{"half a quiet time", head + "quiet: {from: '22:00'}", `3:8: quiet.to: is missing, expected a time from "00:00" to "23:59"`},
		{"no quiet time", head + "quiet: {from: '22:00', to: '22:00'}", `3:8: quiet: from and to are both "22:00", expected different times`},
		{"quiet nearly always", head + "quiet: {from: '22:00', to: '20:01'}", `3:8: quiet: is quiet from "22:00" to "20:01", expected at most 22 hours of a day`},
		{"no time of day", head + "quiet: {from: '24:00', to: '06:00'}", `3:15: quiet.from: got "24:00", expected a time from "00:00" to "23:59"`},
		{"no day", head + "quiet: {from: '22:00', to: '06:00', days: [monday]}", `3:44: quiet.days[0]: got "monday", expected one of mon, tue, wed, thu, fri, sat, sun`},
		{"several at once", head + "quiet: x\ndigest: 5\nwebhook: y", `3:8: quiet: got "x", expected a mapping with from, to, days
4:9: digest: got 5, expected a mapping with every, after
5:10: webhook: got "y", expected a mapping with url, format, secret`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, err := notifier.Read([]byte(tt.text))
			var all policy.Errors
			if !errors.As(err, &all) || !cmp.Equal(n, record.Notifier{}) {
				t.Fatalf("Read = %+v, %v, want Errors alone", n, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("Read (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWebhookAddresses(t *testing.T) {
	t.Parallel()
	for address, fine := range map[string]bool{
		"https://hooks.example.com":                                    true,
		"https://hooks.example.com.":                                   true,
		"https://HOOKS.example.com:8443/a/b?c=d&e=%20":                 true,
		"https://xn--bcher-kva.example":                                true,
		"https://hooks.example.com/…":                                  true,
		"https://receiver/a":                                           true,
		"https://h.example.com/" + strings.Repeat("a", 2048-22):        true,
		"https://h.example.com/" + strings.Repeat("a", 2048-22+1):      false,
		"http://hooks.example.com":                                     false,
		"ftp://hooks.example.com":                                      false,
		"hooks.example.com":                                            false,
		"https:hooks.example.com":                                      false,
		"https://":                                                     false,
		"https://user@hooks.example.com":                               false,
		"https://user:@hooks.example.com":                              false,
		"https://hooks.example.com/#a":                                 false,
		"https://hooks.example.com/a#":                                 false,
		"https://hooks.example.com:":                                   false,
		"https://hooks.example.com:0":                                  false,
		"https://hooks.example.com:65536":                              false,
		"https://hooks.example.com/a b":                                false,
		"https://hooks.example.com/\u202e":                             false,
		"https://hooks.exämple.com":                                    false,
		"https://hooks.example.com/%zz":                                false,
		"https://127.0.0.1/":                                           false,
		"https://[::1]/":                                               false,
		"https://[fe80::1%25eth0]/":                                    false,
		"https://2130706433/":                                          false,
		"https://0x7f.1/":                                              false,
		"https://127.1/":                                               false,
		"https://localhost/":                                           false,
		"https://LOCALHOST./":                                          false,
		"https://a.localhost/":                                         false,
		"https://-a.example.com/":                                      false,
		"https://a..example.com/":                                      false,
		"https://" + strings.Repeat("a.", 126) + "toolongforaname.com": false,
	} {
		err := notifier.Check(record.Notifier{Name: "ops", Webhook: &record.Webhook{URL: address}})
		if (err == nil) != fine {
			t.Errorf("Check(%q) = %v, want it fine: %t", address, err, fine)
		}
	}
}

func TestCheckNamesFields(t *testing.T) {
	t.Parallel()
	n := every()
	n.Webhook.Secret, n.Version = "kept", 3 // as stored
	if err := notifier.Check(n); err != nil || n.Webhook.Secret != "kept" {
		t.Errorf("Check = %v, the secret is %q", err, n.Webhook.Secret)
	}
	n.Events, n.Digest = []string{"nothing"}, &record.Digest{Every: "1m"}
	err := notifier.Check(n)
	var names []string
	for _, f := range fault.Fields(err) {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"events[0]", "digest.every"}, names); diff != "" || !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Safe(err), "checking notifier shop-ops: ") {
		t.Errorf("Check = %v (-want +got):\n%s", err, diff)
	}
	if err := errors.New("another"); notifier.Refused(err, "x") != err || notifier.Refused(nil, "x") != nil {
		t.Error("Refused changes errors that are none of reading")
	}
	n = every()
	n.PutAt = time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := notifier.Check(n); err == nil || fault.Is(err, fault.Invalid) {
		t.Errorf("Check of what JSON cannot say = %v", err)
	}
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	got, err := notifier.ReadJSON([]byte(`{"notifier":"ops","to":["ops@example.com"],"header":"\ud83d\ude00 {name}","version":2,"putAt":"2026-01-01T00:00:00Z","putBy":"x"}`))
	if want := (record.Notifier{Name: "ops", To: []string{"ops@example.com"}, Header: "😀 {name}"}); !cmp.Equal(got, want) || err != nil {
		t.Errorf("ReadJSON = %+v, %v", got, err)
	}
	for text, want := range map[string]string{
		"": "1:1: is not JSON: unexpected EOF",
		`{"notifier":"ops","to":["a@example.com"],"version":"2","putAt":"noon","putBy":3}`: "1:52: version: got \"2\", expected a whole number from 0 to 2147483647\n" +
			"1:64: putAt: got \"noon\", expected a time such as 2026-01-01T12:00:00Z\n1:79: putBy: got 3, expected one line of text of 1 to 2048 characters, in quotes",
		"x": "1:1: is not JSON: invalid character 'x' looking for beginning of value",
		"{\n  \"notifier\": \"ops\",\n \"to\": [\"ä\", 1], \"tö\": null}": "3:9: to[0]: got \"ä\", expected an e-mail address such as ops@example.com\n" +
			"3:14: to[1]: got 1, expected an e-mail address such as ops@example.com\n3:18: unknown key \"tö\", expected " + keys + ", version, putAt, putBy",
	} {
		n, err := notifier.ReadJSON([]byte(text))
		if err == nil || err.Error() != want || !cmp.Equal(n, record.Notifier{}) {
			t.Errorf("ReadJSON(%q) = %+v, %v, want %s", text, n, err, want)
		}
	}
}
