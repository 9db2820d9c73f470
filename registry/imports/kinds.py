"""What the engine of imports asks of a kind of import. The engine reads, resumes, keeps, counts and reports; a kind knows what a row means.

A file goes through in three steps, each in chunks so that memory is bounded:

1. **read**: cells become values column by column (`Column.convert`), then `Kind.identify` says for a chunk of rows what each one is about (its key) and what is
   wrong with that; nothing is locked.
2. **compare**: rows in the order of their key, never splitting a key over two chunks, go to `Kind.judge`, which compares them with the register by the same
   `rules.py` as a single call of the API does. The dry run ends here.
3. **apply**: compares again, now in a transaction in the name of who sent the file with the things it is about locked, and lets `Kind.write` write what is
   created or changed, in statements for many rows. Per row: a transaction for each chunk. All or nothing: one for the whole file.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from registry.access import Actor, Right
from registry.db import Json
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.sheets.columns import Column
from registry.versioned import Outcome

Values = Mapping[str, Json]
"""The values of one row by the name of their column; a column that is not in the file or whose cell is empty is not there."""


@dataclass(slots=True)
class RowFault:
    """What is wrong with a row; ``field`` is the name of the column it is in, None for the whole row."""

    field: str | None
    code: str
    facts: dict[str, Json] = dataclasses.field(default_factory=dict)


@dataclass(slots=True)
class Identified:
    """What a row is about: rows with the same ``key`` are judged together. Without a key there are faults, and the row is refused."""

    key: str | None
    faults: list[RowFault] = dataclasses.field(default_factory=list)
    resolved: dict[str, Json] = dataclasses.field(default_factory=dict)
    """Kept with the values: what was looked up and is needed again, e.g. the id of the dwelling."""
    passed_over: bool = False
    """The row is none of the sender's business, as most of a national file: it is counted as unchanged, and not kept."""


@dataclass(slots=True)
class StagedRow:
    """A row of which it is known what it is about; ``resolved`` values are among its values.

    ``new_id`` is the id that what it creates gets: the same however often the row is judged, and in the order of the file. A row with ``faulty`` cells is
    judged too, without the values of those cells, so that all that is wrong is told at once; whatever is judged, it is refused.
    """

    row: int
    key: str
    values: Values
    new_id: UUID
    faulty: bool = False


@dataclass(slots=True)
class Judgement:
    """What a row would do. ``subject_id`` is what is there already, or the id that it will get; ``changes`` are [former, new] by field.

    ``plan`` is what `write` needs to know, in a shape of the kind's own; it is not kept.
    """

    outcome: Outcome
    subject_id: UUID | None = None
    faults: list[RowFault] = dataclasses.field(default_factory=list)
    changes: dict[str, Json] | None = None
    plan: object = None


@dataclass(frozen=True, slots=True)
class Effect:
    row: int
    subject_kind: SubjectKind
    subject_id: UUID
    action: EffectAction
    version: int | None = None


@dataclass(slots=True)
class ReadRow:
    """A row as a kind reads it that reads its own files: ``cells`` are shown to people and stand in the file of refused rows."""

    row: int
    cells: Sequence[str]
    values: dict[str, Json]
    faults: list[RowFault] = dataclasses.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Read:
    """Some rows, and how far the reading is: ``done`` of ``total``, e.g. in bytes."""

    rows: list[ReadRow]
    done: int
    total: int


class ReadsOwnFiles(Protocol):
    """A kind whose files are no spreadsheets. It is a `Kind` besides; its ``columns`` have no `convert` to speak of."""

    def read(self, path: Path, *, after: int) -> Iterator[Read]:
        """The rows with a number above ``after``, in order and always with the same numbers, so that a reading that was broken off can go on.

        Raises RegistryError, whose code and facts tell what is wrong with the file as a whole.
        """
        ...


class KnowsRepeatedRows(Protocol):
    """A kind whose rows may be about the same with different keys. It is a `Kind` besides."""

    def refuse_repeated(self, session: Session, import_id: UUID) -> None:
        """Refuse rows of an import that was read to its end (``row-repeated``), in one statement."""
        ...


class LeavesOut(Protocol):
    """A kind that knows columns of a file of a known form which are of no interest. It is a `Kind` besides."""

    left_out: tuple[str, ...]
    """Headers; the sender need not say that they are left out on purpose."""


class Kind(Protocol):
    """One kind of import."""

    @property
    def kind(self) -> ImportKind: ...

    @property
    def right(self) -> Right:
        """What whoever sends such a file must be allowed."""
        ...

    @property
    def columns(self) -> tuple[Column, ...]: ...

    @property
    def named_by(self) -> tuple[tuple[str, ...], ...]:
        """Sets of columns of which a file must have at least one whole set, e.g. (("bagId",), ("postcode", "houseNumber"))."""
        ...

    @property
    def ignores_others(self) -> bool:
        """A file of a known form, whose other columns are of no interest; otherwise a column that is not known must be mapped or left out on purpose."""
        ...

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        """One for each row. Looks up what rows refer to in a fixed number of queries, as far as the actor sees it. Cells that can't be read are not among the
        values; what is said of their fields is left out, so that nothing is told twice.
        """
        ...

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:
        """One for each row, in that order: rows of whole keys. Looks things up in a fixed number of queries. A key that must occur once in a file is refused
        here when it occurs again (``row-repeated``, with the ``first`` row).
        """
        ...

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:
        """Lock what the rows are about, in the order of ids, before they are judged for the last time."""
        ...

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        """Write those that are created or changed, with audit lines and the change feed, in statements for many rows."""
        ...

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        """Take back what was written, newest first; nothing is overwritten: rows are retracted, withdrawn, or get their former content as a new version.

        Returns what builds on it (``field`` is None, facts name the subject), and then nothing may be kept of what was undone.
        """
        ...
