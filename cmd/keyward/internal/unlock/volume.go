// Package unlock is the machine's side of Keyward in Go: it opens one LUKS volume with the key that Keyward gives
// the machine while it is in order, and closes it again. scripts/machine/keyward-unlock is the same for a shell,
// and the same tests run on both. It decides nothing, and the passphrase reaches cryptsetup by a pipe alone.
package unlock

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

// The codes of problems, which are exit codes. docs/unlock.md lists them.
const (
	Failed    = 1 // it did not happen
	Invalid   = 2 // a file or the command line is wrong, or a program is missing
	Denied    = 3 // no key for this machine
	Pending   = 4 // still pending when the wait was over
	NotOpened = 5 // KMS does not unwrap the key, or the key does not open the volume
	NotLocked = 6 // still open or mounted
)

// Problem is why something did not happen.
type Problem struct {
	Code     int
	Err      error
	Findings []policy.Finding // of a denial
}

func (p *Problem) Error() string {
	text := p.Err.Error()
	for _, f := range p.Findings {
		text += "\n  rule: " + f.Rule
		for _, more := range [][2]string{{"verdict", f.Verdict.String()}, {"expected", f.Expected}, {"actual", f.Actual}, {"fix", f.Fix}} {
			if more[1] != "" {
				text += "\n    " + more[0] + ": " + more[1]
			}
		}
	}
	return text
}

// Unwrap is the error itself.
func (p *Problem) Unwrap() error { return p.Err }

func stop(code int, format string, args ...any) error {
	return &Problem{Code: code, Err: fmt.Errorf(format, args...)}
}

// Volume is one volume and what is needed to open it. API and Keys are needed by Open alone.
type Volume struct {
	Config Config
	Disk   Disk
	API    interface {
		AskKey(ctx context.Context, bootID, document string) (int, record.Release, error)
		Delivered(ctx context.Context, request string) (record.Release, error)
	}
	Keys interface {
		Unwrap(ctx context.Context, key string, blob []byte, under map[string]string, token string) ([]byte, error)
	}
	Document func(ctx context.Context) string                                           // the machine's, "" for none; nil for never
	Programs func(ctx context.Context, stdin []byte, name string, args ...string) error // such as Run
	Say      func(line string)                                                          // what it waits for

	share time.Duration // of the first pause; firstShare when zero
}

// Run runs a program of the machine with its input. What the program says goes into the error.
func Run(ctx context.Context, stdin []byte, name string, args ...string) error {
	c := exec.CommandContext(ctx, name, args...)
	c.Stdin = bytes.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err == nil {
		return nil
	}
	if said := strings.Join(strings.Fields(string(out)), " "); said != "" {
		return fmt.Errorf("%s: %w: %.300s", name, err, said)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// Open opens and mounts the volume, and says what there is now. What is there already is left alone.
func (v *Volume) Open(ctx context.Context) (string, error) {
	c := v.Config
	s, err := v.look(Failed)
	switch {
	case err != nil:
		return "", err
	case s.open == other:
		return "", stop(Failed, "%s is open and no dm-crypt mapping", c.Mapping)
	case s.on == other:
		return "", stop(Failed, "%s: something else is mounted there", c.Mount)
	case s.on == yes:
		return c.Mount + " is mounted already", nil
	}
	request := ""
	if s.open == no {
		if request, err = v.open(ctx); err != nil {
			return "", err
		}
	}
	if err := v.mount(ctx); err != nil {
		if request != "" { // what cannot be used does not stay open
			err = errors.Join(err, v.Programs(context.WithoutCancel(ctx), nil, "cryptsetup", "close", c.Mapping))
		}
		return "", err
	}
	if request != "" {
		v.confirm(ctx, request)
	}
	return c.Mount + " is mounted", nil
}

// open gets the key and opens the mapping with it.
func (v *Volume) open(ctx context.Context) (request string, err error) {
	passphrase, request, err := v.key(ctx)
	if err != nil {
		return "", err
	}
	ran := v.Programs(ctx, passphrase, "cryptsetup", "open", "--type", "luks", "--batch-mode", "--key-file=-", v.Config.Device, v.Config.Mapping)
	clear(passphrase)
	s, err := v.look(Failed)
	var exit *exec.ExitError
	switch {
	case err != nil:
		return "", err
	case s.open == yes: // also when another had opened it in the meantime
		return request, nil
	case errors.As(ran, &exit) && exit.ExitCode() == 2:
		return "", stop(NotOpened, "the key does not open %s", v.Config.Device)
	default:
		return "", unproven(Failed, ran, "opening "+v.Config.Device, v.Config.Mapping+" is not open")
	}
}

func (v *Volume) mount(ctx context.Context) error {
	var args []string
	if v.Config.Type != "" {
		args = append(args, "-t", v.Config.Type)
	}
	if v.Config.Options != "" {
		args = append(args, "-o", v.Config.Options)
	}
	ran := v.Programs(ctx, nil, "mount", append(args, v.Disk.Mapper+"/"+v.Config.Mapping, v.Config.Mount)...)
	s, err := v.look(Failed)
	if err != nil || s.on == yes {
		return err
	}
	return unproven(Failed, ran, "mounting "+v.Config.Mount, "it is not mounted")
}

// Lock writes out, unmounts and closes, reads back that it is so, and says it. Nothing is forced.
func (v *Volume) Lock(ctx context.Context) (string, error) {
	c := v.Config
	s, err := v.look(NotLocked)
	switch {
	case err != nil:
		return "", err
	case s.open == other:
		return "", stop(NotLocked, "%s is open and no dm-crypt mapping", c.Mapping)
	case s.open == no:
		return c.Mapping + " is closed already", nil
	}
	if err := v.Programs(ctx, nil, "sync"); err != nil {
		return "", stop(NotLocked, "writing out: %w", err)
	}
	for range 3 { // what is mounted over it twice takes two
		if s.on != yes || v.Programs(ctx, nil, "umount", c.Mount) != nil {
			break
		}
		if s, err = v.look(NotLocked); err != nil {
			return "", err
		}
	}
	if left := s.elsewhere; s.on == yes || len(left) > 0 {
		if s.on == yes {
			left = append([]string{c.Mount}, left...)
		}
		held := ""
		if h := v.Disk.holders(c.Mount); len(h) > 0 {
			held = "; held by processes " + strings.Join(h, " ")
		}
		return "", stop(NotLocked, "still mounted: %s%s", strings.Join(left, " "), held)
	}
	ran := v.Programs(ctx, nil, "cryptsetup", "close", c.Mapping)
	if s, err = v.look(NotLocked); err != nil {
		return "", err
	}
	if s.open != no {
		return "", unproven(NotLocked, ran, "closing "+c.Mapping, "it is still open")
	}
	return c.Mapping + " is closed", nil
}

// Status says what is open and mounted; the error is that of a volume that cannot be used.
func (v *Volume) Status() (string, error) {
	s, err := v.look(Failed)
	if err != nil {
		return "", err
	}
	line := fmt.Sprintf("%s open: %s; %s mounted: %s", v.Config.Mapping, s.open, v.Config.Mount, s.on)
	if s.open != yes || s.on != yes {
		return line, stop(Failed, "%s is not open and mounted", v.Config.Mapping)
	}
	return line, nil
}

func (v *Volume) look(code int) (state, error) {
	s, err := v.Disk.read(v.Config)
	if err != nil {
		return s, stop(code, "%w", err)
	}
	return s, nil
}

// unproven is the error of a step that the system does not show, whatever its program said.
func unproven(code int, ran error, doing, instead string) error {
	if ran == nil {
		return stop(code, "%s: %s", doing, instead)
	}
	return stop(code, "%s: %s: %w", doing, instead, ran)
}
