"""Registering and amending dwellings."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Role
from registry.audit.model import AuditLine, SupersededRow
from registry.changes.model import Change
from registry.db import transaction
from registry.dwellings.commands import amend, register, register_each, register_label
from registry.dwellings.model import Dwelling
from registry.dwellings.queries import get, labels, list_
from registry.dwellings.rules import Label, NewDwelling, Particulars
from registry.errors import AlreadyExists, Conflict, NotAllowed, NotFound, RuleViolation, Stale
from registry.values import BagObjectType, EnergyLabel
from registry.versioned import Outcome, VersionRequired
from tests.makers import HEERLEN, a_dwelling, a_focus_area, a_municipality, a_municipality_editor, an_actor, an_editor

HOME = Particulars(HEERLEN, street="Voorbeeldstraat", house_number=1, postcode="6411AB", town="Heerlen")
BAG_ID = "9999010000000001"


def test_a_registered_dwelling_can_be_read(session: Session) -> None:
    editor = a_municipality_editor(session)
    result = register(session, editor, NewDwelling(HOME))
    assert result.outcome is Outcome.CREATED
    assert result.id is not None
    row = get(session, editor, result.id)
    assert (row["street"], row["version"], row["uses"]) == ("Voorbeeldstraat", 1, ["residential"])


def test_ids_made_by_the_register_are_in_the_order_of_time(session: Session) -> None:
    editor = a_municipality_editor(session)
    ids = [result.id for result in register_each(session, editor, [NewDwelling(HOME)] * 3)]
    assert {id.version for id in ids if id} == {7}
    assert str(ids[0])[:8] <= str(ids[2])[:8]


def test_all_faults_of_all_items_are_said_at_once(session: Session) -> None:
    editor = an_editor(session)
    a_focus_area(session)
    a_municipality(session, "GM0363", "Amsterdam")
    items = [
        NewDwelling(Particulars("GM9999", focus_area="nowhere", bag_id="0000020000000000", bag_object_type=BagObjectType.PITCH, longitude=0.0, latitude=0.0)),
        NewDwelling(Particulars("GM0363", focus_area="heerlen-noord", bag_id=BAG_ID)),
        NewDwelling(HOME),
    ]
    results = register_each(session, editor, items)
    assert [sorted(fault.code for fault in result.faults) for result in results] == [
        ["bag-id-wrong-type", "no-such-reference", "no-such-reference", "position-outside"],
        ["bag-id-without-type", "focus-area-elsewhere"],
        [],
    ]


def test_the_same_id_and_particulars_again_change_nothing(session: Session) -> None:
    editor, item = a_municipality_editor(session), NewDwelling(HOME, uuid4())
    assert [register(session, editor, item).outcome for _ in range(2)] == [Outcome.CREATED, Outcome.UNCHANGED]
    with pytest.raises(AlreadyExists):
        register(session, editor, replace(item, particulars=replace(HOME, house_number=2)))


def test_a_bag_id_belongs_to_one_dwelling(session: Session) -> None:
    editor = a_municipality_editor(session)
    home = replace(HOME, bag_id=BAG_ID, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT)
    register(session, editor, NewDwelling(home))
    with pytest.raises(Conflict) as refusal:
        register(session, editor, NewDwelling(home))
    assert refusal.value.faults[0].code == "bag-id-taken"
    results = register_each(session, editor, [NewDwelling(replace(home, bag_id="9999010000000002"))] * 2)
    assert {result.faults[0].code for result in results} == {"repeated"}


def test_the_database_guards_the_bag_id_too(fresh_database: str) -> None:
    with transaction() as session:
        a_dwelling(session, bag_id=BAG_ID, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT)
    with pytest.raises(Conflict), transaction() as session:
        a_dwelling(session, bag_id=BAG_ID, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT)


def test_a_municipality_registers_and_sees_only_what_lies_in_it(session: Session) -> None:
    a_municipality(session)
    amsterdam = a_municipality_editor(session, "GM0363")
    with pytest.raises(RuleViolation) as refusal:
        register(session, amsterdam, NewDwelling(HOME))
    assert refusal.value.faults[0].code == "outside-your-municipality"
    with pytest.raises(NotFound):
        get(session, amsterdam, a_dwelling(session).id)
    assert list_(session, amsterdam, limit=10).items == []


def test_an_analyst_gets_figures_and_no_addresses(session: Session) -> None:
    with pytest.raises(NotAllowed):
        get(session, an_actor(Role.MINISTRY_ANALYST), a_dwelling(session).id)


def test_an_amendment_says_which_version_it_is_based_on(session: Session) -> None:
    editor = a_municipality_editor(session)
    dwelling = register(session, editor, NewDwelling(HOME)).id
    assert dwelling is not None
    better = replace(HOME, house_letter="a")
    with pytest.raises(VersionRequired):
        amend(session, editor, dwelling, better, expected=None)
    assert amend(session, editor, dwelling, better, expected=1) is Outcome.CHANGED
    assert amend(session, editor, dwelling, better, expected=1) is Outcome.UNCHANGED
    with pytest.raises(Stale) as refusal:
        amend(session, editor, dwelling, HOME, expected=1)
    assert refusal.value.facts["current"] == 2


def test_the_former_version_stays_in_the_history_until_the_next_begins(session: Session) -> None:
    editor = a_municipality_editor(session)
    dwelling = register(session, editor, NewDwelling(HOME)).id
    assert dwelling is not None
    amend(session, editor, dwelling, replace(HOME, house_letter="a"), expected=1)
    former = session.scalars(sa.select(SupersededRow).where(SupersededRow.table_name == "dwelling")).one()
    assert (former.row_id, former.content["house_letter"], former.content["version"]) == (str(dwelling), None, 1)
    assert former.recorded_at < former.superseded_at == get(session, editor, dwelling)["recorded_at"]


def test_the_newest_survey_gives_the_current_label(session: Session) -> None:
    editor = an_editor(session)
    dwelling = a_dwelling(session, held_by=editor)
    for label, on in ((EnergyLabel.F, date(2015, 1, 1)), (EnergyLabel.B, date(2025, 1, 1)), (EnergyLabel.G, date(2009, 1, 1))):
        register_label(session, editor, dwelling.id, Label(label, on))
    assert session.get_one(Dwelling, dwelling.id).energy_label is EnergyLabel.B
    assert [row.label.value for row in labels(session, editor, dwelling.id)] == ["G", "F", "B"]


def test_a_label_is_not_surveyed_in_the_future(session: Session) -> None:
    with pytest.raises(RuleViolation):
        register_label(session, a_municipality_editor(session), a_dwelling(session).id, Label(EnergyLabel.A, date(2999, 1, 1)))


def test_every_registered_dwelling_has_one_audit_line(session: Session) -> None:
    editor = a_municipality_editor(session)
    ids = [result.id for result in register_each(session, editor, [NewDwelling(HOME)] * 3)]
    lines = session.scalars(sa.select(AuditLine).where(AuditLine.action == "dwelling.registered")).all()
    assert sorted(line.subject_id for line in lines) == sorted(map(str, ids))
    assert {(line.person_id, line.organisation_id, line.request_id) for line in lines} == {(editor.person_id, editor.organisation_id, editor.request_id)}


def test_what_the_bag_said_of_another_object_does_not_stay(session: Session) -> None:
    editor = a_municipality_editor(session)
    dwelling = a_dwelling(
        session, bag_id=BAG_ID, bag_object_type=BagObjectType.OCCUPIABLE_OBJECT, bag_status="in-use", building_ids=["9999100000000001"], rd_x=1
    )
    amend(session, editor, dwelling.id, replace(HOME, longitude=5.98, latitude=50.9), expected=1)
    row = get(session, editor, dwelling.id)
    assert (row["bag_id"], row["bag_status"], row["building_ids"], row["rd_x"]) == (None, None, [], None)


def test_both_municipalities_hear_that_a_dwelling_moved(session: Session) -> None:
    a_municipality(session, "GM0363", "Amsterdam")
    editor = an_editor(session)
    held = a_dwelling(session, held_by=editor)
    with pytest.raises(RuleViolation):
        amend(session, editor, held.id, replace(HOME, municipality_code="GM0363"), expected=1)
    dwelling = a_dwelling(session, held_by=editor, registrar_id=editor.organisation_id)
    amend(session, editor, dwelling.id, replace(HOME, municipality_code="GM0363"), expected=1)
    told = session.scalars(sa.select(Change.municipality_code).where(Change.subject_id == dwelling.id)).all()
    assert sorted(filter(None, told)) == ["GM0363", HEERLEN]
