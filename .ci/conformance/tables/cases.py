"""Expressions that both sides get: those of the tests of local/dynamodb/expression, read from there so
that none is written twice, and others grown from DynamoDB's grammar with a fixed seed."""

import json
import random
import re

import place

FOLDER = place.ROOT / "local" / "dynamodb" / "expression"
TEXT = r'"((?:[^"\\]|\\.)*)"'
NAMES = {"#s": "s", "#dot": "a.b", "#m": "m", "#no": "absent", "#l": "l"}


def test(file, name):
    """The source of one test function."""
    return re.search(rf"^func {name}\(.*?^}}", (FOLDER / file).read_text(), re.M | re.S)[0]


def constant(file, name):
    return json.loads(re.search(rf"const {name} = `([^`]*)`", (FOLDER / file).read_text())[1])


def go(text):
    """What a Go string literal means, where it is what JSON means by it too."""
    return json.loads(f'"{text}"')


SUBJECT = constant("expression_test.go", "subject") | {"el": {"L": []}, "em": {"M": {}}, "deep": {"L": [{"M": {"x": {"L": [{"N": "1"}]}}}]}}
VALUES = constant("expression_test.go", "values") | {
    ":l": {"L": [{"N": "1"}]}, ":m": {"M": {"x": {"N": "1"}}}, ":nil": {"NULL": True}, ":ns": {"NS": ["2", "3"]}, ":bs": {"BS": ["AQI="]},
    ":big": {"N": "9" * 38}, ":half": {"N": "-0.5"}, ":T": {"S": "L"}, ":minus": {"N": "-1e-130"},
}


def conditions():
    """Sources of conditions over SUBJECT."""
    for name in ("TestCondition", "TestConditionRefuses"):
        yield from map(go, re.findall(rf"^\t\t{TEXT}:", test("expression_test.go", name), re.M))
    grow = Grower(1)
    yield from (grow.condition(3) for _ in range(1500))


def updates():
    """Item, source and values of updates."""
    name = "TestUpdate"
    before = json.loads(re.search(r"const before = `([^`]*)`", test("update_test.go", name))[1])
    for source, values in re.findall(rf"\{{{TEXT}, `([^`]*)`, `", test("update_test.go", name)):
        yield before, go(source), json.loads(values) or {}
    refused = test("update_test.go", "TestUpdateRefuses")
    item = json.loads(re.search(r"const item = `([^`]*)`", refused)[1])
    values = json.loads(re.search(r"parse\(t, `(.*)`\)\)", refused)[1])
    for source in re.findall(rf"^\t\t{TEXT}:", refused, re.M):
        yield item, go(source), values
    grow = Grower(2)
    for _ in range(1000):
        yield SUBJECT, grow.update(), VALUES


def projections():
    yield from map(go, re.findall(rf"^\t\t{TEXT}:", test("expression_test.go", "TestProjectionRefuses"), re.M))
    grow = Grower(3)
    for _ in range(250):
        yield ", ".join(grow.path() for _ in range(grow.random.randint(1, 3)))


def keys():
    """Sources of key conditions over the rows of compare.ROWS, with and without the index."""
    grow = Grower(4)
    for _ in range(250):
        yield grow.key("pk", "sk"), False
    for _ in range(100):
        yield grow.key("listPk", "listSk"), True


def mentioned(source, values):
    """The names and values, of all there are, that an expression mentions: DynamoDB refuses others."""
    words = set(re.findall(r"[#:][A-Za-z0-9_]+", source))
    return {n: v for n, v in NAMES.items() if n in words}, {n: v for n, v in values.items() if n in words}


class Grower:
    """Grows expressions; most mean something, some are refused."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.values = sorted(VALUES)

    def one(self, *of):
        return self.random.choice(of)

    def path(self):
        return self.one("s", "n", "m", "m.x", "m.l", "m.l[0]", "m.l[1].y", "l", "l[0]", "l[1]", "l[7]", "ss", "ns", "b", "t", "nil", "twin",
                        "absent", "absent.x", "s.x", "n[0]", "#dot", "#s", "#m.x", "#m.l[0]", "#no", "#l[1]", "fresh", "l[0].x", "el[0]", "em.x", "em", "deep[0].x[0]", "deep[0].x[1]", "deep[0].y")

    def value(self):
        return self.random.choice(self.values)

    def operand(self):
        if self.random.random() < 0.02:
            return f"attribute_exists({self.path()})"
        return self.one(self.path, self.path, self.value, self.value, lambda: f"size({self.operand()})")()

    def condition(self, depth):
        if depth and self.random.random() < 0.6:
            left, right = self.condition(depth - 1), self.condition(depth - 1)
            return self.one(f"{left} AND {right}", f"{left} OR {right}", f"NOT {left}", f"({left})", f"({left}) AND NOT ({right})", left)
        return self.one(
            lambda: f"{self.operand()} {self.one('=', '<>', '<', '<=', '>', '>=')} {self.operand()}",
            lambda: f"{self.operand()} {self.one('=', '<>', '<', '<=', '>', '>=')} {self.operand()}",
            lambda: f"{self.operand()} BETWEEN {self.operand()} AND {self.operand()}",
            lambda: f"{self.operand()} IN ({', '.join(self.operand() for _ in range(self.random.randint(1, 3)))})",
            lambda: f"{self.one('attribute_exists', 'attribute_not_exists')}({self.path()})",
            lambda: f"attribute_type({self.path()}, {self.one(':S', ':N', ':T', self.operand())})",
            lambda: f"begins_with({self.operand()}, {self.operand()})",
            lambda: f"contains({self.operand()}, {self.operand()})",
        )()

    def assigned(self):
        plain = self.one(self.path, self.value, lambda: f"if_not_exists({self.path()}, {self.operand()})")
        return self.one(plain, plain, lambda: f"{plain()} {self.one('+', '-')} {plain()}", lambda: f"list_append({plain()}, {plain()})")()

    def update(self):
        clauses = {
            "SET": lambda: f"{self.path()} = {self.assigned()}", "REMOVE": self.path,
            "ADD": lambda: f"{self.path()} {self.value()}", "DELETE": lambda: f"{self.path()} {self.value()}",
        }
        chosen = self.random.sample(sorted(clauses), self.one(1, 1, 1, 2, 3))
        return " ".join(f"{c} {', '.join(clauses[c]() for _ in range(self.one(1, 1, 2)))}" for c in chosen)

    def key(self, partition, sort):
        value = self.one(":a", ":a", ":z", ":g", ":one", ":b1")
        first = f"{partition} {self.one('=', '=', '=', '=', '=', '<')} {self.one(':a', ':a', ':a', ':z', ':one')}"
        second = self.one(f"{sort} {self.one('=', '<', '<=', '>', '>=', '<>')} {value}", f"{sort} BETWEEN {self.one(':a', ':g')} AND {value}",
                          f"begins_with({sort}, {value})", f"n = {value}", f"attribute_exists({sort})")
        return self.one(first, f"{first} AND {second}", f"{first} AND {second}", f"{second} AND {first}", f"({first}) AND ({second})", second)
