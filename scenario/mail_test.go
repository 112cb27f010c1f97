package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// refused is SES refusing every mail.
func refused(code string) faults.Fault {
	return faults.Fault{Kind: faults.Error, Service: "ses", Code: code, Message: "no", Status: 400}
}

func TestWithoutAWarningNothingIsRevoked(t *testing.T) {
	t.Parallel()
	// The first is refused once and for all, the second as something that may pass.
	for _, code := range []string{"MessageRejected", "InternalServerException"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{sweep: "rate(10 minutes)"})
			w.guest.listen(port)
			w.fault(refused(code))
			w.check()
			w.forward(150 * time.Minute) // more than twice the grace
			w.wantStanding("Bad")
			if w.view().Machine.State.HeldFor == "" {
				w.forward(3 * time.Minute) // it was being tried again, which takes two at most
			}
			w.wantHeld("not-warned")
			w.wantKept()
			w.wantMails([]string{}...)
			s := w.view().Machine.State
			if !s.WarnedAt.IsZero() || !s.DueAt.IsZero() {
				t.Errorf("nobody was warned, and the machine is warned at %s and due at %s", s.WarnedAt, s.DueAt)
			}
			if stops := w.view().Stops; len(stops) == 0 || stops[0].Text != "no warning was accepted by the mail service" {
				t.Errorf("the machine shows the stops %v", stops)
			}

			w.clear()
			back := w.Clock().Now()
			w.forward(45 * time.Minute) // tried again every half hour, found by the sweep
			s = w.view().Machine.State
			if s.WarnedAt.Before(back) || s.DueAt.Sub(s.WarnedAt) < grace {
				t.Fatalf("SES is back at %s: warned at %s, due at %s; want a warning after that and %s of grace", back, s.WarnedAt, s.DueAt, grace)
			}
			w.wantMails("warning")
			w.until(s.DueAt.Add(-time.Second))
			w.wantKept()
			w.until(s.DueAt.Add(time.Minute))
			w.wantRevoked(s.DueAt)
		})
	}
}

// A notice that cannot be sent undoes nothing and stops nothing but itself.
func TestARevocationThatNobodyCouldBeToldOfIsShown(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	due := w.violate()
	w.fault(refused("MessageRejected"))
	w.until(due.Add(2 * time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning")
	v := w.view()
	if !slices.ContainsFunc(v.Notices, func(n record.Notice) bool { return n.Kind == "revoked" && n.AcceptedAt.IsZero() }) {
		t.Errorf("the machine does not show the notice that was not sent: %+v", v.Notices)
	}
	if v.Machine.State.Key != integrity.KeyRevoked {
		t.Errorf("the key is %q", v.Machine.State.Key)
	}
}

func TestMailsGoToOwnerAndPolicy(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.violate()
	if got := w.mails()[0].To; !slices.Equal(got, []string{"owner@example.com", "ops@example.com"}) {
		t.Errorf("the warning went to %v", got)
	}
}

// Beside the mails of its steps, people hear of a deadline that is near, and of what others did to policy and waivers.
func TestPeopleHearOfWhatIsNearAndOfWhatOthersDid(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{contact: "security@example.com"})
	due := w.violate()
	w.wide()
	w.until(due.Add(-10 * time.Minute))
	w.until(due.Add(-5 * time.Minute)) // once is enough
	w.waive(record.WaiverWish{Scope: "machine:" + machineID, Rule: "no plain web", Reason: "ticket 4711", Expires: due.Add(24 * time.Hour)})
	w.until(due.Add(10 * time.Minute))
	var kinds []string
	for _, m := range w.allMails() {
		kinds = append(kinds, m.kind())
		switch m.kind() {
		case "policyChanged":
			if !slices.Equal(m.To, []string{"ops@example.com", "security@example.com"}) {
				t.Errorf("that the policy was changed went to %v", m.To)
			}
		case "waived":
			if !strings.Contains(m.Text, "ticket 4711") {
				t.Errorf("the waiver is told without its reason:\n%s", m.Text)
			}
		}
	}
	slices.Sort(kinds)
	if want := []string{"dueSoon", "policyChanged", "stoodDown", "waived", "warning"}; !slices.Equal(kinds, want) {
		t.Errorf("mails are %v, want %v", kinds, want)
	}
	w.wantKept()
}
