package cases

import (
	"context"
	"testing"
	"time"

	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func calls(t *testing.T, ctx context.Context, s Table) {
	begin := func(what, digest string, now time.Time, want record.Call, begins bool) record.Call {
		t.Helper()
		kept, begun, err := s.BeginCall(ctx, record.Call{ID: "c", Digest: digest}, now)
		equal(t, what, kept, err, want)
		equal(t, what+": it is carried out", begun, nil, begins)
		return kept
	}
	first := record.Call{ID: "c", Digest: "d", At: noon, Until: noon.Add(record.CallWithin), Attempts: 1}
	begin("the first", "d", noon, first, true)
	begin("while it is carried out", "d", first.Until.Add(-time.Second), first, false)
	begin("another call by its key", "e", first.Until.Add(time.Hour), first, false)

	// Its bearer died: the next one takes it over, and what the dead one says after that does not count.
	second := first
	second.Until, second.Attempts = first.Until.Add(record.CallWithin), 2
	taken := begin("after its bearer died", "d", first.Until, second, true)
	kind(t, "the dead one's answer", s.EndCall(ctx, first), fault.Conflict)
	taken.Status, taken.Type, taken.Body = 200, "application/json", "{}"
	done(t, "the answer", s.EndCall(ctx, taken))
	answered := taken
	answered.Attempts = 3
	begin("answered", "d", first.Until.Add(time.Hour), answered, false)
	begin("answered, another call", "e", first.Until.Add(time.Hour), answered, false)
	anew := record.Call{ID: "c", Digest: "e", At: noon.Add(record.KeepCalls), Until: noon.Add(record.KeepCalls + record.CallWithin), Attempts: 1}
	begin("not kept any more", "e", noon.Add(record.KeepCalls), anew, true)

	// Given up, it may be carried out at once.
	anew.Until = anew.At
	done(t, "giving it up", s.EndCall(ctx, anew))
	anew.Until, anew.Attempts = anew.At.Add(record.CallWithin), 3
	begin("given up", "e", anew.At, anew, true)
}
