"""Safe streaming over the zip of zips that Kadaster delivers.

Nothing is unpacked under a name out of the file: inner zips go to nameless temporary files, XML is handed over as a stream. Sizes in headers
are not believed; what really comes out is counted.
"""

import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Protocol

from registry.imports.bag.model import (
    BagFileError,
    FileUnreadable,
    NotAZip,
    Part,
    ZipBomb,
    ZipDamaged,
    ZipDuplicateName,
    ZipEncrypted,
    ZipHostileName,
    ZipMethodRefused,
    ZipTooDeep,
    ZipTooManyMembers,
    ZipTruncated,
)

MAX_DEPTH = 3
"""Zip files within each other: delivery, municipality, object type."""
MAX_MEMBERS = 50_000
MAX_NAME_CHARACTERS = 255
MAX_CENTRAL_DIRECTORY_BYTES = 16 * 2**20
MAX_MEMBER_RATIO = 250
"""Bytes out per byte in, per member. Real extracts: 67 for the town-municipality relation, about 40 for the rest."""
MAX_TOTAL_RATIO = 500
"""Bytes out per byte of the whole file, inner zips included. Real: about 33."""
RATIO_FREE_BYTES = 2**20
"""Below this the ratio says nothing: a nearly empty file compresses very well."""
MAX_TOTAL_BYTES = 256 * 2**30
"""About twice the whole country."""
MAX_SPOOLED_BYTES = 8 * 2**30
"""One inner zip on disk. The largest of the whole country is about 2 GiB."""
CHUNK_BYTES = 2**16

_ENCRYPTED_FLAGS = 0x1 | 0x40
_LOCAL_HEADER_BYTES = 30
_LOCAL_HEADER = b"PK\x03\x04"
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, NotImplementedError, RuntimeError, IndexError, OverflowError)

_OBJECTS = re.compile(r"\d{4}(VBO|LIG|STA|NUM|OPR|WPL|PND)\d{8}(?:-\d+)?\.(zip|xml)", re.ASCII)
_RELATION = re.compile(r"GEM-WPL-RELATIE-\d{8}(?:-\d+)?\.(zip|xml)", re.ASCII)
_CONTAINER = re.compile(r"(?:\d{4}GEM\d{8}|BAG[A-Z]{3}\w*-\d{8})\.zip", re.ASCII)
_DELIVERY = "Leveringsdocument-BAG-Extract.xml"


class ByteStream(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class PartFile:
    """One XML file. ``name`` is its path through the zips, escaped for display; ``stream`` can be read once, before the next file is asked for."""

    part: Part
    name: str
    stream: ByteStream


def part_files(path: Path, advanced: Callable[[int], None]) -> Iterator[PartFile]:
    """Every XML file of the extract that matters, in the order of the zip.

    ``advanced`` hears how many bytes of ``path`` are done. Members that don't matter (Inactief, InOnderzoek, NietBag, a readme) are read to
    their end as well, so that damage anywhere is found.

    Raises BagFileError: FileUnreadable, NotAZip and every Zip… of the model.
    """
    try:
        file = _BoundedReads(path)
    except OSError as error:
        raise FileUnreadable(path=path, reason=error.strerror or error) from error
    with file:
        size = path.stat().st_size
        with _opened(file, path.name) as archive:
            yield from _walk(archive, _Place(path.name, 1, 0.0, float(size)), _Budget(size), advanced)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the nest of zips we are, and which bytes of the outermost file that place stands for."""

    name: str
    depth: int
    first_byte: float
    end_byte: float

    def below(self, name: str, start: float, end: float) -> "_Place":
        """The member that takes the fractions ``start`` to ``end`` of this place."""
        width = self.end_byte - self.first_byte
        return _Place(f"{self.name}/{name}", self.depth + 1, self.first_byte + width * start, self.first_byte + width * end)

    def at(self, fraction: float) -> int:
        return int(self.first_byte + (self.end_byte - self.first_byte) * min(fraction, 1.0))


class _Budget:
    """What the extract may still cost."""

    def __init__(self, size: int) -> None:
        self.members = MAX_MEMBERS
        self.limit_bytes = min(MAX_TOTAL_BYTES, max(64 * RATIO_FREE_BYTES, size * MAX_TOTAL_RATIO))
        self.spent_bytes = 0

    def take_members(self, count: int, name: str) -> None:
        self.members -= count
        if self.members < 0:
            raise ZipTooManyMembers(member=name, limit=MAX_MEMBERS)

    def take_bytes(self, count: int, name: str) -> None:
        self.spent_bytes += count
        if self.spent_bytes > self.limit_bytes:
            raise ZipBomb(member=name, limit_name="the total number of bytes", limit=self.limit_bytes)


class _BoundedReads(FileIO):
    """A file that never gives more at once than a central directory may measure; `zipfile` reads that whole, at the size the file claims."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > MAX_CENTRAL_DIRECTORY_BYTES:
            raise ZipBomb(member="central directory", limit_name="the size of a central directory in bytes", limit=MAX_CENTRAL_DIRECTORY_BYTES)
        return super().read(size if size is not None else -1) or b""


class _Member:
    """The bytes of one member, counted and checked as they come out."""

    def __init__(self, raw: IO[bytes], info: zipfile.ZipInfo, place: _Place, budget: _Budget) -> None:
        self._raw, self._info, self._place, self._budget = raw, info, place, budget
        self._count = 0

    def read(self, size: int, /) -> bytes:
        with _faults_of(self._place.name):
            chunk = self._raw.read(size)
        self._count += len(chunk)
        self._budget.take_bytes(len(chunk), self._place.name)
        if self._count > max(RATIO_FREE_BYTES, MAX_MEMBER_RATIO * self._info.compress_size):
            raise ZipBomb(member=self._place.name, limit_name="the compression ratio", limit=MAX_MEMBER_RATIO)
        if not chunk and self._count != self._info.file_size:
            raise ZipDamaged(member=self._place.name, reason=f"{self._count} bytes came out where {self._info.file_size} were announced")
        return chunk

    def chunks(self) -> Iterator[bytes]:
        while chunk := self.read(CHUNK_BYTES):
            yield chunk

    @property
    def fraction(self) -> float:
        return self._count / max(self._info.file_size, 1)


class _Reported:
    """A member that tells how far its reader is."""

    def __init__(self, member: _Member, place: _Place, advanced: Callable[[int], None]) -> None:
        self._member, self._place, self._advanced = member, place, advanced

    def read(self, size: int, /) -> bytes:
        chunk = self._member.read(size)
        self._advanced(self._place.at(self._member.fraction))
        return chunk


def _walk(archive: zipfile.ZipFile, place: _Place, budget: _Budget, advanced: Callable[[int], None]) -> Iterator[PartFile]:
    members = _checked_members(archive, place, budget)
    total = max(sum(info.compress_size for info in members), 1)
    done = 0
    for info in members:
        inner = place.below(info.filename, done / total, (done + info.compress_size) / total)
        done += info.compress_size
        with _faults_of(inner.name):
            raw = archive.open(info)
        with raw:
            member = _Member(raw, info, inner, budget)
            yield from _read_member(member, info.filename.rpartition("/")[2], inner, budget, advanced)
            for _ in member.chunks():
                pass
        advanced(inner.at(1.0))


def _read_member(member: _Member, name: str, place: _Place, budget: _Budget, advanced: Callable[[int], None]) -> Iterator[PartFile]:
    if _is_wanted_zip(name):
        if place.depth > MAX_DEPTH:
            raise ZipTooDeep(member=place.name, limit=MAX_DEPTH)
        with _spooled(member, place) as file, _opened(file, place.name) as inner:
            yield from _walk(inner, place, budget, advanced)
    elif part := part_of(name):
        yield PartFile(part, place.name, _Reported(member, place, advanced))


def _is_wanted_zip(name: str) -> bool:
    return name.endswith(".zip") and any(pattern.fullmatch(name) for pattern in (_OBJECTS, _RELATION, _CONTAINER))


def part_of(name: str) -> Part | None:
    """What an XML file of this name holds; None for everything the import has no use for."""
    if name == _DELIVERY:
        return Part.DELIVERY
    if not name.endswith(".xml"):
        return None
    if match := _OBJECTS.fullmatch(name):
        return Part(match[1])
    return Part.TOWN_MUNICIPALITY if _RELATION.fullmatch(name) else None


@contextmanager
def _faults_of(name: str) -> Iterator[None]:
    """Turn whatever `zipfile` raises on a bad file into an error of ours."""
    try:
        yield
    except BagFileError:
        raise
    except EOFError as error:
        raise ZipTruncated(member=name) from error
    except _DAMAGE as error:
        raise ZipDamaged(member=name, reason=error) from error


@contextmanager
def _opened(file: _BoundedReads, name: str) -> Iterator[zipfile.ZipFile]:
    with _faults_of(name):
        if not zipfile.is_zipfile(file):
            file.seek(0)
            raise ZipTruncated(member=name) if file.read(4) == _LOCAL_HEADER else NotAZip(member=name)
        archive = zipfile.ZipFile(file)
    with archive:
        yield archive


@contextmanager
def _spooled(member: _Member, place: _Place) -> Iterator[_BoundedReads]:
    with tempfile.TemporaryFile() as disk:
        spooled = 0
        for chunk in member.chunks():
            spooled += len(chunk)
            if spooled > MAX_SPOOLED_BYTES:
                raise ZipBomb(member=place.name, limit_name="the size of an inner zip in bytes", limit=MAX_SPOOLED_BYTES)
            disk.write(chunk)
        disk.flush()
        with _BoundedReads(disk.fileno(), closefd=False) as file:
            yield file


def _checked_members(archive: zipfile.ZipFile, place: _Place, budget: _Budget) -> list[zipfile.ZipInfo]:
    """The files of one zip, every header checked before the first byte is unpacked."""
    budget.take_members(len(archive.infolist()), place.name)
    seen: set[str] = set()
    for info in archive.infolist():
        name = f"{place.name}/{info.orig_filename}"
        _check_header(info, name)
        if info.filename in seen:
            raise ZipDuplicateName(member=name)
        seen.add(info.filename)
    _check_layout(archive, place.name)
    return [info for info in archive.infolist() if not info.is_dir()]


def _check_header(info: zipfile.ZipInfo, name: str) -> None:
    if is_hostile_name(info.orig_filename):
        raise ZipHostileName(member=name)
    if info.flag_bits & _ENCRYPTED_FLAGS:
        raise ZipEncrypted(member=name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ZipMethodRefused(member=name, method=info.compress_type)


def is_hostile_name(name: str) -> bool:
    """Whether a member name could point outside the place where an extractor would put it, or hide what it is."""
    if not name or len(name) > MAX_NAME_CHARACTERS or name.startswith("/") or "\\" in name or ":" in name or not name.isprintable():
        return True
    return any(step in ("", ".", "..") for step in name.removesuffix("/").split("/"))


def _check_layout(archive: zipfile.ZipFile, name: str) -> None:
    """Members stand one after the other from the first byte on.

    A truncated file can end exactly where an inner, uncompressed zip ends: `zipfile` then sees that inner zip with something before it.
    Members that overlap are a way to make a small file unpack to a huge one.
    """
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if end == 0 and info.header_offset != 0:
            raise ZipTruncated(member=name)
        if info.header_offset < end:
            raise ZipBomb(member=name, limit_name="the number of members in the same bytes", limit=1)
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size
    if end > archive.start_dir:
        raise ZipDamaged(member=name, reason="a member reaches into the central directory")
