package ssm_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/keyward/keyward/local/ssm"
)

func TestACommandFromEndToEnd(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.put(t, "keyward-inspect", inspection)
	ctx := context.Background()
	described, err := p.client.DescribeDocument(ctx, &client.DescribeDocumentInput{Name: aws.String("keyward-inspect")})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := p.client.SendCommand(ctx, &client.SendCommandInput{
		DocumentName: aws.String("keyward-inspect"), DocumentVersion: aws.String("1"), DocumentHash: described.Document.Hash, DocumentHashType: "Sha256",
		InstanceIds: []string{here}, Parameters: map[string][]string{"Nonce": {"0123abcd"}}, TimeoutSeconds: aws.Int32(60), Comment: aws.String("look"),
		MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("50"),
	})
	if err != nil {
		t.Fatal(err)
	}
	id := *sent.Command.CommandId
	want := types.Command{
		CommandId: &id, DocumentName: aws.String("keyward-inspect"), DocumentVersion: aws.String("1"), Comment: aws.String("look"),
		Parameters: map[string][]string{"Nonce": {"0123abcd"}}, InstanceIds: []string{here}, Targets: []types.Target{},
		RequestedDateTime: &start, ExpiresAfter: aws.Time(start.Add(2 * time.Minute)), TimeoutSeconds: aws.Int32(60),
		Status: "Pending", StatusDetails: aws.String("Pending"), MaxConcurrency: aws.String("100%"), MaxErrors: aws.String("50"), TargetCount: 1,
		OutputS3BucketName: aws.String(""), OutputS3KeyPrefix: aws.String(""), ServiceRole: aws.String(""),
	}
	if diff := cmp.Diff(want, *sent.Command, cmpopts.IgnoreUnexported(types.Command{})); diff != "" {
		t.Errorf("SendCommand (-want +got):\n%s", diff)
	}
	p.settle(t)
	want.Status, want.StatusDetails, want.CompletedCount = "Success", aws.String("Success"), 1
	if diff := cmp.Diff(want, p.command(t, id), cmpopts.IgnoreUnexported(types.Command{})); diff != "" {
		t.Errorf("ListCommands (-want +got):\n%s", diff)
	}
	listed, err := p.client.ListCommandInvocations(ctx, &client.ListCommandInvocationsInput{CommandId: &id, InstanceId: aws.String(here), Details: true})
	if err != nil {
		t.Fatal(err)
	}
	plugin := func(name, output string) types.CommandPlugin {
		return types.CommandPlugin{
			Name: &name, Status: "Success", StatusDetails: aws.String("Success"), Output: &output, ResponseStartDateTime: &start, ResponseFinishDateTime: &start,
			StandardOutputUrl: aws.String(""), StandardErrorUrl: aws.String(""), OutputS3BucketName: aws.String(""), OutputS3KeyPrefix: aws.String(""),
		}
	}
	invocation := []types.CommandInvocation{{
		CommandId: &id, InstanceId: aws.String(here), InstanceName: aws.String("ip-10-0-0-1"), Comment: aws.String("look"),
		DocumentName: aws.String("keyward-inspect"), DocumentVersion: aws.String("1"), RequestedDateTime: &start,
		Status: "Success", StatusDetails: aws.String("Success"), ServiceRole: aws.String(""), StandardOutputUrl: aws.String(""), StandardErrorUrl: aws.String(""),
		CommandPlugins: []types.CommandPlugin{
			plugin("windows", `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: windows`),
			plugin("linux", "0123abcd\n"),
		},
	}}
	if diff := cmp.Diff(invocation, listed.CommandInvocations, cmpopts.IgnoreUnexported(types.CommandInvocation{}, types.CommandPlugin{})); diff != "" {
		t.Errorf("ListCommandInvocations (-want +got):\n%s", diff)
	}
	got, err := p.client.GetCommandInvocation(ctx, &client.GetCommandInvocationInput{CommandId: &id, InstanceId: aws.String(here), PluginName: aws.String("linux")})
	if err != nil {
		t.Fatal(err)
	}
	at := aws.String("2026-03-01T04:30:00.000Z")
	full := &client.GetCommandInvocationOutput{
		CommandId: &id, InstanceId: aws.String(here), Comment: aws.String("look"), DocumentName: aws.String("keyward-inspect"), DocumentVersion: aws.String("1"),
		PluginName: aws.String("linux"), Status: "Success", StatusDetails: aws.String("Success"), StandardOutputContent: aws.String("0123abcd\n"),
		StandardErrorContent: aws.String(""), StandardOutputUrl: aws.String(""), StandardErrorUrl: aws.String(""),
		ExecutionStartDateTime: at, ExecutionEndDateTime: at, ExecutionElapsedTime: aws.String("PT0S"),
		CloudWatchOutputConfig: &types.CloudWatchOutputConfig{CloudWatchLogGroupName: aws.String("")},
	}
	unseen := cmpopts.IgnoreUnexported(client.GetCommandInvocationOutput{}, types.CloudWatchOutputConfig{})
	if diff := cmp.Diff(full, got, unseen, cmpopts.IgnoreFields(client.GetCommandInvocationOutput{}, "ResultMetadata")); diff != "" {
		t.Errorf("GetCommandInvocation (-want +got):\n%s", diff)
	}
}

func TestHowACommandEnds(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	for name, c := range map[string]struct {
		lines          []string
		command        string
		code           int32
		stdout, stderr string
	}{
		"success":                 {[]string{"echo out", "echo err >&2"}, "Success/Success", 0, "out\n", "err\n"},
		"failure":                 {[]string{"exit 3"}, "Failed/Failed", 3, "", "failed to run commands: exit status 3"},
		"killed":                  {[]string{"echo out", "kill -9 $$"}, "TimedOut/ExecutionTimedOut", 137, "out\n", "Killed\n"},
		"exit 137":                {[]string{"exit 137"}, "TimedOut/ExecutionTimedOut", 137, "", ""},
		"reboot":                  {[]string{"exit 194"}, "Failed/Failed", 194, "", "failed to run commands: exit status 194: exit code 194 asks for a reboot, which keyward local refuses; this host was not rebooted"},
		"stderr of 8001":          {[]string{`head -c 8001 /dev/zero | tr '\0' e >&2`}, "Success/Success", 0, "", strings.Repeat("e", 8000)},
		"stderr of 8001 wide":     {[]string{`i=0; while [ $i -lt 8001 ]; do printf '\303\244' >&2; i=$((i+1)); done`}, "Success/Success", 0, "", strings.Repeat("ä", 8000)},
		"stdout of 24001":         {[]string{`head -c 24001 /dev/zero | tr '\0' x`}, "Success/Success", 0, strings.Repeat("x", 23980) + "--output truncated--", ""},
		"escapes and broken text": {[]string{`printf '\033[2J\377'`}, "Success/Success", 0, "\x1b[2J\ufffd", ""},
	} {
		t.Run(name, func(t *testing.T) {
			document := "keyward-" + strings.ReplaceAll(name, " ", "-")
			p.put(t, document, script(c.lines...))
			id := p.send(t, one(document, here))
			p.settle(t)
			got := p.invocation(t, id, here)
			stderr := *got.StandardErrorContent
			if name == "killed" {
				stderr = c.stderr // some shells say so, some do not
			}
			if s := p.status(t, id); s != c.command || string(got.Status)+"/"+*got.StatusDetails != c.command {
				t.Errorf("command is %s, invocation %s/%s, want %s", s, got.Status, *got.StatusDetails, c.command)
			}
			if got.ResponseCode != c.code || *got.StandardOutputContent != c.stdout || stderr != c.stderr || *got.PluginName != "inspect" {
				t.Errorf("code %d, stdout %q, stderr %q; want %d, %q, %q", got.ResponseCode, *got.StandardOutputContent, stderr, c.code, c.stdout, c.stderr)
			}
			if diff := cmp.Diff([]string{c.command}, p.ends(t, id)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type told struct{ Type, Resource, Detail string }

func (p *place) told(t *testing.T) []told {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []told
	for _, e := range p.events {
		if e.Source != "aws.ssm" {
			t.Errorf("source %q, want aws.ssm", e.Source)
		}
		all = append(all, told{e.DetailType, strings.Join(e.Resources, " "), string(e.Detail)})
	}
	return all
}

func TestEvents(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, ssm.Node{ID: "mi-1234567890abcdef0", Host: true})
	p.put(t, "keyward-inspect", inspection)
	in := one("keyward-inspect", "mi-1234567890abcdef0")
	in.Parameters = map[string][]string{"Nonce": {"0123abcd"}}
	id := p.send(t, in)
	p.settle(t)
	arn := "arn:aws:ssm:us-east-1:123456789012:managed-instance/mi-1234567890abcdef0"
	invocation := func(status string) told {
		return told{"EC2 Command Invocation Status-change Notification", arn,
			`{"command-id":"` + id + `","document-name":"keyward-inspect","instance-id":"mi-1234567890abcdef0","requested-date-time":"2026-03-01T04:30:00.000Z","status":"` + status + `"}`}
	}
	command := func(status string) told {
		return told{"EC2 Command Status-change Notification", arn,
			`{"command-id":"` + id + `","document-name":"keyward-inspect","expire-after":"2026-03-01T05:31:00.000Z","parameters":{"Nonce":["0123abcd"]},"requested-date-time":"2026-03-01T04:30:00.000Z","status":"` + status + `"}`}
	}
	want := []told{invocation("InProgress"), command("InProgress"), invocation("Success"), command("Success")}
	if diff := cmp.Diff(want, p.told(t)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// statuses are the statuses that events told, of commands or of invocations.
func (p *place) statuses(t *testing.T, kind string) []string {
	t.Helper()
	var all []string
	for _, e := range p.told(t) {
		var d struct{ Status string }
		if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
			t.Fatal(err)
		}
		if e.Type == kind {
			all = append(all, d.Status)
		}
	}
	return all
}

const (
	ofCommand    = "EC2 Command Status-change Notification"
	ofInvocation = "EC2 Command Invocation Status-change Notification"
)
