package store

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	waiverStart = "waiver#"
	waiverList  = "waivers"
	revisionRow = "revision"

	keepWaivers = 400 * 24 * time.Hour // after their end, for people who ask who allowed what
)

func waiversKey(scope record.Scope) string { return "waivers#" + string(scope) }

// A waiver's version is 1 when it is set and 2 when it was lifted: it is never changed otherwise.
func waiverItem(w record.Waiver) item {
	i := item{
		pk: waiversKey(w.Scope), sk: waiverStart + w.ID, listPK: waiverList, listSK: w.ID, version: 1, doc: w, expires: w.Expires.Add(keepWaivers),
	}
	if w.Lifted != nil {
		i.version = 2
	}
	return i
}

// SetWaiver writes a new waiver, raises the revision of its scope, notes it in the ledger entries and puts what tells of it
// into the outbox, in one transaction; a fault.Conflict when one of this id is there.
func (s *Store) SetWaiver(ctx context.Context, w record.Waiver, told []record.Start, ledger ...record.Entry) error {
	_, err := get[record.Waiver](ctx, s, waiversKey(w.Scope), waiverStart+w.ID, "reading waiver "+w.ID)
	switch {
	case err == nil:
		return fault.New(fault.Conflict, "setting waiver %s: it is there already", w.ID)
	case !fault.Is(err, fault.NotFound):
		return err
	}
	return s.putWaiver(ctx, w, isNew, "setting waiver "+w.ID, told, ledger)
}

// LiftWaiver ends a waiver: it is written with Lifted set, in a transaction as SetWaiver's; a fault.Conflict
// when it was lifted already.
func (s *Store) LiftWaiver(ctx context.Context, w record.Waiver, ledger ...record.Entry) error {
	before, err := get[record.Waiver](ctx, s, waiversKey(w.Scope), waiverStart+w.ID, "reading waiver "+w.ID)
	if err != nil {
		return err
	}
	if before.Lifted != nil {
		return fault.New(fault.Conflict, "lifting waiver %s: it was lifted already", w.ID)
	}
	return s.putWaiver(ctx, w, versionIs(1), "lifting waiver "+w.ID, nil, ledger)
}

// putWaiver raises the revision that is there; when another waiver was quicker, the one after it.
func (s *Store) putWaiver(ctx context.Context, w record.Waiver, c condition, doing string, told []record.Start, ledger []record.Entry) error {
	const tries = 5
	var err error
	for range tries {
		var rev revision
		if rev, err = s.revision(ctx, w.Scope); err != nil {
			return err
		}
		linked, head := record.Link(rev.Ledger, record.ChainWaivers, ledger)
		var t transaction
		t.put(s, waiverItem(w), c, "it was changed by somebody else")
		t.put(s, item{
			pk: waiversKey(w.Scope), sk: revisionRow, version: rev.Number + 1,
			doc: revision{record.Revision{Scope: w.Scope, Number: rev.Number + 1}, head},
		}, versionIs(rev.Number), "another waiver was set or lifted at the same moment")
		t.start(s, told)
		for i, e := range linked {
			t.put(s, item{pk: machineKey(e.Machine), sk: fmt.Sprintf("ledger#%s#%s#%02d", stamp(e.At), w.ID, i), doc: e}, condition{}, "")
		}
		if err = t.commit(ctx, s, doing); !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return err
}

// revision is the row that each waiver on a scope moves: a count, and the head of the chain of their ledger entries.
type revision struct {
	record.Revision
	Ledger record.Head `json:"ledger,omitzero"`
}

func (s *Store) revision(ctx context.Context, scope record.Scope) (revision, error) {
	rev, err := get[revision](ctx, s, waiversKey(scope), revisionRow, "reading revision of waivers on "+string(scope))
	if fault.Is(err, fault.NotFound) {
		return revision{Revision: record.Revision{Scope: scope}}, nil
	}
	return rev, err
}

// WaiverHead reads the head of the chain of what was set and lifted on one machine; zero when nothing ever was.
func (s *Store) WaiverHead(ctx context.Context, machine string) (record.Head, error) {
	rev, err := s.revision(ctx, record.Scope("machine:"+machine))
	return rev.Ledger, err
}

// WaiversOn reads, consistently, the waivers on scopes, with those that have ended, and the revision of each
// scope as it was before they were read. What is there and cannot be read is counted, so that one bad row
// does not hide the others.
func (s *Store) WaiversOn(ctx context.Context, scopes []record.Scope) (record.Waivers, error) {
	var all record.Waivers
	for _, scope := range scopes {
		rev, err := s.revision(ctx, scope)
		if err != nil {
			return record.Waivers{}, err
		}
		found, err := s.waivers(ctx, &dynamodb.QueryInput{
			KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :sk)"),
			ExpressionAttributeValues: map[string]types.AttributeValue{
				":pk": str(s.prefix + waiversKey(scope)), ":sk": str(waiverStart),
			},
			ConsistentRead: aws.Bool(true),
		}, "reading waivers on "+string(scope))
		if err != nil {
			return record.Waivers{}, err
		}
		for _, w := range found.All {
			if w.Scope != scope {
				found.Unread++ // it says that it is for others: whom it is for is not known
				continue
			}
			all.All = append(all.All, w)
		}
		all.Unread += found.Unread
		all.Revisions = append(all.Revisions, rev.Revision)
	}
	return all, nil
}

// Waivers reads all waivers, with those that have ended, by id.
func (s *Store) Waivers(ctx context.Context) (record.Waivers, error) {
	return s.waivers(ctx, &dynamodb.QueryInput{
		IndexName:                 aws.String(listIndex),
		KeyConditionExpression:    aws.String("listPk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": str(s.prefix + waiverList)},
	}, "listing waivers")
}

// Waiver reads one waiver, consistently once it is listed; fault.NotFound if there is none.
func (s *Store) Waiver(ctx context.Context, id string) (record.Waiver, error) {
	all, err := s.Waivers(ctx)
	if err != nil {
		return record.Waiver{}, err
	}
	for _, w := range all.All {
		if w.ID == id {
			return get[record.Waiver](ctx, s, waiversKey(w.Scope), waiverStart+id, "reading waiver "+id)
		}
	}
	return record.Waiver{}, fault.New(fault.NotFound, "reading waiver %s: there is none", id)
}

func (s *Store) waivers(ctx context.Context, in *dynamodb.QueryInput, doing string) (record.Waivers, error) {
	var found record.Waivers
	err := s.pages(ctx, in, doing, func(row map[string]types.AttributeValue) error {
		w, err := decode[record.Waiver](row)
		if err != nil || w.ID == "" {
			found.Unread++
			return nil
		}
		found.All = append(found.All, w)
		return nil
	})
	return found, err
}
