package stack_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/stack"
)

// project is the real template with small files in place of what it includes.
func project(t *testing.T) (data []byte, files fstest.MapFS) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	carried := fstest.MapFS{
		"documents/inspect.json": {Data: []byte(`{ "schemaVersion": "2.2" }`)},
		"documents/lock.json":    {Data: []byte(`{ "schemaVersion": "2.2" }`)},
		"statemachine/enforcement.asl.json": {Data: []byte(`{"a": "${NotifyFunctionArn}", "b": "${RecheckFunctionArn}",
			"c": "${RestoreFunctionArn}", "d": "${RevokeFunctionArn}", "e": "${SafeguardFunctionArn}"}`)},
	}
	for _, name := range []string{"docs/openapi.people.json", "docs/openapi.machines.json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		carried[name] = &fstest.MapFile{Data: text}
	}
	return data, carried
}

var required = map[string]string{"SenderAddress": "keyward@example.com", "AccountContact": "ops@example.com"}

func TestProjectsTemplate(t *testing.T) {
	t.Parallel()
	data, files := project(t)
	s, err := stack.Parse("template.yaml", data, files, stack.Options{Parameters: required})
	if err != nil {
		t.Fatal(err)
	}
	const lambda = "arn:aws:lambda:us-east-1:123456789012:function:keyward-"
	const dead = "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters"
	inspect, ok := s.Function(lambda + "InspectFunction")
	if !ok || len(s.Functions) != 17 {
		t.Fatalf("functions %v, want seventeen with InspectFunction", s.Functions)
	}
	inspect.Environment = map[string]string{"TABLE_NAME": inspect.Environment["TABLE_NAME"], "FUNCTION_TIMEOUT_SECONDS": inspect.Environment["FUNCTION_TIMEOUT_SECONDS"]}
	want := stack.Function{
		Named:   stack.Named{LogicalID: "InspectFunction", Name: "keyward-InspectFunction", ARN: lambda + "InspectFunction"},
		Role:    stack.Named{LogicalID: "InspectFunctionRole", Name: "InspectFunctionRole", ARN: "arn:aws:iam::123456789012:role/InspectFunctionRole"},
		Timeout: time.Minute, MemoryMB: 256, DeadLetter: dead,
		Environment: map[string]string{"TABLE_NAME": "keyward-Table", "FUNCTION_TIMEOUT_SECONDS": "60"},
	}
	if diff := cmp.Diff(want, inspect); diff != "" {
		t.Errorf("InspectFunction (-want +got):\n%s", diff)
	}
	daily := stack.Schedule{
		Named: stack.Named{
			LogicalID: "InspectFunctionDaily", Name: "keyward-InspectFunctionDaily",
			ARN: "arn:aws:scheduler:us-east-1:123456789012:schedule/default/keyward-InspectFunctionDaily",
		},
		Group: "default", Expression: "cron(30 4 * * ? *)", TimeZone: "UTC", Function: lambda + "InspectFunction",
		Role:  "arn:aws:iam::123456789012:role/keyward-ScheduleRole",
		Input: `{"version":1,"scope":"unscheduled"}`, Retry: stack.Retry{Attempts: 5, Age: time.Hour}, DeadLetter: dead,
	}
	if diff := cmp.Diff(daily, s.Schedules[0]); diff != "" || len(s.Schedules) != 4 {
		t.Errorf("%d schedules, the first (-want +got):\n%s", len(s.Schedules), diff)
	}
	if got := string(s.Rules[1].Pattern); len(s.Rules) != 2 || !strings.Contains(got, `"document-name":["keyward-InspectDocument"]`) {
		t.Errorf("rules %v, want two with the document's name in the second", s.Rules)
	}
	table := stack.Table{
		Named:     stack.Named{LogicalID: "Table", Name: "keyward-Table", ARN: "arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table"},
		Partition: stack.Key{Name: "pk", Type: "S"}, Sort: stack.Key{Name: "sk", Type: "S"}, Expiry: "expiresAt",
		Indexes: []stack.Index{{Name: "list", Partition: stack.Key{Name: "listPk", Type: "S"}, Sort: stack.Key{Name: "listSk", Type: "S"}}},
		Stream:  "NEW_AND_OLD_IMAGES", StreamARN: "arn:aws:dynamodb:us-east-1:123456789012:table/keyward-Table/stream/2026-01-01T00:00:00.000",
	}
	if diff := cmp.Diff([]stack.Table{table}, s.Tables); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
	checkRest(t, s)
	off, err := stack.Parse("template.yaml", data, files, stack.Options{Parameters: map[string]string{
		"SenderAddress": "keyward@example.com", "AccountContact": "ops@example.com", "Drill": "off",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for parameter, want := range map[string]int{"SecurityHub": 2, "SsmCompliance": 2, "Drill": 1} {
		on := map[string]string{parameter: "on"}
		maps.Copy(on, required)
		if s, err := stack.Parse("template.yaml", data, files, stack.Options{Parameters: on}); err != nil || len(s.Mappings) != want {
			t.Errorf("with %s=on %d mappings, want %d, %v", parameter, len(s.Mappings), want, err)
		}
	}
	if f, _ := off.Function(lambda + "DrillFunction"); len(off.Keys) != 1 || off.Keys[0].LogicalID != "DataKey" || len(off.Schedules) != 4 || !off.Schedules[1].Disabled || !off.Schedules[3].Disabled || f.Environment["DRILL_KEY"] != "" {
		t.Errorf("with Drill=off %d keys, want the table's, schedules %v, DRILL_KEY %q", len(off.Keys), off.Schedules, f.Environment["DRILL_KEY"])
	}
}

func TestCallPolicies(t *testing.T) {
	t.Parallel()
	p := stack.CallPolicy{Policy: permission.Policy{{Actions: []string{"execute-api:Invoke"}, Resources: []string{"arn:aws:execute-api:us-east-1:123456789012:abc/$default/GET/*", "arn:aws:execute-api:us-east-1:123456789012:abc/$default/POST/v1/machines/*/check", "arn:aws:execute-api:us-east-1:123456789012:abc/$default/PUT/v?/x"}}}}
	for call, want := range map[string]bool{
		"GET/v1/machines/i-1": true, "GET/": true, "POST/v1/machines/i-1/check": true, "POST/v1/machines/a/b/check": true, "PUT/v1/x": true,
		"POST/v1/machines/i-1/restore": false, "POST/v1/machines/i-1/check/more": false, "PUT/v/x": false, "PUT/v1/xy": false, "PUT/v1/": false, "HEAD/v1/machines": false,
	} {
		if got := p.Allows("arn:aws:execute-api:us-east-1:123456789012:abc/$default/" + call); got != want {
			t.Errorf("%s is allowed: %t, want %t", call, got, want)
		}
	}
	if p.Allows("arn:aws:execute-api:us-east-1:123456789012:other/$default/GET/v1") || (stack.CallPolicy{}).Allows("") {
		t.Error("another API is allowed, or no policy allows something")
	}
}

func checkRest(t *testing.T, s *stack.Stack) {
	t.Helper()
	if len(s.APIs) != 2 || s.APIs[0].LogicalID != "PeopleApi" || len(s.APIs[0].Routes) < 10 || len(s.APIs[1].Routes) < 3 {
		t.Errorf("APIs %v", s.APIs)
	}
	if p := s.CallPolicies; len(p) != 5 || p[0].LogicalID != "AdministratorPolicy" || p[0].ARN != "arn:aws:iam::123456789012:policy/keyward-AdministratorPolicy" ||
		!slices.Equal(p[0].Policy[0].Resources, []string{"arn:aws:execute-api:us-east-1:123456789012:" + s.APIs[0].ID + "/*"}) {
		t.Errorf("policies on APIs %v", p)
	}
	if s.Outputs["PeopleApiUrl"] != "http://127.0.0.1:4566/execute-api/PeopleApi" {
		t.Errorf("PeopleApiUrl = %q", s.Outputs["PeopleApiUrl"])
	}
	if got, want := string(s.Documents[0].Content), `{"schemaVersion":"2.2"}`; got != want || s.Documents[0].Name != "keyward-InspectDocument" {
		t.Errorf("document %+v, want content %s", s.Documents[0], want)
	}
	var definition map[string]string
	if err := json.Unmarshal(s.StateMachines[0].Definition, &definition); err != nil {
		t.Fatal(err)
	}
	if definition["d"] != "arn:aws:lambda:us-east-1:123456789012:function:keyward-RevokeFunction" {
		t.Errorf("definition %v after its substitutions", definition)
	}
	if diff := cmp.Diff([]string{"keyward@example.com"}, s.Identities); diff != "" {
		t.Errorf("identities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]stack.ConfigurationSet{{Name: "keyward-MailSettings", Suppressed: []string{"BOUNCE", "COMPLAINT"}}}, s.ConfigurationSets); diff != "" {
		t.Errorf("configuration sets (-want +got):\n%s", diff)
	}
	if len(s.Keys) != 2 || s.Keys[1].Alias != "alias/keyward-data" || s.Keys[0].Alias != "alias/keyward-drill" || s.Keys[0].Tags["keyward:drill"] != "true" ||
		!strings.Contains(string(s.Keys[0].Policy), "arn:aws:sts::123456789012:assumed-role/DrillFunctionRole/keyward-DrillFunction") {
		t.Errorf("keys %+v", s.Keys)
	}
	const topic = "arn:aws:sns:us-east-1:123456789012:keyward-MailEvents"
	destination := stack.EventDestination{Set: "keyward-MailSettings", Topic: topic, Types: []string{
		"Bounce", "Complaint", "Delivery", "DeliveryDelay", "Reject", "Rendering Failure",
	}}
	if diff := cmp.Diff([]stack.EventDestination{destination}, s.EventDestinations); diff != "" || len(s.Topics) != 2 {
		t.Errorf("topics %v, destinations (-want +got):\n%s", s.Topics, diff)
	}
	subscription := stack.Subscription{
		Topic: topic, Function: "arn:aws:lambda:us-east-1:123456789012:function:keyward-DeliveryFunction",
		DeadLetter: "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters",
	}
	if diff := cmp.Diff([]stack.Subscription{subscription}, s.Subscriptions); diff != "" {
		t.Errorf("subscriptions (-want +got):\n%s", diff)
	}
	if len(s.Queues) != 1 || len(s.ScheduleGroups) != 2 || len(s.Roles) != 19 {
		t.Errorf("queues %v, groups %v, roles %v", s.Queues, s.ScheduleGroups, s.Roles)
	}
}

// small is a correct template to break.
const small = `Transform: AWS::Serverless-2016-10-31
Parameters:
  Rate: {Type: String, Default: rate(5 minutes), AllowedPattern: 'rate\(.*\)'}
  Days: {Type: Number, Default: 7, AllowedValues: [7, 14]}
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    CodeUri: .
    Environment: {Variables: {A: global, B: "1"}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth: {DefaultAuthorizer: AWS_IAM, EnableIamAuthorizer: true}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Environment: {Variables: {A: !Sub "${AWS::Region}-${Queue.QueueName}-${!literal}", C: {Ref: Days}}}
      Events:
        Tick:
          Type: ScheduleV2
          Properties: {ScheduleExpression: !Ref Rate, FlexibleTimeWindow: {Mode: FLEXIBLE, MaximumWindowInMinutes: 5}, Input: "{}"}
        Route:
          Type: HttpApi
          Properties: {ApiId: !Ref Api, Method: get, Path: /a}
        Rule:
          Type: EventBridgeRule
          Properties:
            Pattern: {source: [aws.ec2], detail: {n: [1, true, null, {exists: false}, "1"]}}
  Queue:
    Type: AWS::SQS::Queue
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: m.asl.json
      DefinitionSubstitutions: {Function: !GetAtt F.Arn}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions:
        - {AttributeName: pk, AttributeType: S}
      KeySchema:
        - {AttributeName: pk, KeyType: HASH}
  Document:
    Type: AWS::SSM::Document
    Properties:
      DocumentType: Command
      Content: {"Fn::Transform": {Name: AWS::Include, Parameters: {Location: d.json}}}
  Set:
    Type: AWS::SES::ConfigurationSet
    Properties:
      SuppressionOptions: {SuppressedReasons: [BOUNCE]}
  Role:
    Type: AWS::IAM::Role
    Properties:
      ManagedPolicyArns: [!Ref Never]
      Policies:
        - PolicyName: P
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Take
                Effect: Allow
                Action: [kms:DisableKey, kms:RevokeGrant]
                Resource: !Sub arn:aws:kms:${AWS::Region}:${AWS::AccountId}:key/*
                Condition:
                  StringEquals:
                    aws:ResourceTag/guarded: "true"
  Never:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Statement: {Sid: Never, Effect: Deny, Action: kms:Decrypt, Resource: "*"}
`

var smallFiles = fstest.MapFS{
	"m.asl.json": {Data: []byte(`{"f":"${Function}"}`)},
	"d.json":     {Data: []byte(`{}`)},
	"broken":     {Data: []byte(`{`)},
	"two.json":   {Data: []byte(`{"f":"${Function}","g":"${Other}"}`)},
}

// An API that has no authorizer is open; one with another than IAM's is refused, and so is half a one.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	const auth = "    Properties:\n      Auth: {DefaultAuthorizer: AWS_IAM, EnableIamAuthorizer: true}\n"
	for name, c := range map[string]struct {
		auth string
		open bool
		want string
	}{
		"IAM":     {auth, false, ""},
		"none":    {"    Properties: {Description: for everybody}\n", true, ""},
		"half":    {"    Properties:\n      Auth: {DefaultAuthorizer: AWS_IAM}\n", false, "keyward local carries the IAM authorizer alone"},
		"another": {"    Properties:\n      Auth: {DefaultAuthorizer: Jwt, EnableIamAuthorizer: true}\n", false, "keyward local carries the IAM authorizer alone"},
	} {
		s, err := stack.Parse("t.yaml", []byte(strings.Replace(small, auth, c.auth, 1)), smallFiles, stack.Options{})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil || s.APIs[0].Open != c.open || len(s.APIs[0].Routes) != 1 {
			t.Errorf("%s: %v, the API is %+v", name, err, s.APIs)
		}
	}
}

func TestSmallTemplate(t *testing.T) {
	t.Parallel()
	s, err := stack.Parse("t.yaml", []byte(small), smallFiles, stack.Options{Parameters: map[string]string{"Days": "14"}})
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"A": "us-east-1-keyward-Queue-${literal}", "B": "1", "C": "14"}
	if diff := cmp.Diff(env, s.Functions[0].Environment); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if f := s.Functions[0]; f.Timeout != 3*time.Second || f.MemoryMB != 128 {
		t.Errorf("timeout %s, memory %d; want Lambda's defaults", f.Timeout, f.MemoryMB)
	}
	if w := s.Schedules[0]; w.Window != 5*time.Minute || w.Expression != "rate(5 minutes)" || w.Retry.Attempts != -1 {
		t.Errorf("schedule %+v", w)
	}
	if got, want := string(s.Rules[0].Pattern), `{"detail":{"n":[1,true,null,{"exists":false},"1"]},"source":["aws.ec2"]}`; got != want {
		t.Errorf("pattern %s, want %s", got, want)
	}
	if r := s.APIs[0].Routes; len(r) != 1 || r[0].Method != "GET" || r[0].Path != "/a" {
		t.Errorf("routes %v", r)
	}
}

// A role has its own statements and those that are attached to it, wherever they stand.
func TestRoles(t *testing.T) {
	t.Parallel()
	s, err := stack.Parse("t.yaml", []byte(small), smallFiles, stack.Options{})
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]permission.Policy{}
	for _, r := range s.Roles {
		roles[r.ARN] = r.Policy
	}
	role := roles["arn:aws:iam::123456789012:role/keyward-Role"]
	tags := permission.Context{}
	tags.SetTags("aws:ResourceTag/", map[string]string{"guarded": "true"})
	const key = "arn:aws:kms:us-east-1:123456789012:key/a"
	for _, tt := range []struct {
		request permission.Request
		want    permission.Decision
	}{
		{permission.Request{Action: "kms:RevokeGrant", Resource: key, Context: tags}, permission.Decision{Allowed: true, Sid: "Take"}},
		{permission.Request{Action: "kms:RevokeGrant", Resource: key}, permission.Decision{}},
		{permission.Request{Action: "kms:RevokeGrant", Resource: strings.Replace(key, "us-east-1", "eu-central-1", 1), Context: tags}, permission.Decision{}},
		{permission.Request{Action: "kms:Decrypt", Resource: key, Context: tags}, permission.Decision{Denied: true, Sid: "Never"}},
	} {
		if got := role.Decide(tt.request); got != tt.want {
			t.Errorf("Decide(%+v) = %+v, want %+v", tt.request, got, tt.want)
		}
	}
	of := func(name string) permission.Policy { return roles["arn:aws:iam::123456789012:role/"+name] }
	invoke := permission.Request{Action: "lambda:InvokeFunction", Resource: s.Functions[0].ARN}
	if len(s.Roles) != 4 || len(of("FRole")) != 0 || len(of("MachineRole")) != 0 || !of("FTickRole").Decide(invoke).Allowed {
		t.Errorf("roles %+v, want those of the function, its schedule, the state machine and the template", s.Roles)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		old, new string // what is changed in the small template
		want     string // the whole error
	}{
		"section":                      {"Globals:\n  Function:", "Mappings: {}\nGlobals:\n  Function:", "t.yaml:5: Mappings: keyward local does not carry this section"},
		"no transform":                 {"Transform: AWS::Serverless-2016-10-31\n", "", "t.yaml:1: Transform: expected AWS::Serverless-2016-10-31"},
		"resource type":                {"Type: AWS::SQS::Queue", "Type: AWS::EFS::FileSystem", "t.yaml:19: F.Environment.Variables.A: keyward local does not carry the attribute QueueName of a resource of type AWS::EFS::FileSystem\nt.yaml:32: Queue: keyward local does not carry resources of type AWS::EFS::FileSystem"},
		"property":                     {"      Environment: {Variables: {A: !Sub", "      VpcConfig: {}\n      Environment: {Variables: {A: !Sub", "t.yaml:19: F.VpcConfig: keyward local does not carry this property"},
		"nested property":              {"Mode: FLEXIBLE,", "Mode: FLEXIBLE, Other: 1,", "t.yaml:23: F.Events.Tick.Properties.FlexibleTimeWindow.Other: keyward local does not carry this property"},
		"attribute":                    {"    Type: AWS::SQS::Queue", "    Type: AWS::SQS::Queue\n    CreationPolicy: {}", "t.yaml:33: Queue.CreationPolicy: keyward local does not carry this attribute"},
		"no such condition":            {"  Queue:\n", "  Queue:\n    Condition: Sometimes\n", "t.yaml:32: Queue.Condition: there is no condition \"Sometimes\"\nt.yaml:19: F.Environment.Variables.A: there is no parameter or resource Queue"},
		"other condition":              {"Resources:", "Conditions: {A: !Not [x]}\nResources:", "t.yaml:11: Conditions.A: keyward local carries the functions Equals of two values, Not of a condition, and Or of two alone"},
		"rule that fails":              {"Resources:", "Rules: {R: {RuleCondition: !Equals [!Ref Days, \"7\"], Assertions: [{Assert: !Not [!Equals [!Ref Rate, rate(5 minutes)]], AssertDescription: too often}]}}\nResources:", "t.yaml:11: Rules.R: too often"},
		"rule of nothing":              {"Resources:", "Rules: {R: {Assertions: [{AssertDescription: x}], Other: 1}}\nResources:", "t.yaml:11: Rules.R.Assertions[0]: expected the property Assert\nt.yaml:11: Rules.R.Other: keyward local does not carry this property"},
		"default too long":             {"Default: rate(5 minutes)", "Default: rate(5 minutes), MaxLength: 14", "t.yaml:3: Parameters.Rate: it has 15 characters, at most MaxLength 14"},
		"If without a name":            {"!Ref Rate", "!If [A, B]", "t.yaml:23: F.Events.Tick.Properties.ScheduleExpression: keyward local carries the function If with a condition and two values alone"},
		"schedule state":               {"Input: \"{}\"}", "Input: \"{}\", State: ASLEEP}", "t.yaml:23: F.Events.Tick.Properties.State: expected ENABLED or DISABLED, found \"ASLEEP\""},
		"key without alias":            {"  Queue:\n", "  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {}}}\n  Queue:\n", "t.yaml:1: Key: keyward local carries keys with an alias alone"},
		"alias of no key":              {"  Queue:\n", "  Key: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/a, TargetKeyId: x}}\n  Queue:\n", "t.yaml:31: Key.TargetKeyId: keyward local carries the Ref of a key of the template alone"},
		"role of nothing":              {"!Ref Rate", "!Ref QueueRole", "t.yaml:23: F.Events.Tick.Properties.ScheduleExpression: there is no parameter or resource QueueRole"},
		"function":                     {"!Ref Rate", "!If [A, B, C]", "t.yaml:23: F.Events.Tick.Properties.ScheduleExpression: there is no condition \"A\""},
		"function in long":             {"{Ref: Days}", "{\"Fn::Join\": [a, [b]]}", "t.yaml:19: F.Environment.Variables.C: keyward local does not carry the function Join"},
		"sub with a map":               {"!Sub \"${AWS::Region}-${Queue.QueueName}-${!literal}\"", "!Sub [a, {}]", "t.yaml:19: F.Environment.Variables.A: keyward local carries the function Sub with a plain argument alone"},
		"reference":                    {"!Ref Rate", "!Ref Nothing", "t.yaml:23: F.Events.Tick.Properties.ScheduleExpression: there is no parameter or resource Nothing"},
		"Ref without":                  {"!GetAtt F.Arn", "!GetAtt F.Nothing", "t.yaml:37: Machine.DefinitionSubstitutions.Function: keyward local does not carry the attribute Nothing of a resource of type AWS::Serverless::Function"},
		"event type":                   {"Type: EventBridgeRule", "Type: S3", "t.yaml:28: F.Events.Rule: keyward local does not carry events of type S3"},
		"runtime":                      {"provided.al2023", "python3.13", `t.yaml:7: F.Runtime: keyward local carries provided.al2023 alone, found "python3.13"`},
		"no type":                      {"    Type: AWS::SQS::Queue", "    Properties: {}", "t.yaml:31: Queue: expected a Type\nt.yaml:19: F.Environment.Variables.A: there is no parameter or resource Queue"},
		"authorizer":                   {"DefaultAuthorizer: AWS_IAM, ", "", "t.yaml:15: Api.Auth: keyward local carries the IAM authorizer alone, as the default one"},
		"greedy route":                 {"Path: /a", "Path: '/{proxy+}'", "t.yaml:26: F.Events.Route.Properties: keyward local does not carry the route GET /{proxy+}"},
		"route without API":            {"!Ref Api", "other", "t.yaml:1: Events: the route GET /a belongs to an API other that is not there"},
		"missing path":                 {", Path: /a", "", "t.yaml:26: F.Events.Route.Properties: expected the property Path"},
		"window":                       {"Mode: FLEXIBLE", "Mode: \"OFF\"", "t.yaml:23: F.Events.Tick.Properties.FlexibleTimeWindow: expected Mode OFF, or FLEXIBLE with MaximumWindowInMinutes"},
		"definition file":              {"m.asl.json", "none.json", "t.yaml:36: Machine.DefinitionUri: reading a file: open none.json: file does not exist"},
		"definition no JSON":           {"m.asl.json", "broken", "t.yaml:36: Machine.DefinitionUri: reading broken: unexpected end of JSON input"},
		"outside":                      {"d.json", "../d.json", "t.yaml:50: Document.Content: reading a file: open ../d.json: file does not exist"},
		"unused substitution":          {"{Function: !GetAtt F.Arn}", "{Function: !GetAtt F.Arn, X: a}", "t.yaml:37: Machine.DefinitionSubstitutions.X: the definition does not use it"},
		"missing substitution":         {"m.asl.json", "two.json", "t.yaml:36: Machine.DefinitionSubstitutions: the definition uses ${Other}, which has no value"},
		"undefined key":                {"AttributeName: pk, KeyType: HASH", "AttributeName: id, KeyType: HASH", "t.yaml:45: Table.KeySchema[0]: AttributeDefinitions do not define id"},
		"key type":                     {"KeyType: HASH", "KeyType: HEAP", "t.yaml:45: Table.KeySchema[0]: expected KeyType HASH or RANGE, found \"HEAP\"\nt.yaml:41: Table.KeySchema: expected a key of type HASH"},
		"billing":                      {"PAY_PER_REQUEST", "PROVISIONED", `t.yaml:41: Table.BillingMode: keyward local carries PAY_PER_REQUEST alone, found "PROVISIONED"`},
		"other transform":              {"AWS::Include", "AWS::Other", `t.yaml:50: Document.Content.Name: keyward local carries AWS::Include alone, found "AWS::Other"`},
		"suppression":                  {"[BOUNCE]", "[ANGER]", `t.yaml:54: Set.SuppressionOptions: expected BOUNCE or COMPLAINT, found "ANGER"`},
		"statement condition key":      {"aws:ResourceTag/guarded", "aws:ResourceTags/guarded", "t.yaml:64: Role.Policies[0].PolicyDocument.Statement[0].Take: the condition key aws:ResourceTags/guarded of kms:DisableKey is not known here"},
		"statement condition operator": {"StringEquals", "StringEqual", "t.yaml:70: Role.Policies[0].PolicyDocument.Statement[0].Take.Condition.StringEqual: the condition operator StringEqual is not known here"},
		"statement effect":             {"Effect: Allow", "Effect: Allowed", "t.yaml:64: Role.Policies[0].PolicyDocument.Statement[0].Take: expected Effect Allow or Deny, found \"Allowed\""},
		"statement element":            {"                Action: [", "                NotResource: x\n                Action: [", "t.yaml:66: Role.Policies[0].PolicyDocument.Statement[0].Take.NotResource: keyward local does not carry this property"},
		"statement resource":           {"                Resource: !Sub arn:aws:kms:${AWS::Region}:${AWS::AccountId}:key/*\n", "", "t.yaml:64: Role.Policies[0].PolicyDocument.Statement[0].Take: expected Action and Resource"},
		"managed policy not there":     {"[!Ref Never]", "[!Ref Nothing]", "t.yaml:58: Role.ManagedPolicyArns: there is no managed policy Nothing"},
		"managed policy of AWS":        {"[!Ref Never]", "[arn:aws:iam::aws:policy/ReadOnlyAccess]", "t.yaml:58: Role.ManagedPolicyArns: keyward local carries the Ref of a managed policy of the template, and statements"},
		"managed policy by name":       {"    Properties:\n      Environment", "    Properties:\n      Policies: AmazonS3FullAccess\n      Environment", "t.yaml:19: F.Policies: keyward local carries the Ref of a managed policy of the template, and statements"},
		"default too wild":             {"Default: rate(5 minutes)", "Default: never", `t.yaml:3: Parameters.Rate: "never" does not match rate\(.*\)`},
		"default not allowed":          {"Default: 7", "Default: 8", `t.yaml:4: Parameters.Days: "8" is none of ["7" "14"]`},
		"number":                       {"Default: 7, AllowedValues: [7, 14]", "Default: x", `t.yaml:4: Parameters.Days: expected a number, found "x"`},
		"below":                        {"Default: 7, AllowedValues: [7, 14]", "Default: 7, MinValue: 8, MaxValue: 9", "t.yaml:4: Parameters.Days: 7 is outside of MinValue 8 and MaxValue 9"},
		"above":                        {"Default: 7, AllowedValues: [7, 14]", "Default: 7, MaxValue: 6.5", "t.yaml:4: Parameters.Days: 7 is outside of MinValue  and MaxValue 6.5"},
		"bound":                        {"Default: 7, AllowedValues: [7, 14]", "Default: 7, MinValue: few", `t.yaml:4: Parameters.Days.MinValue: expected a number, found "few"`},
		"pattern":                      {`'rate\(.*\)'`, "'('", "t.yaml:3: Parameters.Rate.AllowedPattern: reading it: error parsing regexp: missing closing ): `^(?:()$`"},
		"parameter type":               {"Type: Number", "Type: CommaDelimitedList", `t.yaml:4: Parameters.Days: keyward local carries the types String and Number alone, found "CommaDelimitedList"`},
		"parameter property":           {"Type: Number,", "Type: Number, NoEcho: true,", "t.yaml:4: Parameters.Days.NoEcho: keyward local does not carry this property"},
		"no value":                     {"Default: 7, ", "", "t.yaml:4: Parameters.Days: it has no default and was given no value"},
		"alias":                        {"Environment: {Variables: {A: global, B: \"1\"}}", "Environment: &e {}\n    Other: *e", "t.yaml:10: Anchor is not part of a CloudFormation template"},
		"globals":                      {"  Function:\n    Runtime", "  Api: {}\n  Function:\n    Runtime", "t.yaml:6: Globals.Api: keyward local does not carry this property"},
		"scalar for mapping":           {"{Mode: FLEXIBLE, MaximumWindowInMinutes: 5}", "x", "t.yaml:23: F.Events.Tick.Properties.FlexibleTimeWindow: expected a mapping, found a value"},
		"mapping for scalar":           {"!Ref Rate", "{a: b, c: d}", "t.yaml:23: F.Events.Tick.Properties.ScheduleExpression: expected a value, found a mapping"},
		"scalar for list":              {"[BOUNCE]", "BOUNCE", "t.yaml:54: Set.SuppressionOptions.SuppressedReasons: expected a list, found a value"},
		"not a number":                 {"MaximumWindowInMinutes: 5", "MaximumWindowInMinutes: five", "t.yaml:23: F.Events.Tick.Properties.FlexibleTimeWindow.MaximumWindowInMinutes: expected a whole number\nt.yaml:23: F.Events.Tick.Properties.FlexibleTimeWindow: expected Mode OFF, or FLEXIBLE with MaximumWindowInMinutes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(small, tt.old, tt.new, 1)
			if changed == small {
				t.Fatalf("%q is not in the template", tt.old)
			}
			_, err := stack.Parse("t.yaml", []byte(changed), smallFiles, stack.Options{})
			if err == nil {
				t.Fatalf("Parse = nil, want %s", tt.want)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

// A rule whose condition does not hold asks for nothing, and one that is kept says nothing.
func TestRulesKept(t *testing.T) {
	t.Parallel()
	const rules = "Rules:\n  A:\n    RuleCondition: !Equals [!Ref Days, \"7\"]\n    Assertions: [{Assert: !Equals [!Ref Rate, never], AssertDescription: no}]\n" +
		"  B:\n    Assertions: [{Assert: !Not [!Equals [!Ref Rate, never]], AssertDescription: no}]\n"
	text := strings.Replace(small, "Resources:", rules+"Resources:", 1)
	if _, err := stack.Parse("t.yaml", []byte(text), smallFiles, stack.Options{Parameters: map[string]string{"Days": "14"}}); err != nil {
		t.Error(err)
	}
}

func TestParametersRefused(t *testing.T) {
	t.Parallel()
	for want, parameters := range map[string]map[string]string{
		"t.yaml:1: Parameters: there is no parameter Other":             {"Other": "x"},
		`t.yaml:4: Parameters.Days: "15" is none of ["7" "14"]`:         {"Days": "15"},
		`t.yaml:3: Parameters.Rate: "cron()" does not match rate\(.*\)`: {"Rate": "cron()"},
	} {
		_, err := stack.Parse("t.yaml", []byte(small), smallFiles, stack.Options{Parameters: parameters})
		if err == nil || err.Error() != want {
			t.Errorf("Parse with %v = %v, want %s", parameters, err, want)
		}
	}
}

func TestNotATemplate(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "list": "- a\n", "two": "a: b\n---\nc: d\n", "broken": "a: [", "merge": "a: &x {b: c}\nd: {<<: *x}\n",
	} {
		if s, err := stack.Parse("t.yaml", []byte(text), smallFiles, stack.Options{}); err == nil {
			t.Errorf("%s: Parse = %v, want an error", name, s)
		}
	}
	if _, err := stack.Load(filepath.Join(t.TempDir(), "none.yaml"), stack.Options{}); err == nil {
		t.Error("Load of no file = nil, want an error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add("Resources: {A: {Type: !Ref B}}")
	f.Add("a: !Sub")
	f.Fuzz(func(_ *testing.T, text string) {
		if len(text) > 1<<14 || strings.Count(text, "[")+strings.Count(text, "{") > 200 {
			return // the YAML parser's own cost, which is bounded by who writes the template: us
		}
		_, _ = stack.Parse("t.yaml", []byte(text), smallFiles, stack.Options{})
	})
}
