package fake

import (
	"context"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// PutLinks is the real store's.
func (s *Store) PutLinks(_ context.Context, links []record.ActionLink) error {
	if err := s.call("store.PutLinks"); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, l := range links {
		if _, twice := s.Links[l.ID]; twice {
			return fault.New(fault.Conflict, "recording the links of a mail: there is such a link")
		}
	}
	for _, l := range links {
		l.Version = 1
		s.Links[l.ID] = clone(l)
	}
	return nil
}

// ActionLink is the real store's.
func (s *Store) ActionLink(_ context.Context, id string) (record.ActionLink, error) {
	if err := s.call("store.ActionLink"); err != nil {
		return record.ActionLink{}, err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return read(s.Links, id, "a link of a mail")
}
