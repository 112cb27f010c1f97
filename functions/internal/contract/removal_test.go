package contract_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

var substitution = regexp.MustCompile(`\$\{(\w+)[.}]`)

// refers are the logical ids in a value: of Ref, GetAtt and Sub.
func refers(v any) []string {
	switch v := v.(type) {
	case call:
		text, isText := v.argument.(string)
		switch {
		case isText && v.name == "Ref":
			return []string{text}
		case isText && v.name == "GetAtt":
			id, _, _ := strings.Cut(text, ".")
			return []string{id}
		case isText && v.name == "Sub":
			return refers(text)
		}
		return refers(v.argument)
	case string:
		var ids []string
		for _, m := range substitution.FindAllStringSubmatch(v, -1) {
			ids = append(ids, m[1])
		}
		return ids
	case []any:
		var ids []string
		for _, item := range v {
			ids = append(ids, refers(item)...)
		}
		return ids
	case []entry:
		var ids []string
		for _, e := range v {
			ids = append(ids, refers(e.value)...)
		}
		return ids
	}
	return nil
}

// generated are the resources that SAM makes of one and that nothing else refers to ("Generated CloudFormation resources" in
// SAM's developer guide); .ci/removal asks SAM itself.
func generated(r role, kind string) []string {
	var ids []string
	switch kind {
	case "AWS::Serverless::HttpApi":
		return []string{r.LogicalID + "ApiGatewayDefaultStage"}
	case "AWS::Serverless::Api":
		return []string{r.LogicalID + at(r.Properties, "StageName").(string) + "Stage"}
	case "AWS::Serverless::Function":
		events, _ := at(r.Properties, "Events").([]entry)
		for _, e := range events {
			switch id := r.LogicalID + e.key; at(e.value, "Type") {
			case "ScheduleV2":
				ids = append(ids, id)
			case "EventBridgeRule", "HttpApi":
				ids = append(ids, id+"Permission")
			default:
				ids = append(ids, id, id+"Permission")
			}
		}
	}
	return ids
}

// A deletion that Removal refuses has deleted nothing: CloudFormation deletes what others depend on last.
func TestRemovalIsDeletedFirst(t *testing.T) {
	t.Parallel()
	s := template(t)
	needs := map[string][]string{}
	for _, r := range s.resources {
		needs[r.key] = refers(at(r.value, "Properties"))
		for _, id := range list(at(r.value, "DependsOn")) {
			needs[r.key] = append(needs[r.key], id.(string))
		}
	}
	made := map[string]string{} // whom of
	for _, kind := range []string{"AWS::Serverless::Function", "AWS::Serverless::HttpApi", "AWS::Serverless::Api"} {
		for _, r := range s.of(t, kind) {
			for _, id := range generated(r, kind) {
				made[id], needs[id] = r.LogicalID, []string{r.LogicalID}
			}
		}
	}
	reached := map[string]bool{}
	for left := []string{"Removal"}; len(left) > 0; left = left[1:] {
		if !reached[left[0]] {
			reached[left[0]] = true
			left = append(left, needs[left[0]]...)
		}
	}
	for _, r := range s.resources {
		if !reached[r.key] {
			t.Errorf("template.yaml: Removal does not depend on %s: a deletion that is refused would delete it", r.key)
		}
	}
	for id, of := range made {
		if !reached[id] {
			t.Errorf("template.yaml: Removal does not depend on %s, which SAM makes of %s", id, of)
		}
	}
}

// kept are the types that hold what cannot be made again.
var kept = []string{"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket"}

// Deleting the stack, or replacing a resource of it, loses no record and no key. Logs alone are deleted with it.
func TestDeletionLosesNothing(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for _, r := range template(t).resources {
		kind, _ := at(r.value, "Type").(string)
		deletion, replacing := at(r.value, "DeletionPolicy"), at(r.value, "UpdateReplacePolicy")
		switch {
		case slices.Contains(kept, kind):
			found[kind] = true
			if deletion != "Retain" || replacing != "Retain" {
				t.Errorf("template.yaml: %s has the policies %v and %v, want Retain twice", r.key, deletion, replacing)
			}
		case strings.HasPrefix(kind, "AWS::Logs::LogGroup"), kind == "AWS::KMS::Alias", kind == "AWS::S3::BucketPolicy":
		case deletion != nil || replacing != nil:
			t.Errorf("template.yaml: %s of type %s has a deletion policy: take the type into the list", r.key, kind)
		case strings.HasPrefix(kind, "AWS::S3::"), strings.HasPrefix(kind, "AWS::RDS::"), strings.HasPrefix(kind, "AWS::EC2::"), strings.HasPrefix(kind, "AWS::KMS::Replica"):
			t.Errorf("template.yaml: %s of type %s: does it keep anything? Take the type into the list", r.key, kind)
		}
	}
	for _, kind := range kept {
		if !found[kind] {
			t.Errorf("template.yaml has no %s any more: take it from the list", kind)
		}
	}
	for _, table := range template(t).of(t, "AWS::DynamoDB::Table") {
		if at(table.Properties, "DeletionProtectionEnabled") != "true" {
			t.Errorf("template.yaml: %s is not protected from deletion", table.LogicalID)
		}
	}
}

// outside are the resources that people, policies and programs outside the stack refer to. CloudFormation keeps the name of a
// resource as long as its logical id and type stay, so that these do; a name of its own would make a second stack impossible.
var outside = map[string]string{
	"AdministratorPolicy": "AWS::IAM::ManagedPolicy", "SecurityAdministratorPolicy": "AWS::IAM::ManagedPolicy", "KeyApproverPolicy": "AWS::IAM::ManagedPolicy",
	"AuditorPolicy": "AWS::IAM::ManagedPolicy", "MachinePolicy": "AWS::IAM::ManagedPolicy", "NeverUseGuardedKeys": "AWS::IAM::ManagedPolicy",
	"PeopleApi": "AWS::Serverless::HttpApi", "MachineApi": "AWS::Serverless::HttpApi", "PrivateMachineApi": "AWS::Serverless::Api",
	"Table": "AWS::DynamoDB::Table", "DeadLetters": "AWS::SQS::Queue", "Enforcement": "AWS::Serverless::StateMachine",
	"InspectDocument": "AWS::SSM::Document", "LockDocument": "AWS::SSM::Document", "InspectFunction": "AWS::Serverless::Function",
	"RevokeFunction": "AWS::Serverless::Function", "DrillFunction": "AWS::Serverless::Function", "ScheduleRole": "AWS::IAM::Role", "PolicySchedules": "AWS::Scheduler::ScheduleGroup",
}

func TestNamesThatOthersUseStay(t *testing.T) {
	t.Parallel()
	s := template(t)
	found := map[string]bool{}
	for _, r := range s.resources {
		want, is := outside[r.key]
		if !is {
			continue
		}
		found[r.key] = true
		if kind := at(r.value, "Type"); kind != want {
			t.Errorf("template.yaml: %s is of type %v, want %s: another type is another name", r.key, kind, want)
		}
		for _, name := range []string{"Name", "RoleName", "ManagedPolicyName", "FunctionName", "TableName", "QueueName", "Role"} {
			if at(r.value, "Properties", name) != nil {
				t.Errorf("template.yaml: %s has a %s of its own", r.key, name)
			}
		}
	}
	for id := range outside {
		if !found[id] {
			t.Errorf("template.yaml has no %s any more: what is attached to it or names it breaks", id)
		}
	}
	// No key policy of a machine's key names a role of the stack: docs/keys.md has them whole.
	for _, function := range s.of(t, "AWS::Serverless::Function") {
		if strings.Contains(read(t, "docs/keys.md"), function.LogicalID) {
			t.Errorf("docs/keys.md names %s: its role's name may be in key policies then", function.LogicalID)
		}
	}
}
