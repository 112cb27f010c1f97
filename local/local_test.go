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
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/lambda"
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
		return event, nil
	})
}

const template = `Transform: AWS::Serverless-2016-10-31
Parameters:
  SenderAddress: {Type: String}
  AccountContact: {Type: String}
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
      Events:
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: "/v1/{id}"}}
        Running:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.ec2], detail: {state: [stopped]}}
        Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour), Input: '"tick"'}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: m.asl.json
      DefinitionSubstitutions: {Echo: !GetAtt Echo.Arn}
  Dead: {Type: AWS::SQS::Queue}
  Sender: {Type: AWS::SES::EmailIdentity, Properties: {EmailIdentity: !Ref SenderAddress}}
  Mail: {Type: AWS::SES::ConfigurationSet}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
`

const definition = `{"StartAt": "Wait", "States": {
	"Wait": {"Type": "Wait", "Seconds": 7200, "Next": "Echo"},
	"Echo": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
		"Parameters": {"FunctionName": "${Echo}", "Payload.$": "$"}, "OutputPath": "$.Payload", "End": true}}}`

// options are a project in a temporary folder whose one function is this test binary.
func options(t *testing.T) local.Options {
	t.Helper()
	dir := t.TempDir()
	text := strings.Replace(template, "COVERAGE", dir, 1)
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.asl.json"), []byte(definition), 0o600); err != nil {
		t.Fatal(err)
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

func TestControlIsClosed(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	for _, token := range []string{"", "guess"} {
		if code, _ := control(t, s, token, "GET", "status", ""); code != http.StatusUnauthorized {
			t.Errorf("GET status with token %q = %d, want 401", token, code)
		}
	}
	r, err := http.NewRequest("GET", s.URL()+"/_local/status?token="+s.Token(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("GET status with the token in the query = %v, %v; want 401", answer, err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token())
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("GET status with a bearer token = %v, %v; want 200", answer, err)
	}
	for name, change := range map[string]func(*http.Request){
		"foreign host": func(r *http.Request) { r.Host = "example.com" },
		"a web page":   func(r *http.Request) { r.Header.Set("Origin", "https://example.com") },
	} {
		r := r.Clone(context.Background())
		change(r)
		if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, %v; want 403", name, answer, err)
		}
	}
}

func TestTimeMoves(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	before := s.Clock().Now()
	code, status := control(t, s, s.Token(), "POST", "forward", `{"duration":"4h"}`)
	now, err := time.Parse(time.RFC3339, fmt.Sprint(status["now"]))
	if code != 200 || err != nil || now.Sub(before) < 4*time.Hour || status["offset"] != "4h0m0s" {
		t.Errorf("forward 4h = %d %v from %s", code, status, before)
	}
	to := now.Add(time.Hour).Format(time.RFC3339Nano)
	if code, _ = control(t, s, s.Token(), "POST", "forward", `{"to":"`+to+`"}`); code != 200 || s.Clock().Now().Before(now.Add(time.Hour)) {
		t.Errorf("forward to %s = %d, now %s", to, code, s.Clock().Now())
	}
	if f := s.Status().Functions[0]; f.Invocations != 6 { // a rate fires at once, and then every hour
		t.Errorf("the hourly schedule called its function %d times in five hours", f.Invocations)
	}
	if code, _ = control(t, s, s.Token(), "POST", "settle", ""); code != 200 {
		t.Errorf("settle = %d", code)
	}
	for _, body := range []string{`{}`, `{"duration":"1h","to":"` + to + `"}`, `{"duration":"-1h"}`, `{"duration":"soon"}`, `{"duration":"100000h"}`, `{"hours":4}`, `[]`} {
		if code, answer := control(t, s, s.Token(), "POST", "forward", body); code != 400 || answer["error"] == "" {
			t.Errorf("forward %s = %d %v, want 400", body, code, answer)
		}
	}
}

func TestServicesAnswer(t *testing.T) {
	t.Parallel()
	lines := make(chan string, 100)
	o := options(t)
	o.Output = func(l lambda.Line) { lines <- l.Text }
	s := start(t, o)
	ctx := context.Background()
	cfg := config(s, s.Credentials())
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil)
	if err != nil || aws.ToString(who.Account) != local.Account {
		t.Errorf("GetCallerIdentity = %v, %v", who, err)
	}
	out, err := lambdasdk.NewFromConfig(cfg).Invoke(ctx, &lambdasdk.InvokeInput{FunctionName: aws.String("keyward-Echo"), Payload: []byte(`["not merged"]`)})
	if err != nil || string(out.Payload) != `["not merged"]` || aws.ToString(out.ExecutedVersion) != "$LATEST" {
		t.Errorf("Invoke = %+v, %v", out, err)
	}
	out, err = lambdasdk.NewFromConfig(cfg).Invoke(ctx, &lambdasdk.InvokeInput{FunctionName: aws.String("keyward-Echo"), Payload: []byte(`"fail"`)})
	if err != nil || aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), "told to fail") {
		t.Errorf("Invoke of a failing function = %+v, %v", out, err)
	}
	if got := s.Calls()["lambda.Invoke"]; got != 2 {
		t.Errorf("%d calls of lambda.Invoke counted, want 2", got)
	}
	if code, calls := control(t, s, s.Token(), "GET", "calls", ""); code != 200 || calls["lambda.Invoke"] != 2.0 {
		t.Errorf("GET calls = %d %v", code, calls)
	}
	for line := range lines { // output comes on a way of its own, a little after the answer
		if strings.Contains(line, "not merged") {
			break
		}
	}
	if code, logs := control(t, s, s.Token(), "GET", "logs?function=Echo", ""); code != 200 || !strings.Contains(fmt.Sprint(logs), "not merged") {
		t.Errorf("GET logs = %d %v", code, logs)
	}
	if code, _ := control(t, s, s.Token(), "GET", "logs", ""); code != 400 {
		t.Errorf("GET logs without a function = %d, want 400", code)
	}
	if code, _ := control(t, s, s.Token(), "DELETE", "calls", ""); code != 200 || len(s.Calls()) != 0 {
		t.Errorf("DELETE calls = %d, left %v", code, s.Calls())
	}
}

func TestHTTPAPI(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	key, err := s.MachineCredentials(local.HostMachine)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("GET", s.API("Api")+"/v1/a%20b?x=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("not signed: %v, %v; want 403", answer, err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	signer := v4.NewSigner()
	err = signer.SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken},
		r, empty, "execute-api", s.Region(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var event struct {
		RouteKey       string
		PathParameters map[string]string
		RequestContext struct {
			Authorizer struct {
				IAM struct{ UserARN, AccessKey string }
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&event); err != nil || answer.StatusCode != 200 {
		t.Fatalf("signed: %d, %v", answer.StatusCode, err)
	}
	iam := event.RequestContext.Authorizer.IAM
	if event.PathParameters["id"] != "a b" || iam.UserARN != "arn:aws:sts::123456789012:assumed-role/keyward-machine/i-1234567890abcdef0" || iam.AccessKey != key.AccessKeyID {
		t.Errorf("the function saw %+v", event)
	}
}

func TestMachinesAndEvents(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	code, _ := control(t, s, s.Token(), "PUT", "machines/"+local.HostMachine, `{"state":"stopped","tags":{"tier":"web"}}`)
	if code != 200 {
		t.Fatalf("PUT machine = %d", code)
	}
	if err := s.Clock().Settle(context.Background()); err != nil {
		t.Fatal(err)
	}
	if f := s.Status().Functions[0]; f.Invocations != 2 || f.Errors != 0 {
		t.Errorf("the rule's function %+v, want one invocation besides the schedule's", f)
	}
	if code, machines := control(t, s, s.Token(), "GET", "machines", ""); code != 200 || !strings.Contains(fmt.Sprint(machines), "stopped") {
		t.Errorf("GET machines = %d %v", code, machines)
	}
	if code, events := control(t, s, s.Token(), "GET", "events", ""); code != 200 || !strings.Contains(fmt.Sprint(events), "State-change") {
		t.Errorf("GET events = %d %v", code, events)
	}
	for path, body := range map[string]string{
		"machines/i-1234567890abcdef0": `{"id":"i-other"}`, "machines/web": `{}`, "machines/i-0000000000000000a": `{"state":"odd"}`,
	} {
		if code, answer := control(t, s, s.Token(), "PUT", path, body); code != 400 {
			t.Errorf("PUT %s %s = %d %v, want 400", path, body, code, answer)
		}
	}
	if code, key := control(t, s, s.Token(), "GET", "credentials?machine="+local.HostMachine, ""); code != 200 || key["sessionToken"] == "" {
		t.Errorf("GET credentials of a machine = %d", code)
	}
	if code, _ := control(t, s, s.Token(), "GET", "credentials?machine=i-none", ""); code != 404 {
		t.Errorf("GET credentials of nobody = %d, want 404", code)
	}
	if code, key := control(t, s, s.Token(), "GET", "credentials", ""); code != 200 || key["accessKeyId"] != s.Credentials().AccessKeyID {
		t.Errorf("GET credentials = %d", code)
	}
}

func TestExecutions(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := options(t)
	o.DataDir = filepath.Join(t.TempDir(), "data")
	s := start(t, o)
	_, err := sfn.NewFromConfig(config(s, s.Credentials())).StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String("arn:aws:states:us-east-1:123456789012:stateMachine:keyward-Machine"), Name: aws.String("one"), Input: aws.String(`{"a":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, all := control(t, s, s.Token(), "GET", "executions", ""); code != 200 || !strings.Contains(fmt.Sprint(all), "RUNNING") {
		t.Errorf("GET executions = %d %v", code, all)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start(t, o) // an execution outlives the process
	if err := s.Clock().Forward(ctx, 3*time.Hour); err != nil {
		t.Fatal(err)
	}
	if code, one := control(t, s, s.Token(), "GET", "executions/one", ""); code != 200 || !strings.Contains(fmt.Sprint(one), "SUCCEEDED") {
		t.Errorf("GET executions/one = %d %v", code, one)
	}
	if code, _ := control(t, s, s.Token(), "GET", "executions/two", ""); code != 404 {
		t.Errorf("GET executions/two = %d, want 404", code)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	code, fault := control(t, s, s.Token(), "POST", "faults", `{"kind":"error","service":"sts","code":"Wrong"}`)
	if code/100 != 2 {
		t.Fatalf("POST faults = %d %v", code, fault)
	}
	client := sts.NewFromConfig(config(s, s.Credentials()))
	if _, err := client.GetCallerIdentity(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "Wrong") {
		t.Errorf("GetCallerIdentity under a fault = %v", err)
	}
	r, err := http.NewRequest("DELETE", s.URL()+"/_local/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(local.TokenHeader, s.Token())
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode/100 != 2 {
		t.Fatalf("DELETE faults = %v, %v", answer, err)
	}
	if _, err := client.GetCallerIdentity(context.Background(), nil); err != nil {
		t.Errorf("GetCallerIdentity after the fault = %v", err)
	}
}

func TestMailbox(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	text := func(s string) *sestypes.Content { return &sestypes.Content{Data: aws.String(s)} }
	_, err := sesv2.NewFromConfig(config(s, s.Credentials())).SendEmail(context.Background(), &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("keyward@example.com"), ConfigurationSetName: aws.String("keyward-Mail"),
		Destination: &sestypes.Destination{ToAddresses: []string{"ops@example.com"}},
		Content:     &sestypes.EmailContent{Simple: &sestypes.Message{Subject: text("Key <revoked>"), Body: &sestypes.Body{Text: text("hello")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, mail := control(t, s, s.Token(), "GET", "mail", ""); code != 200 || !strings.Contains(fmt.Sprint(mail), "Key <revoked>") {
		t.Errorf("GET mail = %d %v", code, mail)
	}
	for query, want := range map[string]int{"": 401, "?token=guess": 401, "?token=" + s.Token(): 200} {
		answer, err := http.Get(s.URL() + "/_local/mailbox" + query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != want {
			t.Errorf("GET mailbox%s = %d, %v; want %d", query, answer.StatusCode, err, want)
		}
		if shown := strings.Contains(string(page), "Key &lt;revoked&gt;"); shown != (want == 200) {
			t.Errorf("GET mailbox%s shows the mail: %t", query, shown)
		}
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	cfg := config(s, s.Credentials())
	_, err := lambdasdk.NewFromConfig(cfg).Invoke(context.Background(), &lambdasdk.InvokeInput{
		FunctionName: aws.String("keyward-Echo"), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(`"fail"`),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Forward(context.Background(), time.Hour); err != nil {
		t.Fatal(err)
	}
	_, answer := control(t, s, s.Token(), "GET", "dead-letters", "")
	if text := fmt.Sprint(answer); !strings.Contains(text, "told to fail") || !strings.Contains(text, "arn:aws:sqs:us-east-1:123456789012:keyward-Dead") {
		t.Errorf("dead letters %s", text)
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
