package delivery

import (
	"encoding/json"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// The tags that a notice's mail carries and that come back in the mail service's events: which notice of
// which machine it was. They make an event of a mail known even when the answer to SendEmail was lost.
const (
	TagMachine   = "keyward-machine"
	TagExecution = "keyward-execution"
	TagNotice    = "keyward-notice"
)

// Limits of what is kept of an event.
const (
	maxRecipients = 50 // of a mail
	maxDetail     = 200
)

// Event is what became of one mail, for some or all of its recipients.
type Event struct {
	MessageID string
	Account   string           // that sent it
	Machine   string           // "" when the mail is no notice of ours
	Reference string           // of the notice
	Outcomes  []record.Outcome // none for what says nothing about a recipient, such as Send
}

// wire is the part of an event that counts: "Contents of event data that Amazon SES publishes to Amazon
// SNS" in the SES developer guide.
type wire struct {
	EventType string `json:"eventType"`
	Mail      struct {
		Timestamp   time.Time           `json:"timestamp"`
		MessageID   string              `json:"messageId"`
		Account     string              `json:"sendingAccountId"`
		Destination []string            `json:"destination"`
		Tags        map[string][]string `json:"tags"`
	} `json:"mail"`
	Delivery struct {
		Timestamp  time.Time `json:"timestamp"`
		Recipients []string  `json:"recipients"`
		Response   string    `json:"smtpResponse"`
	} `json:"delivery"`
	Bounce struct {
		Timestamp  time.Time   `json:"timestamp"`
		Type       string      `json:"bounceType"`
		SubType    string      `json:"bounceSubType"`
		Recipients []recipient `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Timestamp  time.Time   `json:"timestamp"`
		SubType    string      `json:"complaintSubType"`
		Feedback   string      `json:"complaintFeedbackType"`
		Recipients []recipient `json:"complainedRecipients"`
	} `json:"complaint"`
	Delay struct {
		Timestamp  time.Time   `json:"timestamp"`
		Type       string      `json:"delayType"`
		Recipients []recipient `json:"delayedRecipients"`
	} `json:"deliveryDelay"`
	Reject struct {
		Reason string `json:"reason"`
	} `json:"reject"`
	Failure struct {
		Message string `json:"errorMessage"`
	} `json:"failure"`
}

type recipient struct {
	Address    string `json:"emailAddress"`
	Diagnostic string `json:"diagnosticCode"`
}

// Parse reads one event of the mail service. Text in it comes from strangers' mail servers and is cut. An
// event of a type that says nothing about delivery has no outcomes; a type that is not known is an error.
func Parse(text []byte) (Event, error) {
	var w wire
	if err := json.Unmarshal(text, &w); err != nil {
		return Event{}, fault.Wrap(fault.Invalid, err, "reading an event of the mail service")
	}
	if w.Mail.MessageID == "" {
		return Event{}, fault.New(fault.Invalid, "reading an event of the mail service: mail.messageId is missing")
	}
	e := Event{MessageID: w.Mail.MessageID, Account: w.Mail.Account, Machine: w.tag(TagMachine)}
	if execution, kind := w.tag(TagExecution), w.tag(TagNotice); execution != "" && kind != "" {
		e.Reference = execution + "/" + kind
	}
	switch w.EventType {
	case "Send", "Open", "Click", "Subscription":
	case "Delivery":
		e.add(record.Delivered, w.Delivery.Timestamp, w.Delivery.Response, addresses(w.Delivery.Recipients))
	case "DeliveryDelay":
		e.add(record.Delayed, w.Delay.Timestamp, w.Delay.Type, w.Delay.Recipients)
	case "Bounce":
		kind := record.Bounced // also for Undetermined: nobody says that it may pass
		if w.Bounce.Type == "Transient" {
			kind = record.Deferred
		}
		e.add(kind, w.Bounce.Timestamp, w.Bounce.Type+" "+w.Bounce.SubType, w.Bounce.Recipients)
	case "Complaint":
		e.add(record.Complained, w.Complaint.Timestamp, strings.TrimSpace(w.Complaint.Feedback+" "+w.Complaint.SubType), w.Complaint.Recipients)
	case "Reject":
		e.add(record.Rejected, w.Mail.Timestamp, w.Reject.Reason, addresses(w.Mail.Destination))
	case "Rendering Failure":
		e.add(record.Rejected, w.Mail.Timestamp, w.Failure.Message, addresses(w.Mail.Destination))
	default:
		return Event{}, fault.New(fault.Invalid, "reading an event of the mail service: eventType is %q", clean(w.EventType))
	}
	return e, nil
}

func (w wire) tag(name string) string {
	if values := w.Mail.Tags[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

func addresses(list []string) []recipient {
	var all []recipient
	for _, address := range list {
		all = append(all, recipient{Address: address})
	}
	return all
}

func (e *Event) add(kind record.OutcomeKind, at time.Time, detail string, to []recipient) {
	for _, r := range to[:min(len(to), maxRecipients)] {
		said := detail
		if r.Diagnostic != "" {
			said += ": " + r.Diagnostic
		}
		e.Outcomes = append(e.Outcomes, record.Outcome{Address: bare(r.Address), Kind: kind, At: at.UTC(), Detail: clean(said)})
	}
}

// bare is the address alone of "Name <address>".
func bare(written string) string {
	if a, err := mail.ParseAddress(written); err == nil {
		return a.Address
	}
	return written
}

// clean is one printable line of bounded length.
func clean(text string) string {
	printable := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	runes := []rune(strings.Join(strings.Fields(printable), " "))
	return string(runes[:min(len(runes), maxDetail)])
}
