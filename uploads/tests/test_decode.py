"""Hostile and honest pictures, in the child process and out of it."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from uploads import decode as decode_module
from uploads import decoding
from uploads.decode import Decoded, Order, RefusedError, decode, sniff
from uploads.decoding import DecoderCrashedError, decode_apart
from uploads.tests.factories import pdf, photograph, picture

WIDTHS = (320, 800, 1600)


def order(folder: Path, content: bytes, content_type: str) -> Order:
    source = folder / "source"
    source.write_bytes(content)
    return Order(str(source), str(folder), content_type, 25_000_000, WIDTHS)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def refused(folder: Path, content: bytes, content_type: str = "image/png") -> str:
    with pytest.raises(RefusedError) as caught:
        decode(order(folder, content, content_type))
    assert not list(folder.glob("*.webp")), "a refused picture leaves no thumbnail"
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture(kind="JPEG"), "image/jpeg"),
        (picture(kind="PNG"), "image/png"),
        (picture(kind="WEBP"), "image/webp"),
        (pdf(), "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", ""),
        (b"<!doctype html>", ""),
        (b"GIF89a", ""),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell_the_type(content: bytes, kind: str) -> None:
    assert sniff(content) == kind


def test_thumbnails_are_never_wider_than_the_picture(tmp_path: Path) -> None:
    done = decode(order(tmp_path, picture((1000, 500)), "image/png"))
    assert [(t.name, t.width, t.height) for t in done.thumbnails] == [
        ("320.webp", 320, 160),
        ("800.webp", 800, 400),
        ("1000.webp", 1000, 500),
    ]
    assert [size_of(tmp_path / t.name) for t in done.thumbnails] == [(320, 160), (800, 400), (1000, 500)]
    assert (done.width, done.height, done.original) == (1000, 500, "original.png")
    small = decode(order(tmp_path, picture((40, 30)), "image/png"))
    assert [(t.width, t.height) for t in small.thumbnails] == [(40, 30)]


def test_a_picture_has_a_colour_and_a_blur(tmp_path: Path) -> None:
    done = decode(order(tmp_path, picture((400, 300), color=(200, 30, 30)), "image/png"))
    assert re.fullmatch(r"#c[6-9a]1[c-f]1[c-f]", done.color), done.color
    assert done.blur_data_url.startswith("data:image/webp;base64,UklGR")
    assert len(done.blur_data_url) < 400


def test_a_photograph_stands_upright_and_tells_nothing(tmp_path: Path) -> None:
    done = decode(order(tmp_path, photograph(), "image/jpeg"))
    assert (done.width, done.height) == (40, 60)
    for name in (done.original, *(t.name for t in done.thumbnails)):
        served = Image.open(tmp_path / name)
        assert dict(served.getexif()) == {}
        assert not {"exif", "xmp", "icc_profile", "comment"} & set(served.info)
        red, _, blue = served.convert("RGB").getpixel((20, 5))
        assert red > 200 > 60 > blue, "what lay on the left is on top"
        assert b"shot at home" not in (tmp_path / name).read_bytes()


def test_transparency_survives(tmp_path: Path) -> None:
    decode(order(tmp_path, picture((40, 30), color=(0, 0, 0, 0)), "image/png"))
    with Image.open(tmp_path / "40.webp") as thumbnail:
        assert thumbnail.getpixel((1, 1))[3] == 0


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16"])
def test_other_modes_are_shown_too(tmp_path: Path, mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (40, 30)).save(buffer, format="PNG")
    assert decode(order(tmp_path, buffer.getvalue(), "image/png")).width == 40


def test_a_very_tall_picture_fits_into_webp(tmp_path: Path) -> None:
    done = decode(order(tmp_path, picture((10, 20_000)), "image/png"))
    assert [(t.width, t.height) for t in done.thumbnails] == [(8, 16_383)]


def test_other_refusals(tmp_path: Path) -> None:
    frames = io.BytesIO()
    Image.new("RGB", (9, 9)).save(frames, "WEBP", save_all=True, append_images=[Image.new("RGB", (9, 9), "red")])
    assert refused(tmp_path, frames.getvalue(), "image/webp") == "animated"
    assert refused(tmp_path, picture(kind="JPEG"), "image/png") == "type_mismatch"
    assert refused(tmp_path, b"<svg/>") == "type_mismatch"
    assert refused(tmp_path, b"\x89PNG\r\n\x1a\n<svg/>") == "unreadable"
    assert refused(tmp_path, b"%PDF-1.7 and nothing more", "application/pdf") == "unreadable"


def test_between_one_and_two_times_the_limit_is_refused_too(tmp_path: Path) -> None:
    over = Order(
        str(order(tmp_path, picture((100, 100)), "image/png").source), str(tmp_path), "image/png", 9_999, WIDTHS
    )
    with pytest.raises(RefusedError, match="too_many_pixels"):
        decode(over)


def test_a_pdf_is_kept_as_it_is(tmp_path: Path) -> None:
    assert decode(order(tmp_path, pdf(), "application/pdf")) == Decoded(original="source")


def test_the_child_says_what_the_function_says(tmp_path: Path) -> None:
    wanted = order(tmp_path, picture((400, 300)), "image/png")
    assert decode_apart(wanted) == decode(wanted)
    with pytest.raises(RefusedError, match="unreadable"):
        decode_apart(order(tmp_path, b"\x89PNG\r\n\x1a\nx", "image/png"))


def test_the_child_cannot_take_more_memory_than_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = order(tmp_path, picture((5000, 4900)), "image/png")
    monkeypatch.setattr(decoding, "DECODE_MEMORY_BYTES", 150 * 1024 * 1024)
    with pytest.raises(RefusedError, match="too_costly"):
        decode_apart(wanted)


def test_a_child_that_is_kept_waiting_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(30)")
    monkeypatch.setattr(decoding, "PROGRAM", slow)
    monkeypatch.setattr(decoding, "DECODE_SECONDS", 0.3)
    with pytest.raises(DecoderCrashedError):
        decode_apart(order(tmp_path, picture(), "image/png"))


def test_a_child_that_dies_by_itself_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit(3)")
    monkeypatch.setattr(decoding, "PROGRAM", broken)
    with pytest.raises(DecoderCrashedError):
        decode_apart(order(tmp_path, picture(), "image/png"))


def test_the_child_imports_neither_django_nor_the_project() -> None:
    script = (
        f"import runpy, sys; runpy.run_path({decode_module.__file__!r});"
        "print('django' in sys.modules, 'uploads' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False False"
