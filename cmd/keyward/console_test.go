package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// visitors are the browsers of the scripts that have opened a console, by the script's name.
var visitors sync.Map

// visitor is a browser: it keeps the cookie and the token of the forms.
type visitor struct {
	http       *http.Client
	base, form string
}

// startConsole starts keyward console on a free port, as whoever the variables say, and opens it. It is ended with the script.
func startConsole(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: console")
	}
	c := exec.Command("keyward", "console", "--port", "0")
	c.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "HOME="+ts.MkAbs("."))
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "KEYWARD_API_URL"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() {
		ts.Check(c.Process.Signal(syscall.SIGTERM))
		io.Copy(io.Discard, out)
		if err := c.Wait(); err != nil {
			ts.Fatalf("keyward console ended with %v", err)
		}
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	at, err := url.Parse(strings.TrimSpace(address))
	ts.Check(err)
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	v := &visitor{http: &http.Client{Jar: jar}, base: "http://" + at.Host}
	visitors.Store(ts.Name(), v)
	ts.Setenv("CONSOLE", v.base)
	v.load(ts, at.RequestURI())
	v.load(ts, "/new-policy")
}

// load reads a page and keeps it in page.html.
func (v *visitor) load(ts *testscript.TestScript, path string) int {
	answer, err := v.http.Get(v.base + path)
	ts.Check(err)
	return v.keep(ts, answer)
}

var formToken = regexp.MustCompile(`name="form" value="([A-Z0-9]+)"`)

func (v *visitor) keep(ts *testscript.TestScript, answer *http.Response) int {
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if found := formToken.FindSubmatch(page); found != nil {
		v.form = string(found[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs("page.html"), page, 0o600))
	return answer.StatusCode
}

func visitorOf(ts *testscript.TestScript) *visitor {
	v, ok := visitors.Load(ts.Name())
	if !ok {
		ts.Fatalf("no console was started")
	}
	return v.(*visitor)
}

// readPage reads a page of the console into page.html: page STATUS PATH.
func readPage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: page STATUS PATH")
	}
	v := visitorOf(ts)
	got := v.load(ts, args[1])
	for range 1000 { // a busy machine takes its time to read the lists, and the page says so meanwhile
		if !strings.Contains(ts.ReadFile("page.html"), `id="loading"`) {
			break
		}
		got = v.load(ts, args[1])
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("%s: %d, want %s:\n%s", args[1], got, args[0], ts.ReadFile("page.html"))
	}
}

// sendForm sends a form of the console and reads the page that follows into page.html: order STATUS PATH FIELD=VALUE...
// A value of @FILE is that file's text.
func sendForm(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: order STATUS PATH FIELD=VALUE...")
	}
	v := visitorOf(ts)
	fields := url.Values{"form": {v.form}}
	for _, f := range args[2:] {
		name, value, _ := strings.Cut(f, "=")
		if file, ok := strings.CutPrefix(value, "@"); ok {
			value = ts.ReadFile(file)
		}
		fields.Add(name, value)
	}
	r, err := http.NewRequest(http.MethodPost, v.base+args[1], strings.NewReader(fields.Encode()))
	ts.Check(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", v.base)
	answer, err := v.http.Do(r)
	ts.Check(err)
	if got := v.keep(ts, answer); fmt.Sprint(got) != args[0] {
		ts.Fatalf("%s: %d, want %s:\n%s", args[1], got, args[0], ts.ReadFile("page.html"))
	}
}
