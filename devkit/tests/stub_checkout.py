"""A checkout with the shape of ours and nothing in it: what `make run` starts there answers at once."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

from devkit.processes import wait_until
from devkit.tests.support import CHECKOUT, MARK

MANAGE = """
import os, pathlib, signal, sys, time
command = sys.argv[1]
with open("var/commands", "a") as commands:
    commands.write(command + "\\n")
if pathlib.Path("fail-" + command).exists():
    sys.exit("Cannot start: " + command + " says no.")
if command == "make_local_owner":
    pathlib.Path("var/login.txt").write_text("email=owner@studio.localhost\\npassword=secret-words\\n")
if command == "run_jobs":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while not pathlib.Path("end-jobs").exists():
        time.sleep(0.05)
    sys.exit("The jobs had enough.")
"""
WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
"""
TWIN = """
import http.server, os, pathlib, sys
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
pathlib.Path("var/twin").write_text(options["--webhook-url"] + " " + os.environ["STRIPE_WEBHOOK_SECRET"])
http.server.HTTPServer(("127.0.0.1", int(options["--port"])), http.server.BaseHTTPRequestHandler).serve_forever()
"""
RUN = "import sys, pathlib; from devkit.run import Supervisor; sys.exit(Supervisor(pathlib.Path(sys.argv[1])).run())"


class StubCheckout:
    """The folder, and the supervisor in it; every process that it starts carries `mark`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        self.output = folder / "output"
        for path, text in (
            ("manage.py", MANAGE),
            ("config/__init__.py", ""),
            ("config/wsgi.py", WSGI),
            ("devkit/__init__.py", ""),
            ("devkit/bootstrap.py", "print('Installed.')"),
            ("devkit/stripe/__init__.py", ""),
            ("devkit/stripe/__main__.py", TWIN),
        ):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    def start(self, **environ: str) -> subprocess.Popen[bytes]:
        """Start the supervisor as `make run` does."""
        unset = {"DATABASE_URL", "DJANGO_ENV", "PORT", "DJANGO_SETTINGS_MODULE", "WEB_CONCURRENCY"}
        inherited = {name: value for name, value in os.environ.items() if name not in unset and "STRIPE" not in name}
        command = [sys.executable, "-c", RUN, os.fspath(self.folder)]
        env = inherited | {MARK: self.mark} | environ
        with self.output.open("wb") as output:
            return subprocess.Popen(command, cwd=CHECKOUT, env=env, stdout=output, stderr=subprocess.STDOUT)

    def start_and_wait(self, **environ: str) -> subprocess.Popen[bytes]:
        """Start it and wait for the addresses."""
        run = self.start(**environ)
        wait_until(lambda: run.poll() is not None or "Ctrl-C" in self.said(), seconds=40)
        assert run.poll() is None, self.said()
        return run

    def said(self) -> str:
        """What it printed so far."""
        return self.output.read_text()

    def read(self, name: str) -> str:
        """A file of the checkout."""
        return (self.folder / name).read_text()
