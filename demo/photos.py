"""Photos for the demo, drawn: a mouldy wall, trees on a roof, a bracket without its boiler, a front, and how they are
afterwards. JPEG with EXIF capture time and position.

The same subject and seed give the same bytes (with the same Pillow), so that a photo sent again has the same digest.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import Any

from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

WIDTH_PX, HEIGHT_PX = 1600, 1200
QUALITY = 82
GRAIN = 22
"""How strongly the grain of the sensor shows, in shades of 256."""

Colour = tuple[int, int, int]
Canvas = ImageDraw.ImageDraw


@dataclass(frozen=True, slots=True)
class Shot:
    """What to draw and where and when it was taken. ``taken_at`` has the time zone of the phone; the position is CRS84 degrees."""

    subject: str
    seed: str
    taken_at: datetime
    longitude: float
    latitude: float


def jpeg(shot: Shot) -> bytes:
    """The bytes of the file as the phone would send it."""
    random = Random(shot.seed)
    image = SUBJECTS[shot.subject](random)
    file = io.BytesIO()
    _with_grain(image, random).save(file, "JPEG", quality=QUALITY, exif=_exif(shot))
    return file.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Demo"
    exif[ExifTags.Base.Model] = "Demo"
    exif[ExifTags.Base.ImageDescription] = f"Drawn, not photographed: {shot.subject}"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = shot.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    details[ExifTags.Base.OffsetTimeOriginal] = shot.taken_at.isoformat()[-6:]
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLatitude] = "N", _degrees_minutes_seconds(shot.latitude)
    gps[ExifTags.GPS.GPSLongitudeRef], gps[ExifTags.GPS.GPSLongitude] = "E", _degrees_minutes_seconds(shot.longitude)
    return exif


def _degrees_minutes_seconds(degrees: float) -> tuple[float, float, float]:
    minutes = degrees % 1 * 60
    return float(int(degrees)), float(int(minutes)), round(minutes % 1 * 60, 3)


def _with_grain(image: Image.Image, random: Random) -> Image.Image:
    noise = Image.frombytes("L", image.size, random.randbytes(WIDTH_PX * HEIGHT_PX)).filter(ImageFilter.GaussianBlur(1))
    faint = noise.point([128 + (shade - 128) * GRAIN // 64 for shade in range(256)])
    return ImageChops.overlay(image, Image.merge("RGB", (faint, faint, faint)))


def _wall(random: Random, *, mouldy: bool) -> Image.Image:
    image, canvas = _canvas((214, 205, 188))
    canvas.rectangle((0, 1090, WIDTH_PX, HEIGHT_PX), fill=(120, 92, 66))
    canvas.rectangle((0, 1040, WIDTH_PX, 1090), fill=(236, 232, 224))
    canvas.polygon([(0, 0), (WIDTH_PX, 0), (WIDTH_PX, 90), (0, 60)], fill=(230, 227, 220))
    if not mouldy:
        return image
    for _ in range(9):
        _stain(canvas, random, (random.randint(0, 900), random.randint(100, 700)))
    soft = image.filter(ImageFilter.GaussianBlur(5))
    spots = ImageDraw.Draw(soft)
    for _ in range(2200):
        x, y, size = random.gauss(420, 300), random.gauss(360, 230), random.randint(2, 9)
        shade = random.randint(22, 70)
        spots.ellipse((x, y, x + size, y + size), fill=(shade, shade + 8, shade))
    return soft


def _stain(canvas: Canvas, random: Random, place: tuple[int, int]) -> None:
    for ring in range(6):
        reach, shade = 190 - ring * 28, 176 - ring * 12
        wobble = [(place[0] + random.gauss(reach, 30) * dx, place[1] + random.gauss(reach, 30) * dy) for dx, dy in _AROUND]
        canvas.polygon(wobble, fill=(shade, shade - 8, shade - 38))


_AROUND = ((1.0, 0.0), (0.7, 0.7), (0.0, 1.0), (-0.7, 0.7), (-1.0, 0.0), (-0.7, -0.7), (0.0, -1.0), (0.7, -0.7))


def _roof(random: Random, *, overgrown: bool) -> Image.Image:
    image, canvas = _canvas((164, 186, 206))
    canvas.polygon([(0, 1200), (0, 640), (300, 380), (1300, 380), (1600, 640), (1600, 1200)], fill=(122, 62, 48))
    for row in range(400, 1100, 38):
        for x in range(0, WIDTH_PX, 46):
            shade = random.randint(-16, 16)
            if abs(x - 800) < 500 + (row - 380) * 1.15:
                canvas.chord((x, row - 20, x + 48, row + 34), 0, 180, fill=(128 + shade, 66 + shade, 52 + shade))
    canvas.rectangle((0, 1090, WIDTH_PX, 1130), fill=(92, 96, 100))
    return _with_growth(image, canvas, random) if overgrown else image


def _with_growth(image: Image.Image, canvas: Canvas, random: Random) -> Image.Image:
    for _ in range(260):
        x, y = random.randint(150, 1450), random.randint(430, 1080)
        canvas.ellipse((x, y, x + random.randint(14, 60), y + random.randint(6, 22)), fill=(74, random.randint(92, 126), 46))
    for x in (330, 760, 1180):
        _tree(canvas, random, (x + random.randint(-60, 60), random.randint(560, 1090)))
    return image


def _tree(canvas: Canvas, random: Random, foot: tuple[int, int]) -> None:
    x, y = foot
    height = random.randint(240, 380)
    canvas.line((x, y, x + random.randint(-20, 20), y - height), fill=(82, 62, 44), width=16)
    for _ in range(170):
        dx, dy, size = random.gauss(0, 70), random.gauss(-height, 70), random.randint(14, 42)
        canvas.ellipse((x + dx, y + dy, x + dx + size, y + dy + size), fill=(36, random.randint(84, 148), 40))


def _empty_bracket(random: Random) -> Image.Image:
    image, canvas = _canvas((226, 222, 212))
    for x in range(0, WIDTH_PX, 160):
        canvas.line((x, 0, x, HEIGHT_PX), fill=(206, 201, 190), width=4)
    for y in range(0, HEIGHT_PX, 160):
        canvas.line((0, y, WIDTH_PX, y), fill=(206, 201, 190), width=4)
    canvas.rectangle((520, 190, 1080, 860), fill=(240, 238, 232), outline=(180, 172, 158), width=6)
    canvas.ellipse((730, 20, 870, 160), fill=(28, 26, 24), outline=(150, 146, 140), width=14)
    for y in (260, 770):
        canvas.rectangle((500, y, 1100, y + 34), fill=(150, 152, 156), outline=(96, 98, 102), width=3)
        for x in (560, 790, 1020):
            canvas.ellipse((x, y + 6, x + 22, y + 28), fill=(60, 60, 62))
    for place, x in enumerate((610, 700, 800, 900, 990)):
        end = random.randint(900, 960)
        canvas.rectangle((x, end, x + 22, HEIGHT_PX), fill=(178, 108, 62) if place != 2 else (196, 170, 60))
        canvas.rectangle((x - 7, end - 26, x + 29, end), fill=(126, 128, 132))
    for _ in range(40):
        x, y = random.randint(500, 1080), random.randint(860, 1150)
        canvas.line((x, y, x + random.randint(-8, 8), y + random.randint(20, 90)), fill=(168, 142, 110), width=3)
    return image


def _heat_pump(random: Random) -> Image.Image:
    image, canvas = _canvas((226, 222, 212))
    canvas.rectangle((0, 1000, WIDTH_PX, HEIGHT_PX), fill=(150, 148, 142))
    canvas.rectangle((380, 300, 1220, 980), fill=(238, 240, 240), outline=(170, 172, 174), width=8)
    for ring in range(300, 20, -28):
        canvas.ellipse((660 - ring, 640 - ring, 660 + ring, 640 + ring), outline=(96, 100, 104), width=6)
    for y in range(380, 920, 30):
        canvas.line((1010, y, 1170, y), fill=(140, 144, 148), width=8)
    for x in (1080, 1130):
        canvas.rectangle((x, 980, x + 24, 1010 + random.randint(0, 20)), fill=(40, 40, 42))
    return image


def _front(random: Random, *, cracked: bool) -> Image.Image:
    image, canvas = _canvas((172, 190, 204))
    canvas.rectangle((120, 260, 1480, 1060), fill=(150, 84, 62))
    for row, y in enumerate(range(260, 1060, 22)):
        for x in range(120 - row % 2 * 28, 1480, 56):
            shade = random.randint(-14, 14)
            canvas.rectangle((max(x, 120), y, min(x + 52, 1478), y + 18), fill=(152 + shade, 84 + shade, 62 + shade))
    canvas.polygon([(80, 270), (1520, 270), (1390, 90), (210, 90)], fill=(92, 58, 50))
    for x, y in ((230, 360), (640, 360), (1050, 360), (230, 720), (1050, 720)):
        _window(canvas, random, (x, y))
    canvas.rectangle((690, 700, 890, 1060), fill=(70, 92, 76), outline=(216, 210, 198), width=12)
    canvas.ellipse((852, 880, 872, 900), fill=(196, 170, 90))
    canvas.rectangle((0, 1060, WIDTH_PX, HEIGHT_PX), fill=(134, 134, 130))
    if cracked:
        _crack(canvas, random, (560, 280))
    return image


def _window(canvas: Canvas, random: Random, place: tuple[int, int]) -> None:
    x, y = place
    canvas.rectangle((x, y, x + 300, y + 230), fill=(58, 72, 84), outline=(222, 216, 204), width=16)
    canvas.line((x + 150, y, x + 150, y + 230), fill=(222, 216, 204), width=12)
    canvas.polygon([(x + 30, y + 20), (x + 100, y + 20), (x + 30, y + random.randint(90, 170))], fill=(112, 130, 144))


def _crack(canvas: Canvas, random: Random, top: tuple[int, int]) -> None:
    x, y = top
    while y < 1040:
        further = (x + random.randint(-34, 34), y + random.randint(20, 50))
        canvas.line((x, y, *further), fill=(34, 26, 24), width=random.randint(4, 9))
        x, y = further


def _canvas(colour: Colour) -> tuple[Image.Image, Any]:
    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), colour)
    return image, ImageDraw.Draw(image)


SUBJECTS: dict[str, Callable[[Random], Image.Image]] = {
    "mouldy-wall": partial(_wall, mouldy=True),
    "dry-wall": partial(_wall, mouldy=False),
    "overgrown-roof": partial(_roof, overgrown=True),
    "clean-roof": partial(_roof, overgrown=False),
    "empty-bracket": _empty_bracket,
    "heat-pump": _heat_pump,
    "cracked-front": partial(_front, cracked=True),
    "mended-front": partial(_front, cracked=False),
}
