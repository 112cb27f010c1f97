package send_test

import (
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// The drill's machine is never asked by SSM, which does not know it; the document is looked at all the same,
// so that one that is not ours fails a drill too.
func TestSendToTheDrill(t *testing.T) {
	t.Parallel()
	w := fake.New()
	sent, err := sender(w).Send(t.Context(), []string{fake.ID, drill.Machine}, policy.Needs{}, record.Look, "execution-1", fake.Start)
	if err != nil || len(sent) != 2 {
		t.Fatalf("Send = %+v, %v, want two commands", sent, err)
	}
	if c := sent[0]; !drill.Asked(c) || c.Execution != "execution-1" || c.Purpose != record.Look || !w.Store.Sends[c.ID].Open {
		t.Errorf("command to the drill = %+v", c)
	}
	if len(w.SSM.Batches) != 1 || len(w.SSM.Batches[0]) != 1 || w.SSM.Batches[0][0] != fake.ID {
		t.Errorf("sent to %v, want the machine alone", w.SSM.Batches)
	}
	w = fake.New()
	if _, err = sender(w).Send(t.Context(), []string{drill.Machine}, policy.Needs{}, record.Look, "", fake.Start); err != nil {
		t.Error(err)
	}
	w.Never(t, "ssm.Online", "ssm.Send")
	w.Fail("store.Sent", fake.Down)
	_, err = sender(w).Send(t.Context(), []string{drill.Machine}, policy.Needs{}, record.Look, "", fake.Start)
	fake.Kind(t, err, fault.Transient)
	w.SSM.Content = "{}"
	_, err = sender(w).Send(t.Context(), []string{drill.Machine}, policy.Needs{}, record.Look, "", fake.Start)
	fake.Kind(t, err, fault.Conflict)
}
