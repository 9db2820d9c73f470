"""The decoder: a process of its own for each file, and what is made of how it ends.

The program (`photos/decode.py`) gets the file as its standard input and an empty file for each preview, and has no other way to the outside: no settings,
no secrets, no names of files. Whatever a file does to it, it ends in a `Finding`:

- it says what it found, or why it found nothing;
- it runs out of memory or time, crashes, or says what it never says: `DECODER_GAVE_UP`;
- it was killed or could not go on for lack of a processor, which may be no fault of the file: it is tried once more, and then the same;
- it fails in a way that nobody thought of: previews are `UNAVAILABLE`, and tried again when there is another version of the decoder.
"""

import contextlib
import errno
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import IO, Final

import structlog

from registry import clock
from registry.errors import Unavailable
from registry.photos.findings import Finding, Nonsense, Rejection, finding, heard
from registry.photos.model import ContentType, PreviewState
from registry.photos.refusals import Damaged, NotUnderstood, TooManyPixels
from registry.photos.rules import LARGEST_PHOTO_PIXELS
from registry.photos.signatures import JPEG, SIGNATURE_BYTES, content_type_of
from registry.supervision import end_process

PROGRAM: tuple[str, ...] = ("-m", "registry.photos.decode")
LARGEST_JPEG_PIXELS: Final = 300_000_000
"""Telephones make photos of 200 megapixels; libjpeg decodes a JPEG at a half, a quarter or an eighth of its size."""
WALL_S: Final = 120.0
"""Six times the processor time that it has: more than that, and it was left waiting."""
LONGEST_ANSWER_BYTES: Final = 64 * 1024
LONGEST_COMPLAINT: Final = 2_000
TRIES: Final = 2
RETRY_AFTER_S: Final = 60
ROOT: Final = Path(__file__).parents[2]
INTERRUPTED: Final = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGINT)
"""Ends that somebody else brought about: a person, a kernel short of memory, a service that is stopped."""

log = structlog.get_logger()


class GaveUp(Exception):
    """The file is more than the decoder may spend on it, or brought it down."""


class Interrupted(Exception):
    """The decoder was ended from outside, or left waiting."""


class Broken(Exception):
    """The decoder failed by itself; what it complained of stands here."""


def look_at(source: IO[bytes], previews: Mapping[int, IO[bytes]]) -> Finding:
    """What a file on disk is. ``previews`` are empty files by pixels of the longer side, filled when they are `MADE`.

    Raises Unavailable when no decoder can be started.
    """
    source.flush()
    versions_now, content_type = versions(), content_type_of(os.pread(source.fileno(), SIGNATURE_BYTES, 0))
    if content_type is None:
        return Finding(versions_now, None, Rejection.NOT_AN_IMAGE)
    try:
        return _judged(heard(_answer(source, content_type, previews)), versions_now, content_type, previews)
    except (GaveUp, Nonsense) as cause:
        log.warning("decoder-gave-up", cause=str(cause))
        return Finding(versions_now, content_type, Rejection.DECODER_GAVE_UP)
    except Broken as cause:
        log.error("decoder-failed", complaint=str(cause))
        return Finding(versions_now, content_type, previews=PreviewState.UNAVAILABLE)


def _judged(said: Mapping[str, object], versions_now: str, content_type: ContentType, previews: Mapping[int, IO[bytes]]) -> Finding:
    """Raises Nonsense."""
    if "refused" in said:
        log.info("photo-refused-by-decoder", code=str(said["refused"])[:40], why=str(said.get("why"))[:LONGEST_COMPLAINT])
        if said["refused"] == NotUnderstood.code:
            return Finding(versions_now, content_type, previews=PreviewState.UNAVAILABLE)
        if said["refused"] not in (Damaged.code, TooManyPixels.code):
            raise Nonsense("an unknown refusal")
        return Finding(versions_now, content_type, Rejection(said["refused"]))
    if not all(os.pread(file.fileno(), len(JPEG), 0) == JPEG for file in previews.values()):
        raise Nonsense("a preview that is no JPEG")
    return finding(said, decoder=versions_now, content_type=content_type, now=clock.now())


@cache
def versions() -> str:
    """Names and versions of the libraries that decode. Raises Unavailable when they don't start."""
    try:
        done = subprocess.run(_command(), env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, timeout=WALL_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        log.error("decoder-does-not-start", cause=str(error), complaint=str(getattr(error, "stderr", ""))[-LONGEST_COMPLAINT:])
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error
    return done.stdout.decode().strip()


def _answer(source: IO[bytes], content_type: ContentType, previews: Mapping[int, IO[bytes]]) -> bytes:
    """Raises GaveUp, Broken, Unavailable."""
    for _ in range(TRIES):
        try:
            return _run(source, content_type, previews)
        except Interrupted as interrupted:
            log.warning("decoder-interrupted", cause=str(interrupted))
    raise GaveUp("interrupted each time")


def _run(source: IO[bytes], content_type: ContentType, previews: Mapping[int, IO[bytes]]) -> bytes:
    """What the decoder printed. Raises GaveUp, Interrupted, Broken, Unavailable."""
    for file in previews.values():
        os.ftruncate(file.fileno(), 0)
        os.lseek(file.fileno(), 0, os.SEEK_SET)
    order = {
        "parent": os.getpid(),
        "content_type": content_type.value,
        "most_pixels": LARGEST_PHOTO_PIXELS,
        "most_pixels_in_jpeg": LARGEST_JPEG_PIXELS,
        "previews": [(file.fileno(), size) for size, file in sorted(previews.items(), reverse=True)],
    }
    with tempfile.TemporaryFile() as complaints, _started(json.dumps(order), source, complaints, [file.fileno() for file in previews.values()]) as process:
        answer, code = _end_of(process, time.monotonic() + WALL_S)
        complaints.seek(0)
        _judge_end(code, complaints.read()[-LONGEST_COMPLAINT:])
    return answer


def _judge_end(code: int, complaint: bytes) -> None:
    if code == errno.ENOMEM:
        raise GaveUp("out of memory")
    if code in INTERRUPTED:
        raise Interrupted(f"signal {-code}")
    if code < 0:
        raise GaveUp(f"signal {-code}")
    if code > 0:
        raise Broken(f"exit {code}: {complaint.decode(errors='replace')}")


@contextlib.contextmanager
def _started(order: str, source: IO[bytes], complaints: IO[bytes], inherited: list[int]) -> Iterator[subprocess.Popen[bytes]]:
    """The decoder at work; with all that it may have started it is gone afterwards. Raises Unavailable."""
    try:
        process = subprocess.Popen(
            _command(order),
            env=_environment(),
            cwd="/",
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=complaints,
            pass_fds=inherited,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from error
    try:
        yield process
    finally:
        end_process(process)
        process.stdout.close()  # type: ignore[union-attr]


def _end_of(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, int]:
    """What it printed and its exit code. Raises GaveUp when it prints without end, Interrupted when it takes too long."""
    output, answer = process.stdout, b""
    assert output is not None
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            step = os.read(output.fileno(), LONGEST_ANSWER_BYTES)
            answer += step
            if len(answer) > LONGEST_ANSWER_BYTES:
                raise GaveUp("it prints without end")
            if not step:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return answer, process.wait(max(0.0, deadline - time.monotonic()))
                break
    raise Interrupted(f"no end after {WALL_S:.0f} s")


def _command(*order: str) -> list[str]:
    return [sys.executable, "-s", "-P", *PROGRAM, *order]


def _environment() -> dict[str, str]:
    """Nothing of ours: where the program is, and one heap for all its threads, or each would claim address space for one."""
    return {"PYTHONPATH": str(ROOT), "MALLOC_ARENA_MAX": "1"}
