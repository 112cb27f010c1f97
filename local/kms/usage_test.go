package kms_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	p := start(t)
	key, another := p.key(), p.key()
	for n := range 3 {
		for letter, target := range map[string]string{"a": key, "b": another} {
			_, err := p.as(asPerson).CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String(fmt.Sprintf("alias/%d%s", n, letter)), TargetKeyId: &target})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	saved, err := p.Save()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Load(saved); err != nil {
		t.Fatal(err)
	}
	list := func(key *string, limit int32) []string {
		pages := sdk.NewListAliasesPaginator(p.as(asRevoke), &sdk.ListAliasesInput{KeyId: key, Limit: &limit})
		var names []string
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page.Aliases {
				names = append(names, aws.ToString(a.AliasName))
				if !aws.ToTime(a.CreationDate).Equal(noon) || aws.ToString(a.AliasArn) != "arn:aws:kms:us-east-1:123456789012:"+aws.ToString(a.AliasName) {
					t.Errorf("alias %+v", a)
				}
			}
		}
		return names
	}
	if diff := cmp.Diff([]string{"alias/0a", "alias/1a", "alias/2a"}, list(&key, 2)); diff != "" {
		t.Errorf("aliases of a key (-want +got):\n%s", diff)
	}
	if all := list(nil, 1); len(all) != 6 {
		t.Errorf("all aliases = %v, want 6", all)
	}
	for want, in := range map[string]*sdk.ListAliasesInput{
		"NotFoundException":      {KeyId: aws.String("1234abcd-12ab-34cd-56ef-1234567890ab")},
		"InvalidMarkerException": {Marker: aws.String("none")},
		"ValidationException":    {Limit: aws.Int32(101)},
	} {
		_, err := p.as(asPerson).ListAliases(t.Context(), in)
		wantsCode(t, err, want)
	}
	_, err = p.as(asMachine).ListAliases(t.Context(), &sdk.ListAliasesInput{})
	wantsCode(t, err, "AccessDeniedException")
}

func TestLastUse(t *testing.T) {
	t.Parallel()
	p := start(t)
	key := p.key()
	last := func() *sdk.GetKeyLastUsageOutput {
		out, err := p.as(asPerson).GetKeyLastUsage(t.Context(), &sdk.GetKeyLastUsageInput{KeyId: &key})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if out := last(); out.KeyLastUsage.Timestamp != nil || out.KeyLastUsage.Operation != "" || !aws.ToTime(out.TrackingStartDate).Equal(noon) {
		t.Errorf("the last use of a new key is %+v since %v", out.KeyLastUsage, out.TrackingStartDate)
	}
	sealed, err := p.as(asPerson).Encrypt(t.Context(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	if u := last().KeyLastUsage; u.Operation != types.KeyLastUsageTrackingOperationEncrypt || !aws.ToTime(u.Timestamp).Equal(noon) || aws.ToString(u.CloudTrailEventId) == "" {
		t.Errorf("the last use is %+v", u)
	}
	if _, err := p.as(asPerson).DisableKey(t.Context(), &sdk.DisableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	_, err = p.as(asPerson).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	wantsCode(t, err, "DisabledException")
	if u := last().KeyLastUsage; u.Operation != types.KeyLastUsageTrackingOperationEncrypt {
		t.Errorf("after a use that was refused the last one is %+v", u)
	}
	_, err = p.as(asPerson).GetKeyLastUsage(t.Context(), &sdk.GetKeyLastUsageInput{KeyId: aws.String("1234abcd-12ab-34cd-56ef-1234567890ab")})
	wantsCode(t, err, "NotFoundException")
	_, err = p.as(asMachine).GetKeyLastUsage(t.Context(), &sdk.GetKeyLastUsageInput{KeyId: &key})
	wantsCode(t, err, "AccessDeniedException")
}
