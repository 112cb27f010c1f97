package store

import (
	"context"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const requestList = "requests"

func noticeItem(n record.Notice) item {
	return item{pk: machineKey(n.Machine), sk: "notice#" + n.Reference, version: int64(n.Attempts), doc: n}
}

// BeginNotice records that a notice is about to be sent, before it is. When one of this reference is
// there already, it is returned with its attempts raised: an accepted one must not be sent again. One that was
// ended without BegunAt begins anew.
func (s *Store) BeginNotice(ctx context.Context, n record.Notice) (record.Notice, error) {
	doing := "recording notice " + n.Reference
	n.Attempts = 1
	err := s.put(ctx, noticeItem(n), isNew, doing)
	if !fault.Is(err, fault.Conflict) {
		return n, err
	}
	earlier, err := get[record.Notice](ctx, s, machineKey(n.Machine), "notice#"+n.Reference, doing)
	if err != nil || !earlier.AcceptedAt.IsZero() {
		return earlier, err
	}
	before := int64(earlier.Attempts)
	earlier.Attempts++
	if earlier.BegunAt.IsZero() {
		earlier.BegunAt = n.BegunAt
	}
	return earlier, s.put(ctx, noticeItem(earlier), versionIs(before), doing)
}

// EndNotice records what the mail service answered.
func (s *Store) EndNotice(ctx context.Context, n record.Notice) error {
	return s.put(ctx, noticeItem(n), versionIs(int64(n.Attempts)), "recording outcome of notice "+n.Reference)
}

// Notices reads a machine's notices, by reference.
func (s *Store) Notices(ctx context.Context, machine string) ([]record.Notice, error) {
	return under[record.Notice](ctx, s, machineKey(machine), "notice#", false, 0, "reading notices of "+machine)
}

func requestItem(r record.Request) item {
	r.Revision++
	return item{
		pk: machineKey(r.Machine), sk: "request#" + r.ID, listPK: requestList, listSK: stamp(r.AskedAt) + "#" + r.ID,
		version: r.Revision, doc: r,
	}
}

// PutRequest writes a key request; a fault.Conflict when it was changed since it was read.
func (s *Store) PutRequest(ctx context.Context, r record.Request) (record.Request, error) {
	err := s.putOnce(ctx, requestItem(r), versionIs(r.Revision), "it was changed by somebody else", "recording key request "+r.ID)
	r.Revision++
	return r, err
}

// Request reads one key request of a machine; fault.NotFound if there is none.
func (s *Store) Request(ctx context.Context, machine, id string) (record.Request, error) {
	return get[record.Request](ctx, s, machineKey(machine), "request#"+id, "reading key request "+id)
}

// Requests reads all key requests, oldest first.
func (s *Store) Requests(ctx context.Context) ([]record.Request, error) {
	return list[record.Request](ctx, s, requestList, "listing key requests")
}
