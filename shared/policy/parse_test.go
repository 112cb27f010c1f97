package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/shared/policy"
)

// parse is Parse of a text that must be right.
func parse(tb testing.TB, text string) *policy.Policy {
	tb.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		tb.Fatalf("Parse(%q) = %v", text, err)
	}
	return p
}

const everyKey = `policy: every-key
description: >
  All keys
  of this version
machines:
  ids: [i-1234567890abcdef0, mi-1234567890abcdef0]
  tags: {tier: web, "1": "2"}
  except: [i-12345678]
  priority: 1000
schedule:
  weekly: {on: saturday, at: "23:59"}
  timeZone: America/New_York
  spread: 1h
  surprise: 0
rules:
  - rule: one
    all:
      - product: {is: ossec, state: running, version: ">=3.7.0, <4"}
      - ports: {closed: [tcp/1-65535], open: [udp/53], loopback: count}
    fix: Do it
    missing: fail
    info: true
requests: {onPass: hold, onFail: hold, onUnknown: deny, evidenceAge: 7d, expire: 30d}
integrity:
  onFail: hold
  grace: 90d
  confirm: {failures: 3, of: 5}
  silence: {after: 1h, then: revoke}
  retry: {every: 5m, upTo: 0}
  restore: {after: 2, then: manual}
  changes: 100
  settle: 1d
  key: {mode: disable-key, shared: allowed}
  remind: 0
notify:
  to: [ops@example.com]
  timeZone: UTC
  escalate: [{after: 5m, to: [lead@example.com]}, {after: 30d, to: [head@example.com, ops@example.com]}]
`

func TestParseEveryKey(t *testing.T) {
	t.Parallel()
	// silence.then: revoke needs a rule that judges.
	text := strings.Replace(everyKey, "info: true", "info: false", 1)
	got := parse(t, text)
	want := &policy.Policy{
		Name: "every-key", Description: "All keys of this version",
		Machines: policy.Machines{
			IDs: []string{"i-1234567890abcdef0", "mi-1234567890abcdef0"}, Tags: map[string]string{"tier": "web", "1": "2"},
			Except: []string{"i-12345678"}, Priority: 1000,
		},
		Schedule: policy.Schedule{WeeklyOn: "saturday", WeeklyAt: "23:59", TimeZone: "America/New_York", Spread: time.Hour},
		Rules: []policy.Rule{{
			Name: "one", Fix: "Do it", Missing: policy.Missing(policy.Fail),
			Expected: "ossec running, version >= 3.7.0, < 4, and tcp/1-65535 closed, udp/53 open",
		}},
		Requests: policy.Requests{OnPass: "hold", OnFail: "hold", OnUnknown: "deny", EvidenceAge: 168 * time.Hour, Expire: 720 * time.Hour},
		Integrity: policy.Integrity{
			OnFail: "hold", Grace: 2160 * time.Hour, Confirm: 3, ConfirmOf: 5, SilenceAfter: time.Hour, SilenceThen: "revoke",
			RetryEvery: 5 * time.Minute, RestoreManual: true, RestoreAfter: 2, Changes: 100, Settle: 24 * time.Hour, Mode: "disable-key", SharedAllowed: true,
			Safeguard: unguarded,
		},
		Notify: policy.Notify{To: []string{"ops@example.com"}, TimeZone: "UTC", Escalate: []policy.Step{
			{After: 5 * time.Minute, To: []string{"lead@example.com"}}, {After: 720 * time.Hour, To: []string{"head@example.com", "ops@example.com"}},
		}},
		Digest: got.Digest, Text: text,
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(policy.Rule{})); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseDefaults(t *testing.T) {
	t.Parallel()
	got := parse(t, "policy: small")
	want := &policy.Policy{
		Name:     "small",
		Requests: policy.Requests{OnPass: "approve", OnFail: "deny", OnUnknown: "hold", EvidenceAge: time.Hour, Expire: 24 * time.Hour},
		Integrity: policy.Integrity{
			OnFail: "notify", Confirm: 1, ConfirmOf: 1, RestoreAfter: 1, Changes: 4, SilenceAfter: 24 * time.Hour, SilenceThen: "hold",
			RetryEvery: 30 * time.Minute, RetryUpTo: 50, Settle: 30 * time.Minute, Mode: "revoke-grant", Safeguard: unguarded,
		},
		// sha256 of the text, from sha256sum.
		Digest: "2e4b83dcbe3dc9a4d61cf3d9a3180c67af6f6b02250858ffe46d20fbb5c052cb", Text: "policy: small",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
}

func TestParseAcceptsOtherWritings(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"line ends of Windows": "policy: x\r\nschedule:\r\n  daily: 04:30\r\n  timeZone: Etc/GMT+5\r\nnotify:\r\n  to:\r\n  - ops@example.com\r\n",
		"a document marker":    "# a comment\n---\npolicy: x\n",
		"JSON":                 `{"policy": "x", "rules": [{"rule": "r", "os": {"is": "debian"}}], "integrity": {"confirm": 2}}`,
		"the plain forms":      "policy: x\nintegrity: {confirm: 2, restore: {after: 1}}\n",
		"literal text":         "policy: x\ndescription: |\n  one line\n",
		"brackets in texts":    "policy: x\ndescription: 'a [ b { c'\n",
		"100 rules":            "policy: x\nrules:\n" + manyRules(100),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p := parse(t, text); p.Name != "x" {
				t.Errorf("Parse(%q).Name = %q, want x", text, p.Name)
			}
		})
	}
}

func manyRules(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("- {rule: r" + strings.Repeat("x", i/26) + string(rune('a'+i%26)) + ", os: {kernel: \">= 3\"}}\n")
	}
	return b.String()
}
