"""A front end of another origin uploads straight to the store: CORS for real, in Chromium."""

import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from PIL import Image
from playwright.sync_api import Page, Request, expect

from devkit.s3.fixture import S3Process
from e2e import studio as studios
from e2e.conftest import SHOTS, Watch, shoot
from e2e.studio import Studio

FRONT = Path(__file__).parent / "front"
READY_MS = 30_000
STEPS = ["sign 201 pending", "put 200 with ETag", "put again 412", "confirm 200 uploaded", "file ready"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


class FrontEnd:
    """A static site on a port of its own."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(FRONT)))
        self.origin = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def page(self, studio: Studio, token: str) -> str:
        return f"{self.origin}/?{urlencode({'api': studio.url})}#{urlencode({'token': token})}"


@pytest.fixture(scope="session")
def base_url() -> str:
    """Every address here is whole, so the studio of the other tests need not run."""
    return ""


@pytest.fixture(scope="module")
def front() -> Iterator[FrontEnd]:
    """The front end that `CORS_ORIGIN` names."""
    site = FrontEnd()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def stranger() -> Iterator[FrontEnd]:
    """The same pages at an origin that nobody named."""
    site = FrontEnd()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def store() -> Iterator[S3Process]:
    with S3Process() as running:
        yield running


@pytest.fixture(scope="module")
def s3_studio(store: S3Process, front: FrontEnd) -> Iterator[Studio]:
    """A studio whose files are in the stand-in of S3, configured as an operator would do it."""
    folder = Path(tempfile.mkdtemp(prefix="studio-s3-"))
    running = studios.start(folder, environment={**store.environment, "CORS_ORIGIN": front.origin})
    configured = running.manage("configure_buckets")
    assert configured.returncode == 0, configured.stdout + configured.stderr
    yield running
    running.stop()
    for log in (folder / "var" / "log").glob("*.log"):
        shutil.copy2(log, SHOTS / f"s3-{log.name}")
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def token(s3_studio: Studio) -> str:
    answer = requests.post(f"{s3_studio.url}/api/auth/login", json=s3_studio.login, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access"])


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A photograph of 900 x 600 points: a red half and a blue one."""
    image = Image.new("RGB", (900, 600), (200, 40, 40))
    image.paste((40, 60, 200), (450, 0, 900, 600))
    path = tmp_path / "holiday.jpg"
    image.save(path, "JPEG", quality=90)
    return path


def steps(page: Page) -> list[str]:
    return page.locator("#steps li").all_inner_texts()


def test_a_front_end_of_another_origin_uploads_and_shows(
    quiet: Page, watch: Watch, s3_studio: Studio, front: FrontEnd, token: str, picture: Path, store: S3Process
):
    watch.expected.append("412")  # the second PUT, on purpose
    asked: list[Request] = []
    quiet.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright marks what it is given
    before = store.control()["calls"]
    quiet.goto(front.page(s3_studio, token))
    quiet.get_by_label("Picture").set_input_files(picture)
    expect(quiet.locator("#outcome")).to_have_text("shown 320 x 213", timeout=READY_MS)
    shoot(quiet, "upload-from-another-origin")
    assert steps(quiet) == STEPS

    (sent, _) = [one for one in asked if one.method == "PUT"]
    headers = sent.all_headers()
    assert sent.url.startswith(f"{store.url}/studio-private/quarantine/")
    assert headers["origin"] == front.origin
    assert headers["if-none-match"] == "*"
    assert {"x-amz-checksum-sha256", "content-length"} <= headers.keys()
    assert "authorization" not in headers
    after = store.control()["calls"]
    assert after.get("OPTIONS 200", 0) > before.get("OPTIONS 200", 0)  # a real preflight

    shown = quiet.locator("#shown img").get_attribute("src")
    assert shown
    assert shown.startswith(f"{store.url}/studio-public/files/")
    thumbnail = requests.get(shown, timeout=5)
    assert (thumbnail.status_code, thumbnail.headers["Content-Type"]) == (200, "image/webp")
    assert thumbnail.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    left, _, right = (
        Image.open(io.BytesIO(thumbnail.content)).convert("RGB").getpixel((x, 100)) for x in (40, 160, 280)
    )
    assert left[0] > 150 > left[2]
    assert right[2] > 150 > right[0]


def test_an_origin_that_nobody_named_is_kept_out(
    page: Page, s3_studio: Studio, front: FrontEnd, stranger: FrontEnd, token: str, picture: Path, store: S3Process
):
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))
    page.goto(stranger.page(s3_studio, token))
    page.get_by_label("Picture").set_input_files(picture)
    expect(page.locator("#outcome")).to_have_text("failed: Failed to fetch", timeout=READY_MS)
    assert steps(page) == []  # not even signed: our API names no other origin either
    assert refused == [f"{s3_studio.url}/api/uploads/sign"]

    # With a URL that somebody signed for it, the store itself refuses the page.
    content = picture.read_bytes()
    signed = requests.post(
        f"{s3_studio.url}/api/uploads/sign",
        json={
            "purpose": "image",
            "filename": "a.jpg",
            "content_type": "image/jpeg",
            "size": len(content),
            "sha256": "0" * 64,
        },
        headers={"Authorization": f"Bearer {token}"},
        timeout=5,
    ).json()
    tried = page.evaluate(
        "upload => fetch(upload.url, {method: 'PUT', headers: upload.headers, body: 'x'})"
        ".then(answer => String(answer.status), error => error.message)",
        signed["upload"],
    )
    assert tried == "Failed to fetch"
    assert store.control()["calls"]["OPTIONS 403"] >= 1


def test_no_log_holds_a_signature(s3_studio: Studio):
    written = "".join(log.read_text(errors="replace") for log in (s3_studio.folder / "var" / "log").glob("*.log"))
    assert "/api/uploads/sign" in written
    assert "X-Amz-Signature=" not in written.replace("X-Amz-Signature=••••", "")


def test_the_live_check_is_content(s3_studio: Studio):
    tried = s3_studio.manage("doctor", "--live")
    assert "FAILED" not in tried.stdout
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "pages of strangers may not: refused" in tried.stdout
