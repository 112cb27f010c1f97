package contract_test

import (
	"slices"
	"strings"
	"testing"
)

// resource is one of the template by its logical id, nil when there is none.
func (s stack) resource(id string) any {
	for _, r := range s.resources {
		if r.key == id {
			return r.value
		}
	}
	return nil
}

// names says whether a value is a function of one resource of a type, such as !GetAtt DeadLetters.Arn of a queue.
func (s stack) names(v any, kind string) bool {
	c, ok := v.(call)
	id, _ := c.argument.(string)
	id, _, _ = strings.Cut(id, ".")
	return ok && at(s.resource(id), "Type") == kind
}

const queue = "AWS::SQS::Queue"

// letters are where each kind of event has the queue for what could not be delivered, and who puts it there: a service, or
// for schedules their role.
var letters = map[string]struct {
	path   []string
	sender string
}{
	"ScheduleV2":      {[]string{"DeadLetterConfig", "Arn"}, ""},
	"EventBridgeRule": {[]string{"DeadLetterConfig", "Arn"}, "events.amazonaws.com"},
	"SNS":             {[]string{"RedrivePolicy", "deadLetterTargetArn"}, "sns.amazonaws.com"},
}

// Whatever is started without anybody waiting for it ends in a queue when it fails: on the way to the function, and inside
// it. Who puts it there may do so.
func nothingIsLost(t testing.TB, s stack) {
	waited := map[string]bool{} // functions that somebody starts by name, none of whom waits
	for _, f := range s.of(t, "AWS::Serverless::Function") {
		for name, v := range variables(f.Properties) {
			if c, ok := v.(call); ok && c.name == "Ref" && strings.HasSuffix(name, "_FUNCTION") {
				waited[c.argument.(string)] = true
			}
		}
	}
	for _, f := range s.of(t, "AWS::Serverless::Function") {
		events, _ := at(f.Properties, "Events").([]entry)
		alone := waited[f.LogicalID]
		for _, e := range events {
			l, asynchronous := letters[short(at(e.value, "Type"))]
			if !asynchronous {
				continue
			}
			alone = true
			to := at(e.value, append([]string{"Properties"}, l.path...)...)
			if !s.names(to, queue) {
				t.Errorf("template.yaml: what cannot be delivered for the event %s of %s is in no queue", e.key, f.LogicalID)
			} else if !s.maySend(t, l.sender, at(e.value, "Properties", "RoleArn"), to) {
				t.Errorf("template.yaml: nobody may put into %s what cannot be delivered for the event %s of %s", short(to), e.key, f.LogicalID)
			}
		}
		if alone && !s.names(at(f.Properties, "DeadLetterQueue", "TargetArn"), queue) {
			t.Errorf("template.yaml: nobody waits for %s, and it has no DeadLetterQueue", f.LogicalID)
		}
	}
}

// maySend says whether a service, or a role when there is none, may send to a queue.
func (s stack) maySend(t testing.TB, service string, as, to any) bool {
	const send = "sqs:SendMessage"
	if service == "" {
		return slices.ContainsFunc(s.of(t, "AWS::IAM::Role"), func(r role) bool {
			return as == call{"GetAtt", r.LogicalID + ".Arn"} && slices.ContainsFunc(r.Statements, func(st statement) bool {
				return st.Effect == "Allow" && slices.Contains(st.Actions, send) && slices.Contains(st.Resources, short(to))
			})
		})
	}
	return slices.ContainsFunc(s.of(t, "AWS::SQS::QueuePolicy"), func(p role) bool {
		return slices.ContainsFunc(list(at(p.Properties, "PolicyDocument", "Statement")), func(st any) bool {
			return short(at(st, "Effect")) == "Allow" && at(st, "Principal", "Service") == service && at(st, "Action") == send && at(st, "Resource") == to
		})
	})
}

// A service may do something here on behalf of others of its customers as well, unless a condition says for whom.
func sourcesAreNamed(t testing.TB, s stack) {
	for kind, path := range map[string][]string{
		"AWS::SQS::QueuePolicy": {"PolicyDocument", "Statement"}, "AWS::SNS::TopicPolicy": {"PolicyDocument", "Statement"},
		"AWS::IAM::Role": {"AssumeRolePolicyDocument", "Statement"},
	} {
		wanted := "aws:sourcearn"
		if kind == "AWS::IAM::Role" {
			wanted = "aws:sourceaccount" // schedules' ARNs are not known before
		}
		for _, r := range s.of(t, kind) {
			for _, st := range list(at(r.Properties, path...)) {
				if at(st, "Principal", "Service") != nil && !strings.Contains(strings.ToLower(short(at(st, "Condition"))), wanted) {
					t.Errorf("template.yaml: %s lets in %s by %s without a condition on %s", r.LogicalID, short(at(st, "Principal", "Service")), short(at(st, "Sid")), wanted)
				}
			}
		}
	}
	for _, r := range s.of(t, "AWS::Lambda::Permission") {
		if at(r.Properties, "SourceArn") == nil {
			t.Errorf("template.yaml: %s lets in %s without a SourceArn", r.LogicalID, short(at(r.Properties, "Principal")))
		}
	}
}
