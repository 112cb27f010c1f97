"""Reads a script with a grammar of PowerShell and fails on what is not PowerShell. It runs nothing."""

import sys

import tree_sitter
import tree_sitter_powershell

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


def every(node):
    yield node
    for child in node.children:
        yield from every(child)


def check(path):
    with open(path, "rb") as f:
        text = f.read()
    root = parser.parse(text).root_node
    found = [n for n in every(root) if n.is_error or n.is_missing]
    for node in found:
        line, column = node.start_point
        print(f"{path}:{line + 1}:{column + 1}: not PowerShell: {text[node.start_byte:node.end_byte][:60]!r}")
    functions = sum(1 for n in every(root) if n.type == "function_statement")
    print(f"{path}: {functions} functions read")
    return not found and functions > 0


if not all([check(path) for path in sys.argv[1:]]):
    sys.exit(1)
