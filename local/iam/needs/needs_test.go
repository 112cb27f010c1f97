package needs_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/keyward/keyward/local/iam/needs"
	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

const guarded, instance = "keyward:guarded", "i-1234567890abcdef0"

var facts = needs.Facts{
	Account: "123456789012", Region: "us-east-1",
	Instance: func(id string) (map[string]string, map[string]map[string]string) {
		if id != instance {
			return nil, nil
		}
		return map[string]string{guarded: "true"}, map[string]map[string]string{"vol-2": {"a": "b"}, "vol-1": nil}
	},
	Node: func(string) map[string]string { return map[string]string{guarded: "node"} },
}

func caller() wire.Principal {
	return wire.Principal{Kind: wire.Function, Account: "123456789012", ARN: "arn:aws:sts::123456789012:assumed-role/R/F"}
}

func request(service, operation, body string) *wire.Request {
	return &wire.Request{Service: service, Operation: operation, Body: []byte(body), Caller: caller(), Region: "us-east-1"}
}

// each is a need with those keys of its context that not every need has.
type each struct {
	action, resource string
	context          map[string]string
}

func TestOf(t *testing.T) {
	t.Parallel()
	const table, document = "arn:aws:dynamodb:us-east-1:123456789012:table/T", "arn:aws:ssm:us-east-1:123456789012:document/D"
	const machine, snapshots = "arn:aws:ec2:us-east-1:123456789012:instance/" + instance, "arn:aws:ec2:us-east-1::snapshot/*"
	tags := map[string]string{"aws:resourcetag/keyward:guarded": "true", "ec2:resourcetag/keyward:guarded": "true"}
	for _, tt := range []struct {
		service, operation, body string
		want                     []each
	}{
		{"kms", "DisableKey", `{}`, nil},
		{"securityhub", "BatchImportFindings", `{"Findings":[{"ProductArn":"arn:p"}]}`, []each{{"securityhub:BatchImportFindings", "arn:p", nil}}},
		{"securityhub", "BatchUpdateFindings", `{"FindingIdentifiers":[]}`, []each{{"securityhub:BatchUpdateFindings", "arn:aws:securityhub:us-east-1:123456789012:hub/default", nil}}},
		{"ssm", "PutComplianceItems", `{"ResourceId":"` + instance + `"}`, []each{{"ssm:PutComplianceItems", machine, nil}}},
		{"ssm", "PutComplianceItems", `{"ResourceId":"mi-1"}`, []each{{"ssm:PutComplianceItems", "arn:aws:ssm:us-east-1:123456789012:managed-instance/mi-1", nil}}},
		{"sts", "GetCallerIdentity", `{}`, nil},
		{"dynamodb", "GetItem", `{"TableName":"T","Key":{}}`, []each{{"dynamodb:GetItem", table, nil}}},
		{"dynamodb", "Query", `{"TableName":"` + table + `","IndexName":"list"}`, []each{{"dynamodb:Query", table + "/index/list", nil}}},
		{"dynamodb", "BatchGetItem", `{"RequestItems":{"U":{},"T":{}}}`, []each{{"dynamodb:BatchGetItem", table, nil}, {"dynamodb:BatchGetItem", table[:len(table)-1] + "U", nil}}},
		{"dynamodb", "TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"T"}},{"Put":{"TableName":"T"}},{"ConditionCheck":{"TableName":"T"}},{"Delete":{"TableName":"T"}},{"Update":{"TableName":"T"}}]}`,
			[]each{{"dynamodb:PutItem", table, nil}, {"dynamodb:ConditionCheckItem", table, nil}, {"dynamodb:DeleteItem", table, nil}, {"dynamodb:UpdateItem", table, nil}}},
		{"dynamodb", "TransactGetItems", `{"TransactItems":[{"Get":{"TableName":"T"}}]}`, []each{{"dynamodb:GetItem", table, nil}}},
		{"ec2", "DescribeInstances", `{}`, []each{{"ec2:DescribeInstances", "*", nil}}},
		{"ec2", "StopInstances", `{"InstanceId":["` + instance + `","i-0"]}`, []each{{"ec2:StopInstances", machine, tags}, {"ec2:StopInstances", "arn:aws:ec2:us-east-1:123456789012:instance/i-0", nil}}},
		{"ec2", "CreateSnapshots", `{"InstanceSpecification":{"InstanceId":"` + instance + `"}}`, []each{
			{"ec2:CreateSnapshots", machine, tags}, {"ec2:CreateSnapshots", "arn:aws:ec2:us-east-1:123456789012:volume/vol-1", nil},
			{"ec2:CreateSnapshots", "arn:aws:ec2:us-east-1:123456789012:volume/vol-2", map[string]string{"aws:resourcetag/a": "b", "ec2:resourcetag/a": "b"}}, {"ec2:CreateSnapshots", snapshots, nil},
		}},
		{"ec2", "CreateSnapshots", `{"InstanceSpecification":{"InstanceId":"i-0"},"TagSpecification":[{"ResourceType":"snapshot","Tag":[{"Key":"k","Value":"v"}]}]}`, []each{
			{"ec2:CreateSnapshots", "arn:aws:ec2:us-east-1:123456789012:instance/i-0", nil}, {"ec2:CreateSnapshots", snapshots, map[string]string{"aws:requesttag/k": "v", "aws:tagkeys": "k"}},
			{"ec2:CreateTags", snapshots, map[string]string{"aws:requesttag/k": "v", "aws:tagkeys": "k", "ec2:createaction": "CreateSnapshots"}},
		}},
		{"ssm", "GetDocument", `{"Name":"D"}`, []each{{"ssm:GetDocument", document, nil}}},
		{"ssm", "DescribeDocument", `{"Name":"` + document + `"}`, []each{{"ssm:DescribeDocument", document, nil}}},
		{"ssm", "GetCalendarState", `{"CalendarNames":["D","arn:aws:ssm:us-east-1:111122223333:document/C"]}`,
			[]each{{"ssm:GetCalendarState", document, nil}, {"ssm:GetCalendarState", "arn:aws:ssm:us-east-1:111122223333:document/C", nil}}},
		{"ssm", "SendCommand", `{"DocumentName":"D","InstanceIds":["` + instance + `","mi-0","i-0"]}`, []each{
			{"ssm:SendCommand", document, nil}, {"ssm:SendCommand", machine, map[string]string{"ssm:resourcetag/keyward:guarded": "true", "aws:resourcetag/keyward:guarded": "true"}},
			{"ssm:SendCommand", "arn:aws:ssm:us-east-1:123456789012:managed-instance/mi-0", map[string]string{"ssm:resourcetag/keyward:guarded": "node", "aws:resourcetag/keyward:guarded": "node"}},
			{"ssm:SendCommand", "arn:aws:ec2:us-east-1:123456789012:instance/i-0", nil},
		}},
		{"lambda", "Invoke", `{"FunctionName":"F"}`, []each{{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:F", nil}}},
		{"iam", "GetRole", `{"RoleName":"web"}`, []each{{"iam:GetRole", "arn:aws:iam::123456789012:role/web", nil}}},
		{"iam", "GetInstanceProfile", `{"InstanceProfileName":"web"}`, []each{{"iam:GetInstanceProfile", "arn:aws:iam::123456789012:instance-profile/web", nil}}},
		{"states", "StartExecution", `{"stateMachineArn":"arn:m","name":"n"}`, []each{{"states:StartExecution", "arn:m", nil}}},
		{"states", "DescribeExecution", `{"executionArn":"arn:e"}`, []each{{"states:DescribeExecution", "arn:e", nil}}},
		{"scheduler", "CreateSchedule", `{"Name":"n","GroupName":"g","Target":{"RoleArn":"arn:r"}}`, []each{
			{"scheduler:CreateSchedule", "arn:aws:scheduler:us-east-1:123456789012:schedule/g/n", nil}, {"iam:PassRole", "arn:r", map[string]string{"iam:passedtoservice": "scheduler.amazonaws.com"}},
		}},
		{"scheduler", "DeleteSchedule", `{"Name":"n"}`, []each{{"scheduler:DeleteSchedule", "arn:aws:scheduler:us-east-1:123456789012:schedule/default/n", nil}}},
		{"events", "PutEvents", `{"Entries":[{"Source":"a"}]}`, []each{{"events:PutEvents", "arn:aws:events:us-east-1:123456789012:event-bus/default", nil}}},
		{"s3", "PutObject", `{"Bucket":"b","Key":"reports/a"}`, []each{{"s3:PutObject", "arn:aws:s3:::b/reports/a", nil}}},
		{"sns", "Publish", `{"TopicArn":"arn:t","Message":"m"}`, []each{{"sns:Publish", "arn:t", nil}}},
		{"ses", "SendEmail", `{"FromEmailAddress":"Keyward <a@example.com>","ConfigurationSetName":"c"}`, []each{
			{"ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:identity/a@example.com", map[string]string{"ses:fromaddress": "a@example.com"}},
			{"ses:SendEmail", "arn:aws:ses:us-east-1:123456789012:configuration-set/c", map[string]string{"ses:fromaddress": "a@example.com"}},
		}},
	} {
		got, err := facts.Of(request(tt.service, tt.operation, tt.body))
		if err != nil {
			t.Errorf("%s.%s: %v", tt.service, tt.operation, err)
			continue
		}
		var all []each
		for _, r := range got {
			if r.Context["aws:principalarn"][0] != "arn:aws:iam::123456789012:role/R" || r.Context["aws:principalaccount"][0] != "123456789012" {
				t.Errorf("%s.%s: context %v says nothing of the caller", tt.service, tt.operation, r.Context)
			}
			e := each{action: r.Action, resource: r.Resource}
			for key, values := range r.Context {
				if key != "aws:principalarn" && key != "aws:principalaccount" {
					if e.context == nil {
						e.context = map[string]string{}
					}
					e.context[key] = values[0]
				}
			}
			all = append(all, e)
		}
		if diff := cmp.Diff(tt.want, all, cmp.AllowUnexported(each{})); diff != "" {
			t.Errorf("%s.%s %s (-want +got):\n%s", tt.service, tt.operation, tt.body, diff)
		}
	}
}

// What nobody has in the tables, or cannot be judged, is refused; what cannot be read is the caller's mistake.
func TestOfRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ service, operation, body, code string }{
		{"ec2", "TerminateInstances", `{}`, "NotImplemented"},
		{"ssm", "SendCommand", `{"DocumentName":"D","Targets":[{"Key":"tag:a","Values":["b"]}]}`, "NotImplemented"},
		{"ssm", "SendCommand", `{"InstanceIds":1}`, "SerializationException"},
		{"ssm", "GetCalendarState", `{"CalendarNames":1}`, "SerializationException"},
		{"ssm", "GetDocument", `{"Name":1}`, "SerializationException"},
		{"ec2", "CreateSnapshots", `{"InstanceSpecification":1}`, "SerializationException"},
		{"ec2", "StopInstances", `{"InstanceId":1}`, "SerializationException"},
		{"dynamodb", "TransactWriteItems", `{"TransactItems":1}`, "SerializationException"},
		{"dynamodb", "BatchGetItem", `{"RequestItems":1}`, "SerializationException"},
		{"scheduler", "CreateSchedule", `{"Name":1}`, "SerializationException"},
		{"events", "PutEvents", `{"Entries":1}`, "SerializationException"},
		{"ses", "SendEmail", `{"FromEmailAddress":1}`, "SerializationException"},
	} {
		all, err := facts.Of(request(tt.service, tt.operation, tt.body))
		var e *wire.Error
		if !errors.As(err, &e) || e.Code != tt.code || len(all) > 0 {
			t.Errorf("%s.%s %s: %v, %v, want %s", tt.service, tt.operation, tt.body, all, err, tt.code)
		}
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	const user, because = "User: arn:aws:sts::123456789012:assumed-role/R/F is not authorized to perform: ", " because no identity-based policy allows the "
	for _, tt := range []struct {
		service, action, resource string
		denied                    bool
		code, message             string
		status                    int
	}{
		{"dynamodb", "dynamodb:GetItem", "arn:t", false, "AccessDeniedException", user + "dynamodb:GetItem on resource: arn:t" + because + "dynamodb:GetItem action", 0},
		{"dynamodb", "dynamodb:GetItem", "arn:t", true, "AccessDeniedException", user + "dynamodb:GetItem on resource: arn:t with an explicit deny in an identity-based policy", 0},
		{"ssm", "ssm:ListCommands", "*", false, "AccessDeniedException", user + "ssm:ListCommands on resource: arn:aws:ssm:us-east-1:123456789012:*" + because + "ssm:ListCommands action", 0},
		{"ec2", "ec2:DescribeInstances", "*", false, "UnauthorizedOperation", "You are not authorized to perform this operation. " + user + "ec2:DescribeInstances" + because + "ec2:DescribeInstances action", 403},
		{"iam", "iam:GetRole", "arn:aws:iam::123456789012:role/web", false, "AccessDenied", user + "iam:GetRole on resource: role web" + because + "iam:GetRole action", 403},
		{"iam", "iam:GetInstanceProfile", "arn:aws:iam::123456789012:instance-profile/web", false, "AccessDenied", user + "iam:GetInstanceProfile on resource: instance profile web" + because + "iam:GetInstanceProfile action", 403},
		{"lambda", "lambda:InvokeFunction", "arn:f", false, "AccessDeniedException", user + "lambda:InvokeFunction on resource: arn:f" + because + "lambda:InvokeFunction action", 403},
		{"sns", "sns:Publish", "arn:t", false, "AuthorizationError", user + "SNS:Publish on resource: arn:t" + because + "sns:Publish action", 403},
		{"ses", "ses:SendEmail", "arn:i", false, "AccessDeniedException", "User `arn:aws:sts::123456789012:assumed-role/R/F' is not authorized to perform `ses:SendEmail' on resource `arn:i'", 403},
	} {
		got := needs.Refusal(request(tt.service, "", ""), permission.Request{Action: tt.action, Resource: tt.resource}, permission.Decision{Denied: tt.denied})
		if diff := cmp.Diff(&wire.Error{Code: tt.code, Message: tt.message, Status: tt.status}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.action, diff)
		}
	}
}
