package evidence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Fact is one leaf of the evidence: a value, or unknown because of something. The zero value is
// unknown without a reason.
type Fact[T any] struct {
	Value T
	Known bool
	Why   string // reason code when not known: not_root, absent, timeout, cut, parse_error, …
}

// Known is a fact that was found.
func Known[T any](v T) Fact[T] { return Fact[T]{Value: v, Known: true} }

// Unknown is a fact that could not be had, with the reason code.
func Unknown[T any](why string) Fact[T] { return Fact[T]{Why: why} }

// Or is the value, or instead when it is not known.
func (f Fact[T]) Or(instead T) T {
	if f.Known {
		return f.Value
	}
	return instead
}

// String shows the value, or "unknown" with the reason.
func (f Fact[T]) String() string {
	switch {
	case f.Known:
		return fmt.Sprint(f.Value)
	case f.Why != "":
		return "unknown (" + f.Why + ")"
	default:
		return "unknown"
	}
}

type factJSON[T any] struct {
	Value *T     `json:"value,omitempty"`
	Why   string `json:"why,omitempty"`
}

// MarshalJSON writes {"value": …} or {"why": "…"}.
func (f Fact[T]) MarshalJSON() ([]byte, error) {
	if f.Known {
		return object("value", f.Value)
	}
	if f.Why == "" {
		return []byte("{}"), nil
	}
	return object("why", f.Why)
}

// object is a JSON object of one member. Evidence is made of facts and is encoded for each digest, so that what most
// facts are, plain text and yes or no, is written without going round a second reflection.
func object(name string, value any) ([]byte, error) {
	open := `{"` + name + `":`
	switch v := value.(type) {
	case bool:
		return append(strconv.AppendBool([]byte(open), v), '}'), nil
	case string:
		if plain(v) {
			return []byte(open + `"` + v + `"}`), nil
		}
	}
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(open), b, []byte("}")), nil
}

// plain is whether JSON writes a text as it is, between quotes.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

// UnmarshalJSON reads what MarshalJSON writes; anything without a value is unknown.
func (f *Fact[T]) UnmarshalJSON(b []byte) error {
	var j factJSON[T]
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*f = Fact[T]{Why: j.Why}
	if j.Value != nil {
		*f = Known(*j.Value)
	}
	return nil
}
