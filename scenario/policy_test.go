package scenario_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// put writes a policy's next version past every check, as a newer Keyward or a broken hand might.
func (w *world) put(text string) {
	w.t.Helper()
	before, err := w.store.Policy(context.Background(), "web")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.store.PutPolicy(context.Background(), record.Policy{
		Name: "web", Version: before.Version, Text: text, Digest: "0", PutAt: w.Clock().Now(), PutBy: "arn:aws:iam::123456789012:user/other",
	}); err != nil {
		w.t.Fatal(err)
	}
}

func TestUnderAPolicyThatCannotBeReadNothingIsRevoked(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"not YAML":       "policy: web\n  rules: [",
		"of a newer one": "policy: web\nlanguage: 2\nrules: []\n",
		"empty":          "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			due := w.violate()
			w.put(text)
			w.until(due.Add(40 * time.Minute))
			w.wantHeld("policy-unread")
			w.wantKept()
			w.wantMails("warning", "held")
			w.wantText("held", "the policy could not be read")
			if stops := w.view().Stops; len(stops) == 0 || stops[0].Reason != "policy-unread" {
				t.Errorf("the machine shows the stops %v", stops)
			}
			if status, _ := w.ask(); status < 500 && status != 202 {
				t.Errorf("a key request under it is answered %d", status)
			}
			w.operator.must("PUT", "/v1/policies/web", w.setup.policy(), nil)
			w.forward(20 * time.Minute)
			w.wantRevoked(due)
		})
	}
}

// What was done is recorded and told, whatever became of the policy meanwhile.
func TestAPolicyThatBreaksOnTheWay(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.until(due.Add(15 * time.Second)) // ordered, and read back once
	w.put("policy: [")
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning", "revoked")
	w.operator.must("POST", "/v1/machines/"+machineID+"/restore", record.Reason{Reason: "by hand, since the policy is broken"}, nil)
	w.forward(10 * time.Minute)
	if m := w.view().Machine; m.State.Key != "Released" || w.decrypt(w.own) != "" {
		t.Errorf("after a person's restore the key is %q, held for %q, decrypting gives %q", m.State.Key, m.State.HeldFor, w.decrypt(w.own))
	}
	w.wantMails("warning", "revoked", "restored")
}

func TestAPolicyThatNoLongerRevokes(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "onFail: revoke", "onFail: notify", 1), nil)
	w.until(due.Add(40 * time.Minute))
	w.wantHeld("policy-changed")
	w.wantKept()
	w.wantMails("warning", "held")
}

// A longer grace is for the next warning: what people were promised stands.
func TestANewGraceIsForTheNextWarning(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "grace: 1h", "grace: 1m", 1), nil)
	w.forward(20 * time.Minute)
	w.check()
	w.until(due.Add(-time.Second))
	w.wantKept()
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
}

// A machine that a changed policy finds in order stands down; nothing of the old one is carried out.
func TestAPolicyThatAllowsWhatItForbade(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "tcp/8080", "tcp/8081", 1), nil)
	w.until(due.Add(20 * time.Minute))
	w.wantStanding("Good")
	w.wantKept()
	w.wantMails("warning", "stoodDown")
}
