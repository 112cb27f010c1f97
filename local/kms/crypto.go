package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A ciphertext blob is, in this order: one byte 1; the 16 bytes of the key id; 12 bytes of nonce; the
// AES-256-GCM ciphertext with its tag. Version, key id and encryption context are authenticated.
const (
	blobVersion = 1
	idLength    = 16
	nonceLength = 12
	tagLength   = 16
	headLength  = 1 + idLength
)

func (of *key) seal(plaintext []byte, context map[string]string) ([]byte, error) {
	gcm, err := of.gcm()
	if err != nil {
		return nil, err
	}
	id, err := hex.DecodeString(strings.ReplaceAll(of.ID, "-", ""))
	if err != nil {
		return nil, fmt.Errorf("reading the key id %s: %w", of.ID, err)
	}
	head := append([]byte{blobVersion}, id...)
	nonce := randomBytes(nonceLength)
	return gcm.Seal(slices.Concat(head, nonce), nonce, plaintext, authenticated(head, context)), nil
}

func (of *key) open(blob []byte, context map[string]string) ([]byte, error) {
	gcm, err := of.gcm()
	if err != nil {
		return nil, err
	}
	nonce := blob[headLength : headLength+nonceLength]
	return gcm.Open(nil, nonce, blob[headLength+nonceLength:], authenticated(blob[:headLength], context))
}

func (of *key) gcm() (cipher.AEAD, error) {
	block, err := aes.NewCipher(of.Material)
	if err != nil {
		return nil, fmt.Errorf("preparing the cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// blobKey is the id of the key that a blob says it was made with.
func blobKey(blob []byte) (string, bool) {
	if len(blob) < headLength+nonceLength+tagLength || blob[0] != blobVersion {
		return "", false
	}
	b := blob[1:headLength]
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), true
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
