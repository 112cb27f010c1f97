package sfn_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// world is an SFN on virtual time, seen through the real SDK. Functions are Go functions by name.
type world struct {
	*sfn.SFN
	clock *clock.Clock
	api   *sdk.Client

	mu        sync.Mutex
	functions map[string]func(ctx context.Context, payload string) (sfn.Result, error)
	calls     []call
}

type call struct {
	function, payload string
	at                time.Duration // since start
}

func newWorld(t *testing.T) *world { return worldFor(t, wire.Operator) }

func worldFor(t *testing.T, caller wire.Kind) *world {
	t.Helper()
	w := &world{
		clock:     clock.New(func() time.Time { return start }),
		functions: map[string]func(context.Context, string) (sfn.Result, error){},
	}
	w.SFN = sfn.New(sfn.Options{
		Clock: w.clock, Region: "us-east-1", Account: "123456789012", Invoke: w.invoke, Random: func() float64 { return 0.5 },
	})
	registry := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: registry})
	if err := server.Register(w.Service()); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	key := registry.Issue(wire.Principal{Kind: caller, ARN: "arn:aws:iam::123456789012:user/" + string(caller), Account: "123456789012"})
	w.api = sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(h.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
	})
	return w
}

func (w *world) invoke(ctx context.Context, _, function string, payload []byte) (sfn.Result, error) {
	w.mu.Lock()
	w.calls = append(w.calls, call{function, string(payload), w.clock.Now().Sub(start)})
	f := w.functions[function]
	w.mu.Unlock()
	if f == nil {
		return sfn.Result{}, errors.New("function not found: " + function)
	}
	return f(ctx, string(payload))
}

// answering is a function that answers these JSON texts one after the other, the last one for ever. A
// text that begins with ! is the name of an error.
func (w *world) answering(name string, answers ...string) {
	w.functions[name] = func(context.Context, string) (sfn.Result, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		answer := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		if answer[0] == '!' {
			return sfn.Result{
				Payload: fmt.Appendf(nil, `{"errorMessage":"m","errorType":%q}`, answer[1:]), FunctionError: "Unhandled", ErrorType: answer[1:], ErrorMessage: "m",
			}, nil
		}
		return sfn.Result{Payload: []byte(answer)}, nil
	}
}

// machine creates a state machine of these states, the first of which is A.
func (w *world) machine(t *testing.T, states string) string {
	t.Helper()
	arn, err := w.CreateStateMachine("m", "arn:aws:iam::123456789012:role/r", []byte(`{"StartAt":"A","States":{`+states+`}}`))
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

func task(function, more string) string {
	return `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"` + function + `","Payload.$":"$"}` + more + `}`
}

func (w *world) start(t *testing.T, machine, name, input string) string {
	t.Helper()
	out, err := w.api.StartExecution(t.Context(), &sdk.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	if err != nil {
		t.Fatalf("StartExecution: %v", err)
	}
	return *out.ExecutionArn
}

func (w *world) forward(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.clock.Forward(ctx, d); err != nil {
		t.Fatalf("Forward: %v", err)
	}
}

func (w *world) describe(t *testing.T, arn string) *sdk.DescribeExecutionOutput {
	t.Helper()
	out, err := w.api.DescribeExecution(t.Context(), &sdk.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatalf("DescribeExecution: %v", err)
	}
	return out
}

// play starts one execution, lets a virtual day pass and says how it ended.
func (w *world) play(t *testing.T, machine, input string) *sdk.DescribeExecutionOutput {
	t.Helper()
	arn := w.start(t, machine, "one", input)
	w.forward(t, 24*time.Hour)
	return w.describe(t, arn)
}

func (w *world) history(t *testing.T, arn string) []types.HistoryEvent {
	t.Helper()
	var events []types.HistoryEvent
	pages := sdk.NewGetExecutionHistoryPaginator(w.api, &sdk.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("GetExecutionHistory: %v", err)
		}
		events = append(events, page.Events...)
	}
	return events
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func compact(t *testing.T, text *string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(aws.ToString(text)), &v); err != nil {
		t.Fatalf("reading %s: %v", aws.ToString(text), err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
