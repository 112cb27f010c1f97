package handler

import (
	"net/http"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

func TestResume(t *testing.T) {
	t.Parallel()
	path := "/v1/machines/" + fake.ID + "/resume"
	flapping := func(m *record.Machine) {
		fake.Bad(m)
		m.State.HeldFor, m.State.HeldSince, m.State.Changes = integrity.HeldFlapping, fake.Start, "2026-03-02T01:00:00Z"
	}
	world := func(edit func(*record.Machine)) *fake.World {
		w := fake.New()
		w.Store.Put(fake.Machine(edit))
		return w
	}
	w := world(flapping)
	status, body := call(t, w, "POST", path, `{"reason":"the kernel is pinned now"}`)
	if s := w.Store.ByID[fake.ID].State; status != http.StatusOK || s.HeldFor != "" || s.Changes != "" || s.Standing != integrity.Bad {
		t.Errorf("resume = %d %s, state %+v", status, body, s)
	}
	if e := w.Store.Entries; len(e) != 1 || e[0].By != alice || e[0].Kind != record.EntryResumed || !strings.Contains(e[0].Text, "the kernel is pinned now") {
		t.Errorf("ledger = %+v, want who and why", e)
	}
	for name, tt := range map[string]struct {
		edit   func(*record.Machine)
		body   string
		status int
	}{
		"not held":           {fake.Bad, `{"reason":"x"}`, http.StatusConflict},
		"held for something": {func(m *record.Machine) { m.State.HeldFor = "held-global" }, `{"reason":"x"}`, http.StatusConflict},
		"no reason":          {flapping, `{"reason":""}`, http.StatusBadRequest},
		"not JSON":           {flapping, `x`, http.StatusBadRequest},
	} {
		w := world(tt.edit)
		if status, body := call(t, w, "POST", path, tt.body); status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, status, body, tt.status)
		}
		w.Never(t, "store.Apply")
	}
	for _, failing := range []string{"store.Machine", "store.Apply"} {
		w := world(flapping)
		w.Fail(failing, fake.Down)
		if status, _ := call(t, w, "POST", path, `{"reason":"x"}`); status != http.StatusServiceUnavailable {
			t.Errorf("%s fails: %d, want 503", failing, status)
		}
	}
}
