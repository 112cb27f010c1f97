package store

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/record"
)

const (
	linkRow  = "link"
	keepLink = 32 * 24 * time.Hour // after its end, so that an old one is said to be old
)

func linkKey(id string) string { return "link#" + id }

// linkItem is the row of the next version.
func linkItem(l record.ActionLink) item {
	l.Version++
	return item{pk: linkKey(l.ID), sk: linkRow, version: l.Version, doc: l, expires: l.Expires.Add(keepLink)}
}

// PutLinks writes the links of one mail, all of them or none.
func (s *Store) PutLinks(ctx context.Context, links []record.ActionLink) error {
	var t transaction
	for _, l := range links {
		t.put(s, linkItem(l), isNew, "there is such a link")
	}
	return t.commit(ctx, s, "recording the links of a mail")
}

// ActionLink reads a link; fault.NotFound if there is none.
func (s *Store) ActionLink(ctx context.Context, id string) (record.ActionLink, error) {
	return get[record.ActionLink](ctx, s, linkKey(id), linkRow, "reading a link of a mail")
}
