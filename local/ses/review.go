package ses

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/keyward/keyward/local/wire"
)

// What an account may send a day and a second, in the sandbox and out of it ("Service quotas in Amazon SES"; AWS chooses
// the second pair for each account).
const (
	sandboxDay, sandboxRate       = 200, 1
	productionDay, productionRate = 50_000, 14
)

// Standing is what AWS holds of the account, and what people do about addresses: what nobody here can do by a call.
type Standing struct {
	Sandbox    bool     `json:"sandbox"`    // mail goes to verified addresses and the simulator alone
	Unverified []string `json:"unverified"` // identities whose link nobody followed
}

// review is what an account said of itself when it asked to leave the sandbox.
type review struct {
	MailType, WebsiteURL, ContactLanguage, UseCaseDescription string
	AdditionalContactEmailAddresses                           []string
	Status                                                    string // PENDING, GRANTED
}

// Stand puts the account where AWS and people would. Granting production ends a review.
func (s *SES) Stand(as Standing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, identity := range as.Unverified {
		if _, there := s.identities[strings.ToLower(identity)]; !there {
			return fmt.Errorf("making %s unverified: it is no identity", identity)
		}
	}
	for identity := range s.identities {
		s.identities[identity] = true
	}
	for _, identity := range as.Unverified {
		s.identities[strings.ToLower(identity)] = false
	}
	s.sandbox = as.Sandbox
	if s.review != nil && !as.Sandbox {
		s.review.Status = "GRANTED"
	}
	return nil
}

// sandboxed is a recipient whom the sandbox keeps mail from, "" for none.
func (s *SES) sandboxed(recipients []string) string {
	for _, address := range recipients {
		if s.sandbox && simulated(address) == "" && !s.verified(address) {
			return address
		}
	}
	return ""
}

func (s *SES) denied(r *wire.Request) error {
	if r.Caller.Kind == wire.Operator {
		return nil
	}
	return &wire.Error{Code: "AccessDeniedException", Status: http.StatusForbidden, Message: "User: " + r.Caller.ARN + " is not authorized to perform: ses:" + r.Operation}
}

type details struct {
	MailType, WebsiteURL            string
	ContactLanguage                 string   `json:",omitempty"`
	UseCaseDescription              string   `json:",omitempty"`
	AdditionalContactEmailAddresses []string `json:",omitempty"`
	ReviewDetails                   struct{ Status string }
}

func (s *SES) getAccount(_ context.Context, r *wire.Request) (any, error) {
	if _, err := wire.Decode[struct{}](r); err != nil {
		return nil, err
	}
	if err := s.denied(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	type quota struct{ Max24HourSend, MaxSendRate, SentLast24Hours float64 }
	out := struct {
		ProductionAccessEnabled, SendingEnabled bool
		EnforcementStatus                       string
		SendQuota                               quota
		Details                                 *details `json:",omitempty"`
	}{!s.sandbox, s.refusal == nil, "HEALTHY", quota{productionDay, productionRate, s.sent()}, nil}
	if s.sandbox {
		out.SendQuota.Max24HourSend, out.SendQuota.MaxSendRate = sandboxDay, sandboxRate
	}
	if v := s.review; v != nil {
		out.Details = &details{
			MailType: v.MailType, WebsiteURL: v.WebsiteURL, ContactLanguage: v.ContactLanguage, UseCaseDescription: v.UseCaseDescription,
			AdditionalContactEmailAddresses: v.AdditionalContactEmailAddresses,
		}
		out.Details.ReviewDetails.Status = v.Status
	}
	return out, nil
}

// sent counts recipients of the last day.
func (s *SES) sent() (n float64) {
	day := s.options.Clock.Now().AddDate(0, 0, -1)
	for _, m := range s.messages {
		if m.At.After(day) {
			n += float64(len(m.recipients()))
		}
	}
	return n
}

func (s *SES) putAccountDetails(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct {
		MailType, WebsiteURL, ContactLanguage, UseCaseDescription string
		AdditionalContactEmailAddresses                           []string
		ProductionAccessEnabled                                   bool
	}](r)
	if err != nil {
		return nil, err
	}
	if err := s.denied(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.MailType != "TRANSACTIONAL" && in.MailType != "MARKETING":
		return nil, bad("MailType is %q, expected TRANSACTIONAL or MARKETING", in.MailType)
	case !strings.HasPrefix(in.WebsiteURL, "https://") && !strings.HasPrefix(in.WebsiteURL, "http://"):
		return nil, bad("WebsiteURL is %q, expected a URL", in.WebsiteURL)
	case s.review != nil && s.review.Status == "PENDING":
		return nil, &wire.Error{Code: "ConflictException", Status: http.StatusConflict, Message: "There is already a review of the account under way."}
	}
	if in.ProductionAccessEnabled && s.sandbox {
		s.review = &review{in.MailType, in.WebsiteURL, in.ContactLanguage, in.UseCaseDescription, in.AdditionalContactEmailAddresses, "PENDING"}
	}
	return nil, nil
}

func (s *SES) getEmailIdentity(_ context.Context, r *wire.Request) (any, error) {
	in, err := wire.Decode[struct{ EmailIdentity string }](r)
	if err != nil {
		return nil, err
	}
	if err := s.denied(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	verified, there := s.identities[strings.ToLower(in.EmailIdentity)]
	if !there {
		return nil, &wire.Error{Code: "NotFoundException", Status: http.StatusNotFound, Message: fmt.Sprintf("Email identity %s does not exist.", in.EmailIdentity)}
	}
	kind, status := "EMAIL_ADDRESS", "PENDING"
	if !strings.Contains(in.EmailIdentity, "@") {
		kind = "DOMAIN"
	}
	if verified {
		status = "SUCCESS"
	}
	return struct {
		IdentityType, VerificationStatus                   string
		VerifiedForSendingStatus, FeedbackForwardingStatus bool
	}{kind, status, verified, true}, nil
}
