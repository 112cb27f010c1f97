"""Reads every mail with Python's parsers of messages and of HTML, and holds it to the golden files.

Usage: judge.py FOLDER TESTDATA. FOLDER has the messages that main.go wrote.
"""

import email
import email.policy
import html.parser
import pathlib
import re
import sys

HEADERS = ["From", "To", "Subject", "MIME-Version", "Content-Type"]
# What a mail may be made of: nothing that is loaded or run, and nothing that is clicked but the links that act.
TAGS = set("html head meta title style body main h1 h2 h3 p table thead tbody tr th td pre code footer".split())
LINK = re.compile(r"https://a1b2c3d4e5\.execute-api\.eu-central-1\.amazonaws\.com/a/[A-Za-z0-9_-]{43}")
ATTRIBUTES = {"lang", "charset", "name", "content", "role", "scope", "style", "class"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.problems, self.words, self.hidden = [], [], 0

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            at = [value for name, value in attrs if name == "href"]
            if len(at) != 1 or not LINK.fullmatch(at[0]):
                self.problems.append(f"a link leads to {at}")
            attrs = [(name, value) for name, value in attrs if name != "href"]
        elif tag not in TAGS:
            self.problems.append(f"the HTML has a <{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.problems.append(f"a <{tag}> has {name}={value!r}")
        self.hidden += tag in ("style", "title")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("style", "title")

    def handle_data(self, data):
        if not self.hidden:
            self.words.append(data)


def letters(text):
    return "".join(c for c in text if c.isalnum())


def problems(path, golden):
    subject, text = golden.with_suffix(".txt").read_text(encoding="utf-8").split("\n\n", 1)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    parts = list(message.iter_parts())
    for part in [message, *parts]:
        yield from (f"defect: {d!r}" for d in part.defects)
    if message.keys() != HEADERS:
        yield f"headers are {message.keys()}"
    if "Subject: " + message["Subject"] != subject:
        yield f"the subject is {message['Subject']!r}"
    if [p.get_content_type() for p in parts] != ["text/plain", "text/html"]:
        yield f"parts are {[p.get_content_type() for p in parts]}"
        return
    plain, page = (p.get_content().replace("\r\n", "\n") for p in parts)
    if plain != text:
        yield "the text is another"
    if page != golden.with_suffix(".html").read_text(encoding="utf-8"):
        yield "the HTML is another"
    read = Page()
    read.feed(page)
    read.close()
    yield from read.problems
    if letters("".join(read.words)) != letters(plain):
        yield "text and HTML say different things"


def main():
    folder, testdata = map(pathlib.Path, sys.argv[1:])
    found = [f"{p.name}: {why}" for p in sorted(folder.glob("*.eml")) for why in problems(p, testdata / p.name)]
    print("\n".join(found) or f"Python reads {len(list(folder.glob('*.eml')))} mails as they were meant")
    sys.exit(bool(found))


main()
