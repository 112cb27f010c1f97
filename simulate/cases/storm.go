package cases

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// storms are changed by who read them last, and show who waits until when.
func storms(t *testing.T, ctx context.Context, s Table) {
	g, err := s.Storm(ctx, "g")
	equal(t, "a group that never was", g, err, record.Storm{Group: "g"})
	g.LastAt, g.Alone = noon, "e"
	first, err := s.PutStorm(ctx, g, noon)
	g.Version = 1
	equal(t, "the group", first, err, g)
	g.Version = 0
	_, err = s.PutStorm(ctx, g, noon)
	kind(t, "writing what was read before", err, fault.Conflict)
	first.OpensAt = noon.Add(time.Minute)
	second, err := s.PutStorm(ctx, first, noon)
	done(t, "writing it again", err)
	read, err := s.Storm(ctx, "g")
	equal(t, "the group then", read, err, second)

	one, two := record.Stormed{Machine: "i-2", Generation: 3, Execution: "b"}, record.Stormed{Machine: "i-1", Generation: 1, Execution: "a"}
	for _, w := range []record.Stormed{one, two, one} {
		done(t, "waiting", s.JoinStorm(ctx, "g", noon.Add(time.Minute), w))
	}
	done(t, "waiting for another time", s.JoinStorm(ctx, "g", noon.Add(time.Hour), record.Stormed{Machine: "i-3"}))
	done(t, "waiting in another group", s.JoinStorm(ctx, "h", noon.Add(time.Minute), record.Stormed{Machine: "i-4"}))
	all, err := s.InStorm(ctx, "g", noon.Add(time.Minute), 10)
	equal(t, "who waits", all, err, []record.Stormed{two, one})
	all, err = s.InStorm(ctx, "g", noon.Add(time.Minute), 1)
	equal(t, "the first of them", all, err, []record.Stormed{two})
}
