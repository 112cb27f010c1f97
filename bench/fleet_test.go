package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/shared/aws/store"
	"github.com/keyward/keyward/shared/inspection"
	"github.com/keyward/keyward/shared/policy"
	"github.com/keyward/keyward/shared/record"
)

const (
	fleetSize  = 1000
	answersIn  = 300 * time.Millisecond // of a machine: more than the inspection of a plain server needs
	fleetTakes = 10 * time.Minute       // at most, on a host that does much else
)

const fleetPolicy = `policy: bench
machines: {tags: {tier: web}}
rules:
  - rule: a supported system
    any:
      - os: {is: debian, version: ">= 12"}
      - os: {is: amzn, version: ">= 2023"}
  - rule: ossec up and current
    product: {is: ossec, state: running, version: ">= 3.7.0"}
  - rule: no plain web
    ports: {closed: [tcp/80, tcp/8000-8100], loopback: ignore}
requests: {onPass: approve, onFail: deny, onUnknown: hold}
integrity:
  onFail: revoke
  grace: 4h
  key: {mode: revoke-grant}
notify: {to: [ops@example.com]}
`

// fleet is a running place with machines that answer as guests do.
type fleet struct {
	server *local.Server
	config aws.Config
	store  *store.Store
	guest  atomic.Pointer[guest] // what every machine is
	failed atomic.Pointer[error] // of a guest that could not make its line
}

// checked is what one check of a fleet was.
type checked struct {
	wall, cpu      time.Duration
	calls          map[string]int
	judged, passed int
	starts, errors int // of functions
}

// BenchmarkFleet is one check of 1,000 simulated machines in keyward local by the real programs: of
// plain servers, and of servers whose line is too long to be read from the list of answers.
func BenchmarkFleet(b *testing.B) {
	built(b, "build", "EvaluateFunction", "bootstrap")
	b.Run("plain", func(b *testing.B) { benchmarkFleet(b, "plain", loadGuest(b, plainServer)) })
	b.Run("long", func(b *testing.B) { benchmarkFleet(b, "long", loadGuest(b, webServer)) })
}

func benchmarkFleet(b *testing.B, name string, g guest) {
	line, err := g.line(nonce, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	var c checked
	for b.Loop() {
		b.StopTimer()
		before := cpu(b, syscall.RUSAGE_CHILDREN)
		f := startFleet(b, g, nil)
		f.enrol(b)
		f.server.ResetCalls()
		b.StartTimer()
		c = f.check(b)
		b.StopTimer()
		f.close(b)
		c.cpu = cpu(b, syscall.RUSAGE_CHILDREN) - before
		b.StartTimer()
	}
	ssm, dynamodb := sum(c.calls, "ssm."), sum(c.calls, "dynamodb.")
	b.ReportMetric(float64(ssm), "ssm-calls/op")
	b.ReportMetric(float64(dynamodb), "dynamodb-calls/op")
	b.ReportMetric(c.cpu.Seconds(), "cpu-s/op")
	what := fmt.Sprintf("check of %d machines, %s lines: ", fleetSize, name)
	figures.counted(what+"SSM calls", ssm, aimFleetSSM, fmt.Sprintf("%d characters a line", len(line)-1))
	figures.counted(what+"DynamoDB calls", dynamodb, 0, "")
	figures.took(what+"CPU of the functions", c.cpu, aimFleetCPU, fmt.Sprintf("with %d starts; %d errors", c.starts, c.errors))
	figures.took(what+"wall", c.wall, 0, fmt.Sprintf("%d judged, %d of them Pass", c.judged, c.passed))
	figures.note("check: by the programs in keyward local, which shares the cores with them; a machine answers after %s.", answersIn)
	figures.note("calls of the check, %s lines: %s.", name, list(c.calls))
}

// startFleet starts a place whose machines are all alike, with parameters of the template that differ from its defaults.
func startFleet(b *testing.B, g guest, parameters map[string]string) *fleet {
	b.Helper()
	f := &fleet{}
	f.guest.Store(&g)
	answer := func(_ string, parameters map[string][]string) string {
		time.Sleep(answersIn)
		line, err := f.guest.Load().line(parameters["Nonce"][0], f.server.Clock().Now())
		if err != nil {
			f.failed.Store(&err)
		}
		return line
	}
	var machines []local.Machine
	for n := range fleetSize {
		machines = append(machines, local.Machine{ID: fleetID(n), Answer: answer, Tags: map[string]string{"keyward:guarded": "true"}})
	}
	var err error
	f.server, err = local.Start(b.Context(), local.Options{
		Template: filepath.Join(home, "template.yaml"), Build: filepath.Join(home, "build"), Addr: "127.0.0.1:0", Machines: machines,
		Parameters: parameters,
	})
	if err != nil {
		b.Fatal(err)
	}
	k := f.server.Credentials()
	f.config = aws.Config{
		Region: f.server.Region(), BaseEndpoint: aws.String(f.server.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken),
	}
	f.store = store.New(f.config, f.server.Status().Outputs["TableName"], local.Account, f.server.Region())
	return f
}

func (f *fleet) close(b *testing.B) {
	b.Helper()
	if err := f.server.Close(); err != nil {
		b.Fatal(err)
	}
}

func fleetID(n int) string { return fmt.Sprintf("i-%017x", n+1) }

// enrol writes the policy and the machines as api does.
func (f *fleet) enrol(b *testing.B) {
	b.Helper()
	now := f.server.Clock().Now()
	if _, err := f.store.PutPolicy(b.Context(), record.Policy{Name: "bench", Text: fleetPolicy, PutAt: now, PutBy: "bench"}); err != nil {
		b.Fatal(err)
	}
	for n := range fleetSize {
		id := fleetID(n)
		_, err := f.store.Apply(b.Context(), store.Change{At: now, Machine: record.Machine{
			ID: id, Policy: "bench", EnrolledAt: now, EnrolledBy: "bench", Owner: "owner@example.com",
			SessionARN: "arn:aws:sts::123456789012:assumed-role/keyward-machine/" + id,
			Key:        record.Key{ARN: "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", Mode: policy.RevokeGrant},
		}})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// check asks for an inspection of the whole policy and waits until all that follows from it is done.
func (f *fleet) check(b *testing.B) checked {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), fleetTakes)
	defer cancel()
	payload, err := json.Marshal(inspection.Request{Version: inspection.Version, Purpose: record.Scheduled, Policy: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	out, err := lambda.NewFromConfig(f.config).Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("keyward-InspectFunction"), Payload: payload})
	if err != nil {
		b.Fatal(err)
	}
	if out.FunctionError != nil {
		b.Fatalf("inspect failed: %s", out.Payload)
	}
	if err := f.server.Clock().Settle(ctx); err != nil {
		b.Fatal(err)
	}
	c := checked{wall: time.Since(begin), calls: f.server.Calls()}
	delete(c.calls, "lambda.Invoke") // our own
	for _, s := range f.server.Status().Functions {
		c.starts, c.errors = c.starts+s.ColdStarts, c.errors+s.Errors
	}
	if err := f.failed.Load(); err != nil {
		b.Fatal(*err)
	}
	machines, err := f.store.Machines(ctx)
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range machines {
		switch m.State.LastVerdict {
		case "":
			continue
		case policy.Pass.String():
			c.passed++
		}
		c.judged++
	}
	if c.judged == 0 {
		b.Fatal("no machine was judged")
	}
	return c
}

func sum(calls map[string]int, prefix string) int {
	total := 0
	for name, n := range calls {
		if strings.HasPrefix(name, prefix) {
			total += n
		}
	}
	return total
}

func list(calls map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		parts = append(parts, fmt.Sprintf("%s %d", name, calls[name]))
	}
	return strings.Join(parts, ", ")
}
