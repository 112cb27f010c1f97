"""Compares what stands on the wire with the shapes of botocore's service models.

botocore reads what it knows and drops the rest without a word, so that a misnamed member would only be
missing. Here the body itself is walked: every name must be a member's, every value must have its
member's type, what the model requires must be there. Lengths and patterns are not judged: AWS's own
answers break those that its models state for inputs (SSM's empty OutputS3BucketName).
"""

import base64
import binascii
import datetime
import re
import xml.etree.ElementTree

# What every JSON error may carry beside the members of its shape.
ERROR_NAMES = {"__type", "message", "Message"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


class Walk:
    """One answer against its shape. Wrong holds what is wrong, leaves how many scalars there were."""

    def __init__(self):
        self.wrong = []
        self.leaves = 0

    def members(self, shape):
        """The members that are in the body, by their names there."""
        return {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
            if member.serialization.get("location") is None
        }

    def structure(self, value, shape, where, also=()):
        if not isinstance(value, dict):
            return self.miss(where, f"{type(value).__name__}, expected an object")
        known = self.members(shape)
        for key, inner in value.items():
            if key in known:
                self.value(inner, known[key][1], f"{where}.{key}")
            elif key not in also:
                self.miss(f"{where}.{key}", f"the model's {shape.name} has no such member")
        for key, (name, _) in known.items():
            if name in shape.required_members and value.get(key) is None:
                self.miss(f"{where}.{key}", "required and not there")
        if (shape.is_tagged_union or shape.name == "AttributeValue") and len(value) != 1:
            self.miss(where, f"a union with {len(value)} members")

    def value(self, value, shape, where):
        if value is None:
            return self.miss(where, "null")
        match shape.type_name:
            case "structure":
                self.structure(value, shape, where)
            case "list":
                if not isinstance(value, list):
                    return self.miss(where, "not a list")
                for i, inner in enumerate(value):
                    self.value(inner, shape.member, f"{where}[{i}]")
            case "map":
                if not isinstance(value, dict):
                    return self.miss(where, "not a map")
                for key, inner in value.items():
                    self.scalar(key, shape.key, f"{where} key")
                    self.value(inner, shape.value, f"{where}[{key}]")
            case _:
                self.leaves += 1
                self.scalar(value, shape, where)

    def scalar(self, value, shape, where):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        kind, right = shape.type_name, True
        match kind:
            case "string" | "character":
                right = isinstance(value, str)
                if right and getattr(shape, "enum", None) and value not in shape.enum:
                    self.miss(where, f"{value!r} is none of {shape.enum}")
            case "integer" | "long":
                right = number and isinstance(value, int)
            case "float" | "double":
                right = number
            case "boolean":
                right = isinstance(value, bool)
            case "blob":
                right = isinstance(value, str) and decodes(value)
            case "timestamp":
                if shape.serialization.get("timestampFormat", "unixTimestamp") == "unixTimestamp":
                    right = number
                else:
                    right = isinstance(value, str) and ISO.fullmatch(value)
        if not right:
            self.miss(where, f"{value!r} is no {kind}")

    def miss(self, where, what):
        self.wrong.append(f"{where}: {what}")

    # XML: names repeat, and every scalar is text.

    def tree(self, node, shape, where, also=()):
        known = self.members(shape)
        for child in node:
            key = child.tag.rpartition("}")[2]
            if key in known:
                self.node(child, known[key][1], f"{where}.{key}")
            elif key not in also:
                self.miss(f"{where}.{key}", f"the model's {shape.name} has no such member")

    def node(self, node, shape, where):
        if shape.type_name == "structure":
            return self.tree(node, shape, where)
        if shape.type_name == "list":
            name = shape.member.serialization.get("name", "member")
            for i, child in enumerate(node):
                if child.tag.rpartition("}")[2] != name:
                    self.miss(where, f"an element {child.tag}, expected {name}")
                self.node(child, shape.member, f"{where}[{i}]")
            return
        self.leaves += 1
        text, kind, right = node.text or "", shape.type_name, True
        match kind:
            case "integer" | "long":
                right = re.fullmatch(r"-?\d+", text)
            case "float" | "double":
                right = re.fullmatch(r"-?\d+(\.\d+)?", text)
            case "boolean":
                right = text in ("true", "false")
            case "timestamp":
                right = ISO.fullmatch(text)
            case "string" if getattr(shape, "enum", None):
                right = text in shape.enum
            case "string":
                pass
            case _:
                right = False
        if not right:
            self.miss(where, f"{text!r} is no {kind}")


def decodes(text):
    try:
        base64.b64decode(text, validate=True)
        return True
    except binascii.Error:
        return False


def parse_xml(body):
    return xml.etree.ElementTree.fromstring(body)


def leaves(parsed):
    """How many scalars botocore made of an answer."""
    match parsed:
        case dict():
            # One scalar on the wire, which botocore decodes after it has parsed the answer.
            return sum(1 if k == "AssumeRolePolicyDocument" else leaves(v) for k, v in parsed.items())
        case list():
            return sum(leaves(v) for v in parsed)
        case str() | bytes() | bool() | int() | float() | datetime.datetime():
            return 1
    raise TypeError(f"botocore parsed a {type(parsed).__name__}")
