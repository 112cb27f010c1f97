package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/local/wire/form"
)

// Decode reads the call's input into a struct of the service. A parameter the struct does not name is
// refused with 501, since it would otherwise be ignored in silence. Values that came as text (a form,
// the path, the query) are read as numbers, booleans and lists where the struct's fields are such.
func Decode[T any](r *Request) (T, error) { return decode[T](r, true) }

// Peek reads those parameters that a struct names, for who looks at a call before the service does.
func Peek[T any](r *Request) (T, error) { return decode[T](r, false) }

func decode[T any](r *Request, strict bool) (T, error) {
	var in T
	body := r.Body
	if r.allText || len(r.text) > 0 {
		var err error
		if body, err = form.Typed(body, r.text, reflect.TypeFor[T]()); err != nil {
			return in, serialization("reading the input of %s.%s: %v", r.Service, r.Operation, err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(&in); err != nil {
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return in, Unimplemented("parameter %s of %s.%s", name, r.Service, r.Operation)
		}
		return in, serialization("reading the input of %s.%s: %v", r.Service, r.Operation, err)
	}
	if d.More() {
		return in, serialization("reading the input of %s.%s: more than one JSON document", r.Service, r.Operation)
	}
	return in, nil
}

// Unimplemented is the loud answer to what is not here: 501, naming it.
func Unimplemented(format string, args ...any) *Error {
	return &Error{
		Code:    "NotImplemented",
		Message: "keyward local does not implement " + fmt.Sprintf(format, args...),
		Status:  http.StatusNotImplemented,
	}
}

// Validation is the ValidationException that most services answer to bad input.
func Validation(format string, args ...any) *Error {
	return &Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// Time is an instant in AWS's JSON protocols: seconds since 1970 as a number, milliseconds behind the
// point. The zero value is written as null.
type Time struct{ time.Time }

// MarshalJSON writes epoch seconds.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads epoch seconds, or RFC 3339 as some REST services send it.
func (t *Time) UnmarshalJSON(b []byte) error {
	if s := strings.Trim(string(b), `"`); len(b) > 0 && b[0] == '"' {
		parsed, err := time.Parse(time.RFC3339, s)
		t.Time = parsed
		return err
	}
	if string(b) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return err
	}
	t.Time = time.UnixMilli(int64(math.Round(f * 1000))).UTC()
	return nil
}

func roleARN(arn string) string {
	// arn:aws:sts::123456789012:assumed-role/ROLE/SESSION
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || !strings.HasPrefix(p[5], "assumed-role/") {
		return ""
	}
	role, _, _ := strings.Cut(strings.TrimPrefix(p[5], "assumed-role/"), "/")
	return "arn:" + p[1] + ":iam::" + p[4] + ":role/" + role
}
