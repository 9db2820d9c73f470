"""Writing dwellings and their energy labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from registry.dwellings.rules import Label, NewDwelling, Particulars, check, check_label
from registry.errors import Fault, NotFound, RuleViolation
from registry.versioned import Outcome, change, check_version, same


@dataclass(frozen=True, slots=True)
class _Known:
    """What the register already has that the items of one batch refer to."""

    municipalities: frozenset[str]
    focus_areas: Mapping[str, str]
    by_id: Mapping[UUID, Dwelling]
    by_bag_id: Mapping[str, UUID]
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
    known = _known(session, [item.particulars for item in items], [item.id for item in items])
    twice = repeated([item.id for item in items]) | repeated([item.particulars.bag_id for item in items])
    return [_judge(actor, item, known, twice) for item in items]


def _known(session: Session, particulars: Sequence[Particulars], ids: Sequence[UUID | None]) -> _Known:
    # Asked first: what somebody else registers meanwhile is found below, and is then no secret.
    out_of_sight = queries.out_of_sight(session, [each for each in ids if each])
    codes = {each.municipality_code for each in particulars}
    slugs = {each.focus_area for each in particulars if each.focus_area}
    bag_ids = {each.bag_id for each in particulars if each.bag_id}
    areas = session.execute(sa.select(FocusArea.slug, FocusArea.municipality_code).where(FocusArea.slug.in_(slugs)))
    dwellings = session.scalars(sa.select(Dwelling).where(Dwelling.id.in_([each for each in ids if each])))
    taken = session.execute(sa.select(Dwelling.bag_id, Dwelling.id).where(Dwelling.bag_id.in_(bag_ids), Dwelling.withdrawn_at.is_(None)))
    return _Known(
        municipalities=frozenset(session.scalars(sa.select(Municipality.code).where(Municipality.code.in_(codes)))),
        focus_areas={row.slug: row.municipality_code for row in areas},
        by_id={dwelling.id: dwelling for dwelling in dwellings},
        by_bag_id={cast("str", row.bag_id): row.id for row in taken},
        out_of_sight=out_of_sight,
    )


def _judge(actor: Actor, item: NewDwelling, known: _Known, twice: set[object]) -> Result:
    faults = _faults(actor, item.particulars, known, own_id=item.id)
    faults += [Fault(pointer, "repeated", {"value": value}) for pointer, value in (("/id", item.id), ("/bagId", item.particulars.bag_id)) if value in twice]
    present = known.by_id.get(item.id) if item.id else None
    if present is None and item.id in known.out_of_sight:
        faults.append(Fault("", "in-use-elsewhere"))
    if present is not None and not faults:
        if same(present, item.particulars.columns()):
            return Result(Outcome.UNCHANGED, present.id)
        faults.append(Fault("/id", "already-exists", {"what": "dwelling", "id": item.id}))
    return refused(faults, item.id) if faults else Result(Outcome.CREATED, item.id)


def _faults(actor: Actor, particulars: Particulars, known: _Known, *, own_id: UUID | None) -> list[Fault]:
    faults = check(particulars, municipalities=known.municipalities, focus_areas=known.focus_areas)
    if actor.role is Role.MUNICIPALITY_EDITOR and particulars.municipality_code != actor.municipality_code:
        faults.append(Fault("/municipalityCode", "outside-your-municipality"))
    holder = known.by_bag_id.get(particulars.bag_id or "")
    if holder is not None and holder != own_id:
        faults.append(Fault("/bagId", "bag-id-taken", {"bag_id": particulars.bag_id, "id": holder}))
    return faults


def _insert(session: Session, actor: Actor, items: Sequence[NewDwelling]) -> list[UUID | None]:
    """The id of each item, None for one that somebody else registered at the same moment."""
    ids = [item.id or fresh for item, fresh in zip(items, fresh_ids(session, len(items)), strict=True)]
    rows = [{**item.particulars.columns(), "source": Source.API, "registrar_id": actor.organisation_id, "id": id} for item, id in zip(items, ids, strict=True)]
    inserted = insert_new(session, Dwelling, rows)
    new = [(id, item) for id, item in zip(ids, items, strict=True) if id in inserted]
    audit.record_each(session, actor, "dwelling.registered", "dwelling", [(id, {}) for id, _ in new])
    announce_each(session, ChangeKind.DWELLING, [(id, item.particulars.municipality_code, None) for id, item in new])
    return [id if id in inserted else None for id in ids]


def amend(session: Session, actor: Actor, dwelling_id: UUID, particulars: Particulars, *, expected: int | None) -> Outcome:
    """Replace the particulars of a dwelling; the former ones stay in its history.

    Raises NotAllowed, NotFound, VersionRequired, Stale, RuleViolation; at commit BagIdTaken.
    """
    require(actor, Right.REGISTER_DWELLINGS)
    dwelling = _visible(session, actor, dwelling_id)
    faults = _faults(actor, particulars, _known(session, [particulars], []), own_id=dwelling_id)
    if particulars.municipality_code != dwelling.municipality_code and dwelling.registrar_id != actor.organisation_id:
        faults.append(Fault("/municipalityCode", "municipality-stays"))
    if faults:
        raise RuleViolation(faults)
    if same(dwelling, particulars.columns()):
        return Outcome.UNCHANGED
    check_version(dwelling, expected)
    told = {dwelling.municipality_code, particulars.municipality_code}
    change(session, dwelling, {**particulars.columns(), **_no_longer_so(dwelling, particulars)})
    audit.record(session, actor, "dwelling.amended", "dwelling", dwelling_id)
    announce_each(session, ChangeKind.DWELLING, [(dwelling_id, code, None) for code in sorted(told)])
    return Outcome.CHANGED


def _no_longer_so(dwelling: Dwelling, particulars: Particulars) -> dict[str, object]:
    """What the BAG said of another object, address or position than the dwelling has from now on."""
    cleared: dict[str, object] = {}
    if dwelling.bag_id != particulars.bag_id:
        cleared |= {"bag_status": None, "address_designation_id": None, "building_ids": []}
    address = ("street", "house_number", "house_letter", "house_number_suffix", "postcode", "town")
    if any(getattr(dwelling, name) != getattr(particulars, name) for name in address):
        cleared |= {"address_designation_id": None, "town_code": None}
    if (dwelling.longitude, dwelling.latitude) != (particulars.longitude, particulars.latitude):
        cleared |= {"rd_x": None, "rd_y": None}
    return cleared


def register_label(session: Session, actor: Actor, dwelling_id: UUID, label: Label) -> RegisteredLabel:
    """Add an energy label to the dwelling; the one surveyed last is its current label.

    Raises NotAllowed, NotFound, RuleViolation.
    """
    require(actor, Right.REPORT_PROGRESS)
    dwelling = _visible(session, actor, dwelling_id)
    faults = check_label(label, today=clock.today())
    if faults:
        raise RuleViolation(faults)
    row = RegisteredLabel(
        dwelling_id=dwelling_id, label=label.label, surveyed_on=label.surveyed_on, recorded_by=actor.person_id, organisation_id=actor.organisation_id
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    newest = queries.newest_label(session, dwelling_id)
    if dwelling.energy_label != newest:
        change(session, dwelling, {"energy_label": newest})
    audit.record(
        session, actor, "dwelling.label-registered", "dwelling", dwelling_id, details={"label": label.label.value, "surveyedOn": label.surveyed_on.isoformat()}
    )
    announce(session, ChangeKind.DWELLING, dwelling_id, municipality_code=dwelling.municipality_code)
    return row


def _visible(session: Session, actor: Actor, dwelling_id: UUID) -> Dwelling:
    """The row, locked, when this actor may see it. Raises NotFound."""
    query = sa.select(Dwelling).where(Dwelling.id == dwelling_id, queries.visible_to(actor)).with_for_update(key_share=True)
    dwelling = session.scalar(query)
    if dwelling is None:
        raise NotFound(what="dwelling", id=dwelling_id)
    return dwelling
