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
}

// Of is the table's row of a kind; an unknown kind is Internal.
func Of(k Kind) Row {
	if r, ok := table[k]; ok {
		return r
	}
	return table[Internal]
}

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Internal, Invalid, NotFound, Denied, Conflict, Transient} }

// Error is an error with its kind. Safe is what callers outside may read; the wrapped error may carry
// ARNs and account ids and is for the log alone.
type Error struct {
	Kind Kind
	Safe string
	Err  error
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
