package ses_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ses"
	"github.com/keyward/keyward/local/wire"
)

func TestSuppressed(t *testing.T) {
	t.Parallel()
	to := func(addresses ...string) func(*sesv2.SendEmailInput) {
		return func(in *sesv2.SendEmailInput) { in.Destination.ToAddresses = addresses }
	}
	p := newPost(t, wire.Function)
	p.Suppress("Gone@example.org", ses.Bounce)
	p.Suppress("angry@example.org", ses.Complaint)
	id := send(t, p, plain(to("gone@example.org", "angry@example.org", "bounce@simulator.amazonses.com")))
	m, _ := p.Message(id)
	want := []ses.Outcome{
		{Address: "gone@example.org", Why: "OnAccountSuppressionList"},
		{Address: "angry@example.org", Delivered: true}, // the set suppresses bounces alone
		{Address: "bounce@simulator.amazonses.com", Why: "General"},
	}
	if diff := cmp.Diff(want, m.Outcomes); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	var kinds []string
	for _, e := range p.events {
		kinds = append(kinds, e.Type)
	}
	if diff := cmp.Diff([]string{"Send", "Bounce", "Bounce", "Delivery"}, kinds); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var record struct {
		EventType string
		Mail      struct {
			MessageID string
			Tags      map[string][]string
		}
		Bounce struct {
			BounceType, BounceSubType string
			BouncedRecipients         []struct{ EmailAddress string }
		}
	}
	if err := json.Unmarshal(p.events[1].Record, &record); err != nil {
		t.Fatal(err)
	}
	if record.EventType != "Bounce" || record.Mail.MessageID != id || record.Bounce.BounceSubType != "OnAccountSuppressionList" ||
		record.Bounce.BouncedRecipients[0].EmailAddress != "gone@example.org" || record.Mail.Tags["ses:from-domain"][0] != "example.com" {
		t.Errorf("record = %s", p.events[1].Record)
	}
	p.Suppress("gone@example.org", "")
	id = send(t, p, plain(to("gone@example.org")))
	if m, _ := p.Message(id); !m.Outcomes[0].Delivered {
		t.Error("an address off the list was not delivered to")
	}
	id = send(t, p, plain(to("angry@example.org"), func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = nil }))
	if m, _ := p.Message(id); m.Outcomes[0].Delivered {
		t.Error("without a set the account's list covers complaints")
	}
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	for address, want := range map[string]bool{
		"KEYWARD@example.com": true, "a@example.net": true, "a@mail.example.net": true, "a@example.com": false, "example.net": false, "": false,
	} {
		if got := p.EmailIdentity(address); got != want {
			t.Errorf("EmailIdentity(%q) = %v, want %v", address, got, want)
		}
	}
	for _, wrong := range []string{"", "a@", "a b@example.com"} {
		if err := p.CreateEmailIdentity(wrong); err == nil {
			t.Errorf("CreateEmailIdentity(%q) = nil, want an error", wrong)
		}
	}
	if err := p.CreateConfigurationSet("x", []ses.Reason{"OTHER"}); err == nil {
		t.Error("CreateConfigurationSet with an unknown reason = nil, want an error")
	}
}

func TestSimulator(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	id := send(t, p, plain(func(in *sesv2.SendEmailInput) {
		in.Destination.ToAddresses = []string{"bounce+kw-1@simulator.amazonses.com", "suppressionlist@simulator.amazonses.com", "success@simulator.amazonses.com",
			"complaint@simulator.amazonses.com", "OOTO@simulator.amazonses.com"}
	}))
	m, _ := p.Message(id)
	var why []string
	for _, o := range m.Outcomes {
		why = append(why, o.Why)
	}
	if diff := cmp.Diff([]string{"General", "Suppressed", "", "", ""}, why); diff != "" {
		t.Errorf("why (-want +got):\n%s", diff)
	}
	var told []string
	for _, e := range p.events {
		var r struct {
			EventType string
			Bounce    struct {
				BounceType, BounceSubType string
				BouncedRecipients         []struct{ EmailAddress string }
			}
			Delivery  struct{ Recipients []string }
			Complaint struct {
				ComplaintFeedbackType string
				ComplainedRecipients  []struct{ EmailAddress string }
			}
		}
		if err := json.Unmarshal(e.Record, &r); err != nil {
			t.Fatal(err)
		}
		line := r.EventType + " " + r.Bounce.BounceType + r.Complaint.ComplaintFeedbackType + " " + r.Bounce.BounceSubType
		for _, to := range slices.Concat(r.Bounce.BouncedRecipients, r.Complaint.ComplainedRecipients) {
			line += " " + to.EmailAddress
		}
		told = append(told, strings.TrimSpace(line+" "+strings.Join(r.Delivery.Recipients, " ")))
	}
	want := []string{
		"Send", "Bounce Permanent General bounce+kw-1@simulator.amazonses.com", "Bounce Permanent Suppressed suppressionlist@simulator.amazonses.com",
		"Delivery   success@simulator.amazonses.com complaint@simulator.amazonses.com OOTO@simulator.amazonses.com",
		"Complaint abuse  complaint@simulator.amazonses.com", "Bounce Transient General OOTO@simulator.amazonses.com",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestNothingSuppressed(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	if err := p.CreateConfigurationSet("settings", []ses.Reason{}); err != nil {
		t.Fatal(err)
	}
	p.Suppress("ops@example.org", ses.Bounce)
	id := send(t, p, plain())
	if m, _ := p.Message(id); !m.Outcomes[0].Delivered {
		t.Errorf("outcomes = %+v, want a delivery: the set suppresses for no reason", m.Outcomes)
	}
}

func TestLabelOfAnIdentity(t *testing.T) {
	t.Parallel()
	p := newPost(t, wire.Function)
	for address, want := range map[string]bool{"keyward+a@example.com": true, "key+ward@example.com": false, "@example.net": false} {
		if got := p.EmailIdentity(address); got != want {
			t.Errorf("EmailIdentity(%q) = %v, want %v", address, got, want)
		}
	}
}
