package custom

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/common/types"

	"github.com/keyward/keyward/shared/evidence"
)

// Every field of the evidence can stand in an expression: one of a kind that cannot has to be given a
// shape here, or be hidden for a reason.
func TestEveryFieldHasAShape(t *testing.T) {
	t.Parallel()
	if left := known().left; len(left) > 0 {
		t.Errorf("expressions cannot have %s", strings.Join(left, ", "))
	}
	for _, name := range []string{"listeners", "mounts", "products"} {
		if !slices.Contains(Lists(), name) {
			t.Errorf("Lists = %v, want %s among them", Lists(), name)
		}
	}
	// CEL reserves these; a field of such a name could not be selected.
	reserved := strings.Fields("as break const continue else false for function if import in let loop namespace null package return true var void while")
	for _, k := range known().byName {
		for _, f := range k.fields {
			if slices.Contains(reserved, f.name) {
				t.Errorf("%s.%s is a word of CEL", k.name, f.name)
			}
		}
	}
}

func TestWhereFactsHaveTheirFields(t *testing.T) {
	t.Parallel()
	fact := reflect.TypeFor[evidence.Fact[string]]()
	for at, name := range map[int]string{factValue: "Value", factKnown: "Known", factWhy: "Why"} {
		if got := fact.Field(at).Name; got != name {
			t.Errorf("field %d of Fact is %s, want %s", at, got, name)
		}
	}
	if _, ok := factOf(reflect.TypeFor[evidence.OS]()); ok {
		t.Error("OS is taken for a fact")
	}
}

// What tells elements apart has to be there.
func TestIdentities(t *testing.T) {
	t.Parallel()
	for class, names := range identities {
		k := known().byName[typePrefix+class]
		if k == nil {
			t.Errorf("there is no %s", class)
			continue
		}
		for _, name := range names {
			if k.byName[name] == nil {
				t.Errorf("%s has no %s", class, name)
			}
		}
	}
	for name := range named {
		if f := known().evidence.byName[name]; f == nil || !f.list {
			t.Errorf("there is no list %s", name)
		}
	}
}

// Of every list without a reason of its own it is decided which fact says that it is known.
func TestListsThatAreEmpty(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	for _, k := range known().byName {
		for _, f := range k.fields {
			if !f.list || f.fact || k == known().evidence {
				continue
			}
			name := strings.TrimPrefix(k.name, typePrefix) + "." + f.name
			there[name] = true
			fact, decided := behind[name]
			if !decided {
				t.Errorf("behind does not say which fact knows whether %s is empty", name)
			}
			if fact != "" && (k.byName[fact] == nil || !k.byName[fact].fact) {
				t.Errorf("behind: %s has no fact %s", k.name, fact)
			}
		}
	}
	for name := range behind {
		if !there[name] {
			t.Errorf("behind has %s, and the evidence has not", name)
		}
	}
}

// An object is nothing but its fields.
func TestObject(t *testing.T) {
	t.Parallel()
	o := newObject(known().evidence, reflect.ValueOf(evidence.Evidence{Machine: "i-1"}), "")
	if got := o.Get(types.String("machine")); got != types.String("i-1") {
		t.Errorf("Get(machine) = %v", got)
	}
	for what, got := range map[string]any{
		"a field that is not there": o.Get(types.String("nothing")), "a number": o.Get(types.Int(1)), "comparing": o.Equal(o), "converting": o.ConvertToType(types.StringType),
		"making": provider{}.NewValue(known().evidence.name, nil),
	} {
		if _, ok := got.(*types.Err); !ok {
			t.Errorf("%s = %v, want an error", what, got)
		}
	}
	if _, err := o.ConvertToNative(reflect.TypeFor[string]()); err == nil {
		t.Error("an object becomes a text")
	}
}
