"""Every mail template of the project: three parts, nothing that runs, nothing from outside."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from mail.rendering import render

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


def test_the_frame_names_the_studio_and_links_only_to_it():
    rendered = render(
        "mail/alert", {"code": "job_dead", "record": "7", "summary": "It failed.", "url": "http://testserver/x"}
    )
    hosts = set(re.findall(r"https?://([^/\s\"'<]+)", rendered.html + rendered.text))
    assert hosts == {"testserver"}
    assert "<h1>It failed.</h1>" in rendered.html
    assert rendered.subject == "[Studio] Alert: job_dead"
    assert "&" not in rendered.text
