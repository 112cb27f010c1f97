"""Makes the same calls on keyward local and on DynamoDB Local and compares what comes of them: the
answer, or the error's code. The words of errors are not compared: DynamoDB Local has its own."""

import base64
import decimal

import botocore.exceptions

from . import cases

TABLE = "keyward-Table"
KEY = {"pk": {"S": "conformance"}, "sk": {"S": "subject"}}
ROWS = [
    {"pk": {"S": pk}, "sk": {"S": sk}, "n": {"N": str(n)}, "listPk": {"S": lp}, "listSk": {"S": sk + pk}}
    for n, (pk, sk, lp) in enumerate(
        [("a", "a", "a"), ("a", "gr", "a"), ("a", "grün", "z"), ("a", "z", "a"), ("a", "za", "a"), ("z", "a", "a"), ("z", "gr", "z")]
    )
]


def raw(value):
    """A value of a case, which is JSON as on the wire, for boto3, which wants bytes."""
    match value:
        case {"B": text}:
            return {"B": base64.b64decode(text)}
        case {"BS": texts}:
            return {"BS": [base64.b64decode(t) for t in texts]}
        case {"L": values}:
            return {"L": [raw(v) for v in values]}
        case {"M": values}:
            return {"M": {name: raw(v) for name, v in values.items()}}
    return value


def item(values):
    return {name: raw(v) for name, v in values.items()}


def number(text):
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        return f"no number: {text!r}"


def plain(answer):
    """An answer in a form in which equal ones are equal: sets have no order, and a number that was just
    written is shown by DynamoDB Local as it was written."""
    match answer:
        case {"N": str(text)}:
            return number(text)
        case {"NS": list(texts)}:
            return sorted(map(number, texts), key=str)
        case {"SS": list(members)} | {"BS": list(members)}:
            return sorted(members)
        case dict():
            return {n: plain(v) for n, v in answer.items() if n != "ResponseMetadata"}
        case list():
            return [plain(v) for v in answer]
    return answer


def outcome(call, **arguments):
    try:
        return "ok", plain(call(**arguments))
    except botocore.exceptions.ClientError as error:
        return "refused", error.response["Error"]["Code"], error.response["Error"].get("Message")


class Both:
    """Two clients, and what they disagreed on, as (expression, what each side said)."""

    def __init__(self, here, there):
        self.here, self.there = here, there
        self.asked = 0
        self.differing = []
        description = here.describe_table(TableName=TABLE)["Table"]
        there.create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=description["KeySchema"], AttributeDefinitions=description["AttributeDefinitions"],
            GlobalSecondaryIndexes=[{k: i[k] for k in ("IndexName", "KeySchema", "Projection")} for i in description["GlobalSecondaryIndexes"]],
        )

    def silently(self, operation, **arguments):
        for client in (self.here, self.there):
            getattr(client, operation)(TableName=TABLE, **arguments)

    def ask(self, what, operation, source, values, **arguments):
        names, values = cases.mentioned(source, values)
        if names:
            arguments["ExpressionAttributeNames"] = names
        if values:
            arguments["ExpressionAttributeValues"] = item(values)
        ours, theirs = (outcome(getattr(client, operation), TableName=TABLE, **arguments) for client in (self.here, self.there))
        self.asked += 1
        if ours[:2] != theirs[:2]:
            self.differing.append((f"{what} {source}", ours, theirs))
        return ours[0]

    def conditions(self):
        subject = item(cases.SUBJECT) | KEY
        self.silently("put_item", Item=subject)
        for source in cases.conditions():
            self.ask("condition", "put_item", source, cases.VALUES, Item=subject, ConditionExpression=source)
        for source in list(cases.conditions())[-200:]:
            self.ask("filter", "query", source + " ", cases.VALUES | {":pk": KEY["pk"]}, KeyConditionExpression="pk = :pk",
                     FilterExpression=source, Select="COUNT")

    def updates(self):
        for before, source, values in cases.updates():
            for returns in ("ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
                self.silently("put_item", Item=item(before) | KEY)
                if self.ask(f"update, {returns},", "update_item", source, values, Key=KEY, UpdateExpression=source, ReturnValues=returns) == "refused":
                    break

    def projections(self):
        self.silently("put_item", Item=item(cases.SUBJECT) | KEY)
        for source in cases.projections():
            self.ask("projection", "get_item", source, {}, Key=KEY, ProjectionExpression=source)

    def keys(self):
        for row in ROWS:
            self.silently("put_item", Item=row)
        for i, (source, index) in enumerate(cases.keys()):
            more = {"IndexName": "list"} if index else {}
            if i % 3 == 0:
                more["ScanIndexForward"] = False
            if i % 5 == 0:
                more["Limit"] = 2
            self.ask("index" if index else "query", "query", source, cases.VALUES, KeyConditionExpression=source, **more)
