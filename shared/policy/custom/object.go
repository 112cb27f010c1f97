package custom

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/keyward/keyward/shared/evidence"
)

// object is one struct of the evidence in an evaluation. It is made for one judgement and used by one
// goroutine.
type object struct {
	class *class
	value reflect.Value
	path  string // from the evidence or the element on, for reasons; empty for either
	lists map[int]ref.Val
}

func newObject(k *class, v reflect.Value, path string) *object {
	return &object{class: k, value: v, path: path}
}

// get is the value of a field; one that is not known is CEL's unknown, with its reason.
func (o *object) get(f *field) ref.Val {
	v := o.value.Field(f.index)
	if f.fact {
		if !v.Field(factKnown).Bool() {
			return unknown(o.below(f), v.Field(factWhy).String())
		}
		v = v.Field(factValue)
	}
	if f.list {
		return o.list(f, v)
	}
	return o.plain(f, v)
}

func (o *object) below(f *field) string {
	if o.path == "" {
		return f.name
	}
	return o.path + "." + f.name
}

func (o *object) plain(f *field, v reflect.Value) ref.Val {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return unknown(o.below(f), evidence.WhyMissing)
		}
		v = v.Elem()
	}
	if f.of != nil {
		return newObject(f.of, v, o.below(f))
	}
	return scalar(v)
}

// scalar is a Go value as CEL has it.
func scalar(v reflect.Value) ref.Val {
	switch v.Type() {
	case timeType:
		return types.Timestamp{Time: v.Interface().(time.Time)}
	case durationType:
		return types.Duration{Duration: time.Duration(v.Int())}
	}
	switch {
	case v.Kind() == reflect.String:
		return types.String(v.String())
	case v.Kind() == reflect.Bool:
		return types.Bool(v.Bool())
	case v.CanInt():
		return types.Int(v.Int())
	case v.CanUint():
		return types.Int(v.Uint())
	case v.CanFloat():
		return types.Double(v.Float())
	}
	return types.DefaultTypeAdapter.NativeToValue(v.Interface()) // a map of texts
}

// list is made once an object: an expression may go through it for every element of another.
func (o *object) list(f *field, v reflect.Value) ref.Val {
	if made := o.lists[f.index]; made != nil {
		return made
	}
	if u := o.behind(f, v); u != nil {
		return u
	}
	if v.Len() > f.most() {
		return unknown(o.below(f), evidence.WhyTooMany)
	}
	made := types.NewRefValList(types.DefaultTypeAdapter, elements(f, v))
	if o.lists == nil {
		o.lists = map[int]ref.Val{}
	}
	o.lists[f.index] = made
	return made
}

// behind names the fact that says whether an empty list is known to be empty: a list has no reason of its
// own. A list that is empty only when nothing is there has none; a test holds that each is decided.
var behind = map[string]string{
	"Config.issues": "health", "Mount.options": "", "Product.sources": "", "Product.why": "", "Collect.records": "", "Collect.mountPoints": "",
	"Program.pids": "running", "Program.why": "", "Unit.pids": "running",
	"Protection.modules": "state", "Running.expected": "state", "Running.missing": "state", "Running.pids": "state", "Running.up": "state",
	"Reboot.reasons": "required", "Updates.names": "security", "SSHD.settings": "installed", "Kernel.settings": "", "Modules.flags": "loaded", "Modules.hidden": "loaded",
	"Packages.asked": "", "Packages.installed": "manager", "Files.files": "whole", "Tamper.signals": "whole", "Tamper.why": "",
}

// behind is the unknown in place of an empty list of which it is not known whether it is empty.
func (o *object) behind(f *field, v reflect.Value) ref.Val {
	name := behind[strings.TrimPrefix(o.class.name, typePrefix)+"."+f.name]
	if f.fact || v.Len() > 0 || name == "" {
		return nil
	}
	if u, ok := o.get(o.class.byName[name]).(*types.Unknown); ok {
		_, whys := reasons(u)
		return unknown(o.below(f), whys[0])
	}
	return nil
}

func elements(f *field, v reflect.Value) []ref.Val {
	all := make([]ref.Val, v.Len())
	for i := range all {
		e := v.Index(i)
		if e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
		if f.of != nil {
			all[i] = newObject(f.of, e, "")
		} else {
			all[i] = scalar(e)
		}
	}
	return all
}

// The methods of ref.Val. An object can be selected from and nothing else.

func (o *object) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an object of the evidence cannot be converted to %s", t)
}

func (o *object) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("an object of the evidence cannot be converted to %s", t.TypeName())
}

func (o *object) Equal(ref.Val) ref.Val { return types.NewErr("objects cannot be compared") }
func (o *object) Type() ref.Type        { return types.NewObjectType(o.class.name, traits.IndexerType) }
func (o *object) Value() any            { return o }

// Get is a field by name, for the paths of CEL that do not know the type.
func (o *object) Get(index ref.Val) ref.Val {
	name, ok := index.(types.String)
	if f := o.class.byName[string(name)]; ok && f != nil {
		return o.get(f)
	}
	return types.NewErr("no such field")
}

// provider tells CEL the types of the evidence, above its own.
type provider struct{ types.Provider }

func (p provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := known().byName[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p provider) FindStructFieldNames(name string) ([]string, bool) {
	if k, ok := known().byName[name]; ok {
		return k.names(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

func (p provider) FindStructFieldType(name, of string) (*types.FieldType, bool) {
	k, ok := known().byName[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, of)
	}
	f := k.byName[of]
	if f == nil {
		return nil, false
	}
	return &types.FieldType{
		Type:  f.cel,
		IsSet: func(any) bool { return true },
		GetFrom: func(target any) (any, error) {
			switch t := target.(type) {
			case *object:
				return t.get(f), nil
			case *types.Unknown:
				return t, nil
			}
			return nil, fmt.Errorf("%T has no field %s", target, of)
		},
	}, true
}

func (p provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := known().byName[name]; ok {
		return types.NewErr("evidence cannot be made")
	}
	return p.Provider.NewValue(name, fields)
}

// unknown is a fact that is not known, as CEL carries it through an evaluation: which, and why.
func unknown(path, why string) ref.Val {
	if why == "" {
		why = "no_reason"
	}
	return types.NewUnknown(1, types.NewAttributeTrail(path+between+why))
}

const between = "\x00"

// reasons are the facts that an evaluation lacked: which, and why, each once.
func reasons(u *types.Unknown) (paths, whys []string) {
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			path, why, _ := strings.Cut(t.Variable(), between)
			paths, whys = append(paths, path), append(whys, why)
		}
	}
	return paths, whys
}
