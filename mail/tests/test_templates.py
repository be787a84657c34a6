"""Every mail template of the project: three parts, nothing that runs, nothing from outside."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.template import Context, engines

from mail.rendering import render, render_subject

FOLDER = Path(settings.BASE_DIR) / "templates" / "mail"
PARTS = (".subject.txt", ".txt", ".html")
NAMES = sorted(
    {
        str(path.relative_to(FOLDER)).removesuffix(part)
        for path in FOLDER.glob("*/*")
        for part in PARTS
        if path.name.endswith(part) and not (part == ".txt" and path.name.endswith(".subject.txt"))
    }
)
FILES = sorted(FOLDER.rglob("*.*"))


def test_there_are_templates():
    assert "mail/alert" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_all_three_parts_exist(name):
    assert [part for part in PARTS if not (FOLDER / f"{name}{part}").is_file()] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_script_and_nothing_from_outside(path):
    text = path.read_text()
    assert not re.search(r"<script|\bon\w+\s*=|javascript:|<iframe|<form|<link|@import|url\(", text, re.IGNORECASE)
    assert re.findall(r"https?://[^\s\"'<]+", text) == []  # links come from the configuration
    assert not re.search(r"<img[^>]+src=(?![\"']?cid:)", text, re.IGNORECASE)


class AnyContext(dict):
    """Has a value for every name: an address of ours for links, a number for numbers, an attack for all else."""

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        if name == "public_url":
            return "http://testserver"
        if LINK_NAME.search(name):
            return f"http://testserver/{name}?a=1&b=2"
        return 3 if NUMBER_NAME.search(name) else ATTACK


class Reader(HTMLParser):
    """Collects what a mail program would follow, load or run."""

    def __init__(self, html):
        super().__init__()
        self.links, self.tags, self.handlers = [], set(), []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        for name, value in attributes:
            if name in {"href", "src", "action", "background", "srcset", "formaction"}:
                self.links.append(value)
            if name.startswith("on") or name == "style":
                self.handlers.append(name)


LINK_NAME = re.compile(r"(^|_)(url|link)$")
NUMBER_NAME = re.compile(r"hours|minutes|days|count|remaining|number")
ATTACK = '"><script>alert(1)</script><a href="https://evil.example/" onclick="x">\r\nBcc: eve@evil.example'
FORBIDDEN = {"script", "iframe", "object", "embed", "form", "input", "link", "base", "img", "svg", "video", "audio"}


def rendered(name):
    parts = []
    for part, escape in ((".subject.txt", False), (".txt", False), (".html", True)):
        template = engines["django"].engine.get_template(f"mail/{name}{part}")
        parts.append(template.render(Context(AnyContext(), autoescape=escape)))
    return parts


@pytest.mark.parametrize("name", NAMES)
def test_whatever_it_is_given_it_links_only_to_us_and_runs_nothing(name):
    _, text, html = rendered(name)
    read = Reader(html)
    assert read.tags & FORBIDDEN == set()
    assert read.handlers == []
    assert {urlsplit(link).netloc for link in read.links} == {"testserver"}
    assert {urlsplit(link).scheme for link in read.links} == {"http"}
    missing = [link for link in read.links if link.rstrip("/") not in text]
    assert missing == [], "a reader of the text part gets the same links"


@pytest.mark.parametrize("name", NAMES)
def test_each_part_says_something_and_the_subject_is_one_line(name):
    subject = render_subject(name, AnyContext())
    assert subject.strip()
    assert "\n" not in subject
    assert "\r" not in subject
    _, text, html = rendered(name)
    assert text.strip()
    assert "<h1>" in html


def test_the_frame_names_the_studio_and_links_only_to_it():
    rendered = render(
        "mail/alert", {"code": "job_dead", "record": "7", "summary": "It failed.", "url": "http://testserver/x"}
    )
    hosts = set(re.findall(r"https?://([^/\s\"'<]+)", rendered.html + rendered.text))
    assert hosts == {"testserver"}
    assert "<h1>It failed.</h1>" in rendered.html
    assert rendered.subject == "[Studio] Alert: job_dead"
    assert "&" not in rendered.text
