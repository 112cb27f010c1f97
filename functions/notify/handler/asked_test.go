package handler

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/record"
)

// Who may set waivers need not be the machine's own: the account's contact hears of it too.
func TestAWaiverIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, standing := range map[string]func(*record.Machine){"bad": func(*record.Machine) {}, "good by now": func(m *record.Machine) { m.State.Standing = "Good" }} {
		w := violation(standing)
		task := fake.Event[enforcement.Task](t, "notify/warn.json")
		task.Op, task.Notice, task.Input.By = "tell", "waiverAsked", "link of the mail to ada@example.com"
		if _, err := newHandler(w).Handle(t.Context(), fake.Start, task); err != nil {
			t.Fatal(err)
		}
		mail := w.Mail.Sent[0]
		if want := []string{fake.Owner, "ops@example.com", contact}; !slices.Equal(mail.To, want) {
			t.Errorf("%s: it goes to %v, want %v", name, mail.To, want)
		}
		for _, part := range []string{"link of the mail to ada@example.com", "keyward waiver set " + fake.ID} {
			if !strings.Contains(strings.Join(strings.Fields(mail.Text), " "), part) {
				t.Errorf("%s: the mail lacks %q:\n%s", name, part, mail.Text)
			}
		}
		if got := strings.Contains(mail.Text, "Does not comply since"); got != (name == "bad") {
			t.Errorf("%s: the mail says since when it does not comply: %t", name, got)
		}
	}
}
