"""Across apps only the public rooms are imported; import-linter holds the direction, this holds the doors."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
APPS = ("idempotency", "audit", "jobs", "mail", "accounts", "uploads", "cms", "bookings", "payments", "backoffice")
PUBLIC_ROOMS = {"actions", "selectors", "errors", "constants", "ports"}
FREE = {"config", "common", "devkit"}
BOTO3_MAY_BE_IN = {"uploads/storage/s3.py", "accounts/keys/kms.py"}


def code_files(app: str) -> list[Path]:
    return [
        path
        for path in (ROOT / app).rglob("*.py")
        if not {"tests", "migrations"} & set(path.relative_to(ROOT).parts) and path.name != "apps.py"
    ]


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_other_apps_are_entered_by_their_public_rooms():
    wrong = []
    for app in APPS:
        for path in code_files(app):
            for name in imports(path):
                top, _, rest = name.partition(".")
                if top in APPS and top != app and rest.split(".")[0] not in PUBLIC_ROOMS:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_nobody_imports_devkit():
    assert [
        f"{path.relative_to(ROOT)}"
        for app in (*APPS, "common", "config")
        for path in code_files(app)
        if any(name.split(".")[0] == "devkit" for name in imports(path))
    ] == []


def test_devkit_imports_nothing_of_the_project():
    ours = {*APPS, "common", "config"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in code_files("devkit")
        for name in imports(path)
        if name.split(".")[0] in ours
    ]
    assert wrong == []


def test_boto3_stays_in_its_two_files():
    users = {
        str(path.relative_to(ROOT))
        for app in (*APPS, "common", "config")
        for path in code_files(app)
        if any(name.split(".")[0] in {"boto3", "botocore"} for name in imports(path))
    }
    assert users <= BOTO3_MAY_BE_IN


def test_the_clock_of_stored_things_is_the_databases():
    users = [
        str(path.relative_to(ROOT))
        for app in APPS
        for path in code_files(app)
        if {"django.utils.timezone.now", "datetime.datetime.now"} & set(imports(path))
        or "timezone.now(" in path.read_text()
    ]
    assert users == []
