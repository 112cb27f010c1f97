package handler

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/enforcement"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// told is a world whose machine had a notice of another kind sent to these.
func told(kind string, to []string, edits ...func(*record.Machine)) *fake.World {
	w := warned(edits...)
	n := w.Store.Told[reference]
	n.Kind, n.Counts, n.To, n.Violation = kind, nil, to, w.Store.ByID[fake.ID].State.Since
	w.Store.Told[reference] = n
	return w
}

func held(m *record.Machine)    { m.State.HeldFor = "not-guarded" }
func revoked(m *record.Machine) { m.State.Key = integrity.KeyRevoked }
func good(m *record.Machine) {
	m.State.Standing, m.State.Since = integrity.Good, fake.Start.Add(-time.Hour)
}

// owed is what the outbox says of the one notice that others are to get.
func owed(t *testing.T, w *fake.World) enforcement.Input {
	t.Helper()
	if len(w.Store.Waiting) != 1 || len(w.Store.Entries) != 1 || !strings.HasSuffix(w.Store.Entries[0].Text, "; others are told") {
		t.Fatalf("outbox %+v, ledger %+v, want one notice owed and said", w.Store.Waiting, w.Store.Entries)
	}
	var in enforcement.Input
	if err := json.Unmarshal(w.Store.Waiting[0].Input, &in); err != nil {
		t.Fatal(err)
	}
	if name := w.Store.Waiting[0].Name; name != enforcement.Name(in, int(w.Store.ByID[fake.ID].Version)) {
		t.Errorf("name %q, want it made of the version in which it is owed", name)
	}
	return in
}

// A revocation on a warning that turns out to have reached nobody is told to the next ones.
func TestBouncedAfterTheRevocation(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bounce-permanent.json", "complaint.json"} {
		w := warned(revoked)
		before := w.Store.ByID[fake.ID]
		for range 2 { // SNS brings it twice
			if _, err := handle(t, w, name); err != nil {
				t.Fatal(err)
			}
		}
		want := enforcement.Input{
			Version: enforcement.Version, Kind: enforcement.Tell, Account: fake.Account, Region: fake.Region, Machine: fake.ID,
			Generation: before.State.Generation, Policy: before.Policy, Notice: "revoked",
		}
		if diff := cmp.Diff(want, owed(t, w)); diff != "" {
			t.Errorf("%s: owed (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(before.State, w.Store.ByID[fake.ID].State); diff != "" {
			t.Errorf("%s: the state moved (-want +got):\n%s", name, diff)
		}
	}
}

// A notice that reached nobody is told to the next ones, who hear whom it did not reach.
func TestToldAgain(t *testing.T) {
	t.Parallel()
	for kind, edit := range map[string]func(*record.Machine){"held": held, "revoked": revoked, "restored": good, "stoodDown": good, "reminder": held, "escalated": held} {
		w := told(kind, []string{fake.Owner}, edit)
		n := w.Store.Told[reference]
		n.Missed, n.Why, n.By, n.Request, n.Until = []string{"first@example.com"}, "ticket 4711", "bob", "boot", fake.Start
		n.Step = 2
		w.Store.Told[reference] = n
		if _, err := handle(t, w, "bounce-permanent.json"); err != nil {
			t.Fatal(err)
		}
		if in := owed(t, w); in.Notice != kind || !cmp.Equal(in.Missed, []string{"first@example.com", fake.Owner}) {
			t.Errorf("%s: owed is %+v", kind, in)
		} else if in.Why != "ticket 4711" || in.By != "bob" || in.Request != "boot" || !in.DueAt.Equal(fake.Start) || in.Step != 2 {
			t.Errorf("%s: owed is %+v, want all that it was asked to say", kind, in)
		}
	}
}

// What reached somebody, what is no longer so, and what the enforcement itself says anew is not told again.
func TestNotToldAgain(t *testing.T) {
	t.Parallel()
	none := func(*record.Machine) {}
	for name, w := range map[string]*fake.World{
		"the team got it":          told("held", []string{fake.Owner, team}, held),
		"the hold is over":         told("held", []string{fake.Owner}),
		"the key is back":          told("revoked", []string{fake.Owner}),
		"a warning before the end": warned(none),
		"ordered, not yet told":    warned(func(m *record.Machine) { m.State.Key = integrity.KeyRevoking }),
		"another one counts":       warned(revoked, func(m *record.Machine) { m.Warning.Counts = []string{team} }),
		"it was lost before": warned(revoked, func(m *record.Machine) {
			m.Warning.Counts, m.Warning.Lost = []string{team}, []string{team}
		}),
	} {
		if got, err := handle(t, w, "bounce-permanent.json"); err != nil || got.Recorded != 1 || len(w.Store.Waiting) != 0 || len(w.Store.Entries) != 1 {
			t.Errorf("%s: Handle = %+v, %v, outbox %+v, ledger %+v", name, got, err, w.Store.Waiting, w.Store.Entries)
		}
	}
	w := told("restored", []string{fake.Owner}, good)
	w.Store.Change(fake.ID, func(m *record.Machine) { m.State.Since = fake.Start })
	if _, err := handle(t, w, "bounce-permanent.json"); err != nil || len(w.Store.Waiting) != 0 {
		t.Errorf("restored, and Bad again since: %v, outbox %+v", err, w.Store.Waiting)
	}
}
