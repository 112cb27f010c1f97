package custom

import (
	"net/netip"
	"reflect"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/keyward/keyward/shared/evidence"
	"github.com/keyward/keyward/shared/policy"
)

// The functions that expressions have beside CEL's own.
const (
	ageName     = "age"       // age(time): how long ago by the machine's clock, and since then by ours
	versionCall = "versionIs" // versionIs(found, ">= 3.7.0")
	networkCall = "inNetwork" // inNetwork(address, "10.0.0.0/8")

	ageCall   = "@age" // what age becomes: it needs the judgement's clock
	clockName = "@clock"
)

var clockType = types.NewOpaqueType("keyward.clock")

// clock is the time of a judgement as age needs it.
type clock struct {
	collect evidence.Collect
	now     time.Time
}

// The methods of ref.Val; no expression can name a clock.

func (c *clock) ConvertToNative(reflect.Type) (any, error) { return c, nil }
func (c *clock) ConvertToType(ref.Type) ref.Val            { return types.NewErr("a clock is no value") }
func (c *clock) Equal(ref.Val) ref.Val                     { return types.False }
func (c *clock) Type() ref.Type                            { return clockType }
func (c *clock) Value() any                                { return c }

func functions() []cel.EnvOption {
	text := cel.StringType
	return []cel.EnvOption{
		cel.Variable(clockName, clockType),
		cel.Macros(cel.GlobalMacro(ageName, 1, func(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
			return f.NewCall(ageCall, args[0], f.NewIdent(clockName)), nil
		})),
		cel.Function(ageCall, cel.Overload("age_timestamp", []*cel.Type{cel.TimestampType, clockType}, cel.DurationType, cel.BinaryBinding(age))),
		cel.Function(versionCall, cel.Overload("version_is", []*cel.Type{text, text}, cel.BoolType, cel.BinaryBinding(versionIs))),
		cel.Function(networkCall, cel.Overload("in_network", []*cel.Type{text, text}, cel.BoolType, cel.BinaryBinding(inNetwork))),
	}
}

// age is evidence.Age: unknown for a date ahead of the machine's clock.
func age(date, at ref.Val) ref.Val {
	c := at.(*clock)
	if c.collect.GuestEnd.IsZero() || c.collect.Received.IsZero() {
		return unknown(ageName, "no_guest_time")
	}
	f := evidence.Age(date.(types.Timestamp).Time, c.collect, c.now)
	if !f.Known {
		return unknown(ageName, f.Why)
	}
	return types.Duration{Duration: f.Value}
}

// constraints are those that expressions name, parsed once: every one is a literal of some policy.
var constraints sync.Map // string → policy.Constraint

func versionIs(found, wanted ref.Val) ref.Val {
	text := string(wanted.(types.String))
	kept, ok := constraints.Load(text)
	if !ok {
		c, ok := policy.ParseConstraint(text)
		if !ok {
			return types.NewErr("%q is no comparison of versions", text)
		}
		kept, _ = constraints.LoadOrStore(text, c)
	}
	allows, readable := kept.(policy.Constraint).Allows(string(found.(types.String)))
	if !readable {
		return unknown("version", "unreadable_version")
	}
	return types.Bool(allows)
}

func inNetwork(address, network ref.Val) ref.Val {
	n, err := netip.ParsePrefix(string(network.(types.String)))
	if err != nil {
		return types.NewErr("%q is no network", string(network.(types.String)))
	}
	a, err := netip.ParseAddr(string(address.(types.String)))
	if err != nil {
		return unknown("address", "unreadable_address")
	}
	return types.Bool(n.Contains(a.Unmap().WithZone("")))
}
