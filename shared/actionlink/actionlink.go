// Package actionlink is what a link in a mail may do: have a machine looked at, hold its revocation for an hour, say that
// somebody is at work on it, or ask for a waiver. None approves, restores, waives, lifts or takes anything, and there is
// no action here that could. It is pure: the time and the random bytes are arguments. The notify function makes links, the
// act function uses them.
//
// A link carries a secret of 256 random bits. The store keeps the secret's digest alone, so that who reads the table cannot
// act, and there is no signing key that could leak: a link that Keyward did not make is one that the table does not have.
package actionlink

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// Action is what a link does.
type Action string

// The actions.
const (
	Check     Action = "check"     // has the machine looked at now
	Hold      Action = "hold"      // nothing is revoked until an hour after the deadline
	OnIt      Action = "onIt"      // says who is at work, and puts reminders off
	AskWaiver Action = "askWaiver" // says that somebody asks for a waiver, and waives nothing
)

// Limits of links.
const (
	Valid    = 7 * 24 * time.Hour // after which a link does nothing
	HoldFor  = time.Hour
	MaxHolds = 3              // of one violation by links
	Quiet    = 24 * time.Hour // for which OnIt puts reminders off
)

const secretBytes = 32

var token = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Offered are the actions that a mail about the machine's violation has links for: none when it complies.
func Offered(m record.Machine) []Action {
	switch {
	case m.State.Standing != integrity.Bad:
		return nil
	case m.State.Key == integrity.KeyRevoked && m.State.Silence:
		return []Action{Check, OnIt}
	case m.State.Key == integrity.KeyRevoked:
		return []Action{Check, OnIt, AskWaiver}
	case m.State.Silence:
		return []Action{Check, Hold, OnIt}
	}
	return []Action{Check, Hold, OnIt, AskWaiver}
}

// New makes a link about the machine's violation for those whom the mail goes to, and the token that its address ends with.
func New(a Action, m record.Machine, to []string, notice string, now time.Time, random io.Reader) (record.ActionLink, string, error) {
	secret := make([]byte, secretBytes)
	if _, err := io.ReadFull(random, secret); err != nil {
		return record.ActionLink{}, "", fmt.Errorf("making a link: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(secret)
	return record.ActionLink{
		ID: digest(text), Action: string(a), Machine: m.ID, Violation: m.State.Since, To: to, Notice: notice,
		MadeAt: now, Expires: now.Add(Valid),
	}, text, nil
}

// ID is the digest under which the link of a token is kept; "" for what cannot be one.
func ID(text string) string {
	if !token.MatchString(text) {
		return ""
	}
	return digest(text)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
