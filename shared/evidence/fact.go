package evidence

import (
	"encoding/json"
	"fmt"
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
		return json.Marshal(factJSON[T]{Value: &f.Value})
	}
	return json.Marshal(factJSON[T]{Why: f.Why})
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
