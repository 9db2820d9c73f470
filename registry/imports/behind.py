"""One thing after another in a thread beside: the database keeps what was read while the next rows are being read, and finds the next rows while these are
being judged.
"""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from registry.db import one_connection

T = TypeVar("T")


def one_ahead(items: Iterator[T]) -> Generator[T]:
    """The next of ``items`` is made while the last one is in use. To be closed; no item is None."""
    if one_connection():
        yield from items
        return
    with ThreadPoolExecutor(1, "import") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


class Behind:
    """At most one thing is being done and none waits, so that no more is in memory than that and what comes next."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "import")
        self._under_way: Future[None] | None = None

    def do(self, work: Callable[[], None]) -> None:
        """As soon as what was asked before is done. Raises what that raised."""
        self._finish()
        if one_connection():
            work()
        else:
            self._under_way = self._thread.submit(work)

    def _finish(self) -> None:
        if self._under_way is not None:
            under_way, self._under_way = self._under_way, None
            under_way.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._thread.shutdown(wait=True)
