"""Reads reports with readers that are not ours: openpyxl, pypdf, Python's csv, html.parser and json. Whatever a machine
or a person wrote stays text, and the same numbers stand in every form."""

import csv
import html.parser
import json
import sys
import unicodedata

import openpyxl
import pypdf

folder = sys.argv[1]
wrong = []


def check(ok, what):
    if not ok:
        wrong.append(what)


def harmless(text):
    return all(c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Zl", "Zp") for c in text)


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            check(not name.startswith("on") and name not in ("src", "srcset", "action", "formaction"), f"<{tag} {name}>")
            check(name != "href" or value.startswith("#"), f"a link to {value}")

    def handle_data(self, data):
        self.text.append(data)


def actions(o, seen, depth=0):
    """The names of everything in a PDF that could act."""
    if isinstance(o, pypdf.generic.IndirectObject):
        if o.idnum in seen:
            return
        seen.add(o.idnum)
        o = o.get_object()
    if isinstance(o, dict):
        for name in o:
            check(name not in ("/JS", "/JavaScript", "/URI", "/Launch", "/AA", "/OpenAction", "/AcroForm"), f"the PDF has {name}")
            check(name != "/EmbeddedFiles" or not o[name].get("/Names"), "the PDF has files in it")
            actions(o.raw_get(name) if hasattr(o, "raw_get") else o[name], seen, depth + 1)
    elif isinstance(o, list):
        for x in o:
            actions(x, seen, depth + 1)


for name in ("calm", "hostile"):
    with open(f"{folder}/{name}.json", encoding="utf-8") as f:
        report = json.load(f)
    titles = [s["title"] for s in report["sections"]]

    book = openpyxl.load_workbook(f"{folder}/{name}.xlsx")
    check(book.sheetnames == ["Report"] + [t[:31] for t in titles], f"{name}.xlsx has {book.sheetnames}")
    for sheet in book:
        for cell in (c for row in sheet.iter_rows() for c in row):
            check(cell.data_type != "f" and cell.hyperlink is None, f"{name}.xlsx: {sheet.title} {cell.coordinate} acts")
            check(not isinstance(cell.value, str) or harmless(cell.value), f"{name}.xlsx: {sheet.title} {cell.coordinate} is {cell.value!r}")
    for section in report["sections"]:
        sheet = book[section["title"][:31]]
        check(len(sheet._charts) == len(section.get("charts", [])), f"{name}.xlsx: charts of {sheet.title}")
        rows = [[c.value for c in row] for row in sheet.iter_rows()]
        for table in section["tables"]:
            if table["rows"]:
                at = next((i for i, r in enumerate(rows) if r[: len(table["columns"])] == table["columns"]), None)
                check(at is not None, f"{name}.xlsx: {table['name']} is not there")
                check(at is None or len(rows) >= at + 1 + len(table["rows"]), f"{name}.xlsx: {table['name']} is short")

    pdf = pypdf.PdfReader(f"{folder}/{name}.pdf")
    text = "\n".join(p.extract_text() for p in pdf.pages)
    check(harmless(text), f"{name}.pdf has what acts")
    for title in titles:
        check(title in text, f"{name}.pdf does not have {title}")
    actions(pdf.trailer["/Root"], set())

    with open(f"{folder}/{name}.csv", encoding="utf-8", newline="") as f:
        lines = list(csv.reader(f))
    for field in (x for line in lines for x in line):
        check(not field or field[0] not in "=+-@\t\r＝＋－＠", f"{name}.csv: {field!r:.60} is a formula")
        check(harmless(field), f"{name}.csv: {field!r:.60}")
    for section in report["sections"]:
        for table in section["tables"]:
            check([section["title"], table["name"], f"{len(table['rows'])} rows"] in lines, f"{name}.csv: {table['name']} is short")

    page = Page()
    with open(f"{folder}/{name}.html", encoding="utf-8") as f:
        raw = f.read()
    page.feed(raw)
    check(harmless(raw), f"{name}.html has what turns text around")
    check(not page.tags & {"script", "img", "iframe", "object", "embed", "form", "input", "base"}, f"{name}.html has {page.tags}")
    said = "".join(page.text)
    for title in titles:
        check(title in said, f"{name}.html does not have {title}")

    if name == "calm":
        check("2026-03-26 09:42:00 +01:00" in text.replace("\n", " ") and "2026-03-26 09:42:00 +01:00" in said, "the revocation is not at its time")
    else:
        check("=HYPERLINK" in text and "=HYPERLINK" in said, "the bait is not readable")
        check("<script>alert(1)</script>" in said, "the markup is not readable")

if wrong:
    sys.exit("\n".join(wrong[:20]))
print("reports: every form was read, and everything in it is text")
