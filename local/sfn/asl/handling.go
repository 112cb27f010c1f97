package asl

import (
	"math"
	"slices"
	"time"

	"github.com/keyward/keyward/local/sfn/expression"
)

// Retrier is one entry of a Retry list.
type Retrier struct {
	errors   []string
	attempts int
	interval float64 // seconds
	rate     float64
	longest  float64 // seconds; 0 means no bound
	jitter   bool
}

// Catcher is one entry of a Catch list.
type Catcher struct {
	errors     []string
	resultPath *expression.Path
	Next       string
}

func parseRetry(r *reader) []Retrier {
	var retriers []Retrier
	list := r.list("Retry")
	for i, below := range list {
		one := Retrier{
			errors:   parseErrors(below, i == len(list)-1),
			attempts: below.number("MaxAttempts", 0, maxSeconds, 3),
			interval: float64(below.number("IntervalSeconds", 1, maxSeconds, 1)),
			longest:  float64(below.number("MaxDelaySeconds", 1, 31_622_400, 0)),
			rate:     2,
		}
		if rate, ok := optional[float64](below, "BackoffRate"); ok {
			if one.rate = rate; rate < 1 {
				below.problem("BackoffRate", "expected at least 1.0, found %v", rate)
			}
		}
		strategy, ok := optional[string](below, "JitterStrategy")
		if one.jitter = strategy == "FULL"; ok && !one.jitter && strategy != "NONE" {
			below.problem("JitterStrategy", "expected FULL or NONE, found %q", strategy)
		}
		read[string](below, "Comment")
		below.end()
		retriers = append(retriers, one)
	}
	return retriers
}

func parseCatch(r *reader) []Catcher {
	var catchers []Catcher
	list := r.list("Catch")
	for i, below := range list {
		one := Catcher{errors: parseErrors(below, i == len(list)-1), resultPath: below.resultPath(), Next: read[string](below, "Next")}
		if one.Next == "" {
			below.problem("Next", "expected the name of a state")
		}
		read[string](below, "Comment")
		below.end()
		catchers = append(catchers, one)
	}
	return catchers
}

// parseErrors takes ErrorEquals. States.ALL stands alone, and last.
func parseErrors(r *reader, last bool) []string {
	names := read[[]string](r, "ErrorEquals")
	if len(names) == 0 {
		r.problem("ErrorEquals", "expected a list that is not empty")
	}
	if slices.Contains(names, All) && (len(names) > 1 || !last) {
		r.problem("ErrorEquals", "%s must stand alone and in the last entry", All)
	}
	return names
}

// handles says whether a list of ErrorEquals is meant for an error.
func handles(names []string, e *Error) bool {
	switch {
	case e.Name == Runtime || e.Name == DataLimitExceeded:
		return false
	case slices.Contains(names, e.Name) || slices.Contains(names, All):
		return true
	default:
		return slices.Contains(names, TaskFailed) && e.Name != Timeout
	}
}

// Again says which entry of Retry is for an error and has attempts left, and how long to wait first.
// Made are the retries that each entry has brought in this visit of the state; random is at least 0
// and less than 1. Only the first entry that is for the error counts.
func (s *State) Again(e *Error, made []int, random float64) (entry int, delay time.Duration, ok bool) {
	i := slices.IndexFunc(s.Retry, func(r Retrier) bool { return handles(r.errors, e) })
	if i < 0 || made[i] >= s.Retry[i].attempts {
		return 0, 0, false
	}
	r := s.Retry[i]
	seconds := r.interval * math.Pow(r.rate, float64(made[i]))
	if r.longest > 0 {
		seconds = min(seconds, r.longest)
	}
	seconds = min(seconds, longest.Seconds())
	if r.jitter {
		seconds *= random
	}
	return i, time.Duration(seconds * float64(time.Second)), true
}

// Caught is the state that an error leads to and what is handed to it.
func (s *State) Caught(in Scope, e *Error) (next string, output any, err *Error) {
	i := slices.IndexFunc(s.Catch, func(c Catcher) bool { return handles(c.errors, e) })
	if i < 0 {
		return "", nil, e
	}
	output, err = s.Catch[i].resultPath.Put(in.Input, map[string]any{"Error": e.Name, "Cause": e.Cause})
	return s.Catch[i].Next, output, err
}
