package scenario_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/policy"
)

// without is a template beside the files that it names, in which one text stands for another behind a resource's start.
func without(t *testing.T, resource, old, changed string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), "\n  "+resource+":\n")
	if !found || !strings.Contains(rest, old) {
		t.Fatalf("template.yaml has no %q behind %s", old, resource)
	}
	dir := t.TempDir()
	for _, folder := range []string{"docs", "documents", "statemachine"} {
		from, err := filepath.Abs(filepath.Join("..", folder))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(from, filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "template.yaml")
	if err := os.WriteFile(path, []byte(before+"\n  "+resource+":\n"+strings.Replace(rest, old, changed, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// wrote says whether a function wrote all of these texts in one line.
func (w *world) wrote(function string, texts ...string) bool {
	for _, l := range w.Logs(function) {
		if !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(l.Text, text) }) {
			return true
		}
	}
	return false
}

// A role that lacks a permission, or has it on other keys, takes no key, and nobody is told that it did: the log says what
// was missing, the ledger that nothing was revoked.
func TestARoleThatMayNotRevoke(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		mode         policy.Mode
		old, changed string
		action       string
	}{
		"the statement lacks RevokeGrant": {policy.RevokeGrant, "[kms:DisableKey, kms:RevokeGrant]", "kms:DisableKey", "kms:RevokeGrant"},
		"the statement lacks DisableKey":  {policy.DisableKey, "[kms:DisableKey, kms:RevokeGrant]", "kms:RevokeGrant", "kms:DisableKey"},
		"the tag has another value":       {policy.RevokeGrant, `aws:ResourceTag/keyward:guarded: "true"`, `aws:ResourceTag/keyward:guarded: "yes"`, "kms:RevokeGrant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{mode: tt.mode, template: without(t, "RevokeFunction", tt.old, tt.changed)})
			w.until(w.violate().Add(30 * time.Minute))
			w.wantKept()
			w.wantHeld("not-revoked")
			w.wantMails("warning", "held")
			w.wantText("held", "AWS KMS was asked to revoke and read back, and the machine still has")
			w.wantSane()
			user := "assumed-role/RevokeFunctionRole/keyward-RevokeFunction is not authorized to perform: " + tt.action + " on resource: " + w.keyARN
			if !w.wrote("RevokeFunction", "AccessDeniedException", user, "because no identity-based policy allows the "+tt.action+" action") {
				t.Errorf("the log of RevokeFunction does not say that it may not %s: %v", tt.action, w.Logs("RevokeFunction"))
			}
		})
	}
}

// A machine is looked at only if the role may send to it: without the tag of the condition nothing is sent, and nothing judged.
func TestARoleThatMayNotLook(t *testing.T) {
	t.Parallel()
	w := empty(t, setup{template: without(t, "InspectFunction", `ssm:resourceTag/keyward:guarded: "true"`, `ssm:resourceTag/keyward:guarded: "yes"`)})
	w.createKey()
	w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
	w.enrol(machineID)
	w.check()
	w.wantStanding("")
	if !w.wrote("InspectFunction", "is not authorized to perform: ssm:SendCommand on resource: arn:aws:ec2:us-east-1:123456789012:instance/"+machineID) {
		t.Errorf("the log of InspectFunction does not say that it may not send: %v", w.Logs("InspectFunction"))
	}
}
