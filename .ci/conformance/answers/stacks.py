"""CloudFormation: the stack that is there, what it says of itself, and its deletion, which is the last thing that is judged."""

import time

NAME = "keyward"


def run(judge):
    cloud = judge.client("cloudformation")
    stack = cloud.describe_stacks(StackName=NAME)["Stacks"][0]
    judge.check(stack["StackStatus"] == "CREATE_COMPLETE", f"the stack is {stack['StackStatus']}")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    judge.check(outputs.get("TableName") == "keyward-Table", f"the outputs are {outputs}")
    listed = [r for page in cloud.get_paginator("list_stack_resources").paginate(StackName=NAME) for r in page["StackResourceSummaries"]]
    judge.check({r["LogicalResourceId"] for r in listed} >= {"Table", "Removal", "SweepFunctionOften"}, f"the resources are {listed}")
    one = cloud.describe_stack_resource(StackName=NAME, LogicalResourceId="RevokeFunction")["StackResourceDetail"]
    judge.check(one["PhysicalResourceId"] == "keyward-RevokeFunction", f"the resource is {one}")
    judge.refused("ValidationError", cloud.describe_stacks, StackName="none")
    judge.refused("ValidationError", cloud.describe_stack_resource, StackName=NAME, LogicalResourceId="None")
    judge.refused("ValidationError", cloud.delete_stack, StackName=NAME, RetainResources=["Removal"])


def delete(judge):
    """The stack goes: a machine of the place is enrolled and in order, so that nothing keeps it."""
    cloud, table = judge.client("cloudformation"), judge.client("dynamodb")
    cloud.update_termination_protection(StackName=NAME, EnableTerminationProtection=True)
    judge.refused("ValidationError", cloud.delete_stack, StackName=NAME)
    cloud.update_termination_protection(StackName=NAME, EnableTerminationProtection=False)
    stack = cloud.describe_stacks(StackName=NAME)["Stacks"][0]["StackId"]
    cloud.delete_stack(StackName=NAME)
    for _ in range(100):
        status = cloud.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        if status != "DELETE_IN_PROGRESS":
            break
        time.sleep(0.1)
    events = cloud.describe_stack_events(StackName=stack)["StackEvents"]
    judge.check(status == "DELETE_COMPLETE", f"the stack is {status}: {events}")
    judge.refused("ValidationError", cloud.describe_stacks, StackName=NAME)
    judge.refused("ResourceNotFoundException", judge.client("lambda").invoke, FunctionName="keyward-SweepFunction", Payload=b"{}")
    kept = table.describe_table(TableName="keyward-Table")["Table"]
    judge.check(kept["TableStatus"] == "ACTIVE", f"the table is {kept['TableStatus']}")
