"""What the cells of a workbook refer to: its sheets, the texts that they share, and which styles are dates.

openpyxl knows the formats of dates; its reader is not used: it takes 2.6 times as long, and can't tell an empty cell from a formula without a value.
python-calamine is seven times as fast, but it can't tell that either, nor an error; and two cells in far corners make it end the process.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final, Protocol, cast

from lxml import etree
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils.escape import unescape

from registry.sheets.faults import refused

MOST_SHARED_TEXTS: Final = 2_000_000
MOST_SHARED_CHARACTERS: Final = 50_000_000
LARGEST_PART_BYTES: Final = 20_000_000
"""Of the parts that are read whole: the list of sheets, and the styles."""
LONGEST_ELEMENT_BYTES: Final = 16_000_000
"""Of XML: a row or a shared text is in memory as a whole."""
_WORKBOOK: Final = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class SheetPart:
    """``path`` is its file in the archive."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """``from_1904`` when its days count from 1904 rather than 1900. ``dates`` are the styles that make a number a date or time."""

    sheets: list[SheetPart]
    from_1904: bool
    texts: list[str]
    dates: frozenset[str]


def read(archive: zipfile.ZipFile) -> Workbook:
    """Raises FileRefused, KeyError for a part that is not there, and what lxml raises."""
    related = dict(_related(archive))
    root = _whole(archive, _WORKBOOK)
    sheets = [SheetPart(each.get("name", ""), related[_relation(each)]) for each in root.iter("{*}sheet") if _relation(each) in related]
    from_1904 = any(each.get("date1904") in ("1", "true") for each in root.iter("{*}workbookPr"))
    return Workbook(sheets, from_1904, list(_shared(archive)), frozenset(_dates(archive)))


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Watched:
    """What the parser reads: nothing that is in memory as a whole is endless."""

    def __init__(self, content: Readable) -> None:
        self._content = content
        self._read = self._last = 0

    def read(self, size: int = -1, /) -> bytes:
        """Raises FileRefused."""
        piece = self._content.read(size)
        self._read += len(piece)
        if self._read - self._last > LONGEST_ELEMENT_BYTES:
            raise refused("xlsx-too-large", max=LONGEST_ELEMENT_BYTES)
        return piece

    def whole(self) -> int:
        """A row or text was read whole. Bytes so far."""
        self._last = self._read
        return self._read


def elements(file: Readable, *tags: str) -> Iterator[etree._Element]:
    """Those with one of these names, when they end. Without entities and network; text of more than 10 MB is refused."""
    parsed = etree.iterparse(
        cast("IO[bytes]", file),
        ("end",),
        tag=tags,
        remove_comments=True,
        remove_pis=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for _, element in parsed:
        yield element


def forget(element: etree._Element) -> None:
    """It and what stands before it, so that the tree does not grow."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def is_named(element: etree._Element | None, name: str) -> bool:
    """In whichever namespace: the format has two."""
    return element is not None and str(element.tag).endswith("}" + name)


def text_of(element: etree._Element) -> str:
    """The text of a shared or inline string: of all its runs, without how they are pronounced."""
    if len(element) == 1 and is_named(element[0], "t"):
        whole = element[0].text or ""
        return unescape(whole) if "_x" in whole else whole
    found = [part.text or "" for part in element.iter("{*}t") if not is_named(part.getparent(), "rPh")]
    whole = "".join(found)
    return unescape(whole) if "_x" in whole else whole


def _relation(sheet: etree._Element) -> str:
    return next((value for name, value in sheet.attrib.items() if str(name).endswith("}id")), "")


def _related(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The worksheets by the id of their relation; a chart on a sheet of its own is none."""
    folder = posixpath.dirname(_WORKBOOK)
    for each in _whole(archive, "xl/_rels/workbook.xml.rels"):
        if each.get("Type", "").endswith("/worksheet"):
            yield each.get("Id", ""), posixpath.normpath(posixpath.join("/" + folder, each.get("Target", ""))).lstrip("/")


def _whole(archive: zipfile.ZipFile, name: str) -> etree._Element:
    if archive.getinfo(name).file_size > LARGEST_PART_BYTES:
        raise refused("xlsx-too-large", max=LARGEST_PART_BYTES)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(archive.read(name), parser)


def _shared(archive: zipfile.ZipFile) -> Iterator[str]:
    name = "xl/sharedStrings.xml"
    if name not in archive.namelist():
        return
    characters = 0
    with archive.open(name) as file:
        watched = Watched(file)
        for number, element in enumerate(elements(watched, "{*}si")):
            text = text_of(element)
            characters += len(text)
            if number >= MOST_SHARED_TEXTS or characters > MOST_SHARED_CHARACTERS:
                raise refused("xlsx-too-many-texts", max=MOST_SHARED_TEXTS)
            forget(element)
            watched.whole()
            yield text


def _dates(archive: zipfile.ZipFile) -> Iterator[str]:
    name = "xl/styles.xml"
    if name not in archive.namelist():
        return
    root = _whole(archive, name)
    formats = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    formats |= {each.get("numFmtId", ""): each.get("formatCode", "") for each in root.iter("{*}numFmt")}
    for styles in root.iter("{*}cellXfs"):
        for number, style in enumerate(styles.iterchildren("{*}xf")):
            if is_date_format(formats.get(style.get("numFmtId", "0"), "General")):
                yield str(number)
