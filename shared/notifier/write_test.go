package notifier_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/notifier"
	"github.com/keyward/keyward/shared/record"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	n := every()
	n.Version, n.PutBy, n.Webhook.Secret = 3, "somebody", "kept"
	const want = `notifier: shop-ops
description: "The shop's machines, for those on duty"
events: [warning, revoked, outage]
policies: [web-tier, default]
to: [ops@example.com, lead@example.com]
topic: "arn:aws:sns:eu-central-1:123456789012:keyward-notify-shop"
webhook: {url: "https://hooks.example.com:8443/services/T0/B1?x=y", format: slack}
sender: "Keys of the shop"
subject: "[SHOP]"
header: "This is about {name} in {zone}."
footer: "Questions: extension 4711"
texts:
  warning: "Tell {owner} before {machine} goes down."
  outage: "Look at the network first."
timeZone: Europe/Berlin
digest: {every: "1h30m", after: 20}
quiet: {from: "22:00", to: "06:30", days: [fri, sat]}
`
	got := notifier.Write(n)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Write (-want +got):\n%s", diff)
	}
	again, err := notifier.Read([]byte(got))
	if diff := cmp.Diff(every(), again); diff != "" || err != nil {
		t.Errorf("what was written reads as: %v (-want +got):\n%s", err, diff)
	}
	const hard = "notifier: \"off\"\nto: [ops@example.com]\nsender: \"yes\"\nheader: \"\\\"<&> \\\\ # it's 5: é\"\ndigest: {after: 2}\n"
	n = record.Notifier{Name: "off", To: []string{"ops@example.com"}, Sender: "yes", Header: "\"<&> \\ # it's 5: é", Digest: &record.Digest{After: 2}}
	if got := notifier.Write(n); got != hard {
		t.Errorf("Write = %s, want %s", got, hard)
	}
	if again, err := notifier.Read([]byte(hard)); err != nil || !cmp.Equal(again, n) {
		t.Errorf("what was written reads as %+v, %v", again, err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		n                 record.Notifier
		which, whom, when string
	}{
		{every(), "warning, revoked, outage of web-tier, default", "ops@example.com, lead@example.com, topic keyward-notify-shop, https://hooks.example.com:8443 (slack)",
			"20 together, or after 1h30m; quiet 22:00 to 06:30 Europe/Berlin on fri, sat"},
		{record.Notifier{To: []string{"a@x.org", "b@x.org", "c@x.org", "d@x.org", "e@x.org"}}, "all", "a@x.org, b@x.org, c@x.org, 2 more", "at once"},
		{record.Notifier{Webhook: &record.Webhook{URL: "https://a.example.com/x"}, Digest: &record.Digest{Every: "5m"}, Quiet: &record.Quiet{From: "22:00", To: "06:00"}},
			"all", "https://a.example.com (json)", "after 5m; quiet 22:00 to 06:00 UTC"},
		{record.Notifier{Policies: []string{"web"}, Digest: &record.Digest{After: 5}}, "all of web", "", "5 together, or after a day"},
	} {
		if which, whom, when := notifier.Which(tt.n), notifier.Whom(tt.n), notifier.When(tt.n); which != tt.which || whom != tt.whom || when != tt.when {
			t.Errorf("%+v: %q, %q, %q, want %q, %q, %q", tt.n, which, whom, when, tt.which, tt.whom, tt.when)
		}
	}
}
