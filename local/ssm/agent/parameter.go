package agent

import (
	"fmt"
	"regexp"
	"slices"
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
