"""Is the audit log still the one that was written?

The log may grow meanwhile. The heads are read first: a line up to a head is committed when the head is, so those lines can be read in parts, each in a
statement of its own, with bounded memory and without a long snapshot. What lies beyond the heads is judged in one statement, against the heads of then.

No constraint is trusted: an owner can drop it, and then a number may be missing or given twice. So a part ends with all lines of its last number, and
what is not surely up to a head lies beyond the heads.

The bytes under a digest are written out here a second time: asking the function of the database would trust what a tamperer may have replaced.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import STREAMS
from registry.audit.rules import Chain, ChainedLine, Finding, Flaw, Head, Seal, against_seal

LINES_AT_ONCE = 5_000
FINDINGS_BEYOND = 1_000
"""Of lines that the heads do not know, so many are named."""

_HEADS = sa.text("SELECT stream, sequence, digest FROM audit_stream WHERE stream BETWEEN 0 AND :last ORDER BY stream")
_LINES = sa.text(
    """
    SELECT id, recorded_at, stream, sequence, coalesce(digest, '') AS digest,
        convert_to(jsonb_build_array(
            1, stream, sequence, id::text, (extract(epoch FROM recorded_at) * 1000000)::bigint, person_id::text, organisation_id::text, role,
            request_id, trace_id, reason, action, subject_kind, subject_id, details)::text, 'UTF8') AS content
    FROM (
        SELECT * FROM audit_line WHERE stream = :stream AND sequence > :after AND sequence <= :upto
        ORDER BY sequence FETCH FIRST :limit ROWS WITH TIES) AS line
    ORDER BY sequence, id
    """
)
_BEYOND = sa.text(
    """
    SELECT line.stream, line.sequence, line.id, line.recorded_at
    FROM audit_line AS line LEFT JOIN audit_stream AS head USING (stream)
    WHERE (line.stream BETWEEN 0 AND :last AND line.sequence BETWEEN 1 AND head.sequence) IS NOT TRUE
    ORDER BY line.stream, line.sequence
    LIMIT :limit
    """
)
_AT = sa.text(
    """
    SELECT line.stream, line.id, line.recorded_at, line.digest
    FROM audit_line AS line JOIN unnest(CAST(:streams AS smallint[]), CAST(:sequences AS bigint[])) AS sealed (stream, sequence) USING (stream, sequence)
    """
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``seal`` is worth keeping when there are no ``flaws``."""

    seal: Seal
    flaws: int


def verify(session: Session, *, report: Callable[[Finding], None], progress: Callable[[int, int], None], against: Seal | None = None) -> Verdict:
    """Follow every stream, and compare with an earlier seal. Each finding goes to ``report``, lines done and lines in all to ``progress``."""
    seal = Seal(clock.now(), tuple(Head(*row) for row in session.execute(_HEADS, {"last": STREAMS - 1})))
    done = flaws = 0

    def step(lines: int) -> None:
        nonlocal done
        done += lines
        progress(done, seal.lines)

    for finding in _findings(session, seal, against, step):
        flaws += 1
        report(finding)
    return Verdict(seal, flaws)


def _findings(session: Session, seal: Seal, against: Seal | None, step: Callable[[int], None]) -> Iterator[Finding]:
    for stream in sorted(set(range(STREAMS)) - {head.stream for head in seal.heads}):
        yield Finding(Flaw.STREAM_MISSING, stream, 0)
    for head in seal.heads:
        yield from _follow(session, head, step)
    for row in session.execute(_BEYOND, {"last": STREAMS - 1, "limit": FINDINGS_BEYOND}):
        yield Finding(Flaw.BEYOND_HEAD, row.stream, row.sequence, row.id, row.recorded_at)
    if against is not None:
        asked = {"streams": [head.stream for head in against.heads], "sequences": [head.sequence for head in against.heads]}
        yield from against_seal(against, {row.stream: (row.id, row.recorded_at, row.digest) for row in session.execute(_AT, asked)})


def _follow(session: Session, head: Head, step: Callable[[int], None]) -> Iterator[Finding]:
    chain = Chain(head.stream)
    while chain.head.sequence < head.sequence:
        part = {"stream": head.stream, "after": chain.head.sequence, "upto": head.sequence, "limit": LINES_AT_ONCE}
        lines = [ChainedLine(**row) for row in session.execute(_LINES, part).mappings()]
        if not lines:
            break
        yield from chain.follow(lines)
        step(len(lines))
    yield from chain.end(head)
