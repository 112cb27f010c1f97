package scenario_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/keyward/keyward/local/faults"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Addresses of SES's mailbox simulator.
const (
	bouncing    = "bounce+owner@simulator.amazonses.com"
	bouncing2   = "bounce+team@simulator.amazonses.com"
	complaining = "complaint+owner@simulator.amazonses.com"
	away        = "ooto+owner@simulator.amazonses.com"
)

// owned gives the machine an owner with this address.
func (w *world) owned(address string) {
	w.t.Helper()
	e := enrolment(w)
	e.Owner = address
	w.operator.must("PUT", "/v1/machines/"+machineID, e, nil)
}

// find opens the forbidden port and has it found.
func (w *world) find() {
	w.t.Helper()
	w.guest.listen(port)
	w.check()
	w.wantStanding("Bad")
}

// outcomes are what is recorded of all mails of a kind, as address and kind of outcome.
func (w *world) outcomes(kind string) []string {
	w.t.Helper()
	var all []string
	for _, n := range w.view().Notices {
		for _, o := range n.Outcomes {
			if n.Kind == kind {
				all = append(all, o.Address+" "+string(o.Kind))
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestAWarningThatTheOwnerDoesNotGetGoesToThePolicy(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{bouncing, complaining, "suppressionlist@simulator.amazonses.com"} {
		t.Run(owner, func(t *testing.T) {
			t.Parallel()
			w := begin(t, setup{})
			w.owned(owner)
			w.find()
			first := w.mails()[0]
			w.forward(7 * time.Minute) // the sweep has the next ones warned
			s := w.view().Machine.State
			mails := w.mails()
			if len(mails) != 2 || !slices.Equal(first.To, []string{owner, "ops@example.com"}) || !slices.Equal(mails[1].To, []string{"ops@example.com"}) {
				t.Fatalf("mails to %v", mails)
			}
			if mails[0].reference() != mails[1].reference() || !strings.Contains(strings.Join(strings.Fields(mails[1].Text), " "), "did not reach "+owner) {
				t.Errorf("the second warning has reference %q, text:\n%s", mails[1].reference(), mails[1].Text)
			}
			if !s.WarnedAt.After(first.At.Add(time.Second)) || s.DueAt.Sub(s.WarnedAt) < grace {
				t.Errorf("the first warning is of %s; warned at %s, due at %s, want %s from the second", first.At, s.WarnedAt, s.DueAt, grace)
			}
			w.until(s.DueAt.Add(-time.Second))
			w.wantKept()
			w.until(s.DueAt.Add(time.Minute))
			w.wantRevoked(s.DueAt)
			w.wantMails("warning", "warning", "revoked")
			if got := w.mails()[2].To; !slices.Equal(got, []string{"ops@example.com"}) {
				t.Errorf("that it was revoked went to %v", got)
			}
		})
	}
}

func TestAWarningThatNobodyGetsRevokesNothing(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{contact: "bounce+account@simulator.amazonses.com"})
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "ops@example.com", bouncing2, 1), nil)
	w.owned(bouncing)
	w.find()
	w.forward(20 * time.Minute) // the first goes to owner and policy, the second to the account's contact
	w.wantHeld("warning-bounced")
	w.wantMails("warning", "warning", "held")
	w.forward(3 * grace)
	w.wantHeld("warning-bounced")
	w.wantKept()
	w.wantMails("warning", "warning", "held") // tried again, and nobody is left to mail to
	if v := w.view(); !slices.ContainsFunc(v.Stops, func(s record.Stop) bool {
		return s.Reason == "warning-bounced" && strings.HasSuffix(s.Detail, bouncing+", "+bouncing2)
	}) {
		t.Errorf("the machine shows the stops %v", v.Stops)
	}
	// Somebody who can be reached is warned, and has the whole time.
	back := w.Clock().Now()
	w.owned("new@example.com")
	w.forward(40 * time.Minute)
	s := w.view().Machine.State
	if s.WarnedAt.Before(back) || s.DueAt.Sub(s.WarnedAt) < grace {
		t.Fatalf("a new owner since %s: warned at %s, due at %s", back, s.WarnedAt, s.DueAt)
	}
	w.until(s.DueAt.Add(-time.Second))
	w.wantKept()
	w.until(s.DueAt.Add(time.Minute))
	w.wantRevoked(s.DueAt)
}

// A mailbox that answers by itself got its mail.
func TestAnAutomaticAnswerIsNoBounce(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.owned(away)
	due := w.violate()
	if got := w.outcomes("warning"); !slices.Equal(got, []string{away + " deferred", away + " delivered", "ops@example.com delivered"}) {
		t.Errorf("recorded are %v", got)
	}
	w.until(due.Add(time.Minute))
	w.wantRevoked(due)
	w.wantMails("warning", "revoked")
}

// The events of the mail service are best effort: a bounce that is lost, doubled or late.
func TestBouncesThatComeLate(t *testing.T) {
	t.Parallel()
	t.Run("after the revocation", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.owned(bouncing)
		w.fault(faults.Fault{Kind: faults.Late, DetailType: "Bounce", Delay: faults.Duration(90 * time.Minute), Count: 1})
		due := w.violate()
		w.until(due.Add(2 * time.Minute))
		before := w.wantRevoked(due)
		w.forward(time.Hour)
		after := w.view().Machine
		if !slices.Contains(w.outcomes("warning"), bouncing+" bounced") || len(w.entries(record.EntryBounced)) == 0 {
			t.Errorf("the late bounce is not recorded: %v, %v", w.outcomes("warning"), w.entries(record.EntryBounced))
		}
		if after.State.Key != integrity.KeyRevoked || after.State.Generation != before.State.Generation || !after.State.DueAt.Equal(before.State.DueAt) {
			t.Errorf("it changed what happened: %+v, before %+v", after.State, before.State)
		}
		w.wantMails("warning", "revoked", "revoked")
		last := w.mails()[2]
		if text := strings.Join(strings.Fields(last.Text), " "); !slices.Equal(last.To, []string{"ops@example.com"}) || !strings.Contains(text, "it did not reach "+bouncing) {
			t.Errorf("the next ones are told, to %v:\n%s", last.To, last.Text)
		}
	})
	t.Run("twice", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.owned(bouncing)
		w.fault(faults.Fault{Kind: faults.Duplicate, DetailType: "Bounce"})
		w.find()
		w.forward(20 * time.Minute)
		w.wantMails("warning", "warning")
		if got := w.entries(record.EntryBounced); len(got) != 1 {
			t.Errorf("the ledger says %v, want one bounce", got)
		}
	})
	t.Run("in the middle of the grace", func(t *testing.T) {
		t.Parallel()
		w := begin(t, setup{})
		w.owned(bouncing)
		w.fault(faults.Fault{Kind: faults.Late, DetailType: "Bounce", Delay: faults.Duration(40 * time.Minute)})
		promised := w.violate()
		w.until(promised.Add(5 * time.Minute))
		w.wantKept()
		s := w.view().Machine.State
		if !s.DueAt.After(promised.Add(30 * time.Minute)) {
			t.Errorf("due at %s, want an hour from the second warning", s.DueAt)
		}
		w.until(s.DueAt.Add(time.Minute))
		w.wantRevoked(s.DueAt)
	})
}

// A notice that is no warning came back from all who got it: the account's contact is told, and hears from whom.
func TestANoticeThatNobodyGetsGoesToTheContact(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{contact: "security@example.com"})
	w.operator.must("PUT", "/v1/policies/web", strings.Replace(w.setup.policy(), "ops@example.com", bouncing2, 1), nil)
	w.owned(bouncing)
	w.find()
	w.forward(7 * time.Minute)
	due := w.view().Machine.State.DueAt
	w.until(due.Add(time.Minute))
	w.wantRevoked(due)
	w.guest.listen()
	w.check()
	w.forward(12 * time.Minute)
	w.wantMails("warning", "warning", "revoked", "restored", "restored")
	mails := w.mails()
	first, again := mails[3], mails[4]
	if !slices.Equal(first.To, []string{bouncing, bouncing2}) || !slices.Equal(again.To, []string{"security@example.com"}) {
		t.Errorf("restored went to %v, then to %v", first.To, again.To)
	}
	if text := strings.Join(strings.Fields(again.Text), " "); !strings.Contains(text, "did not reach "+bouncing+", "+bouncing2) {
		t.Errorf("the second does not say why it comes:\n%s", again.Text)
	}
	w.forward(2 * time.Hour)
	w.wantMails("warning", "warning", "revoked", "restored", "restored")
}

// An event that cannot be read is tried three times and given up, to the queue whose alarm rings.
func TestAnEventOfTheMailServiceThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	calls := lambda.NewFromConfig(aws.Config{Region: w.Region(), BaseEndpoint: aws.String(w.URL()), Credentials: w.operator.key})
	payload := []byte(`{"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "no JSON"}}]}`)
	if _, err := calls.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("keyward-DeliveryFunction"), InvocationType: types.InvocationTypeEvent, Payload: payload,
	}); err != nil {
		t.Fatal(err)
	}
	w.forward(10 * time.Minute)
	letters := w.DeadLetters()
	if len(letters) != 1 || letters[0].Attempts != 3 || !strings.Contains(letters[0].About, "DeliveryFunction") || !strings.Contains(letters[0].Error, "reading an event of the mail service") {
		t.Fatalf("dead letters %+v, want the one event after three attempts", letters)
	}
	w.forward(7 * time.Hour)
	if n := len(w.DeadLetters()); n != 1 {
		t.Errorf("%d dead letters later, want no more", n)
	}
}

func TestDeliveriesAreShown(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{})
	w.violate()
	if got := w.outcomes("warning"); !slices.Equal(got, []string{"ops@example.com delivered", "owner@example.com delivered"}) {
		t.Errorf("recorded are %v", got)
	}
}

// The address of fire drills takes no mail: the drill says so, and does not pass for good.
func TestADrillWhoseMailsComeBack(t *testing.T) {
	t.Parallel()
	w := begin(t, setup{drill: true, limits: map[string]string{"DrillAddress": "bounce+drill@simulator.amazonses.com"}})
	w.wantDrill(w.drillNow(longest), record.DrillFailed, "the warning came back: it did not reach bounce+drill@simulator.amazonses.com")
	w.wantServed()
}
