package agent

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Parameter is what a document says about one of its parameters.
type Parameter struct {
	Type           string   `json:"type"` // String or StringList
	Description    string   `json:"description"`
	DisplayType    string   `json:"displayType"` // how a console shows it; nothing depends on it
	Default        any      `json:"default"`     // a string, or a list of them; nil means required
	AllowedPattern string   `json:"allowedPattern"`
	AllowedValues  []string `json:"allowedValues"`
	MinChars       int      `json:"minChars"`
	MaxChars       int      `json:"maxChars"` // 0 means no limit
	Interpolation  string   `json:"interpolationType"`
}

func (p Parameter) check() error {
	if p.Type != "String" && p.Type != "StringList" {
		return fmt.Errorf("expected type String or StringList, found %q", p.Type)
	}
	if p.Interpolation != "" {
		return unsupported("interpolationType %q, which older agents ignore and paste", p.Interpolation)
	}
	if _, err := p.pattern(); err != nil {
		return fmt.Errorf("reading allowedPattern: %w", err)
	}
	_, err := p.fallback()
	return err
}

// pattern demands that the whole value matches: the service's Java and the agent's Go agree on no less.
func (p Parameter) pattern() (*regexp.Regexp, error) {
	return regexp.Compile(`\A(?:` + p.AllowedPattern + `)\z`)
}

// fallback is the default as a list, nil when the document names none.
func (p Parameter) fallback() ([]string, error) {
	switch v := p.Default.(type) {
	case nil:
		return nil, nil
	case string:
		if p.Type == "String" {
			return []string{v}, nil
		}
	case []any:
		list := []string{}
		for _, e := range v {
			text, ok := e.(string)
			if !ok || p.Type != "StringList" {
				return nil, fmt.Errorf("expected a default of type %s, found %v", p.Type, p.Default)
			}
			list = append(list, text)
		}
		return list, nil
	}
	return nil, fmt.Errorf("expected a default of type %s, found %v", p.Type, p.Default)
}

// Check says what is wrong with the values of a command before anything is sent: unknown and missing
// parameters, more than one value for a String, and values outside what the document allows.
func (d *Document) Check(values map[string][]string) error {
	for name := range values {
		if _, ok := d.Parameters[name]; !ok {
			return fmt.Errorf("parameter %s is not defined in the document", name)
		}
	}
	for name, p := range d.Parameters {
		given, ok := values[name]
		if !ok {
			if p.Default == nil {
				return fmt.Errorf("parameter %s has no value and no default", name)
			}
			continue
		}
		if err := p.allows(given); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return nil
}

func (p Parameter) allows(values []string) error {
	if p.Type == "String" && len(values) != 1 {
		return fmt.Errorf("expected one value for a String, found %d", len(values))
	}
	pattern, err := p.pattern()
	if err != nil {
		return err
	}
	for _, v := range values {
		n := utf8.RuneCountInString(v)
		switch {
		case p.AllowedPattern != "" && !pattern.MatchString(v):
			return fmt.Errorf("value does not match allowedPattern %s", p.AllowedPattern)
		case len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, v):
			return fmt.Errorf("value is not one of allowedValues %q", p.AllowedValues)
		case n < p.MinChars, p.MaxChars > 0 && n > p.MaxChars:
			return fmt.Errorf("value has %d characters, expected %d to %d", n, p.MinChars, p.MaxChars)
		}
	}
	return nil
}

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
