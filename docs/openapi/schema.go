package openapi

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// object is a part of the document whose keys keep their order.
type object = yaml.MapSlice

func pair(key string, value any) yaml.MapItem { return yaml.MapItem{Key: key, Value: value} }

// schemas collects the schemas of Go types as they are written in JSON: structs of ours by name.
type schemas struct {
	comments comments
	named    map[string]object
	types    map[string]reflect.Type
	closed   map[string]bool // that callers send
}

func newSchemas() *schemas {
	return &schemas{comments: comments{}, named: map[string]object{}, types: map[string]reflect.Type{}, closed: map[string]bool{}}
}

// spoken are types whose JSON says something else than their fields.
var spoken = map[reflect.Type]object{
	reflect.TypeFor[time.Time]():         {pair("type", "string"), pair("format", "date-time")},
	reflect.TypeFor[time.Duration]():     {pair("type", "integer"), pair("format", "int64"), pair("description", "nanoseconds")},
	reflect.TypeFor[policy.Verdict]():    {pair("type", "string"), pair("enum", []string{"Unknown", "Pass", "Fail"})},
	reflect.TypeFor[evidence.Evidence](): {pair("type", "object"), pair("description", "The normalised facts of one inspection; docs/evidence.md lists them.")},
}

// of is the schema of a type.
func (s *schemas) of(t reflect.Type) (object, error) {
	if known, ok := spoken[t]; ok {
		return known, nil
	}
	switch t.Kind() {
	case reflect.String:
		return object{pair("type", "string")}, nil
	case reflect.Bool:
		return object{pair("type", "boolean")}, nil
	case reflect.Int, reflect.Int64:
		return object{pair("type", "integer"), pair("format", "int64")}, nil
	case reflect.Float64:
		return object{pair("type", "number"), pair("format", "double")}, nil
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		inner, err := s.of(t.Elem())
		return object{pair("type", "array"), pair("items", inner)}, err
	case reflect.Map:
		inner, err := s.of(t.Elem())
		return object{pair("type", "object"), pair("additionalProperties", inner)}, err
	case reflect.Struct:
		return s.reference(t)
	}
	return nil, fmt.Errorf("describing %s: a %s is not carried", t, t.Kind())
}

// reference is a struct by its name, which is described once.
func (s *schemas) reference(t reflect.Type) (object, error) {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	if other, ok := s.types[name]; ok && other != t {
		return nil, fmt.Errorf("describing %s: %s has the same name", t, other)
	}
	if _, ok := s.types[name]; !ok {
		s.types[name] = t
		described, err := s.fields(t)
		if err != nil {
			return nil, err
		}
		s.named[name] = described
	}
	return object{pair("$ref", "#/components/schemas/"+name)}, nil
}

func (s *schemas) fields(t reflect.Type) (object, error) {
	properties, required := object{}, []string{}
	for f := range fieldsOf(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			return nil, fmt.Errorf("describing %s: field %s has no name in JSON", t, f.Name)
		}
		inner, err := s.of(f.Type)
		if err != nil {
			return nil, err
		}
		if optional := strings.Contains(options, "omit"); !optional {
			required = append(required, name)
			if k := f.Type.Kind(); k == reflect.Slice || k == reflect.Map || k == reflect.Pointer {
				inner = append(object{pair("nullable", true)}, inner...)
			}
		}
		text, err := s.comments.of(t, f.Name)
		if err != nil {
			return nil, err
		}
		if text != "" && inner[0].Key != "$ref" {
			inner = append(object{pair("description", text)}, without(inner, "description")...)
		}
		properties = append(properties, pair(name, inner))
	}
	all := object{pair("type", "object")}
	if len(required) > 0 {
		all = append(all, pair("required", required))
	}
	return append(all, pair("properties", properties)), nil
}

// bounds are what bodies may hold, by type and field. The handlers' own checks are the authority: their tests are sent
// what lies outside.
var bounds = map[string]object{
	"Reason.reason":     {pair("minLength", 1), pair("maxLength", 500)},
	"HoldWish.reason":   {pair("minLength", 1), pair("maxLength", 500)},
	"Enrolment.role":    {pair("pattern", `^arn:aws[a-z-]*:iam::[0-9]{12}:role/`)},
	"Enrolment.key":     {pair("minLength", 1)},
	"Enrolment.mode":    {pair("enum", []string{"", string(policy.RevokeGrant), string(policy.DisableKey)})},
	"WaiverWish.scope":  {pair("pattern", `^(global|policy:.+|machine:.+)$`)},
	"WaiverWish.rule":   {pair("minLength", 1)},
	"WaiverWish.reason": {pair("minLength", 1), pair("maxLength", 500)},
	"WaiverWish.values": {pair("maxItems", policy.MaxValues)},
	"WaiverWish.tags":   {pair("maxProperties", record.MaxWaiverTags)},
	"Ask.bootId":        {pair("pattern", `^[0-9a-f-]{1,64}$`)},
}

// body is a struct that callers send: what it does not name is refused, and required is what has to be there, all that
// is not optional unless it is given.
func (s *schemas) body(t reflect.Type, required []string) (object, error) {
	reference, err := s.reference(t)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(reference[0].Value.(string), "#/components/schemas/")
	if s.closed[name] {
		return reference, nil
	}
	s.closed[name] = true
	described := s.named[name]
	for _, item := range described {
		if item.Key == "required" && required == nil {
			required = item.Value.([]string)
		}
	}
	for i, item := range described {
		switch {
		case item.Key == "required":
			described[i].Value = required
		case item.Key == "properties":
			for j, p := range item.Value.(object) {
				value := without(append(p.Value.(object), bounds[name+"."+p.Key.(string)]...), "nullable")
				if !slices.Contains(required, p.Key.(string)) { // null is as if it were not given
					if value[0].Key == "$ref" { // which may have nothing beside it
						value = object{pair("type", "object"), pair("allOf", []any{value})}
					}
					value = append(object{pair("nullable", true)}, value...)
				}
				item.Value.(object)[j].Value = value
			}
		}
	}
	s.named[name] = append(described, pair("additionalProperties", false))
	return reference, nil
}

func without(o object, key string) object {
	var rest object
	for _, item := range o {
		if item.Key != key {
			rest = append(rest, item)
		}
	}
	return rest
}

// fieldsOf are the exported fields, those of embedded structs among them.
func fieldsOf(t reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if f.Anonymous || !f.IsExported() {
				continue
			}
			if !yield(f) {
				return
			}
		}
	}
}
