package handler

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/record"
)

// The mails of a drill say so in the subject, and go to nobody but its own address.
func TestMailsOfTheDrill(t *testing.T) {
	t.Parallel()
	w := violation(func(m *record.Machine) {
		m.ID, m.Policy, m.Owner = drill.Machine, drill.PolicyName, "drill@example.com"
	})
	w.Store.PutPolicyText(drill.Policy())
	task := fake.Event[enforcement.Task](t, "notify/warn.json")
	task.Input.Machine = drill.Machine
	if _, err := newHandler(w).Handle(t.Context(), fake.Start, task); err != nil {
		t.Fatal(err)
	}
	mail := w.Mail.Sent[0]
	if !slices.Equal(mail.To, []string{"drill@example.com"}) || !strings.HasPrefix(mail.Subject, "[Keyward] DRILL: ") || !strings.Contains(mail.Text, "This is a fire drill") {
		t.Errorf("to %v, subject %q:\n%s", mail.To, mail.Subject, mail.Text)
	}
}
