package guard_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/shared/guard"
	"github.com/keyward/keyward/shared/policy"
)

const (
	keyOf     = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	one, two  = "i-1234567890abcdef0", "i-0598c7d356eba48d7"
	sessions  = "arn:aws:sts::123456789012:assumed-role/web/"
	leavesUse = `{"Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":["kms:Describe*","kms:CreateGrant","kms:PutKeyPolicy"],"Resource":"*"}]}`
)

func names(all []guard.Opening) []string {
	var n []string
	for _, o := range all {
		n = append(n, o.Name)
	}
	return n
}

func TestOpenings(t *testing.T) {
	t.Parallel()
	statement := func(s string) string { return `{"Statement":[` + s + `]}` }
	session := statement(`{"Sid":"ThisMachineAlone","Effect":"Allow","Principal":{"AWS":"` + sessions + one + `"},"Action":["kms:Decrypt"],"Resource":"*"}`)
	for name, tt := range map[string]struct {
		edit func(g *guard.Guarding)
		want []string
		how  string
	}{
		"as docs/keys.md has it": {func(*guard.Guarding) {}, nil, ""},
		"KMS's default policy": {func(g *guard.Guarding) {
			g.Around.Policy = statement(`{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`)
		}, []string{"statement 1 (Enable IAM User Permissions) for arn:aws:iam::123456789012:root"}, "whoever the IAM policies of account 123456789012 let in"},
		"two principals": {func(g *guard.Guarding) {
			g.Around.Policy = statement(`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::123456789012:user/a","arn:aws:iam::123456789012:user/b"]},"Action":"kms:Decrypt","Resource":"*"}`)
		}, []string{"statement 1 for arn:aws:iam::123456789012:user/a", "statement 1 for arn:aws:iam::123456789012:user/b"}, "user/a"},
		"the machine itself, revoke-grant": {func(g *guard.Guarding) { g.Around.Policy = session }, []string{"statement 1 (ThisMachineAlone) for " + sessions + one}, "assumed-role"},
		"the machine itself, disable-key": {func(g *guard.Guarding) {
			g.Around.Policy, g.Mode, g.Machines = session, policy.DisableKey, []string{one}
		}, nil, ""},
		"another machine, disable-key": {func(g *guard.Guarding) {
			g.Around.Policy, g.Mode, g.Machines = session, policy.DisableKey, []string{two}
		}, []string{"statement 1 (ThisMachineAlone) for " + sessions + one}, ""},
		"for data of others alone": {func(g *guard.Guarding) {
			g.Around.Policy = statement(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"i-00000000000000000"}}}`)
		}, nil, ""},
		"no policy":            {func(g *guard.Guarding) { g.Around.Policy = `[` }, []string{"policy"}, "none that can be understood"},
		"half understood":      {func(g *guard.Guarding) { g.Around.Policy = statement(`{"Effect":"Maybe"}`) }, []string{"statement 1 for whom it says"}, "not understood"},
		"an older grant":       {grant(guard.KeyGrant{ID: "aa", Name: "backup", Grantee: "arn:aws:iam::123456789012:role/backup", Operations: []string{"Decrypt"}}), []string{"grant:aa"}, "grant backup to"},
		"a grant by hand":      {grant(guard.KeyGrant{ID: "ab", Grantee: sessions + one, Operations: []string{"Decrypt"}}), []string{"grant:ab"}, ""},
		"a grant to grant":     {grant(guard.KeyGrant{ID: "ac", Grantee: "arn:aws:iam::123456789012:role/backup", Operations: []string{"CreateGrant"}}), []string{"grant:ac"}, ""},
		"a service's":          {grant(guard.KeyGrant{ID: "ad", Grantee: "rds.amazonaws.com", Operations: []string{"ReEncryptFrom"}}), []string{"grant:ad"}, ""},
		"to prepare data":      {grant(guard.KeyGrant{ID: "ae", Grantee: "arn:aws:iam::123456789012:user/ada", Operations: []string{"GenerateDataKey"}}), nil, ""},
		"Keyward's":            {grant(guard.KeyGrant{ID: "af", Name: "keyward-" + two + "-3", Grantee: sessions + two, Operations: []string{"Decrypt"}}), nil, ""},
		"named like Keyward's": {grant(guard.KeyGrant{ID: "b0", Name: "keyward-" + two + "-3", Grantee: sessions + one, Operations: []string{"Decrypt"}}), []string{"grant:b0"}, ""},
		"aliases":              {func(g *guard.Guarding) { g.Around.Aliases = []string{"alias/shop"} }, []string{"alias/shop"}, ""},
		"elsewhere too":        {func(g *guard.Guarding) { g.Copies, g.Imported = []string{"eu-west-1"}, true }, []string{"copy:eu-west-1", "imported"}, "eu-west-1"},
	} {
		g := guard.Guarding{Mode: policy.RevokeGrant, Machines: []string{one, two}, Key: keyOf, Around: guard.Around{Policy: leavesUse}}
		tt.edit(&g)
		got := guard.Openings(g)
		if diff := cmp.Diff(tt.want, names(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, o := range got {
			if o.How == "" || o.Close == "" || o.Accepted {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if len(got) > 0 && !strings.Contains(got[0].How, tt.how) {
			t.Errorf("%s: %q, want %q in it", name, got[0].How, tt.how)
		}
	}
}

func grant(k guard.KeyGrant) func(*guard.Guarding) {
	return func(g *guard.Guarding) { g.Around.Grants = append(g.Around.Grants, k) }
}

func TestAccept(t *testing.T) {
	t.Parallel()
	all := []guard.Opening{{Name: "alias/shop"}, {Name: "grant:aa"}}
	open, unknown := guard.Accept(all, []string{"grant:aa", "grant:a", "alias/*"})
	if open != 1 || !slices.Equal(unknown, []string{"grant:a", "alias/*"}) || all[0].Accepted || !all[1].Accepted {
		t.Errorf("%d open, %v unknown, %+v", open, unknown, all)
	}
	if open, unknown = guard.Accept(all, nil); open != 2 || unknown != nil || all[1].Accepted {
		t.Errorf("nothing accepted: %d open, %v, %+v", open, unknown, all)
	}
}
