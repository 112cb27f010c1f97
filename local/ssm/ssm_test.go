package ssm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"

	"github.com/keyward/keyward/local/clock"
	"github.com/keyward/keyward/local/ssm"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const (
	here    = "i-1234567890abcdef0"
	account = "123456789012"
	region  = "us-east-1"
)

var start = time.Date(2026, 3, 1, 4, 30, 0, 0, time.UTC)

// place is the service behind the real wire, on a clock that stands still unless it is moved.
type place struct {
	*ssm.SSM
	clock  *clock.Clock
	client *client.Client

	mu     sync.Mutex
	events []ssm.Event
	silent map[string]bool
}

func begin(t testing.TB) *place {
	t.Helper()
	p := &place{clock: clock.New(func() time.Time { return start }), silent: map[string]bool{}}
	p.SSM = ssm.New(ssm.Options{
		Clock: p.clock, Account: account, Region: region, TempDir: t.TempDir(),
		Publish: func(e ssm.Event) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.events = append(p.events, e)
		},
		Silent: func(id string) bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.silent[id]
		},
	})
	t.Cleanup(p.Close)
	issued := wire.NewCredentials(region, nil)
	server := wire.New(wire.Config{Credentials: issued})
	if err := server.Register(p.Service()); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(wire.Guard(server))
	t.Cleanup(listener.Close)
	key := issued.Issue(wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: account})
	p.client = client.New(client.Options{
		Region: region, BaseEndpoint: aws.String(listener.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
	})
	return p
}

func (p *place) put(t testing.TB, name, content string) {
	t.Helper()
	if _, err := p.PutDocument(ssm.Document{Name: name, Content: content, UpdateMethod: "NewVersion"}); err != nil {
		t.Fatal(err)
	}
}

func (p *place) node(t testing.TB, n ssm.Node) {
	t.Helper()
	if err := p.PutNode(n); err != nil {
		t.Fatal(err)
	}
}

func (p *place) silence(id string, silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent[id] = silent
}

func (p *place) settle(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.clock.Settle(ctx); err != nil {
		t.Fatal(err)
	}
}

func (p *place) forward(t testing.TB, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.clock.Forward(ctx, d); err != nil {
		t.Fatal(err)
	}
}

func (p *place) send(t testing.TB, in client.SendCommandInput) string {
	t.Helper()
	out, err := p.client.SendCommand(context.Background(), &in)
	if err != nil {
		t.Fatal(err)
	}
	return *out.Command.CommandId
}

func (p *place) command(t testing.TB, id string) types.Command {
	t.Helper()
	out, err := p.client.ListCommands(context.Background(), &client.ListCommandsInput{CommandId: &id})
	if err != nil || len(out.Commands) != 1 {
		t.Fatalf("ListCommands(%s) = %v, %v, want one", id, out, err)
	}
	return out.Commands[0]
}

func (p *place) status(t testing.TB, id string) string {
	t.Helper()
	c := p.command(t, id)
	return string(c.Status) + "/" + *c.StatusDetails
}

// ends is the status of each invocation, in the order of the nodes of the command.
func (p *place) ends(t testing.TB, id string) []string {
	t.Helper()
	out, err := p.client.ListCommandInvocations(context.Background(), &client.ListCommandInvocationsInput{CommandId: &id})
	if err != nil {
		t.Fatal(err)
	}
	var ends []string
	for _, i := range out.CommandInvocations {
		ends = append(ends, string(i.Status)+"/"+*i.StatusDetails)
	}
	return ends
}

func (p *place) invocation(t testing.TB, id, node string) *client.GetCommandInvocationOutput {
	t.Helper()
	out, err := p.client.GetCommandInvocation(context.Background(), &client.GetCommandInvocationInput{CommandId: &id, InstanceId: &node})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func script(lines ...string) string {
	return fmt.Sprintf(`{"schemaVersion":"2.2","mainSteps":[%s]}`, shellStep("inspect", lines...))
}

func shellStep(name string, lines ...string) string {
	text, _ := json.Marshal(lines)
	return fmt.Sprintf(`{"action":"aws:runShellScript","name":%q,"precondition":{"StringEquals":["platformType","Linux"]},"inputs":{"timeoutSeconds":60,"runCommand":%s}}`, name, text)
}

const inspection = `{"schemaVersion":"2.2","description":"looks","parameters":{
	"Nonce":{"type":"String","description":"echoed","allowedPattern":"^[0-9a-f]{8}$"},
	"Collect":{"type":"StringList","default":["base"],"allowedValues":["base","ports"]}},
	"mainSteps":[
	{"action":"aws:runPowerShellScript","name":"windows","precondition":{"StringEquals":["platformType","Windows"]},"inputs":{"timeoutSeconds":60,"runCommand":["Write-Output w"]}},
	{"action":"aws:runShellScript","name":"linux","precondition":{"StringEquals":["platformType","Linux"]},"inputs":{"timeoutSeconds":60,"runCommand":["echo '{{ Nonce }}'"]}}]}`

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func host() ssm.Node { return ssm.Node{ID: here, Host: true, ComputerName: "ip-10-0-0-1"} }

func simulated(n int, answer func(string, map[string][]string) string) ssm.Node {
	return ssm.Node{ID: fmt.Sprintf("i-%017x", n), Answer: answer, Tags: map[string]string{"fleet": "a"}}
}

func one(name string, nodes ...string) client.SendCommandInput {
	return client.SendCommandInput{DocumentName: &name, InstanceIds: nodes}
}

func TestPutNodeRefuses(t *testing.T) {
	t.Parallel()
	p := begin(t)
	answer := func(string, map[string][]string) string { return "" }
	for name, c := range map[string]struct {
		node ssm.Node
		want string
	}{
		"id":             {ssm.Node{ID: "web-1"}, "expected an id"},
		"ping":           {ssm.Node{ID: here, PingStatus: "Inactive"}, "expected ping status Online or ConnectionLost"},
		"platform":       {ssm.Node{ID: here, PlatformType: "Plan9"}, "expected platform Linux, Windows or MacOS"},
		"state":          {ssm.Node{ID: here, State: "pending"}, "expected state running, stopped or terminated"},
		"Windows host":   {ssm.Node{ID: here, Host: true, PlatformType: "Windows"}, "expected this host to be Linux"},
		"simulated host": {ssm.Node{ID: here, Host: true, Answer: answer}, "not simulated"},
	} {
		if err := p.PutNode(c.node); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: PutNode = %v, want %q", name, err, c.want)
		}
	}
	if _, ok := p.Node(here); ok {
		t.Error("a refused node is there")
	}
}
