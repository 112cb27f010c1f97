package handler

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/fault"
)

// What is about the stack goes to the account's contact alone, and says what was written when it happened.
func TestTellTheContact(t *testing.T) {
	t.Parallel()
	for kind, machine := range map[string]string{"breakerOpen": "breaker", "rulesTripped": "breaker-web-tier"} {
		w := fake.New()
		edit := func(task *enforcement.Task) {
			task.Notice, task.Execution = kind, machine+"-1-tell-"+kind+"-1"
			task.Input.Machine, task.Input.Policy, task.Input.Why = machine, "web-tier", "7 of 20 machines that complied fail it"
		}
		for range 2 {
			got, err := tell(t, w, edit)
			if err != nil || got.Reference != machine+"-1-tell-"+kind+"-1/"+kind {
				t.Errorf("%s: tell = %+v, %v", kind, got, err)
			}
		}
		if len(w.Mail.Sent) != 1 || !slices.Equal(w.Mail.Sent[0].To, []string{contact}) || !strings.Contains(strings.Join(strings.Fields(w.Mail.Sent[0].Text), " "), "7 of 20 machines that complied fail it") {
			t.Errorf("%s: mails = %+v, want one to the contact", kind, w.Mail.Sent)
		}
		w.Never(t, "store.Machine", "store.Policy")
		w = fake.New()
		w.Fail("ses.Send", fake.Down)
		_, err := tell(t, w, edit)
		fake.Kind(t, err, fault.Transient)
	}
}
