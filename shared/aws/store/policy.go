package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	currentRow = "current"
	policyList = "policies"
)

// PutPolicy writes p as the version after the one it names, in one transaction with the copy that
// stays and the outbox's rows of what tells of it; a fault.Conflict when somebody was quicker.
func (s *Store) PutPolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	before := int64(p.Version)
	p.Version++
	var t transaction
	current := item{pk: "policy#" + p.Name, sk: currentRow, listPK: policyList, listSK: p.Name, version: int64(p.Version), doc: p}
	if p.Name == drill.PolicyName {
		current.listPK, current.listSK = "", "" // no machine of anybody is under it
	}
	t.put(s, current, versionIs(before), "it was changed by somebody else")
	t.put(s, item{pk: "policy#" + p.Name, sk: policyVersion(p.Version), doc: p}, isNew, "this version is there already")
	t.start(s, told)
	if err := t.commit(ctx, s, "putting policy "+p.Name); err != nil {
		return record.Policy{}, err
	}
	return p, nil
}

// DeletePolicy writes that p ended as the version after the one it names; a fault.Conflict when somebody was quicker.
// Its versions stay.
func (s *Store) DeletePolicy(ctx context.Context, p record.Policy, told ...record.Start) (record.Policy, error) {
	before := int64(p.Version)
	p.Version, p.Text, p.Digest = p.Version+1, "", ""
	p.PutAt, p.PutBy = p.Deleted.At, p.Deleted.By
	var t transaction
	t.put(s, item{pk: "policy#" + p.Name, sk: currentRow, version: int64(p.Version), doc: p}, versionIs(before), "it was changed by somebody else")
	t.put(s, item{pk: "policy#" + p.Name, sk: policyVersion(p.Version), doc: p}, isNew, "this version is there already")
	t.start(s, told)
	if err := t.commit(ctx, s, "deleting policy "+p.Name); err != nil {
		return record.Policy{}, err
	}
	return p, nil
}

// Policy reads the current version of a policy; fault.NotFound if there is none. With that error comes one that was
// deleted, after whose version the next is counted.
func (s *Store) Policy(ctx context.Context, name string) (record.Policy, error) {
	p, err := get[record.Policy](ctx, s, "policy#"+name, currentRow, "reading policy "+name)
	if err == nil && p.Deleted != nil {
		err = fault.New(fault.NotFound, "reading policy %s: it was deleted", name)
	}
	return p, err
}

// PolicyVersion reads one version of a policy; fault.NotFound if there is none.
func (s *Store) PolicyVersion(ctx context.Context, name string, version int) (record.Policy, error) {
	return get[record.Policy](ctx, s, "policy#"+name, policyVersion(version), fmt.Sprintf("reading version %d of policy %s", version, name))
}

// PolicyVersions reads at most limit versions of a policy before one, or the newest when that is 0; newest first.
func (s *Store) PolicyVersions(ctx context.Context, name string, before, limit int) ([]record.Policy, error) {
	if before == 0 {
		before = 1_000_000
	}
	return query[record.Policy](ctx, s, &dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :pk AND sk BETWEEN :from AND :to"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": str(s.prefix + "policy#" + name), ":from": str(policyVersion(0)), ":to": str(policyVersion(before - 1)),
		},
		ConsistentRead:   aws.Bool(true),
		ScanIndexForward: aws.Bool(false),
	}, limit, "reading the versions of policy "+name)
}

// policyVersion is the row of a version; text order is number order up to 999,999.
func policyVersion(v int) string { return fmt.Sprintf("version#%06d", v) }

// Policies reads the current versions of all policies, by name.
func (s *Store) Policies(ctx context.Context) ([]record.Policy, error) {
	return list[record.Policy](ctx, s, policyList, "listing policies")
}
