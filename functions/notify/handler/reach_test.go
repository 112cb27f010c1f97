package handler

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const ops = "ops@example.com"

// bounced makes a machine whose warning did not reach these.
func bounced(lost ...string) func(*record.Machine) {
	return func(m *record.Machine) {
		m.Warning = &record.Warning{Violation: m.State.Since, Reference: "i-1234567890abcdef0-1-enforce-1", Counts: lost, Lost: lost}
	}
}

// A warning counts for the owner, else for the policy's addresses, else for the account's contact.
func TestWhomAWarningCountsFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit       func(*record.Machine)
		to, counts []string
	}{
		"the owner":   {func(*record.Machine) {}, []string{fake.Owner, ops}, []string{fake.Owner}},
		"no owner":    {func(m *record.Machine) { m.Owner = "" }, []string{ops}, []string{ops}},
		"the policy":  {bounced(fake.Owner), []string{ops}, []string{ops}},
		"the account": {bounced(fake.Owner, ops), []string{contact}, []string{contact}},
		"another violation": {func(m *record.Machine) {
			bounced(fake.Owner)(m)
			m.Warning.Violation = fake.Start.Add(-time.Hour)
		}, []string{fake.Owner, ops}, []string{fake.Owner}},
	} {
		w := violation(c.edit)
		got, err := warn(t, w, fake.Start)
		if err != nil || got.Outcome != "warned" {
			t.Fatalf("%s: warn = %+v, %v", name, got, err)
		}
		n, m := w.Store.Told[got.Reference], w.Store.ByID[fake.ID]
		if diff := cmp.Diff(c.to, w.Mail.Sent[0].To) + cmp.Diff(c.counts, n.Counts) + cmp.Diff(c.counts, m.Warning.Counts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !n.Violation.Equal(m.State.Since) || !m.Warning.Violation.Equal(m.State.Since) {
			t.Errorf("%s: notice %+v, warning %+v, want both of this violation", name, n, m.Warning)
		}
	}
}

// The next ones get the reference of the first mail, and the grace from theirs.
func TestTheNextWarning(t *testing.T) {
	t.Parallel()
	w := violation(bounced(fake.Owner), func(m *record.Machine) { m.State.PromisedAt = fake.Start.Add(time.Minute) })
	got, err := warn(t, w, fake.Start)
	if err != nil || !got.DueAt.Equal(fake.Start.Add(4*time.Hour)) {
		t.Errorf("warn = %+v, %v, want the whole grace", got, err)
	}
	mail := w.Mail.Sent[0]
	if mail.Reference != "i-1234567890abcdef0-1-enforce-1/warning" {
		t.Errorf("reference = %q, want the first mail's", mail.Reference)
	}
	want := map[string]string{"keyward-machine": fake.ID, "keyward-execution": "i-1234567890abcdef0-2-enforce-1", "keyward-notice": "warning"}
	if diff := cmp.Diff(want, mail.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if m := w.Store.ByID[fake.ID]; m.Warning.Reference != "i-1234567890abcdef0-1-enforce-1" || !cmp.Equal(m.Warning.Lost, []string{fake.Owner}) {
		t.Errorf("warning = %+v, want the first reference and whom it did not reach", m.Warning)
	}
}

func TestNobodyIsLeftToWarn(t *testing.T) {
	t.Parallel()
	w := violation(bounced(fake.Owner, ops, contact))
	got, err := warn(t, w, fake.Start)
	if err != nil || got.Outcome != "unreachable" || !got.DueAt.Equal(fake.Start) {
		t.Errorf("warn = %+v, %v, want unreachable", got, err)
	}
	w.Never(t, "ses.", "store.Apply", "store.BeginNotice")
}

// SES says that the mail came back before we could note that it took it.
func TestBouncedAtOnce(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, bounced(fake.Owner)) })
	got, err := warn(t, w, fake.Start)
	m := w.Store.ByID[fake.ID]
	if err != nil || got.Outcome != "superseded" || !m.State.WarnedAt.IsZero() || !m.State.DueAt.IsZero() || m.State.Generation != 3 {
		t.Errorf("warn = %+v, %v, state %+v, want nobody warned and a new generation", got, err, m.State)
	}
	if len(w.Mail.Sent) != 1 || len(w.Store.Entries) != 1 {
		t.Errorf("%d mails, ledger %+v", len(w.Mail.Sent), w.Store.Entries)
	}
}

// An attempt whose answer was lost is repeated to those who can still be reached.
func TestRepeatedToOthers(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Fail("store.EndNotice", fake.Down)
	_, err := warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)
	w.Store.Change(fake.ID, bounced(fake.Owner))
	got, err := warn(t, w, fake.Start.Add(time.Minute))
	if err != nil || got.Outcome != "warned" || !got.DueAt.Equal(fake.Start.Add(4*time.Hour+time.Minute)) || !cmp.Equal(w.Mail.Sent[1].To, []string{ops}) {
		t.Errorf("the retry = %+v, %v to %v, want the policy's address warned", got, err, w.Mail.Sent[1].To)
	}
	if n := w.Store.Told[got.Reference]; !cmp.Equal(n.To, []string{ops}) || !cmp.Equal(n.Counts, []string{ops}) || n.Attempts != 2 {
		t.Errorf("notice = %+v", n)
	}
}
