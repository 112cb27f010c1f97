package ses

import (
	"encoding/json"
	"strings"
)

// Event is something that happened to a mail. Record is the event as SES publishes it, whose fields are
// those of "Contents of event data that Amazon SES publishes" in the developer guide.
type Event struct {
	Type             string // Send, Delivery, Bounce or Complaint
	MessageID        string
	ConfigurationSet string
	Record           json.RawMessage
}

const eventTime = "2006-01-02T15:04:05.000Z"

type record struct {
	EventType string           `json:"eventType"`
	Mail      mailRecord       `json:"mail"`
	Send      *struct{}        `json:"send,omitempty"`
	Delivery  *deliveryRecord  `json:"delivery,omitempty"`
	Bounce    *bounceRecord    `json:"bounce,omitempty"`
	Complaint *complaintRecord `json:"complaint,omitempty"`
}

type mailRecord struct {
	Timestamp   string              `json:"timestamp"`
	MessageID   string              `json:"messageId"`
	Source      string              `json:"source"`
	SourceARN   string              `json:"sourceArn"`
	Account     string              `json:"sendingAccountId"`
	Destination []string            `json:"destination"`
	Truncated   bool                `json:"headersTruncated"`
	Headers     []headerRecord      `json:"headers"`
	Common      commonHeaders       `json:"commonHeaders"`
	Tags        map[string][]string `json:"tags"`
}

type headerRecord struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type commonHeaders struct {
	From      []string `json:"from"`
	To        []string `json:"to"`
	MessageID string   `json:"messageId"`
	Subject   string   `json:"subject"`
}

type deliveryRecord struct {
	Timestamp  string   `json:"timestamp"`
	Millis     int      `json:"processingTimeMillis"`
	Recipients []string `json:"recipients"`
	Response   string   `json:"smtpResponse"`
	Reporting  string   `json:"reportingMTA"`
}

type complaintRecord struct {
	SubType    *string        `json:"complaintSubType"` // null, or OnAccountSuppressionList
	Recipients []addressAlone `json:"complainedRecipients"`
	Timestamp  string         `json:"timestamp"`
	FeedbackID string         `json:"feedbackId"`
	Agent      string         `json:"userAgent"`
	Feedback   string         `json:"complaintFeedbackType"`
	Arrival    string         `json:"arrivalDate"`
}

type addressAlone struct {
	Address string `json:"emailAddress"`
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
	Action     string `json:"action,omitempty"`
	Status     string `json:"status,omitempty"`
	Diagnostic string `json:"diagnosticCode,omitempty"`
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
			Timestamp: at, Millis: 500, Recipients: delivered, Response: "250 2.6.0 Message received", Reporting: "a8-70.smtp-out.amazonses.com",
		}})
	}
	for _, address := range delivered {
		switch simulated(address) {
		case "complaint":
			s.note(m, record{EventType: "Complaint", Complaint: &complaintRecord{
				Recipients: []addressAlone{{address}}, Timestamp: at, FeedbackID: newID(m.At),
				Agent: "Amazon SES Mailbox Simulator", Feedback: "abuse", Arrival: at,
			}})
		case "ooto": // an automatic answer comes to SES as a bounce that says nothing of its reason
			s.note(m, record{EventType: "Bounce", Bounce: &bounceRecord{
				Type: "Transient", SubType: general, Timestamp: at, FeedbackID: newID(m.At), Recipients: []bouncedRecipient{{Address: address}},
			}})
		}
	}
}

func diagnostic(why string) string {
	switch why {
	case onSuppressed:
		return "Amazon SES did not send the message to this address because it is on the suppression list for your account."
	case suppressed:
		return "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an invalid address."
	}
	return "smtp; 550 5.1.1 user unknown"
}

func (s *SES) note(m Message, r record) {
	_, domain, _ := strings.Cut(m.sender, "@")
	r.Mail = mailRecord{
		Timestamp: m.At.UTC().Format(eventTime), MessageID: m.ID, Source: m.From, Account: s.options.Account,
		SourceARN:   "arn:aws:ses:" + s.options.Region + ":" + s.options.Account + ":identity/" + m.sender,
		Destination: m.recipients(), Headers: []headerRecord{},
		Common: commonHeaders{From: []string{m.From}, To: m.To, MessageID: m.ID, Subject: m.Subject},
		Tags:   map[string][]string{"ses:configuration-set": {m.ConfigurationSet}, "ses:from-domain": {domain}},
	}
	for _, h := range m.Headers {
		r.Mail.Headers = append(r.Mail.Headers, headerRecord(h))
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
