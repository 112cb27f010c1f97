package notifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Read reads a notifier in YAML. The error is policy.Errors: everything that is wrong, each with its position, what stands there
// and what was expected. The text may come from anybody.
func Read(text []byte) (record.Notifier, error) {
	var n record.Notifier
	return checked(&n, policy.ReadDocument(text, "a notifier", func(d *policy.Document, root policy.Value) { reader{d}.notifier(root, &n) }))
}

// ReadJSON is Read of a notifier in JSON. What Keyward itself adds to a notifier that it shows is read over, so that what was
// shown can be put again.
func ReadJSON(text []byte) (record.Notifier, error) {
	var n record.Notifier
	return checked(&n, policy.ReadJSON(text, func(d *policy.Document, root policy.Value) {
		reader{d}.notifier(root, &n, []policy.Key{
			{Name: "version", Read: func(v policy.Value, path string) { d.Count(v, path, 0, math.MaxInt32) }},
			{Name: "putAt", Read: func(v policy.Value, path string) { d.Matching(v, path, "a time such as 2026-01-01T12:00:00Z", isTime) }},
			{Name: "putBy", Read: func(v policy.Value, path string) { d.Line(v, path, 2048) }},
		}...)
	}))
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

func checked(n *record.Notifier, err error) (record.Notifier, error) {
	if err != nil {
		return record.Notifier{}, err
	}
	return *n, nil
}

// Check says what is wrong with a notifier: a fault.Invalid with its fields, or nil. A webhook's secret is not looked at.
func Check(n record.Notifier) error {
	if n.Webhook != nil {
		hook := *n.Webhook
		hook.Secret = ""
		n.Webhook = &hook
	}
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("encoding notifier %s: %w", n.Name, err)
	}
	_, err = ReadJSON(text)
	return Refused(err, "checking notifier "+n.Name)
}

// Refused is an error of reading a notifier as people are told of it: a fault.Invalid with its fields. Other errors, and nil, stay
// what they are.
func Refused(err error, doing string) error {
	var all policy.Errors
	if !errors.As(err, &all) {
		return err
	}
	refusal := &fault.Error{Kind: fault.Invalid, Safe: doing + ": " + all.Error(), Err: err}
	for _, e := range all {
		refusal.Fields = append(refusal.Fields, fault.Field{Name: e.Path, Detail: e.Message, Line: e.Line, Column: e.Column})
	}
	return refusal
}
