"""Valkey's launcher: its own child, its own port, and what survives a violent end."""

import os
import signal
import socket
import subprocess
import sys
import uuid

import pytest
import redis

from devkit.processes import LauncherError, PortTakenError, free_port
from devkit.tests.support import CHECKOUT, MARK, nobody_left
from devkit.valkey import AT_ONCE, Valkey


def test_it_answers_only_with_its_password_and_stops_cleanly(tmp_path):
    server = Valkey(tmp_path / "valkey")
    url = server.start()
    process = server.process
    client = redis.Redis.from_url(url)
    assert client.info("server")["process_id"] == process.pid
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lru"}
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port, retry=AT_ONCE).ping()
    client.close()
    server.stop()
    assert process.returncode == 0
    assert oct((tmp_path / "valkey").stat().st_mode) == "0o40700"


def test_what_was_pushed_survives_kill_9(tmp_path):
    server = Valkey(tmp_path / "valkey")
    with redis.Redis.from_url(server.start()) as client:
        client.rpush("jobs", *range(1000))
    server.process.kill()
    server.process.wait()
    server.stop()
    with server, redis.Redis.from_url(server.url) as client:
        assert client.llen("jobs") == 1000


def test_a_foreign_server_on_the_port_is_refused_and_left_alone(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} is taken by another program"):
            Valkey(tmp_path / "valkey", port=port).start()
        socket.create_connection(("127.0.0.1", port)).close()
    assert not (tmp_path / "valkey").exists()


def test_another_valkey_that_answers_is_not_taken_for_ours(tmp_path):
    with Valkey(tmp_path / "other") as other:
        ours = Valkey(tmp_path / "valkey", port=other.port, password=other.password)
        ours.process = subprocess.Popen(["sleep", "60"], start_new_session=True)
        assert ours._is_ready() is False
        ours.stop()
        assert other.running() is True


def test_a_second_launcher_on_the_same_folder_is_refused(tmp_path):
    with Valkey(tmp_path / "valkey") as first:
        with pytest.raises(LauncherError, match="already in use"):
            Valkey(tmp_path / "valkey").start()
        assert first.running() is True


def test_a_killed_supervisor_takes_the_server_along_and_a_stopped_one_too(tmp_path):
    mark, environ = uuid.uuid4().hex, os.environ | {"VALKEY_PASSWORD": "known"}
    command = [sys.executable, "-m", "devkit.valkey", "--data", os.fspath(tmp_path / "valkey"), "--port"]
    for ending, code in ((signal.SIGKILL, -9), (signal.SIGTERM, 0), (signal.SIGINT, 0)):
        port = free_port()
        supervisor = subprocess.Popen(
            [*command, str(port)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, env=environ | {MARK: mark}
        )
        assert supervisor.stdout.readline() == f"redis://:known@127.0.0.1:{port}/0\n"
        supervisor.send_signal(ending)
        assert supervisor.wait(20) == code
        supervisor.stdout.close()
        assert nobody_left(mark) == []
