package ssm_test

import (
	"context"
	"encoding/json"
	"fmt"
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

func TestSendCommandErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	fleet(t, p)
	p.put(t, "keyward-inspect", inspection)
	p.put(t, "keyward-linux", script("true"))
	type input = client.SendCommandInput
	many := make([]string, 51)
	for i := range many {
		many[i] = fmt.Sprintf("i-%017x", i)
	}
	target := func(key string, values ...string) []types.Target { return []types.Target{{Key: &key, Values: values}} }
	for name, c := range map[string]struct {
		change func(*input)
		want   string
	}{
		"document":          {func(in *input) { in.DocumentName = aws.String("AWS-RunShellScript") }, "InvalidDocument"},
		"version":           {func(in *input) { in.DocumentVersion = aws.String("2") }, "InvalidDocumentVersion"},
		"hash":              {func(in *input) { in.DocumentHash = aws.String(strings.Repeat("0", 64)) }, "InvalidDocument"},
		"Sha1":              {func(in *input) { in.DocumentHashType = "Sha1" }, "NotImplemented"},
		"parameter":         {func(in *input) { in.Parameters["Nonce"] = []string{"$(id)"} }, "InvalidParameters"},
		"unknown parameter": {func(in *input) { in.Parameters["commands"] = []string{"id"} }, "InvalidParameters"},
		"missing parameter": {func(in *input) { in.Parameters = nil }, "InvalidParameters"},
		"allowed values":    {func(in *input) { in.Parameters["Collect"] = []string{"disks"} }, "InvalidParameters"},
		"size":              {func(in *input) { in.Parameters["Nonce"] = []string{strings.Repeat("0", 65536)} }, "MaxDocumentSizeExceeded"},
		"timeout below":     {func(in *input) { in.TimeoutSeconds = aws.Int32(29) }, "ValidationException"},
		"timeout above":     {func(in *input) { in.TimeoutSeconds = aws.Int32(2592001) }, "ValidationException"},
		"comment":           {func(in *input) { in.Comment = aws.String(strings.Repeat("ä", 101)) }, "ValidationException"},
		"concurrency":       {func(in *input) { in.MaxConcurrency = aws.String("0") }, "ValidationException"},
		"concurrency %":     {func(in *input) { in.MaxConcurrency = aws.String("101%") }, "ValidationException"},
		"errors":            {func(in *input) { in.MaxErrors = aws.String("-1") }, "ValidationException"},
		"no nodes":          {func(in *input) { in.InstanceIds = nil }, "ValidationException"},
		"nodes and targets": {func(in *input) { in.Targets = target("tag:tier", "web") }, "ValidationException"},
		"51 nodes":          {func(in *input) { in.InstanceIds = many }, "ValidationException"},
		"node twice":        {func(in *input) { in.InstanceIds = []string{here, here} }, "DuplicateInstanceId"},
		"form of an id":     {func(in *input) { in.InstanceIds = []string{"web-1"} }, "ValidationException"},
		"unknown node":      {func(in *input) { in.InstanceIds = []string{here, "i-0000000000000000f"} }, "InvalidInstanceId"},
		"terminated node":   {func(in *input) { in.InstanceIds = []string{"i-00000000000000003"} }, "InvalidInstanceId"},
		"platform":          {func(in *input) { onlyLinux(in); in.InstanceIds = []string{"i-00000000000000001"} }, "UnsupportedPlatformType"},
		"target key":        {func(in *input) { in.InstanceIds, in.Targets = nil, target("resource-groups:Name", "x") }, "NotImplemented"},
		"no target values":  {func(in *input) { in.InstanceIds, in.Targets = nil, target("tag:tier") }, "ValidationException"},
		"six target values": {func(in *input) { in.InstanceIds, in.Targets = nil, target("tag:tier", many[:6]...) }, "ValidationException"},
		"51 instanceids":    {func(in *input) { in.InstanceIds, in.Targets = nil, target("instanceids", many...) }, "ValidationException"},
		"six targets":       {func(in *input) { in.InstanceIds, in.Targets = nil, make6(target("tag:tier", "web")[0]) }, "ValidationException"},
		"S3":                {func(in *input) { in.OutputS3BucketName = aws.String("bucket") }, "NotImplemented"},
		"S3 prefix":         {func(in *input) { in.OutputS3KeyPrefix = aws.String("prefix") }, "NotImplemented"},
		"CloudWatch": {func(in *input) {
			in.CloudWatchOutputConfig = &types.CloudWatchOutputConfig{CloudWatchOutputEnabled: true}
		}, "NotImplemented"},
		"SNS":               {func(in *input) { in.ServiceRoleArn = aws.String("arn:aws:iam::123456789012:role/sns") }, "NotImplemented"},
		"SNS configuration": {func(in *input) { in.NotificationConfig = &types.NotificationConfig{NotificationType: "Command"} }, "NotImplemented"},
		"alarms": {func(in *input) {
			in.AlarmConfiguration = &types.AlarmConfiguration{Alarms: []types.Alarm{{Name: aws.String("a")}}}
		}, "NotImplemented"},
		"deprecated S3 area": {func(in *input) { in.OutputS3Region = aws.String("us-east-1") }, "NotImplemented"},
	} {
		t.Run(name, func(t *testing.T) {
			in := one("keyward-inspect", here)
			in.Parameters = map[string][]string{"Nonce": {"0123abcd"}}
			c.change(&in)
			if _, err := p.client.SendCommand(context.Background(), &in); code(err) != c.want {
				t.Errorf("SendCommand: %v, want %s", err, c.want)
			}
		})
	}
	if out, err := p.client.ListCommands(context.Background(), &client.ListCommandsInput{}); err != nil || len(out.Commands) != 0 {
		t.Errorf("after refusals there are %d commands, %v", len(out.Commands), err)
	}
}

func onlyLinux(in *client.SendCommandInput) {
	in.DocumentName, in.Parameters = aws.String("keyward-linux"), nil
}

func make6(t types.Target) []types.Target { return []types.Target{t, t, t, t, t, t} }

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

func TestReadingErrors(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, simulated(1, func(string, map[string][]string) string { return "" }))
	p.put(t, "keyward-two", fmt.Sprintf(`{"schemaVersion":"2.2","mainSteps":[%s,%s]}`, shellStep("one", "true"), shellStep("two", "true")))
	id := p.send(t, one("keyward-two", here))
	p.settle(t)
	ctx := context.Background()
	unknown := "11111111-2222-4333-8444-555555555555"
	for name, c := range map[string]struct {
		id, node, plugin, want string
	}{
		"form of the id": {"1", here, "one", "InvalidCommandId"},
		"unknown":        {unknown, here, "one", "InvocationDoesNotExist"},
		"other node":     {id, "i-00000000000000001", "one", "InvocationDoesNotExist"},
		"no step named":  {id, here, "", "InvalidPluginName"},
		"unknown step":   {id, here, "aws:runShellScript", "InvalidPluginName"},
		"good":           {id, here, "two", "<nil>"},
	} {
		in := &client.GetCommandInvocationInput{CommandId: &c.id, InstanceId: &c.node}
		if c.plugin != "" {
			in.PluginName = &c.plugin
		}
		if _, err := p.client.GetCommandInvocation(ctx, in); code(err) != c.want {
			t.Errorf("%s: GetCommandInvocation: %v, want %s", name, err, c.want)
		}
	}
	filter := func(key, value string) []types.CommandFilter {
		return []types.CommandFilter{{Key: types.CommandFilterKey(key), Value: &value}}
	}
	type input = client.ListCommandInvocationsInput
	for name, c := range map[string]struct {
		in          input
		list, list2 string // ListCommandInvocations, ListCommands
	}{
		"form of the id": {input{CommandId: aws.String("1")}, "InvalidCommandId", "InvalidCommandId"},
		"form of a node": {input{InstanceId: aws.String("web")}, "InvalidInstanceId", "InvalidInstanceId"},
		"filter":         {input{Filters: filter("Colour", "red")}, "InvalidFilterKey", "InvalidFilterKey"},
		"filter time":    {input{Filters: filter("InvokedAfter", "yesterday")}, "InvalidFilterKey", "InvalidFilterKey"},
		"stage":          {input{Filters: filter("ExecutionStage", "Complete")}, "InvalidFilterKey", "<nil>"},
		"page":           {input{MaxResults: aws.Int32(51)}, "ValidationException", "ValidationException"},
		"token":          {input{NextToken: aws.String("x")}, "InvalidNextToken", "InvalidNextToken"},
		"unknown":        {input{CommandId: &unknown}, "<nil>", "<nil>"},
	} {
		if _, err := p.client.ListCommandInvocations(ctx, &c.in); code(err) != c.list {
			t.Errorf("%s: ListCommandInvocations: %v, want %s", name, err, c.list)
		}
		in := &client.ListCommandsInput{CommandId: c.in.CommandId, InstanceId: c.in.InstanceId, Filters: c.in.Filters, MaxResults: c.in.MaxResults, NextToken: c.in.NextToken}
		if _, err := p.client.ListCommands(ctx, in); code(err) != c.list2 {
			t.Errorf("%s: ListCommands: %v, want %s", name, err, c.list2)
		}
	}
}

func TestListsAndFilters(t *testing.T) {
	t.Parallel()
	p := begin(t)
	p.node(t, host())
	p.node(t, simulated(1, func(string, map[string][]string) string { return "canned" }))
	p.put(t, "keyward-good", script("true"))
	p.put(t, "keyward-bad", script("false"))
	other := "i-00000000000000001"
	first := p.send(t, one("keyward-good", here, other))
	p.forward(t, time.Hour)
	second := p.send(t, one("keyward-bad", here))
	p.settle(t)
	p.silence(here, true)
	p.forward(t, time.Hour)
	third := p.send(t, one("keyward-good", here))
	ctx := context.Background()
	filter := func(key, value string) []types.CommandFilter {
		return []types.CommandFilter{{Key: types.CommandFilterKey(key), Value: &value}}
	}
	for name, c := range map[string]struct {
		in          client.ListCommandsInput
		want        []string
		invocations int // -1: the filter is not for them
	}{
		"all, newest first": {client.ListCommandsInput{}, []string{third, second, first}, 4},
		"of a node":         {client.ListCommandsInput{InstanceId: &other}, []string{first}, 1},
		"status":            {client.ListCommandsInput{Filters: filter("Status", "Success")}, []string{first}, 2},
		"failed":            {client.ListCommandsInput{Filters: filter("Status", "Failed")}, []string{second}, 1},
		"document":          {client.ListCommandsInput{Filters: filter("DocumentName", "keyward-good")}, []string{third, first}, 3},
		"after":             {client.ListCommandsInput{Filters: filter("InvokedAfter", "2026-03-01T05:30:00Z")}, []string{third, second}, 2},
		"before":            {client.ListCommandsInput{Filters: filter("InvokedBefore", "2026-03-01T05:30:00Z")}, []string{first}, 2},
		"executing":         {client.ListCommandsInput{Filters: filter("ExecutionStage", "Executing")}, []string{third}, -1},
		"complete":          {client.ListCommandsInput{Filters: filter("ExecutionStage", "Complete")}, []string{second, first}, -1},
	} {
		out, err := p.client.ListCommands(ctx, &c.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var ids []string
		for _, one := range out.Commands {
			ids = append(ids, *one.CommandId)
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if c.invocations < 0 {
			continue
		}
		list, err := p.client.ListCommandInvocations(ctx, &client.ListCommandInvocationsInput{InstanceId: c.in.InstanceId, Filters: c.in.Filters})
		if err != nil || len(list.CommandInvocations) != c.invocations {
			t.Errorf("%s: %d invocations, %v, want %d", name, len(list.CommandInvocations), err, c.invocations)
		}
	}
	pages := client.NewListCommandsPaginator(p.client, &client.ListCommandsInput{MaxResults: aws.Int32(2)})
	var sizes []int
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(page.Commands))
	}
	if diff := cmp.Diff([]int{2, 1}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	p.forward(t, 31*24*time.Hour)
	p.silence(here, false)
	fresh := p.send(t, one("keyward-good", here))
	if out, err := p.client.ListCommands(ctx, &client.ListCommandsInput{}); err != nil || len(out.Commands) != 1 || *out.Commands[0].CommandId != fresh {
		t.Errorf("a month later there are %d commands, %v, want the new one alone", len(out.Commands), err)
	}
}
