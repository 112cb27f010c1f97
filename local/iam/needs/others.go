package needs

import (
	"cmp"
	"net/mail"

	"github.com/keyward/keyward/local/iam/permission"
	"github.com/keyward/keyward/local/wire"
)

// ofOthers are services of which few operations are called.
var ofOthers = map[string]need{
	"sts.GetCallerIdentity": func(Facts, *wire.Request) ([]permission.Request, error) { return nil, nil }, // everybody may

	"lambda.Invoke": on("lambda:InvokeFunction", func(f Facts, in struct{ FunctionName string }) string {
		return f.named("lambda", "function:", in.FunctionName)
	}),
	"iam.GetRole": on("iam:GetRole", func(f Facts, in struct{ RoleName string }) string {
		return "arn:aws:iam::" + f.Account + ":role/" + in.RoleName
	}),
	"iam.GetInstanceProfile": on("iam:GetInstanceProfile", func(f Facts, in struct{ InstanceProfileName string }) string {
		return "arn:aws:iam::" + f.Account + ":instance-profile/" + in.InstanceProfileName
	}),
	"states.StartExecution":      on("states:StartExecution", func(_ Facts, in struct{ StateMachineArn string }) string { return in.StateMachineArn }),
	"states.StopExecution":       on("states:StopExecution", func(_ Facts, in execution) string { return in.ExecutionArn }),
	"states.DescribeExecution":   on("states:DescribeExecution", func(_ Facts, in execution) string { return in.ExecutionArn }),
	"states.GetExecutionHistory": on("states:GetExecutionHistory", func(_ Facts, in execution) string { return in.ExecutionArn }),

	"scheduler.CreateSchedule": schedule("scheduler:CreateSchedule"),
	"scheduler.UpdateSchedule": schedule("scheduler:UpdateSchedule"),
	"scheduler.GetSchedule":    schedule("scheduler:GetSchedule"),
	"scheduler.DeleteSchedule": schedule("scheduler:DeleteSchedule"),
	"scheduler.ListSchedules":  everywhere("scheduler:ListSchedules"),

	"securityhub.BatchImportFindings": importFindings,
	"securityhub.BatchUpdateFindings": on("securityhub:BatchUpdateFindings", func(f Facts, _ struct{}) string { return f.arn("securityhub", "hub/default") }),

	"s3.PutObject": on("s3:PutObject", object),
	"s3.GetObject": on("s3:GetObject", object),

	"events.PutEvents": putEvents,
	"ses.SendEmail":    sendEmail,
	"sns.Publish":      on("sns:Publish", func(_ Facts, in struct{ TopicArn string }) string { return in.TopicArn }),
}

type stored struct{ Bucket, Key string }

func object(_ Facts, in stored) string { return "arn:aws:s3:::" + in.Bucket + "/" + in.Key }

type execution struct{ ExecutionArn string }

// schedule needs the schedule, and the role that it is given, which is handed over.
func schedule(action string) need {
	return func(f Facts, r *wire.Request) ([]permission.Request, error) {
		in, err := wire.Peek[struct {
			Name, GroupName string
			Target          struct{ RoleArn string }
		}](r)
		if err != nil {
			return nil, err
		}
		all := one(action, f.arn("scheduler", "schedule/"+cmp.Or(in.GroupName, "default")+"/"+in.Name))
		if in.Target.RoleArn != "" {
			c := permission.Context{}
			c.Set("iam:PassedToService", "scheduler.amazonaws.com")
			all = append(all, permission.Request{Action: "iam:PassRole", Resource: in.Target.RoleArn, Context: c})
		}
		return all, nil
	}
}

// importFindings needs the product of each finding.
func importFindings(_ Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct{ Findings []struct{ ProductArn string } }](r)
	if err != nil {
		return nil, err
	}
	var all []permission.Request
	for _, finding := range in.Findings {
		all = append(all, one("securityhub:BatchImportFindings", finding.ProductArn)...)
	}
	return all, nil
}

func putEvents(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct {
		Entries []struct{ EventBusName string }
	}](r)
	if err != nil {
		return nil, err
	}
	var all []permission.Request
	for _, e := range in.Entries {
		all = append(all, one("events:PutEvents", f.named("events", "event-bus/", cmp.Or(e.EventBusName, "default")))...)
	}
	return all, nil
}

// sendEmail needs the sender's identity and the configuration set
// (docs.aws.amazon.com/ses/latest/dg/control-user-access.html).
func sendEmail(f Facts, r *wire.Request) ([]permission.Request, error) {
	in, err := wire.Peek[struct{ FromEmailAddress, ConfigurationSetName string }](r)
	if err != nil {
		return nil, err
	}
	from := in.FromEmailAddress
	if a, err := mail.ParseAddress(from); err == nil {
		from = a.Address
	}
	resources := []string{f.arn("ses", "identity/"+from)}
	if in.ConfigurationSetName != "" {
		resources = append(resources, f.arn("ses", "configuration-set/"+in.ConfigurationSetName))
	}
	var all []permission.Request
	for _, resource := range resources {
		c := permission.Context{}
		c.Set("ses:FromAddress", from)
		all = append(all, permission.Request{Action: "ses:SendEmail", Resource: resource, Context: c})
	}
	return all, nil
}
