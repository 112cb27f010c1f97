package contract_test

import (
	"strings"
	"testing"
)

// What cannot be made again stays when the stack goes or a property asks for another resource: records and the keys that
// they, or machines, are encrypted with.
func recordsAreKept(t testing.TB, s stack) {
	for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket"} {
		for _, r := range s.of(t, kind) {
			for _, attribute := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
				if got := short(at(s.resource(r.LogicalID), attribute)); got != "Retain" {
					t.Errorf("template.yaml: %s has the %s %q, want Retain", r.LogicalID, attribute, got)
				}
			}
		}
	}
	for _, r := range s.of(t, "AWS::DynamoDB::Table") {
		for name, v := range map[string]any{
			"point-in-time recovery": at(r.Properties, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled"),
			"deletion protection":    at(r.Properties, "DeletionProtectionEnabled"),
			"encryption with a key":  at(r.Properties, "SSESpecification", "SSEEnabled"),
		} {
			if v != "true" {
				t.Errorf("template.yaml: %s has no %s", r.LogicalID, name)
			}
		}
	}
}

// What is archived is encrypted, versioned and locked, and nobody else's.
func theArchiveIsLocked(t testing.TB, s stack) {
	for _, b := range s.of(t, "AWS::S3::Bucket") {
		for name, v := range map[string]any{
			"lock":                  at(b.Properties, "ObjectLockEnabled"),
			"block of public lists": at(b.Properties, "PublicAccessBlockConfiguration", "BlockPublicAcls"),
			"block of policies":     at(b.Properties, "PublicAccessBlockConfiguration", "BlockPublicPolicy"),
			"ignoring of lists":     at(b.Properties, "PublicAccessBlockConfiguration", "IgnorePublicAcls"),
			"restriction":           at(b.Properties, "PublicAccessBlockConfiguration", "RestrictPublicBuckets"),
		} {
			if v != "true" {
				t.Errorf("template.yaml: %s has no %s", b.LogicalID, name)
			}
		}
		for name, v := range map[string]any{
			"default retention": at(b.Properties, "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days"),
			"mode of its lock":  at(b.Properties, "ObjectLockConfiguration", "Rule", "DefaultRetention", "Mode"),
			"encryption":        at(b.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration"),
		} {
			if v == nil {
				t.Errorf("template.yaml: %s has no %s", b.LogicalID, name)
			}
		}
		tls := false
		for _, p := range s.of(t, "AWS::S3::BucketPolicy") {
			text := short(at(p.Properties, "PolicyDocument"))
			tls = tls || s.names(at(p.Properties, "Bucket"), "AWS::S3::Bucket") && strings.Contains(text, "aws:SecureTransport false") && strings.Contains(text, "Deny")
		}
		if !tls {
			t.Errorf("template.yaml: %s answers without TLS", b.LogicalID)
		}
	}
}

// Logs are written to groups of the stack, which end after the days that the parameter says: a group that a service makes
// for itself keeps everything for ever.
func logsEnd(t testing.TB, s stack) {
	const group = "AWS::Logs::LogGroup"
	for _, r := range s.of(t, group) {
		if at(r.Properties, "RetentionInDays") == nil {
			t.Errorf("template.yaml: %s keeps its logs for ever: it has no RetentionInDays", r.LogicalID)
		}
	}
	for _, f := range s.of(t, "AWS::Serverless::Function") {
		to := at(f.Properties, "LoggingConfig", "LogGroup")
		if to == nil {
			to = at(s.globals, "LoggingConfig", "LogGroup")
		}
		if !s.names(to, group) {
			t.Errorf("template.yaml: %s logs to no group of the stack", f.LogicalID)
		}
	}
	for _, api := range s.of(t, "AWS::Serverless::HttpApi") {
		if !s.names(at(api.Properties, "AccessLogSettings", "DestinationArn"), group) {
			t.Errorf("template.yaml: %s logs to no group of the stack", api.LogicalID)
		}
	}
	for _, m := range s.of(t, "AWS::Serverless::StateMachine") {
		to := list(at(m.Properties, "Logging", "Destinations"))
		if len(to) == 0 || !s.names(at(to[0], "CloudWatchLogsLogGroup", "LogGroupArn"), group) {
			t.Errorf("template.yaml: %s logs to no group of the stack", m.LogicalID)
		}
	}
}

// rings are metrics of AWS's that tell of something that Keyward cannot say itself.
var rings = []string{"AWS/SQS ApproximateNumberOfMessagesVisible", "AWS/States ExecutionsFailed", "AWS/Lambda Invocations"}

// An alarm tells people: through a topic of the stack that somebody is subscribed to.
func alarmsTellSomebody(t testing.TB, s stack) {
	watched := map[string]bool{}
	for _, a := range s.of(t, "AWS::CloudWatch::Alarm") {
		watched[short(at(a.Properties, "Namespace"))+" "+short(at(a.Properties, "MetricName"))] = true
		told := false
		for _, to := range list(at(a.Properties, "AlarmActions")) {
			c, _ := to.(call)
			id, _ := c.argument.(string)
			told = told || s.names(to, "AWS::SNS::Topic") && len(list(at(s.resource(id), "Properties", "Subscription"))) > 0
		}
		if !told {
			t.Errorf("template.yaml: %s tells nobody", a.LogicalID)
		}
	}
	for _, name := range rings {
		if !watched[name] {
			t.Errorf("template.yaml: no alarm watches %s", name)
		}
	}
}
