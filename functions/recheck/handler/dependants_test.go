package handler

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/record"
)

// alone is a world in which the machine has a key of its own that is due to be disabled.
func alone(edits ...func(*fake.World)) *fake.World {
	w := due(fake.Disable)
	w.Keys.Listed[fake.KeyARN] = nil
	for _, edit := range edits {
		edit(w)
	}
	return w
}

func TestAKeyOfItsOwnIsTaken(t *testing.T) {
	t.Parallel()
	decided(t, alone(), guard.Revoke, guard.ReasonDue)
}

func TestAKeyThatOthersDependOnIsHeld(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*fake.World){
		"grant x to " + fake.Session + "0 for Decrypt": func(w *fake.World) {
			w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "g", Name: "x", Grantee: fake.Session + "0", Operations: []string{"Decrypt"}}}
		},
		"key policy: statement 3 admits " + fake.Session + "0": func(w *fake.World) {
			w.Keys.Policies[fake.KeyARN] = fake.AloneWith(fake.Session, fake.Session+"0")
		},
		"volume vol-1, attached to " + fake.Other: func(w *fake.World) {
			w.Instances.Under = []guard.Disk{{ID: "vol-1", Machines: []string{fake.Other}}}
		},
	} {
		w := alone(edit)
		got, err := decide(t, w)
		if err != nil || got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonKeyShared) || !strings.HasSuffix(got.Text, ": "+want) {
			t.Errorf("decide = %+v, %v, want it held because of %s", got, err, want)
		}
		if len(w.Store.Changes) > 0 {
			t.Errorf("changes = %+v, want nothing reserved", w.Store.Changes)
		}

		w.Store.PutPolicyText(fake.Policy("key: {mode: revoke-grant}", "key: {mode: disable-key, shared: allowed}"))
		decided(t, w, guard.Revoke, guard.ReasonDue)
	}
}

func TestDependantsThatCannotBeReadHold(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"kms.Users", "ec2.Disks"} {
		w := alone()
		w.Fail(call, fake.AWS(fault.Denied, "AccessDeniedException"))
		got, err := decide(t, w)
		if err != nil || got.Outcome != string(guard.Hold) || got.Reason != string(guard.ReasonDependantsUnread) || !strings.Contains(got.Text, "AccessDeniedException") {
			t.Errorf("%s fails: decide = %+v, %v, want a hold", call, got, err)
		}
	}
}

// Every asking costs a call for 500 volumes, so it is not done before there is something to decide, nor
// for a grant, whose revocation reaches nobody else.
func TestDependantsAreNotReadWithoutNeed(t *testing.T) {
	t.Parallel()
	w := alone(func(w *fake.World) { clear(w.Store.Said) })
	decided(t, w, guard.Waiting, guard.ReasonAwaiting)
	w.Never(t, "kms.Users", "ec2.Disks")
	w = due()
	decided(t, w, guard.Revoke, guard.ReasonDue)
	w.Never(t, "kms.Users", "ec2.Disks")
}

// The list is in the ledger, and goes on to the mail.
func TestHoldKeepsTheList(t *testing.T) {
	t.Parallel()
	w := alone()
	task := fake.Event[enforcement.Task](t, "recheck/hold.json")
	text := guard.ReasonKeyShared.Text() + ": volume vol-1"
	task.Input.Error, task.Input.Confirmation, task.Input.Restored = nil, nil, nil
	task.Input.Decision = &enforcement.Decision{Outcome: "hold", Reason: string(guard.ReasonKeyShared), Text: text}
	out, err := newHandler(w).Handle(t.Context(), fake.Start, task)
	if d, _ := out.(enforcement.Decision); err != nil || d.Text != text || d.Reason != string(guard.ReasonKeyShared) {
		t.Errorf("hold = %+v, %v, want the list", out, err)
	}
	last := w.Store.Entries[len(w.Store.Entries)-1]
	if last.Kind != record.EntryHeld || last.Text != "held: "+text {
		t.Errorf("ledger = %+v, want the list", last)
	}
}
