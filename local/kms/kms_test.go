package kms_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/kms"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const (
	account = "123456789012"
	machine = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
	other   = "arn:aws:sts::123456789012:assumed-role/web/i-0987654321fedcba0"
	role    = "arn:aws:iam::123456789012:role/web"
)

var (
	noon      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asPerson  = wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: account}
	asRevoke  = wire.Principal{Kind: wire.Function, ARN: "arn:aws:sts::123456789012:assumed-role/revoke/revoke", Account: account}
	asMachine = wire.Principal{Kind: wire.Machine, ARN: machine, Account: account}
	asOther   = wire.Principal{Kind: wire.Machine, ARN: other, Account: account}
)

type place struct {
	*kms.KMS
	t           *testing.T
	url         string
	credentials *wire.Credentials
}

func start(t *testing.T) *place { t.Helper(); return startWith(t, nil) }

func startWith(t *testing.T, identity kms.Identity) *place {
	t.Helper()
	p := &place{t: t, credentials: wire.NewCredentials("us-east-1", nil)}
	p.KMS = kms.New(kms.Config{Account: account, Region: "us-east-1", Now: func() time.Time { return noon }, Identity: identity})
	server := wire.New(wire.Config{Credentials: p.credentials})
	if err := server.Register(p.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	p.url = listener.URL
	return p
}

func (p *place) as(who wire.Principal) *sdk.Client {
	k := p.credentials.Issue(who)
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &p.url, RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken)})
}

// key makes a key with the policy, or the default one.
func (p *place) key(policy ...string) string {
	p.t.Helper()
	in := &sdk.CreateKeyInput{Description: aws.String("data"), Tags: []types.Tag{{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}}}
	if len(policy) > 0 {
		in.Policy = aws.String(`{"Version":"2012-10-17","Statement":[` + strings.Join(policy, ",") + `]}`)
	}
	out, err := p.as(asPerson).CreateKey(p.t.Context(), in)
	if err != nil {
		p.t.Fatal(err)
	}
	return aws.ToString(out.KeyMetadata.KeyId)
}

const delegate = `{"Sid":"admin","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"kms:*","Resource":"*"}`

// wants fails the test unless err is of the SDK's type E.
func wants[E error](t *testing.T, err error) {
	t.Helper()
	if typed := *new(E); !errors.As(err, &typed) {
		t.Errorf("error = %v, want %T", err, typed)
	}
}

// wantsCode is for the errors that the SDK has no type for.
func wantsCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("error = %v, want %s", err, code)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (p *place) seal(key string, context map[string]string) []byte {
	p.t.Helper()
	return must[*sdk.EncryptOutput](p.t)(p.as(asPerson).Encrypt(p.t.Context(), &sdk.EncryptInput{KeyId: &key, Plaintext: []byte("secret"), EncryptionContext: context})).CiphertextBlob
}

func TestKeyLife(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id := p.as(asPerson), t.Context(), p.key()
	arn := "arn:aws:kms:us-east-1:123456789012:key/" + id
	if _, err := c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/data"), TargetKeyId: &id}); err != nil {
		t.Fatal(err)
	}
	want := &types.KeyMetadata{AWSAccountId: aws.String(account), KeyId: &id, Arn: &arn, Description: aws.String("data"), CreationDate: &noon, Enabled: true,
		KeyManager: types.KeyManagerTypeCustomer, KeySpec: types.KeySpecSymmetricDefault,
		//lint:ignore SA1019 KMS still answers the old member beside the new one.
		CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault,
		KeyState:              types.KeyStateEnabled, KeyUsage: types.KeyUsageTypeEncryptDecrypt, Origin: types.OriginTypeAwsKms, MultiRegion: aws.Bool(false),
		EncryptionAlgorithms: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault}}
	for _, name := range []string{id, arn, "alias/data", "arn:aws:kms:us-east-1:123456789012:alias/data"} {
		got := must[*sdk.DescribeKeyOutput](t)(c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &name}))
		if diff := cmp.Diff(want, got.KeyMetadata, cmp.AllowUnexported(types.KeyMetadata{}), cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.String(), "noSmithy") }, cmp.Ignore())); diff != "" {
			t.Errorf("DescribeKey(%s): %s", name, diff)
		}
	}
	blob := p.seal(id, nil)
	for range 2 {
		if _, err := p.as(asRevoke).DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &arn}); err != nil {
			t.Fatal(err)
		}
	}
	if got := must[*sdk.DescribeKeyOutput](t)(c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &id})).KeyMetadata; got.Enabled || got.KeyState != types.KeyStateDisabled {
		t.Errorf("disabled key = %+v", got)
	}
	_, err := c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob})
	wants[*types.DisabledException](t, err)
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: []byte("a")})
	wants[*types.DisabledException](t, err)
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes256})
	wants[*types.DisabledException](t, err)
	_, err = c.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: &id, GranteePrincipal: aws.String(machine), Operations: []types.GrantOperation{"Decrypt"}})
	wants[*types.DisabledException](t, err)
	if _, err := c.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &id}); err != nil {
		t.Fatal(err)
	}
	if got := must[*sdk.DecryptOutput](t)(c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob})); string(got.Plaintext) != "secret" || *got.KeyId != arn {
		t.Errorf("Decrypt = %+v", got)
	}
}

func TestPendingDeletion(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id := p.as(asPerson), t.Context(), p.key()
	blob := p.seal(id, nil)
	if err := p.SetState(id, kms.PendingDeletion); err != nil {
		t.Fatal(err)
	}
	_, err := c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob})
	wants[*types.KMSInvalidStateException](t, err)
	_, err = c.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: &id})
	wants[*types.KMSInvalidStateException](t, err)
	_, err = c.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: &id})
	wants[*types.KMSInvalidStateException](t, err)
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("b")}}})
	wants[*types.KMSInvalidStateException](t, err)
	got := must[*sdk.DescribeKeyOutput](t)(c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &id})).KeyMetadata
	if got.KeyState != types.KeyStatePendingDeletion || got.DeletionDate == nil || !got.DeletionDate.Equal(noon.AddDate(0, 0, 30)) {
		t.Errorf("metadata = %+v", got)
	}
	if p.SetState(id, "Creating") == nil || p.SetState("none", kms.Enabled) == nil {
		t.Error("SetState took a state or a key that is not there")
	}
}

func TestEncryptionContextIsBound(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id := p.as(asPerson), t.Context(), p.key()
	right := map[string]string{"keyward:machine": "i-1234567890abcdef0", "a": "bc"}
	out := must[*sdk.GenerateDataKeyOutput](t)(c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &id, NumberOfBytes: aws.Int32(24), EncryptionContext: right}))
	got := must[*sdk.DecryptOutput](t)(c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: right}))
	if len(out.Plaintext) != 24 || string(got.Plaintext) != string(out.Plaintext) {
		t.Errorf("data key of %d bytes came back as %d", len(out.Plaintext), len(got.Plaintext))
	}
	for name, context := range map[string]map[string]string{
		"none": nil, "one less": {"a": "bc"}, "another value": {"keyward:machine": "i-0987654321fedcba0", "a": "bc"},
		"moved border": {"keyward:machine": "i-1234567890abcdef0", "ab": "c"},
	} {
		_, err := c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: out.CiphertextBlob, EncryptionContext: context})
		if err == nil {
			t.Errorf("%s: decrypted", name)
		}
		wants[*types.InvalidCiphertextException](t, err)
	}
}

func TestCiphertextRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id, second := p.as(asPerson), t.Context(), p.key(), p.key()
	blob := p.seal(id, nil)
	changed := append([]byte(nil), blob...)
	changed[len(changed)-1] ^= 1
	foreign := append([]byte(nil), blob...)
	foreign[3] ^= 1
	_, err := c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: changed})
	wants[*types.InvalidCiphertextException](t, err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: []byte("not ours")})
	wants[*types.InvalidCiphertextException](t, err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: foreign})
	wantsCode(t, err, "AccessDeniedException")
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob, KeyId: &second})
	wants[*types.IncorrectKeyException](t, err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob, KeyId: aws.String("none")})
	wants[*types.NotFoundException](t, err)
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: make([]byte, 6145)})
	wantsCode(t, err, "ValidationException")
	_, err = c.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: blob, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1})
	wants[*types.InvalidKeyUsageException](t, err)
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id := p.as(asPerson), t.Context(), p.key()
	_, err := c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("arn:aws:s3:::bucket")})
	wants[*types.InvalidArnException](t, err)
	for _, name := range []string{"none", "alias/none", "arn:aws:kms:eu-west-1:123456789012:key/" + id} {
		_, err = c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: &name})
		wants[*types.NotFoundException](t, err)
	}
	_, err = c.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("")})
	wantsCode(t, err, "ValidationException")
	_, err = c.EnableKey(ctx, &sdk.EnableKeyInput{KeyId: aws.String("alias/data")})
	wants[*types.NotFoundException](t, err)
	_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/aws/ebs"), TargetKeyId: &id})
	wants[*types.InvalidAliasNameException](t, err)
	for _, want := range []string{"", "AlreadyExistsException"} {
		_, err = c.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/twice"), TargetKeyId: &id})
		if want != "" {
			wants[*types.AlreadyExistsException](t, err)
		}
	}
	_, err = c.Encrypt(ctx, &sdk.EncryptInput{KeyId: &id, Plaintext: make([]byte, 4097)})
	wantsCode(t, err, "ValidationException")
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &id})
	wantsCode(t, err, "ValidationException")
	_, err = c.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes128, NumberOfBytes: aws.Int32(5)})
	wantsCode(t, err, "ValidationException")
	for _, in := range []*sdk.CreateKeyInput{{KeySpec: types.KeySpecRsa2048}, {KeyUsage: types.KeyUsageTypeSignVerify}, {MultiRegion: aws.Bool(true)}, {Origin: types.OriginTypeExternal}} {
		_, err = c.CreateKey(ctx, in)
		wantsCode(t, err, "NotImplemented")
	}
	_, err = p.as(asMachine).CreateKey(ctx, &sdk.CreateKeyInput{})
	wantsCode(t, err, "AccessDeniedException")
}

func TestTags(t *testing.T) {
	t.Parallel()
	p := start(t)
	c, ctx, id := p.as(asPerson), t.Context(), p.key()
	var tags []types.Tag
	for i := range 4 {
		tags = append(tags, types.Tag{TagKey: aws.String(fmt.Sprint("t", i)), TagValue: aws.String("v")})
	}
	must[*sdk.TagResourceOutput](t)(c.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: tags}))
	must[*sdk.UntagResourceOutput](t)(c.UntagResource(ctx, &sdk.UntagResourceInput{KeyId: &id, TagKeys: []string{"t1", "none"}}))
	var got []string
	pages := sdk.NewListResourceTagsPaginator(c, &sdk.ListResourceTagsInput{KeyId: &id, Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page := must[*sdk.ListResourceTagsOutput](t)(pages.NextPage(ctx))
		for _, tag := range page.Tags {
			got = append(got, *tag.TagKey+"="+*tag.TagValue)
		}
	}
	if diff := cmp.Diff([]string{"keyward:guarded=true", "t0=v", "t2=v", "t3=v"}, got); diff != "" {
		t.Error(diff)
	}
	_, err := c.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: []types.Tag{{TagKey: aws.String("aws:a"), TagValue: aws.String("")}}})
	wants[*types.TagException](t, err)
	_, err = c.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: &id, Marker: aws.String("zz")})
	wants[*types.InvalidMarkerException](t, err)
	_, err = c.ListResourceTags(ctx, &sdk.ListResourceTagsInput{KeyId: &id, Limit: aws.Int32(51)})
	wantsCode(t, err, "ValidationException")
	var many []types.Tag
	for i := range 51 {
		many = append(many, types.Tag{TagKey: aws.String(fmt.Sprint("m", i)), TagValue: aws.String("")})
	}
	_, err = c.TagResource(ctx, &sdk.TagResourceInput{KeyId: &id, Tags: many})
	wants[*types.TagException](t, err)
}

func TestSaveAndLoad(t *testing.T) {
	t.Parallel()
	p, q := start(t), start(t)
	id := p.key()
	must[*sdk.CreateAliasOutput](t)(p.as(asPerson).CreateAlias(t.Context(), &sdk.CreateAliasInput{AliasName: aws.String("alias/data"), TargetKeyId: &id}))
	p.grant(id, machine, nil)
	blob := p.seal(id, nil)
	if err := q.Load(must[[]byte](t)(func() ([]byte, error) { b, err := p.Save(); return b, err }())); err != nil {
		t.Fatal(err)
	}
	if got := must[*sdk.DecryptOutput](t)(q.as(asMachine).Decrypt(t.Context(), &sdk.DecryptInput{CiphertextBlob: blob, KeyId: aws.String("alias/data")})); string(got.Plaintext) != "secret" {
		t.Errorf("Decrypt = %+v", got)
	}
	for name, state := range map[string]string{"not JSON": "{", "bad policy": `{"keys":[{"id":"a","policy":"{}"}]}`,
		"short key": `{"keys":[{"id":"a","material":"YQ==","policy":` + fmt.Sprintf("%q", `{"Statement":`+delegate+`}`) + `}]}`} {
		if q.Load([]byte(state)) == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if err := start(t).Load([]byte(`{}`)); err != nil {
		t.Error(err)
	}
}
