// Package fleet is what keyward watch knows: it looks at a stack through the people's API again and again, says what changed
// between two looks, and draws all of it on a screen. It asks and draws; it changes nothing, and decides nothing.
package fleet

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/keyward/keyward/cmd/keyward/internal/people"
	"github.com/keyward/keyward/shared/record"
)

// API is what is read of the people's API.
type API interface {
	Status(ctx context.Context) (record.Status, error)
	Machines(ctx context.Context, asked people.Asked) ([]record.Machine, error)
	Holds(ctx context.Context) ([]record.Hold, error)
	Breaker(ctx context.Context) (record.BreakerView, error)
	Ledger(ctx context.Context, id string) ([]record.Entry, error)
}

// Look is the stack as it was at one look.
type Look struct {
	Status   record.Status
	Machines []record.Machine // as Sort has them
	Holds    []record.Hold
	Breaker  record.BreakerView
	Closed   []string // what the caller's role does not let him read: holds, breaker

	At time.Time // by our clock
}

// Watcher looks at one stack. Its fields but API are its own.
type Watcher struct {
	API API
	Now func() time.Time

	last    *Look
	numbers map[string]int64 // of the last ledger entry that is known, by machine
	owed    []string         // machines whose ledgers have entries that were not read yet, in the order of their turn
	waiting map[string]bool  // the same
}

// mostLedgers are how many ledgers one look reads; the others' turn is the next. A storm of a thousand machines must not
// become a storm of a thousand calls.
const mostLedgers = 20

// Look reads everything once, and what changed since the look before. What it could not read of a look is owed to the next:
// no change is lost, and none is told twice.
func (w *Watcher) Look(ctx context.Context) (*Look, []Change, error) {
	look, err := w.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	var changes []Change
	if w.last == nil {
		w.numbers, w.waiting = map[string]int64{}, map[string]bool{}
		changes = append(changes, begun(look))
		for _, m := range look.Machines {
			w.numbers[m.ID] = m.Ledger.Number
		}
	} else {
		changes = between(w.last, look)
		for _, m := range look.Machines {
			if m.Ledger.Number > w.numbers[m.ID] && !w.waiting[m.ID] {
				w.waiting[m.ID], w.owed = true, append(w.owed, m.ID)
			}
		}
	}
	w.last = look
	entries, err := w.entries(ctx)
	changes = append(changes, entries...)
	inOrder(changes)
	return look, changes, err
}

// Owed is how many machines have ledger entries that were not read yet.
func (w *Watcher) Owed() int { return len(w.owed) }

func (w *Watcher) read(ctx context.Context) (*Look, error) {
	look := &Look{}
	var err error
	if look.Status, err = w.API.Status(ctx); err != nil {
		return nil, err
	}
	look.At = w.Now()
	if look.Machines, err = w.API.Machines(ctx, people.Asked{}); err != nil {
		return nil, err
	}
	Sort(look.Machines)
	if look.Holds, err = w.API.Holds(ctx); refused(err) {
		look.Closed = append(look.Closed, "holds")
	} else if err != nil {
		return nil, err
	}
	if look.Breaker, err = w.API.Breaker(ctx); refused(err) {
		look.Closed = append(look.Closed, "breaker")
	} else if err != nil {
		return nil, err
	}
	return look, nil
}

// refused is whether the caller's role does not allow a call. The first calls of a look are allowed to all roles, and would
// have been refused too if it were for the credentials.
func refused(err error) bool {
	var r *people.Refusal
	return errors.As(err, &r) && r.Status == http.StatusForbidden
}

// entries are the new ones of the machines whose turn it is.
func (w *Watcher) entries(ctx context.Context) ([]Change, error) {
	var changes []Change
	machines := map[string]record.Machine{}
	for _, m := range w.last.Machines {
		machines[m.ID] = m
	}
	for n := 0; n < mostLedgers && len(w.owed) > 0; n++ {
		id := w.owed[0]
		all, err := w.API.Ledger(ctx, id)
		if err != nil {
			w.owed = append(w.owed[1:], id) // one that cannot be read keeps no other from being read
			return changes, err
		}
		known := w.numbers[id]
		for _, e := range all {
			if e.Chain == "" && e.Number > known {
				changes = append(changes, entry(machines[id], e))
				w.numbers[id] = max(w.numbers[id], e.Number)
			}
		}
		w.owed = w.owed[1:]
		delete(w.waiting, id)
	}
	return changes, nil
}

// Newest are the newest ledger entries of the machines that were busy last, for who begins to watch.
func (w *Watcher) Newest(ctx context.Context, most int) ([]Change, error) {
	var changes []Change
	for _, m := range busiest(w.last.Machines, most) {
		all, err := w.API.Ledger(ctx, m.ID)
		if err != nil {
			return changes, err
		}
		for _, e := range all[:min(len(all), most)] { // newest first
			if e.Number <= w.numbers[m.ID] {
				changes = append(changes, entry(m, e))
			}
		}
	}
	inOrder(changes)
	return changes[max(0, len(changes)-most):], nil
}
