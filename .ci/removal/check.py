"""Holds that the resource Removal is deleted before every other, in the template that SAM makes.

A deletion that Removal refuses must have deleted nothing, so that every resource has to be one that Removal depends on,
directly or by another. SAM adds resources, which the test in functions/internal/contract knows by SAM's rules alone;
this asks SAM itself. Usage: check.py TEMPLATE. Prints one line, or what Removal does not depend on.
"""

import json
import os
import pathlib
import re
import sys
from unittest import mock

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.arn_generator import ArnGenerator
from samtranslator.translator.transform import transform


def deployed(path):
    """The resources of a SAM template as CloudFormation gets them."""
    ArnGenerator.BOTO_SESSION_REGION_NAME = os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    template = yaml_parse(pathlib.Path(path).read_text(encoding="utf-8"))
    kinds = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::StateMachine": "DefinitionUri"}
    for resource in template["Resources"].values():
        if resource["Type"] in kinds:
            resource["Properties"][kinds[resource["Type"]]] = "s3://example/key"
        body = resource.get("Properties", {}).get("DefinitionBody", {})
        if "Fn::Transform" in body:  # AWS::Include
            included = pathlib.Path(path).parent / body["Fn::Transform"]["Parameters"]["Location"]
            resource["Properties"]["DefinitionBody"] = json.loads(included.read_text(encoding="utf-8"))
    template["Globals"]["Function"]["CodeUri"] = "s3://example/key"
    return transform(template, {}, mock.Mock(load=dict))["Resources"]


def named(value, names):
    """The resources that a value refers to."""
    match value:
        case {"Ref": str(name)} if name in names:
            yield name
        case {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
            yield name.partition(".")[0]
        case {"Fn::Sub": text}:
            yield from (n for n in re.findall(r"\$\{(\w+)[.}]", text if isinstance(text, str) else text[0]) if n in names)
        case dict():
            for inner in value.values():
                yield from named(inner, names)
        case list():
            for inner in value:
                yield from named(inner, names)


def needs(resource, names):
    direct = resource.get("DependsOn", [])
    return {*([direct] if isinstance(direct, str) else direct), *named(resource.get("Properties", {}), names)}


def main():
    resources = deployed(sys.argv[1])
    reached, left = set(), ["Removal"]
    while left:
        name = left.pop()
        if name not in reached:
            reached.add(name)
            left += needs(resources[name], resources)
    missing = sorted(set(resources) - reached)
    for name in missing:
        print(f"Removal does not depend on {name} ({resources[name]['Type']}): a refused deletion would delete it")
    if not missing:
        print(f"Removal is deleted before all {len(reached) - 1} other resources that SAM makes of the template")
    return 1 if missing else 0


sys.exit(main())
