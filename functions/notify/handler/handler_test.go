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
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

const contact = "account@example.com"

func newHandler(w *fake.World) *Handler {
	return &Handler{Store: w.Store, Mail: w.Mail, Contact: contact, Log: w.Log}
}

// violation is a world with a machine that failed and was not warned.
func violation(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	unwarned := func(m *record.Machine) { m.State.WarnedAt, m.State.DueAt = time.Time{}, time.Time{} }
	w.Store.Put(fake.Machine(append([]func(*record.Machine){fake.Bad, unwarned}, edits...)...))
	return w
}

func warn(t *testing.T, w *fake.World, now time.Time) (enforcement.Warned, error) {
	t.Helper()
	out, err := newHandler(w).Handle(t.Context(), now, fake.Event[enforcement.Task](t, "notify/warn.json"))
	return out.(enforcement.Warned), err
}

func TestWarn(t *testing.T) {
	t.Parallel()
	w := violation()
	now := fake.Start.Add(300 * time.Millisecond)
	got, err := warn(t, w, now)
	due := fake.Start.Add(4*time.Hour + time.Second) // rounded up, never shorter than promised
	want := enforcement.Warned{Outcome: "warned", DueAt: due, AcceptedAt: now, Reference: "i-1234567890abcdef0-2-enforce-1/warning"}
	if err != nil || got != want {
		t.Fatalf("warn = %+v, %v, want %+v", got, err, want)
	}
	m := w.Store.ByID[fake.ID]
	if !m.State.WarnedAt.Equal(now) || !m.State.DueAt.Equal(due) {
		t.Errorf("state = %+v, want the deadline that was promised", m.State)
	}
	mail := w.Mail.Sent[0]
	if diff := cmp.Diff([]string{fake.Owner, "ops@example.com"}, mail.To); diff != "" {
		t.Errorf("recipients (-want +got):\n%s", diff)
	}
	for _, part := range []string{fake.ID, "kernel is supported", "kernel >= 5.10", "4.19.0", "2 March 2026, 08:30:01 UTC", "09:30:01 (Europe/Berlin"} {
		if !strings.Contains(mail.Text, part) {
			t.Errorf("the mail lacks %q:\n%s", part, mail.Text)
		}
	}
	if n := w.Store.Told[want.Reference]; n.MessageID != "message-1" || n.Subject != mail.Subject || !n.AcceptedAt.Equal(now) {
		t.Errorf("notice = %+v", n)
	}
	if !slices.Equal(w.Store.Kinds(), []record.EntryKind{record.EntryWarned}) {
		t.Errorf("ledger = %v", w.Store.Kinds())
	}

	// The task again: warned, not mailed, the same deadline.
	again, err := warn(t, w, now.Add(time.Hour))
	if err != nil || !again.DueAt.Equal(due) || again.Outcome != "warned" || len(w.Mail.Sent) != 1 {
		t.Errorf("the second = %+v, %v, %d mails, want the first's deadline and one mail", again, err, len(w.Mail.Sent))
	}
	w.Never(t, "kms.", "states.")
}

func TestWarnOfARelapse(t *testing.T) {
	t.Parallel()
	w := violation(func(m *record.Machine) { m.State.OldDueAt = fake.Start.Add(-time.Hour) })
	got, err := warn(t, w, fake.Start)
	if err != nil || !got.DueAt.Equal(fake.Start.Add(integrity.RelapseFloor)) {
		t.Errorf("warn = %+v, %v, want 30 minutes", got, err)
	}
	if !strings.Contains(w.Mail.Sent[0].Text, "05:00:00 UTC") {
		t.Errorf("the mail names another deadline:\n%s", w.Mail.Sent[0].Text)
	}
}

func TestNobodyIsWarnedOfWhatIsOver(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"a newer generation": func(m *record.Machine) { m.State.Generation = 3 },
		"good again":         func(m *record.Machine) { m.State.Standing = integrity.Good },
	} {
		w := violation(edit)
		got, err := warn(t, w, fake.Start.Add(time.Millisecond))
		if err != nil || got.Outcome != "superseded" || !got.DueAt.Equal(fake.Start) {
			t.Errorf("%s: warn = %+v, %v, want superseded", name, got, err)
		}
		w.Never(t, "ses.", "store.Apply", "store.BeginNotice")
	}
}

// SES refuses: an error, and nobody counts as warned.
func TestSESRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		kind fault.Kind
	}{
		{fake.AWS(fault.Denied, "MessageRejected"), fault.Denied},
		{fake.AWS(fault.Transient, "TooManyRequestsException"), fault.Transient},
	} {
		w := violation()
		w.Fail("ses.Send", tt.err)
		_, err := warn(t, w, fake.Start)
		fake.Kind(t, err, tt.kind)
		m := w.Store.ByID[fake.ID]
		if !m.State.WarnedAt.IsZero() || !m.State.DueAt.IsZero() || len(w.Store.Entries) > 0 {
			t.Errorf("state = %+v, want nobody warned", m.State)
		}

		// The retry carries the same reference, says that it may be a repeat, and names its own deadline.
		later := fake.Start.Add(time.Minute)
		got, err := warn(t, w, later)
		if err != nil || !got.DueAt.Equal(later.Add(4*time.Hour)) {
			t.Errorf("the retry = %+v, %v", got, err)
		}
		mail := w.Mail.Sent[0]
		if mail.Reference != "i-1234567890abcdef0-2-enforce-1/warning" || !strings.Contains(strings.ToLower(mail.Text), "again") && !strings.Contains(strings.ToLower(mail.Text), "repeat") {
			t.Errorf("reference %q, text:\n%s\nwant it marked as repeated", mail.Reference, mail.Text)
		}
	}
}

// SES accepted it and the function was cut off before it could start the grace: no second mail, and
// the grace counts from the acceptance.
func TestAcceptedBefore(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Fail("store.Apply", fake.Down)
	_, err := warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)
	got, err := warn(t, w, fake.Start.Add(time.Minute))
	if err != nil || !got.DueAt.Equal(fake.Start.Add(4*time.Hour)) || !got.AcceptedAt.Equal(fake.Start) || len(w.Mail.Sent) != 1 {
		t.Errorf("the retry = %+v, %v with %d mails, want the deadline of the one mail", got, err, len(w.Mail.Sent))
	}
}

func TestRacesWithTheWarning(t *testing.T) {
	t.Parallel()
	// The violation is over by the time SES accepted: no grace starts.
	w := violation()
	w.Before("ses.Send", func() {
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Generation, m.State.Standing = 3, integrity.Good })
	})
	got, err := warn(t, w, fake.Start)
	if err != nil || !got.DueAt.Equal(fake.Start) || !w.Store.ByID[fake.ID].State.WarnedAt.IsZero() {
		t.Errorf("warn = %+v, %v, want no grace", got, err)
	}
	// Somebody else writes: it is written on top.
	w = violation()
	w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(m *record.Machine) { m.Name = "renamed" }) })
	if _, err := warn(t, w, fake.Start); err != nil || w.Store.ByID[fake.ID].Name != "renamed" || w.Store.ByID[fake.ID].State.DueAt.IsZero() {
		t.Errorf("warn: %v, machine %+v", err, w.Store.ByID[fake.ID])
	}
	w = violation()
	for range 5 {
		w.Before("store.Apply", func() { w.Store.Change(fake.ID, func(*record.Machine) {}) })
	}
	_, err = warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Machine", "store.Policy", "store.BeginNotice"} {
		w := violation()
		w.Fail(call, fake.Down)
		_, err := warn(t, w, fake.Start)
		fake.Kind(t, err, fault.Transient)
		w.Never(t, "ses.")
	}
	w := violation()
	w.Fail("store.Machine", nil, fake.Down)
	_, err := warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)

	w = violation()
	w.Store.PutPolicyText("policy: web-tier\nrules: no list\n")
	_, err = warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Internal)
	w.Never(t, "ses.")
}

func TestRefusedTasks(t *testing.T) {
	t.Parallel()
	for _, task := range []enforcement.Task{
		{}, {Version: 2, Op: "warn"}, {Version: 1, Op: "send"}, {Version: 1, Op: "tell"},
		{Version: 1, Op: "tell", Notice: "gossip"}, {Version: 1, Op: "tell", Notice: "warning"},
	} {
		w := violation()
		_, err := newHandler(w).Handle(t.Context(), fake.Start, task)
		fake.Kind(t, err, fault.Invalid)
		w.Never(t, "store.", "ses.")
	}
}

// A repeat of a warning that may have been sent names the deadline that it named, and that is the one that counts.
func TestARepeatedWarningNamesTheSameDeadline(t *testing.T) {
	t.Parallel()
	w := violation()
	due := fake.Start.Add(4 * time.Hour)
	w.Fail("store.EndNotice", fake.Down) // SES has it, and nobody noted that
	if _, err := warn(t, w, fake.Start); err == nil {
		t.Fatal("an outcome that was not recorded is no error")
	}
	got, err := warn(t, w, fake.Start.Add(40*time.Second))
	if err != nil || !got.DueAt.Equal(due) {
		t.Fatalf("the repeat = %+v, %v, want due %s", got, err, due)
	}
	if len(w.Mail.Sent) != 2 || w.Mail.Sent[0].Reference != w.Mail.Sent[1].Reference || w.Mail.Sent[0].Text == w.Mail.Sent[1].Text {
		t.Fatalf("mails = %d, want a second one with the same reference that says that it is a repeat", len(w.Mail.Sent))
	}
	for i, m := range w.Mail.Sent {
		if !strings.Contains(m.Text, "2 March 2026, 08:30:00 UTC") {
			t.Errorf("mail %d does not name the first deadline:\n%s", i, m.Text)
		}
	}
	if m := w.Store.ByID[fake.ID]; !m.State.DueAt.Equal(due) {
		t.Errorf("stored is %s, want %s", m.State.DueAt, due)
	}
}

// A warning that SES refused was not sent: the grace counts from the next one.
func TestARefusedWarningGivesTheWholeGrace(t *testing.T) {
	t.Parallel()
	for code, later := range map[string]time.Duration{"TooManyRequestsException": 40 * time.Second, "InternalFailure": 0, "ServiceUnavailable": 0} {
		w := violation()
		w.Fail("ses.Send", fake.AWS(fault.Transient, code))
		_, err := warn(t, w, fake.Start)
		fake.Kind(t, err, fault.Transient)
		got, err := warn(t, w, fake.Start.Add(40*time.Second))
		if want := fake.Start.Add(4*time.Hour + later); err != nil || !got.DueAt.Equal(want) {
			t.Errorf("%s: the next = %+v, %v, want due %s", code, got, err, want)
		}
	}
}

// That SES refused a repeat says nothing of the first attempt, which may be in the mailbox: its deadline stays.
func TestARefusedRepeatKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Fail("store.EndNotice", fake.Down) // SES has it, and nobody noted that
	if _, err := warn(t, w, fake.Start); err == nil {
		t.Fatal("an outcome that was not recorded is no error")
	}
	w.Fail("ses.Send", fake.AWS(fault.Transient, "TooManyRequestsException"))
	_, err := warn(t, w, fake.Start.Add(20*time.Second))
	fake.Kind(t, err, fault.Transient)
	got, err := warn(t, w, fake.Start.Add(40*time.Second))
	if want := fake.Start.Add(4 * time.Hour); err != nil || !got.DueAt.Equal(want) {
		t.Errorf("the next = %+v, %v, want due %s", got, err, want)
	}
}

func TestARefusalThatCannotBeRecordedKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	w := violation()
	w.Fail("ses.Send", fake.AWS(fault.Transient, "TooManyRequestsException"))
	w.Fail("store.EndNotice", fake.Down)
	_, err := warn(t, w, fake.Start)
	fake.Kind(t, err, fault.Transient)
	got, err := warn(t, w, fake.Start.Add(40*time.Second))
	if want := fake.Start.Add(4 * time.Hour); err != nil || !got.DueAt.Equal(want) {
		t.Errorf("the next = %+v, %v, want due %s", got, err, want)
	}
}
