package send_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/functions/internal/send"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

func TestNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy, text string
		want         policy.Needs
	}{
		"the built-in one":         {policy.DefaultName, "", policy.Needs{}},
		"gone":                     {"gone", "", policy.Needs{}},
		"what is always there":     {"x", "policy: x\nrules:\n- {rule: r, ports: {closed: [tcp/80]}}\n", policy.Needs{}},
		"a text that is no policy": {"web-tier", "policy: web-tier\nrules: no list\n", policy.Needs{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := fake.New()
			if c.text != "" {
				w.Store.PutPolicyText(c.text)
			}
			got, err := send.Needs(t.Context(), w.Store, c.policy)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
				t.Errorf("Needs, %v (-want +got):\n%s", err, diff)
			}
		})
	}
	w := fake.New()
	w.Fail("store.Policy", fault.New(fault.Transient, "throttled"))
	if got, err := send.Needs(t.Context(), w.Store, "web-tier"); !fault.Is(err, fault.Transient) {
		t.Errorf("Needs = %v, %v, want the store's error", got, err)
	}
}

// What a policy asks for goes out with the command, and what no document knows is never sent.
func TestSendAsksForWhatIsNeeded(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if _, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{Ask: []string{"file:/etc/passwd"}}, record.Check, "", fake.Start); err != nil {
		t.Fatal(err)
	}
	if got := w.SSM.Sends[0]["Ask"]; got != "file:/etc/passwd" {
		t.Errorf("Ask = %q, want the file", got)
	}
	if _, err := sender(w).Send(t.Context(), []string{fake.ID}, policy.Needs{Collect: []string{"shadow"}}, record.Check, "", fake.Start); err == nil {
		t.Error("Send of an unknown word gave no error")
	}
	w.Times(t, "ssm.Send", 1)
}
