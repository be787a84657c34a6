"""Turns hostile bytes into bytes of ours. Standard library and Pillow only: no Django, no settings, no network.

Run as a program it reads one JSON order from standard input, limits itself, and prints one JSON verdict. The server's
own imports call `decode` in their process.
"""

import base64
import io
import json
import resource
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps

FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
# Phones append further pictures to a JPEG; Pillow then calls it MPO, and its first frame is the photograph.
ACCEPTED = {"image/jpeg": {"JPEG", "MPO"}, "image/png": {"PNG"}, "image/webp": {"WEBP"}}
SAVE: dict[str, dict[str, Any]] = {
    "image/jpeg": {"quality": 88},  # progressive would hold all coefficients in memory
    "image/png": {"compress_level": 4},  # measured: as small as 6, the default, in 0.6 of its time
    "image/webp": {"quality": 88, "method": 2},  # 3 and above double the memory of large pictures
}
THUMBNAIL: dict[str, Any] = {"format": "WEBP", "quality": 78, "method": 4}
WEBP_MAX_SIDE = 16_383
BLUR_SIDE = 16
PALETTE_SIDE = 32
PALETTE_COLORS = 6
OPEN_FILES = 64
OUTPUT_BYTES = 200 * 1024 * 1024

PDF_HEAD = b"%PDF-"
PDF_TAIL = b"%%EOF"
PDF_TAIL_BYTES = 2048

REASON_UNREADABLE = "unreadable"
REASON_TYPE = "type_mismatch"
REASON_PIXELS = "too_many_pixels"
REASON_ANIMATED = "animated"
REASON_COSTLY = "too_costly"


class RefusedError(Exception):
    """The content cannot be accepted; the argument is the reason."""


@dataclass(frozen=True)
class Order:
    """What to decode: a file of `content_type`, and the folder for what comes out of it."""

    source: str
    target: str
    content_type: str
    max_pixels: int
    widths: Sequence[int]


@dataclass(frozen=True)
class Output:
    """A written file, by its name in the target folder."""

    name: str
    width: int
    height: int


@dataclass(frozen=True)
class Decoded:
    """What came out; a PDF has no size, colour or thumbnails."""

    original: str
    width: int | None = None
    height: int | None = None
    color: str = ""
    blur_data_url: str = ""
    thumbnails: tuple[Output, ...] = ()


def sniff(head: bytes) -> str:
    """Return the type that the first bytes show, one of the four that we accept, or nothing."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if head.startswith(PDF_HEAD) else ""


def decode(order: Order) -> Decoded:
    """Validate the source and write what may be served into the target folder. Raises `RefusedError`."""
    source, target = Path(order.source), Path(order.target)
    with source.open("rb") as stream:
        if sniff(stream.read(PDF_TAIL_BYTES)) != order.content_type:
            raise RefusedError(REASON_TYPE)
    if order.content_type not in FORMATS:
        return _check_pdf(source)
    try:
        return _decode_image(source, target, order)
    except RefusedError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RefusedError(REASON_PIXELS) from error
    except MemoryError as error:
        raise RefusedError(REASON_COSTLY) from error
    except Exception as error:  # Pillow's plugins raise whatever a broken file makes them stumble over
        raise RefusedError(REASON_UNREADABLE) from error


def _check_pdf(source: Path) -> Decoded:
    """A PDF is served as it is, for download only, so that it needs to be whole and no more."""
    with source.open("rb") as stream:
        stream.seek(max(0, source.stat().st_size - PDF_TAIL_BYTES))
        if PDF_TAIL not in stream.read():
            raise RefusedError(REASON_UNREADABLE)
    return Decoded(original=source.name)


def _decode_image(source: Path, target: Path, order: Order) -> Decoded:
    with source.open("rb") as stream:
        image = _upright(_open(stream, order))
    original = f"original.{EXTENSIONS[order.content_type]}"
    image.info = {}  # Pillow would write comments, profiles and XMP from here
    _flat(image, order.content_type).save(
        target / original, format=FORMATS[order.content_type], **SAVE[order.content_type]
    )
    small, outputs = image, []
    for width in sorted({min(width, image.width) for width in order.widths}, reverse=True):
        small = _resize(small, _size_at(image, width))
        small.save(target / f"{small.width}.webp", **THUMBNAIL)
        outputs.append(Output(f"{small.width}.webp", small.width, small.height))
    return Decoded(
        original=original,
        width=image.width,
        height=image.height,
        color=_dominant(small),
        blur_data_url=_blur(small),
        thumbnails=tuple(reversed(outputs)),
    )


def _open(stream: BinaryIO, order: Order) -> Image.Image:
    """Open and decode one frame, having looked at its dimensions first."""
    Image.MAX_IMAGE_PIXELS = order.max_pixels
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image: Image.Image = Image.open(stream, formats=tuple(FORMATS.values()))
    if image.format not in ACCEPTED[order.content_type]:
        raise RefusedError(REASON_TYPE)
    if image.width * image.height > order.max_pixels:
        raise RefusedError(REASON_PIXELS)
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise RefusedError(REASON_ANIMATED)
    image.load()
    if image.format == "WEBP":
        image = image.copy()  # its decoder keeps two canvases alive as long as the opened file
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Apply the orientation, then bring the colours into sRGB or sRGB with transparency."""
    ImageOps.exif_transpose(image, in_place=True)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16") or image.mode == "I":
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    transparent = image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info
    mode = "RGBA" if transparent else "RGB"
    if profile and image.mode in {"RGB", "RGBA", "CMYK"}:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a broken profile: the numbers are shown as they are
        image = converted or image
    return image if image.mode == mode else image.convert(mode)


def _flat(image: Image.Image, content_type: str) -> Image.Image:
    """JPEG has no transparency, and none came in with one."""
    return image.convert("RGB") if content_type == "image/jpeg" and image.mode != "RGB" else image


def _size_at(image: Image.Image, width: int) -> tuple[int, int]:
    """The size at this width, or at the greatest height that WebP can hold."""
    height = max(1, round(image.height * width / image.width))
    if height > WEBP_MAX_SIDE:
        return max(1, round(image.width * WEBP_MAX_SIDE / image.height)), WEBP_MAX_SIDE
    return width, height


def _resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _dominant(image: Image.Image) -> str:
    """The most frequent of a few colours, as #rrggbb; transparent parts count as white."""
    small = image.convert("RGBA").resize((PALETTE_SIDE, PALETTE_SIDE), Image.Resampling.BOX)
    flat = Image.new("RGBA", small.size, "white")
    flat.alpha_composite(small)
    reduced = flat.convert("RGB").quantize(PALETTE_COLORS)
    counts = reduced.histogram()
    index = counts.index(max(counts))
    red, green, blue = (reduced.getpalette() or [255, 255, 255])[index * 3 : index * 3 + 3]
    return f"#{red:02x}{green:02x}{blue:02x}"


def _blur(image: Image.Image) -> str:
    """A picture of a few pixels as a data URL, to be stretched while the real one loads."""
    scale = BLUR_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.BOX).save(buffer, format="WEBP", quality=40)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _limit(memory_bytes: int, seconds: int) -> None:
    """Give this process less than the machine has; it can never take the limits back."""
    # At the hard limit of time comes a SIGKILL, which nobody can tell from the machine's: SIGXCPU has to be first.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def main() -> None:
    """Read the order, obey it, print `{"decoded": …}` or `{"refused": reason}`."""
    message = json.load(sys.stdin)
    _limit(message["memory_bytes"], message["seconds"])
    try:
        verdict: dict[str, Any] = {"decoded": asdict(decode(Order(**message["order"])))}
    except RefusedError as refusal:
        verdict = {"refused": str(refusal)}
    sys.stdout.write(json.dumps(verdict))


if __name__ == "__main__":
    main()
