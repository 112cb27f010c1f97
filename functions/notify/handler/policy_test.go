package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

const bob = "arn:aws:iam::123456789012:user/bob"

// putting is a world in which web-tier has a second version that names others.
func putting(t *testing.T) *fake.World {
	t.Helper()
	w := fake.New()
	for version, to := range []string{"ops@example.com", "new@example.com"} {
		if _, err := w.Store.PutPolicy(t.Context(), record.Policy{Name: "other", Version: version, Text: strings.Replace(fake.Policy("ops@example.com", to), "web-tier", "other", 1)}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func changedPolicy(version int64, what string) func(*enforcement.Task) {
	return func(task *enforcement.Task) {
		task.Notice, task.Execution = "", "policy-other-2-tell-policyChanged-1"
		task.Input = enforcement.State{Input: enforcement.Input{
			Kind: enforcement.Tell, Notice: string(notice.PolicyChanged), Machine: "policy-other", Generation: version, Policy: "other", By: bob, What: what,
		}}
	}
}

// Who is taken out of a policy hears of that, as do those who are in it now, and the account's contact.
func TestAPolicyThatWasChanged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		version int64
		what    string
		to      []string
		says    string
	}{
		"changed":               {2, "put as version 2, after version 1", []string{"new@example.com", "ops@example.com", contact}, "keyward policy diff other 1 2"},
		"put":                   {1, "put for the first time", []string{"ops@example.com", contact}, "policy other was put for the first time"},
		"deleted":               {3, "deleted", []string{"new@example.com", contact}, "built-in policy"},
		"its versions are gone": {9, "put as version 9, after version 8", []string{contact}, "version 9"},
	} {
		w := putting(t)
		if _, err := tell(t, w, changedPolicy(tt.version, tt.what)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mail := w.Mail.Sent[0]
		if diff := cmp.Diff(tt.to, mail.To); diff != "" {
			t.Errorf("%s: recipients (-want +got):\n%s", name, diff)
		}
		if text := strings.Join(strings.Fields(mail.Text), " "); !strings.Contains(text, tt.says) || !strings.Contains(text, bob) {
			t.Errorf("%s: the mail does not say %q, or who:\n%s", name, tt.says, mail.Text)
		}
	}
	w := putting(t)
	w.Fail("store.PolicyVersion", fake.Down)
	_, err := tell(t, w, changedPolicy(2, "x"))
	fake.Kind(t, err, fault.Transient)
}

// A waiver of one machine is told to its owner; one of many to those whom the policy names, and to the account's contact.
func TestAWaiver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		machine, policy string
		to              []string
		subject         string
	}{
		"of a machine":  {fake.ID, "web-tier", []string{fake.Owner, "ops@example.com"}, "Machine " + fake.ID + " (web-1): a waiver until 9 Mar 05:30 CET"},
		"of a policy":   {"w-0123456789ab", "web-tier", []string{"ops@example.com", contact}, "Machines under policy web-tier: a waiver until 9 Mar 05:30 CET"},
		"of everything": {"w-0123456789ab", "", []string{contact}, "All machines: a waiver until 9 Mar 04:30 UTC"},
	} {
		w := fake.New()
		_, err := tell(t, w, func(task *enforcement.Task) {
			task.Notice = ""
			task.Input = enforcement.State{Input: enforcement.Input{
				Kind: enforcement.Tell, Notice: string(notice.Waived), Machine: tt.machine, Policy: tt.policy, By: bob, Why: "ticket 4711",
				What: `rule "kernel is supported": 4.19.0`, Request: "w-0123456789ab", DueAt: fake.Start.Add(7 * 24 * time.Hour),
			}}
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mail := w.Mail.Sent[0]
		if diff := cmp.Diff(tt.to, mail.To); diff != "" {
			t.Errorf("%s: recipients (-want +got):\n%s", name, diff)
		}
		if mail.Subject != "[Keyward] "+tt.subject || !strings.Contains(mail.Text, "ticket 4711") || !strings.Contains(mail.Text, "keyward waiver lift w-0123456789ab") {
			t.Errorf("%s: %s\n%s", name, mail.Subject, mail.Text)
		}
	}
}
