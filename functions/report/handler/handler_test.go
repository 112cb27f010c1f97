package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/report"
	"github.com/keyward/keyward/shared/aws/sesmail"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// shelf is an archive.
type shelf struct {
	files map[string][]byte
	err   error
}

func (s *shelf) Bucket() string { return "archive" }

func (s *shelf) Put(_ context.Context, key, mediaType string, body []byte) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	if _, there := s.files[key]; there {
		return true, nil
	}
	if mediaType == "" {
		return false, fmt.Errorf("%s has no media type", key)
	}
	s.files[key] = slices.Clone(body)
	return false, nil
}

// february is a world in which the machine was revoked in February; entries fill several pages.
func february() (*fake.World, *shelf, *Handler) {
	w := fake.New()
	m := w.Store.ByID[fake.ID]
	m.EnrolledAt = time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)
	at := func(day, minute int) time.Time { return time.Date(2026, 2, day, 12, minute, 0, 0, time.UTC) }
	entries := []record.Entry{
		{Machine: m.ID, At: at(3, 0), Kind: record.EntryVerdict, Text: "Fail: kernel is supported; standing Bad", Policy: m.Policy, Standing: integrity.Bad},
		{Machine: m.ID, At: at(3, 10), Kind: record.EntryIntent, Text: "intent to revoke: kernel is supported", Policy: m.Policy, Standing: integrity.Bad},
		{Machine: m.ID, At: at(3, 11), Kind: record.EntryConfirmed, Text: "revoked", Policy: m.Policy, Standing: integrity.Bad},
		{Machine: m.ID, At: at(4, 0), Kind: record.EntryVerdict, Text: "Pass: none; standing Good", Policy: m.Policy, Standing: integrity.Good},
	}
	for i := range pageSize {
		entries = append(entries, record.Entry{Machine: m.ID, At: at(5, 0).Add(time.Duration(i) * time.Minute), Kind: record.EntryHeld, Text: "held: a person holds it", Policy: m.Policy, Standing: integrity.Good})
	}
	w.Store.Entries, m.Ledger = record.Link(record.Head{}, "", entries)
	w.Store.Put(m)
	a := &shelf{files: map[string][]byte{}}
	return w, a, &Handler{Store: w.Store, Archive: a, Mail: w.Mail, Account: fake.Account, Region: fake.Region, Log: w.Log}
}

func monthly(t *testing.T) report.Order { return fake.Event[report.Order](t, "report/monthly.json") }

func TestArchivedAndMailed(t *testing.T) {
	t.Parallel()
	w, a, h := february()
	made, err := h.Handle(t.Context(), fake.Start, monthly(t))
	if err != nil {
		t.Fatal(err)
	}
	if !made.Complete || made.Period != "2026-02-01 to 2026-02-28" || len(made.Files) != 5 || made.Earlier || made.Mailed == "" {
		t.Errorf("Handle = %+v", made)
	}
	text := string(a.files["reports/stack/monthly/2026-02-01/keyward-monthly-2026-02-01.csv"])
	for _, want := range []string{"Revocations,revoked,1\r\n", fmt.Sprintf("Holds,held,%d\r\n", pageSize), "time zone,Europe/Berlin\r\n", "Time to correct,corrected,1\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the CSV does not say %q", want)
		}
	}
	if len(w.Mail.Sent) != 1 {
		t.Fatalf("%d mails", len(w.Mail.Sent))
	}
	mail := w.Mail.Sent[0]
	if mail.Subject != "[Keyward] Report stack: 2026-02-01 to 2026-02-28" || !slices.Equal(mail.To, []string{"ops@example.com"}) || len(mail.Files) != 5 || mail.Tags["keyward-machine"] != NoticeMachine {
		t.Errorf("mail %q to %v with %d files, %v", mail.Subject, mail.To, len(mail.Files), mail.Tags)
	}
	for _, want := range []string{"Revocations\n  revoked: 1\n", "It is complete", "s3://archive/reports/stack/monthly/2026-02-01/keyward-monthly-2026-02-01.*", "Attached: keyward-monthly-2026-02-01.html, "} {
		if !strings.Contains(mail.Text, want) {
			t.Errorf("the mail does not say %q:\n%s", want, mail.Text)
		}
	}
	for _, want := range []string{"<li>revoked: 1</li>", "It is complete", "s3://archive/"} {
		if !strings.Contains(mail.HTML, want) {
			t.Errorf("the mail's HTML does not say %q", want)
		}
	}
}

// TestAgain: what is archived stays, and nobody gets the mail twice.
func TestAgain(t *testing.T) {
	t.Parallel()
	w, a, h := february()
	first, err := h.Handle(t.Context(), fake.Start, monthly(t))
	if err != nil {
		t.Fatal(err)
	}
	before := string(a.files[first.Files[3]])
	w.Store.Entries = w.Store.Entries[:1]
	again, err := h.Handle(t.Context(), fake.Start.Add(time.Hour), monthly(t))
	if err != nil || !again.Earlier || again.Mailed != first.Mailed || len(w.Mail.Sent) != 1 || string(a.files[first.Files[3]]) != before {
		t.Errorf("again: %+v, %v, %d mails", again, err, len(w.Mail.Sent))
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	w, a, h := february()
	a.err = fake.Down
	if _, err := h.Handle(t.Context(), fake.Start, monthly(t)); !fault.Is(err, fault.Transient) || len(w.Mail.Sent) != 0 {
		t.Errorf("S3 is down: %v, %d mails", err, len(w.Mail.Sent))
	}
	a.err = nil
	w.Fail("ses.Send", fake.Down)
	if _, err := h.Handle(t.Context(), fake.Start, monthly(t)); !fault.Is(err, fault.Transient) || len(a.files) != 5 {
		t.Errorf("SES is down: %v, %d files", err, len(a.files))
	}
	if made, err := h.Handle(t.Context(), fake.Start.Add(time.Minute), monthly(t)); err != nil || made.Mailed == "" {
		t.Errorf("tried again: %+v, %v", made, err)
	}
	w.Fail("store.Machines", fake.Down)
	if _, err := h.Handle(t.Context(), fake.Start, monthly(t)); !fault.Is(err, fault.Transient) {
		t.Errorf("no machines: %v", err)
	}
	for _, edit := range []func(*report.Order){func(o *report.Order) { o.Every = "off" }, func(o *report.Order) { o.Zone = "Mars" }} {
		o := monthly(t)
		edit(&o)
		if _, err := h.Handle(t.Context(), fake.Start, o); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestNotComplete: each thing that cannot be read is named, in the answer, the mail and the log; the rest is there.
func TestNotComplete(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"store.LedgerFrom":     "the ledger of " + fake.ID,
		"store.WaiverHead":     "the ledger of " + fake.ID,
		"store.Machine":        "the ledger of " + fake.ID,
		"store.EvidenceFrom":   "the inspections of " + fake.ID,
		"store.RequestsFrom":   "the key requests",
		"store.Policies":       "the list of policies",
		"store.PolicyVersions": "the versions of policy web-tier",
		"store.Holds":          "people's holds",
		"store.Waivers":        "the waivers",
		"store.BreakerEvents":  "what was done about the breakers",
	} {
		w, _, h := february()
		w.Always(call, fault.Wrap(fault.Internal, fmt.Errorf("arn:aws:secret"), "reading"))
		made, err := h.Handle(t.Context(), fake.Start, monthly(t))
		if err != nil || made.Complete || len(made.Gaps) == 0 || !strings.HasPrefix(made.Gaps[0], want) {
			t.Errorf("%s: %+v, %v", call, made, err)
			continue
		}
		mail := w.Mail.Sent[0]
		if !strings.Contains(mail.Text, "It is NOT complete") || !strings.Contains(mail.Text, want) || !strings.Contains(mail.HTML, "NOT complete") || !strings.Contains(w.Logged(), "report not complete") {
			t.Errorf("%s: it is not said:\n%s", call, mail.Text)
		}
		if strings.Contains(mail.Text+mail.HTML, "arn:aws:secret") {
			t.Errorf("%s: an error of ours left the account", call)
		}
	}
}

// TestHostile: what machines call themselves is text in the mail.
func TestHostile(t *testing.T) {
	t.Parallel()
	w, _, h := february()
	m := w.Store.ByID[fake.ID]
	w.Store.Entries[0].Text = "changed" // a gap that is named, with the id
	m.Name = "<script>alert(1)</script>\r\nBcc: x@evil.example\u202e"
	w.Store.Put(m)
	if _, err := h.Handle(t.Context(), fake.Start, monthly(t)); err != nil {
		t.Fatal(err)
	}
	mail := w.Mail.Sent[0]
	if strings.Contains(mail.HTML, "<script") || strings.ContainsAny(mail.Subject+mail.Text+mail.HTML, "\r\u202e") || !strings.Contains(mail.Text, "entry 1 is not as it was written") {
		t.Errorf("mail:\n%s", mail.Text)
	}
}

func TestArchivedAlone(t *testing.T) {
	t.Parallel()
	w, a, h := february()
	o := monthly(t)
	o.To, o.Forms, o.Sections = nil, []string{"json"}, []string{"holds"}
	made, err := h.Handle(t.Context(), fake.Start, o)
	if err != nil || made.Mailed != "" || len(w.Mail.Sent) != 0 || len(a.files) != 1 {
		t.Errorf("Handle = %+v, %v; %d mails", made, err, len(w.Mail.Sent))
	}
}

func TestWhatIsTooLargeIsNotAttached(t *testing.T) {
	t.Parallel()
	_, _, h := february()
	small, large := sesmail.File{Name: "a", Body: make([]byte, 10)}, sesmail.File{Name: "b", Body: make([]byte, maxAttached)}
	for want, files := range map[string][]sesmail.File{"Attached: a, a.": {small, small}, "Attached: a; the rest is too large.": {small, large}, "too large to be attached": {{Body: make([]byte, maxAttached+1)}}} {
		l, err := h.letter(monthly(t), report.Report{Zone: "UTC"}, Made{Files: make([]string, len(files))}, attached(files))
		if err != nil || !strings.Contains(l.text, want) {
			t.Errorf("%q, %v, want %q", l.text, err, want)
		}
	}
}
