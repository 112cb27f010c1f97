package ses

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxLine  = 1000 // characters of a raw mail's line, by RFC 5321
	maxDepth = 8    // of parts within parts; mail programs use three
	maxParts = 500  // SES's limit on MIME parts, by its service quotas
)

// fillRaw puts a MIME message into m, whose own members go before the message's headers. The first
// text/plain and the first text/html part are its text and its HTML; every other leaf is an attachment.
func fillRaw(m *Message, data []byte) error {
	if len(data) > maxMessage {
		return bad("Message length is more than %d bytes long: '%d'.", maxMessage, len(data))
	}
	for line := range bytes.Lines(data) {
		if len(bytes.TrimRight(line, "\r\n")) > maxLine {
			return bad("A line of the raw message is longer than %d characters.", maxLine)
		}
	}
	message, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return bad("The raw message cannot be read: %q", err)
	}
	if err := readHeaders(message.Header, m); err != nil {
		return err
	}
	reader := rawReader{message: m}
	return reader.part(textproto.MIMEHeader(message.Header), message.Body, 0)
}

func readHeaders(h mail.Header, m *Message) error {
	subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	if err != nil {
		return bad("The subject of the raw message cannot be read: %q", err)
	}
	m.Subject = subject
	if m.From == "" {
		m.From = h.Get("From")
	}
	lists := map[string]*[]string{}
	if len(m.recipients()) == 0 {
		lists["To"], lists["Cc"], lists["Bcc"] = &m.To, &m.Cc, &m.Bcc
	}
	if len(m.ReplyTo) == 0 {
		lists["Reply-To"] = &m.ReplyTo
	}
	for name, list := range lists {
		addresses, err := h.AddressList(name)
		if err != nil && !errors.Is(err, mail.ErrHeaderNotPresent) {
			return bad("The header %s of the raw message cannot be read: %q", name, err)
		}
		for _, a := range addresses {
			*list = append(*list, a.String())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if lower := strings.ToLower(name); !slices.Contains(owned, lower) && lower != "content-transfer-encoding" {
				m.Headers = append(m.Headers, Pair{Name: name, Value: value})
			}
		}
	}
	return nil
}

// rawReader walks the parts of one message.
type rawReader struct {
	message            *Message
	parts              int
	haveText, haveHTML bool
}

func (r *rawReader) part(h textproto.MIMEHeader, body io.Reader, depth int) error {
	if r.parts++; r.parts > maxParts || depth > maxDepth {
		return bad("The raw message has more than %d parts or %d levels of them.", maxParts, maxDepth)
	}
	kind, parameters := "text/plain", map[string]string{}
	if given := h.Get("Content-Type"); given != "" {
		var err error
		if kind, parameters, err = mime.ParseMediaType(given); err != nil {
			return bad("The Content-Type of a part cannot be read: %q", err)
		}
	}
	if strings.HasPrefix(kind, "multipart/") {
		return r.within(body, parameters["boundary"], depth)
	}
	content, err := decoded(h.Get("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	// Without a disposition, or with a broken one, a part is shown.
	disposition, named, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	shown := disposition != "attachment"
	switch {
	case shown && kind == "text/plain" && !r.haveText:
		r.haveText = true
		r.message.Text, err = asText(content, parameters["charset"])
	case shown && kind == "text/html" && !r.haveHTML:
		r.haveHTML = true
		r.message.HTML, err = asText(content, parameters["charset"])
	default:
		name := named["filename"]
		if name == "" {
			name = parameters["name"]
		}
		r.message.Attachments = append(r.message.Attachments, Attachment{Name: name, Type: kind, Size: len(content)})
	}
	return err
}

func (r *rawReader) within(body io.Reader, boundary string, depth int) error {
	if boundary == "" {
		return bad("A multipart part has no boundary.")
	}
	parts := multipart.NewReader(body, boundary)
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return bad("A part cannot be read: %q", err)
		}
		if err := r.part(p.Header, p, depth+1); err != nil {
			return err
		}
	}
}

func decoded(encoding string, body io.Reader) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "7bit", "8bit", "binary":
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	default:
		return nil, bad("The Content-Transfer-Encoding %q of a part is not known.", encoding)
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return nil, bad("A part cannot be decoded: %q", err)
	}
	return content, nil
}

func asText(content []byte, charset string) (string, error) {
	if charset != "" && !strings.EqualFold(charset, "US-ASCII") && !strings.EqualFold(charset, "UTF-8") {
		return "", bad("keyward local knows the charsets UTF-8 and US-ASCII, found %q.", charset)
	}
	if !utf8.Valid(content) {
		return "", bad("A part has bytes that are not in its charset.")
	}
	return string(content), nil
}
