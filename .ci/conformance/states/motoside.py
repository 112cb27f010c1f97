"""Plays executions on moto's interpreter of the States Language, within this process."""

import copy
import io
import json
import logging
import time

import boto3
import moto
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.backend import execution_worker


class Functions:
    """Stands where moto would make its client of Lambda: answers from the script."""

    def __init__(self, path):
        self.answers, self.usual = copy.deepcopy(path["answers"]), path["usual"]
        self.calls = []

    def invoke(self, FunctionName, Payload):
        task = json.loads(Payload)
        self.calls.append({"function": FunctionName, "payload": task})
        queue = self.answers.get(task["op"])
        answer = queue.pop(0) if queue else self.usual[task["op"]]
        if "error" not in answer:
            return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": io.BytesIO(json.dumps(answer["payload"]).encode())}
        document = {"errorMessage": answer["message"], "errorType": answer["error"]}
        return {"StatusCode": 200, "ExecutedVersion": "$LATEST", "FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(document).encode())}


def started(StartTime, **data):
    """moto has the start in $$.Execution as a datetime, which its own Wait cannot read; AWS has text."""
    return data | {"StartTime": StartTime.strftime("%Y-%m-%dT%H:%M:%S.000Z")}


def play(definition, paths):
    """What each path came to: describe, history and calls."""
    logging.disable(logging.ERROR)  # moto logs every error that a Catch or a Choice meets
    execution_worker.ExecutionData = started
    with moto.mock_aws(config={"core": {"mock_credentials": True}, "stepfunctions": {"execute_state_machine": True}}):
        sfn = boto3.client("stepfunctions", region_name="us-east-1")
        machine = sfn.create_state_machine(name="enforcement", definition=definition, roleArn="arn:aws:iam::123456789012:role/enforcement")["stateMachineArn"]
        return [one(sfn, machine, path) for path in paths]


def one(sfn, machine, path):
    functions = Functions(path)
    lambda_eval_utils.boto_client_for = lambda **_: functions
    arn = sfn.start_execution(stateMachineArn=machine, name=path["name"], input=json.dumps(path["input"]))["executionArn"]
    ends = time.monotonic() + 60
    while (shown := sfn.describe_execution(executionArn=arn))["status"] == "RUNNING":
        if time.monotonic() > ends:
            raise TimeoutError(f"moto still plays {path['name']}")
        time.sleep(0.01)
    history = sfn.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    left = {op: queue for op, queue in functions.answers.items() if queue}
    return {k: shown[k] for k in ("status", "output", "error", "cause") if k in shown} | {"history": history, "calls": functions.calls, "left": left}
