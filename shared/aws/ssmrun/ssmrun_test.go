package ssmrun_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/shared/aws/internal/awstest"
	"github.com/keyward/keyward/shared/aws/ssmrun"
	"github.com/keyward/keyward/shared/fault"
	"github.com/keyward/keyward/shared/inspection"
)

const (
	name   = "keyward-inspect"
	nobody = "12345678-1234-1234-1234-123456789012"
	first  = `{"schemaVersion":"2.2","parameters":{"Nonce":{"type":"String","allowedPattern":"^[0-9a-f]{32}$"}},"mainSteps":[` +
		`{"action":"aws:runShellScript","name":"look","precondition":{"StringEquals":["platformType","Linux"]},"inputs":{"timeoutSeconds":60,"runCommand":["echo {{ Nonce }}"]}}]}`
)

var (
	second = strings.Replace(first, "echo", "printf %s", 1)
	nonce  = strings.Repeat("0123456789abcdef", 2)
)

type place struct {
	*awstest.Place
	ssm    *ssm.SSM
	client *ssmrun.Client
	silent map[string]bool
}

func begin(t *testing.T) *place {
	t.Helper()
	p := &place{Place: awstest.New(t), silent: map[string]bool{}}
	p.ssm = ssm.New(ssm.Options{Clock: p.Clock, Account: awstest.Account, Region: awstest.Region, TempDir: t.TempDir(),
		Silent: func(id string) bool { return p.silent[id] }})
	t.Cleanup(p.ssm.Close)
	p.Register(p.ssm.Service())
	p.client = ssmrun.New(p.Config)
	p.put(t, first)
	return p
}

func (p *place) put(t *testing.T, content string) {
	t.Helper()
	if _, err := p.ssm.PutDocument(ssm.Document{Name: name, Content: content, UpdateMethod: "NewVersion"}); err != nil {
		t.Fatal(err)
	}
}

// node registers a machine that prints text.
func (p *place) node(t *testing.T, id, text string) {
	t.Helper()
	n := ssm.Node{ID: id, Answer: func(string, map[string][]string) string { return text }}
	if err := p.ssm.PutNode(n); err != nil {
		t.Fatal(err)
	}
}

func (p *place) document(t *testing.T) inspection.Document {
	t.Helper()
	d, err := p.client.Document(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	p.Calls()
	return d
}

func (p *place) send(t *testing.T, machines ...string) string {
	t.Helper()
	id, err := p.client.Send(t.Context(), p.document(t), machines, map[string]string{"Nonce": nonce}, "Keyward look")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func id(n int) string { return fmt.Sprintf("i-%017x", n) }

func TestOnline(t *testing.T) {
	t.Parallel()
	p := begin(t)
	var all []string
	for n := range 50 {
		all = append(all, id(n))
		node := ssm.Node{ID: id(n)}
		if n%2 == 1 {
			node.PingStatus, node.LastPing = "ConnectionLost", awstest.Noon.Add(-time.Hour)
		}
		if n == 48 {
			continue // not registered
		}
		if err := p.ssm.PutNode(node); err != nil {
			t.Fatal(err)
		}
	}
	p.node(t, awstest.Machine, "") // not asked for
	got, err := p.client.Online(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		if want := n%2 == 0 && n != 48; got[id(n)] != want {
			t.Errorf("Online[%s] = %v, want %v", id(n), got[id(n)], want)
		}
	}
	if _, there := got[awstest.Machine]; there {
		t.Errorf("Online says something of %s, which was not asked for", awstest.Machine)
	}
}

// AWS takes a filter without values for an error; nobody is asked about no machines.
func TestOnlineOfNobody(t *testing.T) {
	t.Parallel()
	p := begin(t)
	got, err := p.client.Online(t.Context(), nil)
	if err != nil || len(got) != 0 || len(p.Calls()) != 0 {
		t.Errorf("Online of nobody = %v, %v, want nothing and no call", got, err)
	}
}

func TestInvocations(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "fine\n")
	p.node(t, awstest.Other, "never seen")
	p.silent[awstest.Other] = true
	command := p.send(t, awstest.Machine, awstest.Other)
	p.Settle()
	read := func() map[string]inspection.Invocation {
		t.Helper()
		all, err := p.client.Invocations(t.Context(), command)
		if err != nil {
			t.Fatal(err)
		}
		by := map[string]inspection.Invocation{}
		for _, i := range all {
			by[i.Machine] = i
		}
		return by
	}
	want := map[string]inspection.Invocation{
		awstest.Machine: {Machine: awstest.Machine, Status: "Success", Ended: true, Success: true, Step: "look", Output: "fine\n"},
		awstest.Other:   {Machine: awstest.Other, Status: "InProgress"},
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("Invocations while one is silent (-want +got):\n%s", diff)
	}
	p.Forward(time.Hour)
	silent := read()[awstest.Other]
	if !silent.Ended || silent.Success || silent.Output != "" || !strings.Contains(silent.Status, "TimedOut") {
		t.Errorf("Invocations after an hour: %+v, want one that ended by a time-out", silent)
	}
}

func TestInvocationsOfAFullBatch(t *testing.T) {
	t.Parallel()
	p := begin(t)
	var all []string
	for n := range inspection.BatchSize {
		all = append(all, id(n))
		p.node(t, id(n), fmt.Sprint(n))
	}
	command := p.send(t, all...)
	p.Settle()
	got, err := p.client.Invocations(t.Context(), command)
	if err != nil || len(got) != inspection.BatchSize {
		t.Fatalf("Invocations = %d, %v, want %d", len(got), err, inspection.BatchSize)
	}
	for _, i := range got {
		if !i.Success {
			t.Errorf("%s: %+v, want success: none may wait for another", i.Machine, i)
		}
	}
}

func TestInvocationsOfAnUnknownCommand(t *testing.T) {
	t.Parallel()
	p := begin(t)
	if got, err := p.client.Invocations(t.Context(), nobody); err != nil || len(got) != 0 {
		t.Errorf("Invocations of an unknown command = %v, %v, want none", got, err)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	p := begin(t)
	long := strings.Repeat("0123456789", 1000)
	p.node(t, awstest.Machine, long)
	command := p.send(t, awstest.Machine)
	p.Settle()
	listed, err := p.client.Invocations(t.Context(), command)
	if err != nil || len(listed) != 1 || len(listed[0].Output) < inspection.CutOutput || len(listed[0].Output) >= len(long) {
		t.Fatalf("Invocations of long output = %d invocations, %v, want one whose output is cut", len(listed), err)
	}
	got, err := p.client.Output(t.Context(), command, awstest.Machine, listed[0].Step)
	if err != nil || got != long {
		t.Errorf("Output has %d characters, %v, want %d", len(got), err, len(long))
	}
	_, err = p.client.Output(t.Context(), command, awstest.Other, "look")
	awstest.Wrapped(t, err, fault.NotFound, "InvocationDoesNotExist")
}

// both has a step for each platform: on a machine one of them runs, and the agent says so of the other.
var both = strings.Replace(first, "]}}]}", `]}},{"action":"aws:runPowerShellScript","name":"lookWindows","precondition":{"StringEquals":["platformType","Windows"]},"inputs":{"timeoutSeconds":60,"runCommand":["Write-Output {{ Nonce }}"]}}]}`, 1)

func TestOutputIsOfTheStepThatRan(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, both)
	long := strings.Repeat("0123456789", 1000)
	for id, platform := range map[string]string{awstest.Machine: "Linux", awstest.Other: "Windows"} {
		n := ssm.Node{ID: id, PlatformType: platform, Answer: func(string, map[string][]string) string { return platform + long }}
		if err := p.ssm.PutNode(n); err != nil {
			t.Fatal(err)
		}
	}
	command := p.send(t, awstest.Machine, awstest.Other)
	p.Settle()
	listed, err := p.client.Invocations(t.Context(), command)
	if err != nil || len(listed) != 2 {
		t.Fatalf("Invocations = %v, %v, want two", listed, err)
	}
	for _, i := range listed {
		platform, step := "Linux", "look"
		if i.Machine == awstest.Other {
			platform, step = "Windows", "lookWindows"
		}
		if !i.Success || i.Step != step || !strings.HasPrefix(i.Output, platform+"0123") {
			t.Errorf("%s: step %q with %.30q, want step %s", platform, i.Step, i.Output, step)
		}
		if got, err := p.client.Output(t.Context(), command, i.Machine, i.Step); err != nil || got != platform+long {
			t.Errorf("%s: Output = %d characters, %v, want all", platform, len(got), err)
		}
	}
}

// A document that is for neither leaves nothing to read.
func TestInvocationOfAnotherPlatform(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.put(t, both)
	if err := p.ssm.PutNode(ssm.Node{ID: awstest.Machine, PlatformType: "MacOS", Answer: func(string, map[string][]string) string { return "never" }}); err != nil {
		t.Fatal(err)
	}
	command := p.send(t, awstest.Machine)
	p.Settle()
	listed, err := p.client.Invocations(t.Context(), command)
	want := []inspection.Invocation{{Machine: awstest.Machine, Status: "Success", Ended: true, Success: true}}
	if diff := cmp.Diff(want, listed); diff != "" || err != nil {
		t.Errorf("Invocations, %v (-want +got):\n%s", err, diff)
	}
}

func only[T any](_ T, err error) error { return err }

func TestErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, awstest.Machine, "")
	d := p.document(t)
	document := func(ctx context.Context, cfg aws.Config) error { return only(ssmrun.New(cfg).Document(ctx, name)) }
	own := map[string]fault.Kind{"InternalServerError": fault.Transient}
	p.Mapped(t, "DescribeDocument", own, document)
	p.Mapped(t, "GetDocument", own, document)
	p.Mapped(t, "DescribeInstanceInformation", map[string]fault.Kind{"InvalidInstanceId": fault.Invalid}, func(ctx context.Context, cfg aws.Config) error {
		return only(ssmrun.New(cfg).Online(ctx, []string{awstest.Machine}))
	})
	p.Mapped(t, "SendCommand", own, func(ctx context.Context, cfg aws.Config) error {
		return only(ssmrun.New(cfg).Send(ctx, d, []string{awstest.Machine}, map[string]string{"Nonce": nonce}, ""))
	})
	p.Mapped(t, "ListCommandInvocations", own, func(ctx context.Context, cfg aws.Config) error {
		return only(ssmrun.New(cfg).Invocations(ctx, nobody))
	})
	p.Mapped(t, "GetCommandInvocation", map[string]fault.Kind{"InvocationDoesNotExist": fault.NotFound}, func(ctx context.Context, cfg aws.Config) error {
		return only(ssmrun.New(cfg).Output(ctx, nobody, awstest.Machine, "look"))
	})
}
