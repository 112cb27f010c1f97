package documents_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

const testNonce = "0123456789abcdef0123456789abcdef"

// shells finds what this host has of the shells that are anybody's /bin/sh. sh itself must be there.
func shells(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for name, argv := range map[string][]string{
		"sh": {"sh"}, "dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"},
	} {
		path, err := exec.LookPath(argv[0])
		if err != nil {
			if name == "sh" {
				t.Fatal("this host has no sh")
			}
			t.Logf("this host has no %s: the script is not tried with it", name)
			continue
		}
		found[name] = append([]string{path}, argv[1:]...)
	}
	return found
}

// sh is the shell that every host has.
func sh(t *testing.T) []string {
	t.Helper()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	return []string{path}
}

// probe runs the script with these words and returns what it printed.
func probe(t *testing.T, shell []string, words []string, as *syscall.Credential) (stdout, home string) {
	t.Helper()
	text, err := documents.Render(testNonce, words)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, shell, text, as)
}

// run runs a script as the agent would: from a file, in /, with nothing to read.
func run(t *testing.T, shell []string, text string, as *syscall.Credential) (stdout, home string) {
	t.Helper()
	dir := t.TempDir()
	home = filepath.Join(dir, "home")
	script := filepath.Join(dir, "_script.sh")
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(home, 0o777); err != nil {
		t.Fatal(err)
	}
	if as != nil {
		open(t, dir, home)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], script)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("running the script: %v, want exit 0; stderr %q", err, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("stderr = %q, want nothing: it takes room from the line", stderr.String())
	}
	return out.String(), home
}

// open lets another user reach the test's folders.
func open(t *testing.T, dir, home string) {
	t.Helper()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, out string) *evidence.Evidence {
	t.Helper()
	now := time.Now()
	e, err := evidence.Parse(out, evidence.Expect{
		Machine: "i-1234567890abcdef0", CommandID: "11111111-2222-3333-4444-555555555555",
		Nonce: testNonce, Sent: now.Add(-time.Minute), Received: now.Add(time.Minute),
	})
	if err != nil {
		t.Fatalf("Parse(%q) = %v", out, err)
	}
	return e
}

func listen(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func find(e *evidence.Evidence, port int) (evidence.Listener, bool) {
	for _, l := range e.Listeners.Value {
		if l.Proto == "tcp" && l.Port == port {
			return l, true
		}
	}
	return evidence.Listener{}, false
}

func TestScriptOnThisHost(t *testing.T) {
	t.Parallel()
	port := listen(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, home := probe(t, shell, usual(), nil)
			e := parse(t, out)
			if strings.Count(out, "\n") != 1 || len(out) > 24000 {
				t.Errorf("output of %d bytes and %d lines, want one line", len(out), strings.Count(out, "\n"))
			}
			if !e.Collect.Complete.Or(false) {
				t.Errorf("Complete = %v, records %+v", e.Collect.Complete, e.Collect.Records)
			}
			if !e.OS.Kernel.Known || !e.OS.BootID.Known || !e.OS.Boot.Known || !e.OS.Arch.Known {
				t.Errorf("OS = %+v, want kernel, architecture, boot and boot id", e.OS)
			}
			l, ok := find(e, port)
			switch {
			case !ok:
				t.Errorf("the test's own listener on tcp/%d was not found in %+v", port, e.Listeners)
			case l.PID.Or(0) != os.Getpid() || l.Exe.Or("") != self || l.ExeForeign || l.ExeDeleted:
				t.Errorf("listener = %+v, want pid %d and %s", l, os.Getpid(), self)
			case l.Scope != "loopback" || l.UID != os.Getuid():
				t.Errorf("listener = %+v, want scope loopback and uid %d", l, os.Getuid())
			}
			if !e.Mounts.Known {
				t.Errorf("Mounts = %v, want known", e.Mounts)
			}
			nothingIn(t, home)
		})
	}
}

func nothingIn(t *testing.T, home string) {
	t.Helper()
	err := filepath.WalkDir(home, func(path string, _ fs.DirEntry, err error) error {
		if path != home {
			t.Errorf("the script left %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Another user's sockets have no owner, and what only root may read is not_root and never absent.
func TestScriptAsOrdinaryUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		// TestScriptOnThisHost is this test then: it already ran as an ordinary user.
		return
	}
	port := listen(t)
	for name, shell := range shells(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, home := probe(t, shell, usual(), &syscall.Credential{Uid: 65534, Gid: 65534})
			e := parse(t, out)
			if e.Collect.Privileged.Or(true) {
				t.Errorf("Privileged = %v, want false", e.Collect.Privileged)
			}
			l, ok := find(e, port)
			if !ok || l.PID.Known || l.PID.Why != evidence.WhyNotRoot || l.Exe.Why != evidence.WhyNotRoot {
				t.Errorf("listener = %+v, want one without owner because not_root", l)
			}
			if e.Firewall.Active.Known || e.Firewall.Active.Why != evidence.WhyNotRoot {
				t.Errorf("Firewall.Active = %v, want not_root", e.Firewall.Active)
			}
			nothingIn(t, home)
		})
	}
}

// inflate is the JSON inside a line.
func inflate(t *testing.T, out string) string {
	t.Helper()
	packed, err := base64.StdEncoding.DecodeString(strings.Fields(out)[3])
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
