// Command mails writes every golden mail of shared/notice into a folder, as a message (.eml) and as a page (.html), for the
// judges beside it. Usage: go run ./.ci/mails TESTDATA FOLDER.
package main

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: mails TESTDATA FOLDER")
		os.Exit(2)
	}
	n, err := write(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "mails:", err)
		os.Exit(1)
	}
	fmt.Printf("%d mails\n", n)
}

func write(from, to string) (int, error) {
	texts, err := filepath.Glob(filepath.Join(from, "*.txt"))
	if err != nil || len(texts) == 0 {
		return 0, fmt.Errorf("looking for golden mails in %s: %v, found %d", from, err, len(texts))
	}
	for _, path := range texts {
		text, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		html, err := os.ReadFile(strings.TrimSuffix(path, ".txt") + ".html")
		if err != nil {
			return 0, err
		}
		subject, body, found := strings.Cut(strings.TrimPrefix(string(text), "Subject: "), "\n\n")
		if !found {
			return 0, fmt.Errorf("reading %s: it has no subject", path)
		}
		message, err := message(subject, body, string(html))
		if err != nil {
			return 0, err
		}
		base := filepath.Join(to, strings.TrimSuffix(filepath.Base(path), ".txt"))
		if err := os.WriteFile(base+".eml", message, 0o644); err != nil {
			return 0, err
		}
		if err := os.WriteFile(base+".html", html, 0o644); err != nil {
			return 0, err
		}
	}
	return len(texts), nil
}

// message is a mail as a mail service makes it of a subject and two bodies.
func message(subject, text, html string) ([]byte, error) {
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	header := "From: Keyward <keyward@example.com>\r\nTo: owner@example.com\r\nSubject: " + mime.QEncoding.Encode("utf-8", subject) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=\"" + parts.Boundary() + "\"\r\n\r\n"
	for _, part := range []struct{ kind, body string }{{"text/plain", text}, {"text/html", html}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(part.body)); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return append([]byte(header), b.Bytes()...), nil
}
