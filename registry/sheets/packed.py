"""Whether a file is a workbook that can be unpacked safely: before any cell of it is read. A few kilobytes can hold gigabytes."""

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, BinaryIO, Final

from registry.sheets.faults import refused

LARGEST_XLSX_BYTES: Final = 100_000_000
LARGEST_UNPACKED_BYTES: Final = 1_000_000_000
MOST_MEMBERS: Final = 2_000
"""Files in the zip file that an .xlsx is."""
MOST_RATIO: Final = 250
"""Times that a large member may become larger; sheets that say the same in each row become some 60 times as large, zeros 1,030."""
LARGE_MEMBER_BYTES: Final = 10_000_000
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError, ValueError)
"""What the zipfile module raises for files that are damaged, or were made to break it."""
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""How .xls begins; so does an .xlsx with a password."""
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_DOCTYPES: Final = tuple("<!DOCTYPE".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_PIECE: Final = 1 << 20
_MIMETYPE_BYTES: Final = 100


@dataclass(frozen=True, slots=True)
class Limits:
    file_bytes: int = LARGEST_XLSX_BYTES
    unpacked_bytes: int = LARGEST_UNPACKED_BYTES
    members: int = MOST_MEMBERS


LIMITS: Final = Limits()


def is_packed(start: bytes) -> bool:
    """Whether a file that starts like this is a workbook of any kind, rather than text."""
    return start.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLE))


def check(file: BinaryIO, limits: Limits) -> None:
    """Raises FileRefused: ``xlsx-too-large``, ``xlsx-damaged``, ``xlsx-encrypted``, or ``file-kind`` for a workbook of another program."""
    if file.seek(0, io.SEEK_END) > limits.file_bytes:
        raise refused("xlsx-too-large", max=limits.file_bytes)
    file.seek(0)
    if file.read(len(_OLE)) == _OLE:
        raise refused("xlsx-encrypted") if _contains(file, (_ENCRYPTED,)) else refused("file-kind", found=".xls")
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive, limits)
            _check_kind(archive)
            _check_documents(archive)
    except UNREADABLE as error:
        raise refused("xlsx-damaged") from error


def _check_members(archive: zipfile.ZipFile, limits: Limits) -> None:
    members = archive.infolist()
    if len(members) > limits.members or sum(member.file_size for member in members) > limits.unpacked_bytes:
        raise refused("xlsx-too-large", max=limits.unpacked_bytes)
    if any(member.file_size > LARGE_MEMBER_BYTES and member.file_size > MOST_RATIO * member.compress_size for member in members):
        raise refused("xlsx-too-large", max=limits.unpacked_bytes)
    if any(member.flag_bits & 1 for member in members):
        raise refused("xlsx-encrypted")


def _check_kind(archive: zipfile.ZipFile) -> None:
    names = set(archive.namelist())
    if "mimetype" in names:
        with archive.open("mimetype") as said:
            raise refused("file-kind", found=".ods" if b"spreadsheet" in said.read(_MIMETYPE_BYTES) else ".odt")
    if "xl/workbook.bin" in names:
        raise refused("file-kind", found=".xlsb")
    if "word/document.xml" in names:
        raise refused("file-kind", found=".docx")
    if "[Content_Types].xml" not in names:
        raise refused("file-kind", found=".zip")


def _check_documents(archive: zipfile.ZipFile) -> None:
    """A document type could define entities that grow without end, or name a file of the server: no spreadsheet program writes one."""
    for member in archive.infolist():
        with archive.open(member) as content:
            if _contains(content, _DOCTYPES):
                raise refused("xlsx-damaged")


def _contains(file: IO[bytes], wanted: tuple[bytes, ...]) -> bool:
    """Reads to the end, without keeping more than a piece."""
    before, overlap = b"", max(map(len, wanted)) - 1
    while piece := file.read(_PIECE):
        text = before + piece
        if any(each in text for each in wanted):
            return True
        before = text[-overlap:]
    return False
