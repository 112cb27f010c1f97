package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/lambda"
)

// The test binary is the bootstrap program too: TestMain plays the part that PROGRAM names.
func TestMain(m *testing.M) {
	switch os.Getenv("PROGRAM") {
	case "":
		os.Exit(m.Run())
	case "init-exit":
		os.Exit(3)
	case "init-error":
		reportInitError()
	case "init-hang":
		time.Sleep(time.Hour)
	case "function":
		runtime.Start(play)
	case "stream":
		runtime.Start(playStream)
	}
}

func reportInitError() {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	_, _ = http.Post(url, "application/json", strings.NewReader(`{"errorType":"ConfigError","errorMessage":"TABLE_NAME is not set"}`))
	time.Sleep(time.Hour)
}

type request struct {
	Do string `json:"do"`
}

type brokenError struct{}

func (brokenError) Error() string { return "it is broken" }

var calls int

func play(ctx context.Context, r request) (any, error) {
	calls++
	switch r.Do {
	case "env":
		return os.Environ(), nil
	case "deadline":
		d, _ := ctx.Deadline()
		return d.UnixMilli(), nil
	case "error":
		return nil, &brokenError{}
	case "exit":
		os.Exit(7)
	case "panic":
		panic("no way")
	case "sleep":
		time.Sleep(time.Hour)
	case "log":
		fmt.Println("to stdout")
		fmt.Fprint(os.Stderr, "to stderr, unfinished")
		os.Exit(0)
	case "large":
		return strings.Repeat("x", lambda.MaxPayload), nil
	}
	return map[string]int{"pid": os.Getpid(), "calls": calls}, nil
}

type place struct {
	*lambda.Lambda
	clock *clock.Clock
	lines []lambda.Line
	mu    sync.Mutex
}

func start(t *testing.T, change func(*lambda.Function)) *place {
	t.Helper()
	coverage := t.TempDir() // else a child of a test run for coverage complains in its log
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{clock: clock.New(nil)}
	p.Lambda, err = lambda.New(lambda.Options{
		Clock: p.clock, RuntimeAddress: listener.Addr().String(), Endpoint: "http://127.0.0.1:1",
		Concurrency: 2, InitTimeout: 200 * time.Millisecond,
		Output: func(l lambda.Line) { p.mu.Lock(); defer p.mu.Unlock(); p.lines = append(p.lines, l) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: p.Handler()}}
	server.Start()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := lambda.Function{
		LogicalID: "InspectFunction", Name: "keyward-InspectFunction",
		ARN:  "arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction",
		Path: self, Timeout: 20 * time.Second, Environment: map[string]string{"PROGRAM": "function", "GOCOVERDIR": coverage},
		DeadLetter: "arn:aws:sqs:us-east-1:123456789012:dead",
	}
	if change != nil {
		change(&f)
	}
	if err := p.Create(f); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) invoke(t *testing.T, do string) lambda.Result {
	t.Helper()
	r, err := p.Invoke(context.Background(), "keyward-InspectFunction", []byte(`{"do":"`+do+`"}`))
	if err != nil {
		t.Fatalf("Invoke(%s) = %v", do, err)
	}
	return r
}

type identity struct{ PID, Calls int }

func who(t *testing.T, r lambda.Result) identity {
	t.Helper()
	var id identity
	if err := json.Unmarshal(r.Payload, &id); err != nil || r.FunctionError != "" {
		t.Fatalf("answer %s (%s): %v", r.Payload, r.FunctionError, err)
	}
	return id
}

func TestInvokeKeepsProcessesWarm(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	first, second := who(t, p.invoke(t, "")), who(t, p.invoke(t, ""))
	if first.PID != second.PID || second.Calls != 2 {
		t.Errorf("two calls in a row ran in %+v and %+v, want one warm process", first, second)
	}
	want := []lambda.Status{{LogicalID: "InspectFunction", Name: "keyward-InspectFunction", Invocations: 2, ColdStarts: 1, Warm: 1}}
	if diff := cmp.Diff(want, p.Functions()); diff != "" {
		t.Errorf("Functions() (-want +got):\n%s", diff)
	}
}

func TestInvokeByReference(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction"
	for _, tt := range []struct {
		reference string
		found     bool
	}{
		{"keyward-InspectFunction", true},
		{arn, true},
		{arn + ":$LATEST", true},
		{"123456789012:function:keyward-InspectFunction", true},
		{"function:keyward-InspectFunction", true},
		{"arn:aws:lambda:eu-west-1:123456789012:function:keyward-InspectFunction", false},
		{arn + ":live", false},
		{"InspectFunction", false},
	} {
		_, err := p.Invoke(context.Background(), tt.reference, nil)
		var missing *lambda.NotFoundError
		if found := !errors.As(err, &missing); found != tt.found || (found && err != nil) {
			t.Errorf("Invoke(%q) = %v, want found %t", tt.reference, err, tt.found)
		}
	}
}

func TestEnvironmentIsLambdasOwn(t *testing.T) {
	t.Parallel()
	p := start(t, func(f *lambda.Function) {
		f.Environment["TABLE_NAME"] = "keyward"
		f.MemoryMB = 256
		f.Credentials = lambda.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	})
	var list []string
	if err := json.Unmarshal(p.invoke(t, "env").Payload, &list); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, pair := range list {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	for name, want := range map[string]string{
		"TABLE_NAME": "keyward", "AWS_LAMBDA_FUNCTION_NAME": "keyward-InspectFunction", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_LAMBDA_LOG_FORMAT": "JSON",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		if env[name] != want {
			t.Errorf("%s = %q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{"GOPATH", "GOFLAGS", "USER", "PWD_OF_PARENT", "LOGNAME"} {
		if v, leaked := env[name]; leaked {
			t.Errorf("%s = %q came from this process", name, v)
		}
	}
	if env["HOME"] == os.Getenv("HOME") || !filepath.IsAbs(env["HOME"]) {
		t.Errorf("HOME = %q, want a folder of its own", env["HOME"])
	}
}

func TestDeadlineIsVirtual(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	if err := p.clock.Forward(context.Background(), 48*time.Hour); err != nil {
		t.Fatal(err)
	}
	before := p.clock.Now().Add(20 * time.Second).UnixMilli()
	var got int64
	if err := json.Unmarshal(p.invoke(t, "deadline").Payload, &got); err != nil {
		t.Fatal(err)
	}
	if after := p.clock.Now().Add(20 * time.Second).UnixMilli(); got < before || got > after {
		t.Errorf("deadline %d, want between %d and %d", got, before, after)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change        func(*lambda.Function)
		do            string
		kind, message string // message: what it must contain
	}{
		"handler's error":   {nil, "error", "brokenError", "it is broken"},
		"panic":             {nil, "panic", "string", "no way"},
		"crash":             {nil, "exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 7"},
		"quiet exit":        {nil, "log", "Runtime.ExitError", "Error: Runtime exited without providing a reason"},
		"answer too large":  {nil, "large", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291456 bytes)"},
		"timeout":           {func(f *lambda.Function) { f.Timeout = time.Second }, "sleep", "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds"},
		"init error":        {func(f *lambda.Function) { f.Environment["PROGRAM"] = "init-error" }, "", "ConfigError", "TABLE_NAME is not set"},
		"exit while init":   {func(f *lambda.Function) { f.Environment["PROGRAM"] = "init-exit" }, "", "Runtime.ExitError", "exit status 3"},
		"endless init":      {func(f *lambda.Function) { f.Environment["PROGRAM"], f.Timeout = "init-hang", time.Second }, "", "Sandbox.Timedout", "timed out after 1.00"},
		"no program at all": {func(f *lambda.Function) { f.Path = "/nonexistent/bootstrap" }, "", "Runtime.InvalidEntrypoint", "[/nonexistent/bootstrap]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, tt.change)
			r := p.invoke(t, tt.do)
			if r.FunctionError != "Unhandled" || r.ErrorType != tt.kind || !strings.Contains(r.ErrorMessage, tt.message) {
				t.Errorf("Invoke(%s) = %+v, want %s with %q", tt.do, r, tt.kind, tt.message)
			}
			if !strings.Contains(string(r.Payload), `"errorType":"`+tt.kind+`"`) {
				t.Errorf("payload %s does not name the error", r.Payload)
			}
		})
	}
}

func TestCrashedProcessIsReplaced(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	before := who(t, p.invoke(t, ""))
	p.invoke(t, "exit")
	p.invoke(t, "panic") // answers, and ends only then
	after := who(t, p.invoke(t, ""))
	if before.PID == after.PID || after.Calls != 1 {
		t.Errorf("after a crash ran %+v, before it %+v; want a new process", after, before)
	}
}

func TestConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { p.invoke(t, "") })
	}
	wg.Wait()
	if s := p.Functions()[0]; s.Invocations != 8 || s.ColdStarts > 2 || s.Warm > 2 {
		t.Errorf("eight calls at once: %+v, want at most two processes", s)
	}
}

func TestCallerMayGoAway(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.Invoke(ctx, "keyward-InspectFunction", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Invoke = %v, want the context's error", err)
	}
	if err := p.clock.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if s := p.Functions()[0]; s.Invocations != 1 {
		t.Errorf("%d invocations, want the one to go on without its caller", s.Invocations)
	}
}

func TestAsyncRetriesThenDeadLetter(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	begin := p.clock.Now()
	p.InvokeAsync("keyward-InspectFunction", []byte(`{"do":"error"}`))
	if err := p.clock.Forward(context.Background(), 59*time.Second); err != nil {
		t.Fatal(err)
	}
	if s := p.Functions()[0]; s.Invocations != 1 {
		t.Errorf("%d attempts within a minute, want 1", s.Invocations)
	}
	if err := p.clock.Forward(context.Background(), 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	letters := p.DeadLetters()
	if len(letters) != 1 {
		t.Fatalf("dead letters %v, want one", letters)
	}
	l := letters[0]
	if l.Attempts != 3 || l.ErrorType != "brokenError" || l.Queue != "arn:aws:sqs:us-east-1:123456789012:dead" || string(l.Payload) != `{"do":"error"}` {
		t.Errorf("dead letter %+v", l)
	}
	if waited := l.Time.Sub(begin); waited < 3*time.Minute {
		t.Errorf("given up after %s, want three minutes", waited)
	}
}

func TestAsyncWithoutRetries(t *testing.T) {
	t.Parallel()
	none := 0
	p := start(t, func(f *lambda.Function) { f.Retries = &none })
	p.InvokeAsync("keyward-InspectFunction", []byte(`{"do":"error"}`))
	p.InvokeAsync("keyward-InspectFunction", nil)
	p.InvokeAsync("nobody", nil)
	if err := p.clock.Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range p.DeadLetters() {
		got = append(got, fmt.Sprint(l.Function, " ", l.Attempts, " ", l.ErrorType))
	}
	want := []string{"nobody 0 ResourceNotFoundException", "InspectFunction 1 brokenError"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
	if _, err := json.Marshal(p.DeadLetters()); err != nil {
		t.Errorf("dead letters cannot be shown: %v", err)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	p.invoke(t, "log")
	var got []string
	for _, l := range p.Logs("InspectFunction") {
		got = append(got, l.Text)
	}
	if diff := cmp.Diff([]string{"to stdout", "to stderr, unfinished"}, got); diff != "" {
		t.Errorf("Logs (-want +got):\n%s", diff)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.lines) != 2 {
		t.Errorf("Output saw %d lines, want 2", len(p.lines))
	}
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	id := who(t, p.invoke(t, ""))
	failed := make(chan error)
	go func() {
		_, err := p.Invoke(context.Background(), "keyward-InspectFunction", []byte(`{"do":"sleep"}`))
		failed <- err
	}()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("an invocation in flight ended with %v, want ErrClosed", err)
	}
	if _, err := os.Stat(fmt.Sprintf("/proc/%d", id.PID)); err == nil {
		t.Errorf("process %d is still there", id.PID)
	}
	if _, err := p.Invoke(context.Background(), "keyward-InspectFunction", nil); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("Invoke after Close = %v, want ErrClosed", err)
	}
}

func TestNewAndCreateRefuse(t *testing.T) {
	t.Parallel()
	if _, err := lambda.New(lambda.Options{}); err == nil {
		t.Error("New without a clock = nil, want an error")
	}
	p := start(t, nil)
	for name, f := range map[string]lambda.Function{
		"no name":       {ARN: "arn", Path: "/bootstrap"},
		"relative path": {Name: "f", ARN: "arn", Path: "bootstrap"},
		"twice":         {Name: "keyward-InspectFunction", ARN: "arn", Path: "/bootstrap"},
	} {
		if err := p.Create(f); err == nil {
			t.Errorf("Create with %s = nil, want an error", name)
		}
	}
}

func TestRuntimeAPIIsClosed(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/runtime/guess/2018-06-01/runtime/invocation/next", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("GET next with a guessed secret = %d, want 403", w.Code)
	}
}
