package store

import (
	"context"
	"fmt"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/record"
)

const (
	currentRow = "current"
	policyList = "policies"
)

// PutPolicy writes p as the version after the one it names, in one transaction with the copy that
// stays; a fault.Conflict when somebody was quicker.
func (s *Store) PutPolicy(ctx context.Context, p record.Policy) (record.Policy, error) {
	before := int64(p.Version)
	p.Version++
	var t transaction
	current := item{pk: "policy#" + p.Name, sk: currentRow, listPK: policyList, listSK: p.Name, version: int64(p.Version), doc: p}
	if p.Name == drill.PolicyName {
		current.listPK, current.listSK = "", "" // no machine of anybody is under it
	}
	t.put(s, current, versionIs(before), "it was changed by somebody else")
	t.put(s, item{pk: "policy#" + p.Name, sk: fmt.Sprintf("version#%06d", p.Version), doc: p}, isNew, "this version is there already")
	if err := t.commit(ctx, s, "putting policy "+p.Name); err != nil {
		return record.Policy{}, err
	}
	return p, nil
}

// Policy reads the current version of a policy; fault.NotFound if there is none.
func (s *Store) Policy(ctx context.Context, name string) (record.Policy, error) {
	return get[record.Policy](ctx, s, "policy#"+name, currentRow, "reading policy "+name)
}

// Policies reads the current versions of all policies, by name.
func (s *Store) Policies(ctx context.Context) ([]record.Policy, error) {
	return list[record.Policy](ctx, s, policyList, "listing policies")
}
