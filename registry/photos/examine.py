"""What a stored file turns out to be: a whole image, with what it says of its capture, or something else.

Runs in the worker. The original stays as it is; what is found is written beside it.
"""

import struct
import tempfile
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO
from uuid import UUID

from PIL import ExifTags, Image, UnidentifiedImageError
from pillow_heif import register_heif_opener

from registry import clock, storage
from registry.access import the_system
from registry.audit import commands as audit
from registry.db import reading, transaction
from registry.photos import images
from registry.photos.model import ContentType, PhotoState
from registry.photos.model import Image as StoredImage
from registry.photos.rules import LARGEST_PHOTO_PIXELS
from registry.versioned import change

register_heif_opener()
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
"""JPEG includes the multi-picture files (MPO) of phones."""
COPY_STEP_BYTES = 256 * 1024
EARLIEST_CAPTURE = datetime(1990, 1, 1, tzinfo=UTC)
ODD = (ArithmeticError, LookupError, OSError, SyntaxError, TypeError, ValueError, struct.error)
"""What reading EXIF of any kind raises. It is a second opinion: a photo is not refused for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``rejection`` is None for a whole image. Positions are CRS84 degrees; ``exif_taken_at`` is None without a time zone in the file."""

    rejection: str | None
    content_type: ContentType | None = None
    width_px: int | None = None
    height_px: int | None = None
    exif_taken_at: datetime | None = None
    exif_longitude: float | None = None
    exif_latitude: float | None = None


def examine(image_id: UUID) -> None:
    """Decode a stored image in full and record what it is. Examining it again changes nothing. Raises Unavailable."""
    with reading() as session:
        image = session.get(StoredImage, image_id)
    if image is None or image.examined_at is not None or image.destroyed_at is not None:
        return
    with tempfile.TemporaryFile() as file:
        with storage.opened(image.object_key) as stream:
            while step := stream.read(COPY_STEP_BYTES):
                file.write(step)
        finding = look_at(file)
    with transaction() as session:
        locked = session.get_one(StoredImage, image_id, with_for_update={"key_share": True})
        if locked.examined_at is None:
            for name in Finding.__slots__:
                setattr(locked, name, getattr(finding, name))
            locked.examined_at = clock.now()
            session.flush()
            for photo in images.photos_of(session, image_id):
                if photo.state is PhotoState.STORED:
                    change(session, photo, {"state": images.state_of(locked), "rejection": locked.rejection})
                    audit.record(session, the_system(f"job-{image_id}"), f"photo.{photo.state}", "photo", photo.id, details={"rejection": locked.rejection})
                    images.told(session, photo)


def look_at(file: IO[bytes]) -> Finding:
    """Open, measure and fully decode an image file."""
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=FORMATS) as image:
                if image.width * image.height > LARGEST_PHOTO_PIXELS:
                    return Finding("too-many-pixels")
                image.load()
                return Finding(None, ContentType(Image.MIME[image.format or ""]), image.width, image.height, _taken_at(image), *_position(image))
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return Finding("too-many-pixels")
        except UnidentifiedImageError:
            return Finding("not-an-image")
        except (OSError, SyntaxError, ValueError, EOFError):
            return Finding("damaged")


def _taken_at(image: Image.Image) -> datetime | None:
    """EXIF DateTimeOriginal with its OffsetTimeOriginal; None without an offset, and when either is odd."""
    try:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        moment = str(details[ExifTags.Base.DateTimeOriginal]).strip("\0 ")
        offset = str(details[ExifTags.Base.OffsetTimeOriginal]).strip("\0 ")
        taken_at = datetime.strptime(f"{moment} {offset}", "%Y:%m:%d %H:%M:%S %z")
    except ODD:
        return None
    return taken_at if EARLIEST_CAPTURE <= taken_at <= clock.now() + timedelta(days=1) else None


def _position(image: Image.Image) -> tuple[float | None, float | None]:
    """Longitude and latitude in degrees, or None twice when they are not there or odd."""
    try:
        gps = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude], gps[ExifTags.GPS.GPSLatitudeRef] == "S")
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude], gps[ExifTags.GPS.GPSLongitudeRef] == "W")
    except ODD:
        return None, None
    return (longitude, latitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else (None, None)


def _degrees(parts: tuple[float, float, float], negative: bool) -> float:
    degrees = float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600
    return -degrees if negative else degrees
