package send

import (
	"context"
	"slices"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// Policies is where the policies are.
type Policies interface {
	Policy(ctx context.Context, name string) (record.Policy, error)
}

// Needs is what a machine of this policy has to be asked for beyond what is always collected. A policy that is gone, or does not compile,
// asks for nothing of its own: looking goes on, and whoever judges says what is wrong with it.
func Needs(ctx context.Context, from Policies, name string) (policy.Needs, error) {
	if name == policy.DefaultName {
		return policy.Needs{}, nil
	}
	stored, err := from.Policy(ctx, name)
	if fault.Is(err, fault.NotFound) {
		return policy.Needs{}, nil
	}
	if err != nil {
		return policy.Needs{}, err
	}
	compiled, err := stored.Compile()
	if err != nil {
		return policy.Needs{}, nil
	}
	needs := compiled.Needs()
	needs.Collect = slices.DeleteFunc(needs.Collect, func(w string) bool { return slices.Contains(documents.Always(), w) })
	return needs, nil
}
