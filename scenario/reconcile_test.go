package scenario_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func (w *world) enable(on bool) {
	w.t.Helper()
	var err error
	if on {
		_, err = w.keys.EnableKey(context.Background(), &kms.EnableKeyInput{KeyId: &w.keyARN})
	} else {
		_, err = w.keys.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: &w.keyARN})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Somebody enables a revoked key by hand: that is an alarm, and the machine, which still fails when it is
// looked at again, loses its key anew.
func TestARevokedKeyIsEnabledByHand(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	due := w.revoked()
	w.forward(10 * time.Minute)
	w.wantMails("warning", "revoked")
	w.enable(true)
	w.forward(6 * time.Minute)
	w.wantText("notEffective", "the key was enabled, not by Keyward")
	w.forward(2 * time.Minute)
	w.wantRevoked(due)
	w.wantMails("warning", "revoked", "notEffective", "revoked")
	if m := w.view().Machine; len(m.NotEffective) > 0 {
		t.Errorf("revoked again it shows other ways: %v", m.NotEffective)
	}
	if n := len(w.entries(record.EntryConfirmed)); n != 2 {
		t.Errorf("the ledger confirms %d revocations, want 2", n)
	}
	w.forward(30 * time.Minute)
	w.wantMails("warning", "revoked", "notEffective", "revoked")
	w.correct()
	w.forward(time.Minute)
	w.wantKeptAfter("restored")
}

// wantKeptAfter is a machine that has its key again, the last mail being of a kind.
func (w *world) wantKeptAfter(kind string) {
	w.t.Helper()
	if s := w.view().Machine.State; s.Key != integrity.KeyReleased {
		w.t.Errorf("the key is %q, held for %q; want it released", s.Key, s.HeldFor)
	}
	if code := w.decrypt(w.own); code != "" {
		w.t.Errorf("decrypting fails with %s", code)
	}
	if kinds := w.kinds(); kinds[len(kinds)-1] != kind {
		w.t.Errorf("mails %v, want %s last", kinds, kind)
	}
}

// Under a hold the key that came back by hand is not taken again before the hold is lifted.
func TestARevokedKeyIsEnabledUnderAHold(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	due := w.revoked()
	w.hold("machine:"+machineID, time.Time{})
	w.enable(true)
	w.forward(30 * time.Minute)
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("under the hold decrypting fails with %s", code)
	}
	if kinds := w.kinds(); !slices.Contains(kinds, "notEffective") || !slices.Contains(kinds, "held") {
		t.Errorf("mails %v, want the alarm and the hold", kinds)
	}
	w.lift("machine:" + machineID)
	w.forward(16 * time.Minute) // a busy host may cost one sweep
	w.wantRevoked(due)
}

// What Keyward cannot take is said: a grant that somebody made, and a key policy that lets others in.
func TestARevocationThatIsNotEffective(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open  func(*world)
		close func(*world)
		says  string
	}{
		"a grant to the machine's role": {
			open: func(w *world) {
				_, err := w.keys.CreateGrant(context.Background(), &kms.CreateGrantInput{KeyId: &w.keyARN, Name: aws.String("by-hand"),
					GranteePrincipal: aws.String("arn:aws:iam::123456789012:role/keyward-machine"), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
				if err != nil {
					w.t.Fatal(err)
				}
			},
			close: func(w *world) {
				out, err := w.keys.ListGrants(context.Background(), &kms.ListGrantsInput{KeyId: &w.keyARN})
				if err != nil {
					w.t.Fatal(err)
				}
				for _, g := range out.Grants {
					if _, err := w.keys.RevokeGrant(context.Background(), &kms.RevokeGrantInput{KeyId: &w.keyARN, GrantId: g.GrantId}); err != nil {
						w.t.Fatal(err)
					}
				}
			},
			says: "grant by-hand to arn:aws:iam::123456789012:role/keyward-machine for Decrypt",
		},
		"the account's own policies": {
			open: func(w *world) {
				w.putKeyPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}]}`)
			},
			close: func(w *world) { w.putKeyPolicy(strings.Replace(keyPolicy, "%s", "", 1)) },
			says:  "key policy: statement 1 admits whoever the IAM policies of account 123456789012 let in",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			w.revoked()
			c.open(w)
			w.forward(12 * time.Minute)
			w.wantMails("warning", "revoked", "notEffective")
			w.wantText("notEffective", c.says)
			m := w.view().Machine
			if m.State.Key != integrity.KeyRevoked || len(m.NotEffective) != 1 || m.NotEffective[0] != c.says {
				t.Errorf("key %s, not effective because of %v", m.State.Key, m.NotEffective)
			}
			w.forward(30 * time.Minute)
			w.wantMails("warning", "revoked", "notEffective")
			if n := len(w.entries(record.EntryConfirmed)); n != 1 {
				t.Errorf("the ledger confirms %d revocations, want 1", n)
			}
			c.close(w)
			w.forward(6 * time.Minute)
			if m := w.view().Machine; len(m.NotEffective) > 0 {
				t.Errorf("closed, it shows %v", m.NotEffective)
			}
		})
	}
}

// Somebody disables the key of a machine that is in order: people are told, and the key is theirs to enable.
func TestAHealthyKeyIsDisabledByHand(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	w.enable(false)
	w.forward(70 * time.Minute)
	w.wantMails("keyLost")
	w.wantText("keyLost", "AWS KMS says that the key is Disabled, and Keyward did not do that")
	if m := w.view().Machine; m.State.Key != integrity.KeyReleased || m.State.Standing != integrity.Good || m.KeyLost == "" {
		t.Errorf("key %s, standing %s, %q; want it untouched", m.State.Key, m.State.Standing, m.KeyLost)
	}
	if n := w.Calls()["kms.EnableKey"]; n != 0 {
		t.Errorf("KMS was asked %d times to enable the key", n)
	}
	w.enable(true)
	w.forward(70 * time.Minute)
	w.wantMails("keyLost")
	w.wantKept()
}

// Somebody removes the grant of a machine that is in order: people are told, nothing is given back by itself, and
// the machine has it again when it asks for its key.
func TestAHealthyGrantIsRemovedByHand(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	grants, err := w.keys.ListGrants(context.Background(), &kms.ListGrantsInput{KeyId: &w.keyARN})
	if err != nil || len(grants.Grants) != 1 {
		t.Fatalf("grants %+v, %v", grants, err)
	}
	if _, err := w.keys.RevokeGrant(context.Background(), &kms.RevokeGrantInput{KeyId: &w.keyARN, GrantId: grants.Grants[0].GrantId}); err != nil {
		t.Fatal(err)
	}
	w.forward(70 * time.Minute)
	w.wantMails("keyLost")
	w.wantText("keyLost", "AWS KMS does not list its grant any more, and Keyward did not remove it")
	if m := w.view().Machine; m.State.Key != integrity.KeyReleased || m.State.Standing != integrity.Good || m.KeyLost == "" {
		t.Errorf("key %s, standing %s, %q; want it untouched", m.State.Key, m.State.Standing, m.KeyLost)
	}
	if n := w.Calls()["kms.CreateGrant"]; n != 1 {
		t.Errorf("KMS was asked %d times for a grant, want the release alone", n)
	}
	w.check()
	w.release()
	w.forward(70 * time.Minute)
	if m := w.view().Machine; m.KeyLost != "" {
		t.Errorf("it has its key again: %q", m.KeyLost)
	}
	w.wantMails("keyLost")
	w.wantKept()
}

// A revocation that is late never takes what a newer restore gave back.
func TestALateRevocationNeverBeatsANewerRestore(t *testing.T) {
	t.Parallel()
	for mode, operation := range map[policy.Mode]string{policy.RevokeGrant: "RevokeGrant", policy.DisableKey: "DisableKey"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: mode})
			due := w.violate()
			w.fault(kmsFault(operation, "KeyUnavailableException", 1)) // the order is carried out by a later attempt
			w.until(due.Add(11 * time.Second))
			w.correct()
			w.clear()
			w.forward(2 * time.Hour)
			w.wantStanding(integrity.Good)
			w.wantKept()
			for _, e := range w.entries(record.EntryConfirmed) {
				t.Errorf("the ledger confirms a revocation: %+v", e)
			}
		})
	}
}
