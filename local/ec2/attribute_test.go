package ec2

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/local/wire"
)

// Only user data is there, and of a machine that is.
func TestInstanceAttribute(t *testing.T) {
	t.Parallel()
	e := New(Config{Account: "123456789012", Region: "us-east-1"}, Machine{ID: "i-00000001", State: "running", UserData: "x"})
	for name, c := range map[string]struct{ id, attribute, code string }{
		"another attribute": {"i-00000001", "kernel", "NotImplemented"}, "an unknown machine": {"i-00000002", "userData", "InvalidInstanceID.NotFound"},
		"no machine": {"web", "userData", "InvalidInstanceID.Malformed"},
	} {
		_, err := e.describeInstanceAttribute(struct{ InstanceId, Attribute string }{c.id, c.attribute})
		if refused, ok := err.(*wire.Error); !ok || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if err := e.Add(Machine{ID: "i-00000003", State: "running", UserData: strings.Repeat("x", 16<<10+1)}); err == nil {
		t.Error("user data of more than 16 KiB was taken")
	}
}
