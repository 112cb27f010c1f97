package custom

import (
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"

	"github.com/keyward/keyward/shared/evidence"
)

// Limits on what expressions may cost on some evidence, estimated from the limits of the evidence, in CEL's
// units. A million take about a tenth of a second; a plain condition on an element costs under 50, and two seconds at most go by for a policy.
const (
	MaxElement = 50_000     // one expression on one element
	MaxWhole   = 100_000    // one expression about the whole evidence
	MaxPolicy  = 20_000_000 // all expressions of a policy on one machine
)

// Sizes that estimates count with. A list that is longer is unknown to expressions.
const (
	mostObjects = 1024 // elements of a list of objects that is not named below
	mostTexts   = 256  // elements of any other list
	mostNumber  = 24   // characters of a number or a truth value as text
	mostTime    = 40   // of a time or a duration
)

// named are the lists whose limit the evidence itself holds.
var named = map[string]uint64{
	"listeners": evidence.MaxListeners, "mounts": evidence.MaxMounts, "products": evidence.MaxProducts,
}

// most is how many elements a list has at most.
func (f *field) most() int {
	if n, ok := named[f.name]; ok {
		return int(n)
	}
	if f.of != nil {
		return mostObjects
	}
	return mostTexts
}

// estimator tells CEL the sizes of what comes from the evidence.
type estimator struct{ element *class }

// EstimateSize is the size of a value that is read from the evidence; nil leaves the question to CEL.
func (e estimator) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	path := n.Path()
	if len(path) == 0 {
		return nil
	}
	switch n.Type().Kind() {
	case types.StringKind:
		return upTo(evidence.MaxText)
	case types.ListKind:
		if f := e.field(path); f != nil {
			return upTo(uint64(f.most()))
		}
	case types.MapKind:
		return upTo(mostTexts)
	}
	return nil
}

// field is what a path such as e, running, missing or evidence, products, @items leads to.
func (e estimator) field(path []string) *field {
	k := known().evidence
	if path[0] == elementName {
		k = e.element
	}
	var f *field
	for _, name := range path[1:] {
		if name == "@items" {
			continue
		}
		if k == nil || k.byName[name] == nil {
			return nil
		}
		f = k.byName[name]
		k = f.of
	}
	return f
}

// EstimateCallCost bounds what CEL cannot: numbers as texts, and our own functions.
func (e estimator) EstimateCallCost(function, _ string, target *cost.AstNode, args []cost.AstNode) *cost.CallEstimate {
	switch function {
	case "string":
		if len(args) == 1 {
			switch args[0].Type().Kind() {
			case types.IntKind, types.UintKind, types.DoubleKind, types.BoolKind:
				return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(1), ResultSize: upTo(mostNumber)}
			case types.TimestampKind, types.DurationKind:
				return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(1), ResultSize: upTo(mostTime)}
			}
		}
	case ageCall:
		return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(1)}
	case versionCall, networkCall:
		return &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(10)}
	}
	return nil
}

func upTo(n uint64) *cost.SizeEstimate {
	s := cost.RangedSizeEstimate(0, n)
	return &s
}
