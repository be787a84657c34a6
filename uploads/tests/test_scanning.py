"""The virus scanner: what it says, and what becomes of files while it says nothing."""

import io
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.management import call_command
from django.test import Client

from audit.models import AuditEvent
from common.actor import Actor, ActorKind
from common.clock import shift
from jobs.models import Job
from jobs.testing import run_due
from uploads.actions import ingest, ingestion
from uploads.constants import Bucket, ScanVerdict
from uploads.errors import ContentRefused, ProcessingUnavailable
from uploads.models import File
from uploads.scanning import Scan, ScannerUnavailableError, clamd, get_scanner
from uploads.scanning.clamd import ClamdScanner
from uploads.storage.local import LocalStorage
from uploads.tests.clamd import EICAR, Daemon
from uploads.tests.clamd import clamd as running
from uploads.tests.factories import make_user, pdf, picture, waiting

ENGINE = "ClamAV 1.4.3/27823"


@pytest.fixture
def daemon(settings: Any) -> Iterator[Daemon]:
    """A daemon that the settings name."""
    with running() as (one, address):
        settings.CLAMAV_URL = address
        yield one


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "suspect"
    path.write_bytes(b"harmless")
    return path


def scanner() -> Any:
    found = get_scanner()
    assert found is not None
    return found


def test_a_harmless_file_is_clean(daemon: Daemon, source: Path) -> None:
    assert scanner().scan(source) == Scan(ENGINE, ScanVerdict.CLEAN)
    assert daemon.streams == [b"harmless"]


def test_a_virus_is_named(daemon: Daemon, source: Path) -> None:
    source.write_bytes(b"before" + EICAR + b"after")
    assert scanner().scan(source) == Scan(ENGINE, ScanVerdict.INFECTED, "Win.Test.EICAR_HDB-1")


def test_a_large_file_goes_through_in_chunks(daemon: Daemon, source: Path) -> None:
    content = bytes(range(256)) * 4096 + b"rest"
    source.write_bytes(content)
    assert scanner().scan(source).verdict is ScanVerdict.CLEAN
    assert daemon.streams == [content]


def test_a_unix_socket_does_as_well(source: Path, tmp_path: Path) -> None:
    with running(tmp_path / "clamd.ctl") as (_, address):
        assert ClamdScanner(address).scan(source) == Scan(ENGINE, ScanVerdict.CLEAN)
    with pytest.raises(ScannerUnavailableError, match="away"):
        ClamdScanner(address).scan(source)


@pytest.mark.parametrize(
    "answer",
    [
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: OK FOUND and more\0",
        b"stream: OKAY\0",
        b"stream: OK",
        b"\0",
        b"x" * 9000,
        b"",
    ],
)
def test_what_is_no_verdict_is_an_error(daemon: Daemon, source: Path, answer: bytes) -> None:
    daemon.answers = lambda content: answer
    with pytest.raises(ScannerUnavailableError):
        scanner().scan(source)


@pytest.mark.parametrize("version", [b"UNKNOWN COMMAND\0", b"SSH-2.0-OpenSSH_9.2\0", b""])
def test_what_is_no_clamav_is_asked_nothing(daemon: Daemon, source: Path, version: bytes) -> None:
    daemon.version = version
    with pytest.raises(ScannerUnavailableError):
        scanner().scan(source)
    assert daemon.streams == []


def test_a_long_version_fits_the_column(daemon: Daemon) -> None:
    daemon.version = b"ClamAV " + b"9" * 90 + b"/27823/Sat\0"
    assert len(scanner().version()) == 50


def test_a_silent_scanner_is_given_up(daemon: Daemon, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamd, "SCAN_SECONDS", 0.2)
    daemon.answers = lambda content: None
    with pytest.raises(ScannerUnavailableError):
        scanner().scan(source)


def test_one_that_drips_is_given_up_too(daemon: Daemon, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clamd, "SCAN_SECONDS", 0.3)
    daemon.pause = 0.05
    began = time.monotonic()
    with pytest.raises(ScannerUnavailableError):
        scanner().scan(source)
    assert time.monotonic() - began < 5


def test_one_that_refuses_the_connection(source: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ScannerUnavailableError, match="ConnectionRefusedError"):
        ClamdScanner(f"tcp://127.0.0.1:{port}").scan(source)


def test_without_a_setting_there_is_none(settings: Any) -> None:
    settings.CLAMAV_URL = ""
    assert get_scanner() is None


# --- is it there? -----------------------------------------------------------------------------------------------------


def states() -> dict[str, tuple[int, dict[str, Any]]]:
    """What each address of our health answers, and what it says of the scanner."""
    answers = {path: Client().get(path) for path in ("/health", "/readyz")}
    return {path: (answer.status_code, answer.json()["checks"]["scanner"]) for path, answer in answers.items()}


def doctor() -> str:
    out = io.StringIO()
    call_command("doctor", stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_scanner_that_answers_is_well(daemon: Daemon) -> None:
    assert set(map(str, states().values())) == {"(200, {'status': 'ok'})"}
    assert "  scanner    ok\n" in doctor()
    assert daemon.streams == []


@pytest.mark.django_db
@pytest.mark.parametrize("pong", [None, b"", b"UNKNOWN COMMAND\0", b"PONG"])
def test_a_scanner_without_a_sign_of_life_degrades_and_never_unreadies(daemon: Daemon, pong: bytes | None) -> None:
    daemon.pong = pong
    began = time.monotonic()
    wanted = (200, {"status": "degraded", "reason": "scanner_unavailable"})
    assert states() == {"/health": wanted, "/readyz": wanted}
    assert time.monotonic() - began < 5
    assert "  scanner    degraded (scanner unavailable)\n" in doctor()


@pytest.mark.django_db
def test_no_scanner_is_no_fault_and_is_named(settings: Any) -> None:
    settings.CLAMAV_URL = ""
    wanted = (200, {"status": "ok", "reason": "not_configured"})
    assert states() == {"/health": wanted, "/readyz": wanted}
    assert "  scanner    ok (not configured)\n" in doctor()


# --- in the job -----------------------------------------------------------------------------------------------------


def processed(file: File) -> File:
    run_due()
    file.refresh_from_db()
    return file


@pytest.mark.django_db
def test_a_clean_file_says_who_looked_at_it(daemon: Daemon) -> None:
    content = picture()
    file = processed(waiting(content))
    assert (file.state, file.scan_verdict, file.scan_engine) == ("ready", "clean", ENGINE)
    assert file.scanned_at is not None
    assert daemon.streams == [content], "what was uploaded, not what is served"


@pytest.mark.django_db
def test_an_infected_file_is_rejected_with_its_reason(daemon: Daemon, store: LocalStorage) -> None:
    content = pdf().replace(b"<<>>\nendobj", EICAR + b"\nendobj")
    file = processed(waiting(content, declared_type="application/pdf", purpose="document"))
    assert (file.state, file.reason, file.scan_verdict) == ("rejected", "infected", "infected")
    assert (file.scan_engine, file.observed_type) == (ENGINE, "application/pdf")
    assert store.list(Bucket.PRIVATE, "", limit=9) == []
    [event] = AuditEvent.objects.filter(action="file.rejected")
    assert (event.reason, event.meta["scan"]) == ("infected", {"engine": ENGINE, "verdict": "infected"})


@pytest.mark.django_db
def test_a_file_that_cannot_be_decoded_keeps_its_verdict(daemon: Daemon) -> None:
    file = processed(waiting(picture()[:60]))
    assert (file.state, file.reason, file.scan_verdict) == ("rejected", "unreadable", "clean")


@pytest.mark.django_db
def test_while_the_scanner_is_silent_nothing_is_ready(
    daemon: Daemon, store: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clamd, "SCAN_SECONDS", 0.2)
    file = waiting(picture())
    daemon.answers = lambda content: None
    for hours in range(4):
        with shift(hours * 8 * 3600):
            assert processed(file).state == "processing"
    assert store.list(Bucket.PUBLIC, "", limit=9) == []
    job = Job.objects.get(kind="uploads.process")
    assert (job.state, job.attempts) == ("new", 4)
    daemon.answers = lambda content: b"stream: OK\0"
    with shift(32 * 3600):
        assert processed(file).state == "ready"
    assert file.scan_verdict == "clean"


@pytest.mark.django_db
def test_a_scanner_that_stays_silent_fails_the_file(daemon: Daemon, store: LocalStorage) -> None:
    file = waiting(picture())
    daemon.version = b""
    for hours in range(5):
        with shift(hours * 8 * 3600):
            processed(file)
    assert (file.state, file.reason, file.scan_verdict) == ("failed", "attempts_spent", "not_scanned")
    assert store.list(Bucket.PUBLIC, "", limit=9) == []
    assert store.head(Bucket.PRIVATE, file.quarantine_key) is not None, "staff may have it processed again"


@pytest.mark.django_db
def test_without_a_scanner_files_are_ready_and_say_so() -> None:
    file = processed(waiting(picture()))
    assert (file.state, file.scan_verdict, file.scan_engine, file.scanned_at) == ("ready", "not_scanned", "", None)


# --- what staff hand in by a form of the admin ------------------------------------------------------------------------


def hand_in(by: Actor, content: bytes) -> File:
    return ingest(content=content, filename="a.png", content_type="image/png", purpose="image", by=by)


@pytest.mark.django_db
def test_what_staff_hand_in_is_scanned_and_decoded_apart(daemon: Daemon) -> None:
    staff = Actor(kind=ActorKind.STAFF, id=str(make_user("add_file").pk), label="")
    with mock.patch.object(ingestion, "decode") as here:
        file = hand_in(staff, picture())
    assert here.call_count == 0
    assert (file.state, file.scan_verdict, file.scan_engine) == ("ready", "clean", ENGINE)
    daemon.answers = lambda content: b"stream: Evil FOUND\0"
    with pytest.raises(ContentRefused) as refused:
        hand_in(staff, picture())
    assert refused.value.members == {"reason": "infected"}
    daemon.version = b""
    with pytest.raises(ProcessingUnavailable):
        hand_in(staff, picture())
    assert File.objects.count() == 1


@pytest.mark.django_db
def test_what_we_make_ourselves_is_not_scanned(daemon: Daemon) -> None:
    assert hand_in(Actor.operator(), picture()).scan_verdict == "not_scanned"
    assert daemon.streams == []
