"""Judges local/sfn by moto's interpreter of the States Language (which is LocalStack's).

statemachine/enforcement.asl.json is played on both with the same inputs and the same answers of its
functions, paths.json. Compared are: every event of the history by kind and state, the data that enters
and leaves each state, what each function was called with, and how the execution ends. The paths enter
every state there is. Not judged: how long anything waits (Seconds are 0, deadlines lie in the past),
how a Task reaches Lambda (a script stands where moto would make its client), and where known says why.
Prints what differs and one closing line.
"""

import collections
import json
import os
import re
import subprocess
import sys

import place
from . import motoside, script

# Paths that AWS's own documentation decides against moto, each with the reason.
KNOWN = {
    "decides-nothing": "a Choice that reads a path that is not there fails the execution with States.Runtime; to moto no rule matches",
    "looks-text": "the same, in data that is no object",
    "warning-without-deadline": "States.ALL does not catch States.Runtime (Developer Guide, Error names); moto's does",
}
NOW = re.compile(r"(?!2020-)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def go(definition, paths):
    run = subprocess.run(
        ["go", "run", "./.ci/conformance/states/interpret"], cwd=place.ROOT, text=True, stdout=subprocess.PIPE, check=True,
        env=os.environ | {"CGO_ENABLED": "0"},
        input=json.dumps({"definition": definition, "paths": paths}),
    )
    return json.loads(run.stdout)


def plain(text):
    """Text that is JSON, or ends with an object, as data; the start of the execution as a word."""
    if not isinstance(text, str):
        return text
    text = NOW.sub("now", text)
    for start in (0, text.find("{")):
        try:
            return text[:start], json.loads(text[start:])
        except ValueError:
            continue
    return text


def event(e):
    """What is compared of an event: of its details only what AWS's model has and both could know."""
    details = next((v for k, v in e.items() if k.endswith("EventDetails")), {})
    compared = ("name", "input", "output", "error", "cause")
    if e["type"].startswith("Task") and e["type"] != "TaskFailed":
        compared = ("name", "input") + (("output",) if e["type"] == "TaskStateExited" else ())
    return e["type"], {k: plain(details[k]) for k in compared if details.get(k) is not None}


def summary(result):
    calls = [(c["function"], plain(json.dumps(c["payload"]))) for c in result["calls"]]
    ending = {k: plain(result[k]) for k in ("status", "output", "error", "cause") if result.get(k) is not None}
    return {"ending": ending, "calls": calls, "history": [event(e) for e in result["history"]]}


def compare(ours, theirs):
    """The first thing that two plays of a path differ in, or None."""
    ours, theirs = summary(ours), summary(theirs)
    for i, (a, b) in enumerate(zip(ours["history"], theirs["history"])):
        if a != b:
            return f"event {i + 1}:\n    local/sfn: {a}\n    moto:      {b}"
    for part in ("ending", "calls", "history"):
        if ours[part] != theirs[part]:
            return f"{part}:\n    local/sfn: {ours[part]}\n    moto:      {theirs[part]}"
    return None


def main():
    definition, paths = script.definition(), script.paths()
    wrong, entered, known = [], collections.Counter(), 0
    for path, ours, theirs in zip(paths, go(definition, paths), motoside.play(definition, paths), strict=True):
        for result in (ours, theirs):
            entered.update({e["stateEnteredEventDetails"]["name"] for e in result["history"] if "stateEnteredEventDetails" in e})
        difference = compare(ours, theirs)
        if path["name"] in KNOWN:
            known += 1
            difference = None if difference else "does not differ any more: take it out of KNOWN"
        if difference is not None:
            wrong.append(f"{path['name']}, {difference}")
    missed = set(json.loads(definition)["States"]) - set(entered)
    if missed:
        wrong.append(f"no path enters {sorted(missed)}")
    for line in wrong:
        print("DIFFERS", line)
    print(f"moto: {len(paths)} executions through all {len(entered)} states, {known} differing as known: {len(wrong)} differences")
    return 1 if wrong else 0


sys.exit(main())
