package contract_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// checks are what has to be true of the template.
var checks = map[string]func(testing.TB, stack){
	"a drill that is missing rings":                  aDrillThatIsMissingRings,
	"alarms tell somebody":                           alarmsTellSomebody,
	"every call is allowed and nothing else":         everyCallIsAllowedAndNothingElse,
	"every function is deployed":                     everyFunctionIsDeployed,
	"every name in the state machine is substituted": everyNameInTheStateMachineIsSubstituted,
	"every route is deployed and served":             everyRouteIsDeployedAndServed,
	"every variable is set and read":                 everyVariableIsSetAndRead,
	"logs end":                                       logsEnd,
	"metrics are made of what is logged":             metricsAreMadeOfWhatIsLogged,
	"nobody may use guarded keys":                    nobodyMayUseGuardedKeys,
	"nothing is lost":                                nothingIsLost,
	"records are kept":                               recordsAreKept,
	"roles may call what the table says":             rolesMayCallWhatTheTableSays,
	"sources are named":                              sourcesAreNamed,
	"the archive is locked":                          theArchiveIsLocked,
	"the dashboard shows what is written":            theDashboardShowsWhatIsWritten,
	"the drill uses its key alone":                   theDrillUsesItsKeyAlone,
	"the key of the table":                           theKeyOfTheTable,
	"the private API":                                privateAPI,
	"timeouts":                                       timeouts,
	"what may be sent where":                         whatMayBeSentWhere,
	"what the state machine may invoke":              whatTheStateMachineMayInvoke,
	"who may do what to keys":                        whoMayDoWhatToKeys,
	"wide resources say why":                         wideResourcesSayWhy,
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, template(t))
		})
	}
}

// recorder is a test whose failures are kept.
type recorder struct {
	testing.TB
	problems []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

// record has a function run with a recorder, whose Fatal ends the function alone.
func record(t testing.TB, run func(testing.TB)) []string {
	r := &recorder{TB: t}
	var ends sync.WaitGroup
	ends.Go(func() { run(r) })
	ends.Wait()
	return r.problems
}

// A template that is wrong in one place is caught, and told what is wrong.
func TestABrokenTemplateIsCaught(t *testing.T) {
	t.Parallel()
	whole := read(t, "template.yaml")
	for name, tt := range map[string]struct {
		resource     string // behind whose start the first old text is changed
		old, changed string
		want         string
	}{
		"a permission that is missing": {"RevokeFunction", "[kms:DisableKey, kms:RevokeGrant]", "kms:DisableKey",
			"functions/revoke calls what needs kms:RevokeGrant, and template.yaml does not allow it to RevokeFunction"},
		"a permission that nobody uses": {"NotifyFunction", "Action: ses:SendEmail", "Action: [ses:SendEmail, ses:DeleteEmailIdentity]",
			"template.yaml allows ses:DeleteEmailIdentity to NotifyFunction, and functions/notify calls nothing that needs it"},
		"an action with a wildcard": {"RestoreFunction", "Action: kms:EnableKey", "Action: kms:Enable*",
			"template.yaml: RestoreFunction allows kms:Enable* by Enable: name each action"},
		"another who may take keys": {"NotifyFunction", "Action: ses:SendEmail", "Action: [ses:SendEmail, kms:DisableKey]",
			"template.yaml allows kms:DisableKey to [NotifyFunction RevokeFunction], want [RevokeFunction]: in this stack nobody else may"},
		"keys without a tag": {"RevokeFunction", "aws:ResourceTag/keyward:guarded", "aws:ResourceTag/guarded",
			"template.yaml: RevokeFunction may kms:DisableKey by TakeAway on keys without the tag keyward:guarded = true"},
		"grants for anybody": {"RequestFunction", "kms:GranteePrincipal", "kms:ViaService",
			`template.yaml: RequestFunction may create grants without the condition "kms:GranteePrincipal"`},
		"a role without the Deny": {"SweepFunction", "        - !Ref NeverUseGuardedKeys\n", "",
			"template.yaml: SweepFunction does not carry NeverUseGuardedKeys"},
		"machines without a tag": {"SafeguardFunction", "ssm:resourceTag/keyward:guarded", "ssm:resourceTag/guarded",
			"template.yaml: SafeguardFunction may send commands to [ec2:instance/* ssm:managed-instance/*] by SendToGuardedMachines without the tag"},
		"a wide resource without a reason": {"RecheckFunction", `Resource: "*" # SSM has no resource for this call`, `Resource: "*"`,
			`: Resource: "*" without a comment that names the reason`},
		"resources that nothing narrows": {"RestoreFunction", " # machines' keys are not known before; these calls read", "",
			": a resource with * and neither a condition nor a comment that names the reason"},
		"resources that a condition narrowed": {"SafeguardFunction", "              Resource: !Sub arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*\n              Condition:\n                StringEquals:\n                  ec2:CreateAction: CreateSnapshots\n",
			"              Resource: !Sub arn:${AWS::Partition}:ec2:${AWS::Region}::snapshot/*\n",
			": a resource with * and neither a condition nor a comment that names the reason"},
		"a target without a queue": {"SweepFunction", "            DeadLetterConfig: {Arn: !GetAtt DeadLetters.Arn}\n", "",
			"template.yaml: what cannot be delivered for the event Often of SweepFunction is in no queue"},
		"a function without a queue": {"DeliveryFunction", "      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt DeadLetters.Arn}\n", "",
			"template.yaml: nobody waits for DeliveryFunction, and it has no DeadLetterQueue"},
		"a queue of another kind": {"DeliveryFunction", "TargetArn: !GetAtt DeadLetters.Arn", "TargetArn: !GetAtt Table.Arn",
			"template.yaml: nobody waits for DeliveryFunction, and it has no DeadLetterQueue"},
		"a queue that nobody may fill": {"DeadLettersPolicy", "Principal: {Service: events.amazonaws.com}", "Principal: {Service: s3.amazonaws.com}",
			"template.yaml: nobody may put into DeadLetters.Arn what cannot be delivered for the event Running of InspectFunction"},
		"a role that may not fill it": {"ScheduleRole", "Action: sqs:SendMessage", "Action: sqs:ReceiveMessage",
			"template.yaml: nobody may put into DeadLetters.Arn what cannot be delivered for the event Daily of InspectFunction"},
		"a queue that anybody's rules may fill": {"DeadLettersPolicy", "aws:SourceArn: !Sub arn:${AWS::Partition}:events", "aws:PrincipalType: !Sub arn:${AWS::Partition}:events",
			"template.yaml: DeadLettersPolicy lets in events.amazonaws.com by RulesOfThisStack without a condition on aws:sourcearn"},
		"a function that any API may call": {"MachineApiCallsRequest", "      SourceArn: ", "      Other: ",
			"template.yaml: MachineApiCallsRequest lets in apigateway.amazonaws.com without a SourceArn"},
		"a substitution by another": {"Enforcement", "RevokeFunctionArn: !GetAtt RevokeFunction.Arn", "RevokeFunctionArn: !GetAtt RestoreFunction.Arn",
			"template.yaml substitutes RevokeFunctionArn by {GetAtt RestoreFunction.Arn}, want {GetAtt RevokeFunction.Arn}"},
		"a substitution that is missing": {"Enforcement", "        NotifyFunctionArn: !GetAtt NotifyFunction.Arn\n", "",
			"the state machine says ${NotifyFunctionArn}, and template.yaml substitutes nothing for it"},
		"a task that may not be invoked": {"Enforcement", "                - !GetAtt SafeguardFunction.Arn\n", "",
			"the state machine may invoke [NotifyFunction.Arn RecheckFunction.Arn RestoreFunction.Arn RevokeFunction.Arn], and names "},
		"a variable that nobody reads": {"NotifyFunction", "          SENDER_ADDRESS:", "          REPLY_TO: nobody\n          SENDER_ADDRESS:",
			"template.yaml sets REPLY_TO for NotifyFunction, and functions/notify does not read it"},
		"a variable that is missing": {"NotifyFunction", "          SENDER_ADDRESS: !Ref SenderAddress\n", "",
			"functions/notify reads SENDER_ADDRESS, and template.yaml does not set it for NotifyFunction"},
		"a timeout that the program does not know": {"SweepFunction", "Timeout: 240", "Timeout: 120",
			"template.yaml: Timeout 120 and FUNCTION_TIMEOUT_SECONDS 240 differ for sweep: now is the deadline minus it"},
		"an alarm that tells nobody": {"EnforcementAlarm", "      AlarmActions: [!Ref Alarms]\n", "",
			"template.yaml: EnforcementAlarm tells nobody"},
		"an alarm that is missing": {"DeadLetterAlarm", "MetricName: ApproximateNumberOfMessagesVisible", "MetricName: NumberOfMessagesSent",
			"template.yaml: no alarm watches AWS/SQS ApproximateNumberOfMessagesVisible"},
		"a metric of what nobody logs": {"DrillFailedMetric", `"drill ended"`, `"drill is over"`,
			`template.yaml: DrillFailedMetric looks for "drill is over", which no program logs`},
		"an archive that answers without TLS": {"ReportArchivePolicy", "aws:SecureTransport", "aws:UserAgent",
			"template.yaml: ReportArchive answers without TLS"},
		"an archive without a lock": {"ReportArchive", "      ObjectLockEnabled: true\n", "",
			"template.yaml: ReportArchive has no lock"},
		"an archive that the public may read": {"ReportArchive", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false",
			"template.yaml: ReportArchive has no restriction"},
		"an archive that goes with the stack": {"ReportArchive", "    DeletionPolicy: Retain\n", "",
			"template.yaml: ReportArchive has the DeletionPolicy"},
		"logs without an end": {"FunctionLogs", "      RetentionInDays: !Ref LogRetentionDays\n", "      KmsKeyId: none\n",
			"template.yaml: FunctionLogs keeps its logs for ever: it has no RetentionInDays"},
		"a table that cannot be brought back": {"Table", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false",
			"template.yaml: Table has no point-in-time recovery"},
		"a table that goes with the stack": {"Table", "    DeletionPolicy: Retain\n", "",
			`template.yaml: Table has the DeletionPolicy "", want Retain`},
		"a key that goes with the stack": {"DrillKey", "UpdateReplacePolicy: Retain", "UpdateReplacePolicy: Delete",
			`template.yaml: DrillKey has the UpdateReplacePolicy "Delete", want Retain`},
		"an auditor who may change something": {"AuditorPolicy", "${PeopleApi}/$default/GET/*", "${PeopleApi}/$default/*",
			"AuditorPolicy may call PUT "},
		"a function that is not there": {"SweepFunction", "", "",
			"functions/sweep is not in template.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before, rest, found := strings.Cut(whole, "\n  "+tt.resource+":\n")
			changed := "\n  " + tt.resource + ":\n" + strings.Replace(rest, tt.old, tt.changed, 1)
			if tt.old == "" {
				changed = "\n  Renamed" + tt.resource + ":\n" + rest
			}
			if !found || !strings.Contains(rest, tt.old) {
				t.Fatalf("template.yaml has no %q behind %s", tt.old, tt.resource)
			}
			s := parsed(t, before+changed)
			var problems []string
			for _, check := range checks {
				problems = append(problems, record(t, func(t testing.TB) { check(t, s) })...)
			}
			if !slices.ContainsFunc(problems, func(p string) bool { return strings.Contains(p, tt.want) }) {
				t.Errorf("the checks say\n\t%s\nwant\n\t%s", strings.Join(problems, "\n\t"), tt.want)
			}
		})
	}
}
