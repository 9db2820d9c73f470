"""Streaming XML out of a file that may be hostile: no DOCTYPE, no entities, no network, and never more in memory than one object."""

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from registry.imports.bag.archive import CHUNK_BYTES, PartFile
from registry.imports.bag.model import XmlDoctypeRefused, XmlEncodingRefused, XmlMalformed, XmlObjectTooLarge, XmlUnexpectedRoot

MAX_PROLOG_BYTES = 2**17
"""Before the root element: the XML declaration and comments. Kadaster's longest is a disclaimer of 2 kB."""
MAX_OBJECT_BYTES = 4 * 2**20
"""Between two objects. The outlines of towns are the longest, far below 1 MiB; the parser keeps up to thirty times this in memory."""

_DECLARED_ENCODING = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_ACCEPTED_ENCODINGS = (b"utf-8", b"us-ascii")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_WHITE_SPACE = b" \t\r\n"
_AFTER_ROOT_NAME = re.compile(rb"<[A-Za-z_:\x80-\xff]")


def elements(file: PartFile, root: str, tags: Sequence[str]) -> Iterator[etree._Element]:
    """Every complete element named in ``tags`` below ``root``, in the order of the file; each is emptied when the next one is asked for.

    Raises XmlDoctypeRefused before anything is parsed; XmlEncodingRefused, XmlMalformed, XmlUnexpectedRoot, XmlObjectTooLarge; what the stream
    raises.
    """
    chunk = _after_prolog_check(file)
    parser = etree.XMLPullParser(
        events=("end",),
        tag=tags,
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        yield from _parsed(parser, chunk, file, root)
    except etree.XMLSyntaxError as error:
        raise XmlMalformed(member=file.name, reason=error.msg or "unknown") from error


def _parsed(parser: "etree.XMLPullParser[etree._Element]", chunk: bytes, file: PartFile, root: str) -> Iterator[etree._Element]:
    root_checked = False
    bytes_since_object = 0
    while chunk:
        parser.feed(chunk)
        bytes_since_object += len(chunk)
        for _, element in parser.read_events():
            if isinstance(element, etree._Element):
                root_checked = root_checked or _is_root(element.getroottree().getroot(), file, root)
                bytes_since_object = 0
                yield element
                _forget(element)
        if bytes_since_object > MAX_OBJECT_BYTES:
            raise XmlObjectTooLarge(member=file.name, limit=MAX_OBJECT_BYTES)
        chunk = file.stream.read(CHUNK_BYTES)
    _is_root(parser.close(), file, root)


def _is_root(top: etree._Element, file: PartFile, root: str) -> bool:
    """True, or the error that says what else it is."""
    if top.tag != root:
        raise XmlUnexpectedRoot(member=file.name, root=top.tag, expected=root)
    if top.getroottree().docinfo.internalDTD is not None:
        raise XmlDoctypeRefused(member=file.name)
    return True


def _forget(element: etree._Element) -> None:
    """Empty an element and drop everything before it, so that the tree never grows."""
    element.clear()
    node = element
    while (parent := node.getparent()) is not None:
        while node.getprevious() is not None:
            del parent[0]
        node = parent


def _after_prolog_check(file: PartFile) -> bytes:
    """The first bytes, up to somewhere behind the start of the root element, after making sure that there is no DOCTYPE among them."""
    start = b""
    while True:
        chunk = file.stream.read(CHUNK_BYTES)
        start += chunk
        if _reaches_root(start, file.name):
            return start
        if not chunk:
            raise XmlMalformed(member=file.name, reason="it has no root element")
        if len(start) > MAX_PROLOG_BYTES:
            raise XmlMalformed(member=file.name, reason="its root element does not come soon enough")


def _reaches_root(start: bytes, name: str) -> bool:
    """Whether ``start`` goes on past the prolog. False: more bytes are needed to tell."""
    if start.startswith(_UTF_16_MARKS):
        raise XmlEncodingRefused(member=name, encoding="UTF-16")
    if (declared := _DECLARED_ENCODING.match(start.removeprefix(_BYTE_ORDER_MARK))) and declared[1].lower() not in _ACCEPTED_ENCODINGS:
        raise XmlEncodingRefused(member=name, encoding=declared[1].decode("ascii", "replace"))
    rest = start.removeprefix(_BYTE_ORDER_MARK).lstrip(_WHITE_SPACE)
    while rest.startswith((b"<?", b"<!--")):
        closing = b"?>" if rest.startswith(b"<?") else b"-->"
        _, found, rest = rest.partition(closing)
        if not found:
            return False
        rest = rest.lstrip(_WHITE_SPACE)
    if len(rest) < len(b"<!--"):
        return False
    if rest.startswith(b"<!"):
        raise XmlDoctypeRefused(member=name)
    if not _AFTER_ROOT_NAME.match(rest):
        raise XmlMalformed(member=name, reason="it does not begin with an element")
    return True
