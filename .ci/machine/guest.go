package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// perJob is how long one script may take in the machine, which is some 20 times slower than this host; the first one
// waits until it has booted.
const perJob = 6 * time.Minute

// guest is the machine and the way to run scripts in it.
type guest struct {
	folder string
	qemu   *exec.Cmd
	jobs   chan string
	mu     sync.Mutex
	last   int
	wait   map[int]chan done
}

type done struct {
	code int
	out  string
}

// start boots the machine. It can reach the judge under the metadata service's address and the place, and nothing else.
func (g *guest) start(judge, place net.Addr) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for this program: %w", err)
	}
	forward := func(to string, from net.Addr) string {
		return ",guestfwd=tcp:" + to + "-cmd:" + self + " pipe " + from.String()
	}
	// KVM is not asked for: where it is only passed on, a machine may hang in it without a word. The processor has no AVX:
	// with that of QEMU 7.2, systemd now and then could not make a mount namespace for any service of a boot. The kernel
	// does not check its timer, which on a busy host looks broken.
	g.qemu = exec.Command("qemu-system-x86_64", "-machine", "pc", "-accel", "tcg", "-cpu", "Westmere", "-smp", "2", "-m", "1024",
		"-nodefaults", "-no-user-config", "-display", "none", "-serial", "file:"+filepath.Join(g.folder, "console.log"),
		"-kernel", filepath.Join(g.folder, "vmlinuz"), "-initrd", filepath.Join(g.folder, "initramfs.cpio"),
		"-append", "console=ttyS0 loglevel=4 panic=-1 mitigations=off no_timer_check audit=1 net.ifnames=0 systemd.show_status=error random.trust_cpu=on",
		"-drive", "if=none,id=disk,format=raw,cache=unsafe,file="+filepath.Join(g.folder, "root.img"), "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
		"-netdev", "user,id=net,restrict=on,net=169.254.0.0/16,host=169.254.0.2,dhcpstart=169.254.0.15"+
			forward("169.254.169.254:80", judge)+forward("169.254.169.4:4566", place),
		"-device", "virtio-net-pci,netdev=net,romfile=")
	g.qemu.Stdout, g.qemu.Stderr = os.Stderr, os.Stderr
	g.qemu.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.qemu.Start(); err != nil {
		return fmt.Errorf("starting QEMU: %w", err)
	}
	return nil
}

func (g *guest) stop() {
	if g.qemu != nil && g.qemu.Process != nil {
		g.qemu.Process.Kill()
		g.qemu.Wait() // it was killed
	}
}

// run runs a script in the machine as root and returns its exit code and all that it printed.
func (g *guest) run(ctx context.Context, script string) (code int, out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, perJob)
	defer cancel()
	answer := make(chan done, 1)
	g.mu.Lock()
	g.last++
	n := g.last
	g.wait[n] = answer
	g.mu.Unlock()
	select {
	case g.jobs <- fmt.Sprintf("# %d\n%s\n", n, script):
	case <-ctx.Done():
		return 0, "", fmt.Errorf("the machine does not fetch %.60q: %w", script, context.Cause(ctx))
	}
	select {
	case d := <-answer:
		return d.code, d.out, nil
	case <-ctx.Done():
		return 0, "", fmt.Errorf("the machine does not end %.60q: %w", script, context.Cause(ctx))
	}
}

// serveJob hands out the next script, or nothing after a while.
func (g *guest) serveJob(w http.ResponseWriter, r *http.Request) {
	select {
	case job := <-g.jobs:
		io.WriteString(w, job)
	case <-time.After(20 * time.Second):
	case <-r.Context().Done():
	}
}

func (g *guest) serveDone(w http.ResponseWriter, r *http.Request) {
	out, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	n, errJob := strconv.Atoi(r.URL.Query().Get("job"))
	code, errCode := strconv.Atoi(r.URL.Query().Get("code"))
	g.mu.Lock()
	answer := g.wait[n]
	delete(g.wait, n)
	g.mu.Unlock()
	if err != nil || errJob != nil || errCode != nil || answer == nil {
		http.Error(w, "there is no such job", http.StatusBadRequest)
		return
	}
	answer <- done{code, string(out)}
}

// console is the end of what the kernel and systemd wrote.
func (w *world) console() string {
	text, _ := os.ReadFile(filepath.Join(w.guest.folder, "console.log")) // without one there is nothing to show
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return "console:\n" + strings.Join(lines[max(0, len(lines)-15):], "\n")
}
