package content_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/content"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

var now = time.Date(2026, 3, 2, 4, 30, 0, 0, time.UTC)

// A preview of each kind is a whole mail, of the example and of a machine of which little is known.
func TestEveryKindCanBePreviewed(t *testing.T) {
	t.Parallel()
	for _, kind := range notice.Kinds() {
		m, p := content.Example(now)
		mail, err := notice.Render(content.Preview(kind, m, p, now), now)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if text := strings.Join(strings.Fields(mail.Text), " "); !kind.OfStack() && (!strings.Contains(text, m.ID) || !strings.Contains(text, "web-1")) || strings.Contains(text, "0001") {
			t.Errorf("%s:\n%s", kind, mail.Text)
		}
		m.Name, m.Owner, m.Zone, m.Findings, m.State = "", "", "", nil, integrity.State{}
		if _, err := notice.Render(content.Preview(kind, m, p, now), now); err != nil {
			t.Errorf("%s, of a machine that was never judged: %v", kind, err)
		}
	}
}

// A deadline that runs is the one that is shown; without one it is what a warning now would promise.
func TestThePreviewOfAWarning(t *testing.T) {
	t.Parallel()
	m, p := content.Example(now)
	if n := content.Preview(notice.Warning, m, p, now); !n.DueAt.Equal(now.Add(4*time.Hour)) || len(n.Findings) != 1 {
		t.Errorf("due at %s with %d findings, want the policy's grace from now", n.DueAt, len(n.Findings))
	}
	m.State.WarnedAt, m.State.DueAt = now.Add(-time.Hour), now.Add(3*time.Hour)
	for _, kind := range []notice.Kind{notice.Warning, notice.DueSoon} {
		if n := content.Preview(kind, m, p, now); !n.DueAt.Equal(m.State.DueAt) {
			t.Errorf("%s: due at %s, want the deadline that runs", kind, n.DueAt)
		}
	}
}

// What is shown of an escalation is the step that comes next; where all were told it is the last, and an example where there is none.
func TestThePreviewOfAnEscalation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		steps []policy.Step
		told  int
		want  time.Duration
	}{
		"no steps":             {nil, 0, 2 * time.Hour},
		"nothing was told yet": {[]policy.Step{{After: time.Hour}, {After: 8 * time.Hour}}, 0, time.Hour},
		"the first was told":   {[]policy.Step{{After: time.Hour}, {After: 8 * time.Hour}}, 1, 8 * time.Hour},
		"all were told":        {[]policy.Step{{After: time.Hour}, {After: 8 * time.Hour}}, 2, 8 * time.Hour},
	} {
		m, p := content.Example(now)
		p.Notify.Escalate = tt.steps
		m.State.WarnedAt, m.State.HeldFor = now.Add(-time.Hour), "not-guarded"
		m.Escalated = record.Escalation{Violation: m.State.Since, Steps: tt.told}
		n := content.Preview(notice.Escalated, m, p, now)
		if n.After != tt.want || !n.WarnedAt.Equal(m.State.WarnedAt) || n.Why == "" || n.Why == "not-guarded" {
			t.Errorf("%s: Preview = after %s, warned at %s, %q; want after %s", name, n.After, n.WarnedAt, n.Why, tt.want)
		}
	}
}

// A policy's texts stand in its mails with what the machine is; what a warning has to say stays.
func TestTextsOfAPolicy(t *testing.T) {
	t.Parallel()
	m, p := content.Example(now)
	p.Notify.Subject, p.Notify.Header, p.Notify.Footer = "[{policy}]", "About {name} in {zone}.", "Owner {owner}, version {version}"
	p.Notify.Texts = map[string]string{"warning": "Before {machine} goes down ({event}).", "held": "not here"}
	m.Zone = ""
	mail, err := notice.Render(content.Preview(notice.Warning, m, p, now), now)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(mail.Text), " ")
	for _, want := range []string{"About web-1 in .", "Before i-1234567890abcdef0 goes down (warning).", "Owner owner@example[.]com, version 3", "will be revoked at"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail has not %q:\n%s", want, mail.Text)
		}
	}
	if !strings.HasPrefix(mail.Subject, "[Keyward] [example] i-1234567890abcdef0 (web-1) does not comply: its key will be revoked") || strings.Contains(text, "not here") {
		t.Errorf("subject %q:\n%s", mail.Subject, mail.Text)
	}
	m.Name = "<script>alert(1)</script> www.evil.example"
	mail, err = notice.Render(content.Preview(notice.Warning, m, p, now), now)
	if err != nil || strings.Contains(mail.HTML, "<script>") || strings.Contains(mail.Text, "www.evil") {
		t.Errorf("%v: a machine's name breaks out of a text:\n%s", err, mail.Text)
	}
}

func TestPolicyOf(t *testing.T) {
	t.Parallel()
	unread := errors.New("no answer")
	for name, want := range map[string]int{policy.DefaultName: 0, "web": 7} {
		p, err := content.PolicyOf(name, func(name string) (record.Policy, error) {
			if name != "web" {
				return record.Policy{}, unread
			}
			return record.Policy{Name: name, Version: 7, Text: "policy: web\n"}, nil
		})
		if err != nil || p.Name != name || p.Version != want {
			t.Errorf("PolicyOf(%q) = %v, %v", name, p, err)
		}
	}
	if _, err := content.PolicyOf("shop", func(string) (record.Policy, error) { return record.Policy{}, unread }); !errors.Is(err, unread) {
		t.Errorf("a policy that is not read: %v", err)
	}
	if _, err := content.PolicyOf("web", func(string) (record.Policy, error) { return record.Policy{Name: "web", Text: "what"}, nil }); err == nil {
		t.Error("a text that is no policy is one")
	}
}
