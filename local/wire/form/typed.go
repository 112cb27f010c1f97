package form

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// Typed turns the members of document that came as text into what the fields of t are, so that
// encoding/json can read them; nil names mean all members. A text that does not fit stays, and
// encoding/json says so. A t that is no struct changes nothing.
func Typed(document []byte, names map[string]bool, t reflect.Type) ([]byte, error) {
	if t.Kind() != reflect.Struct {
		return document, nil
	}
	members := map[string]any{}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&members); err != nil {
		return nil, err
	}
	for name, value := range members {
		if names == nil || names[name] {
			members[name] = coerceMember(name, value, t)
		}
	}
	return json.Marshal(members)
}

func coerceMember(name string, value any, t reflect.Type) any {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name || tag == "" && f.Name == name {
			return coerce(value, f.Type)
		}
	}
	return value
}

func coerce(value any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			switch t.Kind() {
			case reflect.Struct:
				v[name] = coerceMember(name, member, t)
			case reflect.Map:
				v[name] = coerce(member, t.Elem())
			}
		}
	case []any:
		if t.Kind() == reflect.Slice {
			for i := range v {
				v[i] = coerce(v[i], t.Elem())
			}
		}
	case string:
		return coerceText(v, t)
	}
	return value
}

func coerceText(text string, t reflect.Type) any {
	switch k := t.Kind(); {
	case k == reflect.Bool:
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case k >= reflect.Int && k <= reflect.Float64:
		if _, err := strconv.ParseFloat(text, 64); err == nil && json.Valid([]byte(text)) {
			return json.Number(text)
		}
	case k == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		if text == "" {
			return []any{} // how the Query protocol writes an empty list
		}
		return []any{coerceText(text, t.Elem())}
	}
	return text
}
