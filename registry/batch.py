"""Commands that take many items: each is judged by itself, and one that is refused does not stop the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry.db import Base
from registry.errors import AlreadyExists, Conflict, Fault, RuleViolation
from registry.versioned import Outcome

LARGEST_BATCH = 1000
CONFLICT_CODES = frozenset({"already-exists", "bag-id-taken", "in-use-elsewhere", "milestone-already-reported", "milestone-superseded"})


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item; ``faults`` say why when it is refused."""

    outcome: Outcome
    id: UUID | None
    faults: Sequence[Fault] = ()


def refused(faults: Sequence[Fault], id: UUID | None = None) -> Result:
    return Result(Outcome.REFUSED, id, tuple(faults))


def only(results: Sequence[Result]) -> Result:
    """The result of a batch of one, raised when it is refused. Raises AlreadyExists, Conflict, RuleViolation."""
    (result,) = results
    codes = {fault.code for fault in result.faults}
    if "already-exists" in codes:
        raise AlreadyExists(result.faults, **result.faults[0].facts)
    if codes & CONFLICT_CODES:
        raise Conflict(result.faults)
    if codes:
        raise RuleViolation(result.faults)
    return result


def repeated(values: Sequence[object | None]) -> set[object]:
    """The values, other than None, that occur more than once."""
    seen: set[object] = set()
    twice: set[object] = set()
    for value in values:
        if value is not None:
            (twice if value in seen else seen).add(value)
    return twice


def create_each(judge: Callable[[], list[Result]], insert: Callable[[list[int]], list[UUID | None]]) -> list[Result]:
    """Judge the items of a batch and insert those that are new.

    ``insert`` gets their places and gives the id of each, None for one that somebody else inserted at the same moment: that one is judged again. One
    that still looks new is in use by something that this actor may not see: it is refused, without a word about what has it.
    """
    results = judge()
    wanted = [place for place, result in enumerate(results) if result.outcome is Outcome.CREATED]
    made = insert(wanted)
    again = judge() if None in made else results
    for place, id in zip(wanted, made, strict=True):
        results[place] = Result(Outcome.CREATED, id) if id else _in_sight(again[place])
    return results


def _in_sight(again: Result) -> Result:
    return refused([Fault("", "in-use-elsewhere")], again.id) if again.outcome is Outcome.CREATED else again


def insert_new(session: Session, model: type[Base], rows: Sequence[Mapping[str, object]]) -> set[UUID]:
    """Insert rows whose ``id`` is set, in the order of their ids so that two batches don't wait for each other, and return the ids inserted.

    A row that somebody else inserted at the same moment is left out: judge it again, it is visible now.
    """
    if not rows:
        return set()
    insert = postgresql.insert(model).on_conflict_do_nothing().returning(model.__table__.c.id)
    return set(session.scalars(insert, sorted(rows, key=lambda row: str(row["id"]))))


def fresh_ids(session: Session, count: int) -> list[UUID]:
    """New ids in the order of time (UUID version 7)."""
    return list(session.scalars(sa.text(f"SELECT uuid_v7() FROM generate_series(1, {count})")))
