package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func event(n int) record.Occurrence {
	return record.Occurrence{Reference: fmt.Sprintf("e-%04d/warning", n), Event: "warning", At: noon.Add(time.Duration(n) * time.Second), Machine: awstest.Machine}
}

func TestGathering(t *testing.T) {
	t.Parallel()
	p := begin(t)
	due := noon.Add(time.Hour)
	g, err := p.AddOccurrence(t.Context(), "ops", event(1), due)
	must(t, err)
	if want := (record.Gathering{Notifier: "ops", Count: 1, First: noon.Add(time.Second), Due: due}); !cmp.Equal(g, want) {
		t.Errorf("AddOccurrence = %+v, want %+v", g, want)
	}
	g, err = p.AddOccurrence(t.Context(), "ops", event(0), due.Add(time.Hour))
	must(t, err)
	if g.Count != 2 || !g.Due.Equal(due) || !g.First.Equal(noon.Add(time.Second)) {
		t.Errorf("the second: %+v", g)
	}
	_, err = p.AddOccurrence(t.Context(), "ops", event(1), due) // the same event once more
	must(t, err)
	all, err := p.Occurrences(t.Context(), "ops", 1000)
	if diff := cmp.Diff([]record.Occurrence{event(0), event(1)}, all); err != nil || diff != "" {
		t.Errorf("Occurrences, %v (-want +got):\n%s", err, diff)
	}
	if some, err := p.Occurrences(t.Context(), "ops", 1); err != nil || len(some) != 1 {
		t.Errorf("Occurrences of one = %v, %v", some, err)
	}
	wantDue := func(now time.Time, want ...string) {
		t.Helper()
		if got, err := p.DueNotifiers(t.Context(), now); err != nil || !cmp.Equal(got, want) {
			t.Errorf("DueNotifiers at %s = %v, %v, want %v", now, got, err, want)
		}
	}
	wantDue(due.Add(-time.Nanosecond))
	wantDue(due, "ops")

	// What was added since it was read is not lost: nobody says then that nothing waits.
	awstest.Wrapped(t, p.PutDue(t.Context(), g, time.Time{}), fault.Conflict, "")
	g, err = p.Gathering(t.Context(), "ops")
	must(t, err)
	must(t, p.PutDue(t.Context(), g, noon))
	wantDue(noon, "ops")

	d := record.Delivery{ID: "d", Notifier: "ops", Occurrences: all, BegunAt: noon, Next: noon.Add(time.Minute)}
	first, err := p.BeginDelivery(t.Context(), g, d)
	must(t, err)
	_, err = p.BeginDelivery(t.Context(), g, record.Delivery{ID: "other", Notifier: "ops"})
	awstest.Wrapped(t, err, fault.Conflict, "another was begun")
	must(t, p.TakeOccurrences(t.Context(), first))
	must(t, p.TakeOccurrences(t.Context(), first)) // after a crash
	if left, err := p.Occurrences(t.Context(), "ops", 1000); err != nil || len(left) != 0 {
		t.Errorf("Occurrences = %v, %v, want none", left, err)
	}
	_, err = p.AddOccurrence(t.Context(), "ops", event(1), due) // told already: it does not come again
	must(t, err)
	if left, err := p.Occurrences(t.Context(), "ops", 1000); err != nil || len(left) != 0 {
		t.Errorf("Occurrences = %v, %v, want none again", left, err)
	}
	g, err = p.Gathering(t.Context(), "ops")
	must(t, err)
	must(t, p.PutDue(t.Context(), g, time.Time{}))
	wantDue(noon.Add(time.Minute - 1))
	wantDue(noon.Add(time.Minute), "ops")

	second, err := p.PutDelivery(t.Context(), first)
	must(t, err)
	_, err = p.PutDelivery(t.Context(), first)
	awstest.Wrapped(t, err, fault.Conflict, "another is at it")
	awstest.Wrapped(t, p.EndDelivery(t.Context(), first), fault.Conflict, "another is at it")
	if ds, err := p.Deliveries(t.Context(), "ops"); err != nil || len(ds) != 1 || ds[0].Version != second.Version || len(ds[0].Occurrences) != 2 {
		t.Errorf("Deliveries = %+v, %v", ds, err)
	}
	must(t, p.EndDelivery(t.Context(), second))
	wantDue(noon.Add(24 * time.Hour))
}

// A thousand fit into one delivery, and are taken in several transactions.
func TestAThousandOccurrences(t *testing.T) {
	t.Parallel()
	p := begin(t)
	d := record.Delivery{ID: "d", Notifier: "ops", BegunAt: noon}
	for n := range 1000 {
		d.Occurrences = append(d.Occurrences, event(n))
	}
	d, err := p.BeginDelivery(t.Context(), record.Gathering{Notifier: "ops"}, d)
	must(t, err)
	must(t, p.TakeOccurrences(t.Context(), d))
	if ds, err := p.Deliveries(t.Context(), "ops"); err != nil || len(ds) != 1 || len(ds[0].Occurrences) != 1000 {
		t.Errorf("%d deliveries, %v", len(ds), err)
	}
}
