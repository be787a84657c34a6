"""First step of every make target: a virtual environment with the locked packages, then the target's own module.

    python3 devkit/bootstrap.py                    make or refresh .venv
    python3 devkit/bootstrap.py MODULE [ARG ...]   the same, then run MODULE in it

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
STAMP = os.path.join(VENV, "installed-lock")
LOCK = os.path.join(CHECKOUT, "requirements-dev.txt")
PIP_OPTIONS = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--no-compile"]
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


def locked() -> List[str]:
    """Return the locked requirements, one `name==version` each."""
    with open(LOCK) as lock:
        lines = [line.split("#")[0].strip() for line in lock]
    return [line for line in lines if line]


def fingerprint() -> str:
    """Return what the stamp must say: the lock's hash and the interpreter for which it was installed."""
    with open(LOCK, "rb") as lock:
        digest = hashlib.sha256(lock.read())
    digest.update(subprocess.check_output([VENV_PYTHON, "-c", "import sys; print(sys.version, sys.prefix)"]))
    return digest.hexdigest()


def install() -> None:
    """Install the lock unless the stamp says that it is installed."""
    wanted = fingerprint()
    if os.path.exists(STAMP):
        with open(STAMP) as stamp:
            if stamp.read() == wanted:
                return
        os.remove(STAMP)
    print("Installing the locked packages ...")
    sys.stdout.flush()
    packages = locked()
    tools = [package for package in packages if package.split("==")[0] in ("pip", "setuptools", "wheel")]
    others = [package for package in packages if package not in tools]
    run_pips([tools])  # first and alone: pip must not replace itself while it works
    run_pips([others[part::PARALLEL_PIPS] for part in range(PARALLEL_PIPS)])
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)


def run_pips(parts: List[List[str]]) -> None:
    """Install several lists at once; end with pip's own words when one fails."""
    running = []
    for part in filter(None, parts):
        output = tempfile.TemporaryFile()
        command = [VENV_PYTHON, "-m", "pip", "install"] + PIP_OPTIONS + part
        running.append((subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT), output))
    codes = [pip.wait() for pip, _output in running]
    for code, (_pip, output) in zip(codes, running):
        output.seek(0)
        if code != 0:
            refuse(output.read().decode("utf-8", "replace") + "The locked packages could not be installed.")


def end_with_make() -> None:
    """Let a killed make take us along (Linux): otherwise servers would go on without anybody to stop them."""
    if "MAKELEVEL" in os.environ and sys.platform.startswith("linux"):
        make = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != make:
            sys.exit(1)


def main(arguments: List[str]) -> None:
    use_new_python()
    os.chdir(CHECKOUT)
    end_with_make()
    one_at_a_time = open(os.path.abspath(__file__))  # held until this process ends or becomes another program
    fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
    make_venv()
    install()
    if arguments:
        os.execv(VENV_PYTHON, [VENV_PYTHON, "-m"] + arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
