package documents_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

const daemonVariable = "KEYWARD_TEST_DAEMON"

// TestMain lets the test binary stand in for a product's daemon: it waits until its input ends.
func TestMain(m *testing.M) {
	if os.Getenv(daemonVariable) != "" {
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	os.Exit(m.Run())
}

// machine is a folder that the script takes for the places of the products.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	// t.TempDir puts the test's name into the path, and the script trusts plain characters only.
	root, err := os.MkdirTemp("", "machine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	// The kernel shows programs with every symbolic link followed; so must the folder be called.
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	return machine{t, root}
}

// findsBoth holds that an inspection found the test's own listener, and the agent of m.agent running.
func findsBoth(t *testing.T, e *evidence.Evidence, port int) {
	t.Helper()
	if l, ok := find(e, port); !ok || l.PID.Or(0) != os.Getpid() {
		t.Errorf("listener = %+v, want the test's own", l)
	}
	if got := show(e.Find(evidence.OSSEC)); got != "present true; running; protecting; " {
		t.Errorf("OSSEC is %q, want running and protecting", got)
	}
}

func (m machine) path(name string) string { return filepath.Join(m.root, name) }

func (m machine) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// install puts this test's own program at name.
func (m machine) install(names ...string) {
	m.t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, name := range names {
		m.program(name, string(self))
	}
}

// program writes what will be run. A process that is forked while the file is open for writing keeps it open until it is
// another program, and until then the kernel refuses to run the file: text file busy.
func (m machine) program(name, text string) {
	m.t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	m.write(name, text)
}

// start runs the program at name until the test ends, and returns its pid.
func (m machine) start(name string) int {
	m.t.Helper()
	cmd := exec.Command(m.path(name))
	cmd.Args[0] = "ossec-agentd" // what a process calls itself must not count
	cmd.Env = []string{daemonVariable + "=1"}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = stdin.Close(); _ = cmd.Wait() })
	return cmd.Process.Pid
}

// script is moved, believing to be root: whoever runs the test sees all processes of this machine.
func (m machine) script(ask ...string) string {
	m.t.Helper()
	const user = "ME=$(id -u)"
	text := m.moved(ask...)
	if !strings.Contains(text, user) {
		m.t.Fatal("the script does not ask who it is any more")
	}
	return strings.Replace(text, user, "ME=0", 1)
}

// moved is the inspection with the products' places moved into this machine. Below its root only
// the user of the test can write, so the check of who could have changed a program starts there.
func (m machine) moved(ask ...string) string {
	m.t.Helper()
	text, err := documents.Render(testNonce, usual(), ask...)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, r := range [][2]string{
		{"/var/ossec", m.path("ossec")},
		{"/etc/ossec-init.conf", m.path("ossec-init.conf")},
		{"/opt/ds_agent", m.path("ds_agent")},
		{"/opt/TrendMicro/SProtectLinux", m.path("splx")},
		{"/var/log/TrendMicro/SProtectLinux", m.path("splxlog")},
		{"/proc/modules", m.path("modules")},
		{`if(x in base||x~names)`, `if((x in base||x~names)&&index(exe[a[3]],"` + m.root + `/")==1)`},
		{`while [ -n "$_p" ]; do`, `while [ "$_p" != "` + m.root + `" ]; do`},
		{`ls -lnd -- / "$@"`, `ls -lnd -- "$@"`},
	} {
		if !strings.Contains(text, r[0]) {
			m.t.Fatalf("the script does not say %q any more", r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return m.belowRoot(text)
}

// places are where the script looks for products that have more than one folder; below the machine's root
// they are called the same.
var places = []string{
	"/usr/sbin/clamd", "/usr/bin/freshclam", "/usr/bin/clamscan", "/usr/sbin/clamonacc", "/etc/clamav", "/etc/clamd.d",
	"/etc/clamd.conf", "/var/lib/clamav", "/var/log/clamav", "/var/log/freshclam.log", "/usr/sbin/auditd", "/etc/audit/",
	"/var/log/audit/", "/usr/bin/aide", "/etc/aide/", "/etc/aide.conf", "/var/lib/aide", "/var/log/aide", "/etc/cron.d",
	"/opt/microsoft/mdatp", "/etc/opt/microsoft/mdatp", "/opt/CrowdStrike", "/opt/sentinelone", "/var/log/amzn-guardduty-agent",
	"/var/lib/dpkg/status", "/etc/systemd/system", "/run/systemd/system", "/sys/fs/cgroup/*", "/sys/fs/cgroup/system.slice",
}

func (m machine) belowRoot(text string) string {
	m.t.Helper()
	var pairs []string
	for _, p := range places {
		if !strings.Contains(text, p) {
			m.t.Fatalf("the script does not say %q any more", p)
		}
		pairs = append(pairs, p, m.root+p)
	}
	const units = "for f in /etc /run /usr/local/lib /usr/lib /lib; do"
	if !strings.Contains(text, units) {
		m.t.Fatalf("the script does not say %q any more", units)
	}
	return strings.NewReplacer(append(pairs, units, "for f in "+m.root+"/etc; do")...).Replace(text)
}

func (m machine) inspect(script string, as *syscall.Credential) *evidence.Evidence {
	m.t.Helper()
	out, home := run(m.t, sh(m.t), script, as)
	nothingIn(m.t, home)
	return parse(m.t, out)
}

func (m machine) symlink(target, name string) {
	m.t.Helper()
	if err := os.Symlink(m.path(target), m.path(name)); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) mode(name string, mode os.FileMode) {
	m.t.Helper()
	if err := os.Chmod(m.path(name), mode); err != nil {
		m.t.Fatal(err)
	}
}

// usual is everything but the facts about the system that are collected on demand, which have tests of
// their own.
func usual() []string {
	return slices.DeleteFunc(documents.Words(), func(w string) bool { return slices.Contains(onDemand[1:], w) || w == "updates" })
}
