package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func tell(t *testing.T, w *fake.World, edit func(*enforcement.Task)) (enforcement.Told, error) {
	t.Helper()
	task := fake.Event[enforcement.Task](t, "notify/tell.json")
	edit(&task)
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	return out.(enforcement.Told), err
}

func TestTellEveryKind(t *testing.T) {
	t.Parallel()
	for _, kind := range notice.Kinds() {
		if kind == notice.Warning {
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			w.Store.Put(fake.Machine(fake.Revoked, climbed(1), func(m *record.Machine) { m.State.HeldFor = "held-global" }))
			w.Store.PutPolicyText(climbing)
			if _, err := w.Store.PutRequest(t.Context(), record.Request{Machine: fake.ID, State: "Pending"}); err != nil { // what a notice of one is about
				t.Fatal(err)
			}
			got, err := tell(t, w, func(task *enforcement.Task) {
				task.Notice, task.Input.Notice = "", string(kind)
				task.Input.DueAt, task.Input.Step = fake.Start.Add(24*time.Hour), 1
				task.Input.Confirmation = &enforcement.Confirmation{Outcome: "unconfirmed", Text: "KMS did not answer"}
			})
			want := enforcement.Told{Reference: "i-1234567890abcdef0-2-tell-held-1/" + string(kind), AcceptedAt: fake.Start, MessageID: "message-1"}
			if err != nil || got != want {
				t.Fatalf("tell = %+v, %v, want %+v", got, err, want)
			}
			// What was told is told once.
			if again, err := tell(t, w, func(task *enforcement.Task) { task.Notice, task.Input.Step = string(kind), 1 }); err != nil || again != want || len(w.Mail.Sent) != 1 {
				t.Errorf("the second = %+v, %v, %d mails", again, err, len(w.Mail.Sent))
			}
			w.Never(t, "store.Apply")
		})
	}
}

// A mail about a key request says which, who decided, why and until when, and all of that is kept to say it again.
func TestTellOfARequest(t *testing.T) {
	t.Parallel()
	w := violation()
	until := fake.Start.Add(24 * time.Hour)
	_, err := tell(t, w, func(task *enforcement.Task) {
		task.Notice, task.Input.Notice = "", string(notice.RequestApproved)
		task.Input.By, task.Input.Why, task.Input.Request, task.Input.DueAt = "arn:aws:iam::123456789012:user/bob", "ticket 4711", "boot-1", until
	})
	if err != nil {
		t.Fatal(err)
	}
	text := w.Mail.Sent[0].Text
	for _, want := range []string{"ticket 4711", "By: arn:aws:iam::123456789012:user/bob", "Key request: boot-1", "It expires:", "Zone: us-east-1a"} {
		if !strings.Contains(text, want) {
			t.Errorf("the mail has not %q:\n%s", want, text)
		}
	}
	for _, n := range w.Store.Told {
		if n.By != "arn:aws:iam::123456789012:user/bob" || n.Why != "ticket 4711" || n.Request != "boot-1" || !n.Until.Equal(until) {
			t.Errorf("kept: %+v", n)
		}
	}
}

// The policy's own texts are in the mails about its machines, the warning's too, and the deadline stays what it is.
func TestThePolicysTexts(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Store.PutPolicyText(fake.Policy("to: [ops@example.com]", `subject: "[PROD]", header: "About {name}.", footer: Call 4711., texts: {warning: "Tell {owner}."}, to: [ops@example.com]`))
	if _, err := warn(t, w, fake.Start); err != nil {
		t.Fatal(err)
	}
	mail := w.Mail.Sent[0]
	text := strings.Join(strings.Fields(mail.Text), " ")
	if !strings.HasPrefix(mail.Subject, "[Keyward] [PROD] "+fake.ID) || !strings.Contains(text, "About web-1.") || !strings.Contains(text, "Tell ") || !strings.Contains(text, "Call 4711.") ||
		!strings.Contains(text, "which is Monday 2 March 2026, 08:30:00 UTC") {
		t.Errorf("%s\n%s", mail.Subject, mail.Text)
	}
}

// A policy may leave out what can wait. A policy that cannot be read leaves out nothing.
func TestWhatAPolicyLeavesOut(t *testing.T) {
	t.Parallel()
	for kind, want := range map[notice.Kind]int{notice.StoodDown: 0, notice.Restored: 1, notice.Held: 1} {
		w := violation()
		w.Store.PutPolicyText(fake.Policy("to: [ops@example.com]", "omit: [stoodDown], to: [ops@example.com]"))
		told, err := tell(t, w, func(task *enforcement.Task) { task.Notice = string(kind) })
		if err != nil || len(w.Mail.Sent) != want || told.AcceptedAt.IsZero() != (want == 0) {
			t.Errorf("%s: told %+v, %v, %d mails; want %d", kind, told, err, len(w.Mail.Sent), want)
		}
	}
	w := violation()
	w.Store.PutPolicyText(fake.Policy("to: [ops@example.com]", "omit: [ransom], to: [ops@example.com]"))
	if _, err := tell(t, w, func(task *enforcement.Task) { task.Notice = "stoodDown" }); err != nil || len(w.Mail.Sent) != 1 {
		t.Errorf("a policy that cannot be read: %v, %d mails", err, len(w.Mail.Sent))
	}
}

func TestTellFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "ses.Send"} {
		w := violation()
		w.Fail(call, fake.Down)
		_, err := tell(t, w, func(*enforcement.Task) {})
		fake.Kind(t, err, fault.Transient)
	}
}

func TestRecipients(t *testing.T) {
	t.Parallel()
	nobody := strings.Replace(fake.Policy(), "notify: {to: [ops@example.com], timeZone: Europe/Berlin}\n", "", 1)
	twice := fake.Policy("to: [ops@example.com]", "to: [ops@example.com, owner@example.com]")
	tests := []struct {
		name, owner, policy string
		want                []string
	}{
		{"owner and policy", fake.Owner, fake.Policy(), []string{fake.Owner, "ops@example.com"}},
		{"the owner is in the policy", fake.Owner, twice, []string{fake.Owner, "ops@example.com"}},
		{"no owner", "", fake.Policy(), []string{"ops@example.com"}},
		{"nobody is named", "", nobody, []string{contact}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.policy == nobody { // a policy that revokes has to say whom it tells
				tt.policy = strings.Replace(nobody, "onFail: revoke\n  grace: 4h", "onFail: hold", 1)
			}
			w := violation(func(m *record.Machine) { m.Owner = tt.owner })
			w.Store.PutPolicyText(tt.policy)
			if _, err := tell(t, w, func(*enforcement.Task) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.Mail.Sent[0].To); diff != "" {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
	w := violation(func(m *record.Machine) { m.Owner, m.Policy = "", "gone" })
	if _, err := tell(t, w, func(*enforcement.Task) {}); err != nil || !slices.Equal(w.Mail.Sent[0].To, []string{contact}) {
		t.Errorf("a policy that is gone: %v, %+v, want the account's contact", err, w.Mail.Sent)
	}
}

// What a machine says of itself reaches a mail without anything that a terminal or browser obeys.
func TestHostileFindings(t *testing.T) {
	t.Parallel()
	w := violation(func(m *record.Machine) {
		m.Name = "\x1b[2Jweb"
		m.Findings = []policy.Finding{{
			Rule: "ports", Verdict: policy.Fail, Expected: "tcp/23 closed", Actual: "\x1b]0;x\x07<script>alert(1)</script>",
			Offender: "tcp/23 /tmp/<img src=http://evil.example/x>\r\nBcc: all@example.com",
		}}
	})
	if _, err := warn(t, w, fake.Start); err != nil {
		t.Fatal(err)
	}
	mail := w.Mail.Sent[0]
	for _, body := range []string{mail.Subject, mail.Text, mail.HTML} {
		if strings.ContainsAny(body, "\x1b\x07") || strings.Contains(body, "\nBcc:") || strings.Contains(body, "http://evil") {
			t.Errorf("the mail carries what the machine said:\n%q", body)
		}
	}
	if strings.Contains(mail.HTML, "<script") || strings.Contains(mail.HTML, "<img") {
		t.Errorf("the mail carries the machine's HTML:\n%s", mail.HTML)
	}
}
