package store_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

// Of many who begin the same call at the same moment one carries it out, and of many who take over a dead one's too.
func TestOneOfManyCarriesACallOut(t *testing.T) {
	t.Parallel()
	p := begin(t)
	for _, after := range []time.Duration{0, 2 * record.CallWithin} {
		var all sync.WaitGroup
		var begun atomic.Int64
		for range 8 {
			all.Go(func() {
				_, ours, err := p.BeginCall(t.Context(), record.Call{ID: "c", Digest: "d"}, noon.Add(after))
				if ours {
					begun.Add(1)
				}
				if err != nil && !fault.Is(err, fault.Transient) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := begun.Load(); n != 1 {
			t.Errorf("after %s: %d carry it out, want one", after, n)
		}
	}
}
