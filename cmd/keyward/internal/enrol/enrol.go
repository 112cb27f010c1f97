// Package enrol gives a device a LUKS passphrase that is a data key of KMS for one machine: the machine keeps it wrapped,
// and KMS unwraps it while Keyward lets it. The plaintext is in this process and in a pipe to cryptsetup, and
// nowhere else: in no file, argument or environment. `keyward volume enrol` calls it; it talks to no AWS itself.
package enrol

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Volume is what to enrol. All fields but Existing are required.
type Volume struct {
	Device   string // block device or file
	Wrapped  string // file that gets the CiphertextBlob, in base64
	Existing string // file with a passphrase that opens the device now: the new one is added to it. "" formats the device
	Erase    bool   // format also what has data

	DataKey  func(ctx context.Context) (plaintext, blob []byte, err error)
	Programs func(ctx context.Context, stdin []byte, name string, args ...string) error
}

// Refused is the error of what a person has to decide: nothing was changed.
type Refused struct{ text string }

func (e *Refused) Error() string { return e.text }

func refuse(format string, args ...any) error { return &Refused{fmt.Sprintf(format, args...)} }

// strong is what the passphrase is already, so that stretching it would only cost time at each start.
var strong = []string{"--batch-mode", "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}

// Enrol does it, and says what there is now. Done again it changes nothing. The wrapped key is on disk, under the name
// with .new behind, before the device needs it, so that whatever breaks off leaves no device without its key.
func (v Volume) Enrol(ctx context.Context) (string, error) {
	luks, err := v.luks(ctx)
	if err != nil {
		return "", err
	}
	kept, err := there(v.Wrapped)
	if err != nil {
		return "", err
	}
	begun, err := there(v.next())
	if err != nil {
		return "", err
	}
	switch {
	case kept && luks:
		return fmt.Sprintf("%s is enrolled already: it is LUKS, and %s is there", v.Device, v.Wrapped), nil
	case kept:
		return "", refuse("%s is there and %s is not LUKS: it may be another volume's key; expected a file that is not there", v.Wrapped, v.Device)
	case v.Existing != "" && !luks:
		return "", refuse("%s is not LUKS: nothing can be added to it", v.Device)
	case luks && begun && v.Existing == "" && !v.Erase:
		return "", refuse("an enrolment of %s broke off: %s may be the only key that opens it. Rename it to %s if it does, or say --erase", v.Device, v.next(), v.Wrapped)
	case luks && v.Existing == "" && !v.Erase:
		return "", refuse("%s is LUKS already: say --existing FILE to add the key, or --erase to lose what is on it", v.Device)
	}
	if !luks && !v.Erase {
		if err := v.empty(); err != nil {
			return "", err
		}
	}
	return v.enrol(ctx)
}

// next is where the wrapped key is until the device has it.
func (v Volume) next() string { return v.Wrapped + ".new" }

func (v Volume) enrol(ctx context.Context) (string, error) {
	plaintext, blob, err := v.DataKey(ctx)
	if err != nil {
		return "", err
	}
	defer clear(plaintext)
	if len(plaintext) == 0 || len(blob) == 0 {
		return "", errors.New("making the volume's key: KMS answers without one")
	}
	if err := write(v.next(), base64.StdEncoding.EncodeToString(blob)+"\n"); err != nil {
		return "", err
	}
	done, args := "is formatted", append([]string{"luksFormat", "--type", "luks2", "--key-file=-"}, strong...)
	args = append(args, v.Device)
	if v.Existing != "" {
		done, args = "has another key", append([]string{"luksAddKey", "--key-file", v.Existing}, strong...)
		args = append(args, v.Device, "-")
	}
	if err := v.Programs(ctx, plaintext, "cryptsetup", args...); err != nil {
		return "", fmt.Errorf("enrolling %s: %w", v.Device, err)
	}
	if err := v.Programs(ctx, plaintext, "cryptsetup", "open", "--test-passphrase", "--key-file=-", v.Device); err != nil {
		return "", fmt.Errorf("enrolling %s: read back, its key does not open it: %w", v.Device, err)
	}
	if err := keep(v.next(), v.Wrapped); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %s; %s is its key, wrapped for this machine", v.Device, done, v.Wrapped), nil
}

// luks is whether the device is one.
func (v Volume) luks(ctx context.Context) (bool, error) {
	info, err := os.Stat(v.Device)
	switch {
	case err != nil:
		return false, refuse("%s cannot be read, expected a block device or a file: %v", v.Device, err)
	case !info.Mode().IsRegular() && info.Mode()&os.ModeDevice == 0 || info.Mode()&os.ModeCharDevice != 0:
		return false, refuse("%s is neither a block device nor a file", v.Device)
	}
	err = v.Programs(ctx, nil, "cryptsetup", "isLuks", v.Device)
	var exit interface{ ExitCode() int }
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // "wrong parameters", which is how isLuks says no
		return false, nil
	}
	return err == nil, err
}

// edge is how much of a device's beginning and end is looked at: file systems, partition tables, RAID and LVM
// have something in one of them.
const edge = 4 << 20

// empty refuses a device on which there is something.
func (v Volume) empty() error {
	f, err := os.Open(v.Device)
	if err != nil {
		return refuse("%s cannot be read: %v", v.Device, err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("reading %s: %w", v.Device, err)
	}
	for _, from := range []int64{0, max(0, size-edge)} {
		text := make([]byte, min(edge, size-from))
		if _, err := f.ReadAt(text, from); err != nil && err != io.EOF {
			return fmt.Errorf("reading %s: %w", v.Device, err)
		}
		if len(bytes.Trim(text, "\x00")) > 0 {
			return refuse("%s has data: say --erase to lose what is on it", v.Device)
		}
	}
	return nil
}

func there(name string) (bool, error) {
	_, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, refuse("%s cannot be read: %v", name, err)
	}
	return true, nil
}

// write leaves a file that a crash does not take away. It replaces one that broke off.
func write(name, text string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("writing the wrapped key: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("writing the wrapped key: %w", err)
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing the wrapped key: %w", err)
	}
	return sync(filepath.Dir(name))
}

// keep gives the file its own name, unless there is one by now.
func keep(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return fmt.Errorf("keeping the wrapped key, which is in %s: %w", from, err)
	}
	if err := os.Remove(from); err != nil {
		return fmt.Errorf("keeping the wrapped key: %w", err)
	}
	return sync(filepath.Dir(to))
}

func sync(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("writing the wrapped key: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("writing the wrapped key: %w", err)
	}
	return nil
}
