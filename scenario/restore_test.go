package scenario_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func (w *world) revoked() time.Time {
	w.t.Helper()
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	return due
}

func TestARestoreIsLeftToAPerson(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{integrity: "restore: manual"})
	w.revoked()
	w.correct()
	w.forward(time.Hour)
	if s := w.view().Machine.State; s.Key != integrity.KeyRevoked || s.HeldFor != "restore-manual" {
		t.Errorf("in order again, the key is %q, held for %q; want it to wait for a person", s.Key, s.HeldFor)
	}
	if code := w.decrypt(w.own); code != "AccessDeniedException" {
		t.Errorf("decrypting gives %q before a person decided", code)
	}
	w.wantMails("warning", "revoked", "held")
	if status, body := w.operator.call("POST", "/v1/machines/"+machineID+"/restore", record.Reason{}, nil); status != 400 {
		t.Errorf("a restore without a reason = %d %s", status, body)
	}
	w.operator.must("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "looked at, ticket 4711"}, nil)
	w.settle()
	w.wantMails("warning", "revoked", "held", "restored")
	if s := w.view().Machine.State; s.Key != integrity.KeyReleased || s.HeldFor != "" {
		t.Errorf("restored by a person, the key is %q, held for %q", s.Key, s.HeldFor)
	}
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("decrypting gives %q after the restore", code)
	}
	if status, body := w.operator.call("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "again"}, nil); status != 409 {
		t.Errorf("restoring a key that is not revoked = %d %s", status, body)
	}
}

// A person may give the key back to a machine that still fails. It is a new violation then, with its
// own warning.
func TestAPersonRestoresAMachineThatStillFails(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.revoked()
	w.operator.must("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "the data is needed now"}, nil)
	w.settle()
	if code := w.decrypt(w.own); code != "" {
		t.Fatalf("decrypting gives %q after the restore", code)
	}
	v := w.check()
	s := v.Machine.State
	if s.Standing != integrity.Bad || s.DueAt.Sub(s.WarnedAt) < 30*time.Minute {
		t.Fatalf("standing %q, warned at %s, due at %s; want half an hour at least", s.Standing, s.WarnedAt, s.DueAt)
	}
	w.until(s.DueAt.Add(-time.Second))
	if code := w.decrypt(w.own); code != "" {
		t.Errorf("decrypting gives %q before the new deadline", code)
	}
	w.until(s.DueAt.Add(2 * time.Minute))
	w.wantRevoked(s.DueAt)
}

// Whoever changed the key since has taken the matter into his own hands.
func TestAKeyThatSomebodyElseChangedIsNotRestored(t *testing.T) {
	t.Parallel()
	grant := func(w *world) error {
		_, err := w.keys.CreateGrant(context.Background(), &kms.CreateGrantInput{
			KeyId: &w.keyARN, GranteePrincipal: aws.String("arn:aws:sts::123456789012:assumed-role/keyward-machine/" + machineID),
			Operations: []types.GrantOperation{types.GrantOperationDecrypt},
		})
		return err
	}
	enable := func(w *world) error {
		_, err := w.keys.EnableKey(context.Background(), &kms.EnableKeyInput{KeyId: &w.keyARN})
		return err
	}
	disable := func(w *world) error {
		_, err := w.keys.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: &w.keyARN})
		return err
	}
	for name, c := range map[string]struct {
		mode   policy.Mode
		change func(*world) error
		untag  bool
		reason string
		access string // what decrypting gives then
	}{
		"a grant made by hand":     {policy.RevokeGrant, grant, false, "key-changed", ""},
		"the key disabled by hand": {policy.RevokeGrant, disable, false, "key-changed", "AccessDeniedException"},
		"the key enabled by hand":  {policy.DisableKey, enable, false, "key-changed", ""},
		"the tag removed by hand":  {policy.DisableKey, nil, true, "not-guarded", "DisabledException"},
		"the tag removed, a grant": {policy.RevokeGrant, nil, true, "not-guarded", "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: c.mode})
			w.revoked()
			if c.change != nil {
				if err := c.change(w); err != nil {
					t.Fatal(err)
				}
			}
			if c.untag {
				w.tag(false)
			}
			calls := w.Calls()
			before := calls["kms.CreateGrant"] + calls["kms.EnableKey"]
			w.correct()
			w.forward(time.Hour)
			m := w.view().Machine
			if m.State.Key != integrity.KeyRevoked || m.State.HeldFor != c.reason {
				t.Errorf("the key is %q, held for %q; want it left alone for %q", m.State.Key, m.State.HeldFor, c.reason)
			}
			if code := w.decrypt(w.own); code != c.access {
				t.Errorf("decrypting gives %q, want %q", code, c.access)
			}
			calls = w.Calls()
			if n := calls["kms.CreateGrant"] + calls["kms.EnableKey"] - before; n != 0 {
				t.Errorf("KMS was asked %d times to give access", n)
			}
			w.wantMails("warning", "revoked", "held")
		})
	}
}

// What had been taken before Keyward came is not Keyward's to give back.
func TestAKeyThatWasDisabledBeforeStaysSo(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	due := w.violate()
	if _, err := w.keys.DisableKey(context.Background(), &kms.DisableKeyInput{KeyId: &w.keyARN}); err != nil {
		t.Fatal(err)
	}
	w.until(due.Add(2 * time.Minute))
	w.correct()
	w.forward(time.Hour)
	if code := w.decrypt(w.own); code != "DisabledException" {
		t.Errorf("decrypting gives %q, want the key as somebody else left it", code)
	}
	if n := w.Calls()["kms.EnableKey"]; n != 0 {
		t.Errorf("KMS was asked %d times to enable the key", n)
	}
	w.wantSane()
}
