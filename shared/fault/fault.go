// Package fault is the closed set of error kinds and the one table from a kind to the outside world:
// the name that Step Functions sees, the HTTP status, and whether trying again can help. Adapters
// map foreign errors to kinds, functions/internal/boot turns kinds into names and statuses.
package fault

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind is what sort of error it is. The zero value is Internal.
type Kind int

// The kinds.
const (
	Internal  Kind = iota // our own bug, or something nobody expected
	Invalid               // the input is wrong; it will be wrong again
	NotFound              // what was named does not exist
	Denied                // not allowed
	Conflict              // somebody was quicker, or the state forbids it
	Transient             // try again later
	Stale                 // it was changed since the caller read it
	TooLarge              // the input is larger than what is read
	Reused                // the idempotency key is that of another call
	Method                // what was named exists, and this cannot be done to it
)

// Row is what a kind means outside.
type Row struct {
	Name   string // Step Functions error name and the kind in HTTP answers
	Status int    // HTTP status
	Retry  bool
}

var table = map[Kind]Row{
	Internal:  {"Internal", http.StatusInternalServerError, false},
	Invalid:   {"Invalid", http.StatusBadRequest, false},
	NotFound:  {"NotFound", http.StatusNotFound, false},
	Denied:    {"Denied", http.StatusForbidden, false},
	Conflict:  {"Conflict", http.StatusConflict, false},
	Transient: {"Transient", http.StatusServiceUnavailable, true},
	Stale:     {"Stale", http.StatusPreconditionFailed, false},
	TooLarge:  {"TooLarge", http.StatusRequestEntityTooLarge, false},
	Reused:    {"Reused", http.StatusUnprocessableEntity, false},
	Method:    {"Method", http.StatusMethodNotAllowed, false},
}

// Of is the table's row of a kind; an unknown kind is Internal.
func Of(k Kind) Row {
	if r, ok := table[k]; ok {
		return r
	}
	return table[Internal]
}

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{Internal, Invalid, NotFound, Denied, Conflict, Transient, Stale, TooLarge, Reused, Method}
}

// Error is an error with its kind. Safe is what callers outside may read; the wrapped error may carry
// ARNs and account ids and is for the log alone.
type Error struct {
	Kind   Kind
	Safe   string
	Err    error
	Fields []Field // of the input that are wrong, where that is known
}

// Field is one place of an input that is wrong. Its text is safe to show.
type Field struct {
	Name   string `json:"field"`            // reason, values[1], rules[0].product.is; empty: the input as a whole
	Detail string `json:"detail"`           // what is wrong
	Line   int    `json:"line,omitempty"`   // of a document that people write, from 1
	Column int    `json:"column,omitempty"` // in characters, from 1
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Safe
	}
	return e.Safe + ": " + e.Err.Error()
}

// Unwrap is the original error.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error whose whole text is safe to show.
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Safe: fmt.Sprintf(format, args...)}
}

// Wrap gives err a kind and a text that is safe to show; nil stays nil.
func Wrap(k Kind, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: k, Safe: fmt.Sprintf(format, args...), Err: err}
}

// In names the field of the input that err is about; an error that is no *Error, and nil, stay what they are.
func In(field string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Fields = append([]Field{{Name: field, Detail: e.Safe}}, e.Fields...)
	return &named
}

// Wrong makes an error of kind Invalid about one field of the input, whose whole text is safe to show.
func Wrong(field, format string, args ...any) error { return In(field, New(Invalid, format, args...)) }

// Fields are the fields that err names, those of every error that was joined.
func Fields(err error) []Field {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []Field
		for _, one := range many.Unwrap() {
			all = append(all, Fields(one)...)
		}
		return all
	}
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Fields
	}
	return nil
}

// KindOf is the kind of the outermost *Error in err's chain, Internal if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is says whether err is of kind k; nil is of none.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }

// Safe is the text of err that may leave the account: of internal errors only that they are internal.
func Safe(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Kind != Internal {
		return e.Safe
	}
	return "internal error"
}
