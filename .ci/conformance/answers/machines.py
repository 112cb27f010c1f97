"""SSM and EC2: the inspection document, really run on this host, and the inventory."""

import base64
import gzip
import json
import time

from place import MACHINE

NONCE = "0123456789abcdef0123456789abcdef"
DOCUMENT = "keyward-InspectDocument"
STEP = "inspect"  # its step for Linux
ABSENT = "i-0123456789abcdef0"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def run(judge):
    ssm = judge.client("ssm")
    inspection(judge, ssm)
    cancelled(judge, ssm)
    refusals(judge, ssm)
    calendars(judge, ssm)
    compliance(judge, ssm)
    instances(judge, judge.client("ec2"))
    roles(judge, judge.client("iam"), judge.client("ec2"))
    safeguards(judge, judge.client("ec2"))
    architecture(judge, judge.client("ec2"), ssm)


def inspection(judge, ssm):
    """Sends the document as our programs do, at the version and hash that were described, and reads it."""
    about = ssm.describe_document(Name=DOCUMENT)["Document"]
    content = ssm.get_document(Name=DOCUMENT, DocumentVersion=about["DocumentVersion"], DocumentFormat="JSON")["Content"]
    judge.check(json.loads(content)["schemaVersion"] == about["SchemaVersion"], "the document is not what was described")
    nodes = ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": [MACHINE]}])["InstanceInformationList"]
    judge.check([n["PingStatus"] for n in nodes] == ["Online"], f"the nodes are {nodes}")
    command = ssm.send_command(
        DocumentName=DOCUMENT, DocumentVersion=about["DocumentVersion"], DocumentHash=about["Hash"], DocumentHashType="Sha256",
        InstanceIds=[MACHINE], Parameters={"Nonce": [NONCE], "Collect": ["os"]}, TimeoutSeconds=30, MaxErrors="100%", Comment="conformance",
    )["Command"]["CommandId"]
    ssm.get_waiter("command_executed").wait(CommandId=command, InstanceId=MACHINE, PluginName=STEP, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    answer = ssm.get_command_invocation(CommandId=command, InstanceId=MACHINE, PluginName=STEP)
    judge.check(answer["ResponseCode"] == 0, f"the inspection ended with {answer['ResponseCode']}")
    facts = read(answer["StandardOutputContent"])
    judge.check(NONCE in json.dumps(facts), f"the inspection's nonce is not in {facts}")
    judge.check(any(r["n"] == "os" and "ID=" in r["t"] for r in facts["r"]), f"the inspection found no os: {facts}")
    judge.read = f"{len(answer['StandardOutputContent'])} bytes of inspection"
    listed = ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    judge.check([i["Status"] for i in listed] == ["Success"], f"the invocations are {listed}")
    judge.check(read(listed[0]["CommandPlugins"][0]["Output"]) == facts, "the list has another output than the invocation")
    judge.refused("InvalidPluginName", ssm.get_command_invocation, CommandId=command, InstanceId=MACHINE)
    ssm.list_command_invocations(CommandId=command, InstanceId=MACHINE)
    judge.refused("InvalidPluginName", ssm.get_command_invocation, CommandId=command, InstanceId=MACHINE, PluginName="none")
    judge.refused("InvocationDoesNotExist", ssm.get_command_invocation, CommandId=command, InstanceId=ABSENT)


CALENDAR = """BEGIN:VCALENDAR
PRODID:-//AWS//Change Calendar 1.0//EN
VERSION:2.0
X-CALENDAR-TYPE:DEFAULT_OPEN
BEGIN:VEVENT
DTSTART:20300101T000000Z
DTEND:20300102T000000Z
END:VEVENT
END:VCALENDAR
"""


def calendars(judge, ssm):
    """A change calendar that is open until 2030, asked for now and then."""
    made = ssm.create_document(Name="month-end", Content=CALENDAR, DocumentType="ChangeCalendar", DocumentFormat="TEXT")
    judge.check(made["DocumentDescription"]["DocumentType"] == "ChangeCalendar", f"CreateDocument says {made}")
    now = ssm.get_calendar_state(CalendarNames=["month-end"])
    judge.check((now["State"], now["NextTransitionTime"]) == ("OPEN", "2030-01-01T00:00:00Z"), f"the calendar is {now}")
    then = ssm.get_calendar_state(CalendarNames=["month-end"], AtTime="2030-01-01T12:00:00Z")
    judge.check((then["State"], then["NextTransitionTime"]) == ("CLOSED", "2030-01-02T00:00:00Z"), f"in 2030 it is {then}")
    judge.refused("DocumentAlreadyExists", ssm.create_document, Name="month-end", Content=CALENDAR, DocumentType="ChangeCalendar", DocumentFormat="TEXT")
    judge.refused("InvalidDocumentContent", ssm.create_document, Name="other", Content="hello", DocumentType="ChangeCalendar", DocumentFormat="TEXT")
    judge.refused("InvalidDocumentType", ssm.get_calendar_state, CalendarNames=[DOCUMENT])
    ssm.delete_document(Name="month-end")
    judge.refused("InvalidDocument", ssm.get_calendar_state, CalendarNames=["month-end"])
    judge.refused("InvalidDocument", ssm.delete_document, Name="month-end")


def compliance(judge, ssm):
    """What a machine keeps, put whole."""
    wanted = {
        "ResourceId": MACHINE, "ResourceType": "ManagedInstance", "ComplianceType": "Custom:Conformance", "ItemContentHash": "a" * 64,
        "ExecutionSummary": {"ExecutionTime": 1772366400, "ExecutionId": "c", "ExecutionType": "Command"},
        "Items": [{"Id": "rule", "Title": "closed", "Severity": "HIGH", "Status": "NON_COMPLIANT", "Details": {"Actual": "open"}}],
    }
    ssm.put_compliance_items(**wanted)
    kept = [c for c in judge.place.control("GET", "compliance") if c["type"] == "Custom:Conformance"]
    judge.check([i["Status"] for c in kept for i in c["items"]] == ["NON_COMPLIANT"], f"compliance is {kept}")
    judge.refused("InvalidResourceId", ssm.put_compliance_items, **wanted | {"ResourceId": ABSENT})
    judge.refused("InvalidResourceType", ssm.put_compliance_items, **wanted | {"ResourceType": "Other"})
    judge.refused("InvalidItemContentException", ssm.put_compliance_items, **wanted | {"Items": [wanted["Items"][0] | {"Status": "SOME"}]})


def read(output):
    """The one line that the document prints: KWE1 LENGTH OK BASE64, of gzip, of JSON."""
    mark, length, state, packed = output.split()
    facts = gzip.decompress(base64.b64decode(packed))
    if (mark, state) != ("KWE1", "OK") or int(length) != len(packed):
        raise ValueError(f"the inspection printed {mark} {length} {state} with {len(packed)} characters")
    return json.loads(facts)


def cancelled(judge, ssm):
    """A machine that does not answer: its command waits until it is cancelled."""
    fault = judge.place.control("POST", "faults", {"kind": "silent", "machine": MACHINE})
    command = ssm.send_command(DocumentName=DOCUMENT, InstanceIds=[MACHINE], Parameters={"Nonce": [NONCE]})["Command"]["CommandId"]
    waits = ssm.get_command_invocation(CommandId=command, InstanceId=MACHINE, PluginName=STEP)["Status"]
    judge.check(waits in ("Pending", "InProgress"), f"a command without an answer is {waits}")
    ssm.cancel_command(CommandId=command, InstanceIds=[MACHINE])
    shown = ssm.list_commands(CommandId=command)["Commands"]
    judge.check([c["Status"] for c in shown] == ["Cancelled"], f"after CancelCommand it is {shown}")
    judge.place.control("DELETE", f"faults/{fault['id']}")
    first = ssm.list_commands(MaxResults=1, Filters=[{"key": "DocumentName", "value": DOCUMENT}])
    second = ssm.list_commands(MaxResults=1, NextToken=first["NextToken"])
    judge.check(first["Commands"][0]["CommandId"] == command and len(second["Commands"]) == 1, "the pages of ListCommands are wrong")
    targeted = ssm.send_command(DocumentName=DOCUMENT, Targets=[{"Key": "tag:none", "Values": ["none"]}], Parameters={"Nonce": [NONCE]})
    judge.check(targeted["Command"]["TargetCount"] == 0, "a tag that nobody has found somebody")


def refusals(judge, ssm):
    nonce = {"Nonce": [NONCE]}
    judge.refused("InvalidInstanceId", ssm.send_command, DocumentName=DOCUMENT, InstanceIds=[ABSENT], Parameters=nonce)
    judge.refused("DuplicateInstanceId", ssm.send_command, DocumentName=DOCUMENT, InstanceIds=[MACHINE, MACHINE], Parameters=nonce)
    judge.refused("InvalidParameters", ssm.send_command, DocumentName=DOCUMENT, InstanceIds=[MACHINE], Parameters={"Nonce": ["$(id)"]})
    judge.refused("InvalidDocument", ssm.send_command, DocumentName="AWS-RunShellScript", InstanceIds=[MACHINE])
    judge.refused("InvalidDocument", ssm.send_command, DocumentName=DOCUMENT, DocumentHash="0" * 64, DocumentHashType="Sha256",
                  InstanceIds=[MACHINE], Parameters=nonce)
    judge.refused("InvalidDocumentVersion", ssm.get_document, Name=DOCUMENT, DocumentVersion="7")
    judge.refused("InvalidDocument", ssm.describe_document, Name="none")
    judge.refused("InvalidCommandId", ssm.cancel_command, CommandId="00000000-0000-0000-0000-000000000000")
    judge.refused("InvalidFilterKey", ssm.describe_instance_information, Filters=[{"Key": "None", "Values": ["x"]}])
    judge.refused("InvalidInstanceInformationFilterValue", ssm.describe_instance_information, Filters=[{"Key": "PingStatus", "Values": ["x"]}])
    judge.refused("InvalidNextToken", ssm.list_commands, NextToken="?")
    judge.refused("NotImplemented", ssm.list_documents, status=501)


def instances(judge, ec2):
    machine = {"id": "i-0fedcba9876543210", "state": "running", "tags": {"tier": "web"},
               "volumes": [{"id": "vol-0123456789abcdef0", "gib": 8, "type": "gp3", "device": "/dev/xvda", "encrypted": True, "key": KEY}],
               "snapshots": [{"id": "snap-0123456789abcdef0", "volume": "vol-0123456789abcdef0", "gib": 8, "encrypted": True, "key": KEY},
                             {"id": "snap-0fedcba9876543210", "volume": "vol-0123456789abcdef0", "gib": 8, "state": "pending"}]}
    judge.place.control("PUT", f"machines/{machine['id']}", machine)
    found = [i for r in ec2.describe_instances()["Reservations"] for i in r["Instances"]]
    judge.check(sorted(i["InstanceId"] for i in found) == sorted([MACHINE, machine["id"]]), f"the instances are {found}")
    one = ec2.describe_instances(InstanceIds=[MACHINE])["Reservations"][0]["Instances"][0]
    judge.check(isinstance(one["LaunchTime"].year, int) and one["State"]["Name"] == "running", f"the instance is {one}")
    web = ec2.describe_instances(Filters=[{"Name": "tag:tier", "Values": ["w*"]}])["Reservations"]
    judge.check([r["Instances"][0]["InstanceId"] for r in web] == [machine["id"]], f"the filter found {web}")
    statuses = ec2.describe_instance_status(InstanceIds=[machine["id"]])["InstanceStatuses"]
    judge.check([s["InstanceState"]["Name"] for s in statuses] == ["running"], f"the statuses are {statuses}")
    volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [machine["id"]]}])["Volumes"]
    judge.check([v["VolumeId"] for v in volumes] == ["vol-0123456789abcdef0"], f"the volumes are {volumes}")
    judge.check(volumes[0]["KmsKeyId"] == KEY, f"the volumes are {volumes}")
    ec2.describe_volumes(IncludeManagedResources=True, MaxResults=500, Filters=[{"Name": "encrypted", "Values": ["true"]}])
    pages = ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], PaginationConfig={"PageSize": 5})
    snapshots = [s for page in pages for s in page["Snapshots"]]
    judge.check([s["State"] for s in snapshots] == ["completed", "pending"], f"the snapshots are {snapshots}")
    encrypted = ec2.describe_snapshots(OwnerIds=["self"], Filters=[{"Name": "encrypted", "Values": ["true"]}])["Snapshots"]
    judge.check([s["KmsKeyId"] for s in encrypted] == [KEY] and isinstance(encrypted[0]["StartTime"].year, int), f"the encrypted ones are {encrypted}")
    judge.refused("InvalidSnapshot.NotFound", ec2.describe_snapshots, status=400, SnapshotIds=["snap-00000000000000000"])
    judge.refused("NotImplemented", ec2.describe_snapshots, status=501)
    ec2.create_tags(Resources=[machine["id"]], Tags=[{"Key": "owner", "Value": "ops@example.com"}])
    tags = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [machine["id"]]}])["Tags"]
    judge.check({t["Key"]: t["Value"] for t in tags} == {"owner": "ops@example.com", "tier": "web"}, f"the tags are {tags}")
    judge.refused("InvalidInstanceID.NotFound", ec2.describe_instances, status=400, InstanceIds=[ABSENT])
    judge.refused("InvalidVolume.NotFound", ec2.describe_volumes, status=400, VolumeIds=["vol-0fedcba9876543210"])
    judge.refused("DryRunOperation", ec2.describe_instances, status=412, DryRun=True)
    judge.refused("NotImplemented", ec2.describe_vpcs, status=501)


def architecture(judge, ec2, ssm):
    """What AWS says of a machine: who is let in, and what Patch Manager found."""
    machine = {"id": "i-0fedcba9876543212", "state": "running",
               "groups": [{"id": "sg-0123456789abcdef0", "name": "web", "inbound": [
                   {"protocol": "tcp", "from": 443, "to": 443, "ipv4": ["0.0.0.0/0"], "ipv6": ["::/0"]},
                   {"protocol": "-1", "groups": ["sg-0123456789abcdef0"], "lists": ["pl-0123456789abcdef0"]}]}],
               "patches": {"ended": "2026-03-01T04:00:00Z", "installed": 200, "missing": 3, "security": 2, "critical": 1, "rebootPending": 1}}
    judge.place.control("PUT", f"machines/{machine['id']}", machine)
    group, = ec2.describe_security_groups(GroupIds=["sg-0123456789abcdef0"])["SecurityGroups"]
    https, every = group["IpPermissions"]
    judge.check((group["GroupName"], https["FromPort"], https["ToPort"]) == ("web", 443, 443), f"the group is {group}")
    judge.check([r["CidrIp"] for r in https["IpRanges"]] == ["0.0.0.0/0"] and [r["CidrIpv6"] for r in https["Ipv6Ranges"]] == ["::/0"], f"let in is {https}")
    judge.check("FromPort" not in every and [g["GroupId"] for g in every["UserIdGroupPairs"]] == [group["GroupId"]], f"let in is {every}")
    judge.check([p["PrefixListId"] for p in every["PrefixListIds"]] == ["pl-0123456789abcdef0"], f"let in is {every}")
    judge.check(ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["none"]}])["SecurityGroups"] == [], "a filter that fits nothing finds some")
    judge.refused("InvalidGroup.NotFound", ec2.describe_security_groups, status=400, GroupIds=["sg-0fedcba9876543210"])
    state, = ssm.describe_instance_patch_states(InstanceIds=[machine["id"], MACHINE])["InstancePatchStates"]
    judge.check((state["InstanceId"], state["MissingCount"], state["SecurityNonCompliantCount"], state["InstalledPendingRebootCount"]) == (machine["id"], 3, 2, 1), f"the patches are {state}")
    judge.check(state["OperationEndTime"].year == 2026, f"the patches were looked at {state['OperationEndTime']}")
    for machine["userData"], value in (("#!/bin/sh\n", "IyEvYmluL3NoCg=="), ("", None)):
        judge.place.control("PUT", f"machines/{machine['id']}", machine)
        attribute = ec2.describe_instance_attribute(InstanceId=machine["id"], Attribute="userData")
        judge.check((attribute["InstanceId"], attribute["UserData"].get("Value")) == (machine["id"], value), f"the user data is {attribute}")
    judge.refused("NotImplemented", ec2.describe_instance_attribute, status=501, InstanceId=machine["id"], Attribute="kernel")
    judge.refused("InvalidInstanceID.NotFound", ec2.describe_instance_attribute, status=400, InstanceId=ABSENT, Attribute="userData")
    judge.refused("ValidationException", ssm.describe_instance_patch_states, status=400, InstanceIds=[f"i-{n:017x}" for n in range(51)])


def roles(judge, iam, ec2):
    """Who may be the machine: the role of its profile, and that role's trust policy, which a person changes."""
    profile = ec2.describe_instances(InstanceIds=[MACHINE])["Reservations"][0]["Instances"][0]["IamInstanceProfile"]["Arn"]
    found = iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])["InstanceProfile"]
    judge.check(found["Arn"] == profile and len(found["Roles"]) == 1, f"the profile {profile} is {found}")
    role = iam.get_role(RoleName=found["Roles"][0]["RoleName"])["Role"]
    before = role["AssumeRolePolicyDocument"]  # botocore decodes it
    who = [s["Principal"] for s in before["Statement"]]
    judge.check(who == [{"Service": "ec2.amazonaws.com"}] and role["Arn"] == found["Roles"][0]["Arn"], f"the role is {role}")
    after = {"Version": "2012-10-17", "Statement": [{"Sid": "a b+c", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(after))
    judge.check(iam.get_role(RoleName=role["RoleName"])["Role"]["AssumeRolePolicyDocument"] == after, "the trust policy is not the one that was put")
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(before))
    judge.refused("MalformedPolicyDocument", iam.update_assume_role_policy, RoleName=role["RoleName"], PolicyDocument="{")
    judge.refused("NoSuchEntity", iam.get_role, RoleName="nobody")
    judge.refused("NoSuchEntity", iam.get_instance_profile, InstanceProfileName="nobody")


def safeguards(judge, ec2):
    """Snapshots of a machine's data volumes by their execution's tag, and stopping it."""
    machine = {"id": "i-0fedcba9876543211", "state": "running", "volumes": [
        {"id": "vol-0123456789abcdef1", "gib": 8, "type": "gp3", "device": "/dev/xvda", "root": True},
        {"id": "vol-0123456789abcdef2", "gib": 100, "type": "gp3", "device": "/dev/sdf", "encrypted": True}]}
    judge.place.control("PUT", f"machines/{machine['id']}", machine)
    tags = [{"ResourceType": "snapshot", "Tags": [{"Key": "keyward:execution", "Value": "conformance"}]}]
    made = ec2.create_snapshots(InstanceSpecification={"InstanceId": machine["id"], "ExcludeBootVolume": True}, Description="conformance", TagSpecifications=tags)["Snapshots"]
    judge.check([(s["VolumeId"], s["State"], s["Encrypted"]) for s in made] == [("vol-0123456789abcdef2", "pending", True)], f"the snapshots are {made}")
    by_tag = {"OwnerIds": ["self"], "Filters": [{"Name": "tag:keyward:execution", "Values": ["conformance"]}]}
    found = ec2.describe_snapshots(**by_tag)["Snapshots"]
    judge.check([(s["SnapshotId"], s["State"], s["StartTime"].year > 2000) for s in found] == [(made[0]["SnapshotId"], "pending", True)], f"the snapshots are {found}")
    judge.place.control("POST", "forward", {"duration": "1m"})
    found = ec2.describe_snapshots(**by_tag)["Snapshots"]
    judge.check([s["State"] for s in found] == ["completed"], f"after a minute the snapshots are {found}")
    change = ec2.stop_instances(InstanceIds=[machine["id"]])["StoppingInstances"][0]
    judge.check((change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping"), f"the change is {change}")
    judge.place.control("POST", "forward", {"duration": "1m"})
    one = ec2.describe_instances(InstanceIds=[machine["id"]])["Reservations"][0]["Instances"][0]
    judge.check(one["State"]["Name"] == "stopped", f"a minute later it is {one['State']}")
    judge.refused("InvalidInstanceID.NotFound", ec2.stop_instances, status=400, InstanceIds=[ABSENT])
    judge.refused("InvalidInstanceID.NotFound", ec2.create_snapshots, status=400, InstanceSpecification={"InstanceId": ABSENT})
    judge.refused("InvalidSnapshot.NotFound", ec2.describe_snapshots, status=400, SnapshotIds=["snap-00000000000000fff"])
