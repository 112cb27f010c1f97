package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/rogpeppe/go-internal/testscript"
)

// theStack is a person at CloudFormation: stack delete [RETAINED], stack protect, ! stack protect, stack is STATUS by what it
// waits for, and stack says TEXT, of some event.
func theStack(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: stack delete|protect|is|says ...")
	}
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	api := cloudformation.New(cloudformation.Options{
		Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	name := aws.String("keyward")
	switch args[0] {
	case "delete":
		_, err := api.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: name, RetainResources: args[1:]})
		if (err != nil) != neg {
			ts.Fatalf("deleting the stack: %v", err)
		}
		if neg {
			return
		}
		for {
			out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name})
			if err != nil || out.Stacks[0].StackStatus != types.StackStatusDeleteInProgress {
				return
			}
		}
	case "protect":
		_, err := api.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: name, EnableTerminationProtection: aws.Bool(!neg)})
		ts.Check(err)
	case "is":
		status := "gone"
		if out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: name}); err == nil {
			status = string(out.Stacks[0].StackStatus)
		}
		if status != args[1] {
			ts.Fatalf("the stack is %s, want %s", status, args[1])
		}
	case "says":
		out, err := api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: name})
		ts.Check(err)
		var all []string
		for _, e := range out.StackEvents {
			all = append(all, aws.ToString(e.ResourceStatusReason))
		}
		if text := strings.Join(all, "\n"); strings.Contains(text, args[1]) == neg {
			ts.Fatalf("the events say %s, want %q", text, args[1])
		}
	}
}

// whatIsKept asks KMS and the table, when the stack is gone: kept MACHINE. KEY is enabled with the machine's grant, and the
// machine's row and its ledger are there.
func whatIsKept(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	key := aws.String(ts.Getenv("KEY"))
	about, err := keysOf(ts).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key})
	ts.Check(err)
	grants, err := keysOf(ts).ListGrants(ctx, &kms.ListGrantsInput{KeyId: key})
	ts.Check(err)
	if !about.KeyMetadata.Enabled || len(grants.Grants) != 1 {
		ts.Fatalf("the key is %s with %d grants, want it enabled with one", about.KeyMetadata.KeyState, len(grants.Grants))
	}
	table := dynamodb.New(dynamodb.Options{
		Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	rows, err := table.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("keyward-Table"), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]dynamotypes.AttributeValue{":pk": &dynamotypes.AttributeValueMemberS{Value: "123456789012#us-east-1#machine#" + args[0]}},
	})
	ts.Check(err)
	found := map[string]int{}
	for _, r := range rows.Items {
		if sk, ok := r["sk"].(*dynamotypes.AttributeValueMemberS); ok {
			kind, _, _ := strings.Cut(sk.Value, "#")
			found[kind]++
		}
	}
	if found["machine"] != 1 || found["ledger"] < 4 || found["notice"] == 0 || found["evidence"] == 0 {
		ts.Fatalf("the table has %v of the machine", found)
	}
}

// theAccount puts SES and SNS where AWS and people would: account JSON.
func theAccount(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.NewRequest(http.MethodPut, ts.Getenv("KEYWARD_LOCAL_URL")+"/_local/account", strings.NewReader(args[0]))
	ts.Check(err)
	r.Header.Set("X-Keyward-Local-Token", ts.Getenv("KEYWARD_LOCAL_TOKEN"))
	out, err := http.DefaultClient.Do(r)
	ts.Check(err)
	out.Body.Close()
	if out.StatusCode != http.StatusOK {
		ts.Fatalf("changing the account: %s", out.Status)
	}
}
