package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/wire"
)

// asEcho is the configuration of the function itself.
func asEcho(t *testing.T, s *local.Server) aws.Config {
	t.Helper()
	out, err := lambdasdk.NewFromConfig(config(s, s.Credentials())).Invoke(context.Background(), &lambdasdk.InvokeInput{
		FunctionName: aws.String("keyward-Echo"), Payload: []byte(`"keys"`),
	})
	var key wire.Key
	if err != nil || json.Unmarshal(out.Payload, &key) != nil || key.SessionToken == "" {
		t.Fatalf("the function's keys: %+v, %v", out, err)
	}
	return config(s, key)
}

func says(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

const echo = "User: arn:aws:sts::123456789012:assumed-role/EchoRole/keyward-Echo is not authorized to perform: "

// A function may do what its statements allow, on the resources and with the tags that they name, and nothing else.
func TestFunctionsMayDoWhatTheTemplateAllows(t *testing.T) {
	t.Parallel()
	o := options(t)
	guarded, other := "i-0123456789abcdef0", "i-0123456789abcdef1"
	answer := func(string, map[string][]string) string { return "" }
	o.Machines = []local.Machine{{ID: guarded, Tags: map[string]string{"guarded": "true"}, Answer: answer}, {ID: other, Answer: answer}}
	s := start(t, o)
	ctx := context.Background()
	person, own := config(s, s.Credentials()), asEcho(t, s)
	key := func(tags ...kmstypes.Tag) *string {
		out, err := kms.NewFromConfig(person).CreateKey(ctx, &kms.CreateKeyInput{Tags: tags})
		if err != nil {
			t.Fatal(err)
		}
		return out.KeyMetadata.Arn
	}
	tagged, untagged := key(kmstypes.Tag{TagKey: aws.String("guarded"), TagValue: aws.String("true")}), key()
	db, keys, commands := dynamodb.NewFromConfig(own), kms.NewFromConfig(own), ssm.NewFromConfig(own)
	item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}}
	table := aws.String("keyward-Table")
	send := func(to ...string) error {
		_, err := commands.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String("keyward-Document"), InstanceIds: to})
		return err
	}
	for name, tt := range map[string]struct {
		call func() error
		want string
	}{
		"who it is": {func() error { _, err := sts.NewFromConfig(own).GetCallerIdentity(ctx, nil); return err }, ""},
		"an action": {func() error {
			_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: table, Item: item})
			return err
		}, ""},
		"another action": {func() error {
			_, err := db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: table, Key: item})
			return err
		}, "AccessDeniedException: " + echo + "dynamodb:DeleteItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table because no identity-based policy allows the dynamodb:DeleteItem action"},
		"a part of a transaction": {func() error {
			_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: table, Item: item}},
				{Delete: &types.Delete{TableName: table, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "b"}}}},
			}})
			return err
		}, "AccessDeniedException: " + echo + "dynamodb:DeleteItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table because no identity-based policy allows the dynamodb:DeleteItem action"},
		"an index": {func() error {
			_, err := db.Query(ctx, &dynamodb.QueryInput{TableName: table, IndexName: aws.String("list"), KeyConditionExpression: aws.String("listPk = :a"),
				ExpressionAttributeValues: map[string]types.AttributeValue{":a": &types.AttributeValueMemberS{Value: "a"}}})
			return err
		}, "AccessDeniedException: " + echo + "dynamodb:Query on resource: arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table/index/list because no identity-based policy allows the dynamodb:Query action"},
		"a key with the tag": {func() error { _, err := keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: tagged}); return err }, ""},
		"a key without it": {func() error { _, err := keys.DisableKey(ctx, &kms.DisableKeyInput{KeyId: untagged}); return err },
			"AccessDeniedException: " + echo + "kms:DisableKey on resource: " + *untagged + " because no identity-based policy allows the kms:DisableKey action"},
		"a machine with the tag": {func() error { return send(guarded) }, ""},
		"one of two without it": {func() error { return send(guarded, other) },
			"AccessDeniedException: " + echo + "ssm:SendCommand on resource: arn:aws:ec2:us-east-1:123456789012:instance/" + other + " because no identity-based policy allows the ssm:SendCommand action"},
		"a call without a resource": {func() error {
			_, err := ec2.NewFromConfig(own).DescribeInstances(ctx, nil)
			return err
		}, "UnauthorizedOperation: You are not authorized to perform this operation. " + echo + "ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action"},
		"a call that nobody judges": {func() error {
			_, err := commands.CreateDocument(ctx, &ssm.CreateDocumentInput{Name: aws.String("abc"), Content: aws.String("{}")})
			return err
		}, "NotImplemented: keyward local does not implement the permissions of ssm.CreateDocument: local/iam/needs does not have it"},
	} {
		if got := says(tt.call()); got != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
	used := s.Used()
	for _, want := range []local.Use{{"EchoRole", "Keys", "kms:DisableKey"}, {"EchoRole", "Send", "ssm:SendCommand"}, {"EchoRole", "Store", "dynamodb:PutItem"}} {
		if !slices.Contains(used, want) {
			t.Errorf("used = %v, want %v in it", used, want)
		}
	}
}

// changed are the options of a place whose template has other text in places.
func changed(t *testing.T, texts map[string]string) local.Options {
	t.Helper()
	o := options(t)
	text, err := os.ReadFile(o.Template)
	if err != nil {
		t.Fatal(err)
	}
	for old, other := range texts {
		if !strings.Contains(string(text), old) {
			t.Fatalf("%q is not in the template", old)
		}
		text = []byte(strings.Replace(string(text), old, other, 1))
	}
	if err := os.WriteFile(o.Template, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return o
}

// A function gets a stream's records only if its role may read the stream and tell the queue: AWS asks when the mapping is made.
func TestMappingsNeedTheFunctionsRole(t *testing.T) {
	t.Parallel()
	const mapping = "  Reads:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: {FunctionName: !Ref Echo, EventSourceArn: !GetAtt Table.StreamArn, StartingPosition: LATEST, DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}}\n  Group:"
	const read = `            - {Sid: Read, Effect: Allow, Action: "dynamodb:*", Resource: !GetAtt Table.StreamArn}` + "\n"
	const send = `            - {Sid: Letters, Effect: Allow, Action: "sqs:SendMessage", Resource: !GetAtt Dead.Arn}` + "\n"
	for more, want := range map[string]string{
		"":          "cannot access stream arn:aws:dynamodb:",
		read:        "not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:123456789012:keyward-Dead",
		read + send: "",
	} {
		s, err := local.Start(context.Background(), changed(t, map[string]string{
			"  Group:": mapping, "      BillingMode: PAY_PER_REQUEST\n": "      BillingMode: PAY_PER_REQUEST\n      StreamSpecification: {StreamViewType: NEW_IMAGE}\n",
			"            - {Sid: Store,": more + "            - {Sid: Store,",
		}))
		if err == nil {
			err = s.Close()
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("with %q Start = %v, want %q", more, err, want)
		}
	}
	_, err := local.Start(context.Background(), changed(t, map[string]string{
		"  Group:": strings.Replace(mapping, "!Ref Echo", "nobody", 1), "      BillingMode: PAY_PER_REQUEST\n": "      BillingMode: PAY_PER_REQUEST\n      StreamSpecification: {StreamViewType: NEW_IMAGE}\n",
	}))
	if err == nil || !strings.Contains(err.Error(), "creating Reads: there is no function nobody") {
		t.Errorf("with a mapping of no function Start = %v", err)
	}
}

// What a schedule cannot deliver is lost, and the log says so, when its role may not send it to the queue.
func TestDeadLettersNeedTheSchedulesRole(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	o := changed(t, map[string]string{"      ManagedPolicyArns: [!Ref Letters]\n": "", "Input: '\"tick\"'": "Input: '\"tick\"', RoleArn: !GetAtt Schedules.Arn"})
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s, err := local.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Forward(context.Background(), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if letters := s.DeadLetters(); len(letters) != 0 || !strings.Contains(log.String(), "losing an event") || !strings.Contains(log.String(), "is not authorized to perform: sqs:SendMessage") {
		t.Errorf("dead letters %v, log %s", letters, log.String())
	}
}

// What Scheduler and Step Functions do as roles is judged, too.
func TestServicesMayDoWhatTheirRolesAllow(t *testing.T) {
	t.Parallel()
	o := changed(t, map[string]string{
		"{Sid: RunTheTask, Effect: Allow,": "{Sid: RunTheTask, Effect: Deny,",
		"Input: '\"tick\"'":                "Input: '\"tick\"', RoleArn: !GetAtt Schedules.Arn",
	})
	s := start(t, o)
	ctx := context.Background()
	states := sfn.NewFromConfig(config(s, s.Credentials()))
	run, err := states.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(s.Stack().StateMachines[0].ARN)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Forward(ctx, 3*time.Hour); err != nil {
		t.Fatal(err)
	}
	ended, err := states.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: run.ExecutionArn})
	if err != nil || aws.ToString(ended.Error) != "Lambda.AWSLambdaException" || !strings.HasSuffix(aws.ToString(ended.Cause), "with an explicit deny in an identity-based policy") {
		t.Errorf("the execution ended with %s %s, %v", aws.ToString(ended.Error), aws.ToString(ended.Cause), err)
	}
	letters := s.DeadLetters()
	const refused = "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/keyward-Schedules/scheduler is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:123456789012:function:keyward-Echo because no identity-based policy allows the lambda:InvokeFunction action"
	if len(letters) == 0 {
		t.Fatal("there are no dead letters, want the schedule's")
	}
	if diff := cmp.Diff(refused, letters[0].Error); diff != "" {
		t.Errorf("the schedule's (-want +got):\n%s", diff)
	}
}
