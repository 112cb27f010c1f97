package handler

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
)

// What is about no machine alone reaches the account's contact, and nobody else.
func TestTellAnOutage(t *testing.T) {
	t.Parallel()
	w := fake.New()
	outage := func(task *enforcement.Task) {
		task.Notice, task.Execution = "", "all-machines-0-tell-outage-1740000000"
		task.Input = enforcement.State{Input: enforcement.Input{Machine: enforcement.AllMachines, Notice: "outage", Why: "Keyward did not run"}}
	}
	told, err := tell(t, w, outage)
	if err != nil || told.Reference != "all-machines-0-tell-outage-1740000000/outage" {
		t.Fatalf("tell = %+v, %v", told, err)
	}
	if m := w.Mail.Sent; len(m) != 1 || !slices.Equal(m[0].To, []string{newHandler(w).Contact}) || !strings.Contains(m[0].Text, "Keyward did not run") {
		t.Errorf("mails = %+v", m)
	}
	w.Fail("store.BeginNotice", fake.Down)
	_, err = tell(t, w, outage)
	fake.Kind(t, err, fault.Transient)
}
