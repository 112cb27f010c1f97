"""Reads a script with a grammar of PowerShell. It fails on what is not PowerShell, on variables that nothing sets,
on commands that are neither functions of the script nor cmdlets, whose names have a dash, and on properties that the
documentation of a CIM class does not have. It runs nothing."""

import sys

import tree_sitter
import tree_sitter_powershell

parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))

# What PowerShell itself sets (about_Automatic_Variables) and the script uses.
AUTOMATIC = {"_", "true", "false", "null", "matches"}

# Of the CIM classes that the script may ask for, the properties it may read: as Microsoft's pages of the classes
# name them. Those of a reference are its keys.
CLASSES = {
    "Win32_OperatingSystem": "Caption Version ProductType LastBootUpTime",
    "Win32_Service": "Name State StartMode ProcessId PathName",
    "Win32_Process": "ProcessId ExecutablePath",
    "Win32_Volume": "DeviceID FileSystem Name",
    "Win32_EncryptableVolume": "DeviceID ConversionStatus ProtectionStatus EncryptionMethod",
    "Win32_QuickFixEngineering": "HotFixID Description InstalledOn",
    "Win32_ComputerSystem": "Name PartOfDomain",
    "Win32_UserAccount": "Name PasswordRequired",
    "Win32_Group": "Domain Name",
    "Win32_GroupUser": "PartComponent PartComponent.Domain PartComponent.Name",
    "MSFT_NetTCPConnection": "LocalAddress LocalPort OwningProcess",
    "MSFT_NetUDPEndpoint": "LocalAddress LocalPort OwningProcess",
    "MSFT_NetConnectionProfile": "NetworkCategory",
    "MSFT_MpComputerStatus": "",
}


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


def calls(node, command):
    called = first(node, "command_name") if node.type == "command" else None
    return called is not None and name(called) == command


def asked(node):
    """The class that an expression asks CIM for, if it does."""
    for c in every(node):
        if calls(c, "cim"):
            return first(c, "verbatim_string_characters").text.decode().strip("'")
    return None


def member(node):
    """The object and the path of a member: $m and A.B of $m.A.B."""
    parts = []
    while node.type == "member_access":
        parts.insert(0, node.children[-1].text.decode())
        node = node.children[0]
    return node, ".".join(parts)


def properties(root):
    """Every member that is read of what CIM gave: where, of which class, which. Variables are those of a function."""
    for function in (n for n in every(root) if n.type == "function_statement"):
        of = {}
        for n in every(function):
            source = None
            if n.type == "foreach_statement":
                source = next(c for c in n.children if c.type == "pipeline")
            elif n.type == "assignment_expression":
                source = n.children[-1]
            if source is not None and first(n, "variable"):
                of[name(first(n, "variable"))] = asked(source)
            if n.type == "member_access" and n.parent.type != "member_access":
                target, path = member(n)
                kind = of.get(name(target)) if target.type == "variable" else None
                if target.type == "parenthesized_expression":
                    kind = asked(target)
                if kind and not path.startswith("$"):
                    yield n, kind, path


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
    read = 0
    for node, kind, property in properties(root):
        read += 1
        if property not in CLASSES.get(kind, "").split():
            problems.append((node, f"{kind} is not known to have {property}"))
    for node in every(root):
        if calls(node, "cim") and asked(node) not in CLASSES:
            problems.append((node, "no known class"))
    called = {name(n) for n in every(root) if n.type == "command_name"}
    for unused in sorted(functions - called):
        print(f"{path}: nothing calls {unused}")
    for node, why in problems:
        line, column = node.start_point
        print(f"{path}:{line + 1}:{column + 1}: {why}: {node.text[:60]!r}")
    print(f"{path}: {len(functions)} functions, {len(known)} variables and {read} properties of CIM read")
    return not problems and functions and functions <= called and read


if not all([check(path) for path in sys.argv[1:]]):
    sys.exit(1)
