package kms

import (
	"github.com/keyward/keyward/local/kms/blob"
	"github.com/keyward/keyward/local/wire"
)

// Sizes in bytes, from the API reference of Encrypt, Decrypt and GenerateDataKey.
const (
	maxPlaintext  = 4096
	maxCiphertext = 6144
	maxRandom     = 1024
)

const symmetric = "SYMMETRIC_DEFAULT"

type cryptoInput struct {
	KeyId               string
	EncryptionContext   map[string]string
	GrantTokens         []string
	EncryptionAlgorithm string
	DryRun              bool
}

// ready finds the key of a cryptographic operation, checks access and then state.
func (k *KMS) ready(caller wire.Principal, action string, of *key, in cryptoInput) error {
	if in.EncryptionAlgorithm != "" && in.EncryptionAlgorithm != symmetric {
		return fault("InvalidKeyUsageException", "Algorithm %s and key spec %s are incompatible.", in.EncryptionAlgorithm, symmetric)
	}
	if err := k.allow(access{caller: caller, action: action, key: of, context: in.EncryptionContext, tokens: in.GrantTokens}); err != nil {
		return err
	}
	if err := of.usable(); err != nil {
		return err
	}
	if in.DryRun {
		return dryRun()
	}
	return nil
}

func (k *KMS) encrypt(caller wire.Principal, in struct {
	cryptoInput
	Plaintext []byte
}) (any, error) {
	if len(in.Plaintext) == 0 || len(in.Plaintext) > maxPlaintext {
		return nil, wire.Validation("1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and %d", maxPlaintext)
	}
	of, err := k.find(in.KeyId, true)
	if err != nil {
		return nil, err
	}
	if err := k.ready(caller, "kms:Encrypt", of, in.cryptoInput); err != nil {
		return nil, err
	}
	sealed, err := blob.Seal(of.ID, of.Material, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	k.used(of, "Encrypt")
	return map[string]any{"CiphertextBlob": sealed, "KeyId": of.ARN, "EncryptionAlgorithm": symmetric}, nil
}

type dataKeyInput struct {
	cryptoInput
	KeySpec       string
	NumberOfBytes *int
}

func (k *KMS) generateDataKey(caller wire.Principal, in dataKeyInput) (any, error) {
	of, plaintext, sealed, err := k.dataKey(caller, "GenerateDataKey", in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"CiphertextBlob": sealed, "Plaintext": plaintext, "KeyId": of.ARN}, nil
}

func (k *KMS) generateDataKeyWithoutPlaintext(caller wire.Principal, in dataKeyInput) (any, error) {
	of, _, sealed, err := k.dataKey(caller, "GenerateDataKeyWithoutPlaintext", in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"CiphertextBlob": sealed, "KeyId": of.ARN}, nil
}

func (k *KMS) dataKey(caller wire.Principal, operation string, in dataKeyInput) (of *key, plaintext, sealed []byte, err error) {
	size := map[string]int{"AES_128": 16, "AES_256": 32}[in.KeySpec]
	if in.NumberOfBytes != nil {
		size = *in.NumberOfBytes
	}
	if (in.KeySpec == "") == (in.NumberOfBytes == nil) || size < 1 || size > maxRandom {
		return nil, nil, nil, wire.Validation("Please specify either number of bytes (1 to %d) or key spec (AES_128, AES_256).", maxRandom)
	}
	if of, err = k.find(in.KeyId, true); err != nil {
		return nil, nil, nil, err
	}
	if err = k.ready(caller, "kms:"+operation, of, in.cryptoInput); err != nil {
		return nil, nil, nil, err
	}
	plaintext = randomBytes(size)
	if sealed, err = blob.Seal(of.ID, of.Material, plaintext, in.EncryptionContext); err != nil {
		return nil, nil, nil, err
	}
	k.used(of, operation)
	return of, plaintext, sealed, nil
}

func (k *KMS) decrypt(caller wire.Principal, in struct {
	cryptoInput
	CiphertextBlob []byte
}) (any, error) {
	if len(in.CiphertextBlob) == 0 || len(in.CiphertextBlob) > maxCiphertext {
		return nil, wire.Validation("1 validation error detected: Value at 'ciphertextBlob' failed to satisfy constraint: Member must have length between 1 and %d", maxCiphertext)
	}
	id, err := blob.KeyID(in.CiphertextBlob)
	if err != nil {
		return nil, fault("InvalidCiphertextException", "The ciphertext is not valid.")
	}
	of := k.keys[id]
	if of == nil {
		return nil, fault("AccessDeniedException", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	}
	if in.KeyId != "" {
		named, err := k.find(in.KeyId, true)
		if err != nil {
			return nil, err
		}
		if named != of {
			return nil, fault("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	if err := k.ready(caller, "kms:Decrypt", of, in.cryptoInput); err != nil {
		return nil, err
	}
	plaintext, err := blob.Open(in.CiphertextBlob, of.Material, in.EncryptionContext)
	if err != nil {
		return nil, fault("InvalidCiphertextException", "The ciphertext or its encryption context is not valid.")
	}
	k.used(of, "Decrypt")
	return map[string]any{"Plaintext": plaintext, "KeyId": of.ARN, "EncryptionAlgorithm": symmetric}, nil
}
