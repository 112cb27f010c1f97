package agent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// drain is how long a killed script's output may still be read: a child in a session of its own
// survives the kill and may hold the pipe open for ever.
const drain = time.Second

// Host runs scripts on this host, with the rights of this process.
type Host struct {
	dir   string
	shell string
	home  string
	// noexec says whether programs may not run below a directory.
	noexec func(dir string) bool
}

// NewHost returns a host that keeps scripts below dir while they run; "" means the system's temporary
// directory.
func NewHost(dir string) *Host {
	if dir == "" {
		dir = os.TempDir()
	}
	h := &Host{dir: dir, shell: "/bin/sh", home: "/", noexec: mountedNoexec}
	for _, d := range filepath.SplitList(searchPath) {
		if info, err := os.Stat(filepath.Join(d, "sh")); err == nil && info.Mode().Perm()&0o111 != 0 {
			h.shell = filepath.Join(d, "sh")
			break
		}
	}
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil && u.HomeDir != "" {
		h.home = u.HomeDir
	}
	return h
}

// Execute runs the script as the agent does: written to a file of mode 700 in a private directory, as
// `sh -c FILE` in a process group of its own, in /, with no input, umask 022 and an environment that
// owes nothing to this process. Real time limits it. The directory is gone when Execute returns.
func (h *Host) Execute(ctx context.Context, s Script) Outcome {
	private, err := os.MkdirTemp(h.dir, "keyward-ssm-")
	if err != nil {
		return Outcome{Code: 1, Reason: fmt.Sprintf("creating the script's directory: %v", err)}
	}
	defer os.RemoveAll(private)
	path := filepath.Join(private, s.CommandID, s.Step, "_script.sh")
	if err := writeScript(path, s.Text); err != nil {
		return Outcome{Code: 1, Reason: fmt.Sprintf("writing the script: %v", err)}
	}
	o := h.run(ctx, s, path)
	if o.Code == 126 && h.noexec(h.dir) {
		o.Reason += ": " + h.dir + " is mounted noexec, so no script can run there; set TMPDIR to a directory where programs may run"
	}
	return o
}

func writeScript(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// A child that another goroutine forks now would inherit the open file until its own exec, and the
	// script would be "Text file busy" for as long.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o700)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9/._+:@%-]+$`)

func quote(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

func (h *Host) run(ctx context.Context, s Script, path string) Outcome {
	// The umask is this process's and cannot be set for a child alone; the outer shell sets it and
	// becomes the `sh -c FILE` of the agent.
	cmd := exec.Command(h.shell, "-c", `umask 022; exec sh -c "$0"`, quote(path))
	cmd.Args[0] = "sh"
	cmd.Dir = s.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Env = []string{
		"HOME=" + h.home, "PATH=" + searchPath, "SSM_COMMAND_ID=" + s.CommandID,
		"AWS_REGION=" + s.Machine.Region, "AWS_SSM_REGION_NAME=" + s.Machine.Region,
		"AWS_SSM_INSTANCE_ID=" + s.Machine.ID,
		"AWS_SSM_PLATFORM_NAME=" + s.Machine.PlatformName, "AWS_SSM_PLATFORM_VERSION=" + s.Machine.PlatformVersion,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	o := Outcome{}
	streams, err := start(cmd, &o)
	if err != nil {
		o.Code, o.Reason = 1, err.Error()
		return o
	}
	timer := time.NewTimer(s.Timeout)
	defer timer.Stop()
	await(ctx, cmd, streams, timer.C, &o)
	return o
}
