package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	holdRow  = "hold"
	holdList = "holds"
	leaseRow = "lease"
)

func holdKey(scope record.Scope) string { return "hold#" + string(scope) }

// SetHold writes a hold; one that is there already is replaced.
func (s *Store) SetHold(ctx context.Context, h record.Hold) error {
	return s.put(ctx, holdItem(h), condition{}, "setting hold on "+string(h.Scope))
}

func holdItem(h record.Hold) item {
	return item{pk: holdKey(h.Scope), sk: holdRow, listPK: holdList, listSK: string(h.Scope), doc: h, expires: h.Expires}
}

// LiftHold takes a hold away; fault.NotFound if there is none.
func (s *Store) LiftHold(ctx context.Context, scope record.Scope) error {
	err := s.remove(ctx, holdKey(scope), holdRow, condition{expression: "attribute_exists(pk)"}, "lifting hold on "+string(scope))
	if fault.Is(err, fault.Conflict) {
		return fault.New(fault.NotFound, "lifting hold on %s: there is none", scope)
	}
	return err
}

// Holds reads all holds that have not ended by now.
func (s *Store) Holds(ctx context.Context, now time.Time) ([]record.Hold, error) {
	all, err := list[record.Hold](ctx, s, holdList, "listing holds")
	if err != nil {
		return nil, err
	}
	var current []record.Hold
	for _, h := range all {
		if h.Expires.IsZero() || now.Before(h.Expires) {
			current = append(current, h)
		}
	}
	return current, nil
}

// HoldsOn reads, consistently, the holds among scopes that have not ended by now.
func (s *Store) HoldsOn(ctx context.Context, scopes []record.Scope, now time.Time) ([]record.Hold, error) {
	var held []record.Hold
	for _, scope := range scopes {
		h, err := get[record.Hold](ctx, s, holdKey(scope), holdRow, "reading hold on "+string(scope))
		switch {
		case fault.Is(err, fault.NotFound):
		case err != nil:
			return nil, err
		case h.Expires.IsZero() || now.Before(h.Expires):
			held = append(held, h)
		}
	}
	return held, nil
}

// gone holds when there is no row, or one that is not kept any more: TTL deletes rows days late.
func gone(now time.Time) condition {
	return condition{
		expression: "attribute_not_exists(pk) OR expiresAt <= :now",
		values:     map[string]types.AttributeValue{":now": number(now.Unix())},
	}
}

func leaseItem(l record.Lease) item {
	return item{
		pk: "key#" + l.Name, sk: leaseRow, doc: l,
		extra: map[string]types.AttributeValue{"holder": str(l.Holder), "until": number(l.Until.UnixMilli())},
	}
}

// leaseIsFree holds when nobody has the lease, the holder has it already, or it ran out.
func leaseIsFree(l record.Lease, now time.Time) condition {
	return condition{
		expression: "attribute_not_exists(pk) OR #holder = :holder OR #until <= :now",
		names:      map[string]string{"#holder": "holder", "#until": "until"},
		values: map[string]types.AttributeValue{
			":holder": str(l.Holder), ":now": number(now.UnixMilli()),
		},
	}
}
