package bench_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyward/keyward/local/stack"
)

// parameters of the template that have no default.
var parameters = map[string]string{"SenderAddress": "keyward@example.com", "AccountContact": "ops@example.com"}

// BenchmarkInit is, for each function, how long its program needs from its start until it asks Lambda's
// Runtime API for its first event.
func BenchmarkInit(b *testing.B) {
	s, err := stack.Load(built(b, "template.yaml"), stack.Options{Parameters: parameters})
	if err != nil {
		b.Fatal(err)
	}
	api := newRuntimeAPI(b)
	for _, f := range s.Functions {
		b.Run(functionName(f), func(b *testing.B) { benchmarkInit(b, api, f, built(b, "build", f.LogicalID, "bootstrap")) })
	}
}

func functionName(f stack.Function) string {
	return strings.ToLower(strings.TrimSuffix(f.LogicalID, "Function"))
}

func benchmarkInit(b *testing.B, api *runtimeAPI, f stack.Function, program string) {
	info, err := os.Stat(program)
	if err != nil {
		b.Fatal(err)
	}
	api.start(b, f, program) // the first one reads the program from disk
	var walls, cpus []time.Duration
	for b.Loop() {
		wall, cpu := api.start(b, f, program)
		walls, cpus = append(walls, wall), append(cpus, cpu)
	}
	for len(walls) < leastStarts {
		wall, cpu := api.start(b, f, program)
		walls, cpus = append(walls, wall), append(cpus, cpu)
	}
	b.ReportMetric(float64(median(walls))/1e6, "median-ms/op")
	b.ReportMetric(float64(median(cpus))/1e6, "cpu-ms/op")
	more := fmt.Sprintf("CPU %s, %.1f MB, median of %d", short(median(cpus)), float64(info.Size())/1e6, len(walls))
	figures.took("start of "+functionName(f), median(walls), aimOfInit(f), more)
	figures.note("start: from the fork to the first GET of the Runtime API's next, with the program in the page cache.")
}

func aimOfInit(f stack.Function) time.Duration {
	switch functionName(f) {
	case "revoke":
		return aimInitRevoke
	case "evaluate", "api":
		return aimInitWithRules
	default:
		return aimInit
	}
}

const (
	leastStarts = 20
	patience    = 10 * time.Second // Lambda's own, for a program's start
)

// runtimeAPI is as much of Lambda's Runtime API as a program sees before its first event.
type runtimeAPI struct {
	address string
	asked   chan time.Time
}

func newRuntimeAPI(b *testing.B) *runtimeAPI {
	api := &runtimeAPI{asked: make(chan time.Time, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(_ http.ResponseWriter, r *http.Request) {
		api.asked <- time.Now()
		<-r.Context().Done() // no event ever comes
	})
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	api.address = server.Listener.Addr().String()
	return api
}

// start starts a program, waits until it asks for an event and ends it.
func (api *runtimeAPI) start(b *testing.B, f stack.Function, program string) (wall, cpu time.Duration) {
	b.Helper()
	var said bytes.Buffer
	cmd := exec.Command(program)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = filepath.Dir(program), environment(f, api.address), &said, &said
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, or what it said is shown
		close(ended)
	}()
	var at time.Time
	select {
	case at = <-api.asked:
	case <-ended:
	case <-time.After(patience):
	}
	_ = cmd.Process.Kill() // one that ended by itself is told below
	<-ended
	if at.IsZero() {
		b.Fatalf("%s did not ask for an event within %s; it said %q", f.LogicalID, patience, said.String())
	}
	return at.Sub(begin), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}

// environment is what Lambda gives the program, as keyward local does.
func environment(f stack.Function, runtimeAPI string) []string {
	env := []string{
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
		"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ENDPOINT_URL=http://" + runtimeAPI, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/nonexistent/config", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent/credentials",
		"AWS_LAMBDA_FUNCTION_NAME=" + f.Name, fmt.Sprint("AWS_LAMBDA_FUNCTION_MEMORY_SIZE=", f.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + f.Name, "AWS_LAMBDA_LOG_STREAM_NAME=bench",
		"AWS_LAMBDA_RUNTIME_API=" + runtimeAPI, "_HANDLER=bootstrap", "TZ=:UTC",
	}
	for name, value := range f.Environment {
		env = append(env, name+"="+value)
	}
	return env
}
