"""Portfolios from a file: which corporation owns or manages which dwelling, from when to when. The municipality says so, by the rules of a single call."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right
from registry.db import Json
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, PortfolioPeriod, PortfolioRelation
from registry.dwellings.portfolio_ends import End, end_each
from registry.dwellings.portfolios import NewPeriod, assign_each, clashes
from registry.errors import Conflict
from registry.imports import dwelling_of_row, portfolio_undoing
from registry.imports.corporations import Corporations
from registry.imports.dwelling_of_row import NAMED_BY, Found
from registry.imports.kinds import Effect, Identified, Judgement, RowFault, StagedRow, Values
from registry.imports.model import EffectAction, ImportKind, SubjectKind
from registry.periods import check_period
from registry.sheets import cells
from registry.sheets.columns import Column
from registry.versioned import Outcome

RELATIONS: Final = {
    "eigenaar": PortfolioRelation.OWNER,
    "eigendom": PortfolioRelation.OWNER,
    "beheerder": PortfolioRelation.MANAGER,
    "beheer": PortfolioRelation.MANAGER,
}
LONGEST_NAME: Final = 200
"""Characters."""
COLUMNS: Final = (
    *dwelling_of_row.COLUMNS,
    Column(
        "corporation",
        ("Corporatie", "Corporation", "Woningcorporatie", "Eigenaar"),
        cells.text(LONGEST_NAME),
        "De woningcorporatie: haar naam, kenmerk of id in het register.",
        "The housing corporation: its name, slug or id in the register.",
        "Voorbeeld Wonen",
        required=True,
    ),
    Column(
        "relation",
        ("Relatie", "Relation", "Eigenaar of beheerder"),
        cells.choice(RELATIONS),
        "Eigenaar of beheerder; zonder deze kolom eigenaar.",
        "Owner or manager; owner without this column.",
        "eigenaar",
        choices=("eigenaar", "beheerder"),
    ),
    Column(
        "validFrom",
        ("Vanaf", "Valid from", "Ingangsdatum", "Begindatum"),
        cells.day,
        "De eerste dag: een datum als 1-1-2025.",
        "The first day: a date as 1-1-2025.",
        "1-1-2025",
        required=True,
    ),
    Column(
        "validUntil",
        ("Tot", "Valid until", "Geldig tot"),
        cells.day,
        "De dag na de laatste; leeg laat een einddatum zoals die is.",
        "The day after the last one; empty leaves an end as it is.",
        "1-1-2030",
    ),
    Column(
        "transfer",
        ("Overdracht", "Transfer"),
        cells.yes_or_no,
        "Ja als de woning die dag overgaat: de lopende periode van de ander eindigt dan.",
        "Yes if the dwelling passes on that day: the running period of the other one ends then.",
        "nee",
        choices=("ja", "nee"),
    ),
)


@dataclass(slots=True, eq=False)
class Period:
    """A period as it will be. ``version`` is 0 for a new one, ``former`` when it ended before, ``said_by`` the row that names it."""

    new: NewPeriod
    version: int
    former: date | None
    said_by: int | None = None

    def end(self, valid_until: date | None) -> None:
        self.new = _ending(self.new, valid_until)


@dataclass(slots=True)
class _Plan:
    created: Period | None = None
    changed: list[Period] = field(default_factory=list)


class Portfolio:
    kind = ImportKind.PORTFOLIO
    right = Right.MANAGE_PORTFOLIOS
    columns: tuple[Column, ...] = COLUMNS
    named_by: tuple[tuple[str, ...], ...] = NAMED_BY
    ignores_others = False

    def identify(self, session: Session, actor: Actor, rows: Sequence[tuple[int, Values]]) -> list[Identified]:
        values = [each for _, each in rows]
        corporations = Corporations(session)
        return [_identify(row, found, corporations) for row, found in zip(values, dwelling_of_row.find(session, actor, values), strict=True)]

    def judge(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> list[Judgement]:
        by_dwelling: dict[UUID, list[StagedRow]] = defaultdict(list)
        for row in rows:
            by_dwelling[UUID(row.key)].append(row)
        visible = set(session.scalars(sa.select(Dwelling.id).where(Dwelling.id.in_(by_dwelling), dwellings.kept_by(actor))))
        names, periods = Corporations(session).names, _periods(session, by_dwelling)
        judged: dict[int, Judgement] = {}
        for dwelling_id, of_dwelling in by_dwelling.items():
            if dwelling_id in visible:
                judged |= _judge_dwelling(dwelling_id, of_dwelling, periods[dwelling_id], names)
            else:
                judged |= {row.row: Judgement(Outcome.REFUSED, faults=[RowFault(None, "not-yours")]) for row in of_dwelling}
        return [judged[row.row] for row in rows]

    def lock(self, session: Session, actor: Actor, rows: Sequence[StagedRow]) -> None:  # noqa: ARG002
        ids = {UUID(row.key) for row in rows}
        dwellings.lock(session, ids)
        session.execute(sa.select(PortfolioPeriod.id).where(PortfolioPeriod.dwelling_id.in_(ids)).order_by(PortfolioPeriod.id).with_for_update(key_share=True))

    def write(self, session: Session, actor: Actor, judged: Sequence[tuple[StagedRow, Judgement]]) -> list[Effect]:
        plans = [(row.row, cast("_Plan", judgement.plan)) for row, judgement in judged]
        changed = [(row, period) for row, plan in plans for period in plan.changed if period.version]
        end_each(session, actor, [end_of(period) for _, period in changed])
        created = [(row, plan.created) for row, plan in plans if plan.created]
        results = assign_each(session, actor, [period.new for _, period in created]) if created else []
        faults = [fault for result in results for fault in result.faults]
        if faults:
            raise Conflict(faults)
        return [
            *(Effect(row, SubjectKind.PORTFOLIO_PERIOD, period.new.id, EffectAction.CHANGED, period.version + 1) for row, period in changed),
            *(Effect(row, SubjectKind.PORTFOLIO_PERIOD, period.new.id, EffectAction.CREATED, 1) for row, period in created),
        ]

    def undo(self, session: Session, actor: Actor, effects: Sequence[Effect]) -> list[RowFault]:
        return portfolio_undoing.take_back(session, actor, effects)


def _identify(row: Values, found: Found, corporations: Corporations) -> Identified:
    faults, resolved = list(found.faults), dict[str, Json]()
    if found.place is None and not found.faults:
        faults.append(RowFault(None, "dwelling-not-named"))
    if "corporation" in row:
        corporation = corporations.find(str(row["corporation"]), "corporation")
        if isinstance(corporation, RowFault):
            faults.append(corporation)
        else:
            resolved["organisationId"] = str(corporation)
    return Identified(str(found.place.id) if found.place else None, faults, resolved)


def _periods(session: Session, dwelling_ids: Mapping[UUID, object]) -> dict[UUID, list[Period]]:
    """Those with a day at least: the others say nothing."""
    columns = (
        PortfolioPeriod.id,
        PortfolioPeriod.dwelling_id,
        PortfolioPeriod.organisation_id,
        PortfolioPeriod.valid_from,
        PortfolioPeriod.valid_until,
        PortfolioPeriod.relation,
        PortfolioPeriod.version,
    )
    wanted = (PortfolioPeriod.dwelling_id.in_(dwelling_ids), PortfolioPeriod.valid_until.is_distinct_from(PortfolioPeriod.valid_from))
    found: dict[UUID, list[Period]] = defaultdict(list)
    for row in session.execute(sa.select(*columns).where(*wanted).order_by(PortfolioPeriod.valid_from)):
        new = NewPeriod(row.id, row.dwelling_id, row.organisation_id, row.valid_from, row.valid_until, row.relation)
        found[new.dwelling_id].append(Period(new, row.version, new.valid_until))
    return found


def _judge_dwelling(dwelling_id: UUID, rows: Sequence[StagedRow], periods: list[Period], names: Mapping[UUID, str]) -> dict[int, Judgement]:
    """In the order of time, whatever the order of the file: one row may end what another row, or the same one, follows."""
    judged = {row.row: Judgement(Outcome.REFUSED, faults=_about_days(row.values)) for row in rows if row.faulty}
    items = [(_item(dwelling_id, row), row) for row in rows if not row.faulty]
    for item, row in sorted(items, key=lambda each: (each[0].valid_from, each[1].row)):
        faults = _about_days(row.values)
        judged[row.row] = Judgement(Outcome.REFUSED, faults=faults) if faults else _judge(item, row, periods, names)
    return judged


def _item(dwelling_id: UUID, row: StagedRow) -> NewPeriod:
    organisation_id = UUID(str(row.values["organisationId"]))
    relation = PortfolioRelation(str(row.values.get("relation", PortfolioRelation.OWNER)))
    return NewPeriod(row.new_id, dwelling_id, organisation_id, cast("date", _day(row.values, "validFrom")), _day(row.values, "validUntil"), relation)


def _day(row: Values, column: str) -> date | None:
    return date.fromisoformat(str(row[column])) if column in row else None


def _about_days(row: Values) -> list[RowFault]:
    first = _day(row, "validFrom")
    return [] if first is None else [RowFault(fault.pointer[1:], fault.code) for fault in check_period(first, _day(row, "validUntil"))]


def _judge(item: NewPeriod, row: StagedRow, periods: list[Period], names: Mapping[UUID, str]) -> Judgement:
    same = next((each for each in periods if _begins_as(each.new, item)), None)
    if same is not None:
        return _judge_known(item, row, same, [each for each in periods if each is not same], names)
    transfers = row.values.get("transfer") is True
    passes_on = [each for each in periods if transfers and _passes_on(each.new, item)]
    stay = [each for each in periods if each not in passes_on]
    faults = _clashes(item, stay, names, code="portfolio-held-later" if transfers else "portfolio-held")
    if faults:
        return Judgement(Outcome.REFUSED, faults=faults)
    for each in passes_on:
        each.end(item.valid_from)
    created = Period(item, 0, item.valid_until, said_by=row.row)
    periods.append(created)
    changes: dict[str, Json] | None = None
    if passes_on:
        changes = {"corporation": [names.get(passes_on[0].new.organisation_id, "-"), names[item.organisation_id]]}
    return Judgement(Outcome.CREATED, item.id, changes=changes, plan=_Plan(created, passes_on))


def _judge_known(item: NewPeriod, row: StagedRow, known: Period, others: Sequence[Period], names: Mapping[UUID, str]) -> Judgement:
    if known.said_by is not None:
        return Judgement(Outcome.REFUSED, known.new.id, [RowFault(None, "row-repeated", {"first": known.said_by})])
    known.said_by = row.row
    if item.valid_until in (None, known.new.valid_until):
        return Judgement(Outcome.UNCHANGED, known.new.id)
    faults = _clashes(_ending(known.new, item.valid_until), others, names, code="portfolio-held")
    if faults:
        return Judgement(Outcome.REFUSED, known.new.id, faults)
    changes: dict[str, Json] = {"validUntil": [None if day is None else day.isoformat() for day in (known.new.valid_until, item.valid_until)]}
    known.end(item.valid_until)
    return Judgement(Outcome.CHANGED, known.new.id, changes=changes, plan=_Plan(None, [known]))


def _begins_as(known: NewPeriod, item: NewPeriod) -> bool:
    return (known.organisation_id, known.relation, known.valid_from) == (item.organisation_id, item.relation, item.valid_from)


def _passes_on(known: NewPeriod, item: NewPeriod) -> bool:
    """It goes on when the new one begins, of another corporation in the same relation."""
    goes_on = known.valid_until is None and known.valid_from < item.valid_from
    return goes_on and known.relation is item.relation and known.organisation_id != item.organisation_id


def _clashes(item: NewPeriod, others: Sequence[Period], names: Mapping[UUID, str], *, code: str) -> list[RowFault]:
    """Who has the dwelling meanwhile, and until when."""
    return [
        RowFault(
            "validFrom",
            code,
            {
                "corporation": names.get(other.new.organisation_id, "-"),
                "relation": other.new.relation.value,
                "from": other.new.valid_from.isoformat(),
                "until": other.new.valid_until.isoformat() if other.new.valid_until else "…",
            },
        )
        for other in others
        if clashes(item, [other.new])
    ]


def _ending(new: NewPeriod, valid_until: date | None) -> NewPeriod:
    return NewPeriod(new.id, new.dwelling_id, new.organisation_id, new.valid_from, valid_until, new.relation)


def end_of(period: Period) -> End:
    return End(period.new.id, period.version, period.new.dwelling_id, period.new.organisation_id, period.former, period.new.valid_until)
