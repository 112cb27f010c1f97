package ses

import (
	"errors"
	"net/mail"
	"regexp"
	"slices"
	"strings"
)

// Limits of SendEmail: "Service quotas in Amazon SES" and the API reference.
const (
	maxRecipients = 50
	maxMessage    = 40 << 20 // bytes, before base64
)

type input struct {
	FromEmailAddress     string
	ConfigurationSetName string
	ReplyToAddresses     []string
	EmailTags            []Pair
	Destination          struct{ ToAddresses, CcAddresses, BccAddresses []string }
	Content              struct {
		Simple *simple
		Raw    *struct{ Data []byte }
	}
}

type simple struct {
	Subject     *content
	Body        struct{ Text, Html *content }
	Headers     []Pair
	Attachments []attachment
}

type content struct{ Data, Charset string }

// message checks what depends on the call alone.
func (in input) message() (Message, error) {
	m := Message{
		From: in.FromEmailAddress, ReplyTo: in.ReplyToAddresses, Tags: in.EmailTags, ConfigurationSet: in.ConfigurationSetName,
		To: in.Destination.ToAddresses, Cc: in.Destination.CcAddresses, Bcc: in.Destination.BccAddresses,
	}
	var err error
	switch {
	case (in.Content.Simple == nil) == (in.Content.Raw == nil):
		return m, bad("Exactly one of Simple, Raw and Template must be given in Content.")
	case in.Content.Simple != nil:
		err = in.Content.Simple.fill(&m)
	default:
		err = fillRaw(&m, in.Content.Raw.Data)
	}
	if err != nil {
		return m, err
	}
	if err := checkTags(in.EmailTags); err != nil {
		return m, err
	}
	return m, m.checkAddresses()
}

func (m *Message) checkAddresses() error {
	var err error
	if m.sender, err = bare(m.From); err != nil {
		return bad("The FromEmailAddress %q is not an address.", m.From)
	}
	for _, list := range [][]string{m.To, m.Cc, m.Bcc, m.ReplyTo} {
		for i, text := range list {
			if list[i], err = bare(text); err != nil {
				return bad("Illegal address: %q", text)
			}
		}
	}
	switch n := len(m.recipients()); {
	case n == 0:
		return bad("The message has no recipients.")
	case n > maxRecipients:
		return bad("Recipient count exceeds %d.", maxRecipients)
	}
	return nil
}

// bare is the address alone of "Name <address>". It is ASCII, since SES knows no SMTPUTF8; domains
// beyond that come in Punycode.
func bare(written string) (string, error) {
	a, err := mail.ParseAddress(written)
	if err != nil {
		return "", err
	}
	if strings.ContainsFunc(a.Address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("not ASCII")
	}
	return a.Address, nil
}

var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_.@-]{1,256}$`)

func checkTags(tags []Pair) error {
	for _, t := range tags {
		if !tagPattern.MatchString(t.Name) || !tagPattern.MatchString(t.Value) {
			return bad("The tag %q = %q may hold ASCII letters, digits, _, -, . and @.", t.Name, t.Value)
		}
	}
	return nil
}

// fill takes Simple content.
func (c *simple) fill(m *Message) error {
	if c.Subject == nil || c.Body.Text == nil && c.Body.Html == nil {
		return bad("Subject and one of Text and Html must be given.")
	}
	size := 0
	for _, part := range []struct {
		from *content
		to   *string
	}{{c.Subject, &m.Subject}, {c.Body.Text, &m.Text}, {c.Body.Html, &m.HTML}} {
		if part.from == nil {
			continue
		}
		if err := part.from.check(); err != nil {
			return err
		}
		*part.to = part.from.Data
		size += len(part.from.Data)
	}
	if strings.ContainsAny(m.Subject, "\r\n\x00") {
		return bad("The subject has a line break.")
	}
	for _, a := range c.Attachments {
		if err := a.check(); err != nil {
			return err
		}
		m.Attachments = append(m.Attachments, Attachment{Name: a.FileName, Type: a.ContentType, Size: len(a.RawContent)})
		size += len(a.RawContent)
	}
	if size > maxMessage {
		return bad("Message length is more than %d bytes long: '%d'.", maxMessage, size)
	}
	m.Headers = c.Headers
	return checkHeaders(c.Headers)
}

func (c *content) check() error {
	switch {
	case c.Charset == "" || strings.EqualFold(c.Charset, "US-ASCII"):
		if strings.ContainsFunc(c.Data, func(r rune) bool { return r > 127 }) {
			return bad("The text has characters outside of 7-bit ASCII: give Charset UTF-8.")
		}
	case !strings.EqualFold(c.Charset, "UTF-8"):
		return bad("keyward local knows the charsets UTF-8 and US-ASCII, found %q.", c.Charset)
	}
	return nil
}

// owned are headers that SES writes itself.
var owned = []string{"bcc", "cc", "content-disposition", "content-type", "date", "from", "message-id", "mime-version", "reply-to", "return-path", "subject", "to"}

var headerName = regexp.MustCompile(`^[!-9;-~]{1,126}$`)

func checkHeaders(headers []Pair) error {
	for _, h := range headers {
		switch {
		case !headerName.MatchString(h.Name) || slices.Contains(owned, strings.ToLower(h.Name)):
			return bad("The header %q cannot be set.", h.Name)
		case h.Value == "" || len(h.Value) > 995 || len(h.Name)+len(h.Value) > 996 || strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' || r > '~' }):
			return bad("The value of header %q must be 1 to 995 printable ASCII characters, 996 with the name.", h.Name)
		}
	}
	return nil
}
