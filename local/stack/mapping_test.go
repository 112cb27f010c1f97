package stack_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/stack"
)

const streamed = `Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: .}
  Queue:
    Type: AWS::SQS::Queue
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_IMAGE}
  Tell:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref F
      EventSourceArn: !GetAtt Table.StreamArn
      StartingPosition: LATEST
      BatchSize: 10
      BisectBatchOnFunctionError: true
      FunctionResponseTypes: [ReportBatchItemFailures]
      MaximumRetryAttempts: 3
      MaximumRecordAgeInSeconds: 60
      DestinationConfig: {OnFailure: {Destination: !GetAtt Queue.Arn}}
      FilterCriteria: {Filters: [{Pattern: '{"eventName":["INSERT"]}'}]}
`

func TestMapping(t *testing.T) {
	t.Parallel()
	s, err := stack.Parse("t.yaml", []byte(streamed), fstest.MapFS{}, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const stream = "arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table/stream/2026-01-01T00:00:00.000"
	want := []stack.Mapping{{
		Named: stack.Named{LogicalID: "Tell", Name: "keyward-Tell"}, Function: "keyward-F", Source: stream, Batch: 10, Bisect: true, Retries: 3,
		Age: time.Minute, Partial: true, Failed: "arn:aws:sqs:us-east-1:123456789012:keyward-Queue",
	}}
	want[0].Filters = s.Mappings[0].Filters
	if diff := cmp.Diff(want, s.Mappings); diff != "" {
		t.Errorf("mappings (-want +got):\n%s", diff)
	}
	if f := s.Mappings[0].Filters; len(f) != 1 || string(f[0]) != `{"eventName":["INSERT"]}` {
		t.Errorf("filters %s", f)
	}
	if table := s.Tables[0]; table.Stream != "NEW_IMAGE" || table.StreamARN != stream {
		t.Errorf("table %+v", table)
	}
	again := "  Again:\n" + streamed[strings.Index(streamed, "  Tell:\n")+len("  Tell:\n"):]
	for name, tt := range map[string]struct{ old, new, want string }{
		"no position":     {"      StartingPosition: LATEST\n", "", "expected the property StartingPosition"},
		"a position":      {"LATEST", "AT_TIMESTAMP", `expected LATEST or TRIM_HORIZON, found "AT_TIMESTAMP"`},
		"another answer":  {"[ReportBatchItemFailures]", "[Other]", `expected ReportBatchItemFailures, found "Other"`},
		"a pattern":       {`'{"eventName":["INSERT"]}'`, `'{'`, "expected a pattern as JSON"},
		"no stream":       {"      StreamSpecification: {StreamViewType: NEW_IMAGE}\n", "", "the stream of a table of the template alone"},
		"a property":      {"      BatchSize: 10\n", "      ParallelizationFactor: 2\n", "does not carry this property"},
		"too many listen": {"  Queue:\n", again + strings.ReplaceAll(again, "Again", "More") + "  Queue:\n", "more than two read"},
	} {
		_, err := stack.Parse("t.yaml", []byte(strings.Replace(streamed, tt.old, tt.new, 1)), fstest.MapFS{}, stack.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %v, want %s", name, err, tt.want)
		}
	}
}
