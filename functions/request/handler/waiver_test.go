package handler

import (
	"net/http"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/shared/waiver"
)

// allowed is a world in which the machine passed by a waiver ten minutes ago.
func allowed(edits ...func(*record.Waiver)) *fake.World {
	w := seen(policy.Pass)
	r := &w.Store.Kept[0].Result
	r.Findings = []policy.Finding{{Rule: "kernel is supported", Verdict: policy.Fail, Values: []string{fake.OldKernelValue}}}
	*r = waiver.Apply(*r, []record.Waiver{fake.Waiver()}, fake.Machine(), fake.Start.Add(-1))
	w.Store.Waive(fake.Waiver(edits...))
	return w
}

// A key is given by a waiver as long as it stands, and not by one that ended since the inspection.
func TestRequestsUnderAWaiver(t *testing.T) {
	t.Parallel()
	w := allowed()
	if status, _, body := ask(t, w); status != http.StatusOK {
		t.Errorf("under a waiver = %d %s, want the key", status, body)
	}
	for name, edit := range map[string]func(*record.Waiver){
		"expired": func(w *record.Waiver) { w.Expires = fake.Start },
		"lifted":  func(w *record.Waiver) { w.Lifted = &record.Lift{At: fake.Start} },
	} {
		w := allowed(edit)
		status, _, body := ask(t, w)
		if status != http.StatusAccepted {
			t.Errorf("%s = %d %s, want it to wait for an inspection", name, status, body)
		}
		w.Times(t, "inspect.", 1)
		w.Never(t, "kms.Grant keyward")
	}
	w = allowed()
	w.Fail("store.WaiversOn", fake.Down)
	if status, _, body := ask(t, w); status != http.StatusServiceUnavailable {
		t.Errorf("unreadable = %d %s, want 503", status, body)
	}
	w.Never(t, "kms.Grant keyward")
	w = seen(policy.Pass) // without a waiver none is asked for
	ask(t, w)
	w.Never(t, "store.WaiversOn")
}
