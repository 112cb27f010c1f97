package guard_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
)

func TestDrift(t *testing.T) {
	t.Parallel()
	enrolled := map[string]string{"keyward:key": "alias/web", "owner": "ada", "tier": "web"}
	for _, tt := range []struct {
		name string
		now  map[string]string
		want []string
	}{
		{"the same", map[string]string{"keyward:key": "alias/web", "owner": "ada"}, nil},
		{"a tag that is no hint", map[string]string{"keyward:key": "alias/web", "owner": "ada", "tier": "db"}, nil},
		{"another key", map[string]string{"keyward:key": "alias/other", "owner": "ada"}, []string{`keyward:key was "alias/web", is "alias/other"`}},
		{"one gone, one new", map[string]string{"keyward:key": "alias/web", "keyward:policy": ""},
			[]string{`keyward:policy was not there, is ""`, `owner was "ada", is not there`}},
	} {
		if diff := cmp.Diff(tt.want, guard.Drift(enrolled, tt.now)); diff != "" {
			t.Errorf("%s: Drift (-want +got):\n%s", tt.name, diff)
		}
	}
	if got := guard.Detail(guard.Facts{Drift: []string{"a", "b"}}, guard.ReasonTagDrift); got != "a; b" {
		t.Errorf("Detail = %q", got)
	}
}
