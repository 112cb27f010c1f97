package guard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const (
	self    = "i-1234567890abcdef0"
	session = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
	other   = "arn:aws:sts::123456789012:assumed-role/web/i-0598c7d356eba48d7"
)

// admits is a key policy that lets these use the key.
func admits(who ...string) string {
	text := `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["kms:Describe*","kms:CreateGrant"],"Resource":"*"}`
	for _, w := range who {
		text += `,{"Effect":"Allow","Principal":{"AWS":"` + w + `"},"Action":"kms:Decrypt","Resource":"*"}`
	}
	return text + "]}"
}

func TestDepend(t *testing.T) {
	t.Parallel()
	mine := guard.Disk{ID: "vol-1", Machines: []string{self}}
	for _, tt := range []struct {
		name   string
		around guard.Around
		others []string
		own    []string
	}{
		{"nobody", guard.Around{Policy: admits()}, nil, nil},
		{"the machine alone", guard.Around{Policy: admits(session), Grants: []guard.KeyGrant{{Grantee: session}}}, nil, nil},
		{"another machine's grant", guard.Around{Policy: admits(), Grants: []guard.KeyGrant{{Name: "keyward-i-0598c7d356eba48d7-1", Grantee: other, Operations: []string{"Decrypt", "GenerateDataKey"}}}},
			[]string{"grant keyward-i-0598c7d356eba48d7-1 to " + other + " for Decrypt, GenerateDataKey"}, nil},
		{"a service's grant", guard.Around{Policy: admits(), Grants: []guard.KeyGrant{{Grantee: "rds.amazonaws.com", Operations: []string{"Decrypt"}}}},
			[]string{"grant without a name to rds.amazonaws.com for Decrypt"}, nil},
		{"another in the policy", guard.Around{Policy: admits(session, other)}, []string{"key policy: statement 3 admits " + other}, nil},
		{"the account's policies", guard.Around{Policy: admits("123456789012")}, []string{"key policy: statement 2 admits whoever the IAM policies of account 123456789012 let in"}, nil},
		{"its own volume and its snapshot", guard.Around{Policy: admits(), Disks: []guard.Disk{mine, {ID: "snap-1", Snapshot: true, Volume: "vol-1"}}},
			nil, []string{"volume vol-1", "snapshot snap-1 of volume vol-1"}},
		{"another's volume and its snapshot", guard.Around{Policy: admits(), Disks: []guard.Disk{
			{ID: "vol-2", Machines: []string{"i-2"}}, {ID: "snap-2", Snapshot: true, Volume: "vol-2"}}},
			[]string{"volume vol-2, attached to i-2", "snapshot snap-2 of volume vol-2"}, nil},
		{"a volume that two have", guard.Around{Policy: admits(), Disks: []guard.Disk{{ID: "vol-1", Machines: []string{self, "i-2"}}}},
			[]string{"volume vol-1, attached to " + self + ", i-2"}, nil},
		{"a volume that nobody has", guard.Around{Policy: admits(), Disks: []guard.Disk{{ID: "vol-1"}}}, []string{"volume vol-1, attached to no machine"}, nil},
	} {
		got := guard.Depend(guard.Self{Machine: self, Session: session, Mode: policy.DisableKey}, tt.around)
		if diff := cmp.Diff(tt.others, got.Others); diff != "" || !got.Read || got.Unseen == "" {
			t.Errorf("%s: Depend = %+v, others (-want +got):\n%s", tt.name, got, diff)
		}
		if diff := cmp.Diff(tt.own, got.Own); diff != "" {
			t.Errorf("%s: its own (-want +got):\n%s", tt.name, diff)
		}
	}
}

// With revoke-grant other machines' grants are what the mode is for, and nothing under the key is touched.
func TestDependWithRevokeGrant(t *testing.T) {
	t.Parallel()
	around := guard.Around{Unread: "grants", Grants: []guard.KeyGrant{{Grantee: other}}, Disks: []guard.Disk{{ID: "vol-2"}}}
	got := guard.Depend(guard.Self{Machine: self, Session: session, Mode: policy.RevokeGrant}, around)
	if diff := cmp.Diff(record.Dependants{Read: true}, got); diff != "" {
		t.Errorf("Depend (-want +got):\n%s", diff)
	}
}

func TestDependUnread(t *testing.T) {
	t.Parallel()
	for name, around := range map[string]guard.Around{
		"a list": {Policy: admits(), Unread: "listing grants: ThrottlingException"}, "no policy": {}, "a policy that is none": {Policy: "{}"},
	} {
		got := guard.Depend(guard.Self{Machine: self, Session: session, Mode: policy.DisableKey}, around)
		if got.Read || got.Unread == "" || len(got.Others) > 0 {
			t.Errorf("%s: Depend = %+v, want it unread", name, got)
		}
	}
}

func TestDependSigns(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for use, want := range map[guard.Use]string{
		{}:            "not known",
		{Known: true}: "none since KMS keeps count",
		{Known: true, Operation: "Decrypt", At: at, Event: "e-1"}: "Decrypt at 2026-03-01T12:00:00Z, CloudTrail event e-1",
	} {
		got := guard.Depend(guard.Self{Mode: policy.DisableKey}, guard.Around{Policy: admits(), Aliases: []string{"alias/web"}, LastUse: use})
		if got.LastUse != want || len(got.Aliases) != 1 || len(got.Others) > 0 {
			t.Errorf("Depend = %+v, want last use %q and no others", got, want)
		}
	}
}

func TestDetailOfDependants(t *testing.T) {
	t.Parallel()
	var f guard.Facts
	for n := range 7 {
		f.Key.Dependants.Others = append(f.Key.Dependants.Others, fmt.Sprintf("volume vol-%d", n))
	}
	f.Key.Dependants.Unread = "listing volumes: UnauthorizedOperation"
	for reason, want := range map[guard.Reason]string{
		guard.ReasonKeyShared:        "volume vol-0; volume vol-1; volume vol-2; volume vol-3; volume vol-4; and 2 more",
		guard.ReasonDependantsUnread: "listing volumes: UnauthorizedOperation",
		guard.ReasonNotGuarded:       "",
	} {
		if got := guard.Detail(f, reason); got != want {
			t.Errorf("Detail(%s) = %q, want %q", reason, got, want)
		}
	}
	f.Key.Dependants.Others = f.Key.Dependants.Others[:1]
	if got := guard.Detail(f, guard.ReasonKeyShared); got != "volume vol-0" {
		t.Errorf("Detail of one = %q", got)
	}
}
