package handler

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

const (
	reference = "i-1234567890abcdef0-2-enforce-1/warning"
	team      = "ops@example.com"
	messageID = "EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000" // of the events
)

// warned is a world whose machine was warned by a mail to owner and policy, for the owner.
func warned(edits ...func(*record.Machine)) *fake.World {
	w := fake.New()
	grace := func(m *record.Machine) {
		m.State.DueAt = fake.Start.Add(time.Hour)
		m.Warning = &record.Warning{Violation: m.State.Since, Reference: strings.TrimSuffix(reference, "/warning"), Counts: []string{fake.Owner}}
	}
	m := fake.Machine(append([]func(*record.Machine){fake.Bad, grace}, edits...)...)
	w.Store.Put(m)
	w.Store.Told[reference] = record.Notice{
		Machine: fake.ID, Reference: reference, Kind: "warning", To: []string{fake.Owner, team}, Counts: []string{fake.Owner},
		Violation: fake.Start.Add(-6 * time.Hour), Attempts: 1, Revision: 2, AcceptedAt: m.State.WarnedAt, MessageID: messageID,
	}
	return w
}

func handle(t *testing.T, w *fake.World, name string, edit ...func(*events.SNSEvent)) (Summary, error) {
	t.Helper()
	e := fake.Event[events.SNSEvent](t, "delivery/"+name)
	for _, f := range edit {
		f(&e)
	}
	return (&Handler{Store: w.Store, Account: fake.Account, Region: fake.Region, Log: w.Log}).Handle(t.Context(), fake.Start, e)
}

// What reached its recipient, or may still, is recorded and moves nothing.
func TestRecorded(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]record.Outcome{
		"delivery.json":         {Kind: record.Delivered, Detail: "250 2.6.0 Message received"},
		"bounce-transient.json": {Kind: record.Deferred, Detail: "Transient MailboxFull: smtp; 552 5.2.2 mailbox full"},
		"delivery-delay.json":   {Kind: record.Delayed, Detail: "TransientCommunicationFailure: smtp; 421 4.4.1 Unable to connect to remote host"},
	} {
		w := warned()
		before := w.Store.ByID[fake.ID]
		want.Address, want.At = fake.Owner, time.Date(2026, 3, 1, 22, 30, 4, 0, time.UTC)
		for range 2 { // SNS brings it twice
			if _, err := handle(t, w, name); err != nil {
				t.Fatal(err)
			}
		}
		n := w.Store.Told[reference]
		if diff := cmp.Diff([]record.Outcome{want}, n.Outcomes); diff != "" || n.Revision != 3 {
			t.Errorf("%s: revision %d, outcomes (-want +got):\n%s", name, n.Revision, diff)
		}
		if diff := cmp.Diff(before, w.Store.ByID[fake.ID]); diff != "" || len(w.Store.Entries) > 0 {
			t.Errorf("%s: the machine was changed (-want +got):\n%s", name, diff)
		}
	}
}

// A warning that reached nobody whom it counts for is void: the sweep has the next ones warned.
func TestLostWarning(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bounce-permanent.json", "complaint.json", "reject.json", "rendering-failure.json"} {
		w := warned(func(m *record.Machine) { m.State.HeldFor = "not-guarded" })
		if got, err := handle(t, w, name); err != nil || got.Recorded != 1 {
			t.Fatalf("%s: Handle = %+v, %v", name, got, err)
		}
		m := w.Store.ByID[fake.ID]
		if !m.State.WarnedAt.IsZero() || !m.State.DueAt.IsZero() || !m.State.PromisedAt.Equal(fake.Start.Add(time.Hour)) || m.State.Generation != 3 || m.State.HeldFor != "" {
			t.Errorf("%s: state = %+v, want nobody warned in a new generation, and the promise kept", name, m.State)
		}
		if !cmp.Equal(m.Warning.Lost[:1], []string{fake.Owner}) {
			t.Errorf("%s: lost = %v, want the owner", name, m.Warning.Lost)
		}
		if k := w.Store.Kinds(); len(k) != 1 || k[0] != record.EntryBounced || !strings.Contains(w.Store.Entries[0].Text, fake.Owner) {
			t.Errorf("%s: ledger = %+v", name, w.Store.Entries)
		}
		// The same event again changes nothing.
		if got, err := handle(t, w, name); err != nil || got.Ignored != 1 || len(w.Store.Changes) != 1 {
			t.Errorf("%s again: %+v, %v, %d changes", name, got, err, len(w.Store.Changes))
		}
	}
}

// What cannot change what happened is recorded, and nothing else.
func TestLostAndTooLate(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*record.Machine){
		"ordered":                  func(m *record.Machine) { m.State.Key = integrity.KeyRevoking },
		"revoked":                  func(m *record.Machine) { m.State.Key = integrity.KeyRevoked },
		"good again":               func(m *record.Machine) { m.State.Standing, m.State.Since = integrity.Good, fake.Start },
		"another violation":        func(m *record.Machine) { m.State.Since = fake.Start.Add(-time.Hour) },
		"not warned yet":           func(m *record.Machine) { m.State.WarnedAt = time.Time{} },
		"somebody else counts":     func(m *record.Machine) { m.Warning.Counts = []string{team} },
		"one of two counts":        func(m *record.Machine) { m.Warning.Counts = []string{fake.Owner, team} },
		"warned before an upgrade": func(m *record.Machine) { m.Warning = nil },
	} {
		w := warned(edit)
		before := w.Store.ByID[fake.ID].State
		if got, err := handle(t, w, "bounce-permanent.json"); err != nil || got.Recorded != 1 {
			t.Errorf("%s: Handle = %+v, %v", name, got, err)
		}
		if diff := cmp.Diff(before, w.Store.ByID[fake.ID].State); diff != "" {
			t.Errorf("%s: the state moved (-want +got):\n%s", name, diff)
		}
		if n := w.Store.Told[reference]; len(n.Outcomes) != 1 || n.Outcomes[0].Kind != record.Bounced || len(w.Store.Entries) != 1 {
			t.Errorf("%s: notice %+v, ledger %+v, want the bounce in both", name, n, w.Store.Entries)
		}
	}
	// A notice that is no warning moves nobody either.
	w := warned()
	n := w.Store.Told[reference]
	n.Kind = "reminder"
	w.Store.Told[reference] = n
	if _, err := handle(t, w, "bounce-permanent.json"); err != nil || w.Store.ByID[fake.ID].State.WarnedAt.IsZero() {
		t.Errorf("a reminder that bounced: %v, %+v", err, w.Store.ByID[fake.ID].State)
	}
}

func replace(pairs ...string) func(*events.SNSEvent) {
	return func(e *events.SNSEvent) {
		e.Records[0].SNS.Message = strings.NewReplacer(pairs...).Replace(e.Records[0].SNS.Message)
	}
}

// What cannot be read is an error, so that Lambda gives it up to the dead letter queue. What comes with it is
// recorded all the same.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*events.SNSEvent){
		"not of SNS":   func(e *events.SNSEvent) { e.Records[0].EventSource = "aws:sqs" },
		"no JSON":      func(e *events.SNSEvent) { e.Records[0].SNS.Message = "hello" },
		"no message":   replace("messageId", "id"),
		"unknown type": replace(`"eventType":"Bounce"`, `"eventType":"Lost"`),
	} {
		w := warned()
		whole := fake.Event[events.SNSEvent](t, "delivery/delivery.json").Records
		got, err := handle(t, w, "bounce-permanent.json", edit, func(e *events.SNSEvent) { e.Records = append(e.Records, whole...) })
		fake.Kind(t, err, fault.Invalid)
		if n := w.Store.Told[reference]; got != (Summary{Recorded: 1}) || len(n.Outcomes) != 1 || n.Outcomes[0].Kind != record.Delivered || len(w.Store.Entries) != 0 {
			t.Errorf("%s: Handle = %+v, notice %+v", name, got, n)
		}
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*events.SNSEvent){
		"another mail":      replace(messageID, "another"),
		"another account":   replace(`"sendingAccountId":"123456789012"`, `"sendingAccountId":"999999999999"`),
		"no mail of ours":   replace("keyward-machine", "other-machine"),
		"no reference":      replace("keyward-notice", "other-notice"),
		"unknown notice":    replace("enforce-1", "enforce-9"),
		"another machine's": replace(`"keyward-machine":["i-1234567890abcdef0"]`, `"keyward-machine":["i-0598c7d356eba48d7"]`),
		"unknown recipient": replace(`"emailAddress":"owner@example.com"`, `"emailAddress":"x@example.com"`),
	} {
		w := warned()
		before, told := w.Store.ByID[fake.ID], w.Store.Told[reference]
		got, err := handle(t, w, "bounce-permanent.json", edit)
		if err != nil || got != (Summary{Ignored: 1}) {
			t.Errorf("%s: Handle = %+v, %v, want it ignored", name, got, err)
		}
		if diff := cmp.Diff(before, w.Store.ByID[fake.ID]) + cmp.Diff(told, w.Store.Told[reference]); diff != "" {
			t.Errorf("%s: it changed something:\n%s", name, diff)
		}
	}
	w := warned()
	if got, err := handle(t, w, "send.json"); err != nil || got.Ignored != 1 {
		t.Errorf("Send: %+v, %v, want it ignored", got, err)
	}
	delete(w.Store.ByID, fake.ID)
	if got, err := handle(t, w, "bounce-permanent.json"); err != nil || got.Recorded != 1 || len(w.Store.Told[reference].Outcomes) != 1 {
		t.Errorf("a notice about no machine: %+v, %v, want it recorded on the notice alone", got, err)
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.Notice", "store.Machine", "store.Apply"} {
		w := warned()
		w.Fail(call, fake.Down)
		_, err := handle(t, w, "bounce-permanent.json")
		fake.Kind(t, err, fault.Transient)
		if got, err := handle(t, w, "bounce-permanent.json"); err != nil || got.Recorded != 1 {
			t.Errorf("after %s: the retry = %+v, %v", call, got, err)
		}
	}
	w := warned()
	w.Fail("store.PutNotice", fake.Down)
	_, err := handle(t, w, "delivery.json")
	fake.Kind(t, err, fault.Transient)
}

// notify writes while the event comes: what either wrote stays.
func TestRaces(t *testing.T) {
	t.Parallel()
	w := warned()
	w.Before("store.Apply", func() {
		w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Why = "another finding" })
		n := w.Store.Told[reference]
		n.Revision, n.Subject = n.Revision+1, "new"
		w.Store.Told[reference] = n
	})
	if got, err := handle(t, w, "bounce-permanent.json"); err != nil || got.Recorded != 1 {
		t.Fatalf("Handle = %+v, %v", got, err)
	}
	if m, n := w.Store.ByID[fake.ID], w.Store.Told[reference]; m.State.Why != "another finding" || !m.State.WarnedAt.IsZero() || n.Subject != "new" || len(n.Outcomes) != 1 {
		t.Errorf("machine %+v, notice %+v", m.State, n)
	}
	w = warned()
	w.Always("store.Apply", fault.New(fault.Conflict, "somebody was quicker"))
	_, err := handle(t, w, "bounce-permanent.json")
	fake.Kind(t, err, fault.Transient)
}
