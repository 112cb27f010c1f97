package handler

import (
	"testing"
	"time"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/notice"
	"github.com/keyward/keyward/shared/record"
)

// Nobody is told that a request waits for him once it does not.
func TestARequestThatWaitsNoMoreIsNotToldOf(t *testing.T) {
	t.Parallel()
	const boot = "73baf14c-ea25-4ac1-b20c-34de9d2a6eb0"
	ask := func(w *fake.World) (enforcement.Told, error) {
		return newHandler(w).tell(t.Context(), fake.Start, enforcement.Task{
			Version: enforcement.Version, Op: "tell", Execution: fake.ID + "-1-tell-requestPending-1",
			Input: enforcement.State{Input: enforcement.Input{
				Version: enforcement.Version, Kind: enforcement.Tell, Machine: fake.ID, Policy: "web-tier", Notice: string(notice.RequestPending),
				Why: "every request is decided by a person", Request: boot, DueAt: fake.Start.Add(24 * time.Hour),
			}},
		})
	}
	for name, tt := range map[string]struct {
		request *record.Request
		sent    bool
	}{
		"it waits":         {&record.Request{ID: boot, Machine: fake.ID, State: "Pending"}, true},
		"it was approved":  {&record.Request{ID: boot, Machine: fake.ID, State: "Approved"}, false},
		"a person decided": {&record.Request{ID: boot, Machine: fake.ID, State: "Pending", Ruling: &record.Ruling{Approved: true}}, false},
		"it is not kept":   {nil, false},
	} {
		w := fake.New()
		if tt.request != nil {
			if _, err := w.Store.PutRequest(t.Context(), *tt.request); err != nil {
				t.Fatal(err)
			}
		}
		told, err := ask(w)
		if err != nil || (told.Reference != "") != tt.sent || (len(w.Mail.Sent) > 0) != tt.sent {
			t.Errorf("%s: told %+v, %v with %d mails, want any: %t", name, told, err, len(w.Mail.Sent), tt.sent)
		}
	}
	w := fake.New()
	w.Fail("store.Request", fake.Down)
	if _, err := ask(w); err == nil || len(w.Mail.Sent) > 0 {
		t.Errorf("a request that cannot be read: %v, %d mails, want to be tried again", err, len(w.Mail.Sent))
	}
}
