package store_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/drill"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestDrills(t *testing.T) {
	t.Parallel()
	p := begin(t)
	same(t, "Drill before the first", record.Drill{})(p.Drill(t.Context()))
	same(t, "Drills before the first", []record.Drill(nil))(p.Drills(t.Context(), 5))
	first := drill.Begin("schedule", noon, 0)
	same(t, "PutDrill", func() record.Drill { d := first; d.Version = 1; return d }())(p.PutDrill(t.Context(), first))
	_, err := p.PutDrill(t.Context(), first)
	awstest.Wrapped(t, err, fault.Conflict, "writing drill "+first.ID+": another drill or another step of it was quicker")
	first.Version, first.Phase, first.EndedAt = 1, record.DrillEnded, noon.Add(time.Hour)
	first, err = p.PutDrill(t.Context(), first)
	must(t, err)
	second, err := p.PutDrill(t.Context(), drill.Begin("a person", noon.Add(24*time.Hour), first.Version))
	must(t, err)
	same(t, "Drill", second)(p.Drill(t.Context()))
	same(t, "Drills", []record.Drill{second, first})(p.Drills(t.Context(), 5))
	same(t, "the newest of them", []record.Drill{second})(p.Drills(t.Context(), 1))
}

// The drill's machine and policy are in no listing: whoever counts machines or policies does not count them.
func TestTheDrillIsInNoListing(t *testing.T) {
	t.Parallel()
	p := begin(t)
	m, err := p.Apply(t.Context(), store.Change{Machine: record.Machine{ID: drill.Machine}, At: noon})
	must(t, err)
	same(t, "Machine", m)(p.Machine(t.Context(), drill.Machine))
	same(t, "Machines", []record.Machine(nil))(p.Machines(t.Context()))
	stored, err := p.PutPolicy(t.Context(), record.Policy{Name: drill.PolicyName, Text: drill.Policy()})
	must(t, err)
	same(t, "Policy", stored)(p.Policy(t.Context(), drill.PolicyName))
	same(t, "Policies", []record.Policy(nil))(p.Policies(t.Context()))
}
