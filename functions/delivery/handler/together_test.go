package handler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/record"
)

const others = 3

// warnedTogether is warned whose mail warned of others too.
func warnedTogether() *fake.World {
	w := warned()
	first := w.Store.Told[reference]
	for i := range others {
		m := w.Store.ByID[fake.ID]
		m.ID = fmt.Sprintf("i-%017x", 0xa0+i)
		of := strings.Replace(reference, fake.ID, m.ID, 1)
		warning := *m.Warning
		warning.Reference = strings.TrimSuffix(of, "/warning")
		m.Warning = &warning
		w.Store.Put(m)
		n := first
		n.Machine, n.Reference = m.ID, of
		w.Store.Told[of] = n
		first.With = append(first.With, record.Same{Machine: m.ID, Reference: of})
	}
	first.With = append(first.With, record.Same{Machine: "i-0ffffffffffffffff", Reference: "that is gone"})
	w.Store.Told[reference] = first
	return w
}

// A mail that warned of many and reached nobody is void for all of them.
func TestALostWarningOfMany(t *testing.T) {
	t.Parallel()
	w := warnedTogether()
	if _, err := handle(t, w, "bounce-permanent.json"); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		if len(w.Store.ByID) != others+1 {
			t.Fatalf("%d machines", len(w.Store.ByID))
		}
		for id, m := range w.Store.ByID {
			if !m.State.WarnedAt.IsZero() || len(m.Warning.Lost) != 1 {
				t.Errorf("%s: %s is warned at %s, lost %v, want that it has to be warned anew", when, id, m.State.WarnedAt, m.Warning.Lost)
			}
		}
		for of, n := range w.Store.Told {
			if len(n.Outcomes) != 1 || n.Outcomes[0].Kind != record.Bounced {
				t.Errorf("%s: notice %s: %+v", when, of, n.Outcomes)
			}
		}
	}
	check("once")
	if _, err := handle(t, w, "bounce-permanent.json"); err != nil {
		t.Fatal(err)
	}
	check("twice")
}

// Until it is noted of all, the event is an error and comes again.
func TestALostWarningOfManyIsCutOff(t *testing.T) {
	t.Parallel()
	w := warnedTogether()
	w.Fail("store.Apply", nil, fake.Down)
	if _, err := handle(t, w, "bounce-permanent.json"); err == nil {
		t.Fatal("it went well")
	}
	if _, err := handle(t, w, "bounce-permanent.json"); err != nil {
		t.Fatal(err)
	}
	for id, m := range w.Store.ByID {
		if !m.State.WarnedAt.IsZero() {
			t.Errorf("%s still counts as warned", id)
		}
	}
}
