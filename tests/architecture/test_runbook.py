"""Every alert that the project can raise has its section in docs/operations.md, and a page that its mail links to.

Codes are found by reading the source: what is passed as `code` to a function whose name ends with `alert`, and what
stands under "code" in the arguments of a job of the kind `mail.alert`. A code that a function takes as a parameter is
followed to the calls of that function in its module.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from config import runbook

ROOT = Path(__file__).parents[2]
APPS = ("idempotency", "audit", "jobs", "mail", "accounts", "uploads", "cms", "bookings", "payments", "backoffice")


class Codes(ast.NodeVisitor):
    """The codes of the alerts that one module raises; `begun` holds the fixed start of those that are put together."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree, self.found, self.begun, self.unresolved = tree, set(), set(), []
        self.constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in functions(tree):
            for call in calls(function):
                for code in codes_of(call):
                    self.follow(code, function)

    def follow(self, code: ast.expr, function: ast.FunctionDef) -> None:
        if isinstance(code, ast.Constant):
            self.found.add(code.value)
        elif isinstance(code, ast.JoinedStr) and isinstance(code.values[0], ast.Constant):
            self.begun.add(code.values[0].value)
        elif isinstance(code, ast.IfExp):
            self.follow(code.body, function)
            self.follow(code.orelse, function)
        elif isinstance(code, ast.Name) and code.id in self.constants:
            self.found.add(self.constants[code.id])
        elif isinstance(code, ast.Name) and code.id in parameters(function):
            self.follow_callers(function, code.id)
        else:
            self.unresolved.append(ast.unparse(code))

    def follow_callers(self, function: ast.FunctionDef, name: str) -> None:
        place = [argument.arg for argument in function.args.args].index(name) if name in positional(function) else None
        for caller in functions(self.tree):
            for call in calls(caller):
                if called(call) != function.name:
                    continue
                by_name = [keyword.value for keyword in call.keywords if keyword.arg == name]
                by_place = [call.args[place]] if place is not None and len(call.args) > place else []
                for code in by_name or by_place:
                    self.follow(code, caller)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def positional(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in function.args.args}


def parameters(function: ast.FunctionDef) -> set[str]:
    return positional(function) | {argument.arg for argument in function.args.kwonlyargs}


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def codes_of(call: ast.Call) -> list[ast.expr]:
    """The expressions of the codes in a call that raises an alert."""
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if called(call).endswith("alert"):
        return [keywords["code"]] if "code" in keywords else []
    arguments = keywords.get("args")
    if "kind" in keywords and "ALERT" in ast.unparse(keywords["kind"]) and isinstance(arguments, ast.Dict):
        return [
            value
            for key, value in zip(arguments.keys, arguments.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "code"
        ]
    return []


def all_codes() -> tuple[set[str], set[str], list[str]]:
    found, begun, unresolved = set(), set(), []
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts:
                read = Codes(ast.parse(path.read_text()))
                found |= read.found
                begun |= read.begun
                unresolved += [f"{path.relative_to(ROOT)}: {code}" for code in read.unresolved]
    return found, begun, unresolved


def test_every_alert_has_its_page():
    found, begun, unresolved = all_codes()
    assert {"job_dead", "refund_failed"} <= found
    assert unresolved == []
    assert found - set(runbook.pages()) == set(), "add a section `## … (alert `code`)` to docs/operations.md"
    assert [start for start in begun if not any(code.startswith(start) for code in runbook.pages())] == []


def test_a_code_is_found_however_it_is_handed_on():
    source = """
CODE = "by_constant"
def tell(code, *, by): alerts.alert(code=code, by=by)
def one(): tell("by_place", by=1)
def two(): tell(code=CODE, by=1)
def three(): enqueue(kind=ALERT_KIND, args={"code": "in_a_job" if x else "or_another", "record": "7"})
def four(): alert(code=made_up()); alert(code=f"begins_{so}")
"""
    read = Codes(ast.parse(source))
    assert read.found == {"by_place", "by_constant", "in_a_job", "or_another"}
    assert read.begun == {"begins_"}
    assert read.unresolved == ["made_up()"]


@pytest.mark.django_db
def test_the_pages_are_served():
    answer = Client().get("/docs/runbook/job_dead")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "<h1>A job failed for good</h1>" in text
    assert "<code>manage.py jobs requeue ID</code>" in text
    assert Client().get("/docs/runbook/nothing_of_ours").status_code == 404
    assert 'href="/docs/runbook/job_dead"' in Client().get("/docs/runbook").content.decode()


def test_what_a_section_says_is_escaped():
    listed = "<ul><li>a <code>&lt;b&gt;</code> <em>c</em></li><li>d &amp; e</li></ul>"
    assert runbook._block("- a `<b>` *c*\n- d & e") == listed
    assert runbook._block("1. one\n   more\n2. two") == "<ol><li>one more</li><li>two</li></ol>"
    assert runbook._block("two\nlines") == "<p>two lines</p>"
