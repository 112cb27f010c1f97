package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of fault.
const (
	Throttle  Kind = "throttle"  // calls get the service's own throttling error
	Latency   Kind = "latency"   // calls take longer
	Error     Kind = "error"     // calls get an error of your choice
	Drop      Kind = "drop"      // events are lost
	Duplicate Kind = "duplicate" // events arrive twice
	Late      Kind = "late"      // events arrive later
	Silent    Kind = "silent"    // machines do not answer Run Command
)

// Fault is one fault that was asked for. Empty selectors select everything.
type Fault struct {
	Kind       Kind     `json:"kind"`
	Service    string   `json:"service,omitempty"`    // throttle, latency, error: signing name, such as kms
	Operation  string   `json:"operation,omitempty"`  // throttle, latency, error: such as DisableKey
	DetailType string   `json:"detailType,omitempty"` // drop, duplicate, late: of the event
	Machine    string   `json:"machine,omitempty"`    // silent: i-… or mi-…
	Rate       float64  `json:"rate,omitempty"`       // the share that is hit, spread evenly; 0 means 1, which is all
	Count      int      `json:"count,omitempty"`      // how many are hit before the fault is spent; 0 means until it is cleared
	Delay      Duration `json:"delay,omitempty"`      // latency: real time, at most 5 minutes; late: virtual time, at most 30 days
	Code       string   `json:"code,omitempty"`       // error: AWS's error code
	Message    string   `json:"message,omitempty"`    // error: what it says
	Status     int      `json:"status,omitempty"`     // error: HTTP status, 0 means 400
	RealQuotas bool     `json:"realQuotas,omitempty"` // throttle: only what is above AWS's default quota, in virtual time
}

// Duration is written as Go writes it: 90s, 2m30s.
type Duration time.Duration

// MarshalJSON writes 1m30s.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads 90s; a number without a unit is an error.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("delay %s, expected a text such as \"2s\"", b)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("delay %q, expected a duration such as \"2s\"", text)
	}
	*d = Duration(parsed)
	return nil
}

// maxDelay is longer than any function's timeout that a test waits for.
const maxDelay = 5 * time.Minute

// latest is how late an event may be, in virtual time.
const latest = 30 * 24 * time.Hour

var (
	kinds       = []Kind{Throttle, Latency, Error, Drop, Duplicate, Late, Silent}
	machineName = regexp.MustCompile(`^(i|mi)-[0-9a-f]{8,17}$`)
	word        = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9.]*$`)
)

// Parse reads a fault and checks it. An unknown member is an error; every problem is named at once, by
// field, value and what was expected.
func Parse(text []byte) (Fault, error) {
	var f Fault
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return Fault{}, fmt.Errorf("reading the fault: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Fault{}, errors.New("reading the fault: more than one JSON document, expected one")
	}
	return f, f.check()
}

func (f Fault) check() error {
	var problems []error
	bad := func(field string, value any, expected string) {
		problems = append(problems, fmt.Errorf("%s %#v, expected %s", field, value, expected))
	}
	if !slices.Contains(kinds, f.Kind) {
		bad("kind", string(f.Kind), fmt.Sprintf("one of %v", kinds))
		return fmt.Errorf("checking the fault: %w", errors.Join(problems...))
	}
	for field, set := range f.present() {
		if set && !slices.Contains(fields[f.Kind], field) {
			problems = append(problems, fmt.Errorf("%s is set, expected only %v with kind %q", field, fields[f.Kind], string(f.Kind)))
		}
	}
	if names := slices.Sorted(maps.Keys(throttles)); f.Service != "" && !slices.Contains(names, f.Service) {
		bad("service", f.Service, fmt.Sprintf("one of %v", names))
	}
	if f.Operation != "" && (f.Service == "" || !word.MatchString(f.Operation)) {
		bad("operation", f.Operation, "an operation's name beside its service")
	}
	if f.Machine != "" && !machineName.MatchString(f.Machine) {
		bad("machine", f.Machine, "i- or mi- and 8 to 17 hexadecimal digits")
	}
	if !(f.Rate >= 0 && f.Rate <= 1) {
		bad("rate", f.Rate, "a number above 0 and up to 1")
	}
	if f.Count < 0 {
		bad("count", f.Count, "0 or more")
	}
	if d := time.Duration(f.Delay); f.Kind == Latency && (d <= 0 || d > maxDelay) {
		bad("delay", d.String(), "more than 0s and at most "+maxDelay.String())
	}
	if d := time.Duration(f.Delay); f.Kind == Late && (d <= 0 || d > latest) {
		bad("delay", d.String(), "more than 0s and at most "+latest.String())
	}
	if f.Kind == Error && !word.MatchString(f.Code) {
		bad("code", f.Code, "AWS's error code, such as InternalServerError")
	}
	if f.Status != 0 && (f.Status < 400 || f.Status > 599) {
		bad("status", f.Status, "400 to 599")
	}
	if f.RealQuotas && f.Rate != 0 {
		bad("rate", f.Rate, "none beside realQuotas")
	}
	if len(problems) > 0 {
		slices.SortFunc(problems, func(a, b error) int { return slices.Compare([]byte(a.Error()), []byte(b.Error())) })
		return fmt.Errorf("checking the fault: %w", errors.Join(problems...))
	}
	return nil
}

// fields are those that mean something to a kind, besides kind itself.
var fields = map[Kind][]string{
	Throttle:  {"service", "operation", "rate", "count", "realQuotas"},
	Latency:   {"service", "operation", "rate", "count", "delay"},
	Error:     {"service", "operation", "rate", "count", "code", "message", "status"},
	Drop:      {"detailType", "rate", "count"},
	Duplicate: {"detailType", "rate", "count"},
	Late:      {"detailType", "rate", "count", "delay"},
	Silent:    {"machine"},
}

func (f Fault) present() map[string]bool {
	return map[string]bool{
		"service": f.Service != "", "operation": f.Operation != "", "detailType": f.DetailType != "", "machine": f.Machine != "",
		"rate": f.Rate != 0, "count": f.Count != 0, "delay": f.Delay != 0, "code": f.Code != "", "message": f.Message != "",
		"status": f.Status != 0, "realQuotas": f.RealQuotas,
	}
}
