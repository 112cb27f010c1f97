package ses

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"
)

// Message is one mail that was accepted.
type Message struct {
	ID               string       `json:"id"`
	At               time.Time    `json:"at"` // virtual
	From             string       `json:"from"`
	To               []string     `json:"to"`
	Cc               []string     `json:"cc,omitempty"`
	Bcc              []string     `json:"bcc,omitempty"`
	ReplyTo          []string     `json:"replyTo,omitempty"`
	Subject          string       `json:"subject"`
	Text             string       `json:"text,omitempty"`
	HTML             string       `json:"html,omitempty"`
	Headers          []Pair       `json:"headers,omitempty"` // beside those that SES makes
	Tags             []Pair       `json:"tags,omitempty"`
	Attachments      []Attachment `json:"attachments,omitempty"`
	ConfigurationSet string       `json:"configurationSet,omitempty"`
	Outcomes         []Outcome    `json:"outcomes"` // one for each recipient

	sender string // the bare address of From
}

// Pair is a header or a tag.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a file of a mail; its content is not kept.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	Size int    `json:"size"` // bytes
}

// Outcome is what came of a mail for one recipient. Why is the bounce's subtype in SES's words.
type Outcome struct {
	Address   string `json:"address"`
	Delivered bool   `json:"delivered"`
	Why       string `json:"why,omitempty"`
}

func (m Message) recipients() []string { return slices.Concat(m.To, m.Cc, m.Bcc) }

// Mail is every message that was accepted, oldest first.
func (s *SES) Mail() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// Message is the one with this id.
func (s *SES) Message(id string) (Message, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return s.messages[i], true
}

// newID is a message id as SES makes them in us-east-1: the time in milliseconds, then a UUID.
func newID(at time.Time) string {
	b := make([]byte, 16)
	rand.Read(b) // never fails since Go 1.24: it ends the process instead
	return fmt.Sprintf("0100%012x-%x-%x-%x-%x-%x-000000", at.UnixMilli(), b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
