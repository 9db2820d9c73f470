"""Writing dwellings and their energy labels."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, Role, require
from registry.areas.model import FocusArea, Municipality
from registry.audit import commands as audit
from registry.batch import Result, create_each, fresh_ids, insert_new, only, refused, repeated
from registry.changes.commands import announce, announce_each
from registry.changes.model import ChangeKind
from registry.dwellings import queries
from registry.dwellings.model import Dwelling, RegisteredLabel, Source
from registry.dwellings.rules import Known, Label, NewDwelling, Particulars, check, check_label, check_move, no_longer_so
from registry.errors import Fault, NotYours, RuleViolation
from registry.versioned import Outcome, change, check_version, same


@dataclass(frozen=True, slots=True)
class _Known:
    """What the register already has that the items of one batch refer to."""

    by_id: Mapping[UUID, Dwelling]
    rest: Known
    out_of_sight: frozenset[UUID]
    """Ids of dwellings that this actor may not see."""


def register(session: Session, actor: Actor, item: NewDwelling) -> Result:
    """Raises NotAllowed, AlreadyExists, Conflict, RuleViolation."""
    return only(register_each(session, actor, [item]))


def register_each(session: Session, actor: Actor, items: Sequence[NewDwelling]) -> list[Result]:
    """Add dwellings; one whose id exists with the same particulars is left as it is.

    Raises NotAllowed.
    """
    require(actor, Right.REGISTER_DWELLINGS)
    return create_each(
        lambda: _judge_each(session, actor, items),
        lambda places: _insert(session, actor, [items[place] for place in places]),
    )


def _judge_each(session: Session, actor: Actor, items: Sequence[NewDwelling]) -> list[Result]:
    known = _known(session, actor, [item.particulars for item in items], [item.id for item in items])
    twice = repeated([item.id for item in items]) | repeated([item.particulars.bag_id for item in items])
    return [_judge(item, known, twice) for item in items]


def _known(session: Session, actor: Actor, particulars: Sequence[Particulars], ids: Sequence[UUID | None]) -> _Known:
    # Asked first: what somebody else registers meanwhile is found below, and is then no secret.
    out_of_sight = queries.out_of_sight(session, [each for each in ids if each])
    dwellings = session.scalars(sa.select(Dwelling).where(Dwelling.id.in_([each for each in ids if each])))
    return _Known(
        by_id={dwelling.id: dwelling for dwelling in dwellings},
        rest=look_up(
            session,
            actor,
            codes={each.municipality_code for each in particulars},
            slugs={each.focus_area for each in particulars if each.focus_area},
            bag_ids={each.bag_id for each in particulars if each.bag_id},
        ),
        out_of_sight=out_of_sight,
    )


def look_up(session: Session, actor: Actor, *, codes: Collection[str], slugs: Collection[str], bag_ids: Collection[str]) -> Known:
    """What the register has of these, as far as `rules.check` asks for it."""
    areas = session.execute(sa.select(FocusArea.slug, FocusArea.municipality_code).where(FocusArea.slug.in_(slugs)))
    listed = sa.any_(sa.cast(list(bag_ids), sa.ARRAY(sa.Text)))
    taken = session.execute(sa.select(Dwelling.bag_id, Dwelling.id).where(Dwelling.bag_id == listed, Dwelling.withdrawn_at.is_(None)))
    return Known(
        municipalities=frozenset(session.scalars(sa.select(Municipality.code).where(Municipality.code.in_(codes)))),
        focus_areas={row.slug: row.municipality_code for row in areas},
        holders={cast("str", row.bag_id): row.id for row in taken},
        only_in=actor.municipality_code if actor.role is Role.MUNICIPALITY_EDITOR else None,
    )


def _judge(item: NewDwelling, known: _Known, twice: set[object]) -> Result:
    faults = check(item.particulars.columns(), known.rest, own_id=item.id)
    faults += [Fault(pointer, "repeated", {"value": value}) for pointer, value in (("/id", item.id), ("/bagId", item.particulars.bag_id)) if value in twice]
    present = known.by_id.get(item.id) if item.id else None
    if present is None and item.id in known.out_of_sight:
        faults.append(Fault("", "in-use-elsewhere"))
    if present is not None and not faults:
        if same(present, item.particulars.columns()):
            return Result(Outcome.UNCHANGED, present.id)
        faults.append(Fault("/id", "already-exists", {"what": "dwelling", "id": item.id}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _insert(session: Session, actor: Actor, items: Sequence[NewDwelling]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else registered at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows = [{**item.particulars.columns(), "source": Source.API, "registrar_id": actor.organisation_id, "id": id} for item, id in zip(items, ids, strict=True)]
    inserted = insert_new(session, Dwelling, rows)
    new = [(id, item) for id, item in zip(ids, items, strict=True) if id in inserted]
    audit.record_each(session, actor, "dwelling.registered", "dwelling", [(id, {}) for id, _ in new])
    announce_each(session, ChangeKind.DWELLING, [(id, item.particulars.municipality_code, None) for id, item in new], action="dwelling.registered")
    return [id if id in inserted else None for id in ids]


def amend(session: Session, actor: Actor, dwelling_id: UUID, particulars: Particulars, *, expected: int | None) -> Outcome:
    """Replace the particulars of a dwelling; the former ones stay in its history.

    Raises NotAllowed, NotFound, NotYours, VersionRequired, Stale, RuleViolation; at commit BagIdTaken.
    """
    require(actor, Right.REGISTER_DWELLINGS)
    dwelling = _visible(session, actor, dwelling_id)
    former, columns = _columns_of(dwelling), particulars.columns()
    faults = check(columns, _known(session, actor, [particulars], []).rest, own_id=dwelling_id)
    faults += check_move(former, columns, organisation_id=actor.organisation_id)
    if faults:
        raise RuleViolation(faults)
    if same(dwelling, columns):
        return Outcome.UNCHANGED
    check_version(dwelling, expected)
    told = {dwelling.municipality_code, particulars.municipality_code}
    change(session, dwelling, {**columns, **no_longer_so(former, columns)})
    audit.record(session, actor, "dwelling.amended", "dwelling", dwelling_id)
    announce_each(session, ChangeKind.DWELLING, [(dwelling_id, code, None) for code in sorted(told)], action="dwelling.amended")
    return Outcome.CHANGED


def _columns_of(dwelling: Dwelling) -> dict[str, object]:
    return {column.name: getattr(dwelling, column.name) for column in queries.COLUMNS}


def register_label(session: Session, actor: Actor, dwelling_id: UUID, label: Label) -> RegisteredLabel:
    """Add an energy label to the dwelling; the one surveyed last is its current label.

    Raises NotAllowed, NotFound, NotYours, RuleViolation.
    """
    require(actor, Right.REPORT_PROGRESS)
    dwelling = _visible(session, actor, dwelling_id)
    faults = check_label(label, today=clock.today())
    if faults:
        raise RuleViolation(faults)
    row = RegisteredLabel(dwelling_id=dwelling_id, recorded_by=actor.person_id, organisation_id=actor.organisation_id, **asdict(label))
    session.add(row)
    session.flush()
    session.refresh(row)
    newest = queries.newest_label(session, dwelling_id)
    if dwelling.energy_label != newest:
        change(session, dwelling, {"energy_label": newest})
    audit.record(
        session, actor, "dwelling.label-registered", "dwelling", dwelling_id, details={"label": label.label.value, "surveyedOn": label.surveyed_on.isoformat()}
    )
    announce(session, ChangeKind.DWELLING, dwelling_id, action="dwelling.label-registered", municipality_code=dwelling.municipality_code)
    return row


def _visible(session: Session, actor: Actor, dwelling_id: UUID) -> Dwelling:
    """The row, locked, when this actor may see and change it. Raises NotFound, NotYours."""
    query = sa.select(Dwelling).where(Dwelling.id == dwelling_id, queries.kept_by(actor)).with_for_update(key_share=True)
    dwelling = session.scalar(query)
    if dwelling is None:
        queries.get(session, actor, dwelling_id)
        raise NotYours([Fault("", "dwelling-not-kept")])
    return dwelling
