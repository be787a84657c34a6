"""docs/extending.md is followed to the letter in a copy of the project, and the new type works there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
BLOCK = re.compile(
    r"<!-- (?P<path>[\w/.]+)(?P<instead>: instead of NAMES)? -->\n```python\n(?P<text>.*?)```", re.DOTALL
)
NAMES = re.compile(r"^NAMES = .*$", re.MULTILINE)
LEFT_OUT = shutil.ignore_patterns(".venv", ".git", "var", "node_modules", "__pycache__", "e2e", "benchmarks")
COMMAND_SECONDS = 300


def test_the_page_adds_a_type(tmp_path):
    copy = tmp_path / "studio"
    shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
    written = follow(copy)
    assert written == [
        "cms/types/event/models.py",
        "cms/types/event/api.py",
        "cms/types/event/admin.py",
        "cms/types/__init__.py",
    ]

    run(copy, "manage.py", "makemigrations", "cms", "--settings=config.settings_test")
    run(copy, "manage.py", "makemigrations", "--check", "--settings=config.settings_test")
    answer = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/extending/events.py")
    assert "5 passed" in answer


def follow(copy):
    """Write every file that the page shows; their paths."""
    written = []
    for block in BLOCK.finditer((copy / "docs" / "extending.md").read_text()):
        path = copy / block["path"]
        path.parent.mkdir(exist_ok=True)
        if not block["instead"]:
            (path.parent / "__init__.py").touch()
        path.write_text(NAMES.sub(block["text"].strip(), path.read_text()) if block["instead"] else block["text"])
        written.append(block["path"])
    return written


def run(copy, *arguments):
    """The output of Python in the copy, which has a database name of its own on the cluster of this run."""
    name = f"/extending_{os.getpid()}"
    env = os.environ | {"DATABASE_URL": urlsplit(os.environ["DATABASE_URL"])._replace(path=name).geturl()}
    env = {key: value for key, value in env.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=env,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout
