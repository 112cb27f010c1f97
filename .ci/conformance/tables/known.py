"""What keyward local and DynamoDB Local differ in, each with the reason. A difference that is not here
fails; so does an entry of TESTS that does not differ any more."""

import re

# Go tests of local/dynamodb that expect what DynamoDB Local cannot know or does otherwise than DynamoDB.
TESTS = {
    "TestDescribeTable": "DynamoDB Local's ARNs are those of no account: arn:aws:dynamodb:ddblocal:000000000000",
    "TestSaveAndLoad": "it saves and loads the state of local/dynamodb, which the other DynamoDB does not have",
    "TestExpiredItemsGoAtTheNextHour": "it moves virtual time; DynamoDB Local has its own clock",
    "TestTokenIsGoodForTenMinutes": "it moves virtual time; DynamoDB Local has its own clock",
    "TestCallsOfWhatIsNotHere": "it expects NotImplemented, for operations and parameters that DynamoDB Local has",
    "TestTransactionRefuses/wrong_update":
        "DynamoDB Local refuses the call; DynamoDB cancels the transaction with reason ValidationError (API reference, TransactWriteItems)",
    "TestUpdateRefuses/key_of_the_index":
        "DynamoDB Local takes a value of the wrong type for the key of an index when an update makes the item; DynamoDB does not "
        "(API reference, CancellationReasons: attempted to update the secondary index key to unsupported type)",
}


def expected(what, ours, theirs):
    """The reason why two outcomes may differ, or None."""
    if ours[0] != "ok" or theirs[0] != "ok":
        return None
    ours, theirs = dict(ours[1]), dict(theirs[1])
    if what.startswith(("query ", "index ")):
        for side in (ours, theirs):
            side.pop("LastEvaluatedKey", None)
        return "a full page may or may not end with LastEvaluatedKey when nothing follows" if ours == theirs else None
    if re.match(r"update, UPDATED_(OLD|NEW), ", what) and re.search(r"[\w#](\.|\[\d)", what) and part(ours, theirs):
        return "of a nested path DynamoDB shows the place that was updated, DynamoDB Local the whole attribute (extenddb#98, moto#2798)"
    return None


def part(small, large):
    """Whether small is large with some of its members left out."""
    match small, large:
        case dict(), dict():
            return all(name in large and part(value, large[name]) for name, value in small.items())
        case list(), list():
            rest = iter(large)
            return all(any(part(value, other) for other in rest) for value in small)
    return small == large
