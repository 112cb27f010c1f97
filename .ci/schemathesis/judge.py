"""Runs schemathesis on both APIs of a keyward local that has a policy, a machine and a key request.

What is not judged, and why: unsupported_method, since API Gateway answers 404 where a path has no such route;
ignored_auth and missing_required_header, which expect 401 where AWS says 403; positive_data_acceptance, since what a schema allows can still name
nothing that is there; use_after_free and ensure_resource_availability, which belong to the phase of links, and there are
none. Equal seeds make equal calls.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import place
import signing

SEED, EXAMPLES = "20260301", "20"  # so many calls an operation, beside those of the phase coverage
SECONDS = 170  # an API may take; one that needs more has hung
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,negative_data_rejection"
POLICY = """policy: web
machines: {ids: [i-1234567890abcdef0], priority: 10}
rules:
  - rule: no such port
    ports: {closed: [tcp/23722]}
requests: {onPass: hold}
"""
BOOT = "6f1f1a4e-0c7e-4a54-9b64-2d3f1c5f9a10"


def call(method, url, key, body, media="application/json"):
    """One signed call that has to work."""
    request = urllib.request.Request(url, data=body.encode(), method=method, headers={"Content-Type": media})
    for name, value in signing.headers(method, url, body.encode(), key, {"Content-Type": media}).items():
        request.add_header(name, value)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def furnish(here, operator, machine):
    """Puts a policy and a notifier, enrols the machine and has it ask for its key, so that there is something to call about."""
    people, machines = here.url + "/execute-api/PeopleApi", here.url + "/execute-api/MachineApi"
    arn = here.client("kms").create_key(Tags=[{"TagKey": "keyward:guarded", "TagValue": "true"}])["KeyMetadata"]["Arn"]
    call("PUT", people + "/v1/policies/web", operator, POLICY, "application/yaml")
    call("PUT", people + "/v1/notifiers/ops", operator, json.dumps({"notifier": "ops", "to": ["ops@example.com"]}))
    call("PUT", people + "/v1/machines/" + place.MACHINE, operator, json.dumps(
        {"role": "arn:aws:iam::123456789012:role/keyward-machine", "key": arn, "policy": "web", "owner": "owner@example.com"}))
    call("POST", machines + "/v1/key-requests", machine, json.dumps({"bootId": BOOT}))
    return {"PeopleApi": people, "MachineApi": machines}


def judged(api, url, key):
    """Whether schemathesis finds nothing in one API."""
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "signing", "KEYWARD_SIGN": json.dumps(key)}
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(place.ROOT / "docs" / "openapi.yaml"), "--url", url, "--include-tag", api,
        "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", SEED, "--max-examples", EXAMPLES,
        "--request-timeout", "20", "--generation-database", "none", "--no-color", "--continue-on-failure",
    ]
    print(f"--- {api}", flush=True)
    return subprocess.run(command, env=environment, timeout=SECONDS).returncode == 0


def main():
    with place.Place() as here:
        operator = {"accessKeyId": here.exports["AWS_ACCESS_KEY_ID"], "secretAccessKey": here.exports["AWS_SECRET_ACCESS_KEY"]}
        machine = here.control("GET", "credentials?machine=" + place.MACHINE)
        urls = furnish(here, operator, machine)
        fine = [judged(api, urls[api], key) for api, key in (("MachineApi", machine), ("PeopleApi", operator))]
    if not all(fine):
        raise SystemExit("schemathesis found answers that docs/openapi.yaml does not describe")


if __name__ == "__main__":
    main()
