package notice_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

var now = time.Date(2025, 3, 28, 15, 30, 31, 0, time.UTC)

// base is a notice of every kind; the daylight saving time of its zone begins before its deadline.
func base(kind notice.Kind, change ...func(*notice.Notice)) notice.Notice {
	n := notice.Notice{
		Kind: kind, Machine: "i-1234567890abcdef0", Name: "db-1", Owner: "dana@example.com", Zone: "eu-central-1a", Policy: "databases", Version: 3,
		TimeZone: "Europe/Berlin", Reference: "i-1234567890abcdef0-7-enforce-1",
		Findings: []policy.Finding{
			{
				Rule: "no plain telnet", Verdict: policy.Fail, Expected: "tcp/23 closed", Actual: "tcp/23 listens on 0.0.0.0",
				Offender: "/usr/sbin/in.telnetd (pid 4711)", Fix: "Stop it: systemctl disable --now telnet.socket",
			},
			{Rule: "OSSEC up and current", Verdict: policy.Unknown, Expected: "ossec running, version 3.7.0 or later", Actual: "not known", Why: "not_root"},
		},
		FoundAt: now.Add(-90 * time.Second), After: 2 * time.Hour, Mode: policy.RevokeGrant,
		Key:     "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		Session: "arn:aws:sts::123456789012:assumed-role/db/i-1234567890abcdef0",
	}
	for _, c := range change {
		c(&n)
	}
	return n
}

func due(n *notice.Notice)        { n.DueAt = now.Add(3*24*time.Hour + 4*time.Hour) }
func noFindings(n *notice.Notice) { n.Findings = nil }
func done(n *notice.Notice)       { n.DoneAt = now.Add(-5 * time.Second) }
func ways(n *notice.Notice) {
	n.NotEffective = []string{"grant without a name to arn:aws:iam::123456789012:role/backup for Decrypt", "key policy: statement 3 admits everybody"}
}
func revoked(n *notice.Notice) {
	n.RevokedAt, n.DueAt, n.NextLook = now.Add(-time.Minute), now.Add(-2*time.Minute), now.Add(29*time.Minute)
}

func waived(n *notice.Notice) {
	n.Waived = []policy.Finding{{
		Rule: "no plain web", Verdict: policy.Fail, Expected: "tcp/80 closed", Actual: "tcp/80 on 0.0.0.0, /usr/sbin/nginx (pid 812)",
		Values: []string{"tcp/80, /usr/sbin/nginx"},
		Waived: []policy.Permission{{
			Waiver: "w-0123456789ab", Reason: "The old shop moves in April, ticket 4711.", By: "arn:aws:iam::123456789012:user/ada", Expires: now.Add(24 * time.Hour),
		}},
	}}
}

func ordered(n *notice.Notice) {
	n.OrderedBy, n.Why, n.FoundAt, n.DueAt = "arn:aws:iam::123456789012:user/alice", "the laptop with its passphrase was stolen, ticket 4711", time.Time{}, time.Time{}
}

func mails() map[string]notice.Notice {
	return map[string]notice.Notice{
		"warning": base(notice.Warning, due),
		"warning-links": base(notice.Warning, due, func(n *notice.Notice) {
			for i, does := range []string{"Have the machine looked at now:", "Hold it for an hour:"} {
				n.Links = append(n.Links, notice.Link{Does: does, URL: "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/a/" + strings.Repeat(string(rune('A'+i)), 43)})
			}
		}),
		"warning-relapse-repeated": base(notice.Warning, due, func(n *notice.Notice) {
			n.Relapse, n.Repeated, n.Mode, n.DueAt = true, true, policy.DisableKey, now.Add(30*time.Minute)
		}),
		"warning-texts": base(notice.Warning, due, func(n *notice.Notice) {
			n.Prefix, n.Header = "[PROD]", "This is about db-1 of the shop."
			n.Text, n.FooterText = "Tell the shop's manager before i-1234567890abcdef0 goes down.", "Questions: extension 4711, or https://wiki.example.com/databases"
		}),
		"warning-missed": base(notice.Warning, due, func(n *notice.Notice) {
			n.Missed = []string{"owner@example.com", "former@example.com"}
		}),
		"revoked-unwarned": base(notice.Revoked, due, func(n *notice.Notice) {
			n.RevokedAt, n.Unwarned = now.Add(-time.Minute), []string{"owner@example.com"}
		}),
		"held-unwarned": base(notice.Held, due, func(n *notice.Notice) {
			n.Why, n.Unwarned = "the warning reached nobody whom it counts for", []string{"owner@example.com", "ops@example.com"}
		}),
		"held-missed": base(notice.Held, due, func(n *notice.Notice) {
			n.Why, n.Missed = "the key is not tagged as guarded", []string{"owner@example.com", "ops@example.com"}
		}),
		"warning-silence": base(notice.Warning, due, noFindings, func(n *notice.Notice) {
			n.Silence, n.Why, n.GoodAt = true, "the machine did not answer within 3 minutes", now.Add(-73*time.Hour)
		}),
		"reminder":         base(notice.Reminder, due),
		"reminder-revoked": base(notice.Reminder, revoked),
		"reminder-silence": base(notice.Reminder, noFindings, func(n *notice.Notice) { n.Silence = true }),
		"breaker-open": {
			Kind: notice.BreakerOpen, Reference: "breaker-1-tell-breakerOpen-1", DoneAt: now,
			Why: "5 of at most 5 machines lost their keys within 1h0m0s, and i-1234567890abcdef0 is the first that has to wait",
		},
		"rules-tripped": {
			Kind: notice.RulesTripped, Policy: "databases", Reference: "breaker-databases-1-tell-rulesTripped-1", DoneAt: now,
			Why: `7 of 20 machines that complied fail rule "no plain telnet" of version 3`,
		},
		"stood-down":      base(notice.StoodDown, due, done, noFindings),
		"stood-down-told": base(notice.StoodDown, done, noFindings),
		"revoked":         base(notice.Revoked, revoked),
		"revoked-disable-key-manual": base(notice.Revoked, revoked, func(n *notice.Notice) {
			n.Mode, n.RestoreManual, n.Silence = policy.DisableKey, true, true
		}),
		"revoked-not-effective":  base(notice.Revoked, revoked, ways),
		"reminder-not-effective": base(notice.Reminder, revoked, ways),
		"not-effective": base(notice.NotEffective, noFindings, func(n *notice.Notice) {
			n.Why = "grant without a name to arn:aws:iam::123456789012:role/backup for Decrypt"
		}),
		"tag-drift": base(notice.TagDrift, noFindings, func(n *notice.Notice) {
			n.FoundAt, n.Why = time.Time{}, `keyward:key was "alias/web", is "alias/other"`
		}),
		"restore-dropped": base(notice.RestoreDropped, func(n *notice.Notice) {
			n.Why = "what arn:aws:iam::123456789012:user/dana asked for is not carried out: a newer inspection fails: no plain telnet: tcp/23 listens on 0.0.0.0"
		}),
		"withdrawn-disabled": base(notice.Withdrawn, done, noFindings, func(n *notice.Notice) {
			n.FoundAt, n.Mode, n.RevokedAt = time.Time{}, policy.DisableKey, now.Add(-time.Minute)
		}),
		"key-lost": base(notice.KeyLost, noFindings, func(n *notice.Notice) {
			n.FoundAt, n.Why = time.Time{}, "AWS KMS says that the key is Disabled, and Keyward did not do that"
		}),
		"revoked-ordered":         base(notice.Revoked, revoked, noFindings, ordered),
		"revoked-ordered-nothing": base(notice.Revoked, revoked, noFindings, ordered, func(n *notice.Notice) { n.NothingTaken = true }),
		"revoked-nothing":         base(notice.Revoked, revoked, func(n *notice.Notice) { n.NothingTaken = true }),
		"revoked-effective-machine": base(notice.Revoked, revoked, func(n *notice.Notice) {
			n.InForceAt, n.EffectiveAt, n.ByMachine = now.Add(4*time.Minute), now.Add(-time.Minute), true
			n.OnMachine = "postgresql.service inactive, /data unmounted, data closed"
		}),
		"revoked-effective-aws": base(notice.Revoked, revoked, func(n *notice.Notice) {
			n.InForceAt, n.EffectiveAt = now.Add(4*time.Minute), now
		}),
		"held-lock": base(notice.Held, done, func(n *notice.Notice) {
			n.DueAt, n.Why = now.Add(-time.Hour), "the machine could not be put at rest before the revocation"
			n.StepFailed, n.OnMachine = "mount /data is mounted (exit_32; held by 77 (postgres))", "/data mounted, postgresql.service active, data open"
		}),
		"restored": base(notice.Restored, done, noFindings, func(n *notice.Notice) { n.FoundAt = time.Time{} }),
		"held": base(notice.Held, done, func(n *notice.Notice) {
			n.DueAt, n.Why = now.Add(-time.Hour), "the key does not carry the tag keyward:guarded = true"
		}),
		"cannot-check": base(notice.CannotCheck, noFindings, func(n *notice.Notice) {
			n.Why, n.NextLook, n.GoodAt = "the SSM agent is not connected", now.Add(24*time.Hour), now.Add(-time.Hour)
		}),
		"cannot-check-due": base(notice.CannotCheck, due),
		"withdrawn":        base(notice.Withdrawn, done, noFindings, func(n *notice.Notice) { n.FoundAt = time.Time{} }),
		"unconfirmed": base(notice.Unconfirmed, done, func(n *notice.Notice) {
			n.DueAt, n.Why = now.Add(-time.Minute), "AWS KMS did not answer."
		}),
		"outage": {
			Kind: notice.Outage, Policy: "databases", Reference: "all-machines-0-tell-outage-1743175831", DoneAt: now,
			Why: "12 of 40 machines of policy databases give no usable answer at once",
		},
		"notify-bad": base(notice.NotifyBad, func(n *notice.Notice) { n.TimeZone = "" }),
		"notify-bad-shown": base(notice.NotifyBad, func(n *notice.Notice) {
			n.Version, n.Findings = 0, []policy.Finding{{Rule: "shown only", Verdict: policy.Pass, Info: true, Actual: "Debian 12"}, {Rule: "mute"}}
		}),
		"stood-down-waived":                  base(notice.StoodDown, done, noFindings, waived),
		"stood-down-corrected-beside-waived": base(notice.StoodDown, due, done, noFindings, waived, func(n *notice.Notice) { n.OldDueAt = n.DueAt }),
		"restored-waived":                    base(notice.Restored, done, noFindings, waived, func(n *notice.Notice) { n.FoundAt = time.Time{} }),
		"warning-beside-waived":              base(notice.Warning, due, waived),
		"waiver-ending": base(notice.WaiverEnding, noFindings, waived, func(n *notice.Notice) {
			n.FoundAt, n.DueAt = time.Time{}, now.Add(24*time.Hour)
		}),
		"request-pending": base(notice.RequestPending, asked, due, func(n *notice.Notice) {
			n.Why = "it is not known whether the machine complies"
		}),
		"request-pending-waived": base(notice.RequestPending, asked, noFindings, waived, func(n *notice.Notice) {
			n.Why = "the machine complies with its policy"
		}),
		"request-approved-policy": base(notice.RequestApproved, asked, done, noFindings, func(n *notice.Notice) {
			n.Why = "the machine complies with its policy"
		}),
		"request-approved": base(notice.RequestApproved, asked, due, noFindings, func(n *notice.Notice) {
			n.By, n.Why = "arn:aws:iam::123456789012:user/bob", "checked by hand, ticket 4711"
		}),
		"request-unopposed": base(notice.RequestUnopposed, asked, done, noFindings, func(n *notice.Notice) {
			n.Why = "the machine complies with its policy, and nobody decided otherwise in the time that the policy gives"
		}),
		"request-denied-policy": base(notice.RequestDenied, asked, done, func(n *notice.Notice) {
			n.Why = "the machine does not comply with its policy"
		}),
		"request-denied": base(notice.RequestDenied, asked, done, noFindings, func(n *notice.Notice) {
			n.By, n.Why = "arn:aws:iam::123456789012:user/bob", "it is not ours"
		}),
		"request-expired": base(notice.RequestExpired, asked, done, noFindings, func(n *notice.Notice) { n.Why = "nobody decided in time" }),
		"request-failed": base(notice.RequestFailed, asked, done, noFindings, func(n *notice.Notice) {
			n.Why = "the key is Disabled"
		}),
		"due-soon": base(notice.DueSoon, func(n *notice.Notice) { n.DueAt = now.Add(55 * time.Minute) }),
		"due-soon-silence": base(notice.DueSoon, noFindings, func(n *notice.Notice) {
			n.DueAt, n.Silence = now.Add(55*time.Minute), true
		}),
		"escalated": base(notice.Escalated, escalated, due),
		"escalated-revoked": base(notice.Escalated, escalated, func(n *notice.Notice) {
			n.FoundAt, n.WarnedAt, n.DueAt, n.RevokedAt = now.Add(-31*time.Hour), now.Add(-30*time.Hour), now.Add(-26*time.Hour), now.Add(-26*time.Hour)
			n.After, n.NextLook, n.NotEffective = 30*time.Hour, now.Add(12*time.Minute), []string{"key policy: statement 3 admits everybody"}
		}),
		"escalated-held": base(notice.Escalated, escalated, func(n *notice.Notice) {
			n.DueAt, n.Why = now.Add(-time.Hour), "the breaker is open: too many machines lost their keys"
		}),
		"escalated-due":      base(notice.Escalated, escalated, func(n *notice.Notice) { n.DueAt = now.Add(-time.Minute) }),
		"escalated-notified": base(notice.Escalated, func(n *notice.Notice) { n.FoundAt = now.Add(-125 * time.Minute) }),
		"escalated-asked": base(notice.Escalated, func(n *notice.Notice) {
			n.FoundAt, n.Why = now.Add(-125*time.Minute), "the policy leaves the decision to a person"
		}),
		"escalated-silence": base(notice.Escalated, escalated, due, noFindings, func(n *notice.Notice) {
			n.Silence, n.Missed = true, []string{"lead@example.com"}
		}),
		"effective": base(notice.Effective, revoked, noFindings, func(n *notice.Notice) { n.FoundAt, n.EffectiveAt = time.Time{}, now }),
		"waived": base(notice.Waived, due, noFindings, byBob, func(n *notice.Notice) {
			n.What, n.Waiver = `rule "no plain telnet": tcp/23, /usr/sbin/in.telnetd`, "w-0123456789ab"
		}),
		"waived-policy": {
			Kind: notice.Waived, Policy: "databases", By: "arn:aws:iam::123456789012:user/bob", Why: "the old shop moves in April, ticket 4711",
			What: `rule "no plain telnet": tcp/23, /usr/sbin/in.telnetd`, Waiver: "w-0123456789ab", DueAt: now.Add(7 * 24 * time.Hour), TimeZone: "Europe/Berlin",
		},
		"waived-everywhere": {
			Kind: notice.Waived, By: "arn:aws:iam::123456789012:user/bob", Why: "the old shop moves in April, ticket 4711",
			What: `rule "no plain telnet": tcp/23, /usr/sbin/in.telnetd`, Waiver: "w-0123456789ab", DueAt: now.Add(7 * 24 * time.Hour),
		},
		"policy-changed": {
			Kind: notice.PolicyChanged, Policy: "databases", Version: 4, By: "arn:aws:iam::123456789012:user/bob", What: "put as version 4, after version 3",
			TimeZone: "Europe/Berlin", Reference: "policy-databases-4-tell-policyChanged-1",
		},
		"policy-deleted": {
			Kind: notice.PolicyChanged, Policy: "databases", By: "arn:aws:iam::123456789012:user/bob", What: "deleted",
		},
		"waiver-asked": base(notice.WaiverAsked, due, func(n *notice.Notice) { n.By = "link of the mail to ada@example.com" }),
		"order-failed": base(notice.OrderFailed, noFindings, byBob, func(n *notice.Notice) {
			n.FoundAt, n.Why = time.Time{}, "a hold covers it"
		}),
		"minimal": {Kind: notice.NotifyBad, Machine: "mi-0123456789abcdef0"},
		"hostile": hostile(),
	}
}

// escalated makes it a notice of a machine that was warned of two hours ago.
func escalated(n *notice.Notice) {
	n.WarnedAt, n.FoundAt = now.Add(-2*time.Hour), now.Add(-2*time.Hour-90*time.Second)
}

// asked makes it a notice about a key request.
func asked(n *notice.Notice) {
	n.FoundAt, n.Request = time.Time{}, "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"
}

// byBob makes it a notice about what Bob did.
func byBob(n *notice.Notice) {
	n.FoundAt, n.By, n.Why = time.Time{}, "arn:aws:iam::123456789012:user/bob", "the old shop moves in April, ticket 4711"
}

// hostile is a notice in which everything that a machine can choose attacks the reader.
func hostile() notice.Notice {
	attack := "\x1b[2J\x1b]8;;https://evil.example/\x07click\x1b]8;;\x07 </td></table><script>alert(1)</script><img src=x onerror=alert(1)>" +
		"\r\nBcc: everyone@evil.example\r\n\r\n<h1>Your account</h1> www.evil.example javascript:alert(1) \u202egpj.exe \u200b{{.Owner}} \xff\xfe"
	return base(notice.Warning, due, func(n *notice.Notice) {
		n.Machine = "i-0\r\nSubject: x; rm -rf /"
		n.Name, n.Owner, n.Why, n.Reference = attack, attack, attack, attack
		n.StepFailed, n.OnMachine = attack, attack
		n.Findings = nil
		for range notice.MaxFindings + 13 {
			n.Findings = append(n.Findings, policy.Finding{
				Rule: attack, Verdict: policy.Unknown, Expected: attack, Actual: strings.Repeat(attack, 40), Offender: strings.Repeat("A", 10_000), Why: attack, Fix: attack,
			})
			n.Waived = append(n.Waived, policy.Finding{
				Rule: attack, Verdict: policy.Fail, Expected: attack, Actual: attack, Waived: []policy.Permission{{Waiver: attack, Reason: attack, By: attack}},
			})
		}
	})
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for name, n := range mails() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := notice.Render(n, now)
			if err != nil {
				t.Fatalf("Render: %v", err)
			}
			golden(t, name+".txt", "Subject: "+m.Subject+"\n\n"+m.Text)
			golden(t, name+".html", m.HTML)
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), rewritten by -update:\n%s", name, diff)
	}
}

func TestEveryKindHasAGolden(t *testing.T) {
	t.Parallel()
	told := map[notice.Kind]bool{}
	for _, n := range mails() {
		told[n.Kind] = true
	}
	for _, k := range notice.Kinds() {
		if !told[k] {
			t.Errorf("no mail of kind %s is tested", k)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		notice notice.Notice
		want   string
	}{
		{"no kind", base(""), `rendering notice: kind is ""`},
		{"unknown kind", base("ransom\r\nBcc: x"), `rendering notice: kind is "ransom Bcc: x"`},
		{"no machine", base(notice.Held, func(n *notice.Notice) { n.Machine = "" }), "rendering notice: it names no machine"},
		{"waiver that ends without an end", base(notice.WaiverEnding), "rendering notice: it does not say when the waiver ends"},
		{"warning without a deadline", base(notice.Warning), "rendering notice: the warning has no deadline"},
		{"soon without a deadline", base(notice.DueSoon), "rendering notice: the warning has no deadline"},
		{"escalation without its time", base(notice.Escalated, func(n *notice.Notice) { n.After = 0 }), "rendering notice: it does not say for how long nobody put it right"},
		{"waiver without an end", base(notice.Waived), "rendering notice: it does not say when the waiver ends"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := notice.Render(tt.notice, now)
			if err == nil || err.Error() != tt.want {
				t.Errorf("Render: %v, want %s", err, tt.want)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, zone string
		due        time.Time
		want       string
	}{
		{"across the change to summer time", "Europe/Berlin", now.Add(76 * time.Hour),
			"Monday 31 March 2025, 21:30:31 (Europe/Berlin; CEST, UTC+02:00), which is Monday 31 March 2025, 19:30:31 UTC (in 3 days 4 hours)"},
		{"a zone without an abbreviation", "America/Sao_Paulo", now.Add(time.Hour + time.Second),
			"Friday 28 March 2025, 13:30:32 (America/Sao_Paulo; UTC-03:00), which is Friday 28 March 2025, 16:30:32 UTC (in 1 hour)"},
		{"a quarter hour", "Asia/Kathmandu", now.Add(61 * time.Minute), "(Asia/Kathmandu; UTC+05:45), which is Friday 28 March 2025, 16:31:31 UTC (in 1 hour 1 minute)"},
		{"no zone", "", now.Add(90 * time.Second), "at Friday 28 March 2025, 15:32:01 UTC (in 1 minute 30 seconds)"},
		{"a zone nobody knows", "Mars/Olympus", now.Add(time.Second), "at Friday 28 March 2025, 15:30:32 UTC (in 1 second)"},
		{"the host's zone is nobody's", "Local", now, "at Friday 28 March 2025, 15:30:31 UTC (now)"},
		{"over", "UTC", now.Add(-49 * time.Hour), "at Wednesday 26 March 2025, 14:30:31 UTC (2 days 1 hour ago)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := notice.Render(base(notice.Warning, func(n *notice.Notice) { n.TimeZone, n.DueAt = tt.zone, tt.due }), now)
			if err != nil {
				t.Fatalf("Render: %v", err)
			}
			if text := oneLine(m.Text); !strings.Contains(text, tt.want) {
				t.Errorf("the text has not %q:\n%s", tt.want, m.Text)
			}
		})
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// A policy may have a text for each kind but those about the whole stack.
func TestPoliciesKnowTheEvents(t *testing.T) {
	t.Parallel()
	var want, omissible []string
	for _, e := range notice.Events() {
		if !e.Kind.OfStack() {
			want = append(want, string(e.Kind))
		}
		if e.Omissible() {
			omissible = append(omissible, string(e.Kind))
		}
	}
	slices.Sort(want)
	slices.Sort(omissible)
	if diff := cmp.Diff(omissible, slices.Sorted(slices.Values(policy.Omissible))); diff != "" {
		t.Errorf("events that can wait (-shared/notice +shared/policy):\n%s", diff)
	}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(policy.MailEvents))); diff != "" {
		t.Errorf("events (-shared/notice +shared/policy):\n%s", diff)
	}
}

// The list of events is read where Markdown is not shown.
func TestEventsInPlainWords(t *testing.T) {
	t.Parallel()
	for _, e := range notice.Events() {
		if got, ok := notice.EventOf(string(e.Kind)); !ok || got != e {
			t.Errorf("EventOf(%q) = %v, %t", e.Kind, got, ok)
		}
		if strings.ContainsAny(e.Said(), "`[]") {
			t.Errorf("%s: %q", e.Kind, e.Said())
		}
	}
	e, _ := notice.EventOf("waiverAsked")
	if want := "somebody asks by a link of a mail that what a machine fails by may stand; it goes to the account's contact too"; e.Said() != want {
		t.Errorf("Said() = %q, want %q", e.Said(), want)
	}
	if e, ok := notice.EventOf("ransom"); ok {
		t.Errorf("EventOf of none = %v", e)
	}
}
