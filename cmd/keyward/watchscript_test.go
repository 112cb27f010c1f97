package main

import (
	"bufio"
	"bytes"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// watching is a keyward watch that a script started.
type watching struct {
	c          *exec.Cmd
	lines      *bufio.Scanner
	complaints bytes.Buffer
	told       string // all lines until now
}

// watchers are the running ones, by the script's name.
var watchers sync.Map

// startWatch starts keyward watch with arguments; watches stop interrupts it, and it has to end well.
func startWatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: watches [ARGUMENTS...], watches stop")
	}
	if slices.Equal(args, []string{"stop"}) {
		stopWatch(ts)
		return
	}
	w := &watching{c: exec.Command("keyward", append([]string{"watch", "--every", "100ms"}, args...)...)}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "KEYWARD_API_URL", "AWS_EC2_METADATA_DISABLED"} {
		w.c.Env = append(w.c.Env, name+"="+ts.Getenv(name))
	}
	w.c.Stderr = &w.complaints
	out, err := w.c.StdoutPipe()
	ts.Check(err)
	w.lines = bufio.NewScanner(out)
	ts.Check(w.c.Start())
	limit := time.AfterFunc(time.Minute, func() { _ = w.c.Process.Kill() }) // so that nobody waits for a line in vain
	ts.Defer(func() { limit.Stop(); _ = w.c.Process.Kill() })
	watchers.Store(ts.Name(), w)
}

func stopWatch(ts *testscript.TestScript) {
	all, ok := watchers.LoadAndDelete(ts.Name())
	if !ok {
		return
	}
	w := all.(*watching)
	ts.Check(w.c.Process.Signal(syscall.SIGINT))
	for w.lines.Scan() {
		w.told += w.lines.Text() + "\n"
	}
	if err := w.c.Wait(); err != nil || w.complaints.Len() > 0 {
		ts.Fatalf("keyward watch ended with %v: %s", err, w.complaints.String())
	}
	if i := strings.IndexFunc(w.told, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' }); i >= 0 {
		ts.Fatalf("keyward watch told %q", w.told[max(0, i-20):min(len(w.told), i+20)])
	}
	ts.Logf("%s", w.told)
}

// isTold waits until keyward watch tells lines that match, in this order: tells PATTERN...
func isTold(ts *testscript.TestScript, neg bool, args []string) {
	all, ok := watchers.Load(ts.Name())
	if neg || !ok || len(args) == 0 {
		ts.Fatalf("usage: tells PATTERN..., after watches")
	}
	w := all.(*watching)
	for _, pattern := range args {
		want := regexp.MustCompile(pattern)
		for found := false; !found; {
			if !w.lines.Scan() {
				ts.Fatalf("keyward watch told nothing like %q, but\n%s%s", pattern, w.told, w.complaints.String())
			}
			w.told += w.lines.Text() + "\n"
			found = want.MatchString(w.lines.Text())
		}
	}
}
