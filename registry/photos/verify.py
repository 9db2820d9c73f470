"""Are the originals in the object store still the bytes that were stored?

Every original is read and hashed, several at a time, in the order of the ids of their images, which is about the order in which they were stored. How far it
got, and what was found, stands in two files; so it goes on where it stopped, also after a power cut or kill -9, and memory is bounded.
"""

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import sqlalchemy as sa

from registry import clock, storage
from registry.db import reading
from registry.errors import Conflict, Unavailable
from registry.photos.model import Image, Photo
from registry.values import rfc3339

READERS: Final = 4
AHEAD: Final = 2 * READERS
"""Images that are being read, or wait to be."""
PAGE: Final = 500
TRIES: Final = 2
PAUSE_S: Final = 1.0
NOTE_EVERY_S: Final = 1.0
FIRST: Final = UUID(int=0)


class Flaw(StrEnum):
    MISSING = "missing"
    ALTERED = "altered"
    """Other bytes than were stored."""
    UNREADABLE = "unreadable"
    """The object store answers, and does not give this object."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An image whose original is not what was stored, and the photos that show it."""

    flaw: Flaw
    image_id: UUID
    object_key: str
    photo_ids: tuple[UUID, ...]

    def __str__(self) -> str:
        return f"{self.flaw}: {self.object_key} of photo {', '.join(map(str, self.photo_ids)) or '-'}"


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a verification got: everything up to the image ``after`` is done. ``noted_bytes`` is the length of what is noted of findings.

    ``register`` tells registers apart, so that one does not go on where another stopped.
    """

    register: str
    began_at: str
    after: UUID = FIRST
    images: int = 0
    bytes: int = 0
    findings: int = 0
    noted_bytes: int = 0
    finished: bool = False


class AlreadyVerifying(Conflict):
    """Another verification uses the same files."""

    code = "already-verifying"


class Notes:
    """The files ``photos-verify.json`` (how far it got) and ``photos-verify.jsonl`` (a line for each finding) in a folder."""

    def __init__(self, folder: Path) -> None:
        self._standing, self._findings, self._lock = (folder / f"photos-verify.{ending}" for ending in ("json", "jsonl", "lock"))

    @contextmanager
    def taken(self) -> Iterator[Self]:
        """Raises AlreadyVerifying."""
        with self._lock.open("w") as lock:
            try:
                flock(lock, LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyVerifying(path=self._lock) from error
            yield self

    def standing(self, register: str) -> Standing | None:
        """Where an unfinished verification of this register stands."""
        try:
            content = json.loads(self._standing.read_text(encoding="utf-8"))
            found = Standing(**{**content, "after": UUID(str(content["after"]))})
            whole = not found.noted_bytes or self._findings.stat().st_size >= found.noted_bytes
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return found if whole and found.register == register and not found.finished else None

    def write(self, standing: Standing) -> None:
        """The findings are on disk before the standing that counts them."""
        if standing.noted_bytes:
            with self._findings.open("rb") as findings:
                os.fsync(findings.fileno())
        draft = self._standing.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump({**asdict(standing), "after": str(standing.after)}, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._standing)

    def add(self, finding: Finding, standing: Standing) -> int:
        """Note a finding after those that ``standing`` knows; the new length. What a killed run noted beyond them is written over."""
        with self._findings.open("r+b" if self._findings.exists() else "w+b") as file:
            file.truncate(standing.noted_bytes)
            file.seek(0, 2)
            file.write(json.dumps({**asdict(finding), "image_id": str(finding.image_id), "photo_ids": list(map(str, finding.photo_ids))}).encode() + b"\n")
            return file.tell()

    def findings(self, standing: Standing) -> Iterator[Finding]:
        """Those that ``standing`` knows."""
        if not standing.noted_bytes:
            return
        with self._findings.open("rb") as file:
            while file.tell() < standing.noted_bytes:
                each = json.loads(file.readline())
                yield Finding(Flaw(each["flaw"]), UUID(each["image_id"]), each["object_key"], tuple(map(UUID, each["photo_ids"])))


def beginning() -> Standing:
    """Of a new verification of this register."""
    with reading() as session:
        oldest = session.scalar(sa.select(Image.id).order_by(Image.id).limit(1))
    return Standing(str(oldest), rfc3339(clock.now()))


def left(standing: Standing) -> int:
    """Bytes to go."""
    remaining = sa.select(sa.func.coalesce(sa.func.sum(Image.size_bytes), 0)).where(Image.id > standing.after, Image.destroyed_at.is_(None))
    with reading() as session:
        return int(session.scalar(remaining) or 0)


def verify(
    notes: Notes, standing: Standing, *, report: Callable[[Finding], None], progress: Callable[[int], None], rate_bytes_s: int | None = None
) -> Standing:
    """Go on from ``standing`` to the last image. Each finding goes to ``report``, the bytes of each image to ``progress`` when it is done.

    ``rate_bytes_s`` is how much to read in a second at most. Raises Unavailable when the object store or the database is away.
    """
    noted_at, pool, under_way = clock.monotonic(), ThreadPoolExecutor(READERS, thread_name_prefix="verify"), deque[tuple[Image, Future[Flaw | None]]]()
    try:
        for image in _paced(_images(standing.after), rate_bytes_s):
            under_way.append((image, pool.submit(_read, image)))
            while len(under_way) >= AHEAD:
                standing = _next(notes, standing, under_way, report, progress)
            if clock.monotonic() - noted_at >= NOTE_EVERY_S:
                notes.write(standing)
                noted_at = clock.monotonic()
        while under_way:
            standing = _next(notes, standing, under_way, report, progress)
        standing = replace(standing, finished=True)
    finally:
        pool.shutdown(cancel_futures=True)
        notes.write(standing)
    return standing


def _next(
    notes: Notes,
    standing: Standing,
    under_way: deque[tuple[Image, Future[Flaw | None]]],
    report: Callable[[Finding], None],
    progress: Callable[[int], None],
) -> Standing:
    """Wait for the first of the images under way; how far we are after it. Raises Unavailable."""
    image, reading_it = under_way[0]
    flaw = reading_it.result()
    found = _finding(image, flaw) if flaw is not None else None
    if found is not None:
        standing = replace(standing, findings=standing.findings + 1, noted_bytes=notes.add(found, standing))
        report(found)
    under_way.popleft()
    progress(image.size_bytes)
    return replace(standing, after=image.id, images=standing.images + 1, bytes=standing.bytes + image.size_bytes)


def _finding(image: Image, flaw: Flaw) -> Finding | None:
    """None when it was destroyed while it was being read."""
    with reading() as session:
        kept = session.scalar(sa.select(Image.destroyed_at).where(Image.id == image.id)) is None
        photo_ids = session.scalars(sa.select(Photo.id).where(Photo.image_id == image.id).order_by(Photo.id)).all()
    return Finding(flaw, image.id, image.object_key, tuple(photo_ids)) if kept else None


def _images(after: UUID) -> Iterator[Image]:
    while True:
        with reading() as session:
            page = session.scalars(sa.select(Image).where(Image.id > after, Image.destroyed_at.is_(None)).order_by(Image.id).limit(PAGE)).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def _paced(images: Iterator[Image], rate_bytes_s: int | None) -> Iterator[Image]:
    began, passed = clock.monotonic(), 0
    for image in images:
        yield image
        passed += image.size_bytes
        if rate_bytes_s is not None:
            time.sleep(max(0.0, passed / rate_bytes_s - (clock.monotonic() - began)))


def _read(image: Image) -> Flaw | None:
    """Raises Unavailable when it is not this object but the whole store that can't be read."""
    for attempt in range(TRIES):
        try:
            return _compare(image)
        except FileNotFoundError:
            return Flaw.MISSING
        except Unavailable:
            storage.check()
            time.sleep(PAUSE_S * attempt)
    return Flaw.UNREADABLE


def _compare(image: Image) -> Flaw | None:
    """Raises Unavailable, FileNotFoundError."""
    sha256, size_bytes = hashlib.sha256(), 0
    with storage.opened(image.object_key) as stream:
        while step := stream.read(storage.READ_STEP_BYTES):
            sha256.update(step)
            size_bytes += len(step)
    return None if (sha256.digest(), size_bytes) == (image.sha256, image.size_bytes) else Flaw.ALTERED
