package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/record"
)

// Event is our own request, what a person wrote into a schedule or a test event, or EventBridge's news that an instance
// runs or that a time has come. The zero value asks for nothing and is refused.
type Event struct {
	inspection.Request
	Scope  record.Scope // global, unscheduled, policy:NAME or machine:ID; of what people write
	Source string
	Detail instance
}

type instance struct {
	InstanceID string `json:"instance-id"`
	State      string `json:"state"`
}

// Unscheduled is the scope of all machines whose policy has no schedule of its own.
const Unscheduled record.Scope = "unscheduled"

// expected is what people are told who wrote something else.
const expected = `expected {} for all machines, or {"scope": "…"} with global, unscheduled, policy:NAME or machine:ID`

// UnmarshalJSON tells the forms apart: EventBridge's events have a source, our own requests a purpose. What people write
// has neither, and may leave the version out; a field that is not known is refused, since with a misspelt one left out
// all machines would be meant.
func (e *Event) UnmarshalJSON(b []byte) error {
	var bus struct {
		Source     string   `json:"source"`
		DetailType string   `json:"detail-type"`
		Detail     instance `json:"detail"`
	}
	_ = json.Unmarshal(b, &bus) // the detail of another source may be anything
	if bus.Source != "" {
		e.Source, e.Detail = bus.Source, bus.Detail
		if bus.DetailType == "Scheduled Event" && (bus.Source == "aws.events" || bus.Source == "aws.scheduler") {
			e.Source, e.Scope = "", "global" // what schedules without an input of their own send
		}
		return nil
	}
	var own struct {
		*inspection.Request
		Version *int         `json:"version"`
		Scope   record.Scope `json:"scope"`
	}
	own.Request = &e.Request
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&own); err != nil {
		return fault.Wrap(fault.Invalid, err, "reading the event: %s: %s", strings.TrimPrefix(plain(err), "json: "), expected)
	}
	e.Scope = own.Scope
	switch {
	case own.Version != nil:
		e.Version = *own.Version
	case e.Purpose == "":
		e.Version = inspection.Version
	}
	if e.Purpose == "" {
		return e.byHand()
	}
	if e.Scope != "" {
		return fault.New(fault.Invalid, "reading the event: it has a scope and a purpose: %s", expected)
	}
	return nil
}

// byHand reads what a person means by an event without a purpose.
func (e *Event) byHand() error {
	said := 0
	for _, is := range []bool{e.Scope != "", e.Policy != "", len(e.Machines) > 0} {
		if is {
			said++
		}
	}
	switch {
	case said > 1:
		return fault.New(fault.Invalid, "reading the event: it has more than one of scope, policy and machines: %s", expected)
	case len(e.Machines) > 0:
		e.Purpose = record.Check
	case e.Policy != "":
		e.Scope, e.Policy = record.Scope("policy:"+e.Policy), ""
	case said == 0:
		e.Scope = "global"
	}
	return nil
}

// plain is a decoding error in words that name no Go type.
func plain(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		if kind.Field == "" {
			return "it is a JSON " + kind.Value
		}
		return "field " + strings.TrimPrefix(kind.Field, "Request.") + " is a JSON " + kind.Value
	}
	return err.Error()
}
