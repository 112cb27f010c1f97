package dependants_test

import (
	"strings"
	"testing"

	"github.com/keyward/keyward/functions/internal/dependants"
	"github.com/keyward/keyward/functions/internal/fake"
	"github.com/keyward/keyward/shared/aws/kmskey"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/guard"
)

func TestOf(t *testing.T) {
	t.Parallel()
	w := fake.New()
	m := fake.Machine(fake.Disable)
	w.Keys.Listed[fake.KeyARN] = []kmskey.Grant{{ID: "g", Name: "x", Grantee: "rds.amazonaws.com", Operations: []string{"Decrypt"}}}
	w.Instances.Under = []guard.Disk{{ID: "vol-1", Machines: []string{fake.Other}}}
	got := dependants.Of(t.Context(), w.Keys, w.Instances, m)
	want := "grant x to rds.amazonaws.com for Decrypt|volume vol-1, attached to " + fake.Other
	if !got.Read || strings.Join(got.Others, "|") != want {
		t.Errorf("Of = %+v, want %s", got, want)
	}
	for _, call := range []string{"kms.Users", "ec2.Disks"} {
		w.Fail(call, fake.AWS(fault.Denied, "AccessDeniedException"))
		if got := dependants.Of(t.Context(), w.Keys, w.Instances, m); got.Read || !strings.Contains(got.Unread, "AccessDeniedException") || len(got.Others) > 0 {
			t.Errorf("%s fails: Of = %+v, want it unread", call, got)
		}
	}
}

func TestOfWithRevokeGrant(t *testing.T) {
	t.Parallel()
	w := fake.New()
	if got := dependants.Of(t.Context(), w.Keys, w.Instances, fake.Machine()); !got.Read || len(got.Others) > 0 {
		t.Errorf("Of = %+v, want nobody", got)
	}
	w.Never(t, "kms.", "ec2.")
}
