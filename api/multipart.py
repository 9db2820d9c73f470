"""The parts of a form (RFC 7578) as they come in: files go to disk piece by piece, so that none of them is in memory as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from werkzeug.exceptions import BadRequest, ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from registry.photos.claims import ROOM_RETRY_AFTER_S, UploadRoomFull
from registry.spool import Spool

MOST_PARTS: Final = 150
"""ODK Collect sends at most 103 in one request."""
LARGEST_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Of what the decoder has at a time: a piece as it came, and what it keeps back, such as the head of a part."""
LONGEST_BOUNDARY: Final = 200
"""Characters; RFC 2046 allows 70."""

log = structlog.get_logger()


@dataclass(slots=True)
class Part:
    """``name`` is that of the field, ``filename`` that of the file if it is one."""

    name: str
    filename: str | None
    content: Spool = field(default_factory=lambda: Spool(0))

    def text(self, most_bytes: int) -> bytes:
        """The whole of a small one. Raises RequestEntityTooLarge."""
        if self.content.ends > most_bytes:
            raise RequestEntityTooLarge()
        self.content.file.seek(0)
        return self.content.file.read()


class Body(Protocol):
    """As `api.bodies.Incoming`."""

    def pieces(self) -> Iterator[bytes]: ...
    @property
    def is_whole(self) -> bool: ...


def read(content_type: str, body: Body, most_bytes: int) -> list[Part]:
    """All parts of a body. Who calls closes their files (`close`).

    Raises BadRequest when it is no such form, ClientDisconnected when it breaks off, RequestEntityTooLarge, UploadRoomFull.
    """
    boundary = parse_options_header(content_type)[1].get("boundary", "")
    if not boundary.isascii() or not 1 <= len(boundary) <= LONGEST_BOUNDARY:
        raise BadRequest()
    decoder = MultipartDecoder(boundary.encode(), LARGEST_BUFFER_BYTES, max_parts=MOST_PARTS)
    parts: list[Part] = []
    try:
        _take(decoder, body, most_bytes, parts)
    except ValueError:
        close(parts)
        raise BadRequest() from None
    except OSError as error:
        close(parts)
        log.error("no-room-for-upload", cause=str(error), hint="is the temporary folder full?")
        raise UploadRoomFull(retry_after_s=ROOM_RETRY_AFTER_S) from error
    except BaseException:
        close(parts)
        raise
    return parts


def close(parts: list[Part]) -> None:
    for part in parts:
        part.content.file.close()


def _take(decoder: MultipartDecoder, body: Body, most_bytes: int, parts: list[Part]) -> None:
    """Raises ValueError for what is no form or ends within a part."""
    left = most_bytes
    for piece in body.pieces():
        left -= len(piece)
        if left < 0:
            raise RequestEntityTooLarge()
        if piece:
            decoder.receive_data(piece)
            _add(decoder, parts)
    if not body.is_whole:
        raise ClientDisconnected()
    decoder.receive_data(None)
    _add(decoder, parts)


def _add(decoder: MultipartDecoder, parts: list[Part]) -> None:
    """What has become known of the parts."""
    while True:
        match decoder.next_event():
            case File(name=name, filename=filename):
                parts.append(Part(name or "", filename))
            case Field(name=name):
                parts.append(Part(name or "", None))
            case Data(data=data):
                parts[-1].content.write(data)
            case Epilogue() | NeedData():
                return
