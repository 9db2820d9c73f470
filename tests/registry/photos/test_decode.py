"""What the decoder finds in files of every kind, each in a process of its own as in the worker."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from PIL import ExifTags, Image, ImageCms

from registry.photos.findings import Finding, Rejection
from registry.photos.model import ContentType, PreviewState
from registry.photos.signatures import content_type_of
from tests.makers import a_moment
from tests.registry.photos import hostile
from tests.registry.photos.decoding import found, looked_at
from tests.registry.photos.hostile import encoded, picture

KINDS = {"JPEG": ContentType.JPEG, "PNG": ContentType.PNG, "WEBP": ContentType.WEBP, "HEIF": ContentType.HEIC}
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 30), (30, 30, 220), (255, 255, 255)
TURNED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How a camera that was held that way stores an upright scene, by EXIF orientation."""


def quarters(size: tuple[int, int] = (800, 600)) -> Image.Image:
    """Red and green above, blue and white below: no turn or mirroring of it looks the same."""
    image, (width, height) = Image.new("RGB", size, WHITE), size
    for colour, at in ((RED, (0, 0)), (GREEN, (width // 2, 0)), (BLUE, (0, height // 2))):
        image.paste(colour, (*at, at[0] + width // 2, at[1] + height // 2))
    return image


def colours(preview: bytes) -> list[tuple[int, ...]]:
    """In the middle of each quarter: above left and right, below left and right."""
    image = Image.open(io.BytesIO(preview))
    assert image.mode == "RGB"
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]  # type: ignore[misc]


def like(expected: list[tuple[int, ...]], actual: list[tuple[int, ...]], by: int = 12) -> bool:
    return all(abs(one - other) <= by for these, those in zip(expected, actual, strict=True) for one, other in zip(these, those, strict=True))


def exif(first: dict[int, object] | None = None, capture: dict[int, object] | None = None, gps: dict[int, object] | None = None) -> Image.Exif:
    block = Image.Exif()
    for ifd, values in ((block, first), (block.get_ifd(ExifTags.IFD.Exif), capture), (block.get_ifd(ExifTags.IFD.GPSInfo), gps)):
        ifd.update(values or {})  # type: ignore[attr-defined]
    return block


def with_exif(*blocks: dict[int, object] | None) -> Finding:
    finding = found(encoded("JPEG", picture((64, 48)), exif=exif(*blocks)))
    assert (finding.rejection, finding.previews, finding.width_px) == (None, PreviewState.MADE, 64)
    return finding


def size_of(preview: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(preview)).size


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_of_each_kind_is_recognised_and_previewed(kind: str) -> None:
    finding, previews = looked_at(encoded(kind, quarters((2000, 1500))))
    assert (finding.rejection, finding.content_type, finding.width_px, finding.height_px) == (None, KINDS[kind], 2000, 1500)
    assert {size: size_of(preview) for size, preview in previews.items()} == {1600: (1600, 1200), 320: (320, 240)}
    assert all(like([RED, GREEN, BLUE, WHITE], colours(preview)) for preview in previews.values())
    assert finding.placeholder is not None
    assert 20 <= len(finding.placeholder) <= 30
    assert finding.decoder.startswith("pillow ")
    assert "libheif " in finding.decoder


@pytest.mark.parametrize("kind", KINDS)
def test_a_preview_is_never_larger_than_the_image(kind: str) -> None:
    _, previews = looked_at(encoded(kind, picture((500, 200))))
    assert {size: size_of(preview) for size, preview in previews.items()} == {1600: (500, 200), 320: (320, 128)}


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (60_000, 40)])
def test_an_image_of_an_odd_shape_has_previews_too(size: tuple[int, int]) -> None:
    finding, previews = looked_at(encoded("JPEG", Image.new("RGB", size, RED)))
    assert (finding.rejection, (finding.width_px, finding.height_px)) == (None, size)
    assert all(max(size_of(preview)) == min(limit, max(size)) for limit, preview in previews.items())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
def test_half_a_file_is_damaged(kind: str, part: float) -> None:
    whole = encoded(kind)
    finding = found(whole[: max(16, int(len(whole) * part))])
    assert (finding.rejection, finding.content_type, finding.width_px) == (Rejection.DAMAGED, KINDS[kind], None)


def test_a_progressive_jpeg_without_its_last_scan_is_damaged() -> None:
    whole = encoded("JPEG", progressive=True)
    assert found(whole).rejection is None
    assert found(whole[:-3000]).rejection is Rejection.DAMAGED


def test_half_a_photo_that_is_decoded_at_a_smaller_scale_is_damaged_all_the_same() -> None:
    whole = encoded("JPEG", Image.new("RGB", (9000, 8000), GREEN))
    assert [found(whole[:end]).rejection for end in (len(whole), len(whole) // 2)] == [None, Rejection.DAMAGED]


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_previews_are_upright_whatever_way_the_camera_was_held(kind: str, orientation: int) -> None:
    turn = TURNED[orientation]
    stored = quarters() if turn is None else quarters().transpose(turn)
    finding, previews = looked_at(encoded(kind, stored, exif=exif({ExifTags.Base.Orientation: orientation})))
    assert (finding.orientation, finding.width_px, finding.height_px) == (orientation, 800, 600)
    assert all(like([RED, GREEN, BLUE, WHITE], colours(preview)) for preview in previews.values())
    assert size_of(previews[320]) == (320, 240)


@pytest.mark.parametrize("orientation", TURNED)
def test_a_heic_is_turned_once(orientation: int) -> None:
    """The encoder writes the turn into the file itself (irot, imir), as telephones do; EXIF says it again."""
    turn = TURNED[orientation]
    stored = quarters() if turn is None else quarters().transpose(turn)
    finding, previews = looked_at(encoded("HEIF", stored, exif=exif({ExifTags.Base.Orientation: orientation}).tobytes()))
    assert (finding.content_type, finding.width_px, finding.height_px) == (ContentType.HEIC, 800, 600)
    assert like([RED, GREEN, BLUE, WHITE], colours(previews[1600]))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_there_is_not_is_none(orientation: object) -> None:
    finding, previews = looked_at(encoded("JPEG", quarters(), exif=exif({ExifTags.Base.Orientation: orientation})))
    assert (finding.orientation, finding.width_px) == (None, 800)
    assert like([RED, GREEN, BLUE, WHITE], colours(previews[320]))


WHEN = {ExifTags.Base.DateTimeOriginal: "2025:06:01 12:00:00", ExifTags.Base.OffsetTimeOriginal: "+02:00"}
WHERE = {
    ExifTags.GPS.GPSLatitudeRef: "N",
    ExifTags.GPS.GPSLatitude: (50.0, 54.0, 0.0),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (6.0, 0.0, 0.0),
}


def test_the_moment_and_place_of_capture_are_read() -> None:
    finding = with_exif({}, WHEN, WHERE)
    assert (finding.exif_taken_at, finding.exif_clock_time) == (a_moment("2025-06-01T10:00"), datetime.fromisoformat("2025-06-01T12:00"))
    assert (finding.exif_longitude, finding.exif_latitude) == (6.0, pytest.approx(50.9))


def test_a_clock_without_an_offset_gives_no_moment() -> None:
    finding = with_exif({}, {ExifTags.Base.DateTimeOriginal: "2025:06:01 12:00:00"})
    assert (finding.exif_taken_at, finding.exif_clock_time) == (None, datetime.fromisoformat("2025-06-01T12:00"))


@pytest.mark.parametrize(
    "moment", ["0001:01:01 00:00:00", "0000:00:00 00:00:00", "2025:02:30 12:00:00", "    :  :     :  :  ", "yesterday", "2999:01:01 00:00:00", b"\xff", 7, ""]
)
def test_a_moment_that_cannot_be_is_none(moment: object) -> None:
    finding = with_exif({}, {ExifTags.Base.DateTimeOriginal: moment, ExifTags.Base.OffsetTimeOriginal: "+01:00"})
    assert (finding.exif_taken_at, finding.exif_clock_time) == (None, None)


@pytest.mark.parametrize("offset", ["+99:00", "Amsterdam", "", 2])
def test_an_odd_offset_leaves_the_clock_time(offset: object) -> None:
    finding = with_exif({}, {**WHEN, ExifTags.Base.OffsetTimeOriginal: offset})
    assert (finding.exif_taken_at, finding.exif_clock_time) == (None, datetime.fromisoformat("2025-06-01T12:00"))


@pytest.mark.parametrize(
    "odd",
    [
        {ExifTags.GPS.GPSLatitude: (50.0, 54.0)},
        {ExifTags.GPS.GPSLatitude: (500.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLongitude: (200.0, 0.0, 0.0)},
        {ExifTags.GPS.GPSLatitudeRef: "X"},
        {ExifTags.GPS.GPSLatitudeRef: ""},
        {ExifTags.GPS.GPSLatitude: (0.0, 0.0, 0.0), ExifTags.GPS.GPSLongitude: (0.0, 0.0, 0.0)},
    ],
)
def test_a_position_that_cannot_be_is_none(odd: dict[int, object]) -> None:
    finding = with_exif({}, {}, {**WHERE, **odd})
    assert (finding.exif_longitude, finding.exif_latitude) == (None, None)


AT_50_54 = [(1, 2, b"N\0"), (2, 5, hostile.fractions((50, 1), (54, 1), (0, 1))), (3, 2, b"E\0"), (4, 5, hostile.fractions((6, 1), (0, 1), (0, 1)))]
NAN = b"\x7f\xf8\0\0\0\0\0\0"


def as_it_stands(*tags: list[hostile.Tag]) -> Finding:
    return found(hostile.with_segments(encoded("JPEG", quarters()), hostile.exif_block(*tags)))


def test_exif_that_is_written_by_hand_is_read_as_well() -> None:
    finding = as_it_stands([(0x0112, 3, b"\0\x06"), (0x010F, 2, b"Make\0")], AT_50_54)
    assert (finding.orientation, finding.width_px, finding.camera, finding.exif_latitude, finding.exif_longitude) == (6, 600, "Make", pytest.approx(50.9), 6)


@pytest.mark.parametrize(
    "latitude",
    [
        (2, 5, hostile.fractions((50, 0), (54, 1), (0, 1))),
        (2, 5, hostile.fractions((50, 1), (54, 0), (0, 0))),
        (2, 12, NAN * 3),
        (2, 12, NAN.replace(b"\xf8", b"\xf0") * 3),
        (2, 2, b"north\0"),
        (2, 3, b"\0\x32"),
    ],
)
def test_a_position_of_numbers_that_are_none_is_none(latitude: hostile.Tag) -> None:
    finding = as_it_stands([], [latitude if tag[0] == 2 else tag for tag in AT_50_54])
    assert (finding.rejection, finding.width_px, finding.exif_longitude, finding.exif_latitude) == (None, 800, None, None)


def test_tags_of_another_type_than_they_should_be_are_none() -> None:
    finding = as_it_stands([(0x0112, 2, b"6\0"), (0x010F, 3, b"\0\x07"), (0x0110, 5, hostile.fractions((1, 0)))], [(1, 3, b"\0\x01"), *AT_50_54[1:]])
    assert (finding.rejection, finding.orientation, finding.camera, finding.exif_longitude) == (None, None, None, None)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("HMD Global", "Nokia 8.3 5G", "HMD Global Nokia 8.3 5G"),
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("samsung\0\0", "  SM-G991B ", "samsung SM-G991B"),
        ("Evil\x1b[31m\r\n", "Cam\x00era", "Evil [31m Cam"),
        ("", "Pixel 9", "Pixel 9"),
        ("A" * 150, "B", "A" * 100),
        (None, None, None),
    ],
)
def test_the_camera_is_make_and_model_made_fit_to_show(make: object, model: object, camera: str | None) -> None:
    finding = with_exif({tag: value for tag, value in ((ExifTags.Base.Make, make), (ExifTags.Base.Model, model)) if value is not None})
    assert finding.camera == camera


@pytest.mark.parametrize("block", [b"", b"MM", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 200, b"nonsense" * 50])
def test_exif_that_makes_no_sense_is_no_reason_to_refuse(block: bytes) -> None:
    finding = found(hostile.with_segments(encoded("JPEG", quarters()), hostile.segment(0xE1, b"Exif\0\0" + block)))
    assert (finding.rejection, finding.previews, finding.orientation, finding.camera) == (None, PreviewState.MADE, None, None)


def test_an_image_without_exif_says_nothing_of_its_capture() -> None:
    finding = found(encoded("PNG", picture((64, 48))))
    assert (finding.orientation, finding.exif_taken_at, finding.exif_clock_time, finding.exif_longitude, finding.camera) == (None,) * 5


@pytest.mark.parametrize("kind", KINDS)
def test_previews_hold_pixels_and_nothing_else(kind: str) -> None:
    """JFIF, tables and pixels: no EXIF, no XMP, no profile, no comment."""
    block = exif({ExifTags.Base.Make: "SECRETMAKE"}, WHEN, WHERE)
    more = {"comment": b"SECRETCOMMENT"} if kind == "JPEG" else {}
    xmp = b"<x:xmpmeta>SECRETXMP</x:xmpmeta>"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    content = encoded(kind, quarters(), exif=block.tobytes(), xmp=xmp, icc_profile=profile, **more)
    assert b"SECRETMAKE" in content
    _, previews = looked_at(content)
    for preview in previews.values():
        assert set(hostile.segments_of(preview)) == {0xE0, 0xDB, 0xC0, 0xC4}
        assert b"SECRET" not in preview
        assert preview[-2:] == b"\xff\xd9"


MODES: dict[str, Callable[[], bytes]] = {
    "grey": lambda: encoded("JPEG", Image.new("L", (400, 300), 128)),
    "grey with a see-through part": lambda: encoded("PNG", Image.new("LA", (400, 300), (128, 255))),
    "black and white": lambda: encoded("PNG", Image.new("1", (400, 300), 1)),
    "16 bits": lambda: encoded("PNG", Image.new("I;16", (400, 300), 128 * 257)),
    "palette": lambda: encoded("PNG", Image.new("RGB", (400, 300), (128, 128, 128)).quantize(4)),
    "CMYK": lambda: encoded("JPEG", Image.new("RGB", (400, 300), (128, 128, 128)).convert("CMYK")),
}


@pytest.mark.parametrize("mode", MODES)
def test_pixels_of_every_kind_become_colours(mode: str) -> None:
    finding, previews = looked_at(MODES[mode]())
    assert finding.rejection is None
    grey = 255 if mode == "black and white" else 128
    assert like([(grey,) * 3] * 4, colours(previews[320]), by=4)


def test_what_is_see_through_is_white() -> None:
    image = quarters().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    image.paste(RED, (0, 0, 400, 300))
    for kind in ("PNG", "WEBP", "HEIF"):
        assert like([RED, WHITE, WHITE, WHITE], colours(looked_at(encoded(kind, image))[1][1600])), kind
    with_key = quarters().quantize(8)
    with_key.info["transparency"] = with_key.getpixel((600, 100))
    assert like([RED, WHITE, BLUE, WHITE], colours(looked_at(encoded("PNG", with_key))[1][1600]))


def in_srgb(p3: tuple[int, int, int]) -> tuple[int, ...]:
    """By the matrices of both colour spaces."""
    linear = [value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in p3]
    matrix = ((1.2249402, -0.2249402, 0.0), (-0.0420570, 1.0420570, 0.0), (-0.0196376, -0.0786361, 1.0982736))
    mixed = [min(1.0, max(0.0, sum(factor * value for factor, value in zip(row, linear, strict=True)))) for row in matrix]
    return tuple(round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)) for value in mixed)


@pytest.fixture(scope="module")
def display_p3(shared_data: Path) -> bytes:
    """The profile that an iPhone puts into its photos."""
    import pillow_heif

    profile = pillow_heif.open_heif(shared_data / "photos/heic_IMG_5195.HEIC").info["icc_profile"]
    assert "Display P3" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_colours_of_an_iphone_are_those_that_a_screen_shows(display_p3: bytes, kind: str) -> None:
    stored = [RED, GREEN, BLUE, WHITE]
    _, previews = looked_at(encoded(kind, quarters(), icc_profile=display_p3))
    assert like([in_srgb(colour) for colour in stored], colours(previews[1600]), by=10)
    assert not like(stored, colours(previews[1600]), by=10)


@pytest.mark.parametrize("profile", [b"", b"nonsense" * 100, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_a_profile_that_makes_no_sense_is_ignored(profile: bytes) -> None:
    finding, previews = looked_at(encoded("JPEG", quarters(), icc_profile=profile))
    assert finding.rejection is None
    assert like([RED, GREEN, BLUE, WHITE], colours(previews[1600]))


REAL = {
    "phone_nokia_8.3_5g.jpg": (None, ContentType.JPEG, 4608, 1976, 1),
    "heic_IMG_5195.HEIC": (None, ContentType.HEIC, 2566, 3313, None),
    "orientation_landscape_1.jpg": (None, ContentType.JPEG, 1800, 1200, 1),
    "orientation_landscape_6.jpg": (None, ContentType.JPEG, 1800, 1200, 6),
    "orientation_portrait_5_mirrored.jpg": (None, ContentType.JPEG, 1200, 1800, 5),
    "orientation_portrait_0_invalid_value.jpg": (None, ContentType.JPEG, 1200, 1800, None),
    "corrupt_truncated_portrait_1.jpg": (Rejection.DAMAGED, ContentType.JPEG, None, None, None),
    "corrupt_not_a_jpeg.jpg": (Rejection.NOT_AN_IMAGE, None, None, None, None),
    "corrupt_empty.jpg": (Rejection.NOT_AN_IMAGE, None, None, None, None),
}


@pytest.mark.parametrize("name", REAL)
def test_real_photos_are_what_they_are(shared_data: Path, name: str) -> None:
    finding = found((shared_data / "photos" / name).read_bytes())
    assert (finding.rejection, finding.content_type, finding.width_px, finding.height_px, finding.orientation) == REAL[name]


def test_every_real_photo_here_is_named_above(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "photos").iterdir()} == {*REAL, "SOURCES.txt"}


def test_a_real_photo_says_when_where_and_with_what_it_was_taken(shared_data: Path) -> None:
    nokia, iphone = (found((shared_data / "photos" / name).read_bytes()) for name in ("phone_nokia_8.3_5g.jpg", "heic_IMG_5195.HEIC"))
    assert (nokia.camera, nokia.exif_taken_at) == ("HMD Global Nokia 8.3 5G", a_moment("2022-08-14T11:12:31"))
    assert (nokia.exif_longitude, nokia.exif_latitude) == (pytest.approx(24.9, abs=0.1), pytest.approx(60.1, abs=0.1))
    assert (iphone.camera, iphone.exif_taken_at) == ("Apple iPhone 11 Pro Max", a_moment("2021-04-11T20:47:53"))
    assert (iphone.exif_longitude, iphone.exif_latitude) == (pytest.approx(-94.3, abs=0.1), pytest.approx(39.1, abs=0.1))


def test_real_photos_of_the_same_scene_have_the_same_preview(shared_data: Path) -> None:
    """Held differently, stored differently, shown alike: only the digit in the middle differs."""
    one, other = (looked_at((shared_data / f"photos/orientation_landscape_{held}.jpg").read_bytes())[1][320] for held in (1, 6))
    assert like(colours(one), colours(other), by=20)


@pytest.mark.parametrize("name", ["phone_nokia_8.3_5g.jpg", "heic_IMG_5195.HEIC"])
def test_half_a_real_photo_is_damaged(shared_data: Path, name: str) -> None:
    whole = (shared_data / "photos" / name).read_bytes()
    assert [found(whole[: int(len(whole) * part)]).rejection for part in (0.01, 0.5, 0.999)] == [Rejection.DAMAGED] * 3


@pytest.mark.parametrize(
    ("brand", "content_type"),
    [(b"heic", ContentType.HEIC), (b"heix", ContentType.HEIC), (b"hevc", ContentType.HEIC), (b"mif1", ContentType.HEIF), (b"avif", None), (b"mp42", None)],
)
def test_the_brand_of_a_heif_says_which_it_is(brand: bytes, content_type: ContentType | None) -> None:
    assert content_type_of(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0") is content_type
    if content_type is not None:
        whole = encoded("HEIF", picture((64, 48)))
        assert found(whole[:8] + brand + whole[12:]).content_type is content_type
