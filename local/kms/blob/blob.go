// Package blob makes and opens the ciphertexts of keyward local's KMS. A blob is, in this order: one
// byte 1; the 16 bytes of the key id; 12 bytes of nonce; the AES-256-GCM ciphertext with its tag.
// Version, key id and encryption context are authenticated, so that a blob opens under exactly the key
// and context that it was made for. It knows no states and no permissions: local/kms, which alone calls
// it, asks for those first.
package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	version     = 1
	idLength    = 16
	nonceLength = 12
	tagLength   = 16
	headLength  = 1 + idLength
)

// ErrMalformed means that bytes are no blob, before anything was tried to open it.
var ErrMalformed = errors.New("not a ciphertext blob")

// Seal encrypts plaintext under the 32 bytes of material of the key with this id, a UUID.
func Seal(keyID string, material, plaintext []byte, context map[string]string) ([]byte, error) {
	gcm, err := newGCM(material)
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(strings.ReplaceAll(keyID, "-", ""))
	if err != nil || len(id) != idLength {
		return nil, fmt.Errorf("sealing under key %q: expected a UUID", keyID)
	}
	head := append([]byte{version}, id...)
	nonce := make([]byte, nonceLength)
	rand.Read(nonce) // never fails since Go 1.24: it ends the process instead
	return gcm.Seal(slices.Concat(head, nonce), nonce, plaintext, authenticated(head, context)), nil
}

// Open decrypts a blob. The error does not say whether blob, key or context is the wrong one.
func Open(blob, material []byte, context map[string]string) ([]byte, error) {
	if _, err := KeyID(blob); err != nil {
		return nil, err
	}
	gcm, err := newGCM(material)
	if err != nil {
		return nil, err
	}
	nonce := blob[headLength : headLength+nonceLength]
	return gcm.Open(nil, nonce, blob[headLength+nonceLength:], authenticated(blob[:headLength], context))
}

// KeyID is the id of the key that a blob says it was made with, or ErrMalformed. Only Open proves it.
func KeyID(blob []byte) (string, error) {
	if len(blob) < headLength+nonceLength+tagLength || blob[0] != version {
		return "", ErrMalformed
	}
	b := blob[1:headLength]
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}

func newGCM(material []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(material)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// authenticated writes head and context so that no two different ones look alike: each text behind
// its length, names in order.
func authenticated(head []byte, context map[string]string) []byte {
	out := slices.Clone(head)
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{name, context[name]} {
			out = binary.BigEndian.AppendUint32(out, uint32(len(text)))
			out = append(out, text...)
		}
	}
	return out
}
