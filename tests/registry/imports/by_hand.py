"""A kind of import without the engine: rows as cells, and what a kind says of them and does, in the name of who sends them and under row-level security."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from registry.access import Actor
from registry.db import transaction
from registry.imports.kinds import Effect, Judgement, Kind, RowFault, StagedRow
from registry.imports.model import ImportEffect, ImportRun, ImportStatus
from registry.sheets.columns import CellRefused
from registry.versioned import Outcome
from tests.owner import as_owner

Row = Mapping[str, object]
"""The text of cells by the name of their column."""


@dataclass(slots=True)
class Done:
    judged: dict[int, Judgement] = field(default_factory=dict)
    effects: list[Effect] = field(default_factory=list)

    @property
    def outcomes(self) -> list[str]:
        return [self.judged[row].outcome.value for row in sorted(self.judged)]

    @property
    def faults(self) -> list[tuple[int, str | None, str]]:
        """Row, field and code of each, in the order of the file."""
        return [(row, fault.field, fault.code) for row in sorted(self.judged) for fault in self.judged[row].faults]

    @property
    def subjects(self) -> list[UUID | None]:
        return [self.judged[row].subject_id for row in sorted(self.judged)]


def dry_run(kind: Kind, actor: Actor, rows: Sequence[Row]) -> Done:
    with transaction(actor) as session:
        staged, done = _identify(kind, session, actor, rows)
        _judge(kind, session, actor, staged, done)
    return done


def apply(kind: Kind, actor: Actor, rows: Sequence[Row]) -> Done:
    """Every row that is not refused, in one transaction."""
    with transaction(actor) as session:
        staged, done = _identify(kind, session, actor, rows)
        kind.lock(session, actor, staged)
        _judge(kind, session, actor, staged, done)
        wanted = [(row, done.judged[row.row]) for row in staged if done.judged[row.row].outcome in (Outcome.CREATED, Outcome.CHANGED)]
        done.effects = kind.write(session, actor, wanted) if wanted else []
    return done


def undo(kind: Kind, actor: Actor, done: Done) -> list[RowFault]:
    """As of an import that is being undone."""
    with as_owner() as session:
        run = ImportRun(
            kind=kind.kind,
            status=ImportStatus.UNDOING,
            undo_reason="a test",
            organisation_id=actor.organisation_id,
            person_id=actor.person_id,
            role=actor.role,
            file_name="rows.csv",
            media_type="text/csv",
            size_bytes=1,
            sha256=bytes(32),
        )
        session.add(run)
        session.flush()
        session.add_all(
            ImportEffect(import_id=run.id, row=each.row, subject_kind=each.subject_kind, subject_id=each.subject_id, action=each.action, version=each.version)
            for each in done.effects
        )
    with transaction(actor) as session:
        return kind.undo(session, actor, list(reversed(done.effects)))


def _identify(kind: Kind, session, actor: Actor, rows: Sequence[Row]) -> tuple[list[StagedRow], Done]:  # type: ignore[no-untyped-def]
    """Rows count as in a spreadsheet, below the header; in the order of their keys."""
    done, staged, converters = Done(), [], {column.name: column.convert for column in kind.columns}
    converted = [_convert(row, converters) for row in rows]
    numbered = [(place + 2, values) for place, (values, _) in enumerate(converted)]
    required = [column.name for column in kind.columns if column.required]
    for (row, values), (_, faults), found in zip(numbered, converted, kind.identify(session, actor, numbered), strict=True):
        wrong = {fault.field for fault in faults}
        faults = faults + [RowFault(name, "required") for name in required if name not in values and name not in wrong]
        faults += [fault for fault in found.faults if fault.field is None or fault.field not in wrong]
        if found.key is None:
            done.judged[row] = Judgement(Outcome.REFUSED, faults=faults)
        else:
            staged.append(StagedRow(row, found.key, {**values, **found.resolved}, uuid4(), bool(faults)))
            done.judged[row] = Judgement(Outcome.REFUSED, faults=faults)
    return sorted(staged, key=lambda each: (each.key, each.row)), done


def _convert(row: Row, converters: Mapping[str, object]) -> tuple[dict[str, object], list[RowFault]]:
    values, faults = {}, []
    for name, cell in row.items():
        try:
            if str(cell).strip():
                values[name] = converters[name](str(cell).strip())  # type: ignore[operator]
        except CellRefused as refusal:
            faults.append(RowFault(name, refusal.code))
    return values, faults


def _judge(kind: Kind, session, actor: Actor, staged: Sequence[StagedRow], done: Done) -> None:  # type: ignore[no-untyped-def]
    for row, judgement in zip(staged, kind.judge(session, actor, staged), strict=True):
        known = done.judged[row.row].faults
        if row.faulty:
            assert judgement.outcome is Outcome.REFUSED
        judgement.faults = [*known, *judgement.faults]
        assert (judgement.outcome is Outcome.REFUSED) == bool(judgement.faults), judgement
        done.judged[row.row] = judgement


def cells(header: str, rows: Iterable[str]) -> list[Row]:
    """Rows of cells between bars."""
    names = [name.strip() for name in header.split("|")]
    return [dict(zip(names, (cell.strip() for cell in row.split("|")), strict=True)) for row in rows]
