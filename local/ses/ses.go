// Package ses is the Simple Email Service (API v2) inside keyward local: it checks a mail as SES does
// and puts it into a mailbox in memory, with a page to read it on. No mail leaves the process.
//
// Identities and configuration sets come from the template, by CreateEmailIdentity and
// CreateConfigurationSet, and from nowhere else; the account is out of the sandbox unless Stand says otherwise. It refuses by name what it does not do: templates,
// list management, tenants. It contains no Keyward logic; keyward local wires it.
package ses

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
)

// Options are what the service needs of its surroundings.
type Options struct {
	Clock   *clock.Clock
	Account string // 12 digits
	Region  string
	// Publish takes what happened to each mail that was sent through a configuration set, in order and
	// before SendEmail answers; nil means nobody listens. It must not send mail itself.
	Publish func(Event)
}

// SES is the service. Its methods may be called from any goroutine.
type SES struct {
	options Options

	mu         sync.Mutex
	identities map[string]bool     // lower case; true once verified
	sandbox    bool                // see Standing
	review     *review             // nil: none was asked for
	sets       map[string][]Reason // suppressed reasons by configuration set; nil means the account's
	suppressed map[string]Reason   // by address in lower case
	messages   []Message           // oldest first
	refusal    *wire.Error
	events     []Event // on their way out, in order

	publishing sync.Mutex
}

// New returns a service without identities, configuration sets and mails.
func New(o Options) *SES {
	if o.Publish == nil {
		o.Publish = func(Event) {}
	}
	return &SES{
		options: o, identities: map[string]bool{}, sets: map[string][]Reason{}, suppressed: map[string]Reason{},
	}
}

// Service is the wire's view.
func (s *SES) Service() wire.Service {
	return wire.Service{
		Name: "ses", Protocol: wire.RESTJSON, Version: "2019-09-27",
		Operations: map[string]wire.Operation{
			"SendEmail": s.sendEmail, "GetAccount": s.getAccount, "GetEmailIdentity": s.getEmailIdentity, "PutAccountDetails": s.putAccountDetails,
		},
		Routes: []wire.Route{
			{Pattern: "POST /v2/email/outbound-emails", Operation: "SendEmail"},
			{Pattern: "GET /v2/email/account", Operation: "GetAccount"},
			{Pattern: "GET /v2/email/identities/{EmailIdentity}", Operation: "GetEmailIdentity"},
			{Pattern: "POST /v2/email/account/details", Operation: "PutAccountDetails"},
		},
	}
}

// Refuse has every SendEmail answered with an error, such as SendingPausedException, until it is called
// with nil.
func (s *SES) Refuse(with *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = with
}

type output struct{ MessageId string }

func (s *SES) sendEmail(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[input](r)
	if err != nil {
		return nil, err
	}
	if r.Caller.Kind == wire.Machine {
		return nil, &wire.Error{
			Code: "AccessDeniedException", Status: http.StatusForbidden,
			Message: "User: " + r.Caller.ARN + " is not authorized to perform: ses:SendEmail",
		}
	}
	m, err := in.message()
	if err != nil {
		return nil, err
	}
	// Time stands still until those who listen have been told.
	done := s.options.Clock.Work("mail")
	defer done()
	id, err := s.accept(m)
	if err != nil {
		return nil, err
	}
	s.flush()
	return output{MessageId: id}, nil
}

// accept checks what depends on the account's state, gives the mail its id and notes for each recipient
// what came of it.
func (s *SES) accept(m Message) (id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusal != nil {
		return "", s.refusal
	}
	set, known := s.sets[m.ConfigurationSet]
	if m.ConfigurationSet != "" && !known {
		return "", &wire.Error{
			Code: "NotFoundException", Status: http.StatusNotFound,
			Message: fmt.Sprintf("Configuration set <%s> does not exist.", m.ConfigurationSet),
		}
	}
	if !s.verified(m.sender) {
		return "", &wire.Error{Code: "MessageRejected", Message: fmt.Sprintf(
			"Email address is not verified. The following identities failed the check in region %s: %s",
			strings.ToUpper(s.options.Region), m.sender)}
	}
	if kept := s.sandboxed(m.recipients()); kept != "" {
		return "", &wire.Error{Code: "MessageRejected", Message: fmt.Sprintf(
			"Email address is not verified. The following identities failed the check in region %s: %s",
			strings.ToUpper(s.options.Region), kept)}
	}
	m.At = s.options.Clock.Now().Truncate(time.Millisecond)
	m.ID = newID(m.At)
	for _, address := range m.recipients() {
		why := s.bounces(set, address)
		m.Outcomes = append(m.Outcomes, Outcome{Address: address, Delivered: why == "", Why: why})
	}
	s.messages = append(s.messages, m)
	s.tell(m)
	return m.ID, nil
}

// bad is SES's answer to input that it cannot take.
func bad(format string, args ...any) error {
	return &wire.Error{Code: "BadRequestException", Message: fmt.Sprintf(format, args...)}
}
