package custom

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/keyward/keyward/shared/evidence"
)

// class is one Go struct of the evidence as expressions see it. A field has its JSON name and the type of
// its value; that a fact may be unknown is not part of its type.
type class struct {
	name   string // keyward.Listener
	fields []*field
	byName map[string]*field
}

// field is one field of a class.
type field struct {
	name  string
	index int
	shape
}

// shape is what a value is.
type shape struct {
	cel  *types.Type
	fact bool   // wrapped in evidence.Fact
	of   *class // of a struct, or of the elements of a list of structs
	list bool
}

const typePrefix = "keyward."

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
)

// hidden are the fields that no expression can be about: they are the command's, not the machine's.
var hidden = map[string]bool{"schema": true, "commandId": true, "nonce": true}

// classes are all structs below the evidence, by name.
type classes struct {
	evidence *class
	byName   map[string]*class
	byType   map[reflect.Type]*class
	left     []string // fields of a kind that expressions cannot have; a test holds that there are none
}

// known reads the structs once: they are the program's.
var known = sync.OnceValue(func() *classes {
	c := &classes{byName: map[string]*class{}, byType: map[reflect.Type]*class{}}
	c.evidence = c.class(reflect.TypeFor[evidence.Evidence]())
	return c
})

func (c *classes) class(t reflect.Type) *class {
	if k := c.byType[t]; k != nil {
		return k
	}
	k := &class{name: typePrefix + t.Name(), byName: map[string]*field{}}
	c.byType[t], c.byName[k.name] = k, k
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || name == "-" || hidden[name] {
			continue
		}
		s, ok := c.shape(f.Type)
		if !ok {
			c.left = append(c.left, t.Name()+"."+name)
			continue
		}
		made := &field{name: name, index: i, shape: s}
		k.fields, k.byName[name] = append(k.fields, made), made
	}
	return k
}

// shape is how a Go type looks to expressions.
func (c *classes) shape(t reflect.Type) (shape, bool) {
	if inner, ok := factOf(t); ok {
		s, ok := c.shape(inner)
		s.fact = true
		return s, ok
	}
	switch {
	case t == timeType:
		return shape{cel: types.TimestampType}, true
	case t == durationType:
		return shape{cel: types.DurationType}, true
	}
	switch t.Kind() {
	case reflect.String:
		return shape{cel: types.StringType}, true
	case reflect.Bool:
		return shape{cel: types.BoolType}, true
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		return shape{cel: types.IntType}, true
	case reflect.Float64:
		return shape{cel: types.DoubleType}, true
	case reflect.Struct:
		k := c.class(t)
		return shape{cel: types.NewObjectType(k.name), of: k}, true
	case reflect.Pointer:
		s, ok := c.shape(t.Elem())
		return s, ok && t.Elem().Kind() == reflect.Struct
	case reflect.Slice:
		s, ok := c.shape(t.Elem())
		return shape{cel: types.NewListType(s.cel), of: s.of, list: true}, ok && !s.list && !s.fact
	case reflect.Map:
		return shape{cel: types.NewMapType(types.StringType, types.StringType)}, t.Key().Kind() == reflect.String && t.Elem().Kind() == reflect.String
	}
	return shape{}, false
}

// factOf is the type of the value of an evidence.Fact.
func factOf(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.Name(), "Fact[") || t.PkgPath() != reflect.TypeFor[evidence.Evidence]().PkgPath() {
		return nil, false
	}
	return t.Field(factValue).Type, true
}

// Where evidence.Fact has its fields; a test holds that.
const (
	factValue = iota
	factKnown
	factWhy
)

// names are the fields' names, in the order of the struct.
func (k *class) names() []string {
	all := make([]string, len(k.fields))
	for i, f := range k.fields {
		all[i] = f.name
	}
	return all
}

// at follows a path of field names from the class.
func (k *class) at(path []string) (*field, bool) {
	var f *field
	for _, name := range path {
		if k == nil {
			return nil, false
		}
		if f = k.byName[name]; f == nil {
			return nil, false
		}
		k = f.of
	}
	return f, f != nil
}

// Lists are the names that each may have: the lists of the evidence, by their paths.
func Lists() []string {
	var all []string
	var walk func(k *class, path string)
	walk = func(k *class, path string) {
		for _, f := range k.fields {
			switch here := strings.TrimPrefix(path+"."+f.name, "."); {
			case f.name == "collect" && path == "":
			case f.list:
				all = append(all, here)
			case f.of != nil:
				walk(f.of, here)
			}
		}
	}
	walk(known().evidence, "")
	return all
}

// typeName is a type in the words of the documentation.
func (s shape) typeName() string {
	switch {
	case s.list && s.of != nil:
		return "list of " + strings.TrimPrefix(s.of.name, typePrefix)
	case s.of != nil:
		return strings.TrimPrefix(s.of.name, typePrefix)
	default:
		return plain(fmt.Sprint(s.cel))
	}
}

// plain puts a type of CEL in words without the names of its libraries.
func plain(s string) string {
	return strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration", typePrefix, "").Replace(s)
}
