package keyrequest_test

import (
	"testing"
	"time"

	"github.com/keyward/keyward/shared/keyrequest"
	"github.com/keyward/keyward/shared/record"
)

func TestTell(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	first, told := keyrequest.Tell(record.Machine{}, "requestDenied", noon)
	if !told || !first.Told["requestDenied"].Equal(noon) {
		t.Fatalf("the first: %v, %t", first.Told, told)
	}
	for name, tt := range map[string]struct {
		kind string
		at   time.Time
		want bool
	}{
		"the same at once":      {"requestDenied", noon.Add(time.Hour - 1), false},
		"the same after a time": {"requestDenied", noon.Add(time.Hour), true},
		"another":               {"requestPending", noon, true},
	} {
		if m, told := keyrequest.Tell(first, tt.kind, tt.at); told != tt.want || told != m.Told[tt.kind].Equal(tt.at) {
			t.Errorf("%s: told %t, %v", name, told, m.Told)
		}
	}
	if len(first.Told) != 1 {
		t.Errorf("what was read was changed: %v", first.Told)
	}
}
