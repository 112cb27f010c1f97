package asl

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/keyward/keyward/local/sfn/expression"
)

const (
	maxSeconds = 99_999_999 // of every field of seconds, "Wait workflow state" and "Task workflow state"
	longest    = 366 * 24 * time.Hour
)

// waiting is until when a Wait state waits: one of its fields is set.
type waiting struct {
	seconds       time.Duration
	timestamp     time.Time
	secondsPath   *expression.Path
	timestampPath *expression.Path
}

func (s *State) waits(r *reader) {
	s.paths(r)
	s.leads(r)
	given := 0
	for _, name := range []string{"Seconds", "Timestamp", "SecondsPath", "TimestampPath"} {
		if r.has(name) {
			given++
		}
	}
	if given != 1 {
		r.problem("Seconds", "expected exactly one of Seconds, SecondsPath, Timestamp and TimestampPath")
	}
	s.wait.seconds = time.Duration(r.number("Seconds", 0, maxSeconds, 0)) * time.Second
	if text, ok := optional[string](r, "Timestamp"); ok {
		t, fits := timestamp(text)
		if !fits {
			r.problem("Timestamp", "expected RFC 3339 with capital T and Z, found %q", text)
		}
		s.wait.timestamp = t
	}
	if r.has("SecondsPath") {
		s.wait.secondsPath = r.required("SecondsPath")
	}
	if r.has("TimestampPath") {
		s.wait.timestampPath = r.required("TimestampPath")
	}
}

// Due is until when a Wait state that is entered at now waits, in whole seconds when it is a
// timestamp, as on AWS. An instant that is past means not at all.
func (s *State) Due(effective Scope, now time.Time) (time.Time, *Error) {
	due, err := s.wait.due(s.Name, effective, now)
	if err == nil && due.After(now.Add(longest)) {
		err = expression.Fail(Runtime, "The Wait state '%s' would wait until %s, which is more than a year", s.Name, due.Format(time.RFC3339))
	}
	return due, err
}

func (w waiting) due(name string, in Scope, now time.Time) (time.Time, *Error) {
	switch {
	case w.secondsPath != nil:
		v, err := w.secondsPath.Value("SecondsPath", in)
		if err != nil {
			return time.Time{}, err
		}
		n, _ := v.(json.Number)
		seconds, problem := strconv.Atoi(string(n))
		if problem != nil || seconds < 0 || seconds > maxSeconds {
			return time.Time{}, expression.Fail(Runtime, "The SecondsPath parameter of state '%s' does not reference an integer value of 0 to %d: %s == %s",
				name, maxSeconds, w.secondsPath, expression.Encode(v))
		}
		return now.Add(time.Duration(seconds) * time.Second), nil
	case w.timestampPath != nil:
		v, err := w.timestampPath.Value("TimestampPath", in)
		if err != nil {
			return time.Time{}, err
		}
		t, fits := timestamp(v)
		if !fits {
			shown, text := v.(string)
			if !text {
				shown = expression.Encode(v)
			}
			return time.Time{}, expression.Fail(Runtime, "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: %s == %s",
				w.timestampPath, shown)
		}
		return t.Truncate(time.Second), nil
	case !w.timestamp.IsZero():
		return w.timestamp.Truncate(time.Second), nil
	default:
		return now.Add(w.seconds), nil
	}
}
