"""Files that are made to hurt: announced sizes, wrong profiles, endless scans, and content in disguise."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script><image href='http://127.0.0.1:1/x'/></svg>"
HTML = b"<!doctype html><script>alert(1)</script>"
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><secret-place/></x:xmpmeta>"
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00" + b"<script>alert(1)</script>;"


def png_bomb(width: int, height: int) -> bytes:
    """A whole PNG of one bit a pixel, all black: 900 megapixels take 109 KB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return png(struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0), packed)


def png(header: bytes, packed: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks."""
    chunks = ((b"IHDR", header), *extra, (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def png_text_bomb() -> bytes:
    """A small PNG whose compressed comment unpacks to 100 MB."""
    comment = b"Comment\0\0" + zlib.compress(bytes(100_000_000), 9)
    return png(struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0), zlib.compress(b"\0\0"), (b"zTXt", comment))


def jpeg_bomb() -> bytes:
    """A small JPEG whose header says 65,500 x 65,500 pixels."""
    content = encoded(Image.new("RGB", (64, 64)), "JPEG")
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">HH", 65_500, 65_500) + content[place + 4 :]


def jpeg_of_many_scans(scans: int) -> bytes:
    """A progressive JPEG that has its last scan repeated: each one costs a pass over the whole picture."""
    content = encoded(Image.effect_noise((1500, 1500), 20).convert("RGB"), "JPEG", progressive=True, quality=5)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * scans + content[-2:]


def webp_bomb() -> bytes:
    """A WebP of a few bytes whose lossless header says 16,383 x 16,383 pixels."""
    bits = 16_382 | 16_382 << 14
    body = b"\x2f" + struct.pack("<I", bits) + bytes(16)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def animated(kind: str) -> bytes:
    """Two frames."""
    frames = [Image.new("RGB", (9, 9), color) for color in ("blue", "red")]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)


def polyglots() -> dict[str, bytes]:
    """Whole pictures that are something else too, from their end or from inside."""
    zipped = b"PK\x03\x04\x14\0\0\0\0\0evil.zip"
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", HTML.decode())
    image = Image.new("RGB", (40, 30), "teal")
    return {
        "jpeg": encoded(image, "JPEG", comment=HTML) + zipped + HTML + b"<?php system('id'); ?>",
        "png": encoded(image, "PNG", pnginfo=note) + zipped + HTML,
        "webp": encoded(image, "WEBP", xmp=HTML) + zipped + HTML,
    }


def telling(kind: str, orientation: int = 6) -> bytes:
    """A picture 60 x 40, red on its left, lying on its side, with a place, XMP, a profile and a comment."""
    image = Image.new("RGB", (60, 40), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 30, 40))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "secret-camera"
    exif.get_ifd(0x8825)[1] = "S"
    exif.get_ifd(0x8825)[2] = (1.0, 17.0, 11.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    if kind == "JPEG":
        options |= {"quality": 95, "comment": b"secret-comment", "xmp": XMP}
    elif kind == "PNG":
        note = PngImagePlugin.PngInfo()
        note.add_itxt("XML:com.adobe.xmp", XMP.decode())
        note.add_text("Author", "secret-author")
        options |= {"pnginfo": note}
    else:
        options |= {"xmp": XMP, "lossless": True}
    return encoded(image, kind, **options)


def swapped_profile() -> bytes:
    """A profile in which red and blue have changed places, so that ignoring it shows."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"tXYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"tXYZ", b"bXYZ", 1)
