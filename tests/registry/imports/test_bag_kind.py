"""A BAG extract through the engine of imports: a dry run, the municipality's own dwellings only, and a way back."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.access import RIGHTS, Actor, Right, Role
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.dwellings.model import Dwelling, Source
from registry.imports.bag.rows import CODES, read
from registry.imports.bag.rules import LeftOut
from registry.imports.model import ImportKind, ImportRun, ImportStatus
from registry.messages import TEXTS
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.owner import as_owner
from tests.registry.imports.bag_extracts import NUM_ID, VBO_ID, an_extract, num, pnd, relation, vbo, wpl
from tests.registry.imports.importing import apply, faults, figures, tried, undo

OFFICE, ELSEWHERE, NOWHERE = "0457010000000002", "0457010000000003", "0457010000000004"
NUM_ELSEWHERE = "0457200000000003"
KEPT = {"street": "Achtergracht", "house_number": 15, "postcode": "1398PN", "floor_area_m2": 82, "year_built": 1935, "uses": ["residential"]}


@pytest.fixture
def editor(fresh_database: str) -> Actor:
    with as_owner() as session:
        makers.a_municipality(session, "GM0457", "Weesp")
        body = makers.an_organisation(session, "gemeente-weesp", OrganisationKind.MUNICIPALITY, municipality_code="GM0457")
        return makers.a_member(session, Role.MUNICIPALITY_EDITOR, body)[0]


def extract(folder: Path, **more: object) -> Path:
    return an_extract(folder / "BAGGEM0457L-15102021.zip", **more)  # type: ignore[arg-type]


def sent(editor: Actor, path: Path) -> ImportRun:
    return tried(editor, path, ImportKind.BAG)


def the_dwelling() -> Dwelling:
    with as_owner() as session:
        return session.scalars(sa.select(Dwelling).where(Dwelling.bag_id == VBO_ID, Dwelling.withdrawn_at.is_(None))).one()


def test_each_object_is_a_row_and_what_becomes_no_dwelling_says_why(editor: Actor, tmp_path: Path) -> None:
    objects = [vbo(), vbo(OFFICE, uses=["kantoorfunctie"]), vbo(ELSEWHERE, address=NUM_ELSEWHERE), vbo(NOWHERE, address="0457200000000099")]
    addresses = [num(), num(NUM_ELSEWHERE, town="1111")]
    path = extract(tmp_path, VBO=objects, NUM=addresses, WPL=[wpl(), wpl("1111", name="Elders")], GEM_WPL=[relation(), relation("1111", "0363")])
    run = sent(editor, path)
    assert (run.status, figures(run)) == (ImportStatus.TRIED, (1, 0, 0, 3))
    expected = [(2, "bagId", "bag-not-residential"), (3, "municipalityCode", "outside-your-municipality"), (4, "bagId", "bag-address-missing")]
    assert faults(run.id) == expected
    with as_owner() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Dwelling)) == 0
    run = apply(editor, run.id)
    assert (run.status, figures(run)) == (ImportStatus.APPLIED, (1, 0, 0, 3))
    dwelling = the_dwelling()
    assert {name: getattr(dwelling, name) for name in KEPT} == KEPT
    assert (dwelling.source, dwelling.registrar_id, dwelling.version) == (Source.BAG, editor.organisation_id, 1)
    with as_owner() as session:
        assert session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == str(dwelling.id))).all() == ["dwelling.registered"]
        assert session.scalars(sa.select(Change.municipality_code).where(Change.subject_id == dwelling.id)).all() == ["GM0457"]


def test_the_same_extract_changes_nothing_and_a_later_one_what_is_different(editor: Actor, tmp_path: Path) -> None:
    apply(editor, sent(editor, extract(tmp_path)).id)
    assert figures(sent(editor, extract(tmp_path))) == (0, 0, 1, 0)
    with as_owner() as session:
        session.execute(sa.update(Dwelling).values(tenure="social-rent"))
    later = sent(editor, extract(tmp_path, VBO=[vbo(area=90)], PND=[pnd(year=1936)], NUM=[num(NUM_ID, letter="b")]))
    assert figures(later) == (0, 1, 0, 0)
    apply(editor, later.id)
    dwelling = the_dwelling()
    assert (dwelling.floor_area_m2, dwelling.year_built, dwelling.house_letter, dwelling.tenure) == (90, 1936, "b", "social-rent")


def test_an_extract_is_taken_back_as_a_whole(editor: Actor, tmp_path: Path) -> None:
    first = apply(editor, sent(editor, extract(tmp_path)).id)
    second = apply(editor, sent(editor, extract(tmp_path, VBO=[vbo(area=90)])).id)
    assert undo(editor, second.id).status is ImportStatus.UNDONE
    assert (the_dwelling().floor_area_m2, the_dwelling().version) == (82, 3)
    third = apply(editor, sent(editor, extract(tmp_path, VBO=[vbo("0457010000000009"), vbo()])).id)
    assert figures(third) == (1, 0, 1, 0)
    assert undo(editor, third.id).status is ImportStatus.UNDONE
    with as_owner() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Dwelling).where(Dwelling.withdrawn_at.is_(None))) == 1
    assert first.status is ImportStatus.APPLIED


def test_a_file_that_is_no_extract_fails_with_its_reason(editor: Actor, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"nothing")
    run = sent(editor, tmp_path / "x.zip")
    assert (run.status, [problem["code"] for problem in run.problems]) == (ImportStatus.FAILED, ["not-a-zip"])  # type: ignore[index, call-overload]
    run = sent(editor, extract(tmp_path, without=["PND"]))
    assert [problem["code"] for problem in run.problems] == ["bag-part-missing"]  # type: ignore[index, call-overload]


def test_a_reading_that_was_broken_off_goes_on_with_the_same_rows(editor: Actor, tmp_path: Path) -> None:
    path = extract(tmp_path, VBO=[vbo(f"04570100000000{number:02}") for number in range(1, 8)])
    whole = [row for part in read(path, after=0) for row in part.rows]
    assert [row for part in read(path, after=3) for row in part.rows] == whole[3:]
    assert [row.row for row in whole] == list(range(1, 8))


def test_only_a_municipality_sends_extracts() -> None:
    assert [role for role in Role if Right.IMPORT_BAG in RIGHTS[role]] == [Role.MUNICIPALITY_EDITOR]


def test_each_reason_to_leave_an_object_out_is_explained() -> None:
    assert {CODES[reason] for reason in LeftOut} <= set(TEXTS)
