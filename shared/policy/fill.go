package policy

import (
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/evidence"
)

// fill writes a mapping into evidence, by the names that the evidence has as JSON. A fact is its value, or
// {unknown: WHY}; a time may be how long before CaseTime it was, such as 48h ago.
func (r *reader) fill(into *evidence.Evidence, n *node, path string) {
	r.value(reflect.ValueOf(into).Elem(), n, path)
	for i := range into.Listeners.Value {
		derive(&into.Listeners.Value[i])
	}
}

// derive adds to a listener what follows from its address.
func derive(l *evidence.Listener) {
	if l.Addr == "" {
		l.Addr = "0.0.0.0"
	}
	addr, err := netip.ParseAddr(l.Addr)
	if err != nil {
		return
	}
	if l.Family == 0 {
		l.Family = 4
		if addr.Is6() {
			l.Family = 6
		}
	}
	if l.Scope == "" {
		l.Scope = evidence.Scope(addr)
	}
}

// value writes one value of the document into a Go value.
func (r *reader) value(v reflect.Value, n *node, path string) {
	t := v.Type()
	if strings.HasPrefix(t.Name(), "Fact[") {
		r.fact(v, n, path)
		return
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		if at, ok := r.moment(n, path); ok {
			v.Set(reflect.ValueOf(at))
		}
		return
	case reflect.TypeFor[time.Duration]():
		v.SetInt(int64(r.duration(n, path, 0, 10*365*day)))
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		r.fields(v, n, path)
	case reflect.Pointer:
		v.Set(reflect.New(t.Elem()))
		r.value(v.Elem(), n, path)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(t, 0, len(n.items)))
		r.each(n, path, "elements", 0, 1000, func(n *node, path string) {
			e := reflect.New(t.Elem()).Elem()
			r.value(e, n, path)
			v.Set(reflect.Append(v, e))
		})
	case reflect.Map:
		r.texts(v, n, path)
	default:
		r.scalar(v, n, path)
	}
}

// fact writes the value of a fact, or why there is none.
func (r *reader) fact(v reflect.Value, n *node, path string) {
	if n.kind == mapping && len(n.pairs) == 1 && n.pairs[0].key.text == "unknown" {
		v.FieldByName("Why").SetString(r.line(n.pairs[0].value, join(path, "unknown"), 64))
		return
	}
	v.FieldByName("Known").SetBool(true)
	r.value(v.FieldByName("Value"), n, path)
}

// fields writes a mapping into a struct.
func (r *reader) fields(v reflect.Value, n *node, path string) {
	var keys []key
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		field := v.Field(i)
		keys = append(keys, key{name, func(n *node, path string) { r.value(field, n, path) }})
	}
	r.object(n, path, keys)
}

func (r *reader) texts(v reflect.Value, n *node, path string) {
	if n.kind != mapping {
		r.got(n, path, "a mapping of texts")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range n.pairs {
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(e, p.value, join(path, p.key.text))
		v.SetMapIndex(reflect.ValueOf(p.key.text).Convert(v.Type().Key()), e)
	}
}

func (r *reader) scalar(v reflect.Value, n *node, path string) {
	switch {
	case v.Type() == reflect.TypeFor[evidence.ProductID]() && !strings.HasPrefix(n.text, "other:"):
		v.SetString(r.word(n, path, productNames()...))
	case v.Kind() == reflect.String:
		// A version such as 3.10 needs no quotes: what counts is how it is written.
		if n.kind != text && n.kind != number {
			r.got(n, path, "text")
			return
		}
		v.SetString(n.text)
	case v.Kind() == reflect.Bool:
		v.SetBool(r.flag(n, path))
	case v.CanInt():
		i, err := strconv.ParseInt(n.text, 10, v.Type().Bits())
		if n.kind != number || err != nil {
			r.got(n, path, "a whole number")
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(n.text, 10, v.Type().Bits())
		if n.kind != number || err != nil {
			r.got(n, path, "a whole number that is not negative")
			return
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(n.text, 64)
		if n.kind != number || err != nil {
			r.got(n, path, "a number")
			return
		}
		v.SetFloat(f)
	default:
		r.fail(n, path, "cannot be given in a test")
	}
}

// moment reads a time, or how long before CaseTime it was.
func (r *reader) moment(n *node, path string) (time.Time, bool) {
	if ago, ok := strings.CutSuffix(n.text, " ago"); ok && n.kind == text {
		if d, ok := parseDuration(ago); ok {
			return CaseTime.Add(-d), true
		}
	}
	at, err := time.Parse(time.RFC3339, n.text)
	if err != nil || n.kind != text {
		r.got(n, path, `a time such as "2026-01-01T12:00:00Z" or 48h ago; the inspection is at `+CaseTime.Format(time.RFC3339))
		return time.Time{}, false
	}
	return at.UTC(), true
}
