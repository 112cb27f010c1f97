package sfnflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/sfnflow"
	"github.com/keyward/keyward/shared/fault"
)

const (
	machine   = "arn:aws:states:us-east-1:123456789012:stateMachine:keyward"
	execution = awstest.Machine + "-3-enforce-1"
)

var begun = json.RawMessage(`{"version":1,"fail":false}`)

func begin(t *testing.T) (*awstest.Place, *sfnflow.Client) {
	t.Helper()
	p := awstest.New(t)
	s := sfn.New(sfn.Options{Clock: p.Clock, Region: awstest.Region, Account: awstest.Account,
		Invoke: func(context.Context, string, string, []byte) (sfn.Result, error) {
			return sfn.Result{}, errors.New("none")
		}})
	t.Cleanup(s.Close)
	definition := `{"StartAt":"Wait","States":{"Wait":{"Type":"Wait","Seconds":60,"Next":"Choose"},
		"Choose":{"Type":"Choice","Choices":[{"Variable":"$.fail","BooleanEquals":true,"Next":"Fail"}],"Default":"Done"},
		"Fail":{"Type":"Fail","Error":"Broken"},"Done":{"Type":"Succeed"}}}`
	if arn, err := s.CreateStateMachine("keyward", awstest.Role, []byte(definition)); err != nil || arn != machine {
		t.Fatalf("CreateStateMachine = %s, %v, want %s", arn, err, machine)
	}
	p.Register(s.Service())
	return p, sfnflow.New(p.Config, machine)
}

func TestStartOnTheWire(t *testing.T) {
	t.Parallel()
	p, client := begin(t)
	if err := client.Start(t.Context(), execution, begun); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"StateMachineArn": machine, "Name": execution, "Input": string(begun)}
	got := p.Only().Input
	if diff := cmp.Diff(want, map[string]any{"StateMachineArn": got["stateMachineArn"], "Name": got["name"], "Input": got["input"]}); diff != "" {
		t.Errorf("StartExecution on the wire (-want +got):\n%s", diff)
	}
}

func TestAnExecutionIsStartedOnce(t *testing.T) {
	t.Parallel()
	p, client := begin(t)
	start := func(input json.RawMessage) error { return client.Start(t.Context(), execution, input) }
	if err := start(begun); err != nil {
		t.Fatal(err)
	}
	if err := start(begun); err != nil {
		t.Errorf("Start of what runs with the same input = %v, want success", err)
	}
	awstest.Wrapped(t, start(json.RawMessage(`{"version":1,"fail":true}`)), fault.Conflict, "starting execution "+execution+": ExecutionAlreadyExists")
	p.Forward(2 * time.Minute)
	awstest.Wrapped(t, start(begun), fault.Conflict, "ExecutionAlreadyExists")
}

func TestStatus(t *testing.T) {
	t.Parallel()
	p, client := begin(t)
	for name, input := range map[string]string{"fails": `{"fail":true}`, "succeeds": `{"fail":false}`} {
		if err := client.Start(t.Context(), name, json.RawMessage(input)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(name, status string) {
		t.Helper()
		if got, err := client.Status(t.Context(), name); err != nil || got != status {
			t.Errorf("Status(%s) = %q, %v, want %s", name, got, err, status)
		}
	}
	want("fails", "RUNNING")
	p.Forward(2 * time.Minute)
	want("fails", "FAILED")
	want("succeeds", "SUCCEEDED")
	_, err := client.Status(t.Context(), "never")
	awstest.Wrapped(t, err, fault.NotFound, "asking for execution never: ExecutionDoesNotExist")
	if err := client.Start(t.Context(), execution, json.RawMessage(`{`)); !fault.Is(err, fault.Invalid) {
		t.Errorf("Start with what is no JSON = %v, want Invalid", err)
	}
}

func TestStatusOfWhatIsNoStateMachine(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	for _, arn := range []string{"", "keyward", machine + ":1"} {
		_, err := sfnflow.New(p.Config, arn).Status(t.Context(), execution)
		awstest.Wrapped(t, err, fault.Internal, "")
	}
	if calls := p.Calls(); len(calls) != 0 {
		t.Errorf("calls = %v, want none", calls)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	p, _ := begin(t)
	p.Mapped(t, "StartExecution", map[string]fault.Kind{
		"ExecutionAlreadyExists": fault.Conflict, "StateMachineDoesNotExist": fault.NotFound, "ExecutionLimitExceeded": fault.Transient,
		"InvalidArn": fault.Invalid, "InvalidName": fault.Invalid, "InvalidExecutionInput": fault.Invalid, "KmsThrottlingException": fault.Transient,
	}, func(ctx context.Context, cfg aws.Config) error {
		return sfnflow.New(cfg, machine).Start(ctx, execution, begun)
	})
	p.Mapped(t, "DescribeExecution", map[string]fault.Kind{"ExecutionDoesNotExist": fault.NotFound}, func(ctx context.Context, cfg aws.Config) error {
		_, err := sfnflow.New(cfg, machine).Status(ctx, execution)
		return err
	})
}
