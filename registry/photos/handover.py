"""Who wants an upload that this process is receiving: another request, here or on another node, that goes on from what is kept.

One question for all uploads of the process, a few times a second, however many wait for bytes that don't come.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from registry.db import ask
from registry.errors import Unavailable

ASK_EVERY_S = 0.3
_WANTED = "SELECT uploads_to_hand_over(%(ids)s, %(attempts)s)"

log = structlog.get_logger()


@dataclass(slots=True)
class Watched:
    """``interrupt`` ends the wait for bytes; ``wanted`` says that somebody asked."""

    attempt: int
    interrupt: Callable[[], None]
    wanted: bool = False


class Watch:
    """The uploads that this process is receiving."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploads: dict[UUID, Watched] = {}
        self._running = False

    def over(self, upload_id: UUID, attempt: int, interrupt: Callable[[], None]) -> Watched:
        """Watch over an upload until `end`. A later attempt in this process takes the place of an earlier one, which is interrupted."""
        watched = Watched(attempt, interrupt)
        with self._lock:
            earlier = self._uploads.get(upload_id)
            self._uploads[upload_id] = watched
            start, self._running = not self._running, True
            if earlier is not None:
                _hand_over(earlier)
        if start:
            threading.Thread(target=self._run, name="upload-handover", daemon=True).start()
        return watched

    def end(self, upload_id: UUID, watched: Watched) -> None:
        with self._lock:
            if self._uploads.get(upload_id) is watched:
                del self._uploads[upload_id]

    def _run(self) -> None:
        """Ends with the last upload, so that a quiet process asks nothing."""
        pause = threading.Event()
        while True:
            pause.wait(ASK_EVERY_S)
            with self._lock:
                under_way = dict(self._uploads)
                if not under_way:
                    self._running = False
                    return
            try:
                self._ask(under_way)
            except Unavailable:
                log.warning("handover-not-asked")
            except Exception:
                log.exception("handover-not-asked")

    def _ask(self, under_way: dict[UUID, Watched]) -> None:
        rows = ask(_WANTED, {"ids": list(under_way), "attempts": [watched.attempt for watched in under_way.values()]})
        for (upload_id,) in rows:
            watched = under_way[upload_id]
            with self._lock:  # whoever has all its bytes by now is not disturbed: its connection serves the next request
                if self._uploads.get(upload_id) is watched:
                    del self._uploads[upload_id]
                    _hand_over(watched)


def _hand_over(watched: Watched) -> None:
    watched.wanted = True
    watched.interrupt()


watch = Watch()
