package stack

// What the template says and nobody can observe on one machine. Everything else that is not read is
// an error.

// inertTypes are resources that are not created.
var inertTypes = map[string]bool{
	"AWS::CloudWatch::Alarm":     true, // there are no metrics
	"AWS::CloudWatch::Dashboard": true, // there are no metrics
	"AWS::Lambda::Permission":    true, // as TopicPolicy
	"AWS::Logs::LogGroup":        true, // logs are shown by /_local/logs
	"AWS::Logs::MetricFilter":    true, // there are no metrics
	"AWS::S3::BucketPolicy":      true, // as TopicPolicy
	"AWS::SNS::TopicPolicy":      true, // policies of resources are not judged; the contract tests read them
	"AWS::SQS::QueuePolicy":      true, // as TopicPolicy
}

// inertProperties are properties without an effect here, by resource type.
var inertProperties = map[string][]string{
	"AWS::Serverless::Function": {
		"Architectures", // programs are built for this host
		"Description", "LoggingConfig", "Tags", "Tracing",
	},
	"AWS::Serverless::HttpApi":      {"Description", "AccessLogSettings", "DefaultRouteSettings", "FailOnWarnings", "Tags"},
	"AWS::Serverless::Api":          {"Description", "MethodSettings", "OpenApiVersion"},
	"AWS::Serverless::StateMachine": {"Logging", "Tags", "Tracing"},
	"AWS::DynamoDB::Table": {
		"PointInTimeRecoverySpecification", "SSESpecification", "DeletionProtectionEnabled", "Tags",
	},
	"AWS::KMS::Key":              {"EnableKeyRotation"},
	"AWS::IAM::ManagedPolicy":    {"Description"},
	"AWS::IAM::Role":             {"Description", "AssumeRolePolicyDocument", "Tags"},
	"AWS::S3::Bucket":            {"BucketEncryption", "LifecycleConfiguration", "OwnershipControls", "PublicAccessBlockConfiguration", "Tags"},
	"AWS::SES::ConfigurationSet": {"ReputationOptions"},
	"AWS::SQS::Queue":            {"MessageRetentionPeriod", "SqsManagedSseEnabled", "Tags"},
	"AWS::SNS::Topic":            {"Tags"},
	"AWS::SSM::Document":         {"Tags"},
	"ScheduleV2":                 {"Description", "OmitName"},
	"Custom::Removal":            {"DeletedBefore"}, // an order of deletion; here everything goes at once
}
