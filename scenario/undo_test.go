package scenario_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyward/keyward/shared/policy"
)

// undo does what the command in the mail about the revocation does, with what stands in it.
func (w *world) undo() {
	w.t.Helper()
	var line string
	for _, m := range w.mails() {
		for l := range strings.Lines(m.Text) {
			if m.kind() == "revoked" && strings.Contains(l, "aws kms ") {
				line = strings.TrimSpace(l)
			}
		}
	}
	command, constraints, _ := strings.Cut(line, " --constraints ")
	words := strings.Fields(command)
	after := func(flag string, n int) []string {
		for i, word := range words {
			if word == flag && i+n < len(words) {
				return words[i+1 : i+1+n]
			}
		}
		w.t.Fatalf("%q has no %s", line, flag)
		return nil
	}
	if len(words) < 3 || after("--region", 1)[0] != w.Region() {
		w.t.Fatalf("the mail has the command %q", line)
	}
	key := after("--key-id", 1)[0]
	var err error
	switch words[2] {
	case "enable-key":
		_, err = w.keys.EnableKey(context.Background(), &kms.EnableKeyInput{KeyId: &key})
	case "create-grant":
		var c types.GrantConstraints
		if err := json.Unmarshal([]byte(strings.Trim(constraints, "'")), &c); err != nil {
			w.t.Fatal(err)
		}
		in := &kms.CreateGrantInput{KeyId: &key, GranteePrincipal: aws.String(after("--grantee-principal", 1)[0]), Constraints: &c}
		for _, op := range after("--operations", 2) {
			in.Operations = append(in.Operations, types.GrantOperation(op))
		}
		_, err = w.keys.CreateGrant(context.Background(), in)
	default:
		w.t.Fatalf("the mail has the command %q", line)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// Keyward is down, and a person gives the key back by the command in the mail: the machine has it, and Keyward says so
// when it is there again.
func TestTheMailSaysHowToUndoIt(t *testing.T) {
	t.Parallel()
	for _, mode := range []policy.Mode{policy.RevokeGrant, policy.DisableKey} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: mode})
			w.revoked()
			w.forward(10 * time.Minute)
			w.hold("machine:"+machineID, time.Time{})
			w.undo()
			if code := w.decrypt(w.own); code != "" {
				t.Errorf("after the command of the mail decrypting fails with %s", code)
			}
			w.forward(70 * time.Minute)
			if code := w.decrypt(w.own); code != "" {
				t.Errorf("under a hold it was taken again: %s", code)
			}
			w.wantText("notEffective", "not effective")
		})
	}
}
