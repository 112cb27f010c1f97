package demo

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/shared/policy"
)

// sampleSize of the data that the story protects.
const sampleSize = 1 << 20

// sealed is data encrypted under a data key, as a machine keeps it: the data key only as KMS wrapped it.
type sealed struct {
	data, nonce []byte
	wrapped     []byte
	digest      [32]byte // of the plain data
}

var machineContext = map[string]string{"keyward:machine": MachineID}

// createKey makes the guarded key as docs/operations.md says: its policy delegates administration alone,
// use comes from grants; with disable-key the policy admits this one machine.
func (s *story) createKey(ctx context.Context) error {
	account := s.status.Account
	admission := ""
	if s.Mode == policy.DisableKey {
		admission = fmt.Sprintf(`,{"Sid":"ThisMachineAlone","Effect":"Allow","Principal":{"AWS":"arn:aws:sts::%s:assumed-role/%s/%s"},`+
			`"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*","Condition":{"StringEquals":{"kms:EncryptionContext:keyward:machine":"%s"}}}`,
			account, role, MachineID, MachineID)
	}
	document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"Administration","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},`+
		`"Action":["kms:Describe*","kms:Get*","kms:List*","kms:Enable*","kms:Disable*","kms:CreateGrant","kms:RevokeGrant","kms:TagResource","kms:UntagResource","kms:PutKeyPolicy"],"Resource":"*"}%s]}`, account, admission)
	out, err := s.keys.CreateKey(ctx, &kms.CreateKeyInput{
		Description: aws.String("Data of the demo's machine"), Policy: &document,
		Tags: []types.Tag{{TagKey: aws.String("keyward:guarded"), TagValue: aws.String("true")}},
	})
	if err != nil {
		return fmt.Errorf("creating the key: %w", err)
	}
	s.keyARN = aws.ToString(out.KeyMetadata.Arn)
	return nil
}

// seal encrypts a mebibyte under a data key of the guarded key. Whoever prepares a machine's volume may
// do so by a grant of its own, which is taken back at once.
func (s *story) seal(ctx context.Context) error {
	caller, err := sts.New(sts.Options{Region: s.status.Region, Credentials: s.person, BaseEndpoint: &s.status.URL}).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("asking who the operator is: %w", err)
	}
	grant, err := s.keys.CreateGrant(ctx, &kms.CreateGrantInput{
		KeyId: &s.keyARN, GranteePrincipal: caller.Arn, Name: aws.String("prepare-volume"),
		Operations:  []types.GrantOperation{types.GrantOperationGenerateDataKey},
		Constraints: &types.GrantConstraints{EncryptionContextEquals: machineContext},
	})
	if err != nil {
		return fmt.Errorf("granting the use of the key for preparing the volume: %w", err)
	}
	key, err := s.keys.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: &s.keyARN, KeySpec: types.DataKeySpecAes256, EncryptionContext: machineContext, GrantTokens: []string{aws.ToString(grant.GrantToken)},
	})
	if err != nil {
		return fmt.Errorf("generating the data key: %w", err)
	}
	if _, err := s.keys.RevokeGrant(ctx, &kms.RevokeGrantInput{KeyId: &s.keyARN, GrantId: grant.GrantId}); err != nil {
		return fmt.Errorf("taking back the grant for preparing the volume: %w", err)
	}
	plain := make([]byte, sampleSize)
	rand.Read(plain) // never fails: crypto/rand's documentation since Go 1.24
	gcm, err := newGCM(key.Plaintext)
	if err != nil {
		return err
	}
	nonce := make([]byte, gcm.NonceSize())
	rand.Read(nonce)
	s.sealed = sealed{data: gcm.Seal(nil, nonce, plain, nil), nonce: nonce, wrapped: key.CiphertextBlob, digest: sha256.Sum256(plain)}
	return nil
}

// open decrypts the sample as the machine would: it has KMS unwrap the data key and compares what comes
// out with what went in. The error is KMS's own.
func (s *story) open(ctx context.Context, grantToken string) error {
	in := &kms.DecryptInput{CiphertextBlob: s.sealed.wrapped, KeyId: &s.keyARN, EncryptionContext: machineContext}
	if grantToken != "" {
		in.GrantTokens = []string{grantToken}
	}
	key, err := s.own.Decrypt(ctx, in)
	if err != nil {
		return err
	}
	gcm, err := newGCM(key.Plaintext)
	if err != nil {
		return err
	}
	plain, err := gcm.Open(nil, s.sealed.nonce, s.sealed.data, nil)
	if err != nil {
		return fmt.Errorf("decrypting the sample data: %w", err)
	}
	if digest := sha256.Sum256(plain); !bytes.Equal(digest[:], s.sealed.digest[:]) {
		return errors.New("decrypting the sample data: what came out is not what went in")
	}
	return nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("using the data key: %w", err)
	}
	return cipher.NewGCM(block)
}

// code is the AWS error code of an error, and its message.
func code(err error) (code, message string) {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode(), api.ErrorMessage()
	}
	return "", fmt.Sprint(err)
}
