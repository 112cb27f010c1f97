"""Step Functions, Lambda, Scheduler, EventBridge, Security Hub and SES."""

import base64
import datetime
import json

STATES = "arn:aws:states:us-east-1:123456789012:"
MACHINE = STATES + "stateMachine:keyward-Enforcement"
HOST = "i-1234567890abcdef0"
LAMBDA = "arn:aws:lambda:us-east-1:123456789012:function:keyward-SweepFunction"
ROLE = "arn:aws:iam::123456789012:role/keyward-ScheduleRole"
INPUT = {
    "version": 1, "account": "123456789012", "region": "us-east-1", "machine": "i-0123456789abcdef0", "generation": 1, "policy": "default",
}


def run(judge):
    invocations(judge, judge.client("lambda"))
    executions(judge, judge.client("stepfunctions"))
    schedules(judge, judge.client("scheduler"))
    events(judge, judge.client("events"))
    findings(judge, judge.client("securityhub"))
    mails(judge, judge.client("sesv2"))
    archives(judge, judge.client("s3"))


def executions(judge, sfn):
    definition = json.loads(sfn.describe_state_machine(stateMachineArn=MACHINE)["definition"])
    judge.check("Look again" in definition["States"], "the state machine is not the template's")
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {"pk": {"S": f"123456789012#us-east-1#machine#{HOST}"}, "sk": {"S": "machine"}, "doc": {"S": json.dumps({"id": HOST})}}
    judge.client("dynamodb").put_item(TableName="keyward-Table", Item=known)  # of generation 0, so that to look at 1 is superseded
    started = {}
    for name, more in {
        "refused": {"kind": "none"}, "waits": {"kind": "look", "dueAt": later}, "looks": {"kind": "look", "machine": HOST}, "restores": {"kind": "restore"},
    }.items():
        started[name] = sfn.start_execution(stateMachineArn=MACHINE, name=name, input=json.dumps(INPUT | more))["executionArn"]
    judge.place.control("POST", "forward", {"duration": "1h"})
    sfn.stop_execution(executionArn=started["waits"], error="Stopped", cause="conformance")
    endings = {name: sfn.describe_execution(executionArn=arn) for name, arn in started.items()}
    judge.check(endings["refused"]["status"] == "FAILED" and endings["refused"]["error"] == "Invalid", f"refused is {endings['refused']}")
    judge.check(endings["waits"]["status"] == "ABORTED", f"waits is {endings['waits']}")
    judge.check(endings["looks"]["status"] == "SUCCEEDED", f"looks is {endings['looks']}")
    judge.check(endings["restores"]["status"] == "FAILED", f"restores is {endings['restores']}")
    kinds = set()
    for arn in started.values():
        pages = sfn.get_paginator("get_execution_history").paginate(executionArn=arn, PaginationConfig={"PageSize": 7})
        kinds |= {e["type"] for page in pages for e in page["events"]}
    sfn.get_execution_history(executionArn=started["waits"], reverseOrder=True)
    for kind in ("ExecutionFailed", "ExecutionAborted", "WaitStateEntered", "ChoiceStateExited", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited", "PassStateExited", "ExecutionSucceeded"):
        judge.check(kind in kinds, f"no history has a {kind}: {sorted(kinds)}")
    pages = list(sfn.get_paginator("list_executions").paginate(stateMachineArn=MACHINE, PaginationConfig={"PageSize": 3}))
    listed = [e["executionArn"] for page in pages for e in page["executions"]]
    # The place may have started others of its own, such as those of its sweep.
    judge.check(len(pages) > 1 and set(started.values()) <= set(listed) and len(listed) == len(set(listed)), f"ListExecutions lists {listed}, want {started} among them, each once")
    judge.check(len(sfn.list_executions(stateMachineArn=MACHINE, statusFilter="ABORTED")["executions"]) == 1, "not one is ABORTED")
    absent = STATES + "execution:keyward-Enforcement:none"
    judge.refused("ExecutionAlreadyExists", sfn.start_execution, stateMachineArn=MACHINE, name="waits", input="{}")
    judge.refused("StateMachineDoesNotExist", sfn.start_execution, stateMachineArn=STATES + "stateMachine:none")
    judge.refused("InvalidExecutionInput", sfn.start_execution, stateMachineArn=MACHINE, input="{")
    judge.refused("InvalidName", sfn.start_execution, stateMachineArn=MACHINE, name="a b")
    judge.refused("InvalidArn", sfn.describe_execution, executionArn="none")
    for call in (sfn.describe_execution, sfn.stop_execution, sfn.get_execution_history):
        judge.refused("ExecutionDoesNotExist", call, executionArn=absent)
    judge.refused("InvalidToken", sfn.list_executions, stateMachineArn=MACHINE, nextToken="?")
    judge.refused("StateMachineDoesNotExist", sfn.describe_state_machine, stateMachineArn=STATES + "stateMachine:none")
    judge.refused("NotImplemented", sfn.list_state_machines, status=501)


def invocations(judge, functions):
    answer = functions.invoke(FunctionName=LAMBDA, Payload=b"{}")
    judge.check(answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST", f"Invoke answered {answer}")
    judge.check("FunctionError" not in answer, f"the sweep failed: {answer['Payload'].read()}")
    wrong = functions.invoke(FunctionName="keyward-RevokeFunction", InvocationType="RequestResponse", Payload=b'{"version":0}')
    document = json.load(wrong["Payload"])
    judge.check(wrong["FunctionError"] == "Unhandled" and document.get("errorType"), f"a failing function answered {wrong} {document}")
    later = functions.invoke(FunctionName="keyward-SweepFunction", InvocationType="Event", Payload=b"{}")
    judge.check(later["StatusCode"] == 202 and later["Payload"].read() == b"", f"an event was answered with {later}")
    judge.refused("ResourceNotFoundException", functions.invoke, FunctionName="none")
    judge.refused("InvalidRequestContentException", functions.invoke, FunctionName=LAMBDA, Payload=b"{")
    judge.refused("RequestTooLargeException", functions.invoke, FunctionName=LAMBDA, InvocationType="Event", Payload=b'"' + b"x" * (1 << 20) + b'"')


def schedules(judge, scheduler):
    wanted = {
        "Name": "conformance", "Description": "conformance", "ScheduleExpression": "cron(30 4 * * ? *)", "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}, "StartDate": "2098-01-01T00:00:00Z", "EndDate": "2099-01-01T00:00:00Z",
        "Target": {"Arn": LAMBDA, "RoleArn": ROLE, "Input": "{}", "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 5},
                   "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:keyward-DeadLetters"}},
    }
    arn = scheduler.create_schedule(**wanted, ClientToken="conformance-1")["ScheduleArn"]
    shown = scheduler.get_schedule(Name="conformance", GroupName="default")
    judge.check(shown["Arn"] == arn and shown["Target"] == wanted["Target"] and shown["EndDate"].year == 2099, f"the schedule is {shown}")
    scheduler.update_schedule(**wanted | {"State": "DISABLED", "ScheduleExpression": "rate(1 hour)"})
    plain = {k: wanted[k] for k in ("ScheduleExpression", "Target")} | {"FlexibleTimeWindow": {"Mode": "OFF"}, "Name": "plain"}
    scheduler.create_schedule(**plain)
    scheduler.get_schedule(Name="plain")
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName="default", PaginationConfig={"PageSize": 1})
    states = {s["Name"]: s["State"] for page in pages for s in page["Schedules"]}
    judge.check(states.get("conformance") == "DISABLED" and len(states) > 3, f"the schedules are {states}")
    scheduler.delete_schedule(Name="plain", GroupName="default")
    judge.refused("ConflictException", scheduler.create_schedule, **wanted)
    judge.refused("ValidationException", scheduler.create_schedule, **plain | {"ScheduleExpression": "cron(* * * * * *)"})
    judge.refused("ResourceNotFoundException", scheduler.get_schedule, Name="plain")
    judge.refused("ResourceNotFoundException", scheduler.update_schedule, **plain)
    judge.refused("ResourceNotFoundException", scheduler.delete_schedule, Name="plain")
    judge.refused("ResourceNotFoundException", scheduler.list_schedules, GroupName="none")
    judge.refused("NotImplemented", scheduler.list_schedule_groups, status=501)


def events(judge, bus):
    entry = {"Source": "keyward.conformance", "DetailType": "Judged", "Detail": "{}", "Resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-1234567890abcdef0"]}
    out = bus.put_events(Entries=[entry, entry | {"Detail": "["}, entry | {"Source": "aws.ec2"}])
    codes = [e.get("ErrorCode") for e in out["Entries"]]
    judge.check(out["FailedEntryCount"] == 2 and codes == [None, "MalformedDetail", "NotAuthorizedForSourceException"], f"PutEvents answered {out}")
    judge.refused("ValidationException", bus.put_events, Entries=[entry] * 11)
    judge.refused("NotImplemented", bus.list_rules, status=501)


def findings(judge, hub):
    """A finding fails, is put right and fails again: its workflow is people's, and begins anew."""
    product = "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default"
    finding = {
        "SchemaVersion": "2018-10-08", "Id": "conformance", "ProductArn": product, "GeneratorId": "conformance", "AwsAccountId": "123456789012",
        "Types": ["Software and Configuration Checks/Host Integrity"], "CreatedAt": "2026-03-01T12:00:00.000Z", "UpdatedAt": "2026-03-01T12:00:00.000Z",
        "Title": "Judged", "Description": "Judged by boto3", "Severity": {"Label": "HIGH"}, "Compliance": {"Status": "FAILED"}, "RecordState": "ACTIVE",
        "Resources": [{"Type": "AwsEc2Instance", "Id": f"arn:aws:ec2:us-east-1:123456789012:instance/{HOST}", "Partition": "aws", "Region": "us-east-1"}],
        "Remediation": {"Recommendation": {"Text": "Put it right"}}, "ProductFields": {"keyward/rule": "x"},
    }
    out = hub.batch_import_findings(Findings=[finding, finding | {"Id": "second", "Title": ""}])
    judge.check((out["SuccessCount"], out["FailedCount"], out["FailedFindings"][0]["Id"]) == (1, 1, "second"), f"BatchImportFindings answered {out}")
    ids = [{"Id": "conformance", "ProductArn": product}, {"Id": "none", "ProductArn": product}]
    out = hub.batch_update_findings(FindingIdentifiers=ids, Workflow={"Status": "RESOLVED"})
    judge.check(out["ProcessedFindings"] == ids[:1] and out["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound", f"BatchUpdateFindings answered {out}")
    judge.refused("InvalidInputException", hub.batch_import_findings, Findings=[finding] * 101)
    judge.refused("InvalidInputException", hub.batch_update_findings, FindingIdentifiers=ids[:1])
    judge.refused("NotImplemented", hub.get_findings, status=501)


def mails(judge, ses):
    simple = {"Simple": {"Subject": {"Data": "Conformance"}, "Body": {"Text": {"Data": "grün", "Charset": "UTF-8"}},
                         "Attachments": [{"FileName": "a.txt", "RawContent": b"a", "ContentType": "text/plain"}]}}
    mail = {"FromEmailAddress": "Keyward <keyward@example.com>", "Destination": {"ToAddresses": ["ops@example.com"]}, "EmailTags": [{"Name": "a", "Value": "b"}]}
    sent = ses.send_email(**mail, Content=simple)["MessageId"]
    raw = b"From: keyward@example.com\r\nTo: ops@example.com\r\nSubject: Conformance, raw\r\n\r\ntext\r\n"
    ses.send_email(Content={"Raw": {"Data": raw}})
    kept = judge.place.control("GET", "mail")
    judge.check(sent in json.dumps(kept) and "Conformance, raw" in json.dumps(kept), f"the mailbox has {kept}")
    judge.check(base64.b64encode(raw).decode() not in json.dumps(kept), "a raw mail was kept undecoded")
    judge.refused("MessageRejected", ses.send_email, **mail | {"FromEmailAddress": "nobody@example.org"}, Content=simple)
    judge.refused("BadRequestException", ses.send_email, **mail | {"Destination": {}}, Content=simple)
    judge.refused("NotFoundException", ses.send_email, **mail, Content=simple, ConfigurationSetName="none")
    judge.refused("NotImplemented", ses.list_configuration_sets, status=501)


def archives(judge, s3):
    """The bucket of reports: files are there once, locked by the bucket, and read back as they came."""
    file = {"Bucket": "keyward-reportarchive", "Key": "reports/conformance/a.csv"}
    put = s3.put_object(**file, Body=b"a,b\r\n", ContentType="text/csv", IfNoneMatch="*")
    got = s3.get_object(**file)
    judge.check(got["Body"].read() == b"a,b\r\n" and got["ContentType"] == "text/csv" and got["VersionId"] == put["VersionId"], f"GetObject answered {got}")
    judge.check(got["ObjectLockMode"] == "GOVERNANCE" and got["ObjectLockRetainUntilDate"] > got["LastModified"], f"it is not locked: {got}")
    judge.refused("PreconditionFailed", s3.put_object, **file, Body=b"x", IfNoneMatch="*")
    judge.refused("NoSuchKey", s3.get_object, **file | {"Key": "none"})
    judge.refused("NoSuchBucket", s3.get_object, **file | {"Bucket": "keyward-none"})
    judge.refused("NotImplemented", s3.list_objects_v2, Bucket=file["Bucket"], status=501)
