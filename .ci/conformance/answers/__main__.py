"""Judges the answers of keyward local by boto3: every operation that docs/local.md says it answers.

What is judged: that boto3's own client, signature, parser and paginators accept what keyward local
says; that every member on the wire is one of the service's model with the model's type, and what the
model requires is there; that errors are the exceptions the model has for the operation, with the
model's status; that the inspection document really runs through SendCommand. What is not judged:
whether AWS would have chosen the same values. Prints what is wrong and one closing line.
"""

import re
import sys
import traceback

import place
from . import accounts, flows, items, keys, machines, stacks
from .judge import Judge


def signatures(judge):
    """What is signed with a wrong secret, by an unknown key, or in the wrong Region is refused everywhere."""
    here = judge.place
    given = here.exports["AWS_ACCESS_KEY_ID"], here.exports["AWS_SECRET_ACCESS_KEY"]
    calls = {
        "sts": "get_caller_identity", "ec2": "describe_instances", "scheduler": "list_schedules", "ssm": "list_commands",
    }
    wrong = {
        "sts": ("SignatureDoesNotMatch", "InvalidClientTokenId"), "ec2": ("AuthFailure", "AuthFailure"),
        "scheduler": ("InvalidSignatureException", "UnrecognizedClientException"), "ssm": ("InvalidSignatureException", "UnrecognizedClientException"),
    }
    for service, call in calls.items():
        for (key, secret), code in zip(((given[0], given[1][::-1]), ("AKIAIOSFODNN7EXAMPLE", given[1])), wrong[service]):
            stranger = place.client(service, here.url, key, secret)
            judge.listen(stranger)
            judge.refused(code, getattr(stranger, call))


def operations():
    """The table of docs/local.md, which a Go test holds to the code."""
    text = (place.ROOT / "docs" / "local.md").read_text().partition("## What it answers")[2].partition("##")[0]
    name = re.compile(r"\b(?:[A-Z][a-z]+)+\b")
    return {
        f"{service}.{operation}"
        for service, listed in re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M)
        for operation in name.findall(re.sub(r"\(.*?\)|,? both ways", "", listed))
    }


def main():
    with place.Place() as here:
        judge = Judge(here)
        judge.read = "no inspection"
        for part in (signatures, keys.run, items.run, machines.run, flows.run, accounts.run, stacks.run, stacks.delete):
            try:
                part(judge)
            except Exception:  # an answer without what the part reads next is a difference too
                judge.wrong.append(f"{part.__module__} broke off:\n{traceback.format_exc()}")
    listed, made = operations(), set(judge.calls)
    judge.check(listed == made, f"not called: {sorted(listed - made)}; called and not listed: {sorted(made - listed)}")
    for line in judge.wrong:
        print("DIFFERS", line)
    print(
        f"boto3: {len(made)} operations, {sum(judge.calls.values())} answers, {sum(judge.errors.values())} errors of "
        f"{len(judge.errors)} kinds, {judge.read}: {len(judge.wrong)} differences"
    )
    return 1 if judge.wrong else 0


sys.exit(main())
