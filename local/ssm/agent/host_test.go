package agent_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm/agent"
)

func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of-the-caller")
	t.Setenv("KEYWARD_TEST_LEAK", "of-the-caller")
	text := content(t, one("id -u", "umask", "pwd", "readlink /proc/self/fd/0", `stat -c %a "$0"`, `case $0 in */_script.sh) echo script;; esac`,
		"echo $SSM_COMMAND_ID $AWS_SSM_INSTANCE_ID $AWS_SSM_REGION_NAME $AWS_REGION $AWS_SSM_PLATFORM_VERSION", "echo ${HOME:+home} $PATH",
		"env | sed 's/=.*//' | sort | tr '\\n' ' '"), nil)
	_, results := run(t, context.Background(), agent.NewHost(t.TempDir()), text, nil)
	lines := strings.Split(results[0].Stdout, "\n")
	want := []string{
		strconv.Itoa(os.Getuid()), "0022", "/", "/dev/null", "700", "script",
		"11111111-2222-4333-8444-555555555555 i-1234567890abcdef0 us-east-1 us-east-1 12",
		"home /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
	if diff := cmp.Diff(want, lines[:len(lines)-1]); diff != "" {
		t.Errorf("who, where, stdin, umask, mode, variables (-want +got):\n%s", diff)
	}
	allowed := []string{"AWS_REGION", "AWS_SSM_INSTANCE_ID", "AWS_SSM_PLATFORM_NAME", "AWS_SSM_PLATFORM_VERSION", "AWS_SSM_REGION_NAME",
		"HOME", "OLDPWD", "PATH", "PWD", "SHLVL", "SSM_COMMAND_ID", "_"}
	for _, name := range strings.Fields(lines[len(lines)-1]) {
		if !slices.Contains(allowed, name) {
			t.Errorf("the script got variable %s", name)
		}
	}
}

func TestTheDirectoryIsPrivateAndRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with a space and 'quotes'")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, results := run(t, context.Background(), agent.NewHost(dir), content(t, one(`cd "$(dirname "$0")/../.."`, "stat -c %a .", "pwd"), nil), nil)
	mode, place, _ := strings.Cut(results[0].Stdout, "\n")
	if mode != "700" || filepath.Dir(strings.TrimSpace(place)) != dir {
		t.Errorf("script ran from %q of mode %q, want 700 below %s; stderr %q", place, mode, dir, results[0].Stderr)
	}
	if _, err := os.Stat(strings.TrimSpace(place)); !os.IsNotExist(err) {
		t.Errorf("directory of the script after the run: %v, want none", err)
	}
}

func TestATimeoutKillsTheProcessGroupAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := content(t, with(one(
		"sleep 60 & echo $! >"+dir+"/inside",
		"setsid sh -c 'echo $$ >"+dir+"/outside; exec sleep 60' >/dev/null 2>&1 &",
		"while ! [ -s "+dir+"/outside ]; do :; done", "sleep 60"), map[string]any{"timeoutSeconds": 5}), nil)
	status, _ := run(t, context.Background(), agent.NewHost(dir), text, nil)
	if status != agent.TimedOut {
		t.Errorf("document is %s, want TimedOut", status)
	}
	if pid := readPID(t, dir+"/inside"); lives(pid) {
		t.Errorf("process %d of the group lives", pid)
	}
	outside := readPID(t, dir+"/outside")
	if !lives(outside) {
		t.Errorf("process %d of another session is dead", outside)
	}
	if err := syscall.Kill(outside, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// lives says that a process is there and no zombie.
func lives(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	started := filepath.Join(dir, "started")
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(started); err == nil {
				cancel()
			}
		}
	}()
	text := content(t, then(one("echo out", ": >"+started, "sleep 60"), "two", "echo two"), nil)
	status, results := run(t, ctx, agent.NewHost(dir), text, nil)
	want := []agent.Result{
		result("one", agent.Cancelled, 137, "out\n", "", same),
		result("two", agent.Cancelled, 1, "", "", same),
	}
	for i := range results {
		results[i].Action, results[i].Start, results[i].End = "", time.Time{}, time.Time{}
	}
	if diff := cmp.Diff(want, results); diff != "" || status != agent.Cancelled {
		t.Errorf("document is %s, steps (-want +got):\n%s", status, diff)
	}
}

func TestAHostThatCannotRunScriptsSaysWhy(t *testing.T) {
	t.Parallel()
	noexec := agent.NewHost(t.TempDir()).WithNoexec(func(string) bool { return true })
	for name, c := range map[string]struct {
		host *agent.Host
		text string
		code int
		want string
	}{
		"mounted noexec":     {noexec, "exit 126", 126, "is mounted noexec, so no script can run there; set TMPDIR"},
		"not noexec":         {agent.NewHost(t.TempDir()), "exit 126", 126, "failed to run commands: exit status 126"},
		"other failure":      {noexec, "exit 1", 1, "failed to run commands: exit status 1"},
		"no directory":       {agent.NewHost(filepath.Join(t.TempDir(), "nosuch")), "true", 1, "failed to run commands: creating the script's directory: "},
		"file for directory": {agent.NewHost("/dev/null"), "true", 1, "failed to run commands: creating the script's directory: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, results := run(t, context.Background(), c.host, content(t, one(c.text), nil), nil)
			r := results[0]
			if status != agent.Failed || r.Code != c.code || !strings.Contains(r.Stderr, c.want) {
				t.Errorf("document is %s, code %d, stderr %q; want Failed, %d, %q", status, r.Code, r.Stderr, c.code, c.want)
			}
			if name != "mounted noexec" && strings.Contains(r.Stderr, "noexec") {
				t.Errorf("stderr %q speaks of noexec", r.Stderr)
			}
		})
	}
}

func TestManyScriptsAtOnce(t *testing.T) {
	t.Parallel()
	// A script that is written while another is forked must not be "Text file busy".
	host := agent.NewHost(t.TempDir())
	text := content(t, one("echo out"), nil)
	failures := make(chan string, 64)
	done := make(chan struct{})
	for range 64 {
		go func() {
			defer func() { done <- struct{}{} }()
			if status, results := run(t, context.Background(), host, text, nil); status != agent.Success {
				failures <- results[0].Stderr
			}
		}()
	}
	for range 64 {
		<-done
	}
	close(failures)
	for f := range failures {
		t.Error(f)
	}
}
