package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/fault"
)

func TestFields(t *testing.T) {
	t.Parallel()
	reason, values := fault.Wrong("reason", "reason has %d characters", 0), fault.Wrong("values[1]", "empty")
	for name, tt := range map[string]struct {
		err  error
		want []fault.Field
	}{
		"nothing":         {nil, nil},
		"another's error": {fault.In("x", errors.New("arn:aws:…")), nil},
		"no field":        {fault.New(fault.Invalid, "no"), nil},
		"one":             {reason, []fault.Field{{Name: "reason", Detail: "reason has 0 characters"}}},
		"wrapped":         {fmt.Errorf("calling: %w", reason), []fault.Field{{Name: "reason", Detail: "reason has 0 characters"}}},
		"joined":          {errors.Join(reason, errors.New("x"), values), []fault.Field{{Name: "reason", Detail: "reason has 0 characters"}, {Name: "values[1]", Detail: "empty"}}},
		"named twice":     {fault.In("body", values), []fault.Field{{Name: "body", Detail: "empty"}, {Name: "values[1]", Detail: "empty"}}},
		"an internal one": {fault.In("x", fault.New(fault.Internal, "arn:aws:…")), nil},
		"of a header":     {fault.In("If-Match", fault.New(fault.Stale, "old")), []fault.Field{{Name: "If-Match", Detail: "old"}}},
	} {
		if diff := cmp.Diff(tt.want, fault.Fields(tt.err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if text := fault.Safe(reason); text != "reason has 0 characters" || !fault.Is(reason, fault.Invalid) {
		t.Errorf("Wrong makes %q of kind %v", text, fault.KindOf(reason))
	}
}
