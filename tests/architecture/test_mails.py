"""Whoever sends a mail: links come from the configuration, and a secret one can be made anew by *Send again*."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from mail import ports

ROOT = Path(__file__).parents[2]
APPS = ("mail", "accounts", "uploads", "cms", "bookings", "payments", "backoffice")
LINK_NAME = re.compile(r"(^|_)(url|link)$")
MAKERS = {"absolute", "page_url", "manage_url"}  # of common.links, and what bookings make of it


def sends() -> Iterator[tuple[str, ast.Module, ast.Call]]:
    """Every call of `mail.actions.send`, by the arguments that only it takes."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "tests" in path.parts:
                continue
            tree = ast.parse(path.read_text())
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and {"template", "to", "key"} <= {word.arg for word in node.keywords}:
                    yield str(path.relative_to(ROOT)), tree, node


def values_of(call: ast.Call, *names: str) -> Iterator[tuple[str, ast.expr]]:
    for word in call.keywords:
        if word.arg in names and isinstance(word.value, ast.Dict):
            for key, value in zip(word.value.keys, word.value.values, strict=True):
                if isinstance(key, ast.Constant):
                    yield key.value, value


def is_made_by_us(value: ast.expr) -> bool:
    """Whether a link is what `common.links` makes, or nothing."""
    if isinstance(value, ast.IfExp):
        return is_made_by_us(value.body) and is_made_by_us(value.orelse)
    if isinstance(value, ast.Call):
        return (value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")) in MAKERS
    return isinstance(value, ast.Constant) and value.value == ""


def test_links_come_from_the_configuration():
    found = [
        (where, name, value)
        for where, _, call in sends()
        for name, value in values_of(call, "context", "secrets")
        if LINK_NAME.search(name)
    ]
    assert len(found) >= 3
    assert [
        f"{where}: {name} is {ast.unparse(value)}" for where, name, value in found if not is_made_by_us(value)
    ] == []


def test_a_secret_is_a_link_of_ours_and_can_be_made_anew():
    checked = 0
    for where, tree, call in sends():
        secrets = list(values_of(call, "secrets"))
        assert all(is_made_by_us(value) for _, value in secrets), where
        template = next(word.value for word in call.keywords if word.arg == "template")
        if secrets and isinstance(template, ast.Name) and template.id.isupper():
            (name,) = (
                node.value.value
                for node in tree.body
                if isinstance(node, ast.Assign) and template.id in {getattr(one, "id", "") for one in node.targets}
            )
            assert ports.resend_of(name), f"{where} sends {name}, and no app says what Send again does"
            checked += 1
    assert checked >= 2
