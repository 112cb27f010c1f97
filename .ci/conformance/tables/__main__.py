"""Judges local/dynamodb by AWS's DynamoDB Local. Argument: the folder with its jars.

First the Go tests of local/dynamodb run against DynamoDB Local: what they expect of conditions,
updates, queries, batches and transactions has to be so there. Then the same calls are made on
keyward local and on DynamoDB Local, with the expressions of local/dynamodb/expression's tests and with
grown ones, and the outcomes compared. Not judged: the words of errors, which DynamoDB Local has its own
of; time to live; throughput; whether DynamoDB Local does as DynamoDB does, where known.py knows better.
Prints what differs and one closing line.
"""

import collections
import json
import os
import subprocess
import sys

import place
from . import compare, javaside, known


def tests(url):
    """Names of the Go tests that do not pass against DynamoDB Local, with their output; and how many ran."""
    run = subprocess.run(
        ["go", "test", "-json", "-count=1", "./local/dynamodb"], cwd=place.ROOT, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"KEYWARD_OTHER_DYNAMODB": url, "CGO_ENABLED": "0", "NO_PROXY": "127.0.0.1"},
    )
    results, output = {}, collections.defaultdict(str)
    for line in run.stdout.splitlines():
        event = json.loads(line)
        if event["Action"] in ("pass", "fail", "build-fail"):
            results[event.get("Test", "the package")] = event["Action"]
        if event["Action"] in ("output", "build-output"):
            output[event.get("Test", "the package")] += event["Output"]
    failed = {name for name, result in results.items() if result != "pass"}
    parents = {name.rpartition("/")[0] for name in failed} | ({"the package"} if len(failed) > 1 else set())
    return {name: output[name] for name in failed - parents}, len(results) - 1


def main():
    wrong = []
    with javaside.DynamoDBLocal(sys.argv[1]) as other:
        failed, ran = tests(other.url)
        wrong += [f"the test {name} against DynamoDB Local:\n{text}" for name, text in sorted(failed.items()) if name not in known.TESTS]
        wrong += [f"the test {name} passes against DynamoDB Local: take it out of known.py" for name in sorted(known.TESTS.keys() - failed)]
        with place.Place() as here:
            both = compare.Both(here.client("dynamodb"), other.client())
            for part in (both.conditions, both.updates, both.projections, both.keys):
                part()
    reasons = collections.Counter()
    for what, ours, theirs in both.differing:
        reason = known.expected(what, ours, theirs)
        if reason is None:
            wrong.append(f"{what}\n    keyward local:  {ours}\n    DynamoDB Local: {theirs}")
        else:
            reasons[reason] += 1
    for line in wrong:
        print("DIFFERS", line)
    for reason, count in reasons.items():
        print(f"as known, {count} times: {reason}")
    print(
        f"DynamoDB Local: {ran} tests, {len(known.TESTS)} differing as known; {both.asked} expressions, "
        f"{sum(reasons.values())} differing as known: {len(wrong)} differences"
    )
    return 1 if wrong else 0


sys.exit(main())
