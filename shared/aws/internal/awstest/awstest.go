// Package awstest is AWS for the tests of the adapters: the services of keyward local behind one server
// on 127.0.0.1, reached by the real SDK clients. It records what was on the wire, and answers with
// errors, silence or half an answer when a test wants that. Only tests import it.
package awstest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

// AWS's documented examples.
const (
	Account  = "123456789012"
	Region   = "us-east-1"
	Machine  = "i-1234567890abcdef0"
	Other    = "i-0598c7d356eba48d7"
	Session  = "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0"
	Function = "arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction"
	Role     = "arn:aws:iam::123456789012:role/keyward"
)

// Noon is when a place begins.
var Noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Call is one call as it came, before it was answered.
type Call struct {
	Operation string
	Input     map[string]any // what was sent, in AWS's names
	Raw       string         // the body as it came
	Header    http.Header
}

// Place is one Region with nothing in it but what the test registers.
type Place struct {
	Clock  *clock.Clock // stands at Noon until it is moved
	Config aws.Config   // of a person with all rights; calls are not repeated

	t    testing.TB
	url  string
	keys *wire.Credentials
	wire *wire.Server

	mu     sync.Mutex
	calls  []Call
	refuse map[string][]*wire.Error // by operation, in turn; the last one stays
	lose   string                   // the operation whose next answer gets lost
}

// New begins a place. It ends with the test.
func New(t testing.TB) *Place {
	t.Helper()
	p := &Place{
		t: t, Clock: clock.New(func() time.Time { return Noon }),
		keys: wire.NewCredentials(Region, nil), refuse: map[string][]*wire.Error{},
	}
	p.wire = wire.New(wire.Config{Credentials: p.keys, Now: p.Clock.Now, Intercept: p.intercept})
	server := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(server.Close)
	p.url = server.URL
	p.Config = p.As(wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::" + Account + ":user/operator", Account: Account}, p.url)
	return p
}

// Register adds a service.
func (p *Place) Register(s wire.Service) {
	p.t.Helper()
	if err := p.wire.Register(s); err != nil {
		p.t.Fatal(err)
	}
}

// As is the configuration of somebody else, or of one who finds AWS elsewhere. Calls are not repeated.
func (p *Place) As(who wire.Principal, url string) aws.Config {
	k := p.keys.Issue(who)
	return aws.Config{
		Region: Region, BaseEndpoint: &url, HTTPClient: wiretest.Client(),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken),
	}
}

// Patient is Config with calls that are tried up to five times, at once.
func (p *Place) Patient() aws.Config {
	cfg := p.Config.Copy()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 5
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return cfg
}

func (p *Place) intercept(_ context.Context, r *wire.Request) *wire.Error {
	c := Call{Operation: r.Operation, Raw: string(r.Raw), Header: r.HTTP.Header.Clone()}
	if err := json.Unmarshal(r.Body, &c.Input); err != nil {
		p.t.Errorf("reading the input of %s: %v", r.Operation, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	refusals := p.refuse[r.Operation]
	if len(refusals) == 0 {
		return nil
	}
	if len(refusals) > 1 {
		p.refuse[r.Operation] = refusals[1:]
	}
	return refusals[0]
}

// Refuse has the calls of an operation answered with these errors in turn, and with the last one from
// then on; nil lets a call pass.
func (p *Place) Refuse(operation string, with ...*wire.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse[operation] = with
}

// Lose has the next call of an operation carried out and its answer lost. It knows the operations of the
// JSON protocols.
func (p *Place) Lose(operation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = operation
}

func (p *Place) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	lost := operation != "" && operation == p.lose
	if lost {
		p.lose = ""
	}
	p.mu.Unlock()
	if !lost {
		p.wire.ServeHTTP(w, r)
		return
	}
	p.wire.ServeHTTP(httptest.NewRecorder(), r)
	hijack(w, "")
}

// Calls are the calls since the last Calls, in order.
func (p *Place) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	calls := p.calls
	p.calls = nil
	return calls
}

// Operations are the names of the calls since the last Calls, in order.
func (p *Place) Operations() []string {
	var names []string
	for _, c := range p.Calls() {
		names = append(names, c.Operation)
	}
	return names
}

// Only is the one call since the last Calls.
func (p *Place) Only() Call {
	p.t.Helper()
	calls := p.Calls()
	if len(calls) != 1 {
		p.t.Fatalf("calls = %v, want one", calls)
	}
	return calls[0]
}

// Settle waits until everything that belongs to this instant is done.
func (p *Place) Settle() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // a test's own context ends before its cleanup
	defer cancel()
	if err := p.Clock.Settle(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// Forward moves the clock.
func (p *Place) Forward(d time.Duration) {
	p.t.Helper()
	if err := p.Clock.Forward(p.t.Context(), d); err != nil {
		p.t.Fatal(err)
	}
}
