package needs

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// ofEC2: Describe calls know no resources.
var ofEC2 = map[string]need{
	"ec2.DescribeInstances":         everywhere("ec2:DescribeInstances"),
	"ec2.DescribeInstanceAttribute": everywhere("ec2:DescribeInstanceAttribute"),
	"ec2.DescribeInstanceStatus":    everywhere("ec2:DescribeInstanceStatus"),
	"ec2.DescribeVolumes":           everywhere("ec2:DescribeVolumes"),
	"ec2.DescribeSnapshots":         everywhere("ec2:DescribeSnapshots"),
	"ec2.DescribeSecurityGroups":    everywhere("ec2:DescribeSecurityGroups"),
	"ec2.DescribeTags":              everywhere("ec2:DescribeTags"),
	"ec2.CreateSnapshots":           createSnapshots,
	"ec2.StopInstances":             stopInstances,
}

func (f Facts) instance(id string) string { return f.arn("ec2", "instance/"+id) }

// tagged is a need on a resource of EC2 with its tags.
func tagged(action, resource string, tags map[string]string) permission.Request {
	c := permission.Context{}
	c.SetTags("aws:ResourceTag/", tags)
	c.SetTags("ec2:ResourceTag/", tags)
	return permission.Request{Action: action, Resource: resource, Context: c}
}

// createSnapshots needs the instance, each volume and what is made of it; tags are made by CreateTags, which IAM asks for too.
func createSnapshots(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct {
		InstanceSpecification struct{ InstanceId string }
		TagSpecification      []struct {
			Tag []struct{ Key, Value string }
		}
	}](r)
	if err != nil {
		return nil, err
	}
	const action = "ec2:CreateSnapshots"
	tags, volumes := f.Instance(in.InstanceSpecification.InstanceId)
	all := []permission.Request{tagged(action, f.instance(in.InstanceSpecification.InstanceId), tags)}
	for _, id := range slices.Sorted(maps.Keys(volumes)) {
		all = append(all, tagged(action, f.arn("ec2", "volume/"+id), volumes[id]))
	}
	made := map[string]string{}
	for _, s := range in.TagSpecification {
		for _, t := range s.Tag {
			made[t.Key] = t.Value
		}
	}
	for _, action := range []string{action, "ec2:CreateTags"}[:min(2, 1+len(made))] {
		c := permission.Context{}
		c.SetTags("aws:RequestTag/", made)
		c.Set("aws:TagKeys", slices.Sorted(maps.Keys(made))...)
		if action == "ec2:CreateTags" {
			c.Set("ec2:CreateAction", "CreateSnapshots")
		}
		all = append(all, permission.Request{Action: action, Resource: "arn:aws:ec2:" + f.Region + "::snapshot/*", Context: c})
	}
	return all, nil
}

func stopInstances(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct{ InstanceId []string }](r)
	if err != nil {
		return nil, err
	}
	var all []permission.Request
	for _, id := range in.InstanceId {
		tags, _ := f.Instance(id)
		all = append(all, tagged("ec2:StopInstances", f.instance(id), tags))
	}
	return all, nil
}

type documentName struct{ Name string }

func (f Facts) document(name string) string { return f.named("ssm", "document/", name) }

// ofSSM: lists and answers of commands know no resources.
var ofSSM = map[string]need{
	"ssm.DescribeDocument":            on("ssm:DescribeDocument", func(f Facts, in documentName) string { return f.document(in.Name) }),
	"ssm.GetDocument":                 on("ssm:GetDocument", func(f Facts, in documentName) string { return f.document(in.Name) }),
	"ssm.DescribeInstanceInformation": everywhere("ssm:DescribeInstanceInformation"),
	"ssm.DescribeInstancePatchStates": everywhere("ssm:DescribeInstancePatchStates"),
	"ssm.ListCommands":                everywhere("ssm:ListCommands"),
	"ssm.ListCommandInvocations":      everywhere("ssm:ListCommandInvocations"),
	"ssm.GetCommandInvocation":        everywhere("ssm:GetCommandInvocation"),
	"ssm.CancelCommand":               everywhere("ssm:CancelCommand"),
	"ssm.GetCalendarState":            calendarState,
	"ssm.SendCommand":                 sendCommand,
	"ssm.PutComplianceItems": on("ssm:PutComplianceItems", func(f Facts, in struct{ ResourceId string }) string {
		if strings.HasPrefix(in.ResourceId, "mi-") {
			return f.arn("ssm", "managed-instance/"+in.ResourceId)
		}
		return f.instance(in.ResourceId)
	}),
}

func calendarState(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct{ CalendarNames []string }](r)
	if err != nil {
		return nil, err
	}
	var all []permission.Request
	for _, name := range in.CalendarNames {
		all = append(all, one("ssm:GetCalendarState", f.document(name))...)
	}
	return all, nil
}

// sendCommand needs the document and each node, whose tags SSM has under a name of its own
// (docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html).
func sendCommand(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct {
		DocumentName string
		InstanceIds  []string
		Targets      []any
	}](r)
	if err != nil {
		return nil, err
	}
	if len(in.Targets) > 0 {
		return nil, wire.Unimplemented("the permissions of ssm.SendCommand with Targets")
	}
	const action = "ssm:SendCommand"
	all := one(action, f.document(in.DocumentName))
	for _, id := range in.InstanceIds {
		resource, tags := f.arn("ssm", "managed-instance/"+id), map[string]string(nil)
		if strings.HasPrefix(id, "i-") {
			resource = f.instance(id)
			tags, _ = f.Instance(id)
		} else {
			tags = f.Node(id)
		}
		c := permission.Context{}
		c.SetTags("ssm:resourceTag/", tags)
		c.SetTags("aws:ResourceTag/", tags)
		all = append(all, permission.Request{Action: action, Resource: resource, Context: c})
	}
	return all, nil
}
