package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// jsonReader makes nodes of a text in JSON. Keys that stand twice are kept, so that the reader finds them.
type jsonReader struct {
	text         []byte
	decoder      *json.Decoder
	at           int64 // whose line and column are known
	line, column int
}

// jsonTree reads a text in JSON into nodes, or says why it is none that may be read.
func jsonTree(text []byte) (*node, *Error) {
	switch {
	case len(text) > MaxBytes:
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the document has %d bytes, expected at most %d", len(text), MaxBytes)}
	case !utf8.Valid(text):
		return nil, &Error{Line: 1, Column: 1, Message: "is not UTF-8 text"}
	}
	r := &jsonReader{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), line: 1, column: 1}
	r.decoder.UseNumber()
	root, err := r.value(1)
	if err == nil && r.next() == int64(len(text)) {
		return root, nil
	}
	if err == nil {
		err = errors.New("something follows the document")
	}
	line, column := r.position(max(r.at, r.next()))
	message := "is not JSON: " + strings.TrimPrefix(err.Error(), "json: ")
	if errors.Is(err, errTooDeep) {
		message = tooDeep
	}
	return nil, &Error{Line: line, Column: column, Message: message}
}

var errTooDeep = errors.New("too deep")

// value reads the next value.
func (r *jsonReader) value(depth int) (*node, error) {
	if depth > MaxDepth {
		return nil, errTooDeep
	}
	out := &node{}
	out.line, out.column = r.position(r.next())
	token, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // of the document, whatever was open
	}
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		err = r.inside(out, t, depth)
	case string:
		out.kind, out.text = text, t
	case json.Number:
		out.kind, out.text = number, t.String()
	case bool:
		out.kind, out.text = boolean, fmt.Sprint(t)
	}
	return out, err
}

// inside reads what a list or mapping holds, up to its end.
func (r *jsonReader) inside(out *node, open json.Delim, depth int) error {
	out.kind = mapping
	if open == '[' {
		out.kind = list
	}
	for r.decoder.More() {
		one, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		if out.kind == list {
			out.items = append(out.items, one)
			continue
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		out.pairs = append(out.pairs, pair{one, value})
	}
	_, err := r.decoder.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// next is where the next value begins.
func (r *jsonReader) next() int64 {
	at := r.decoder.InputOffset()
	for at < int64(len(r.text)) && strings.IndexByte(" \t\r\n,:", r.text[at]) >= 0 {
		at++
	}
	return at
}

// position is the line and column, in characters, of an offset, none of which is before the last one.
func (r *jsonReader) position(offset int64) (line, column int) {
	for _, c := range string(r.text[min(r.at, offset):offset]) {
		r.column++
		if c == '\n' {
			r.line, r.column = r.line+1, 1
		}
	}
	r.at = max(r.at, offset)
	return r.line, r.column
}
