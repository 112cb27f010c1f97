package scenario_test

import (
	"maps"
	"testing"
	"time"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
)

// retag changes a machine's tags, as whoever may tag instances can.
func (w *world) retag(tags map[string]string) {
	w.t.Helper()
	all := maps.Clone(guarded)
	maps.Copy(all, tags)
	if err := w.PutMachine(local.Machine{ID: machineID, Tags: all}); err != nil {
		w.t.Fatal(err)
	}
}

// tag-cannot-repoint-a-key: a tag that names another key points no revocation there. It is told, it holds,
// and a person accepts it by enrolling again, with the key that the person names.
func TestATagCannotRepointAKey(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	own := w.keyARN
	w.createKey()
	victim := w.keyARN
	w.keyARN = own
	due := w.violate()
	w.retag(map[string]string{"keyward:key": victim, "keyward:policy": "lax"})
	w.check()
	w.settle()
	w.wantMails("warning", "tagDrift")
	w.wantText("tagDrift", `keyward:key was not there, is "`+victim+`"`)
	if v := w.view(); len(v.Stops) != 1 || v.Stops[0].Reason != "tag-drift" || v.Machine.Key.ARN != own || v.Machine.Policy != "web" {
		t.Errorf("stops %v, key %s, policy %s", v.Stops, v.Machine.Key.ARN, v.Machine.Policy)
	}
	w.until(due.Add(40 * time.Minute))
	w.wantHeld("tag-drift")
	w.wantKept()
	w.wantMails("warning", "tagDrift", "held")

	w.enrol(machineID)
	w.forward(8 * time.Minute)
	m := w.wantRevoked(due)
	if m.Taken.KeyARN != own {
		t.Errorf("the key of %s was taken, want that of the enrolment", m.Taken.KeyARN)
	}
}

// Tags that are set back end the matter by themselves.
func TestTagsThatAreSetBack(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.retag(map[string]string{"owner": "mallory@example.com"})
	w.until(due.Add(20 * time.Minute))
	w.wantHeld("tag-drift")
	w.retag(nil)
	w.check()
	w.forward(8 * time.Minute)
	w.wantRevoked(due)
	w.wantMails("warning", "tagDrift", "held", "revoked")
}

// The machine is terminated after KMS was asked to disable its key and before that was read back: what
// became of the key is read and said.
func TestAMachineGoesAwayWhileItsKeyIsDisabled(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	due := w.violate()
	w.until(due.Add(11 * time.Second))
	if k := w.view().Machine.State.Key; k != integrity.KeyRevoking {
		t.Fatalf("a second after the decision the key is %q", k)
	}
	w.fault(kmsFault("DescribeKey", "KMSInternalException", 0)) // so that nothing is read back while it is there
	w.become("terminated")
	for range 4 {
		w.check()
		w.forward(6 * time.Minute)
	}
	if s := w.view().Machine.State; s.GoneAt.IsZero() || s.Key != integrity.KeyRevoking {
		t.Fatalf("gone at %s, the key is %q; want it gone and not read back", s.GoneAt, s.Key)
	}
	w.clear()
	w.forward(45 * time.Minute)
	m := w.view().Machine
	if m.State.Key != integrity.KeyRevoked || m.Taken == nil || m.Taken.ConfirmedAt.IsZero() {
		t.Errorf("the key is %q, taken %+v; want it revoked and read back", m.State.Key, m.Taken)
	}
	w.wantText("withdrawn", "it stays disabled")
	w.wantSane()
}
