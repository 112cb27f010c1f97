package statemachine_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/keyward/keyward/local/sfn"
	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

// client is the real SDK against the real wire.
type client struct{ api *sdk.Client }

func newClient(t *testing.T, s *sfn.SFN) client {
	t.Helper()
	registry := wire.NewCredentials("us-east-1", nil)
	server := wire.New(wire.Config{Credentials: registry})
	if err := server.Register(s.Service()); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	key := registry.Issue(wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", Account: "123456789012"})
	return client{sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(h.URL), RetryMaxAttempts: 1, HTTPClient: wiretest.Client(),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
	})}
}

func (c client) start(ctx context.Context, t *testing.T, machine, name, input string) string {
	t.Helper()
	out, err := c.api.StartExecution(ctx, &sdk.StartExecutionInput{StateMachineArn: &machine, Name: &name, Input: &input})
	if err != nil {
		t.Fatalf("StartExecution: %v", err)
	}
	return *out.ExecutionArn
}

func (c client) outcome(ctx context.Context, t *testing.T, arn string) outcome {
	t.Helper()
	d, err := c.api.DescribeExecution(ctx, &sdk.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		t.Fatalf("DescribeExecution: %v", err)
	}
	out := outcome{Status: string(d.Status), Error: aws.ToString(d.Error)}
	if d.Output != nil {
		if err := json.Unmarshal([]byte(*d.Output), &out.Output); err != nil {
			t.Fatalf("reading the output: %v", err)
		}
	}
	pages := sdk.NewGetExecutionHistoryPaginator(c.api, &sdk.GetExecutionHistoryInput{ExecutionArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatalf("GetExecutionHistory: %v", err)
		}
		for _, e := range page.Events {
			if strings.HasSuffix(string(e.Type), "StateEntered") {
				out.States = append(out.States, *e.StateEnteredEventDetails.Name)
			}
		}
	}
	return out
}
