// Package env fills a function's config struct from environment variables and reports every problem
// at once, so that a broken deployment is explained by one line. It reads through a lookup function,
// never the process itself, and knows no defaults: what a struct names is required.
package env

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// Parse sets each field of the struct that into points to from the variable that its `env` tag names.
// Fields may be string, int or time.Duration (whole seconds). An empty string is a missing value,
// unless the tag ends in ",optional". The error joins all problems.
func Parse(into any, lookup func(string) (string, bool)) error {
	v := reflect.ValueOf(into).Elem()
	var problems []error
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("env")
		if tag == "" {
			continue
		}
		name, optional := cutOptional(tag)
		value, _ := lookup(name)
		if value == "" {
			if !optional {
				problems = append(problems, fmt.Errorf("reading %s: it is not set", name))
			}
			continue
		}
		if err := set(v.Field(i), value); err != nil {
			problems = append(problems, fmt.Errorf("reading %s=%q: %w", name, value, err))
		}
	}
	return errors.Join(problems...)
}

// Names are the variables that a config struct reads; the contract test compares them with the template.
func Names(of any) []string {
	t := reflect.TypeOf(of)
	var names []string
	for i := range t.NumField() {
		if tag := t.Field(i).Tag.Get("env"); tag != "" {
			name, _ := cutOptional(tag)
			names = append(names, name)
		}
	}
	return names
}

func cutOptional(tag string) (name string, optional bool) {
	const suffix = ",optional"
	if len(tag) > len(suffix) && tag[len(tag)-len(suffix):] == suffix {
		return tag[:len(tag)-len(suffix)], true
	}
	return tag, false
}

var duration = reflect.TypeFor[time.Duration]()

func set(field reflect.Value, value string) error {
	switch {
	case field.Type() == duration:
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return errors.New("expected whole seconds, such as 60")
		}
		field.SetInt(int64(time.Duration(n) * time.Second))
	case field.Kind() == reflect.String:
		field.SetString(value)
	case field.Kind() == reflect.Int:
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("expected a whole number")
		}
		field.SetInt(int64(n))
	default:
		return fmt.Errorf("fields of type %s cannot be read", field.Type())
	}
	return nil
}
