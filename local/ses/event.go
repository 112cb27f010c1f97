package ses

import (
	"encoding/json"
	"strings"
)

// Event is something that happened to a mail. Record is the event as SES publishes it, whose fields are
// those of "Contents of event data that Amazon SES publishes" in the developer guide.
type Event struct {
	Type             string // Send, Delivery or Bounce
	MessageID        string
	ConfigurationSet string
	Record           json.RawMessage
}

const eventTime = "2006-01-02T15:04:05.000Z"

type record struct {
	EventType string          `json:"eventType"`
	Mail      mailRecord      `json:"mail"`
	Send      *struct{}       `json:"send,omitempty"`
	Delivery  *deliveryRecord `json:"delivery,omitempty"`
	Bounce    *bounceRecord   `json:"bounce,omitempty"`
}

type mailRecord struct {
	Timestamp   string              `json:"timestamp"`
	MessageID   string              `json:"messageId"`
	Source      string              `json:"source"`
	Account     string              `json:"sendingAccountId"`
	Destination []string            `json:"destination"`
	Tags        map[string][]string `json:"tags"`
}

type deliveryRecord struct {
	Timestamp  string   `json:"timestamp"`
	Recipients []string `json:"recipients"`
	Response   string   `json:"smtpResponse"`
}

type bounceRecord struct {
	Type       string             `json:"bounceType"`
	SubType    string             `json:"bounceSubType"`
	Recipients []bouncedRecipient `json:"bouncedRecipients"`
	Timestamp  string             `json:"timestamp"`
	FeedbackID string             `json:"feedbackId"`
}

type bouncedRecipient struct {
	Address    string `json:"emailAddress"`
	Action     string `json:"action"`
	Status     string `json:"status"`
	Diagnostic string `json:"diagnosticCode"`
}

// tell notes what happened to a mail: it was sent, to some it was not delivered, to the others it was.
// SES publishes for configuration sets alone.
func (s *SES) tell(m Message) {
	if m.ConfigurationSet == "" {
		return
	}
	s.note(m, record{EventType: "Send", Send: &struct{}{}})
	at := m.At.UTC().Format(eventTime)
	var delivered []string
	for _, o := range m.Outcomes {
		if o.Delivered {
			delivered = append(delivered, o.Address)
			continue
		}
		s.note(m, record{EventType: "Bounce", Bounce: &bounceRecord{
			Type: "Permanent", SubType: o.Why, Timestamp: at, FeedbackID: newID(m.At),
			Recipients: []bouncedRecipient{{Address: o.Address, Action: "failed", Status: "5.1.1", Diagnostic: diagnostic(o.Why)}},
		}})
	}
	if len(delivered) > 0 {
		s.note(m, record{EventType: "Delivery", Delivery: &deliveryRecord{
			Timestamp: at, Recipients: delivered, Response: "250 2.6.0 Message received",
		}})
	}
}

func diagnostic(why string) string {
	if why == onSuppressed {
		return "Amazon SES did not send the message to this address because it is on the suppression list for your account."
	}
	return "smtp; 550 5.1.1 user unknown"
}

func (s *SES) note(m Message, r record) {
	_, domain, _ := strings.Cut(m.sender, "@")
	r.Mail = mailRecord{
		Timestamp: m.At.UTC().Format(eventTime), MessageID: m.ID, Source: m.From, Account: s.options.Account,
		Destination: m.recipients(),
		Tags:        map[string][]string{"ses:configuration-set": {m.ConfigurationSet}, "ses:from-domain": {domain}},
	}
	for _, t := range m.Tags {
		r.Mail.Tags[t.Name] = append(r.Mail.Tags[t.Name], t.Value)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return // strings alone cannot fail
	}
	s.events = append(s.events, Event{Type: r.EventType, MessageID: m.ID, ConfigurationSet: m.ConfigurationSet, Record: text})
}

// flush publishes what has happened, in order and with the service unlocked.
func (s *SES) flush() {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	s.mu.Lock()
	events := s.events
	s.events = nil
	s.mu.Unlock()
	for _, e := range events {
		s.options.Publish(e)
	}
}
