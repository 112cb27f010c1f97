package agent

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Bound is a document with its parameters put in. It may run on any number of machines at once.
type Bound struct{ steps []boundStep }

type boundStep struct {
	Step
	script  string
	dir     string
	timeout time.Duration
	operand [2]string // of the precondition, substituted; empty without one
}

// Bind puts the values into the document, in one pass and as plain text: a value that looks like a
// placeholder stays as it is. A parameter without value and default becomes null, as on the agent.
func (d *Document) Bind(values map[string][]string) *Bound {
	texts := map[string]string{}
	for name, p := range d.Parameters {
		texts[name] = p.text(values[name])
	}
	put := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(m string) string {
			return texts[placeholder.FindStringSubmatch(m)[1]]
		})
	}
	b := &Bound{}
	for _, s := range d.Steps {
		bound := boundStep{Step: s, script: put(strings.Join(s.Inputs.RunCommand, "\n")), dir: put(s.Inputs.WorkingDirectory)}
		seconds := s.Inputs.TimeoutSeconds
		if t, ok := seconds.(string); ok {
			seconds = put(t)
		}
		bound.timeout = stepTimeout(seconds)
		if o := s.Precondition["StringEquals"]; len(o) == 2 {
			bound.operand = [2]string{put(o[0]), put(o[1])}
		}
		b.steps = append(b.steps, bound)
	}
	return b
}

func (p Parameter) text(values []string) string {
	if values == nil {
		values, _ = p.fallback()
	}
	switch {
	case values == nil, p.Type == "String" && len(values) == 0:
		return "null"
	case p.Type == "String":
		return values[0]
	}
	list, _ := json.Marshal(values)
	return string(list)
}

// stepTimeout is the agent's reading of timeoutSeconds: what it cannot use, or less than 5, or more
// than two days, means an hour.
func stepTimeout(v any) time.Duration {
	seconds := 0
	switch t := v.(type) {
	case float64:
		seconds = int(t)
	case string:
		seconds, _ = strconv.Atoi(strings.TrimSpace(t))
	}
	if seconds < 5 || seconds > 172800 {
		seconds = 3600
	}
	return time.Duration(seconds) * time.Second
}

// holds says whether the precondition lets the step run on the platform.
func (s boundStep) holds(platform string) bool {
	a, b := s.operand[0], s.operand[1]
	if a == "platformType" {
		a = platform
	}
	if b == "platformType" {
		b = platform
	}
	return a == b
}

// Timeout is how long the steps that run on the platform may take together. The service adds it to
// TimeoutSeconds for the total timeout of a command.
func (b *Bound) Timeout(platform string) time.Duration {
	var total time.Duration
	for _, s := range b.steps {
		if s.holds(platform) {
			total += s.timeout
		}
	}
	return total
}
