package handler

import (
	"context"
	"errors"
	"time"

	"github.com/keyward/keyward/shared/record"
)

// Notifiers are asked to tell what is due. All fields are required.
type Notifiers struct {
	Store interface {
		DueNotifiers(ctx context.Context, now time.Time) ([]string, error)
	}
	Flush invoker
}

// telling asks the function notifier to tell what is due, each notifier by itself: a slow endpoint keeps no other waiting.
func (s *sweep) telling(ctx context.Context) error {
	if s.Notifiers == nil {
		return nil
	}
	names, err := s.Notifiers.Store.DueNotifiers(ctx, s.now)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		problems = append(problems, s.Notifiers.Flush.Invoke(ctx, record.Flush{Op: "flush", Notifier: name}))
	}
	return errors.Join(problems...)
}
