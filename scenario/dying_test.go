package scenario_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dieOnTheWay is the program of a function that crashes where a scenario wants it to. It runs the real
// program behind a proxy of its AWS calls; when the call that the file "plan" beside it names comes, both
// die at once: before AWS has the call, or after AWS carried it out and before the program knows. The
// plan is "OPERATION before|after N", N being which of such calls; the operation write is any write to
// DynamoDB.
func dieOnTheWay() int {
	dir := filepath.Dir(os.Args[0])
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	target, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil {
		fmt.Println(err)
		return 1
	}
	c := exec.Command(filepath.Join(dir, "real"))
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://"+listener.Addr().String())
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	die := func() {
		c.Process.Kill()
		os.Exit(1)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode < 300 && due(dir, r.Request, "after") {
				die()
			}
			return nil
		},
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if due(dir, r, "before") {
			die()
		}
		proxy.ServeHTTP(w, r)
	}))
	if err := c.Run(); err != nil {
		return 1
	}
	return 0
}

// due says whether the plan is about this call, and is carried out by that.
func due(dir string, r *http.Request, when string) bool {
	plan := filepath.Join(dir, "plan")
	text, err := os.ReadFile(plan)
	if err != nil {
		return false
	}
	var operation, planned string
	var n int
	if _, err := fmt.Sscan(string(text), &operation, &planned, &n); err != nil || planned != when {
		return false
	}
	if !is(operation, strings.TrimSuffix(r.Header.Get("X-Amz-Target")+r.URL.Path, "/")) {
		return false
	}
	if n < 0 {
		return true
	}
	if n > 1 {
		os.WriteFile(plan, fmt.Appendf(nil, "%s %s %d", operation, planned, n-1), 0o600) // if it fails, the scenario does
		return false
	}
	return os.Remove(plan) == nil
}

func is(operation, call string) bool {
	if operation != "write" {
		return strings.HasSuffix(call, operation)
	}
	return strings.HasPrefix(call, "DynamoDB_") && (strings.HasSuffix(call, "Item") && !strings.HasSuffix(call, "GetItem") || strings.HasSuffix(call, "TransactWriteItems"))
}

// mortal is a folder of programs in which one function can be made to crash.
func mortal(t *testing.T, function string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, logical := range functions {
		links := map[string]string{filepath.Join(dir, logical+"Function"): filepath.Join(built, logical+"Function")}
		if logical == function {
			own := filepath.Join(dir, logical+"Function")
			if err := os.Mkdir(own, 0o700); err != nil {
				t.Fatal(err)
			}
			links = map[string]string{
				filepath.Join(own, "bootstrap"): self, filepath.Join(own, "real"): filepath.Join(built, logical+"Function", "bootstrap"),
			}
		}
		for link, to := range links {
			if err := os.Symlink(to, link); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// point is where a function dies.
type point struct {
	function, operation, when string
	n                         int // which of such calls; 0 is the first, -1 every one until it is spared
}

func (p point) String() string {
	return fmt.Sprintf("%s dies %s %s %d", p.function, p.when, p.operation, p.which())
}

func (p point) which() int {
	if p.n == 0 {
		return 1
	}
	return p.n
}

// crash plans the next death.
func (w *world) crash(p point) {
	w.t.Helper()
	if err := os.WriteFile(w.plan(p), fmt.Appendf(nil, "%s %s %d", p.operation, p.when, p.which()), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// spare ends a plan that is carried out again and again.
func (w *world) spare(p point) {
	w.t.Helper()
	if err := os.Remove(w.plan(p)); err != nil {
		w.t.Fatal(err)
	}
}

// wantCrashed is that the planned death came.
func (w *world) wantCrashed(p point) {
	w.t.Helper()
	if _, err := os.Stat(w.plan(p)); err == nil {
		w.t.Fatalf("%s: it did not", p)
	}
}

func (w *world) plan(p point) string {
	return filepath.Join(w.setup.build, p.function+"Function", "plan")
}
