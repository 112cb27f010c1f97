package documents_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

// The script says the same whatever a host's awk is.
func TestScriptWithEachAwk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mawk", "gawk", "original-awk", "busybox"} {
		awk, err := exec.LookPath(name)
		if err != nil {
			t.Logf("this host has no %s: the script is not tried with it", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			targets := map[string]string{"awk": awk}
			for _, dir := range []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
				programs, _ := os.ReadDir(dir)
				for _, p := range programs {
					if targets[p.Name()] == "" {
						targets[p.Name()] = filepath.Join(dir, p.Name())
					}
				}
			}
			m := newMachine(t)
			m.agent()
			m.startAgent("")
			port := listen(t)
			out, home := run(t, sh(t), withPath(t, m.script(), link(t, targets)), nil)
			nothingIn(t, home)
			e := parse(t, out)
			findsBoth(t, e, port)
			if e.Collect.Complete != evidence.Known(true) {
				t.Errorf("Complete = %v, records %+v", e.Collect.Complete, e.Collect.Records)
			}
		})
	}
}

// changes are the system calls with which something is written, sent or left behind.
const changes = "%network,openat,open,creat,unlink,unlinkat,mkdir,mkdirat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,chmod,fchmodat,chown,fchownat,truncate,mknod,mknodat,mount,kill,tkill,setsid,ptrace,init_module,finit_module"

var (
	writes = regexp.MustCompile(`^open(at)?\(.*O_(WRONLY|RDWR|CREAT)`)
	// What a shell and its programs do to themselves: throw output away, and end their own helpers. apt-get, asked what
	// it would upgrade, plans in a file without a name, which is gone with it.
	own = regexp.MustCompile(`"/dev/(null|tty)"|^(kill|tkill)\(|^socketpair\(|O_TMPFILE`)
)

// A trace of everything that it does, with every fact asked for: it writes nothing, connects to nobody, and when it has
// ended nothing of it is left.
func TestScriptTraced(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Log("this host has no strace: the script is not traced")
		return
	}
	text, err := documents.Render(testNonce, documents.Words(), "file:/etc/passwd", "package:dash", "sysctl:kernel.randomize_va_space")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script, trace := filepath.Join(dir, "_script.sh"), filepath.Join(dir, "trace")
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-e", "signal=none", "-e", "trace="+changes, "-o", trace, sh(t)[0], script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = "/", []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tracing: %v", err)
	}
	if !strings.HasPrefix(string(out), "KWE1 ") {
		t.Fatalf("it printed %.100q, want its line", out)
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	calls := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		calls++
		_, call, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		call = strings.TrimSpace(call)
		switch name, _, _ := strings.Cut(call, "("); {
		case own.MatchString(call), (name == "open" || name == "openat") && !writes.MatchString(call), strings.HasPrefix(call, "<..."):
		default:
			t.Errorf("it did %s", call)
		}
	}
	if calls < 100 {
		t.Errorf("the trace has %d calls: it saw nothing", calls)
	}
}
