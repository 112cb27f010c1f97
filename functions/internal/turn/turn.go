// Package turn asks for a turn to make calls that a quota of AWS limits, from the buckets and queues in the store. It
// decides by shared/pace and waits for nothing: who gets no turn is told when to ask again. revoke and restore call it.
package turn

import (
	"context"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/pace"
	"github.com/keyward/keyward/shared/record"
)

// Store is where buckets and queues are kept.
type Store interface {
	Ahead(ctx context.Context, bucket, order string, now time.Time) (int, error)
	Queue(ctx context.Context, t record.Turn) error
	Used(ctx context.Context, bucket string) (time.Time, error)
	Use(ctx context.Context, bucket string, before, until time.Time) error
}

// Asker asks for turns of one bucket.
type Asker struct {
	Store  Store
	Bucket pace.Bucket
}

// slack is how long after its time somebody who waits may ask again and still be in the queue: who does not was cut off
// and must not be waited for.
const slack = time.Minute

// Ask asks for a turn of so many calls for a place in the queue. It is the zero time when the calls may be made now, else
// when to ask again. Waited says that this is such another time.
func (a Asker) Ask(ctx context.Context, now time.Time, order string, calls int, waited bool) (again time.Time, err error) {
	ahead, err := a.Store.Ahead(ctx, a.Bucket.Name, order, now)
	if err != nil {
		return time.Time{}, err
	}
	if a.Bucket.May(ahead) {
		ok, err := a.take(ctx, now, calls)
		if err != nil {
			return time.Time{}, err
		}
		if ok {
			a.leave(ctx, now, order, waited)
			return time.Time{}, nil
		}
	}
	again = a.Bucket.Return(ahead, now)
	return again, a.Store.Queue(ctx, record.Turn{Bucket: a.Bucket.Name, Order: order, Until: again.Add(slack)})
}

// take takes the tokens, again when somebody else took some at the same moment.
func (a Asker) take(ctx context.Context, now time.Time, calls int) (bool, error) {
	const tries = 5
	for range tries {
		used, err := a.Store.Used(ctx, a.Bucket.Name)
		if err != nil {
			return false, err
		}
		until, ok := a.Bucket.Take(used, now, calls)
		if !ok {
			return false, nil
		}
		if err = a.Store.Use(ctx, a.Bucket.Name, used, until); !fault.Is(err, fault.Conflict) {
			return err == nil, err
		}
	}
	return false, nil
}

// leave takes who waited out of the queue. A place that cannot be given up is forgotten after a minute by itself, and
// the turn stands.
func (a Asker) leave(ctx context.Context, now time.Time, order string, waited bool) {
	if waited {
		_ = a.Store.Queue(ctx, record.Turn{Bucket: a.Bucket.Name, Order: order, Until: now})
	}
}
