// Command installs inspects real installs of security products: packages of a distribution in a throw-away
// root, daemons that really run there in namespaces of their own, leftovers and decoys beside them. What
// the evidence says is compared with what dpkg, sigtool and /proc say, read without it.
//
// Usage: installs ROOT RELEASE, as root; .ci/installs/run makes the root. It changes nothing outside of the
// root but the kernel's audit state, for a second, and puts that back.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/keyward/keyward/documents"
	"github.com/keyward/keyward/shared/evidence"
)

func main() {
	if len(os.Args) != 3 || os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "usage, as root: installs ROOT RELEASE")
		os.Exit(2)
	}
	failed := 0
	for _, s := range scenarios {
		began := time.Now()
		problems, err := s.check(os.Args[1])
		if err != nil {
			problems = append(problems, err.Error())
		}
		fmt.Printf("%-9s %-42s %5.1f s\n", os.Args[2], s.name, time.Since(began).Seconds())
		for _, p := range problems {
			failed++
			fmt.Println("    " + p)
		}
	}
	if failed > 0 {
		fmt.Printf("%d facts of %s are not what the install says\n", failed, os.Args[2])
		os.Exit(1)
	}
}

// scenario is one state of an install, and what has to be known of it.
type scenario struct {
	name  string
	setup string // shell, inside of the root; prints "FACT name value" for what it knows itself
	host  bool   // in the host's own process namespace: the kernel tells audit's state nowhere else
	ask   []string
	want  func(e *evidence.Evidence, facts map[string]string) []string
}

const nonce = "0123456789abcdef0123456789abcdef"

// prelude is what each scenario's shell begins with: exes counts the processes that run a file, by /proc.
const prelude = `
mount -t proc proc /proc
mkdir -p /run/clamav /run/systemd/system; chown clamav /run/clamav
exes() { n=0; for p in /proc/[0-9]*/exe; do [ "$(readlink "$p")" = "$1" ] && n=$((n+1)); done; echo "FACT exes:$1 $n"; }
version() { echo "FACT dpkg:$1 $(dpkg-query -W -f '${Version}' "$1")"; }
until_runs() { i=0; until ls -l /proc/[0-9]*/exe 2>/dev/null | grep -q -- "-> $1$" || [ $i -ge 300 ]; do sleep 0.1; i=$((i+1)); done; }
until_there() { i=0; while [ ! -e "$1" ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i+1)); done; }
`

// check runs a scenario and returns how the evidence differs from it.
func (s scenario) check(root string) ([]string, error) {
	probe, err := documents.Render(nonce, documents.Words(), s.ask...)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(root, "probe.sh"), []byte(probe), 0o700); err != nil {
		return nil, err
	}
	ending := "\n"
	if s.host {
		ending = "\numount /proc\n"
	}
	if err := os.WriteFile(filepath.Join(root, "scenario.sh"), []byte(prelude+s.setup+ending), 0o700); err != nil {
		return nil, err
	}
	args := []string{"--mount", "--propagation", "private"}
	if !s.host {
		args = append(args, "--pid", "--fork", "--kill-child")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", append(args, "chroot", root, "sh", "/scenario.sh")...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	sent := time.Now()
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("running the scenario: %w\n%s%s", err, out.String(), stderr.String())
	}
	e, err := evidence.Parse(out.String(), evidence.Expect{
		Machine: "install", CommandID: "install", Nonce: nonce, Sent: sent, Received: time.Now(),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the inspection: %w\n%s%s", err, out.String(), stderr.String())
	}
	return s.want(e, factsOf(out.String())), nil
}

func factsOf(out string) map[string]string {
	facts := map[string]string{}
	for line := range strings.Lines(out) {
		if f := strings.SplitN(strings.TrimSpace(line), " ", 3); len(f) == 3 && f[0] == "FACT" {
			facts[f[1]] = f[2]
		}
	}
	return facts
}
