package scenario_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/ec2"
	"github.com/keyward/keyward/shared/policy"
)

const otherSession = "arn:aws:sts::123456789012:assumed-role/keyward-machine/" + otherID

// disks gives a machine a volume under the key, and the volume a snapshot.
func (w *world) disks(id string, n int) {
	w.t.Helper()
	err := w.PutMachine(local.Machine{ID: id, Tags: guarded,
		Volumes:   []ec2.Volume{{ID: fmt.Sprintf("vol-%08x", n), Device: "/dev/sdf", GiB: 8, Type: "gp3", Encrypted: true, Key: w.keyARN}},
		Snapshots: []ec2.Snapshot{{ID: fmt.Sprintf("snap-%08x", n), Volume: fmt.Sprintf("vol-%08x", n), GiB: 8, Encrypted: true, Key: w.keyARN}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// A key that is disabled is lost to everybody: whoever else depends on it stops the revocation, and is named.
func TestASharedKeyIsNotDisabled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		share func(*world)
		says  string
	}{
		"a grant": {func(w *world) {
			_, err := w.keys.CreateGrant(context.Background(), &kms.CreateGrantInput{KeyId: &w.keyARN, Name: aws.String("backup"),
				GranteePrincipal: aws.String(otherSession), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
			if err != nil {
				w.t.Fatal(err)
			}
		}, "grant backup to " + otherSession + " for Decrypt"},
		"the key policy": {func(w *world) {
			w.putKeyPolicy(fmt.Sprintf(keyPolicy, fmt.Sprintf(admission, machineID)+fmt.Sprintf(admission, otherID)))
		}, "key policy: statement 3 (ThisMachineAlone) admits " + otherSession},
		"a volume of another machine": {func(w *world) { w.disks(otherID, 2) },
			"volume vol-00000002, attached to " + otherID + "; snapshot snap-00000002 of volume vol-00000002"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: policy.DisableKey})
			w.disks(machineID, 1) // its own are no reason
			due := w.violate()
			c.share(w)
			v := w.view()
			if len(v.Stops) != 1 || v.Stops[0].Detail != c.says || len(v.Dependants.Own) != 2 {
				t.Errorf("before the deadline the machine shows stops %v, dependants %+v", v.Stops, v.Dependants)
			}
			w.until(due.Add(40 * time.Minute))
			w.wantHeld("key-shared")
			w.wantKept()
			w.wantMails("warning", "held")
			w.wantText("held", strings.Join(strings.Fields(c.says), " "))
			if n := w.Calls()["kms.DisableKey"]; n != 0 {
				t.Errorf("KMS was asked %d times to disable the key", n)
			}
			w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "key: {mode: disable-key}", "key: {mode: disable-key, shared: allowed}", 1), nil)
			w.forward(40 * time.Minute)
			w.wantRevoked(due)
		})
	}
}

// With revoke-grant many machines share a key, and one of them loses its grant alone.
func TestASharedKeyWithGrants(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.disks(otherID, 2)
	_, err := w.keys.CreateGrant(context.Background(), &kms.CreateGrantInput{KeyId: &w.keyARN, Name: aws.String("keyward-" + otherID + "-1"),
		GranteePrincipal: aws.String(otherSession), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
	if err != nil {
		t.Fatal(err)
	}
	due := w.violate()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	out, err := w.keys.ListGrants(context.Background(), &kms.ListGrantsInput{KeyId: &w.keyARN})
	if err != nil || len(out.Grants) != 1 || aws.ToString(out.Grants[0].GranteePrincipal) != otherSession {
		t.Errorf("grants left: %v, %v, want the other machine's", out, err)
	}
}

// A list that cannot be read whole is no list.
func TestDependantsThatCannotBeReadHold(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{mode: policy.DisableKey})
	due := w.violate()
	w.fault(kmsFault("ListAliases", "KMSInternalException", 0))
	w.until(due.Add(20 * time.Minute))
	w.wantHeld("key-dependants-unread")
	w.wantKept()
	w.clear()
	w.forward(40 * time.Minute)
	w.wantRevoked(due)
}

func (w *world) putKeyPolicy(text string) {
	w.t.Helper()
	if _, err := w.keys.PutKeyPolicy(context.Background(), &kms.PutKeyPolicyInput{KeyId: &w.keyARN, Policy: &text}); err != nil {
		w.t.Fatal(err)
	}
}
