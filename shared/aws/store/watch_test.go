package store_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/record"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	p := begin(t)
	same(t, "Watch before the first sweep", record.Watch{})(p.Watch(t.Context()))
	first := record.Watch{SweptAt: noon, Paused: map[string]record.Pause{record.Everything: {Since: noon, Why: "a reason"}}}
	must(t, p.PutWatch(t.Context(), first))
	first.Version = 1
	same(t, "Watch", first)(p.Watch(t.Context()))
	awstest.Wrapped(t, p.PutWatch(t.Context(), record.Watch{SweptAt: noon}), fault.Conflict, "noting a completed sweep: another sweep was completed")
	second := record.Watch{SweptAt: noon.Add(time.Minute), Version: 1}
	must(t, p.PutWatch(t.Context(), second))
	second.Version = 2
	same(t, "Watch after the second", second)(p.Watch(t.Context()))
}

func TestEvaluated(t *testing.T) {
	t.Parallel()
	p := begin(t)
	same(t, "Evaluated before the first", time.Time{})(p.Evaluated(t.Context()))
	for n := range 2 {
		at := noon.Add(time.Duration(n) * time.Minute)
		must(t, p.NoteEvaluated(t.Context(), at))
		same(t, "Evaluated", at)(p.Evaluated(t.Context()))
	}
}
