"""DynamoDB: every operation, every attribute type, every error that our programs tell apart."""

TABLE = "keyward-Table"
INDEX = "list"
TYPES = {
    "s": {"S": "grün <&>"}, "n": {"N": "-12.5"}, "b": {"B": b"\x00\xff"}, "yes": {"BOOL": True}, "null": {"NULL": True},
    "m": {"M": {"l": {"L": [{"N": "1"}, {"S": ""}]}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]}, "bs": {"BS": [b"\x01", b"\x02"]},
}


def at(sk, **more):
    return {"pk": {"S": "conformance"}, "sk": {"S": sk}, **more}


def run(judge):
    db = judge.client("dynamodb")
    table = db.describe_table(TableName=TABLE)["Table"]
    judge.check([i["IndexName"] for i in table["GlobalSecondaryIndexes"]] == [INDEX], f"the table is {table}")
    singles(judge, db)
    queries(judge, db)
    several(judge, db)
    refusals(judge, db)


def singles(judge, db):
    db.put_item(TableName=TABLE, Item=at("types", **TYPES))
    got = db.get_item(TableName=TABLE, Key=at("types"), ConsistentRead=True)["Item"]
    judge.check(got == at("types", **TYPES), f"an item came back as {got}")
    judge.check("Item" not in db.get_item(TableName=TABLE, Key=at("none")), "an item is there that nobody put")
    for returns in ("NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"):
        db.update_item(
            TableName=TABLE, Key=at("types"), UpdateExpression="ADD #n :one REMOVE gone", ReturnValues=returns,
            ExpressionAttributeNames={"#n": "n"}, ExpressionAttributeValues={":one": {"N": "1"}},
        )
    old = db.put_item(TableName=TABLE, Item=at("types", v={"N": "1"}), ReturnValues="ALL_OLD")["Attributes"]
    judge.check(old["n"] == {"N": "-7.5"}, f"after five updates n is {old['n']}")
    gone = db.delete_item(TableName=TABLE, Key=at("types"), ReturnValues="ALL_OLD")["Attributes"]
    judge.check(gone["v"] == {"N": "1"}, f"DeleteItem returned {gone}")


def queries(judge, db):
    for n in range(5):
        db.put_item(TableName=TABLE, Item=at(f"row#{n}", n={"N": str(n)}))
    pages = db.get_paginator("query").paginate(
        TableName=TABLE, KeyConditionExpression="pk = :p AND begins_with(sk, :s)", ProjectionExpression="sk",
        ExpressionAttributeValues={":p": {"S": "conformance"}, ":s": {"S": "row#"}}, PaginationConfig={"PageSize": 2},
    )
    rows = [item["sk"]["S"] for page in pages for item in page["Items"]]
    judge.check(rows == [f"row#{n}" for n in range(5)], f"the query found {rows}")
    count = db.query(TableName=TABLE, KeyConditionExpression="pk = :p", Select="COUNT", ExpressionAttributeValues={":p": {"S": "conformance"}})
    judge.check(count["Count"] == 5 and "Items" not in count, f"the count is {count}")


def several(judge, db):
    db.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": at("b1")}}, {"DeleteRequest": {"Key": at("row#0")}}]})
    found = db.batch_get_item(RequestItems={TABLE: {"Keys": [at("b1"), at("row#0")]}})["Responses"][TABLE]
    judge.check(found == [at("b1")], f"BatchGetItem found {found}")
    new = {"Put": {"TableName": TABLE, "Item": at("t1", v={"N": "1"}), "ConditionExpression": "attribute_not_exists(pk)",
                   "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    db.transact_write_items(TransactItems=[new, {"Delete": {"TableName": TABLE, "Key": at("b1")}}], ClientRequestToken="conformance-1")
    both = db.transact_get_items(TransactItems=[{"Get": {"TableName": TABLE, "Key": at(sk)}} for sk in ("t1", "b1")])["Responses"]
    judge.check(both == [{"Item": at("t1", v={"N": "1"})}, {}], f"TransactGetItems found {both}")
    check = {"ConditionCheck": {"TableName": TABLE, "Key": at("b1"), "ConditionExpression": "attribute_not_exists(pk)"}}
    try:
        db.transact_write_items(TransactItems=[check, new])
        judge.check(False, "a transaction passed whose condition fails")
    except db.exceptions.TransactionCanceledException as error:
        reasons = error.response["CancellationReasons"]
        judge.check([r["Code"] for r in reasons] == ["None", "ConditionalCheckFailed"], f"the reasons are {reasons}")
        judge.check(reasons[1]["Item"] == at("t1", v={"N": "1"}), f"the failed condition shows {reasons[1]}")
    judge.refused("TransactionCanceledException", db.transact_write_items, TransactItems=[new])
    judge.refused("IdempotentParameterMismatchException", db.transact_write_items, TransactItems=[check], ClientRequestToken="conformance-1")


def refusals(judge, db):
    no = {"ConditionExpression": "attribute_exists(nothing)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    judge.refused("ConditionalCheckFailedException", db.put_item, TableName=TABLE, Item=at("t1"), **no)
    judge.refused("ConditionalCheckFailedException", db.delete_item, TableName=TABLE, Key=at("t1"), **no)
    judge.refused("ConditionalCheckFailedException", db.update_item, TableName=TABLE, Key=at("t1"), UpdateExpression="REMOVE v", **no)
    judge.refused("ResourceNotFoundException", db.get_item, TableName="none", Key=at("t1"))
    judge.refused("ResourceNotFoundException", db.query, TableName="none", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}})
    judge.refused("ResourceNotFoundException", db.describe_table, TableName="none")
    judge.refused("ValidationException", db.put_item, TableName=TABLE, Item={"pk": {"S": "a"}})
    judge.refused("ValidationException", db.update_item, TableName=TABLE, Key=at("t1"), UpdateExpression="SET pk = sk")
    judge.refused("NotImplemented", db.scan, status=501, TableName=TABLE)
