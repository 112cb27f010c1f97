"""Reads a script with a grammar of PowerShell. It fails on what is not PowerShell, on variables that nothing sets and
on commands that are neither functions of the script nor cmdlets, whose names have a dash. It runs nothing."""

import sys

import tree_sitter
import tree_sitter_powershell

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))

# What PowerShell itself sets (about_Automatic_Variables) and the script uses.
AUTOMATIC = {"_", "true", "false", "null", "matches"}


def every(node):
    yield node
    for child in node.children:
        yield from every(child)


def name(node):
    return node.text.decode().lstrip("$@").lower()


def first(node, kind):
    return next((n for n in every(node) if n.type == kind), None)


def assigned(root):
    for node in every(root):
        if node.type in ("left_assignment_expression", "script_parameter"):
            yield name(first(node, "variable"))
        elif node.type == "foreach_statement":
            yield name(first(node, "variable"))


def check(path):
    with open(path, "rb") as f:
        text = f.read()
    root = parser.parse(text).root_node
    problems = [(n, "not PowerShell") for n in every(root) if n.is_error or n.is_missing]
    known = set(assigned(root)) | AUTOMATIC
    functions = {name(first(n, "function_name")) for n in every(root) if n.type == "function_statement"}
    for node in every(root):
        if node.type == "variable" and name(node) not in known and not name(node).startswith("env:"):
            problems.append((node, "nothing sets it"))
        if node.type == "command_name" and name(node) not in functions and b"-" not in node.text:
            problems.append((node, "no function of the script"))
    called = {name(n) for n in every(root) if n.type == "command_name"}
    for unused in sorted(functions - called):
        print(f"{path}: nothing calls {unused}")
    for node, why in problems:
        line, column = node.start_point
        print(f"{path}:{line + 1}:{column + 1}: {why}: {node.text[:60]!r}")
    print(f"{path}: {len(functions)} functions and {len(known)} variables read")
    return not problems and functions and functions <= called


if not all([check(path) for path in sys.argv[1:]]):
    sys.exit(1)
