"""Pillow alone, as a program: the pictures that `uploads.decode` makes, by the shortest code that makes them."""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image, ImageOps

SIDES = (6000, 4000)
GRAIN = 10
WIDTHS = (1600, 800, 320)
SUFFIXES = {"JPEG": "jpg", "PNG": "png"}
SAVE = {"JPEG": {"quality": 88}, "PNG": {"compress_level": 4}}


def make_sources(folder: Path) -> dict[str, Path]:
    """A picture of 24 megapixels in each format: noise with soft edges, as large as a camera's and under 25 MB."""
    small = Image.merge("RGB", [Image.effect_noise((SIDES[0] // GRAIN, SIDES[1] // GRAIN), 60) for _ in range(3)])
    picture = small.resize(SIDES, Image.Resampling.BICUBIC)
    sources = {kind: folder / f"source.{suffix}" for kind, suffix in SUFFIXES.items()}
    for kind, path in sources.items():
        picture.save(path, format=kind)
    return sources


def make(source: Path, kind: str, target: Path) -> None:
    """The whole picture again, upright and without what it tells, and the thumbnails."""
    with Image.open(source) as opened:
        picture = ImageOps.exif_transpose(opened).convert("RGB")
    picture.info = {}
    picture.save(target / f"original.{SUFFIXES[kind]}", format=kind, **SAVE[kind])
    for width in WIDTHS:
        height = round(picture.height * width / picture.width)
        small = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        small.save(target / f"{width}.webp", format="WEBP", quality=78, method=4)


def main(source: str, kind: str) -> None:
    """Print the seconds that it takes."""
    with TemporaryDirectory(prefix="bench-pillow-") as folder:
        began = time.perf_counter()
        make(Path(source), kind, Path(folder))
        print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
