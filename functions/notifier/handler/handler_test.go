package handler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/topic"
	"github.com/keyward/keyward/shared/aws/webhook"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// others are SNS and the endpoints of webhooks.
type others struct {
	published []topic.Message
	posted    []webhook.Post
	answers   []error // of the next posts
	refuse    error   // of every publication
}

func (o *others) Publish(_ context.Context, _ string, m topic.Message) (string, error) {
	if o.refuse != nil {
		return "", o.refuse
	}
	o.published = append(o.published, m)
	return "id", nil
}

func (o *others) Post(_ context.Context, _ time.Time, p webhook.Post) error {
	var err error
	if len(o.answers) > 0 {
		err, o.answers = o.answers[0], o.answers[1:]
	}
	if err == nil {
		o.posted = append(o.posted, p)
	}
	return err
}

const ops = "shop-ops"

func begin(t *testing.T, edit func(*record.Notifier)) (*fake.World, *others, *Handler) {
	t.Helper()
	w, o := fake.New(), &others{}
	n := record.Notifier{
		Name: ops, To: []string{"ops@example.com"}, Topic: "arn:aws:sns:us-east-1:123456789012:keyward-notify-shop",
		Webhook: &record.Webhook{URL: "https://example.com/hook", Secret: "key"}, Sender: "Keys of {name}", Subject: "[SHOP]", Digest: &record.Digest{Every: "1h", After: 3},
	}
	edit(&n)
	if _, err := w.Store.PutNotifier(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	return w, o, &Handler{Store: w.Store, Mail: w.Mail, Topics: o, Webhooks: o, Log: w.Log}
}

func as(*record.Notifier) {}

// gather adds occurrences that came in these minutes.
func gather(t *testing.T, w *fake.World, event string, minutes ...int) {
	t.Helper()
	for _, m := range minutes {
		at := fake.Start.Add(time.Duration(m) * time.Minute)
		o := record.Occurrence{Reference: fmt.Sprintf("%s-%d", event, m), Event: event, At: at, Machine: fake.ID, Name: "shop", Policy: "web-tier", DueAt: at.Add(time.Hour), Why: "tcp/80 is open"}
		if _, err := w.Store.AddOccurrence(t.Context(), ops, o, at); err != nil {
			t.Fatal(err)
		}
	}
}

func flush(t *testing.T, h *Handler, minute int) Summary {
	t.Helper()
	done, err := h.Handle(t.Context(), fake.Start.Add(time.Duration(minute)*time.Minute), fake.Event[record.Flush](t, "notifier/all.json"))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestADigestGoesToEveryChannelOnce(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, as)
	gather(t, w, "warning", 0, 1)
	if done := flush(t, h, 2); done.Told != 0 || len(w.Mail.Sent)+len(o.posted)+len(o.published) != 0 {
		t.Fatalf("two of three: %+v", done)
	}
	if g := w.Store.Of(ops).Gathered; !g.Due.Equal(fake.Start.Add(time.Hour)) {
		t.Errorf("due at %s, want after an hour", g.Due)
	}
	gather(t, w, "warning", 3)
	if _, err := h.Handle(t.Context(), fake.Start.Add(4*time.Minute), fake.Event[record.Flush](t, "notifier/one.json")); err != nil {
		t.Fatal(err)
	}
	if len(w.Mail.Sent) != 1 || len(o.posted) != 1 || len(o.published) != 1 {
		t.Fatalf("%d mails, %d posts, %d publications, want one each", len(w.Mail.Sent), len(o.posted), len(o.published))
	}
	mail := w.Mail.Sent[0]
	if mail.Sender != "Keys of shop" || len(mail.Files) != 1 || !strings.Contains(mail.Subject, "[SHOP] 3 events") || !strings.Contains(mail.Text, fake.ID) || strings.Count(string(mail.Files[0].Body), fake.ID) != 3 {
		t.Errorf("mail of %q with %d files: %s\n%s", mail.Sender, len(mail.Files), mail.Subject, mail.Text)
	}
	var body posted
	if err := json.Unmarshal(o.posted[0].Body, &body); err != nil || body.Version != 1 || body.Notifier != ops || body.DeliveryID != o.posted[0].Delivery || len(body.Occurrences) != 3 || o.posted[0].Secret != "key" {
		t.Errorf("posted %s, %v", o.posted[0].Body, err)
	}
	if a := o.published[0].Attributes; a["event"] != "warning" || a["policy"] != "web-tier" {
		t.Errorf("attributes %v", a)
	}
	if flush(t, h, 5); len(w.Mail.Sent) != 1 || len(w.Store.Of(ops).Deliveries) != 0 || len(w.Store.Of(ops).Waiting) != 0 || !w.Store.Of(ops).Gathered.Due.IsZero() {
		t.Errorf("told again, or not over: %+v", w.Store.Of(ops))
	}
}

// A channel that was told is not told again, and what comes meanwhile does not wait for the one that fails.
func TestRetriesGoToWhoWasNotTold(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, func(n *record.Notifier) { n.Digest = nil })
	down := fault.New(fault.Transient, "posting to example.com: it answers 500")
	o.answers = []error{down, down}
	gather(t, w, "warning", 0)
	if done := flush(t, h, 0); done.Waiting != 1 || len(w.Mail.Sent) != 1 || len(w.Mail.Sent[0].Files) != 0 {
		t.Fatalf("%+v, %d mails", done, len(w.Mail.Sent))
	}
	flush(t, h, 4) // too early
	if flush(t, h, 5); len(o.answers) != 0 || len(o.posted) != 0 {
		t.Errorf("after 5 minutes: %d posts", len(o.posted))
	}
	gather(t, w, "revoked", 6)
	if flush(t, h, 6); len(w.Mail.Sent) != 2 || len(o.posted) != 1 {
		t.Errorf("another meanwhile: %d mails, %d posts", len(w.Mail.Sent), len(o.posted))
	}
	if flush(t, h, 14); len(o.posted) != 1 {
		t.Error("the third try came before 10 minutes were over")
	}
	if done := flush(t, h, 15); done.Told != 1 || len(o.posted) != 2 || len(w.Mail.Sent) != 2 || len(o.published) != 2 {
		t.Errorf("the third try: %+v, %d posts, %d mails", done, len(o.posted), len(w.Mail.Sent))
	}
}

func TestGivenUp(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, as)
	o.answers = slices.Repeat([]error{fault.New(fault.Transient, "posting to example.com: no answer")}, 100)
	gather(t, w, "revoked", 0, 1, 2)
	tries := 0
	for minute := 3; minute < 3*24*60; minute += 5 {
		before := len(o.answers)
		flush(t, h, minute)
		tries += before - len(o.answers)
	}
	if tries < 8 || tries > 12 || !strings.Contains(w.Logged(), `level=ERROR msg="notifier not told"`) || len(w.Store.Of(ops).Deliveries) != 0 {
		t.Errorf("%d tries, %v left", tries, w.Store.Of(ops).Deliveries)
	}
	for tries, want := range map[int]time.Duration{0: firstWait, 1: firstWait, 2: 2 * firstWait, 3: 4 * firstWait, 7: 320 * time.Minute, 8: mostWait, 1000: mostWait} {
		if got := wait(tries); got != want {
			t.Errorf("wait(%d) = %s, want %s", tries, got, want)
		}
	}
}

// A refusal is not tried again, and somebody hears of it.
func TestRefused(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, as)
	o.answers, o.refuse = []error{fault.New(fault.Invalid, "posting to example.com: it answers 410")}, fault.New(fault.NotFound, "publishing to a topic: NotFound")
	gather(t, w, "revoked", 0, 1, 2)
	if done := flush(t, h, 3); done.Told != 1 || len(w.Mail.Sent) != 1 || strings.Count(w.Logged(), "notifier not told") != 2 || len(w.Store.Of(ops).Deliveries) != 0 {
		t.Errorf("%+v: %s", done, w.Logged())
	}
}

func TestQuietTime(t *testing.T) {
	t.Parallel()
	for name, digest := range map[string]*record.Digest{"one by one": nil, "a digest": {After: 2}} {
		w, o, h := begin(t, func(n *record.Notifier) { n.Digest, n.Quiet = digest, &record.Quiet{From: "04:00", To: "06:00"} }) // Start is 04:30
		gather(t, w, "restored", 0, 1)
		gather(t, w, "revoked", 2, 3)
		flush(t, h, 4)
		for _, p := range o.posted {
			if strings.Contains(string(p.Body), "restored") || !strings.Contains(string(p.Body), "revoked") {
				t.Errorf("%s: in a quiet time %s", name, p.Body)
			}
		}
		before := len(o.posted)
		if g := w.Store.Of(ops).Gathered; before == 0 || !g.Due.Equal(fake.Start.Add(90*time.Minute)) {
			t.Errorf("%s: %d posts, due at %s, want the end of the quiet time", name, before, g.Due)
		}
		if flush(t, h, 89); len(o.posted) != before {
			t.Errorf("%s: told before the end", name)
		}
		if flush(t, h, 90); len(o.posted) == before || !strings.Contains(string(o.posted[before].Body), "restored") {
			t.Errorf("%s: %d posts, want what waited", name, len(o.posted))
		}
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, func(n *record.Notifier) { n.Webhook.Format, n.Header = "slack", "<!channel> & all" })
	gather(t, w, "warning", 0, 1, 2)
	flush(t, h, 3)
	var body struct{ Text string }
	if err := json.Unmarshal(o.posted[0].Body, &body); err != nil || strings.Contains(body.Text, "<!") || !strings.Contains(body.Text, fake.ID) {
		t.Errorf("posted %s, %v", o.posted[0].Body, err)
	}
}

// Whoever dies, what was written down is told, by the same id.
func TestAfterACrash(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.TakeOccurrences", "store.PutDelivery", "store.EndDelivery"} {
		w, o, h := begin(t, as)
		gather(t, w, "warning", 0, 1, 2)
		w.Fail(call, fake.Down)
		if _, err := h.Handle(t.Context(), fake.Start.Add(3*time.Minute), record.Flush{Op: "flush", Notifier: ops}); !fault.Is(err, fault.Transient) {
			t.Errorf("%s: %v", call, err)
		}
		flush(t, h, 4) // it counts as under way
		flush(t, h, 10)
		ids := map[string]bool{}
		for _, p := range o.posted {
			ids[p.Delivery] = true
		}
		if len(o.posted) == 0 || len(ids) != 1 || len(w.Store.Of(ops).Deliveries) != 0 || len(w.Store.Of(ops).Waiting) != 0 {
			t.Errorf("%s: %d posts of %d ids, %+v", call, len(o.posted), len(ids), w.Store.Of(ops))
		}
	}
}

// Of two at once, one tells.
func TestAnotherIsQuicker(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, as)
	gather(t, w, "warning", 0, 1, 2)
	w.Before("store.BeginDelivery", func() { flush(t, h, 3) })
	if flush(t, h, 3); len(o.posted) != 1 {
		t.Errorf("%d posts, want one", len(o.posted))
	}
	gather(t, w, "revoked", 0)
	w.Before("store.PutDue", func() { gather(t, w, "restored", 0) })
	if flush(t, h, 4); w.Store.Of(ops).Gathered.Due.IsZero() {
		t.Error("what came meanwhile is forgotten")
	}
}

func TestADeletedNotifierLosesWhatItGathered(t *testing.T) {
	t.Parallel()
	w, o, h := begin(t, as)
	o.answers = []error{fake.Down}
	gather(t, w, "warning", 0, 1, 2)
	flush(t, h, 3)
	gather(t, w, "revoked", 4)
	delete(w.Store.Telling, ops)
	if flush(t, h, 90); len(o.posted) != 0 || len(w.Store.Of(ops).Waiting) != 0 || len(w.Store.Of(ops).Deliveries) != 0 || !w.Store.Of(ops).Gathered.Due.IsZero() {
		t.Errorf("%+v", w.Store.Of(ops))
	}
	flush(t, h, 91)
	if _, err := h.Handle(t.Context(), fake.Start, record.Flush{Op: "flush", Notifier: "never-there"}); err != nil {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"store.DueNotifiers", "store.Notifier", "store.Gathering", "store.Deliveries", "store.Occurrences", "store.BeginDelivery"} {
		w, o, h := begin(t, as)
		gather(t, w, "warning", 0, 1, 2)
		w.Fail(call, fake.Down)
		_, err := h.Handle(t.Context(), fake.Start.Add(3*time.Minute), record.Flush{Op: "flush"})
		if fake.Kind(t, err, fault.Transient); len(o.posted) != 0 {
			t.Errorf("%s: %d posts", call, len(o.posted))
		}
	}
	for _, call := range []string{"store.Gathering", "store.Deliveries", "store.Occurrences", "store.TakeOccurrences", "store.PutDue"} {
		w, _, h := begin(t, as)
		gather(t, w, "warning", 0)
		delete(w.Store.Telling, ops)
		w.Fail(call, fake.Down)
		_, err := h.Handle(t.Context(), fake.Start.Add(3*time.Hour), record.Flush{Op: "flush"})
		fake.Kind(t, err, fault.Transient)
	}
	_, _, h := begin(t, as)
	if _, err := h.Handle(t.Context(), fake.Start, record.Flush{}); !fault.Is(err, fault.Invalid) {
		t.Errorf("no op: %v", err)
	}
	if err := theirs(errors.New("other")); err == nil {
		t.Error("an error was lost")
	}
}
