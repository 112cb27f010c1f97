package local_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/wire"
)

// The test binary is also the program of every function: it answers with its event, or fails on demand.
func TestMain(m *testing.M) {
	if os.Getenv("PROGRAM") == "" {
		os.Exit(m.Run())
	}
	runtime.Start(func(_ context.Context, event json.RawMessage) (json.RawMessage, error) {
		fmt.Println(string(event))
		if bytes.Contains(event, []byte(`"fail"`)) {
			return nil, fmt.Errorf("told to fail")
		}
		if bytes.Contains(event, []byte(`"keys"`)) {
			return json.Marshal(wire.Key{
				AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
			})
		}
		return event, nil
	})
}

const template = `Transform: AWS::Serverless-2016-10-31
Parameters:
  SenderAddress: {Type: String}
  AccountContact: {Type: String}
  IdentityCertificate: {Type: String}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties: {Auth: {DefaultAuthorizer: AWS_IAM, EnableIamAuthorizer: true}}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: .
      Timeout: 20
      Environment: {Variables: {PROGRAM: echo, GOCOVERDIR: COVERAGE}}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Policies:
        - !Ref NeverThat
        - Version: "2012-10-17"
          Statement:
            - {Sid: Store, Effect: Allow, Action: ["dynamodb:GetItem", "dynamodb:PutItem"], Resource: !GetAtt Table.Arn}
            - {Sid: Keys, Effect: Allow, Action: kms:*, Resource: "*", Condition: {StringEquals: {"aws:ResourceTag/guarded": "true"}}}
            - {Sid: Send, Effect: Allow, Action: ssm:SendCommand, Resource: !Sub "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:document/${Document}"}
            - {Sid: ToGuarded, Effect: Allow, Action: ssm:SendCommand, Resource: "arn:aws:ec2:*:*:instance/*", Condition: {StringEquals: {"ssm:resourceTag/guarded": "true"}}}
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/v1/{id}"}}
        Running:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.ec2], detail: {state: [stopped]}}
            RetryPolicy: {MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60}
        Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '"tick"', RetryPolicy: {MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60}, DeadLetterConfig: {Arn: !GetAtt Dead.Arn}}}
        Later: {Type: ScheduleV2, Properties: {ScheduleExpression: at(2099-01-01T00:00:00), FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 5}}}
  NeverThat:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: {Sid: NeverThat, Effect: Deny, Action: kms:ScheduleKeyDeletion, Resource: "*"}}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: m.asl.json
      DefinitionSubstitutions: {Echo: !GetAtt Echo.Arn}
      Policies: {Statement: [{Sid: RunTheTask, Effect: Allow, Action: lambda:InvokeFunction, Resource: !GetAtt Echo.Arn}]}
  Schedules:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [!Ref Letters]
      Policies:
        - PolicyName: Invoke
          PolicyDocument: {Statement: [{Sid: Invoke, Effect: Allow, Action: lambda:InvokeFunction, Resource: !Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:nobody"}]}
  Letters:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: {Statement: [{Sid: Letters, Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Dead.Arn}]}}
  Dead: {Type: AWS::SQS::Queue}
  Group: {Type: AWS::Scheduler::ScheduleGroup}
  Document:
    Type: AWS::SSM::Document
    Properties:
      DocumentType: Command
      UpdateMethod: NewVersion
      Content: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: d.json}}}
  Sender: {Type: AWS::SES::EmailIdentity, Properties: {EmailIdentity: !Ref SenderAddress}}
  Mail: {Type: AWS::SES::ConfigurationSet, Properties: {SuppressionOptions: {SuppressedReasons: [BOUNCE]}}}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}, {AttributeName: listPk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      GlobalSecondaryIndexes:
        - {IndexName: list, KeySchema: [{AttributeName: listPk, KeyType: HASH}], Projection: {ProjectionType: ALL}}
`

const definition = `{"StartAt": "Wait", "States": {
	"Wait": {"Type": "Wait", "Seconds": 7200, "Next": "Echo"},
	"Echo": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Parameters": {"FunctionName": "${Echo}", "Payload.$": "$"}, "OutputPath": "$.Payload", "End": true}}}`

const document = `{"schemaVersion": "2.2", "description": "says hello", "mainSteps": [
	{"name": "hello", "action": "aws:runShellScript", "inputs": {"timeoutSeconds": "5", "runCommand": ["echo hello"]}}]}`

// options are a project in a temporary folder whose one function is this test binary.
func options(t *testing.T) local.Options {
	t.Helper()
	dir := t.TempDir()
	text := strings.Replace(template, "COVERAGE", dir, 1)
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"m.asl.json": definition, "d.json": document} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "build", "Echo"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "build", "Echo", "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return local.Options{
		Template: filepath.Join(dir, "template.yaml"), Build: filepath.Join(dir, "build"), Addr: "127.0.0.1:0",
	}
}

func start(t *testing.T, o local.Options) *local.Server {
	t.Helper()
	s, err := local.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func config(s *local.Server, k wire.Key) aws.Config {
	return aws.Config{
		Region: s.Region(), BaseEndpoint: aws.String(s.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, k.SessionToken),
	}
}

// control calls the control API and decodes its answer.
func control(t *testing.T, s *local.Server, token, method, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequest(method, s.URL()+local.ControlPrefix+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(local.TokenHeader, token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s %s = %d %s", method, path, answer.StatusCode, b)
	}
	if m, ok := v.(map[string]any); ok {
		return answer.StatusCode, m
	}
	return answer.StatusCode, map[string]any{"list": v}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tt := range map[string]struct {
		change func(*local.Options)
		want   string
	}{
		"port taken":     {func(o *local.Options) { o.Addr = taken.Addr().String() }, "starting keyward local: another program listens on " + taken.Addr().String() + " already; end it or choose another address"},
		"every address":  {func(o *local.Options) { o.Addr = "0.0.0.0:0" }, `reading the address "0.0.0.0:0": expected a loopback host such as 127.0.0.1, since documents run on this host`},
		"no port":        {func(o *local.Options) { o.Addr = "127.0.0.1" }, `reading the address "127.0.0.1": expected host:port`},
		"no template":    {func(o *local.Options) { o.Template = "/nonexistent" }, "reading the template: open /nonexistent: no such file or directory"},
		"bad parameter":  {func(o *local.Options) { o.Parameters = map[string]string{"Other": "x"} }, "template.yaml:1: Parameters: there is no parameter Other"},
		"bad machine":    {func(o *local.Options) { o.Machines = []local.Machine{{ID: "web"}} }, `registering node "web": expected an id of the form i-… or mi-…`},
		"not a document": {func(o *local.Options) { o.NotHere = []string{"Lock"} }, `starting: NotHere names "Lock", expected the logical id of a document of the template`},
		"data no folder": {func(o *local.Options) { o.DataDir = "/dev/null/x" }, "opening the data folder: mkdir /dev/null: not a directory"},
	} {
		o := options(t)
		tt.change(&o)
		s, err := local.Start(context.Background(), o)
		if err == nil {
			t.Errorf("%s: Start succeeded at %s", name, s.URL())
			_ = s.Close()
			continue
		}
		if err.Error() != tt.want {
			t.Errorf("%s: Start = %v, want %s", name, err, tt.want)
		}
	}
}

func TestDataFolder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := options(t)
	o.DataDir = filepath.Join(t.TempDir(), "data")
	s := start(t, o)
	cfg := config(s, s.Credentials())
	key, err := kms.NewFromConfig(cfg).CreateKey(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a"}}
	if _, err := dynamodb.NewFromConfig(cfg).PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("keyward-Table"), Item: item}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutMachine(local.Machine{ID: "mi-0123456789abcdef0"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Forward(ctx, 100*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(o.DataDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("data folder %v, %v; want it closed to others", info, err)
	}
	again := start(t, o)
	cfg = config(again, again.Credentials())
	if _, err := kms.NewFromConfig(cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyMetadata.KeyId}); err != nil {
		t.Errorf("the key after a restart: %v", err)
	}
	out, err := dynamodb.NewFromConfig(cfg).GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("keyward-Table"), Key: item})
	if err != nil || len(out.Item) != 1 {
		t.Errorf("the item after a restart: %v, %v", out, err)
	}
	if again.Clock().Offset() < 99*time.Hour {
		t.Errorf("offset %s after a restart, want 100h", again.Clock().Offset())
	}
	if len(again.Machines()) != 2 {
		t.Errorf("machines %v after a restart, want two", again.Machines())
	}
	if again.Token() == s.Token() || again.Credentials() == s.Credentials() {
		t.Error("token and keys outlived the process")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.DataDir, "kms.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Start(ctx, o); err == nil || !strings.Contains(err.Error(), "loading the saved state of kms") {
		t.Errorf("Start with a broken file = %v", err)
	}
}

func TestReadInventory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "machines.json")
	if err := os.WriteFile(path, []byte(`[{"id":"i-0123456789abcdef0","tags":{"tier":"web"}}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if machines, err := local.ReadInventory(path); err != nil || len(machines) != 1 || machines[0].Tags["tier"] != "web" {
		t.Errorf("ReadInventory = %v, %v", machines, err)
	}
	if err := os.WriteFile(path, []byte(`[{"name":"web"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + ".none"} {
		if machines, err := local.ReadInventory(p); err == nil {
			t.Errorf("ReadInventory(%s) = %v, want an error", p, machines)
		}
	}
}
