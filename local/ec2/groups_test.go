package ec2

import (
	"testing"

	"github.com/keyward/keyward/local/wire"
)

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	e := New(Config{Account: "123456789012", Region: "us-east-1"},
		Machine{ID: "i-00000001", State: "running", Groups: []Group{{ID: "sg-00000001", Name: "web"}, {ID: "sg-00000002"}}},
		Machine{ID: "i-00000002", State: "running", Groups: []Group{{ID: "sg-00000001", Name: "web"}}})
	if got := e.groups(); len(got) != 2 {
		t.Errorf("groups = %+v, want each once", got)
	}
	for name, c := range map[string]struct {
		ids     []string
		filters []filter
		code    string
	}{
		"unknown group":  {[]string{"sg-00000009"}, nil, "InvalidGroup.NotFound"},
		"unknown filter": {nil, []filter{{"vpc-id", []string{"vpc-1"}}}, ""},
	} {
		_, err := e.describeSecurityGroups(struct {
			paging
			GroupId []string
		}{paging{Filter: c.filters}, c.ids})
		refused, ok := err.(*wire.Error)
		if err == nil || c.code != "" && (!ok || refused.Code != c.code) {
			t.Errorf("%s: %v, want %q", name, err, c.code)
		}
	}
	if err := e.Add(Machine{ID: "i-00000003", State: "running", Groups: []Group{{ID: "web"}}}); err == nil {
		t.Error("a group without an id was taken")
	}
}
