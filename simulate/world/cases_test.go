package world_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/record"
	"github.com/keyward/keyward/simulate/cases"
	"github.com/keyward/keyward/simulate/world"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestTable(t *testing.T) {
	t.Parallel()
	cases.OfTable(t, func(*testing.T) cases.Table { return world.New(at, 1, world.Faults{}).Store })
}

func TestKeys(t *testing.T) {
	t.Parallel()
	cases.OfKeys(t, func(*testing.T) cases.Place {
		w := world.New(at, 1, world.Faults{})
		w.Keys.Create("guarded", true, "")
		w.Keys.Create("unguarded", false, "")
		return cases.Place{Keys: w.Keys, Guarded: "guarded", Unguarded: "unguarded", Missing: "missing"}
	})
}

// A field of a change that Apply does not carry out would be a condition that nobody holds: whoever adds one to
// store.Change adds it to Apply, and then here.
func TestChangeIsCarriedOut(t *testing.T) {
	t.Parallel()
	carried := []string{"Machine", "Evidence", "Answer", "Ledger", "Start", "Request", "Notice", "NotHeld", "Waivers", "TakeLease", "DropLease", "Link", "Hold", "Breaker", "Rules", "At"}
	for f := range fields(reflect.TypeFor[store.Change]()) {
		if !slices.Contains(carried, f.Name) {
			t.Errorf("store.Change has %s, which simulate/world does not carry out", f.Name)
		}
	}
}

// What a handler may change in place must be a copy: pointers, and lists and maps within them. Those that are replaced
// as a whole and never changed are named here.
func TestCopiesShareNothing(t *testing.T) {
	t.Parallel()
	looked := []string{"Machine.Tags", "Machine.Drift", "Machine.NotEffective", "Machine.Findings", "Machine.Waived", "Machine.Allowed", "Machine.Taken", "Machine.Safeguard", "Machine.Warning", "Machine.Order", "Machine.Asking", "Machine.Told", "Machine.LinkHolds", "Taken.Grants", "Taken.Waivers", "Warning.Counts", "Warning.Lost"}
	for _, of := range []reflect.Type{reflect.TypeFor[record.Machine](), reflect.TypeFor[record.Taken](), reflect.TypeFor[record.Warning]()} {
		for f := range fields(of) {
			switch f.Type.Kind() {
			case reflect.Pointer, reflect.Slice, reflect.Map:
				if !slices.Contains(looked, of.Name()+"."+f.Name) {
					t.Errorf("record.%s.%s may be shared: copy it in simulate/world/apply.go if a handler changes it in place", of.Name(), f.Name)
				}
			}
		}
	}
}

func fields(of reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range of.NumField() {
			if !yield(of.Field(i)) {
				return
			}
		}
	}
}

func TestFlow(t *testing.T) {
	t.Parallel()
	cases.OfFlow(t, func(t *testing.T) cases.Course {
		w := world.New(at, 1, world.Faults{})
		if err := w.Define([]byte(cases.Waits)); err != nil {
			t.Fatal(err)
		}
		return cases.Course{Flow: w.Flow, Pass: func() { w.Run(w.Now().Add(2 * time.Minute)) }}
	})
}

// A grant that is asked for again finds the one that stands, and what was revoked before it is no hole in the list.
func TestGrantAfterARevocation(t *testing.T) {
	t.Parallel()
	w := world.New(at, 1, world.Faults{})
	w.Keys.Create("key", true, "")
	first, err := w.Keys.Grant(t.Context(), "key", "i-1", "session/i-1", 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Keys.Grant(t.Context(), "key", "i-1", "session/i-1", 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Keys.RevokeGrant(t.Context(), "key", first.ID); err != nil {
		t.Fatal(err)
	}
	again, err := w.Keys.Grant(t.Context(), "key", "i-1", "session/i-1", 2)
	if err != nil || again.ID != second.ID {
		t.Errorf("the same grant again = %+v, %v, want %s", again, err, second.ID)
	}
	list, err := w.Keys.Grants(t.Context(), "key", "")
	if err != nil || len(list) != 1 || list[0].ID != second.ID {
		t.Errorf("the grants = %+v, %v, want the second alone", list, err)
	}
}
