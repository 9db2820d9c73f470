"""When a chain of audit lines is whole, and what a seal of the log says. No session, no clock."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from registry.values import rfc3339

START = bytes(32)
"""The digest that the first line of a stream follows."""
SEAL_VERSION = 1


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a stream: its number (0 before the first) and its raw SHA-256 digest."""

    stream: int
    sequence: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class ChainedLine:
    """``content`` is what the digest covers besides the digest before it."""

    id: int
    recorded_at: datetime
    stream: int
    sequence: int
    digest: bytes
    content: bytes


class Flaw(StrEnum):
    """What tampering leaves behind; the values are the words a person reads."""

    ALTERED = "the line is not the one that was written here"
    GAP = "lines are missing before this one"
    REPEATED = "another line has this number already"
    TAIL_MISSING = "the last lines of the stream are missing, after the one named here"
    HEAD_DIFFERS = "the head of the stream does not belong to its last line"
    BEYOND_HEAD = "the line was not written by the register: the head of its stream does not know it"
    STREAM_MISSING = "the stream has no head"
    SEALED_LINE_MISSING = "the line that the seal names is gone"
    SEALED_LINE_DIFFERS = "the line is not the one that the seal names"


@dataclass(frozen=True, slots=True)
class Finding:
    """``line_id`` and ``recorded_at`` are those of the line that shows it, None when there is no line; ``stream`` or ``sequence`` is when it has none."""

    flaw: Flaw
    stream: int | None
    sequence: int | None
    line_id: int | None = None
    recorded_at: datetime | None = None

    def __str__(self) -> str:
        line = f", line {self.line_id}" if self.line_id is not None else ""
        moment = f", {rfc3339(self.recorded_at)}" if self.recorded_at is not None else ""
        return f"stream {self.stream}, sequence {self.sequence}{line}{moment}: {self.flaw.value}"


def next_digest(previous: bytes, content: bytes) -> bytes:
    return sha256(previous + content).digest()


class Chain:
    """The lines of one stream, followed in order. After a flaw it goes on from what is stored, so that one flaw is one finding."""

    def __init__(self, stream: int) -> None:
        self.head = Head(stream, 0, START)

    def follow(self, lines: Iterable[ChainedLine]) -> Iterator[Finding]:
        for line in lines:
            flaw = self._flaw(line)
            if flaw is not None:
                yield Finding(flaw, line.stream, line.sequence, line.id, line.recorded_at)
            if flaw is not Flaw.REPEATED:
                self.head = Head(line.stream, line.sequence, line.digest)

    def _flaw(self, line: ChainedLine) -> Flaw | None:
        """The digest of a line after a gap can't be judged, because the one before it is gone."""
        if line.sequence == self.head.sequence:
            return Flaw.REPEATED
        if line.sequence != self.head.sequence + 1:
            return Flaw.GAP
        return None if next_digest(self.head.digest, line.content) == line.digest else Flaw.ALTERED

    def end(self, head: Head) -> Iterator[Finding]:
        """Compare the last line that was followed with the ``head`` that the register keeps."""
        if self.head.sequence < head.sequence:
            yield Finding(Flaw.TAIL_MISSING, head.stream, self.head.sequence)
        elif self.head.digest != head.digest:
            yield Finding(Flaw.HEAD_DIFFERS, head.stream, head.sequence)


@dataclass(frozen=True, slots=True)
class Seal:
    """The state of the whole log at a moment, to be kept where nobody who can change the log can change it."""

    moment: datetime
    heads: tuple[Head, ...]

    @property
    def lines(self) -> int:
        return sum(head.sequence for head in self.heads)

    @property
    def digest(self) -> str:
        """64 hexadecimal digits over all heads, the number of lines and the moment."""
        return sha256(json.dumps(self._content(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps({**self._content(), "seal": self.digest}, indent=1) + "\n"

    def _content(self) -> dict[str, object]:
        streams = [{"stream": head.stream, "sequence": head.sequence, "digest": head.digest.hex()} for head in self.heads]
        return {"version": SEAL_VERSION, "moment": rfc3339(self.moment), "lines": self.lines, "streams": streams}


def read_seal(text: str) -> Seal:
    """A seal as `Seal.to_json` wrote it. Raises ValueError for anything else, and for one whose own digest is not right."""
    try:
        content = json.loads(text)
        heads = tuple(Head(int(each["stream"]), int(each["sequence"]), bytes.fromhex(each["digest"])) for each in content["streams"])
        seal = Seal(datetime.fromisoformat(content["moment"]), heads)
        if seal.digest != content["seal"]:
            raise ValueError("its digest is not that of its content")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("it is not a seal") from error
    return seal


def against_seal(seal: Seal, found: dict[int, tuple[int, datetime, bytes]]) -> Iterator[Finding]:
    """What the log lacks of an earlier ``seal``; ``found`` has for each stream the id, moment and digest of the line at the sealed sequence."""
    for head in seal.heads:
        line = found.get(head.stream)
        if head.sequence and line is None:
            yield Finding(Flaw.SEALED_LINE_MISSING, head.stream, head.sequence)
        elif line is not None and line[2] != head.digest:
            yield Finding(Flaw.SEALED_LINE_DIFFERS, head.stream, head.sequence, line[0], line[1])
