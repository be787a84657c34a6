"""Hostile files, one by one: what each may cost, and what comes out of those that are pictures all the same."""

import io
import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from jobs.testing import run_due
from uploads import decode as decode_module
from uploads import decoding
from uploads.constants import MEGABYTE, THUMBNAIL_WIDTHS, Bucket
from uploads.decode import Order, RefusedError, decode
from uploads.decoding import decode_apart
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests import hostile
from uploads.tests.factories import path_of, pdf, picture, put, sign, staff_client, waiting

MAX_PIXELS = 25_000_000
MARKS = (
    b"secret",
    b"<script",
    b"<?php",
    b"PK\x03\x04",
    b"GPS",
    b"Exif\0\0",
    b"xmpmeta",
    b"ICC_PROFILE",
    b"iCCP",
    b"EXIF",
)
RUN_AND_WEIGH = (
    f"import re, runpy, sys; runpy.run_path({decode_module.__file__!r}, run_name='__main__');"
    "sys.stderr.write(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
)


def order(folder: Path, content: bytes, content_type: str) -> Order:
    source = folder / "source"
    source.write_bytes(content)
    return Order(str(source), str(folder), content_type, MAX_PIXELS, THUMBNAIL_WIDTHS)


def weighed(folder: Path, content: bytes, content_type: str) -> tuple[dict[str, Any], int, float]:
    """What the child answers, its peak in bytes, and the seconds from its start to its end."""
    message = {
        "order": asdict(order(folder, content, content_type)),
        "memory_bytes": decoding.DECODE_MEMORY_BYTES,
        "seconds": decoding.DECODE_CPU_SECONDS,
    }
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", RUN_AND_WEIGH],
        input=json.dumps(message),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(ran.stdout), int(ran.stderr) * 1024, time.perf_counter() - began


def refused(folder: Path, content: bytes, content_type: str) -> str:
    with pytest.raises(RefusedError) as caught:
        decode_apart(order(folder, content, content_type))
    assert sorted(path.name for path in folder.iterdir()) == ["source"], "nothing is left of a refused file"
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "make", "content_type", "most_bytes"),
    [
        ("PNG of 900 megapixels", lambda: hostile.png_bomb(30_000, 30_000), "image/png", 110_000),
        ("PNG of 182 megapixels", lambda: hostile.png_bomb(14_000, 13_000), "image/png", 23_000),
        ("PNG of 26 megapixels", lambda: hostile.png_bomb(6500, 4000), "image/png", 5000),
        ("JPEG of 4,290 megapixels", hostile.jpeg_bomb, "image/jpeg", 1000),
        ("WebP of 268 megapixels", hostile.webp_bomb, "image/webp", 100),
    ],
)
def test_a_bomb_of_pixels_is_cheap(
    tmp_path: Path, name: str, make: Callable[[], bytes], content_type: str, most_bytes: int
) -> None:
    content = make()
    assert len(content) < most_bytes
    answer, peak, seconds = weighed(tmp_path, content, content_type)
    sys.stdout.write(f"{name}, {len(content):,} bytes: {peak / 1e6:.0f} MB, {seconds:.2f} s with the child's start\n")
    assert answer == {"refused": "too_many_pixels"}
    assert peak < 200_000_000


def test_a_bomb_in_a_comment_is_cheap(tmp_path: Path) -> None:
    answer, peak, _ = weighed(tmp_path, hostile.png_text_bomb(), "image/png")
    assert answer == {"refused": "unreadable"}
    assert peak < 100_000_000


def test_a_picture_that_takes_for_ever_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "DECODE_CPU_SECONDS", 1)
    assert refused(tmp_path, hostile.jpeg_of_many_scans(9000), "image/jpeg") == "too_costly"


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (hostile.animated("PNG"), "image/png", "animated"),
        (hostile.animated("WEBP"), "image/webp", "animated"),
        (hostile.animated("GIF"), "image/png", "type_mismatch"),
        (hostile.GIF, "image/png", "type_mismatch"),
        (hostile.SVG, "image/png", "type_mismatch"),
        (b"\x89PNG\r\n\x1a\n" + hostile.SVG, "image/png", "unreadable"),
        (hostile.HTML, "image/png", "type_mismatch"),
        (b"RIFF\x20\0\0\0WEBP" + hostile.HTML, "image/webp", "unreadable"),
        (b"\xff\xd8\xff" + hostile.HTML, "image/jpeg", "unreadable"),
        (b"", "image/png", "type_mismatch"),
        (b"\n" + pdf(), "application/pdf", "type_mismatch"),
        (hostile.HTML + pdf(), "application/pdf", "type_mismatch"),
        (pdf()[:20], "application/pdf", "unreadable"),
        (picture(kind="JPEG"), "image/webp", "type_mismatch"),
    ],
)
def test_what_is_no_picture_of_its_type_is_refused(
    tmp_path: Path, content: bytes, content_type: str, reason: str
) -> None:
    assert refused(tmp_path, content, content_type) == reason


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_a_truncated_picture_is_unreadable(tmp_path: Path, kind: str, part: float) -> None:
    whole = hostile.encoded(Image.effect_noise((300, 200), 60).convert("RGB"), kind)
    assert refused(tmp_path, whole[: int(len(whole) * part)], f"image/{kind.lower()}") == "unreadable"


def shown(folder: Path, content: bytes, kind: str, place: tuple[int, int] = (5, 5)) -> Any:
    """A pixel of what is served instead of these bytes."""
    done = decode(order(folder, content, f"image/{kind.lower()}"))
    with Image.open(folder / done.original) as image:
        assert image.size == (done.width, done.height)
        return image.getpixel(place)


def sixteen_bits() -> bytes:
    row = b"\0" + struct.pack(">HHH", 65_535, 32_768, 0) * 40
    return hostile.png(struct.pack(">IIBBBBB", 40, 30, 16, 2, 0, 0, 0), zlib.compress(row * 30))


def palette(**options: Any) -> bytes:
    image = Image.new("P", (40, 30), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    return hostile.encoded(image, "PNG", **options)


@pytest.mark.parametrize(
    ("make", "kind", "pixel"),
    [
        (lambda: hostile.encoded(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG"), "JPEG", (254, 0, 0)),
        (lambda: hostile.encoded(Image.new("L", (40, 30), 77), "JPEG"), "JPEG", (77, 77, 77)),
        (palette, "PNG", (10, 200, 30)),
        (lambda: palette(transparency=1), "PNG", (10, 200, 30, 0)),
        (lambda: hostile.encoded(Image.new("I;16", (40, 30), 32_768), "PNG"), "PNG", (128, 128, 128)),
        (sixteen_bits, "PNG", (255, 128, 0)),
        (lambda: hostile.encoded(Image.new("LA", (40, 30), (100, 0)), "PNG"), "PNG", (100, 100, 100, 0)),
        (lambda: hostile.encoded(Image.new("1", (40, 30), 1), "PNG"), "PNG", (255, 255, 255)),
        (lambda: picture(color=(1, 2, 3, 128)), "PNG", (1, 2, 3, 128)),
        (
            lambda: hostile.encoded(Image.new("RGB", (40, 30), "red"), "PNG", icc_profile=hostile.swapped_profile()),
            "PNG",
            (0, 0, 255),
        ),
        (
            lambda: hostile.encoded(Image.new("RGB", (40, 30), "red"), "PNG", icc_profile=b"broken" * 40),
            "PNG",
            (255, 0, 0),
        ),
    ],
    ids=["CMYK", "grey JPEG", "palette", "transparent palette", "16-bit grey", "16-bit colour", "grey with alpha",
         "one bit", "alpha", "ICC applied", "ICC broken"],
)  # fmt: skip
def test_every_kind_of_pixel_is_shown_as_it_was_meant(
    tmp_path: Path, make: Callable[[], bytes], kind: str, pixel: tuple[int, ...]
) -> None:
    assert shown(tmp_path, make(), kind) == pixel


def test_the_smallest_picture(tmp_path: Path) -> None:
    content = hostile.encoded(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")
    assert shown(tmp_path, content, "PNG", (0, 0)) == (1, 2, 3)
    with Image.open(tmp_path / "1.webp") as thumbnail:
        assert thumbnail.size == (1, 1)


# --- through the job, in every object that is served ------------------------------------------------------------------


def served(store: LocalStorage, file: File) -> dict[str, bytes]:
    run_due()
    file.refresh_from_db()
    assert (file.state, file.reason) == ("ready", "")
    keys = [info.key for info in store.list(Bucket.PUBLIC, "", limit=100)]
    assert sorted(keys) == sorted({file.clean_key, *(one["key"] for one in file.thumbnails)})
    return {key: store.path(Bucket.PUBLIC, key).read_bytes() for key in keys}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_stands_upright_and_tells_nothing(store: LocalStorage, kind: str) -> None:
    content = hostile.telling(kind)
    assert b"secret" in content
    objects = served(store, waiting(content, declared_type=f"image/{kind.lower()}"))
    assert len(objects) == 2
    for key, body in objects.items():
        assert [mark for mark in MARKS if mark in body] == [], key
        with Image.open(io.BytesIO(body)) as image:
            assert image.size == (40, 60)
            assert dict(image.getexif()) == {}
            assert not {"exif", "xmp", "icc_profile", "comment", "Author", "XML:com.adobe.xmp"} & set(image.info)
            red, _, blue = image.convert("RGB").getpixel((20, 5))  # type: ignore[misc]
            assert red > 200 > 60 > blue, "what lay on the left is on top"


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "content"), hostile.polyglots().items())
def test_a_polyglot_comes_out_clean(store: LocalStorage, name: str, content: bytes) -> None:
    assert b"PK\x03\x04" in content
    for key, body in served(store, waiting(content, declared_type=f"image/{name}")).items():
        assert [mark for mark in MARKS if mark in body] == [], key


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "reason"),
    [(hostile.png_bomb(30_000, 30_000), "too_many_pixels"), (hostile.animated("PNG"), "animated")],
)
def test_a_refused_file_leaves_nothing_in_any_bucket(store: LocalStorage, content: bytes, reason: str) -> None:
    file = waiting(content)
    run_due()
    file.refresh_from_db()
    assert (file.state, file.reason, file.observed_size) == ("rejected", reason, len(content))
    assert [store.list(bucket, "", limit=9) for bucket in Bucket] == [[], []]


@pytest.mark.django_db
@pytest.mark.parametrize("content", [hostile.HTML, hostile.SVG, hostile.animated("GIF")])
def test_what_is_only_named_png_is_refused_at_confirm(store: LocalStorage, content: bytes) -> None:
    client = staff_client()
    signed = sign(client, content, filename="page.png", content_type="image/png")
    put(signed["upload"], content)
    answer = client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "type_mismatch")
    assert [store.list(bucket, "", limit=9) for bucket in Bucket] == [[], []]


@pytest.mark.django_db
def test_a_pdf_is_served_as_it_was_hashed_and_only_downloads(store: LocalStorage) -> None:
    content = pdf()
    file = waiting(content, declared_type="application/pdf", purpose="document")
    run_due()
    file.refresh_from_db()
    assert file.state == "ready"
    assert store.path(Bucket.PRIVATE, file.clean_key).read_bytes() == content
    assert store.list(Bucket.PUBLIC, "", limit=9) == []
    answer = staff_client().get(f"/api/files/{file.pk}/download")
    download = Client().get(path_of(answer["Location"]))
    assert b"".join(download.streaming_content) == content  # type: ignore[attr-defined]
    download.close()
    assert download["Content-Disposition"] == "attachment; filename*=UTF-8''holiday.png.pdf"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("quote.hta", "quote.hta.pdf"),
        ("quote.pdf.html", "quote.pdf.html.pdf"),
        ("quote.PDF", "quote.PDF"),
        ("quote", "quote.pdf"),
    ],
)
def test_a_pdf_that_is_a_page_too_is_not_downloaded_under_a_pages_name(
    store: LocalStorage, name: str, served: str
) -> None:
    file = waiting(pdf() + b"<script>alert(1)</script>", name=name, declared_type="application/pdf", purpose="document")
    run_due()
    answer = staff_client().get(f"/api/files/{file.pk}/download")
    download = Client().get(path_of(answer["Location"]))
    assert download["Content-Disposition"] == f"attachment; filename*=UTF-8''{served}"
    download.close()


def test_a_large_picture_fits_into_the_childs_memory(tmp_path: Path) -> None:
    content = hostile.encoded(Image.effect_noise((600, 400), 40).convert("RGB").resize((6000, 4000)), "JPEG")
    answer, peak, seconds = weighed(tmp_path, content, "image/jpeg")
    sys.stdout.write(f"JPEG of 24 megapixels: {peak / 1e6:.0f} MB, {seconds:.2f} s\n")
    assert [one["width"] for one in answer["decoded"]["thumbnails"]] == [320, 800, 1600]
    assert peak < 200 * MEGABYTE
