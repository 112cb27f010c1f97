package scenario_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func kmsFault(operation, code string, count int) faults.Fault {
	// With status 400 the SDK does not try again by itself, so that the state machine has to.
	return faults.Fault{Kind: faults.Error, Service: "kms", Operation: operation, Code: code, Message: "no", Status: 400, Count: count}
}

func TestKMSThrottlesTheRevocation(t *testing.T) {
	t.Parallel()
	t.Run("a few times", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		due := w.violate()
		w.fault(faults.Fault{Kind: faults.Throttle, Service: "kms", Operation: "RevokeGrant", Count: 2})
		w.until(due.Add(3 * time.Minute))
		w.wantRevoked(due)
		w.wantMails("warning", "revoked")
	})
	t.Run("until the task fails", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		due := w.violate()
		w.fault(kmsFault("RevokeGrant", "KMSInternalException", 3))
		w.until(due.Add(5 * time.Minute))
		w.wantRevoked(due)
		w.wantMails("warning", "revoked")
	})
}

// KMS refuses for hours: nothing is reported that did not happen, it is tried again, and in the end it
// happens once.
func TestKMSRefusesTheRevocation(t *testing.T) {
	t.Parallel()
	take := map[policy.Mode]string{policy.RevokeGrant: "RevokeGrant", policy.DisableKey: "DisableKey"}
	for mode, operation := range take {
		for _, code := range []string{"KMSInvalidStateException", "KeyUnavailableException"} {
			t.Run(operation+" "+code, func(t *testing.T) {
				t.Parallel()
				w := begin(t, setup{mode: mode})
				due := w.violate()
				w.fault(kmsFault(operation, code, 0))
				w.until(due.Add(20 * time.Minute))
				w.wantHeld("not-revoked")
				w.wantKept()
				w.wantMails("warning", "held")
				w.until(due.Add(100 * time.Minute))
				if w.view().Machine.State.Key == integrity.KeyRevoking {
					w.forward(3 * time.Minute) // it was being tried again, which takes two at most
				}
				w.wantKept()
				if n := len(w.entries(record.EntryConfirmed)); n != 0 {
					t.Errorf("the ledger confirms %d revocations", n)
				}
				w.clear()
				w.forward(45 * time.Minute)
				w.wantRevoked(due)
				if n := len(w.entries(record.EntryConfirmed)); n != 1 {
					t.Errorf("the ledger confirms %d revocations, want 1", n)
				}
			})
		}
	}
}

// The machine is put right after the intent was written and before KMS took anything: nothing may be taken
// any more, and there is nothing to give back.
func TestACorrectionOvertakesTheOrder(t *testing.T) {
	t.Parallel()
	take := map[policy.Mode]string{policy.RevokeGrant: "RevokeGrant", policy.DisableKey: "DisableKey"}
	for mode, operation := range take {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: mode})
			due := w.violate()
			w.fault(kmsFault(operation, "KeyUnavailableException", 0))
			w.until(due.Add(11 * time.Second))
			if k := w.view().Machine.State.Key; k != integrity.KeyRevoking {
				t.Fatalf("a second after the decision the key is %q", k)
			}
			w.correct()
			w.clear()
			w.forward(time.Hour)
			w.wantStanding("Good")
			w.wantKept()
			if n := len(w.entries(record.EntryConfirmed)); n != 0 {
				t.Errorf("the ledger confirms %d revocations", n)
			}
			if n := w.Calls()["kms.EnableKey"]; n != 0 {
				t.Errorf("KMS was asked %d times to enable a key that was never disabled", n)
			}
			// KMS may show a grant as there that it has just taken, so the machine was given another: the
			// next revocation takes both.
			due = w.violate()
			w.until(due.Add(2 * time.Minute))
			w.wantRevoked(due)
			if n := len(w.grants()); n != 0 {
				t.Errorf("after the revocation the machine has %d grants", n)
			}
		})
	}
}

// KMS took the order, and cannot be read back a second time: that is no revocation yet, and an alarm.
func TestKMSCannotBeReadBack(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.until(due.Add(15 * time.Second))
	if m := w.view().Machine; m.State.Key != integrity.KeyRevoking || m.Taken.FirstRead.IsZero() {
		t.Fatalf("between the two read-backs the key is %q, taken %+v", m.State.Key, m.Taken)
	}
	w.fault(kmsFault("ListGrants", "KMSInternalException", 0))
	w.until(due.Add(25 * time.Minute))
	w.wantMails("warning", "unconfirmed")
	w.wantText("unconfirmed", "it is not known whether the key of "+machineID)
	if m := w.view().Machine; m.State.Key != integrity.KeyRevoking || m.State.HeldFor != "unconfirmed" {
		t.Errorf("the key is %q, held for %q; want it neither revoked nor not", m.State.Key, m.State.HeldFor)
	}
	w.clear()
	w.forward(45 * time.Minute)
	w.wantRevoked(due)
	w.wantMails("warning", "unconfirmed", "revoked")
}

func (w *world) tag(guarded bool) {
	w.t.Helper()
	var err error
	if guarded {
		_, err = w.keys.TagResource(context.Background(), &kms.TagResourceInput{KeyId: &w.keyARN, Tags: []types.Tag{{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}}})
	} else {
		_, err = w.keys.UntagResource(context.Background(), &kms.UntagResourceInput{KeyId: &w.keyARN, TagKeys: []string{"keyward:guarded"}})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAKeyThatIsNotGuardedCannotBeEnrolled(t *testing.T) {
	t.Parallel()
	for name, tags := range map[string]map[string]string{
		"no tag": {}, "another tag": {"guarded": "true"}, "another value": {"keyward:guarded": "false"}, "another case": {"keyward:guarded": "True"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := empty(t, setup{tags: tags})
			w.createKey()
			w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
			var p struct{ Kind, Detail string }
			status, _ := w.operator.call("PUT", "/v1/machines/"+machineID, enrolment(w), &p)
			if want := "enrolling " + machineID + ": key " + w.keyARN + " is not tagged keyward:guarded = true"; status != 400 || p.Detail != want {
				t.Errorf("enrolling with such a key = %d %q, want 400 %q", status, p.Detail, want)
			}
			if status, body := w.operator.call("GET", "/v1/machines/"+machineID, nil, nil); status != 404 {
				t.Errorf("the machine is there: %d %s", status, body)
			}
		})
	}
}

func TestAKeyThatLostItsTagIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.tag(false)
	w.until(due.Add(40 * time.Minute))
	w.wantHeld("not-guarded")
	w.wantKept()
	w.wantMails("warning", "held")
	if n := w.Calls()["kms.RevokeGrant"] + w.Calls()["kms.DisableKey"]; n != 0 {
		t.Errorf("KMS was asked %d times to take the key", n)
	}
	w.tag(true)
	w.forward(7 * time.Minute)
	w.wantRevoked(due)
}
