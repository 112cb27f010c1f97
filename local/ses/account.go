package ses

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
)

// Reason is why an address is on the suppression list.
type Reason string

// The reasons that SES knows.
const (
	Bounce    Reason = "BOUNCE"
	Complaint Reason = "COMPLAINT"
)

// Subtypes of a bounce.
const (
	general      = "General"
	suppressed   = "Suppressed" // on the list that SES keeps for all accounts
	onSuppressed = "OnAccountSuppressionList"
)

// simulator is the domain of SES's mailbox simulator; its addresses take a +label.
const simulator = "simulator.amazonses.com"

// CreateEmailIdentity makes an address or a domain a verified identity: mail may be sent from it.
func (s *SES) CreateEmailIdentity(identity string) error {
	address := identity
	if !strings.Contains(identity, "@") {
		address = "x@" + identity
	}
	if a, err := mail.ParseAddress(address); err != nil || a.Address != address {
		return fmt.Errorf("creating the identity %q: expected an address or a domain", identity)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.identities[strings.ToLower(identity)] = true
	return nil
}

// EmailIdentity says whether mail may be sent from an address: it or its domain, or one above that, is a
// verified identity.
func (s *SES) EmailIdentity(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verified(address)
}

// verified follows "Creating and verifying identities" in the developer guide: a verified address
// stands for its +labels too, a verified domain for its subdomains.
func (s *SES) verified(address string) bool {
	local, domain, found := strings.Cut(strings.ToLower(address), "@")
	if !found || local == "" {
		return false
	}
	unlabelled, _, _ := strings.Cut(local, "+")
	if s.identities[local+"@"+domain] || s.identities[unlabelled+"@"+domain] {
		return true
	}
	for more := true; more; _, domain, more = strings.Cut(domain, ".") {
		if s.identities[domain] {
			return true
		}
	}
	return false
}

// CreateConfigurationSet makes a configuration set, or replaces the one of that name. suppressed says for
// which reasons an address on the suppression list gets no mail: nil means the account's setting, which
// is all of them, and an empty list means none.
func (s *SES) CreateConfigurationSet(name string, suppressed []Reason) error {
	for _, r := range suppressed {
		if r != Bounce && r != Complaint {
			return fmt.Errorf("creating the configuration set %s: reason %q, expected %s or %s", name, r, Bounce, Complaint)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets[name] = slices.Clone(suppressed)
	return nil
}

// Suppress puts an address onto the account's suppression list; with the reason "" it takes it off.
func (s *SES) Suppress(address string, why Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if why == "" {
		delete(s.suppressed, strings.ToLower(address))
		return
	}
	s.suppressed[strings.ToLower(address)] = why
}

// simulated is which of the mailbox simulator's addresses one is: the part before the @ and any +label
// ("Using the mailbox simulator manually" in the developer guide), "" for others.
func simulated(address string) string {
	local, domain, _ := strings.Cut(strings.ToLower(address), "@")
	local, _, _ = strings.Cut(local, "+")
	if domain != simulator {
		return ""
	}
	return local
}

// bounces is the subtype of the bounce with which mail to an address comes back, "" when it does not.
func (s *SES) bounces(reasons []Reason, address string) (subtype string) {
	address = strings.ToLower(address)
	reason, listed := s.suppressed[address]
	if listed && (reasons == nil || slices.Contains(reasons, reason)) {
		return onSuppressed
	}
	switch simulated(address) {
	case "bounce":
		return general
	case "suppressionlist":
		return suppressed
	}
	return ""
}
