package guard_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// taken is a machine whose key is revoked in a mode.
func taken(mode policy.Mode) record.Machine {
	return record.Machine{ID: self, SessionARN: session, Key: record.Key{Mode: mode}, State: integrity.State{Key: integrity.KeyRevoked}}
}

func shows(policy string, grants ...guard.KeyGrant) guard.Actual {
	a := guard.Actual{State: "Enabled", Enabled: true, Policy: guard.ReadPolicy(policy)}
	a.List(grants)
	return a
}

// closed is the same of a key that is disabled.
func closed(a guard.Actual) guard.Actual {
	a.State, a.Enabled = "Disabled", false
	return a
}

func TestRemains(t *testing.T) {
	t.Parallel()
	decrypt, dataKey := []string{"Decrypt"}, []string{"GenerateDataKey"}
	anothersData := strings.Replace(admits(other), `"Action":"kms:Decrypt"`, `"Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"i-0598c7d356eba48d7"}},"Action":"kms:Decrypt"`, 1)
	for _, tt := range []struct {
		name   string
		mode   policy.Mode
		actual guard.Actual
		ways   []string
		undone bool
	}{
		{"disabled", policy.DisableKey, guard.Actual{State: "Disabled"}, nil, false},
		{"a disabled key opens nothing, whoever it admits", policy.DisableKey, closed(shows(admits("*"))), nil, false},
		{"enabled by hand", policy.DisableKey, shows(admits(session)), []string{"the key was enabled, not by Keyward"}, true},
		{"no grant left", policy.RevokeGrant, shows(admits()), nil, false},
		{"the shared key is disabled", policy.RevokeGrant, closed(shows(admits("*"))), nil, false},
		{"another machine's own grant", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Name: "keyward-i-0598c7d356eba48d7-3", Grantee: other, Operations: decrypt}), nil, false},
		{"a grant of ours", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Name: "keyward-" + self + "-1", Grantee: session, Operations: decrypt}),
			[]string{"grant keyward-" + self + "-1 to " + session + " for Decrypt"}, true},
		{"a grant by hand", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Grantee: session, Operations: dataKey}),
			[]string{"grant without a name to " + session + " for GenerateDataKey"}, false},
		{"a grant to the role", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Name: "x", Grantee: "arn:aws:iam::123456789012:role/web", Operations: decrypt}),
			[]string{"grant x to arn:aws:iam::123456789012:role/web for Decrypt"}, false},
		{"a grant that is named like another's", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Name: "keyward-i-0598c7d356eba48d7-3", Grantee: "arn:aws:iam::123456789012:role/web", Operations: decrypt}),
			[]string{"grant keyward-i-0598c7d356eba48d7-3 to arn:aws:iam::123456789012:role/web for Decrypt"}, false},
		{"somebody who prepares data", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Grantee: "arn:aws:iam::123456789012:user/ada", Operations: dataKey}), nil, false},
		{"a service without a slash", policy.RevokeGrant, shows(admits(), guard.KeyGrant{Grantee: "rds.amazonaws.com", Operations: []string{"ReEncryptFrom"}}),
			[]string{"grant without a name to rds.amazonaws.com for ReEncryptFrom"}, false},
		{"the key policy", policy.RevokeGrant, shows(admits(other)), []string{"key policy: statement 2 admits " + other}, false},
		{"the key policy, for another's data", policy.RevokeGrant, shows(anothersData), nil, false},
		{"a policy that was not read", policy.RevokeGrant, guard.Actual{State: "Enabled", Enabled: true}, []string{"the key policy is none that can be understood"}, false},
		{"a policy that is none", policy.RevokeGrant, shows("{}"), []string{"the key policy is none that can be understood"}, false},
	} {
		got := guard.Remains(taken(tt.mode), tt.actual)
		if diff := cmp.Diff(guard.Undone{Ways: tt.ways, Undone: tt.undone}, got); diff != "" {
			t.Errorf("%s: Remains (-want +got):\n%s", tt.name, diff)
		}
	}
}

func holds(mode policy.Mode, grant string) record.Machine {
	return record.Machine{
		ID: "i-1", SessionARN: ofOne, Grant: grant, Key: record.Key{Mode: mode}, State: integrity.State{Key: integrity.KeyReleased},
	}
}

const (
	ofOne = "arn:aws:sts::123456789012:assumed-role/web/i-1"
	ofTwo = "arn:aws:sts::123456789012:assumed-role/web/i-2"
)

// listed is an enabled key with its grants.
func listed(grants ...guard.KeyGrant) guard.Actual {
	a := guard.Actual{Enabled: true}
	a.List(grants)
	return a
}

func TestLostGrant(t *testing.T) {
	t.Parallel()
	for name, grants := range map[string][]guard.KeyGrant{
		"none":                  nil,
		"another machine's":     {{Name: "keyward-i-2-3", Grantee: ofOne}},
		"its name to another":   {{Name: "keyward-i-1-3", Grantee: "mallory"}},
		"another's, of its own": {{Name: "keyward-i-2-3", Grantee: ofTwo}},
		"not Keyward's, to it":  {{Name: "backup", Grantee: ofOne}},
		"of a longer id's name": {{Name: "keyward-i-12-3", Grantee: ofOne}},
	} {
		if got := guard.Lost(holds(policy.RevokeGrant, "grant-0"), listed(grants...)); !strings.Contains(got, "grant") {
			t.Errorf("%s: Lost = %q", name, got)
		}
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	has := record.Machine{State: integrity.State{Key: integrity.KeyReleased}}
	if got := guard.Lost(has, guard.Actual{State: "PendingDeletion"}); !strings.Contains(got, "PendingDeletion") {
		t.Errorf("Lost = %q, want the state", got)
	}
	for name, got := range map[string]string{
		"enabled":             guard.Lost(has, guard.Actual{State: "Enabled", Enabled: true}),
		"ours":                guard.Lost(taken(policy.DisableKey), guard.Actual{State: "Disabled"}),
		"its grant is there":  guard.Lost(holds(policy.RevokeGrant, "grant-0"), listed(guard.KeyGrant{Name: "keyward-i-1-3", Grantee: ofOne})),
		"not listed":          guard.Lost(holds(policy.RevokeGrant, "grant-0"), guard.Actual{Enabled: true}),
		"never granted":       guard.Lost(holds(policy.RevokeGrant, ""), listed()),
		"by the key's policy": guard.Lost(holds(policy.DisableKey, ""), listed()),
	} {
		if got != "" {
			t.Errorf("%s: Lost = %q, want none", name, got)
		}
	}
}
