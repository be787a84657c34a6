"""Abstract pictures, drawn from a name: the same name is always the same picture.

Everything is drawn at twice its size and reduced, which is Pillow's way to smooth edges.
"""

import math
from collections.abc import Callable
from io import BytesIO
from random import Random

from PIL import Image, ImageDraw

SIZE = (1280, 720)
PORTRAIT_SIDE = 480
SCALE = 2
QUALITY = 88
SLANTED_ROOFS = 0.3

Colour = tuple[int, int, int]
Palette = tuple[Colour, ...]  # from the darkest to the lightest; the last but one is the accent
Composition = Callable[[Random, Palette], Image.Image]


def _hex(*codes: str) -> Palette:
    return tuple((int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)) for code in codes)


PALETTES: dict[str, Palette] = {
    "murram": _hex("2a1712", "6b2a16", "a8431d", "d9763f", "f2b48a", "f8e6d2"),
    "highland": _hex("10231d", "1f4535", "3c6e52", "7ba37c", "e0a84a", "eee9d2"),
    "lake": _hex("0e2233", "1c4560", "2f7390", "79b0bd", "f0a868", "f1ead9"),
    "dusk": _hex("221528", "4b2748", "86405c", "c8685c", "f3a65a", "f9e4c4"),
    "savanna": _hex("2b2113", "5d4620", "937032", "c79f4f", "b5482a", "f5ead0"),
    "jacaranda": _hex("1c1a38", "38346b", "635b9f", "a195c9", "f0b37e", "efe8ee"),
}


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies `share` (0..1) of the way from one to the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def cover(name: str, *, palette: str = "", composition: str = "") -> bytes:
    """A JPEG of 1280 by 720 pixels for `name`; palette and composition are chosen by the name unless given."""
    random = Random(name)  # noqa: S311 - a picture, not a secret
    colours = PALETTES[palette or random.choice(sorted(PALETTES))]
    draw = COMPOSITIONS[composition or random.choice(sorted(COMPOSITIONS))]
    return _jpeg(draw(random, colours).reduce(SCALE))


def portrait(name: str, *, palette: str = "", hair: str = "") -> bytes:
    """A square JPEG of 480 pixels: a head and shoulders before a coloured ground; `hair` is a key of HAIR."""
    random = Random(name)  # noqa: S311 - a picture, not a secret
    colours = PALETTES[palette or random.choice(sorted(PALETTES))]
    side = PORTRAIT_SIDE * SCALE
    picture = gradient((side, side), colours[4], colours[3])
    pencil = ImageDraw.Draw(picture)
    centre, top, head = side / 2, side * 0.40, side * random.uniform(0.15, 0.17)
    skin, dark, shirt = mix(colours[1], colours[2], random.random()), colours[0], random.choice(colours[1:3])
    _hair(pencil, hair or random.choice(sorted(HAIR)), (centre, top, head), dark)
    shoulders, neck = side * random.uniform(0.31, 0.35), head * 0.48
    pencil.ellipse((centre - shoulders, side * 0.70, centre + shoulders, side * 1.35), fill=shirt)
    pencil.rounded_rectangle((centre - neck, top, centre + neck, side * 0.75), radius=neck, fill=mix(skin, dark, 0.18))
    face = (centre - head, top - head * 1.15, centre + head, top + head * 1.2)
    pencil.ellipse(face, fill=skin)
    pencil.chord(face, 196, 344, fill=dark)
    return _jpeg(picture.reduce(SCALE))


# How far the hair reaches beyond the head, how far it falls, and whether it is tied up.
HAIR = {"close": (1.04, 0.1, False), "round": (1.38, 0.35, False), "long": (1.2, 1.7, False), "bun": (1.08, 0.3, True)}


def _hair(pencil: ImageDraw.ImageDraw, kind: str, place: tuple[float, float, float], colour: Colour) -> None:
    centre, top, head = place
    reach, drop, tied = HAIR[kind]
    box = (centre - head * reach, top - head * (reach + 0.15), centre + head * reach, top + head * (drop + 0.6))
    pencil.rounded_rectangle(box, radius=head * reach, fill=colour)
    if tied:
        pencil.ellipse((centre - head * 0.5, top - head * 1.95, centre + head * 0.5, top - head * 0.95), fill=colour)


def gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    """A picture that fades from one colour down to another."""
    ramp = Image.linear_gradient("L").resize(size, Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp)


def _canvas(top: Colour, bottom: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw, int, int]:
    width, height = SIZE[0] * SCALE, SIZE[1] * SCALE
    picture = gradient((width, height), top, bottom)
    return picture, ImageDraw.Draw(picture), width, height


def _jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, subsampling=0)
    return file.getvalue()


def _disc(pencil: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    x, y = centre
    pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def ridges(random: Random, colours: Palette) -> Image.Image:
    """Hills behind hills under a low sun."""
    picture, pencil, width, height = _canvas(mix(colours[5], colours[4], 0.15), mix(colours[5], colours[4], 0.75))
    sun = width * random.uniform(0.2, 0.8), height * random.uniform(0.24, 0.4)
    _disc(pencil, sun, height * random.uniform(0.11, 0.19), mix(colours[4], colours[5], 0.25))
    layers = random.randint(5, 6)
    for layer in range(layers):
        share = layer / (layers - 1)
        level = height * (0.42 + 0.44 * share)
        waves = [
            (random.uniform(0.6, 1.6) * number, random.uniform(0, math.tau), height * 0.085 / number)
            for number in range(1, 5)
        ]
        outline = [
            (x, level + sum(tall * math.sin(math.tau * often * x / width + start) for often, start, tall in waves))
            for x in range(0, width + 1, 16)
        ]
        colour = mix(mix(colours[3], colours[4], 0.35), colours[0], share**0.9)
        pencil.polygon([*outline, (width, height), (0, height)], fill=colour)
    return picture


def arcs(random: Random, colours: Palette) -> Image.Image:
    """Tiles of quarter circles, discs and half discs."""
    picture, pencil, width, height = _canvas(colours[5], colours[5])
    side = height // 3
    across = width // side + 1
    for row in range(3):
        for column in range(across):
            x, y = column * side, row * side
            ground, figure, inner = random.sample(colours, 3)
            pencil.rectangle((x, y, x + side, y + side), fill=ground)
            corner = random.choice(((x, y), (x - side, y), (x, y - side), (x - side, y - side)))
            for share, colour in ((1.0, figure), (0.62, inner), (0.26, ground)):
                rest = side * (1 - share)
                box = (corner[0] + rest, corner[1] + rest, corner[0] + 2 * side - rest, corner[1] + 2 * side - rest)
                tile = Image.new("L", (side, side), 0)
                ImageDraw.Draw(tile).ellipse((box[0] - x, box[1] - y, box[2] - x, box[3] - y), fill=255)
                picture.paste(colour, (x, y), tile)
    return picture


def strata(random: Random, colours: Palette) -> Image.Image:
    """Bands of earth, cut open."""
    picture, pencil, width, height = _canvas(colours[5], colours[4])
    tilt, swell = random.uniform(-0.16, 0.16), random.uniform(0.03, 0.08)
    start, bands = random.uniform(0, math.tau), random.randint(9, 12)
    for band in range(1, bands):
        level = height * (band / bands) ** 1.12
        colour = mix(colours[random.choice((1, 2, 2, 3, 3, 4))], colours[0], band / bands * 0.55)
        phase = start + band * 0.32
        outline = [
            (x, level + height * (tilt * (x / width - 0.5) + swell * math.sin(2.6 * x / width + phase)))
            for x in range(0, width + 1, 20)
        ]
        pencil.polygon([*outline, (width, height * 1.3), (0, height * 1.3)], fill=colour)
    return picture


def orbits(random: Random, colours: Palette) -> Image.Image:
    """Rings and bodies around a point outside the middle."""
    picture, pencil, width, height = _canvas(mix(colours[0], colours[1], 0.25), colours[1])
    x, y = width * random.uniform(0.3, 0.7), height * random.uniform(0.4, 0.6)
    for ring in range(9, 0, -1):
        radius = height * 0.105 * ring
        _disc(pencil, (x, y), radius, mix(colours[2], colours[0], ring / 9.5))
        angle, size = random.uniform(0, math.tau), height * random.uniform(0.012, 0.045)
        centre = x + radius * math.cos(angle), y + radius * math.sin(angle)
        _disc(pencil, centre, size, random.choice((colours[3], colours[4], colours[5])))
    _disc(pencil, (x, y), height * 0.085, colours[4])
    return picture


# Corners in shares of a cell: a triangle that points up, one that points down, a diamond, an empty row.
WOVEN: tuple[tuple[tuple[float, float], ...], ...] = (
    ((0, 1), (0.5, 0), (1, 1)),
    ((0, 0), (0.5, 1), (1, 0)),
    ((0, 0.5), (0.5, 0), (1, 0.5), (0.5, 1)),
    (),
)


def weave(random: Random, colours: Palette) -> Image.Image:
    """Rows of triangles and diamonds, as on a kiondo basket."""
    picture, pencil, width, height = _canvas(colours[5], colours[5])
    y = 0.0
    while y < height:
        tall = height * random.choice((0.05, 0.09, 0.14, 0.2))
        ground, figure = random.sample(colours, 2)
        pencil.rectangle((0, y, width, y + tall), fill=ground)
        step = tall * random.choice((0.9, 1.1, 1.5))
        shape = random.choice(WOVEN)
        for number in range(int(width / step) + 2 if shape else 0):
            x = (number - 0.5) * step
            pencil.polygon([(x + step * across, y + tall * down) for across, down in shape], fill=figure)
        y += tall
    return picture


def skyline(random: Random, colours: Palette) -> Image.Image:
    """Blocks of a town in the late light."""
    picture, pencil, width, height = _canvas(mix(colours[5], colours[4], 0.1), mix(colours[4], colours[5], 0.3))
    _disc(pencil, (width * random.uniform(0.25, 0.75), height * 0.42), height * 0.2, colours[4])
    for layer, (low, high) in enumerate(((0.34, 0.6), (0.48, 0.72), (0.64, 0.86))):
        left = -width * random.uniform(0.0, 0.05)
        while left < width:
            wide = width * random.uniform(0.035, 0.1)
            roof = height * random.uniform(low, high)
            colour = mix(colours[3 - layer], colours[max(0, 2 - layer)], random.uniform(0, 0.7))
            pencil.rectangle((left, roof, left + wide, height), fill=colour)
            if random.random() < SLANTED_ROOFS:
                pencil.polygon([(left, roof), (left + wide, roof), (left + wide, roof - wide * 0.35)], fill=colour)
            left += wide * random.uniform(0.92, 1.08)
    return picture


COMPOSITIONS: dict[str, Composition] = {
    "ridges": ridges,
    "arcs": arcs,
    "strata": strata,
    "orbits": orbits,
    "weave": weave,
    "skyline": skyline,
}
