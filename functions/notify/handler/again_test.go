package handler

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// again tells a notice that did not reach these when it was sent before.
func again(t *testing.T, w *fake.World, kind notice.Kind, missed ...string) enforcement.Told {
	t.Helper()
	got, err := tell(t, w, func(task *enforcement.Task) { task.Notice, task.Input.Missed = string(kind), missed })
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func words(text string) string { return strings.Join(strings.Fields(text), " ") }

func TestToldToTheNext(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ missed, to []string }{
		"the policy":            {[]string{fake.Owner}, []string{ops}},
		"the account's contact": {[]string{fake.Owner, ops}, []string{contact}},
	} {
		w := violation(fake.Revoked)
		got := again(t, w, notice.Restored, c.missed...)
		if diff := cmp.Diff(c.to, w.Mail.Sent[0].To); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if want := "did not reach " + strings.Join(c.missed, ", "); !strings.Contains(words(w.Mail.Sent[0].Text), want) {
			t.Errorf("%s: the mail does not say %q:\n%s", name, want, w.Mail.Sent[0].Text)
		}
		if n := w.Store.Told[got.Reference]; !cmp.Equal(n.Missed, c.missed) {
			t.Errorf("%s: notice %+v, want it to say whom it did not reach", name, n)
		}
	}
}

// When nobody is left no mail is sent, so that no mail is sent for ever, and an alarm rings.
func TestNobodyIsLeftToTell(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]*fake.World{
		"all came back":      violation(),
		"no owner":           violation(func(m *record.Machine) { m.Owner = "" }),
		"a warning came too": violation(bounced(fake.Owner)),
	} {
		if got := again(t, w, notice.Held, fake.Owner, ops, contact); got != (enforcement.Told{}) {
			t.Errorf("%s: tell = %+v, want nothing", name, got)
		}
		w.Never(t, "ses.", "store.BeginNotice")
		if !strings.Contains(w.Logged(), nobody) {
			t.Errorf("%s: the log does not say so: %s", name, w.Logged())
		}
	}
}

// The mail about a revocation says for whom the warning counted, when that came back too late.
func TestUnwarned(t *testing.T) {
	t.Parallel()
	w := violation(fake.Revoked, bounced(fake.Owner))
	again(t, w, notice.Revoked)
	if text := words(w.Mail.Sent[0].Text); !strings.Contains(text, "did not reach "+fake.Owner) || !cmp.Equal(w.Mail.Sent[0].To, []string{ops}) {
		t.Errorf("to %v:\n%s", w.Mail.Sent[0].To, text)
	}
	w = violation(fake.Revoked, bounced(fake.Owner), func(m *record.Machine) { m.Warning.Counts = []string{ops} })
	again(t, w, notice.Revoked)
	if text := words(w.Mail.Sent[0].Text); strings.Contains(text, "did not reach") {
		t.Errorf("the policy's address was warned: %s", text)
	}
}

// A hold because nobody was warned names the addresses that came back.
func TestHeldForABounce(t *testing.T) {
	t.Parallel()
	w := violation(bounced(fake.Owner, ops), func(m *record.Machine) { m.State.HeldFor = "warning-bounced" })
	again(t, w, notice.Held)
	if text := words(w.Mail.Sent[0].Text); !strings.Contains(text, "These did not get it: "+fake.Owner+", "+ops) || !cmp.Equal(w.Mail.Sent[0].To, []string{contact}) {
		t.Errorf("to %v:\n%s", w.Mail.Sent[0].To, text)
	}
}
