package turn_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/functions/internal/turn"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/pace"
)

func asker(w *fake.World) turn.Asker {
	return turn.Asker{Store: w.Store, Bucket: pace.Half(pace.DisableKey, 5)}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	w := fake.New()
	a := asker(w)
	ask := func(order string, waited bool, at time.Time) time.Time {
		t.Helper()
		again, err := a.Ask(t.Context(), at, order, 1, waited)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	for range 2 {
		if again := ask("b", false, fake.Start); !again.IsZero() {
			t.Fatalf("the bucket holds two: %s", again)
		}
	}
	w.Never(t, "store.Queue")
	again := ask("b", false, fake.Start)
	if !again.Equal(fake.Start.Add(time.Second)) || len(w.Store.Turns) != 1 {
		t.Errorf("again at %s, queue %v, want a second later and a place in it", again, w.Store.Turns)
	}
	if again = ask("b", true, again); !again.IsZero() {
		t.Errorf("a second later: %s, want a turn", again)
	}
	if n, err := w.Store.Ahead(t.Context(), pace.DisableKey, "c", fake.Start.Add(time.Second)); n != 0 || err != nil {
		t.Errorf("%d wait, %v, want nobody", n, err)
	}
	// Who took a token at the same moment is no reason to give up, who always does is.
	w.Store.UsedUntil[pace.DisableKey] = time.Time{}
	w.Fail("store.Use", fault.New(fault.Conflict, "somebody else did"))
	if again := ask("a", false, fake.Start.Add(time.Hour)); !again.IsZero() {
		t.Errorf("after one conflict: %s, want a turn", again)
	}
	w.Always("store.Use", fault.New(fault.Conflict, "somebody else did"))
	if again := ask("a", false, fake.Start.Add(2*time.Hour)); again.IsZero() {
		t.Error("a turn without a token")
	}
}

func TestAskFails(t *testing.T) {
	t.Parallel()
	for _, failing := range []string{"store.Ahead", "store.Used", "store.Use", "store.Queue"} {
		w := fake.New()
		if failing == "store.Queue" {
			w.Store.UsedUntil[pace.DisableKey] = fake.Start.Add(time.Hour)
		}
		w.Fail(failing, fake.Down)
		_, err := asker(w).Ask(t.Context(), fake.Start, "a", 1, false)
		fake.Kind(t, err, fault.Transient)
	}
	// A place that cannot be given up takes no turn away: it is forgotten by itself.
	w := fake.New()
	w.Fail("store.Queue", fake.Down)
	if again, err := asker(w).Ask(t.Context(), fake.Start, "a", 1, true); err != nil || !again.IsZero() {
		t.Errorf("Ask = %s, %v, want a turn", again, err)
	}
}

// Many ask at their times, some never come back: never above the rate, everybody who goes on asking gets a turn, and
// those in front by more than a few seconds' worth of calls get theirs first.
func TestAQueue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := fake.New()
		a := turn.Asker{Store: w.Store, Bucket: pace.Half(pace.DisableKey, rapid.IntRange(1, 20).Draw(t, "quota"))}
		n := rapid.IntRange(1, 80).Draw(t, "machines")
		type waiting struct {
			order  string
			at     time.Time
			waited bool
			lost   bool
		}
		var queue []waiting
		for i := range n {
			failed := rapid.IntRange(0, 3).Draw(t, "failed")
			queue = append(queue, waiting{
				order: pace.Order(failed, fake.Start, fmt.Sprintf("i-%03d", i)), at: fake.Start.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "ms")) * time.Millisecond),
				lost: rapid.IntRange(0, 19).Draw(t, "lost") == 0,
			})
		}
		var granted []time.Time
		for questions := 0; len(queue) > 0; questions++ {
			if questions > 200*n {
				t.Fatalf("%d of %d still wait", len(queue), n)
			}
			slices.SortStableFunc(queue, func(a, b waiting) int { return a.at.Compare(b.at) })
			q := queue[0]
			queue = queue[1:]
			again, err := a.Ask(t.Context(), q.at, q.order, 1, q.waited)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case again.IsZero():
				granted = append(granted, q.at)
			case !again.After(q.at):
				t.Fatalf("to come back at %s, and it is %s", again, q.at)
			case !q.lost:
				q.at, q.waited = again, true
				queue = append(queue, q)
			}
		}
		for i, from := range granted {
			for j := i; j < len(granted); j++ {
				if n, most := j-i+1, a.Bucket.Burst+int(granted[j].Sub(from)/a.Bucket.Every); n > most {
					t.Fatalf("%d turns within %s, want at most %d", n, granted[j].Sub(from), most)
				}
			}
		}
	})
}
