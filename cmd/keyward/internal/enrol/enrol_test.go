package enrol_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyward/keyward/cmd/keyward/internal/enrol"
)

var secret = bytes.Repeat([]byte{0x5a}, 32)

// machine is a folder with a device, and a cryptsetup that notes what it is given and formats what it is told to.
type machine struct {
	dir    string
	ran    []string
	stdin  [][]byte
	fails  string // the command that does not work
	atFail func()
	made   int // data keys
}

func newMachine(t *testing.T, on string) (*machine, enrol.Volume) {
	t.Helper()
	m := &machine{dir: t.TempDir()}
	device := filepath.Join(m.dir, "disk")
	if err := os.WriteFile(device, []byte(on), 0o600); err != nil {
		t.Fatal(err)
	}
	return m, enrol.Volume{Device: device, Wrapped: filepath.Join(m.dir, "data.wrapped"), Programs: m.run, DataKey: func(context.Context) ([]byte, []byte, error) {
		m.made++
		return slices.Clone(secret), fmt.Appendf(nil, "blob %d", m.made), nil
	}}
}

func (m *machine) run(_ context.Context, stdin []byte, name string, args ...string) error {
	device := args[len(args)-1]
	if device == "-" {
		device = args[len(args)-2]
	}
	m.ran = append(m.ran, name+" "+strings.ReplaceAll(strings.Join(args, " "), m.dir+"/", ""))
	m.stdin = append(m.stdin, slices.Clone(stdin))
	if args[0] == m.fails {
		if m.atFail != nil {
			m.atFail()
		}
		return errors.New("cryptsetup: exit status 5: Device is in use")
	}
	switch args[0] {
	case "isLuks":
		text, err := os.ReadFile(device)
		if err == nil && !bytes.HasPrefix(text, []byte("LUKS")) {
			return fmt.Errorf("cryptsetup: %w", exec.Command("sh", "-c", "exit 1").Run())
		}
		return err
	case "luksFormat":
		return os.WriteFile(device, []byte("LUKS\xba\xbe"), 0o600)
	}
	return nil
}

const (
	asks    = "cryptsetup isLuks disk"
	formats = "cryptsetup luksFormat --type luks2 --key-file=- --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 disk"
	adds    = "cryptsetup luksAddKey --key-file old --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 disk -"
	tries   = "cryptsetup open --test-passphrase --key-file=- disk"
)

var blank = strings.Repeat("\x00", 9<<20)

func TestEnrol(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		on, refuses string
		edit        func(m *machine, v *enrol.Volume)
		ran         []string
	}{
		"blank":                    {on: blank, ran: []string{asks, formats, tries}},
		"of no size":               {on: "", ran: []string{asks, formats, tries}},
		"data at its beginning":    {on: "x" + blank, refuses: "has data: say --erase"},
		"data at its end":          {on: blank + "x", refuses: "has data: say --erase"},
		"erased":                   {on: "data", edit: func(_ *machine, v *enrol.Volume) { v.Erase = true }, ran: []string{asks, formats, tries}},
		"LUKS already":             {on: "LUKS", refuses: "is LUKS already: say --existing FILE"},
		"LUKS, erased":             {on: "LUKS", edit: func(_ *machine, v *enrol.Volume) { v.Erase = true }, ran: []string{asks, formats, tries}},
		"added":                    {on: "LUKS", edit: func(m *machine, v *enrol.Volume) { v.Existing = filepath.Join(m.dir, "old") }, ran: []string{asks, adds, tries}},
		"added to what is no LUKS": {on: blank, edit: func(_ *machine, v *enrol.Volume) { v.Existing = "/old" }, refuses: "is not LUKS: nothing can be added"},
		"another volume's key":     {on: blank, edit: func(_ *machine, v *enrol.Volume) { put(v.Wrapped) }, refuses: "it may be another volume's key"},
		"it broke off before":      {on: blank, edit: func(_ *machine, v *enrol.Volume) { put(v.Wrapped + ".new") }, ran: []string{asks, formats, tries}},
		"it broke off after":       {on: "LUKS", edit: func(_ *machine, v *enrol.Volume) { put(v.Wrapped + ".new") }, refuses: "may be the only key that opens it"},
		"no such device":           {on: blank, edit: func(_ *machine, v *enrol.Volume) { v.Device += "x" }, refuses: "expected a block device or a file"},
		"a folder":                 {on: blank, edit: func(m *machine, v *enrol.Volume) { v.Device = m.dir }, refuses: "neither a block device nor a file"},
		"a terminal":               {on: blank, edit: func(_ *machine, v *enrol.Volume) { v.Device = "/dev/null" }, refuses: "neither a block device nor a file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, v := newMachine(t, tt.on)
			if tt.edit != nil {
				tt.edit(m, &v)
			}
			before := snapshot(t, m.dir)
			line, err := v.Enrol(t.Context())
			var refused *enrol.Refused
			if tt.refuses != "" {
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), tt.refuses) || m.made != 0 || snapshot(t, m.dir) != before {
					t.Errorf("Enrol = %q, %v, %d keys, want %q and nothing changed", line, err, m.made, tt.refuses)
				}
				return
			}
			if err != nil || !slices.Equal(m.ran, tt.ran) {
				t.Fatalf("Enrol = %q, %v, ran %q, want %q", line, err, m.ran, tt.ran)
			}
			text, err := os.ReadFile(v.Wrapped)
			if err != nil || string(text) != base64.StdEncoding.EncodeToString([]byte("blob 1"))+"\n" {
				t.Errorf("the wrapped key is %q, %v", text, err)
			}
			if info, err := os.Stat(v.Wrapped); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("its mode is %v, %v", info.Mode(), err)
			}
			if !bytes.Equal(m.stdin[1], secret) || !bytes.Equal(m.stdin[2], secret) {
				t.Error("cryptsetup was not given the key")
			}
			if all := snapshot(t, m.dir); strings.Contains(all, string(secret)) || strings.Contains(all, ".new") || strings.Contains(strings.Join(m.ran, " "), string(secret)) {
				t.Errorf("left are %.200q", all)
			}
			// Done again it changes nothing.
			again, err := v.Enrol(t.Context())
			if err != nil || !strings.Contains(again, "is enrolled already") || m.made != 1 {
				t.Errorf("again: %q, %v, %d keys", again, err, m.made)
			}
		})
	}
}

func put(name string) {
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		panic(err)
	}
}

// snapshot is every file with its content.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %d %s\n", e.Name(), len(text), bytes.Trim(text, "\x00"))
	}
	return all.String()
}

// Whatever breaks off, the key that the device may have by then is on disk.
func TestEnrolBreaksOff(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"luksFormat", "open"} {
		m, v := newMachine(t, blank)
		m.fails = command
		kept := ""
		m.atFail = func() { kept = snapshot(t, m.dir) }
		if line, err := v.Enrol(t.Context()); err == nil || !strings.Contains(err.Error(), "Device is in use") {
			t.Errorf("%s fails: %q, %v", command, line, err)
		}
		if !strings.Contains(kept, "data.wrapped.new") || !strings.Contains(snapshot(t, m.dir), "data.wrapped.new") {
			t.Errorf("%s fails: left are %q", command, kept)
		}
		m.fails = ""
		line, err := v.Enrol(t.Context())
		var refused *enrol.Refused
		if command == "luksFormat" && err != nil || command == "open" && !errors.As(err, &refused) {
			t.Errorf("after %s failed: %q, %v", command, line, err)
		}
	}
	m, v := newMachine(t, blank)
	v.DataKey = func(context.Context) ([]byte, []byte, error) {
		return nil, nil, errors.New("making the volume's key: AccessDeniedException")
	}
	if _, err := v.Enrol(t.Context()); err == nil || strings.Contains(snapshot(t, m.dir), "wrapped") {
		t.Errorf("without a key: %v, left are %q", err, snapshot(t, m.dir))
	}
	v.DataKey = func(context.Context) ([]byte, []byte, error) { return nil, []byte("blob"), nil }
	if _, err := v.Enrol(t.Context()); err == nil || strings.Contains(snapshot(t, m.dir), "wrapped") {
		t.Errorf("without plaintext: %v", err)
	}
	_, v = newMachine(t, blank)
	v.Programs = func(context.Context, []byte, string, ...string) error { return exec.ErrNotFound }
	if _, err := v.Enrol(t.Context()); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("without cryptsetup: %v", err)
	}
	_, v = newMachine(t, blank)
	v.Wrapped = filepath.Join(t.TempDir(), "no", "such", "folder")
	if _, err := v.Enrol(t.Context()); err == nil {
		t.Error("it was kept in a folder that is not there")
	}
}
