package wire_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/wire"
	"github.com/keyward/keyward/local/wire/wiretest"
)

const region = "us-east-1"

var (
	operator = wire.Principal{Kind: wire.Operator, ARN: "arn:aws:iam::123456789012:user/operator", UserID: "AIDACKCEVSQ6C2EXAMPLE", Account: "123456789012"}
	session  = wire.Principal{Kind: wire.Machine, ARN: "arn:aws:sts::123456789012:assumed-role/web/i-1234567890abcdef0", UserID: "AROADBQP57FF2AEXAMPLE:i-1234567890abcdef0", Account: "123456789012"}
)

// place is a server with services that only say what they were asked.
type place struct {
	*wire.Server
	url         string
	credentials *wire.Credentials
	seen        *wire.Request
	input       any // what Decode made of it
}

type dataInput struct {
	KeyId string
}

type listInput struct {
	ScheduleGroup, NamePrefix, NextToken, State string
	MaxResults                                  int
}

type instancesInput struct {
	InstanceId []string
	Filter     []struct {
		Name  string
		Value []string
	}
	MaxResults *int32
	DryRun     bool
}

func see[T any](p *place, answer any) wire.Operation {
	return func(_ context.Context, r *wire.Request) (any, error) {
		p.seen = r
		in, err := wire.Decode[T](r)
		p.input = in
		return answer, err
	}
}

func fail(err error) wire.Operation {
	return func(context.Context, *wire.Request) (any, error) { return nil, err }
}

func start(t *testing.T, change ...func(*wire.Config)) *place {
	t.Helper()
	p := &place{credentials: wire.NewCredentials(region, nil)}
	config := wire.Config{Credentials: p.credentials, Now: func() time.Time { return time.Unix(1_700_000_000, 0).UTC() }}
	for _, f := range change {
		f(&config)
	}
	p.Server = wire.New(config)
	for _, s := range p.services() {
		if err := p.Register(s); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(wire.Guard(p.Server))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *place) services() []wire.Service {
	type reservations struct {
		Reservations []struct{} `xml:"reservationSet>item"`
		NextToken    string     `xml:"nextToken"`
	}
	return []wire.Service{
		{Name: "kms", Protocol: wire.JSON11, TargetPrefix: "TrentService", Operations: map[string]wire.Operation{
			"DescribeKey": see[dataInput](p, map[string]any{"KeyMetadata": map[string]any{"KeyId": "k", "CreationDate": wire.Time{Time: time.UnixMilli(1_700_000_000_250)}}}),
			"EnableKey":   see[dataInput](p, nil),
			"DisableKey":  fail(errors.New("the disk is full")),
		}},
		{Name: "dynamodb", Protocol: wire.JSON10, TargetPrefix: "DynamoDB_20120810", Operations: map[string]wire.Operation{
			"TransactWriteItems": fail(&wire.Error{Code: "TransactionCanceledException", Message: "cancelled",
				Members: map[string]any{"CancellationReasons": []map[string]any{{"Code": "ConditionalCheckFailed"}}}}),
		}},
		{Name: "scheduler", Protocol: wire.RESTJSON, Operations: map[string]wire.Operation{
			"CreateSchedule": see[map[string]any](p, map[string]string{"ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/daily"}),
			"ListSchedules":  see[listInput](p, nil),
		}, Routes: []wire.Route{
			{Pattern: "POST /schedules/{Name}", Operation: "CreateSchedule"},
			{Pattern: "GET /schedules", Operation: "ListSchedules"},
		}},
		{Name: "lambda", Protocol: wire.RESTJSON, Operations: map[string]wire.Operation{
			"Invoke": see[struct{ FunctionName, Qualifier string }](p, wire.Raw{Header: http.Header{"X-Amz-Function-Error": {"Unhandled"}}, Body: []byte(`{"a":1}`)}),
		}, Routes: []wire.Route{
			{Pattern: "POST /2015-03-31/functions/{FunctionName}/invocations", Operation: "Invoke", Raw: true, Status: 202},
		}},
		{Name: "sts", Protocol: wire.Query, Version: "2011-06-15", Operations: map[string]wire.Operation{
			"GetCallerIdentity": see[struct{}](p, struct{ Account, Arn string }{"123456789012", "a<b>&c"}),
		}},
		{Name: "ec2", Protocol: wire.EC2, Version: "2016-11-15", Operations: map[string]wire.Operation{
			"DescribeInstances": see[instancesInput](p, reservations{Reservations: []struct{}{{}}, NextToken: "more"}),
			"CreateTags":        fail(&wire.Error{Code: "InvalidInstanceID.NotFound", Message: "The instance ID 'i-<1>' does not exist"}),
		}},
	}
}

func (p *place) config(principal wire.Principal) aws.Config {
	key := p.credentials.Issue(principal)
	return aws.Config{
		Region:           region,
		BaseEndpoint:     aws.String(p.url),
		Credentials:      credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
		RetryMaxAttempts: 1,
		HTTPClient:       wiretest.Client(),
	}
}

func wantCode(t *testing.T, err error, code string) smithy.APIError {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Fatalf("error = %v, want code %s", err, code)
	}
	return api
}

func TestJSON(t *testing.T) {
	t.Parallel()
	p := start(t)
	client := kms.NewFromConfig(p.config(session))
	out, err := client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("alias/a")})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.KeyMetadata.CreationDate.UnixMilli(); got != 1_700_000_000_250 {
		t.Errorf("CreationDate = %d, want 1700000000250", got)
	}
	if diff := cmp.Diff(dataInput{KeyId: "alias/a"}, p.input); diff != "" {
		t.Error(diff)
	}
	if p.seen.Caller != session || p.seen.Region != region || p.seen.Service != "kms" || p.seen.Operation != "DescribeKey" {
		t.Errorf("request = %+v", p.seen)
	}
	if _, err := client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: aws.String("a")}); err != nil {
		t.Error(err)
	}
}

func TestErrorMembers(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, err := dynamodb.NewFromConfig(p.config(operator)).TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []dynamodbtypes.TransactWriteItem{{Delete: &dynamodbtypes.Delete{TableName: aws.String("t"), Key: map[string]dynamodbtypes.AttributeValue{"k": &dynamodbtypes.AttributeValueMemberS{Value: "v"}}}}}})
	var cancelled *dynamodbtypes.TransactionCanceledException
	if !errors.As(err, &cancelled) || len(cancelled.CancellationReasons) != 1 || aws.ToString(cancelled.CancellationReasons[0].Code) != "ConditionalCheckFailed" {
		t.Fatalf("error = %#v", err)
	}
	if cancelled.ErrorMessage() != "cancelled" {
		t.Errorf("message = %q", cancelled.ErrorMessage())
	}
}

func TestREST(t *testing.T) {
	t.Parallel()
	p := start(t)
	client := scheduler.NewFromConfig(p.config(operator))
	if _, err := client.ListSchedules(t.Context(), &scheduler.ListSchedulesInput{GroupName: aws.String("a b/c"), MaxResults: aws.Int32(7), NamePrefix: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(listInput{ScheduleGroup: "a b/c", MaxResults: 7, NamePrefix: "1"}, p.input); diff != "" {
		t.Error(diff)
	}
	_, err := lambda.NewFromConfig(p.config(operator)).Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction"), Payload: []byte("[1]"), Qualifier: aws.String("5")})
	if err != nil {
		t.Fatal(err)
	}
	want := struct{ FunctionName, Qualifier string }{"arn:aws:lambda:us-east-1:123456789012:function:keyward-InspectFunction", "5"}
	if diff := cmp.Diff(want, p.input); diff != "" {
		t.Error(diff)
	}
	if string(p.seen.Raw) != "[1]" {
		t.Errorf("Raw = %s", p.seen.Raw)
	}
}

func TestRawAnswer(t *testing.T) {
	t.Parallel()
	p := start(t)
	out, err := lambda.NewFromConfig(p.config(operator)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	if out.StatusCode != 202 || string(out.Payload) != `{"a":1}` || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("answer = %+v", out)
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	p := start(t)
	who, err := sts.NewFromConfig(p.config(operator)).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(who.Arn) != "a<b>&c" {
		t.Errorf("Arn = %q", aws.ToString(who.Arn))
	}
	client := ec2.NewFromConfig(p.config(operator))
	out, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{"i-1", "i-2"}, MaxResults: aws.Int32(5), DryRun: aws.Bool(false)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Reservations) != 1 || aws.ToString(out.NextToken) != "more" {
		t.Errorf("answer = %+v", out)
	}
	if diff := cmp.Diff(instancesInput{InstanceId: []string{"i-1", "i-2"}, MaxResults: aws.Int32(5)}, p.input); diff != "" {
		t.Error(diff)
	}
	_, err = client.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{"i-1"}, Tags: nil})
	if err == nil {
		t.Fatal("CreateTags without tags was sent")
	}
}

func TestXMLError(t *testing.T) {
	t.Parallel()
	p := start(t)
	r := p.signed(t, operator, "ec2", "Action=CreateTags&Version=2016-11-15&ResourceId.1=i-1", nil)
	body := send(t, r, http.StatusBadRequest)
	if !strings.Contains(body, "<Code>InvalidInstanceID.NotFound</Code><Message>The instance ID &#39;i-&lt;1&gt;&#39; does not exist</Message>") {
		t.Errorf("body = %s", body)
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, err := kms.NewFromConfig(p.config(operator)).ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: aws.String("k")})
	if e := wantCode(t, err, "NotImplemented"); !strings.Contains(e.ErrorMessage(), "ScheduleKeyDeletion") {
		t.Errorf("message = %q", e.ErrorMessage())
	}
	_, err = kms.NewFromConfig(p.config(operator)).DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: aws.String("k"), GrantTokens: []string{"t"}})
	if e := wantCode(t, err, "NotImplemented"); !strings.Contains(e.ErrorMessage(), `"GrantTokens" of kms.DescribeKey`) {
		t.Errorf("message = %q", e.ErrorMessage())
	}
	_, err = scheduler.NewFromConfig(p.config(operator)).DeleteSchedule(t.Context(), &scheduler.DeleteScheduleInput{Name: aws.String("daily")})
	if e := wantCode(t, err, "NotImplemented"); !strings.Contains(e.ErrorMessage(), "DELETE /schedules/daily") {
		t.Errorf("message = %q", e.ErrorMessage())
	}
	_, err = ec2.NewFromConfig(p.config(operator)).DescribeHosts(t.Context(), nil)
	wantCode(t, err, "NotImplemented")
	for _, c := range []struct{ service, body, target, want string }{
		{"sqs", "{}", "AmazonSQS.SendMessage", "service sqs"},
		{"kms", "{}", "AmazonSSM.SendCommand", "AmazonSSM.SendCommand"},
		{"ec2", "Action=DescribeInstances&Version=2009-01-01", "", "2009-01-01"},
	} {
		r := p.signed(t, operator, c.service, c.body, map[string]string{"X-Amz-Target": c.target})
		if body := send(t, r, http.StatusNotImplemented); !strings.Contains(body, c.want) {
			t.Errorf("%v: body = %s", c, body)
		}
	}
}

func TestOurOwnFaultIsInternal(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, err := kms.NewFromConfig(p.config(operator)).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: aws.String("k")})
	if e := wantCode(t, err, "InternalFailure"); !strings.Contains(e.ErrorMessage(), "disk is full") {
		t.Errorf("message = %q", e.ErrorMessage())
	}
}

func TestInterceptAndRetry(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			attempts := 0
			p := start(t, func(c *wire.Config) {
				c.Intercept = func(_ context.Context, r *wire.Request) *wire.Error {
					attempts++
					if r.Operation == "EnableKey" && attempts < 3 {
						return &wire.Error{Code: code, Message: "Rate exceeded"}
					}
					return nil
				}
			})
			config := p.config(operator)
			config.RetryMaxAttempts = 3
			_, err := kms.NewFromConfig(config, func(o *kms.Options) { o.Retryer = noDelay{o.Retryer} }).EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: aws.String("k")})
			if err != nil || attempts != 3 {
				t.Errorf("%d attempts, error %v; want 3 and none", attempts, err)
			}
			if got := p.Calls()["kms.EnableKey"]; got != 3 {
				t.Errorf("calls = %d, want 3", got)
			}
			if log := p.Log(); log[0].Code != code || log[2].Code != "" || log[0].Caller != operator.ARN || log[0].At.Unix() != 1_700_000_000 {
				t.Errorf("log = %+v", log)
			}
			p.ResetCalls()
			if len(p.Calls()) != 0 || len(p.Log()) != 0 {
				t.Error("ResetCalls left calls")
			}
		})
	}
}

type noDelay struct{ aws.Retryer }

func (noDelay) RetryDelay(int, error) (time.Duration, error) { return 0, nil }

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	p := start(t)
	for i := range 10_003 {
		r := p.signed(t, operator, "kms", "{}", map[string]string{"X-Amz-Target": fmt.Sprintf("TrentService.Op%d", i)})
		p.ServeHTTP(httptest.NewRecorder(), r)
	}
	log := p.Log()
	if len(log) != 10_000 || log[0].Operation != "Op3" || log[9_999].Operation != "Op10002" {
		t.Errorf("%d calls, from %s to %s", len(log), log[0].Operation, log[len(log)-1].Operation)
	}
}

func TestRegisterRefuses(t *testing.T) {
	t.Parallel()
	nothing := map[string]wire.Operation{"A": fail(nil)}
	for name, s := range map[string]wire.Service{
		"no name":              {Protocol: wire.JSON11},
		"no protocol":          {Name: "a"},
		"rest without routes":  {Name: "a", Protocol: wire.RESTJSON},
		"json with routes":     {Name: "a", Protocol: wire.JSON11, Routes: []wire.Route{{Pattern: "GET /", Operation: "A"}}, Operations: nothing},
		"route to nothing":     {Name: "a", Protocol: wire.RESTJSON, Routes: []wire.Route{{Pattern: "GET /", Operation: "B"}}, Operations: nothing},
		"malformed pattern":    {Name: "a", Protocol: wire.RESTJSON, Routes: []wire.Route{{Pattern: "GET /{", Operation: "A"}}, Operations: nothing},
		"same route twice":     {Name: "a", Protocol: wire.RESTJSON, Routes: []wire.Route{{Pattern: "GET /", Operation: "A"}, {Pattern: "GET /", Operation: "A"}}, Operations: nothing},
		"name taken":           {Name: "kms", Protocol: wire.JSON11, TargetPrefix: "TrentService"},
		"another protocol too": {Name: "kms", Protocol: wire.JSON10, TargetPrefix: "Other"},
	} {
		if err := start(t).Register(s); err == nil {
			t.Errorf("%s: registered", name)
		}
	}
	streams := wire.Service{Name: "dynamodb", Protocol: wire.JSON10, TargetPrefix: "DynamoDBStreams_20120810", Operations: nothing}
	if err := start(t).Register(streams); err != nil {
		t.Error(err)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, c := range []struct{ name, service, target, body, code string }{
		{"not JSON", "kms", "TrentService.DescribeKey", "{", "SerializationException"},
		{"a list", "kms", "TrentService.DescribeKey", "[]", "SerializationException"},
		{"null", "kms", "TrentService.DescribeKey", "null", "SerializationException"},
		{"wrong type", "kms", "TrentService.DescribeKey", `{"KeyId":5}`, "SerializationException"},
		{"no action", "sts", "", "Version=2011-06-15", "MissingAction"},
		{"not a form", "sts", "", "%zz", "MalformedQueryString"},
		{"value and structure", "ec2", "", "Action=DescribeInstances&Version=2016-11-15&a=1&a.b=2", "MalformedQueryString"},
		{"number expected", "ec2", "", "Action=DescribeInstances&Version=2016-11-15&MaxResults=many", "SerializationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := p.signed(t, operator, c.service, c.body, map[string]string{"X-Amz-Target": c.target})
			if body := send(t, r, http.StatusBadRequest); !strings.Contains(body, c.code) {
				t.Errorf("body = %s", body)
			}
		})
	}
	r := p.signed(t, operator, "kms", "", map[string]string{"X-Amz-Target": "TrentService.EnableKey"})
	send(t, r, http.StatusOK)
}

func TestErrorHeaders(t *testing.T) {
	t.Parallel()
	p := start(t)
	r := p.signed(t, operator, "kms", "{", map[string]string{"X-Amz-Target": "TrentService.DescribeKey"})
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var document map[string]string
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	h := response.Header
	if h.Get("X-Amzn-ErrorType") != "SerializationException" || len(h.Get("X-Amzn-RequestId")) != 36 || h.Get("Content-Type") != "application/x-amz-json-1.1" || document["__type"] != "SerializationException" {
		t.Errorf("header = %v, document = %v", h, document)
	}
}
