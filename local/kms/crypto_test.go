package kms

import (
	"bytes"
	"testing"
)

func FuzzBlob(f *testing.F) {
	k := New(Config{Account: "123456789012", Region: "us-east-1"})
	of := &key{ID: newUUID(), Material: randomBytes(32), State: Enabled}
	k.keys[of.ID] = of
	blob, err := of.seal([]byte("secret"), map[string]string{"a": "b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(blob, "a", "b")
	f.Add(blob[:headLength+nonceLength], "", "")
	f.Add([]byte{blobVersion}, "a", "b")
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		id, ok := blobKey(data)
		if !ok || k.keys[id] == nil {
			return
		}
		plaintext, err := k.keys[id].open(data, map[string]string{name: value})
		if err == nil && (!bytes.Equal(data, blob) || name != "a" || value != "b" || string(plaintext) != "secret") {
			t.Fatalf("open(%x, %q=%q) = %q, want a refusal", data, name, value, plaintext)
		}
	})
}
