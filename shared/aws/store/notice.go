package store

import (
	"context"
	"slices"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

const (
	requestList = "requests"
	noticeStart = "notice#"
)

// noticeItem is the row of the next revision.
func noticeItem(n record.Notice) item {
	n.Revision = noticeRevision(n) + 1
	return item{pk: machineKey(n.Machine), sk: noticeStart + n.Reference, version: n.Revision, doc: n}
}

// noticeRevision is the version of the row that a notice was read from. A row that was written before
// there were revisions has its number of attempts.
func noticeRevision(n record.Notice) int64 {
	if n.Revision == 0 {
		return int64(n.Attempts)
	}
	return n.Revision
}

// BeginNotice records that a notice is about to be sent, before it is. When one of this reference is
// there already, it is returned with its attempts raised: an accepted one must not be sent again. One that was
// ended without BegunAt, or that counts for others now, begins anew.
func (s *Store) BeginNotice(ctx context.Context, n record.Notice) (record.Notice, error) {
	doing := "recording notice " + n.Reference
	n.Attempts, n.Revision = 1, 0
	err := s.put(ctx, noticeItem(n), isNew, doing)
	if fault.Is(err, fault.Conflict) {
		return s.beginAgain(ctx, n, doing)
	}
	n.Revision = noticeRevision(n) + 1
	return n, err
}

func (s *Store) beginAgain(ctx context.Context, n record.Notice, doing string) (record.Notice, error) {
	earlier, err := s.notice(ctx, n.Machine, n.Reference, doing)
	if err != nil || !earlier.AcceptedAt.IsZero() {
		return earlier, err
	}
	before := noticeRevision(earlier)
	if !earlier.BegunAt.IsZero() && slices.Equal(earlier.Counts, n.Counts) {
		n.BegunAt = earlier.BegunAt
	}
	n.Attempts, n.Revision, n.Outcomes = earlier.Attempts+1, before, earlier.Outcomes
	err = s.put(ctx, noticeItem(n), versionIs(before), doing)
	n.Revision++
	return n, err
}

// EndNotice records what the mail service answered. What became of the mail meanwhile is kept; that
// another attempt was begun is a fault.Conflict.
func (s *Store) EndNotice(ctx context.Context, n record.Notice) error {
	const tries = 5
	doing := "recording outcome of notice " + n.Reference
	for try := 1; ; try++ {
		err := s.put(ctx, noticeItem(n), versionIs(noticeRevision(n)), doing)
		if !fault.Is(err, fault.Conflict) || try == tries {
			return err
		}
		current, unread := s.notice(ctx, n.Machine, n.Reference, doing)
		if unread != nil || current.Attempts != n.Attempts {
			return err
		}
		n.Revision, n.Outcomes = noticeRevision(current), current.Outcomes
	}
}

// PutNotice writes what became of a mail; a fault.Conflict when the notice was changed since it was read.
func (s *Store) PutNotice(ctx context.Context, n record.Notice) error {
	return s.putOnce(ctx, noticeItem(n), versionIs(noticeRevision(n)), "it was changed by somebody else", "recording outcome of notice "+n.Reference)
}

// Notice reads one notice of a machine; fault.NotFound if there is none.
func (s *Store) Notice(ctx context.Context, machine, reference string) (record.Notice, error) {
	return s.notice(ctx, machine, reference, "reading notice "+reference)
}

func (s *Store) notice(ctx context.Context, machine, reference, doing string) (record.Notice, error) {
	return get[record.Notice](ctx, s, machineKey(machine), noticeStart+reference, doing)
}

// Notices reads a machine's notices, by reference.
func (s *Store) Notices(ctx context.Context, machine string) ([]record.Notice, error) {
	return under[record.Notice](ctx, s, machineKey(machine), noticeStart, false, 0, "reading notices of "+machine)
}

const requestStart = "request#"

func requestItem(r record.Request) item {
	r.Revision++
	return item{
		pk: machineKey(r.Machine), sk: requestStart + r.ID, listPK: requestList, listSK: RequestCursor(r),
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
	return get[record.Request](ctx, s, machineKey(machine), requestStart+id, "reading key request "+id)
}

// RequestsFrom reads key requests, oldest first, at most limit of them, from the first after RequestCursor of another.
func (s *Store) RequestsFrom(ctx context.Context, after string, limit int) ([]record.Request, error) {
	return query[record.Request](ctx, s, s.listed(requestList, after), limit, "listing key requests")
}

// RequestsOf reads the key requests of one machine, by id.
func (s *Store) RequestsOf(ctx context.Context, machine string) ([]record.Request, error) {
	return under[record.Request](ctx, s, machineKey(machine), requestStart, false, 0, "reading key requests of "+machine)
}

// RequestCursor is where RequestsFrom goes on after this request.
func RequestCursor(r record.Request) string { return stamp(r.AskedAt) + "#" + r.ID }
