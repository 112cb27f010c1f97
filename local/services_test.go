package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/keyward/keyward/local"
	"github.com/keyward/keyward/local/lambda"
)

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

func TestUndeliveredSchedule(t *testing.T) {
	t.Parallel()
	s := start(t, options(t))
	ctx := context.Background()
	_, err := scheduler.NewFromConfig(config(s, s.Credentials())).CreateSchedule(ctx, &scheduler.CreateScheduleInput{
		Name: aws.String("nobody"), GroupName: aws.String("keyward-Group"), ScheduleExpression: aws.String("rate(1 minutes)"),
		FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: schedulertypes.FlexibleTimeWindowModeOff},
		Target: &schedulertypes.Target{
			Arn:              aws.String("arn:aws:lambda:us-east-1:123456789012:function:nobody"),
			RoleArn:          aws.String("arn:aws:iam::123456789012:role/keyward-Schedules"),
			RetryPolicy:      &schedulertypes.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)},
			DeadLetterConfig: &schedulertypes.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:123456789012:keyward-Dead")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Forward(ctx, 90*time.Second); err != nil {
		t.Fatal(err)
	}
	letters := s.DeadLetters()
	if len(letters) == 0 || letters[0].From != "scheduler" || !strings.Contains(letters[0].Error, "there is no such function") {
		t.Errorf("dead letters %+v, want the schedule's", letters)
	}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Machines = []local.Machine{
		{ID: "i-0123456789abcdef0", Platform: "Windows", Tags: map[string]string{"tier": "web"}},
		{ID: "mi-0123456789abcdef0", Answer: func(string, map[string][]string) string { return "simulated" }},
	}
	s := start(t, o)
	ctx := context.Background()
	out, err := ec2.NewFromConfig(config(s, s.Credentials())).DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	if err != nil || len(out.Reservations) != 1 {
		t.Fatalf("DescribeInstances = %v, %v; want the instance alone", out, err)
	}
	i := out.Reservations[0].Instances[0]
	if aws.ToString(i.InstanceId) != "i-0123456789abcdef0" || i.Platform != "windows" || time.Since(*i.LaunchTime) < 23*time.Hour {
		t.Errorf("instance %+v", i)
	}
	client := ssm.NewFromConfig(config(s, s.Credentials()))
	nodes, err := client.DescribeInstanceInformation(ctx, &ssm.DescribeInstanceInformationInput{})
	if err != nil || len(nodes.InstanceInformationList) != 2 {
		t.Fatalf("DescribeInstanceInformation = %v, %v; want both", nodes, err)
	}
	sent, err := client.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String("keyward-Document"), InstanceIds: []string{"mi-0123456789abcdef0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clock().Settle(ctx); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetCommandInvocation(ctx, &ssm.GetCommandInvocationInput{CommandId: sent.Command.CommandId, InstanceId: aws.String("mi-0123456789abcdef0")})
	if err != nil || !strings.Contains(aws.ToString(got.StandardOutputContent), "simulated") {
		t.Errorf("GetCommandInvocation = %v, %v", got, err)
	}
	if err := s.PutMachine(local.Machine{ID: "i-0123456789abcdef0", State: "terminated"}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutMachine(local.Machine{ID: "i-0123456789abcdef0", State: "running"}); err == nil {
		t.Error("a terminated instance started again")
	}
}
