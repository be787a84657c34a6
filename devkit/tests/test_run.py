"""The supervisor behind `make run`, in a stub checkout: what it starts, writes down and leaves behind."""

import signal
import socket
import urllib.request

import psycopg
import pytest

from devkit.env_file import EnvFile
from devkit.tests.stub_checkout import StubCheckout
from devkit.tests.support import marked_processes, nobody_left, two_free_ports


@pytest.fixture
def stub(tmp_path):
    return StubCheckout(tmp_path)


def test_two_runs_and_a_move_to_another_port(stub):
    port = two_free_ports()
    run = stub.start_and_wait(PORT=str(port))
    first = stub.read(".env")
    env = EnvFile(stub.folder / ".env")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        assert answer.read() == b"ok"
    assert f"http://localhost:{port}/admin/" in stub.said()
    assert "owner@studio.localhost  secret-words" in stub.said()
    assert stub.read("var/twin") == (
        f"http://127.0.0.1:{port}/api/payments/webhooks/stripe {env.get('STRIPE_WEBHOOK_SECRET')}"
    )
    with psycopg.connect(env.get("DATABASE_URL")) as connection:
        connection.execute("CREATE TABLE kept ()")
    run.send_signal(signal.SIGINT)
    assert (run.wait(30), nobody_left(stub.mark)) == (0, [])
    assert oct((stub.folder / ".env").stat().st_mode) == "0o100600"
    assert (env.get("DJANGO_ENV"), env.get("PORT"), env.get("STRIPE_API_BASE")) == (
        "local",
        str(port),
        f"http://127.0.0.1:{port + 1}",
    )
    secrets = [env.get(name) for name in ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "JWT_SECRET")]
    assert (len(set(secrets)), min(map(len, secrets))) == (4, 64)

    moved = two_free_ports()
    run = stub.start_and_wait(PORT=str(moved))
    with psycopg.connect(env.get("DATABASE_URL")) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    run.send_signal(signal.SIGTERM)
    assert (run.wait(30), nobody_left(stub.mark)) == (0, [])
    assert stub.read(".env") == first.replace(str(port + 1), str(moved + 1)).replace(str(port), str(moved))
    commands = stub.read("var/commands").split()
    assert commands[0] == "release"
    assert sorted(commands[1:3]) == ["make_local_owner", "seed_demo"]
    assert commands[3:] == ["run_jobs", "release", "run_jobs"]


def test_a_killed_supervisor_leaves_nobody_and_hinders_no_next_run(stub):
    port = str(two_free_ports())
    run = stub.start_and_wait(PORT=port)
    assert len(marked_processes(stub.mark)) > 4
    run.kill()
    run.wait()
    run = stub.start_and_wait(PORT=port)
    run.send_signal(signal.SIGTERM)
    assert (run.wait(30), nobody_left(stub.mark)) == (0, [])


def test_a_child_that_ends_brings_a_sentence_and_a_clean_stop(stub):
    run = stub.start_and_wait(PORT=str(two_free_ports()))
    (stub.folder / "end-jobs").touch()
    assert (run.wait(30), nobody_left(stub.mark)) == (1, [])
    assert stub.said().splitlines()[-1] == (
        "jobs ended with code 1: The jobs had enough. (all of it: var/log/jobs.log)"
    )


def test_a_command_that_fails_brings_its_own_sentence(stub):
    (stub.folder / "fail-release").touch()
    run = stub.start(PORT=str(two_free_ports()))
    assert (run.wait(30), nobody_left(stub.mark)) == (1, [])
    assert "Cannot start: release says no." in stub.said().splitlines()[-1]
    assert stub.read("var/commands") == "release\n"


def test_a_taken_port_is_one_plain_sentence(stub):
    port = two_free_ports()
    for taken in (port, port + 1):
        with socket.create_server(("127.0.0.1", taken)):
            run = stub.start(PORT=str(port))
            assert run.wait(30) == 1
        assert stub.said() == (
            f"Port {taken} is taken by another program: stop it, or choose another with `make run PORT=5050`.\n"
        )
    assert not (stub.folder / "var" / "pg").exists()


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "http"}, "PORT is 'http': it must be a number from 1 to 65534.\n"),
        (
            {"DJANGO_ENV": "production"},
            "DJANGO_ENV is 'production', and `make run` is for local mode: put DJANGO_ENV=local into .env.\n",
        ),
    ],
)
def test_a_wrong_environment_is_one_plain_sentence(stub, environ, sentence):
    run = stub.start(**{"PORT": str(two_free_ports())} | environ)
    assert (run.wait(30), stub.said()) == (1, sentence)


def test_a_second_run_in_the_same_folder_is_refused(stub):
    port = str(two_free_ports())
    first = stub.start_and_wait(PORT=port)
    second = stub.start(PORT=port)
    assert second.wait(30) == 1
    assert stub.said() == "`make run` is running in this folder already.\n"
    assert first.poll() is None
    first.send_signal(signal.SIGTERM)
    assert (first.wait(30), nobody_left(stub.mark)) == (0, [])


def test_keys_and_a_database_of_ones_own_start_neither_twin_nor_cluster(stub):
    env = stub.folder / ".env"
    env.write_text("DJANGO_ENV=local\nDATABASE_URL=postgresql://me@db.example/mine\nSTRIPE_SECRET=sk_test_mine\n")
    run = stub.start_and_wait(PORT=(port := str(two_free_ports())))
    run.send_signal(signal.SIGTERM)
    assert (run.wait(30), nobody_left(stub.mark)) == (0, [])
    assert not (stub.folder / "var" / "twin").exists()
    assert not (stub.folder / "var" / "pg").exists()
    assert env.read_text() == (
        f"DJANGO_ENV=local\nDATABASE_URL=postgresql://me@db.example/mine\nSTRIPE_SECRET=sk_test_mine\nPORT={port}\n"
    )
