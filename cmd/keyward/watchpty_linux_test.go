package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keyward/keyward/shared/integrity"
	"github.com/keyward/keyward/shared/record"
)

// openTerminal is a pseudo-terminal of a size: what a person's terminal emulator holds, and what a program is given.
func openTerminal(t *testing.T, columns, lines uint16) (person, program *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("this host has no pseudo-terminals: %v", err)
	}
	person = os.NewFile(uintptr(fd), "/dev/ptmx")
	t.Cleanup(func() { person.Close() })
	if err := person.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	resize(t, program, columns, lines)
	return person, program
}

func resize(t *testing.T, terminal *os.File, columns, lines uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: lines}); err != nil {
		t.Fatal(err)
	}
}

func modes(t *testing.T, terminal *os.File) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

// drawn is everything that a program wrote to its terminal.
type drawn struct {
	t    *testing.T
	from *os.File
	all  bytes.Buffer
}

// until reads until a text was drawn.
func (d *drawn) until(text string) {
	d.t.Helper()
	b := make([]byte, 4096)
	for !strings.Contains(d.all.String(), text) {
		n, err := d.from.Read(b)
		d.all.Write(b[:n])
		if err != nil {
			d.t.Fatalf("%q was not drawn (%v), but %q", text, err, d.all.String())
		}
	}
}

// fakeAPI is a people's API with one machine, which answers with status when it is not 0.
func fakeAPI(t *testing.T, status *atomic.Int64) *httptest.Server {
	answers := map[string]any{
		"/v1/status":   record.Status{Time: time.Now(), Account: "123456789012", Region: "us-east-1", Machines: map[string]int{"Bad": 1}},
		"/v1/machines": record.MachinePage{Machines: []record.Machine{{ID: "i-1234567890abcdef0", Name: "\x1b]0;mine\x07", Policy: "web", State: integrity.State{Standing: integrity.Bad, DueAt: time.Now().Add(time.Hour)}}}},
		"/v1/holds":    map[string]any{"holds": []record.Hold{}}, "/v1/breaker": record.BreakerView{Limit: 1},
		"/v1/machines/i-1234567890abcdef0/ledger": map[string]any{"entries": []record.Entry{}},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := int(status.Load()); code != 0 {
			w.WriteHeader(code)
			fmt.Fprint(w, `{"message":"The security token included in the request is expired"}`)
			return
		}
		if err := json.NewEncoder(w).Encode(answers[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// However it ends, keyward watch leaves the terminal as it was.
func TestTheTerminalIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(c *exec.Cmd, person *os.File, status *atomic.Int64)
		code int
		last string // on the user's own screen
	}{
		"interrupted": {end: func(c *exec.Cmd, _ *os.File, _ *atomic.Int64) { _ = c.Process.Signal(syscall.SIGINT) }},
		"terminated":  {end: func(c *exec.Cmd, _ *os.File, _ *atomic.Int64) { _ = c.Process.Signal(syscall.SIGTERM) }},
		"hung up":     {end: func(c *exec.Cmd, _ *os.File, _ *atomic.Int64) { _ = c.Process.Signal(syscall.SIGHUP) }},
		"Ctrl-C":      {end: func(_ *exec.Cmd, person *os.File, _ *atomic.Int64) { _, _ = person.WriteString("\x03") }},
		"q":           {end: func(_ *exec.Cmd, person *os.File, _ *atomic.Int64) { _, _ = person.WriteString("q") }},
		"refused": {
			end: func(_ *exec.Cmd, _ *os.File, status *atomic.Int64) { status.Store(http.StatusForbidden) }, code: exitInvalid,
			last: "keyward: the stack refuses these AWS credentials, which have expired or may not read it; sign in again, or set --profile: HTTP 403: The security token included in the request is expired\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var status atomic.Int64
			person, program := openTerminal(t, 80, 24)
			before := modes(t, program)
			c := exec.Command("keyward", "watch", "--every", "1s", "--api", fakeAPI(t, &status).URL, "--region", "us-east-1")
			c.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_EC2_METADATA_DISABLED=true"}
			c.Stdin, c.Stdout, c.Stderr = program, program, program
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Process.Kill() }) // if it still runs
			d := &drawn{t: t, from: person}
			d.until("i-1234567890abcdef0")
			if during := modes(t, program); during == before || during.Lflag&unix.ECHO != 0 {
				t.Error("the terminal still shows what is typed")
			}
			resize(t, program, 40, 12)
			d.until("\x1b[2J\x1b[H\x1b[1m2") // drawn anew, with the clock first, as narrow terminals have it
			tt.end(c, person, &status)
			d.until("\x1b[?7h\x1b[?25h\x1b[?1049l" + tt.last)
			err := c.Wait()
			if code := c.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit code %d (%v), want %d", code, err, tt.code)
			}
			if after := modes(t, program); after != before {
				t.Errorf("the terminal is %+v, was %+v", after, before)
			}
			text := d.all.String()
			if !strings.HasPrefix(text, "\x1b[?1049h\x1b[?25l\x1b[?7l") || strings.Contains(text, "\x07") || strings.Contains(text, "\x1b]") {
				t.Errorf("drawn: %q", text)
			}
		})
	}
}

// What does not answer is said on the screen, which goes on; without colours where the user wants none.
func TestScreenGoesOn(t *testing.T) {
	t.Parallel()
	var status atomic.Int64
	status.Store(http.StatusInternalServerError)
	person, program := openTerminal(t, 80, 24)
	c := exec.Command("keyward", "watch", "--every", "1s", "--api", fakeAPI(t, &status).URL, "--region", "us-east-1")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm", "NO_COLOR=1", "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_EC2_METADATA_DISABLED=true"}
	c.Stdin, c.Stdout, c.Stderr = program, program, program
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // if it still runs
	d := &drawn{t: t, from: person}
	d.until("no answer, again in ")
	status.Store(0)
	d.until("DUE NEXT")
	_, _ = person.WriteString("q")
	d.until("\x1b[?1049l")
	if err := c.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if strings.Contains(d.all.String(), "\x1b[1m") || strings.Contains(d.all.String(), "\x1b[31m") {
		t.Errorf("with NO_COLOR it draws %q", d.all.String())
	}
}
