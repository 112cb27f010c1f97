package blob_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/keyward/keyward/local/kms/blob"
)

const id = "1234abcd-12ab-34cd-56ef-1234567890ab"

var material = bytes.Repeat([]byte{7}, 32)

func TestOpen(t *testing.T) {
	t.Parallel()
	context := map[string]string{"a": "bc", "d": ""}
	sealed, err := blob.Seal(id, material, []byte("secret"), context)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := blob.KeyID(sealed); err != nil || got != id {
		t.Errorf("KeyID = %q, %v", got, err)
	}
	if got, err := blob.Open(sealed, material, context); err != nil || string(got) != "secret" {
		t.Errorf("Open = %q, %v", got, err)
	}
	if again, err := blob.Seal(id, material, []byte("secret"), context); err != nil || bytes.Equal(sealed, again) {
		t.Error("the same plaintext gave the same blob twice")
	}
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 0x80
		if got, err := blob.Open(changed, material, context); err == nil {
			t.Fatalf("with byte %d changed, Open = %q", at, got)
		}
	}
	for name, other := range map[string]map[string]string{"none": nil, "moved border": {"ab": "c", "d": ""}, "one more": {"a": "bc", "d": "", "e": ""}} {
		if _, err := blob.Open(sealed, material, other); err == nil {
			t.Errorf("%s: opened under another context", name)
		}
	}
	if _, err := blob.Open(sealed, bytes.Repeat([]byte{8}, 32), context); err == nil {
		t.Error("opened with another key")
	}
	if _, err := blob.Open(sealed[:44], material, context); !errors.Is(err, blob.ErrMalformed) {
		t.Errorf("of a stump, Open = %v", err)
	}
}

func TestSealRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id       string
		material []byte
	}{{"key", material}, {"1234", material}, {id, material[:5]}} {
		if _, err := blob.Seal(c.id, c.material, []byte("a"), nil); err == nil {
			t.Errorf("Seal under %q with %d bytes was accepted", c.id, len(c.material))
		}
	}
	sealed, _ := blob.Seal(id, material, []byte("a"), nil)
	if _, err := blob.Open(sealed, material[:5], nil); err == nil {
		t.Error("Open with 5 bytes of material was accepted")
	}
}

func FuzzOpen(f *testing.F) {
	sealed, err := blob.Seal(id, material, []byte("secret"), map[string]string{"a": "b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, "a", "b")
	f.Add(sealed[:29], "", "")
	f.Add([]byte{1}, "a", "b")
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		got, err := blob.Open(data, material, map[string]string{name: value})
		if err == nil && (name != "a" || value != "b" || string(got) != "secret") {
			t.Fatalf("Open(%x, %q=%q) = %q, want a refusal", data, name, value, got)
		}
	})
}
