"""What one request has brought of a file that is on its way to the object store."""

import hashlib
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Final, cast

from registry import clock

FRAGMENT_BYTES: Final = 256 * 1024
IN_MEMORY_BYTES: Final = 64 * 1024
"""Of one body; more of it is on disk, because a thousand may stall at the same time."""
SLOW_S: Final = 2.0


def new_file() -> BinaryIO:
    return cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))


class Spool:
    """What one request has brought, on disk when it is more than a little, so that no file is in memory as a whole."""

    def __init__(self, offset_bytes: int) -> None:
        self.file = new_file()
        self.sha256 = hashlib.sha256()
        self.begins = self.kept = self.ends = offset_bytes
        self._since = clock.monotonic()

    @property
    def came_slowly(self) -> bool:
        return clock.monotonic() - self._since >= SLOW_S

    def write(self, piece: bytes) -> None:
        self.file.write(piece)
        self.sha256.update(piece)
        self.ends += len(piece)

    def not_kept(self) -> Iterator[tuple[int, bytes]]:
        """Offset and content of each fragment to keep."""
        offset = self.kept
        while offset < self.ends:
            self.file.seek(offset - self.begins)
            content = self.file.read(min(FRAGMENT_BYTES, self.ends - offset))
            yield offset, content
            offset += len(content)
        self.file.seek(0, 2)
