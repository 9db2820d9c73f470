"""The drawn photos: real JPEG with the moment and place in it, and the same bytes each time."""

import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from PIL import ExifTags, Image

from demo.photos import SUBJECTS, Shot, jpeg

TAKEN_AT = datetime(2023, 10, 9, 9, 7, 30, tzinfo=timezone(timedelta(hours=2)))


def a_shot(subject: str = "cracked-front", seed: str = "1") -> Shot:
    return Shot(subject, seed, TAKEN_AT, 5.95123, 50.92081)


def opened(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file), formats=["JPEG"])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_photo_is_a_whole_jpeg_of_a_few_hundred_kilobytes(subject: str) -> None:
    file = jpeg(a_shot(subject))
    image = opened(file)
    image.load()
    assert image.size == (1600, 1200)
    assert 100_000 < len(file) < 600_000


def test_the_same_shot_gives_the_same_bytes_and_another_seed_others() -> None:
    assert jpeg(a_shot()) == jpeg(a_shot())
    assert jpeg(a_shot(seed="2")) != jpeg(a_shot())


def test_the_moment_and_its_offset_are_in_the_file() -> None:
    details = opened(jpeg(a_shot())).getexif().get_ifd(ExifTags.IFD.Exif)
    said = f"{details[ExifTags.Base.DateTimeOriginal]}{details[ExifTags.Base.OffsetTimeOriginal]}"
    assert datetime.strptime(said, "%Y:%m:%d %H:%M:%S%z") == datetime(2023, 10, 9, 7, 7, 30, tzinfo=UTC)


def test_the_position_is_in_the_file() -> None:
    gps = opened(jpeg(a_shot())).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert (gps[ExifTags.GPS.GPSLatitudeRef], gps[ExifTags.GPS.GPSLongitudeRef]) == ("N", "E")
    for tag, degrees in ((ExifTags.GPS.GPSLatitude, 50.92081), (ExifTags.GPS.GPSLongitude, 5.95123)):
        whole, minutes, seconds = (float(part) for part in gps[tag])
        assert whole + minutes / 60 + seconds / 3600 == pytest.approx(degrees, abs=1e-6)


def test_the_camera_is_called_demo_and_the_file_says_that_it_is_drawn() -> None:
    exif = opened(jpeg(a_shot())).getexif()
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Model]) == ("Demo", "Demo")
    assert exif[ExifTags.Base.ImageDescription].startswith("Drawn")
