package ssm_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
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
