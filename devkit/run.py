"""The supervisor behind `make run`: database, release, demo site, web, jobs and the Stripe twin; Ctrl-C stops them all.

When the supervisor itself is killed, the kernel tells its children (Linux), and the next run ends what is left.
"""

import contextlib
import functools
import hashlib
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from devkit.children import Child, end_leftovers
from devkit.env_file import EnvFile
from devkit.folders import FolderLock
from devkit.local import DATABASE, Plan, database_url, free_database_port, make_folders, plan
from devkit.postgres import Postgres
from devkit.processes import LOOPBACK, LauncherError, PortTakenError, StopSignals, port_is_free, write_private
from devkit.template_database import schema_fingerprint

CHECKOUT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60
COMMAND_SECONDS = 600
PORT_TRIES = 5
WATCH_SECONDS = 0.1
WEB_OPTIONS = ["--blocking-threads", "8", "--backpressure", "64", "--workers-kill-timeout", "5"]


class StopAsked(Exception):
    """SIGINT, SIGTERM or SIGHUP came."""


class Supervisor:
    """One `make run`: `run` returns the exit code when everything has stopped."""

    def __init__(self, checkout: Path = CHECKOUT) -> None:
        self.checkout = checkout
        self.var = checkout / "var"
        self._signals = StopSignals()
        self._children: list[Child] = []
        self._postgres: Postgres | None = None

    def run(self) -> int:
        """Start everything, wait for a signal or a child's end, stop everything; 0 after a signal, else 1."""
        make_folders(self.var)
        lock = FolderLock(self.var / "run")
        try:
            self._take(lock)
            self._start_all()
            self._watch()
        except StopAsked:
            print("\nStopping ...", flush=True)
        except LauncherError as error:
            print(error, file=sys.stderr, flush=True)
            return 1
        finally:
            self._stop_all()
            lock.release()
        print("Stopped. Everything is kept for the next `make run`.", flush=True)
        return 0

    def _take(self, lock: FolderLock) -> None:
        try:
            lock.take()
        except LauncherError:
            raise LauncherError("`make run` is running in this folder already.") from None
        end_leftovers(self.var)

    def _start_all(self) -> None:
        env_file = EnvFile(self.checkout / ".env")
        chosen = plan(env_file)
        self._require_free(chosen)
        self._start(self._tools())
        fresh = self._start_database(chosen, env_file)
        twin = self._twin(chosen)
        if twin:
            self._start(twin)
        web = self._web(chosen)
        early = self._is_released() and not fresh  # the tables stand already, so the web may get ready meanwhile
        if early:
            self._start(web)
        self._release()
        self._prepare_once(fresh=fresh)
        if not early:
            self._start(web)
        self._start(self._manage("run_jobs", name="jobs"))
        self._wait_for(web, lambda: _answers(f"http://{LOOPBACK}:{chosen.port}/healthz"))
        if twin:
            self._wait_for(twin, lambda: _listens(chosen.twin_port))
        print(self._banner(chosen), flush=True)

    def _require_free(self, chosen: Plan) -> None:
        for port in [chosen.port] + [chosen.twin_port] * chosen.twin:
            if not port_is_free(port):
                raise LauncherError(
                    f"Port {port} is taken by another program: stop it, or choose another with `make run PORT=5050`."
                )

    def _start_database(self, chosen: Plan, env_file: EnvFile) -> bool:
        """Start our own database, if it is ours; True when it is new and empty."""
        if chosen.database_port is None:
            return False
        self._check()
        print("Starting PostgreSQL ...", flush=True)
        self._postgres = Postgres(self.var / "pg", port=chosen.database_port, database=DATABASE)
        for _ in range(PORT_TRIES):
            with contextlib.suppress(PortTakenError):  # nobody but us needs to know the number, so take another
                self._postgres.start()
                break
            self._postgres.port = free_database_port()
        else:
            self._postgres.start()
        env_file.set("DATABASE_URL", database_url(self._postgres.port))
        env_file.save()
        return self._postgres.is_new

    def _is_released(self) -> bool:
        """Tell whether an earlier run released these very migrations on this database."""
        with contextlib.suppress(OSError):
            return (self.var / "released").read_text() == self._release_stamp()
        return False

    def _release(self) -> None:
        self._finish(self._manage("release"))
        write_private(self.var / "released", self._release_stamp())

    def _release_stamp(self) -> str:
        database = os.environ.get("DATABASE_URL") or EnvFile(self.checkout / ".env").get("DATABASE_URL")
        return f"{schema_fingerprint(self.checkout)} {hashlib.sha256(database.encode()).hexdigest()}"

    def _prepare_once(self, *, fresh: bool) -> None:
        """Seed the demo site and make the staff login, unless an earlier run did, both at once."""
        seeded, login = self.var / "seeded", self.var / "login.txt"
        wanted = [self._manage("seed_demo")] if fresh or not seeded.exists() else []
        wanted += [self._manage("make_local_owner")] if fresh or not login.exists() else []
        self._finish(*wanted)
        seeded.touch()

    def _tools(self) -> Child:
        """Compose the installation of the development packages, which nothing here waits for."""
        return Child("tools", [sys.executable, "devkit/bootstrap.py"], var=self.var, lasting=False)

    def _manage(self, command: str, *, name: str = "") -> Child:
        return Child(name or command, [sys.executable, "manage.py", command], var=self.var)

    def _web(self, chosen: Plan) -> Child:
        where = ["--host", LOOPBACK, "--port", str(chosen.port), "--workers", os.environ.get("WEB_CONCURRENCY", "1")]
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application"]
        return Child("web", command + where + WEB_OPTIONS, var=self.var)

    def _twin(self, chosen: Plan) -> Child | None:
        if not chosen.twin:
            return None
        hook = f"http://{LOOPBACK}:{chosen.port}/api/payments/webhooks/stripe"
        options = ["--port", str(chosen.twin_port), "--state", "var/stripe.json", "--webhook-url", hook]
        env = {"STRIPE_WEBHOOK_SECRET": chosen.webhook_secret}
        return Child("stripe", [sys.executable, "-m", "devkit.stripe", *options], var=self.var, env=env)

    def _start(self, child: Child) -> Child:
        self._check()
        self._children.append(child)
        child.start()
        return child

    def _finish(self, *commands: Child) -> None:
        """Run commands side by side to their ends. Raises LauncherError when one fails."""
        for command in commands:
            print(f"manage.py {command.name} ...", flush=True)
            self._start(command)
        for command in commands:
            self._wait_for(command, functools.partial(_has_succeeded, command), seconds=COMMAND_SECONDS)
            self._children.remove(command)
            command.stop()

    def _wait_for(self, child: Child, ready: Callable[[], bool], *, seconds: int = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            self._check()
            if child.code() is not None:
                raise child.ended_badly()
            if time.monotonic() > deadline:
                raise LauncherError(f"{child.name} is not ready after {seconds} seconds (see {child.log}).")
            time.sleep(WATCH_SECONDS)

    def _check(self) -> None:
        if self._signals:
            raise StopAsked

    def _watch(self) -> None:
        while True:
            self._check()
            for child in self._children:
                if child.lasting and child.code() is not None:
                    raise child.ended_badly()
            if self._postgres and not self._postgres.running():
                raise LauncherError(f"PostgreSQL ended by itself (see {self._postgres.log}).")
            time.sleep(WATCH_SECONDS)

    def _stop_all(self) -> None:
        """Stop the web and the jobs together, and the database when nobody needs it any more."""
        for child in self._children:
            child.ask_to_stop()
        for child in reversed(self._children):
            child.stop()
        if self._postgres:
            self._postgres.stop()

    def _banner(self, chosen: Plan) -> str:
        site = f"http://localhost:{chosen.port}"
        lines = ["", f"  Site       {site}/", f"  Admin      {site}/admin/", f"  API        {site}/api/docs"]
        login = self.var / "login.txt"
        with contextlib.suppress(OSError):
            fields = dict(line.split("=", 1) for line in login.read_text().splitlines() if "=" in line)
            lines.append(
                f"  Sign in    {fields.get('email', '')}  {fields.get('password', '')}  (kept in var/login.txt)"
            )
        if chosen.twin:
            lines.append(f"  Payments   a stand-in of Stripe on port {chosen.twin_port}: no real money moves")
        lines += [
            "  Mail       var/mail, and in the admin",
            "  Logs       var/log",
            "",
            "  Ctrl-C stops everything.",
            "",
        ]
        return "\n".join(lines)


def _has_succeeded(command: Child) -> bool:
    return command.code() == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def main(_arguments: Sequence[str] = ()) -> int:
    """Run until a signal comes; the exit code."""
    return Supervisor().run()


if __name__ == "__main__":
    sys.exit(main())
