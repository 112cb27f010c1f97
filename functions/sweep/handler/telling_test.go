package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestNotifiersAreAskedToTellWhatIsDue(t *testing.T) {
	t.Parallel()
	w := fake.New()
	h := newHandler(w)
	h.Notifiers = &Notifiers{Store: w.Store, Flush: w.Notifier}
	for name, due := range map[string]time.Time{"ops": fake.Start, "later": fake.Start.Add(time.Second)} {
		if _, err := w.Store.AddOccurrence(t.Context(), name, record.Occurrence{Reference: "r", At: fake.Start}, due); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.Handle(t.Context(), fake.Start, Event{}); err != nil {
		t.Fatal(err)
	}
	if w.Times(t, "notifier.Invoke", 1); w.Notifier.Events[0] != `{"op":"flush","notifier":"ops"}` {
		t.Errorf("event = %s", w.Notifier.Events[0])
	}
	for _, call := range []string{"store.DueNotifiers", "notifier.Invoke"} {
		w.Fail(call, fake.Down)
		w.Forget()
		_, err := h.Handle(t.Context(), fake.Start, Event{})
		fake.Kind(t, err, fault.Transient)
		w.Times(t, "store.PutWatch", 1) // the sweep is completed all the same
	}
}
