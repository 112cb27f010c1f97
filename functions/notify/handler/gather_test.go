package handler

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

func gathering(t *testing.T, w *fake.World, h *Handler, all ...record.Notifier) {
	t.Helper()
	for _, n := range all {
		if _, err := w.Store.PutNotifier(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	h.Notifiers = &Notifiers{Store: w.Store, Flush: w.Notifier}
}

var (
	everything = record.Notifier{Name: "everything", To: []string{"a@example.com"}}
	digest     = record.Notifier{Name: "digest", To: []string{"a@example.com"}, Digest: &record.Digest{Every: "1h", After: 2}}
	elsewhere  = record.Notifier{Name: "elsewhere", To: []string{"a@example.com"}, Policies: []string{"other"}}
)

func TestGatherAWarning(t *testing.T) {
	t.Parallel()
	w := violation()
	h := newHandler(w)
	gathering(t, w, h, everything, digest, elsewhere)
	w.Fail("store.AddOccurrence", nil, fake.Down)
	_, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "notify/warn.json"))
	fake.Kind(t, err, fault.Transient)
	w.Fail("store.AddOccurrence", nil, fake.Down)
	if _, err = h.Handle(t.Context(), fake.Start.Add(5*time.Second), fake.Event[enforcement.Task](t, "notify/warn.json")); err != nil {
		t.Errorf("seconds after it was accepted: %v, want the warning to count without the notifier", err)
	}
	if !strings.Contains(w.Logged(), `level=ERROR msg="notifier not told"`) {
		t.Errorf("nobody hears of it: %s", w.Logged())
	}
	if len(w.Mail.Sent) != 1 || w.Store.ByID[fake.ID].State.WarnedAt.IsZero() {
		t.Fatalf("%d mails, warned at %s: a notifier must not keep a warning from counting", len(w.Mail.Sent), w.Store.ByID[fake.ID].State.WarnedAt)
	}
	if _, err := h.Handle(t.Context(), fake.Start.Add(time.Minute), fake.Event[enforcement.Task](t, "notify/warn.json")); err != nil {
		t.Fatal(err)
	}
	if len(w.Mail.Sent) != 1 {
		t.Errorf("tried again, %d mails", len(w.Mail.Sent))
	}
	for name, want := range map[string]int{"everything": 1, "digest": 1, "elsewhere": 0} {
		got := w.Store.Of(name).Waiting
		if len(got) != want {
			t.Errorf("%s: %+v, want %d", name, got, want)
			continue
		}
		if want == 1 && (got[0].Event != "warning" || got[0].Machine != fake.ID || !got[0].DueAt.Equal(w.Store.ByID[fake.ID].State.DueAt) || got[0].Owner != fake.Owner || !strings.HasSuffix(got[0].Reference, "/warning")) {
			t.Errorf("%s: %+v", name, got[0])
		}
	}
	if !slices.Contains(w.Notifier.Events, `{"op":"flush","notifier":"everything"}`) {
		t.Errorf("asked to tell: %v, want the one without a digest", w.Notifier.Events)
	}
}

// What is denied, or does not answer when it is asked to tell, keeps nothing from going on, and somebody hears of it.
func TestGatheringThatFailsKeepsNothing(t *testing.T) {
	t.Parallel()
	for call, says := range map[string]string{"store.Notifiers": `level=ERROR msg="notifier not told"`, "store.AddOccurrence": `level=ERROR msg="notifier not told"`, "notifier.Invoke": "notifier not asked to tell"} {
		w := violation()
		h := newHandler(w)
		gathering(t, w, h, everything)
		w.Always(call, fake.AWS(fault.Denied, "AccessDeniedException"))
		if _, err := h.Handle(t.Context(), fake.Start, fake.Event[enforcement.Task](t, "notify/warn.json")); err != nil || len(w.Mail.Sent) != 1 || !strings.Contains(w.Logged(), says) {
			t.Errorf("%s: %v, %d mails, %s", call, err, len(w.Mail.Sent), w.Logged())
		}
	}
}

func TestGatherWhatAPolicyOmits(t *testing.T) {
	t.Parallel()
	w := violation()
	h := newHandler(w)
	gathering(t, w, h, everything)
	w.Store.PutPolicyText(strings.Replace(fake.Policy(), "notify: {", "notify: {omit: [stoodDown], ", 1))
	task := fake.Event[enforcement.Task](t, "notify/tell.json")
	task.Op, task.Notice = "tell", string(notice.StoodDown)
	if _, err := h.Handle(t.Context(), fake.Start, task); err != nil {
		t.Fatal(err)
	}
	if got := w.Store.Of("everything").Waiting; len(w.Mail.Sent) != 0 || len(got) != 1 || got[0].Event != "stoodDown" {
		t.Errorf("%d mails, gathered %+v", len(w.Mail.Sent), got)
	}
	task.Notice, task.Input.Machine = string(notice.BreakerOpen), "breaker"
	if _, err := h.Handle(t.Context(), fake.Start, task); err != nil || len(w.Store.Of("everything").Waiting) != 2 || w.Store.Of("everything").Waiting[0].Machine+w.Store.Of("everything").Waiting[1].Machine != fake.ID {
		t.Errorf("of the stack: %v, %+v", err, w.Store.Of("everything").Waiting)
	}
}
