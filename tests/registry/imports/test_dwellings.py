"""Dwellings from a file: created, changed, left as they are and refused, by the rules of a single call."""

from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.db import API_ROLE, transaction
from registry.dwellings.model import Dwelling, Tenure
from registry.errors import RuleViolation
from registry.imports import commands, forgetting, runs, staging
from registry.imports.model import ImportBuiltOn, ImportKind, ImportMode, ImportNotReady, ImportOutcome, ImportRowsRefused, ImportStatus
from registry.organisations.model import Organisation, OrganisationKind
from registry.versioned import Outcome
from tests import makers
from tests.owner import as_owner
from tests.registry.imports.importing import a_csv, applied, apply, faults, figures, now, outcomes, received, tried, undo

HEADER = ["BAG-id", "Straat", "Huisnummer", "Postcode", "Woonplaats", "Gemeentecode", "Bouwjaar", "Eigendomsvorm"]


def bag_id(number: int) -> str:
    return f"0917010{number:09d}"


def row(number: int, **other: object) -> list[object]:
    cells = {"BAG-id": bag_id(number), "Straat": "Vrieheidestraat", "Huisnummer": number, "Postcode": "6411 AB", "Woonplaats": "Heerlen"}
    cells |= {"Gemeentecode": "GM0917", "Bouwjaar": 1962, "Eigendomsvorm": "sociale huur"}
    return list((cells | other).values())


@pytest.fixture
def editor(session: Session) -> Actor:
    makers.a_municipality(session)
    return makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))[0]


@pytest.fixture
def town(session: Session) -> Actor:
    makers.a_municipality(session)
    body = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0917")
    return makers.a_member(session, Role.MUNICIPALITY_EDITOR, body)[0]


def held(session: Session, number: int) -> Dwelling:
    session.expire_all()
    return session.scalars(sa.select(Dwelling).where(Dwelling.bag_id == bag_id(number), Dwelling.withdrawn_at.is_(None))).one()


def test_a_dry_run_says_what_would_be_and_changes_nothing(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2, Bouwjaar="ergens")]))
    assert (run.status, figures(run)) == (ImportStatus.TRIED, (1, 0, 0, 1))
    assert faults(run.id) == [(3, "yearBuilt", "not-a-whole-number")]
    assert session.scalar(sa.select(sa.func.count()).select_from(Dwelling)) == 0


def test_applied_rows_are_dwellings_of_the_sender_with_an_audit_line_and_a_change_each(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2)]))
    assert (run.status, figures(run)) == (ImportStatus.APPLIED, (2, 0, 0, 0))
    one = held(session, 1)
    assert (one.registrar_id, one.postcode, one.house_number, one.tenure, one.uses) == (
        editor.organisation_id,
        "6411AB",
        1,
        Tenure.SOCIAL_RENT,
        ["residential"],
    )
    assert one.bag_object_type == "occupiable-object"
    lines = session.scalars(sa.select(AuditLine).where(AuditLine.subject_id == str(one.id))).all()
    assert [(line.action, line.person_id) for line in lines] == [("dwelling.registered", editor.person_id)]
    told = session.scalars(sa.select(Change).where(Change.subject_id == one.id)).all()
    assert [(change.action, change.municipality_code) for change in told] == [("dwelling.registered", "GM0917")]


def test_the_identical_file_again_changes_nothing(session: Session, editor: Actor, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2)])
    applied(editor, path)
    lines = session.scalar(sa.select(sa.func.count()).select_from(AuditLine).where(AuditLine.subject_kind == "dwelling"))
    run = applied(editor, path)
    assert figures(run) == (0, 0, 2, 0)
    assert held(session, 1).version == 1
    assert session.scalar(sa.select(sa.func.count()).select_from(AuditLine).where(AuditLine.subject_kind == "dwelling")) == lines


def test_an_empty_cell_and_a_missing_column_leave_what_is_there_and_a_dash_clears_it(session: Session, editor: Actor, tmp_path: Path) -> None:
    applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    run = applied(editor, a_csv(tmp_path / "more.csv", ["BAG-id", "Bouwjaar", "Eigendomsvorm", "Oppervlakte m2"], [[bag_id(1), "", "-", "84"]]))
    one = held(session, 1)
    assert (one.year_built, one.tenure, one.floor_area_m2, one.street, one.version) == (1962, None, 84, "Vrieheidestraat", 2)
    changes = session.scalars(sa.select(ImportOutcome.changes).where(ImportOutcome.import_id == run.id)).one()
    assert changes == {"tenure": ["social-rent", None], "floorAreaM2": [None, 84]}


def test_a_dwelling_is_named_by_its_id_or_its_address_too(session: Session, editor: Actor, tmp_path: Path) -> None:
    applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2)]))
    applied(editor, a_csv(tmp_path / "a.csv", ["Woning-id", "Bouwjaar"], [[held(session, 1).id, 1970]]))
    applied(editor, a_csv(tmp_path / "b.csv", ["Postcode", "Huisnummer", "Bouwjaar"], [["6411ab", "2", 1971]]))
    assert (held(session, 1).year_built, held(session, 2).year_built) == (1970, 1971)


def test_a_bag_id_is_given_to_the_dwelling_at_that_address_that_has_none(session: Session, editor: Actor, tmp_path: Path) -> None:
    applied(editor, a_csv(tmp_path / "planned.csv", HEADER[1:], [row(1)[1:]]))
    run = applied(editor, a_csv(tmp_path / "built.csv", HEADER, [row(1)]))
    assert figures(run) == (0, 1, 0, 0)
    assert held(session, 1).version == 2


def test_two_rows_about_one_dwelling_are_refused_from_the_second_on(editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2), row(1, Bouwjaar=1970)]))
    assert figures(run) == (2, 0, 0, 1)
    assert faults(run.id) == [(4, None, "row-repeated")]


def test_everything_that_is_wrong_with_a_row_is_told_at_once(session: Session, editor: Actor, tmp_path: Path) -> None:
    makers.a_municipality(session, "GM0363", "Amsterdam")
    makers.a_focus_area(session)
    cells = [bag_id(1)[:4] + "02" + bag_id(1)[6:], "GM9999", "heerlen-noord", "0", "eeuwig", "4,5", "52"]
    header = ["BAG-id", "Gemeentecode", "Focusgebied", "Bouwjaar", "Oppervlakte m2", "Lengtegraad", "Breedtegraad"]
    run = tried(editor, a_csv(tmp_path / "homes.csv", [*header, "Objecttype"], [[*cells, "verblijfsobject"]]))
    assert faults(run.id) == [
        (2, "bagId", "bag-id-wrong-type"),
        (2, "floorAreaM2", "not-a-whole-number"),
        (2, "focusArea", "focus-area-elsewhere"),
        (2, "municipalityCode", "no-such-reference"),
        (2, "yearBuilt", "too-small"),
    ]


def test_a_municipality_registers_in_itself_only_and_may_leave_out_its_code(session: Session, town: Actor, tmp_path: Path) -> None:
    makers.a_municipality(session, "GM0363", "Amsterdam")
    run = applied(town, a_csv(tmp_path / "homes.csv", HEADER, [row(1, Gemeentecode=""), row(2, Gemeentecode="363")]))
    assert faults(run.id) == [(3, "municipalityCode", "outside-your-municipality")]
    assert held(session, 1).municipality_code == "GM0917"


def test_a_corporation_can_not_touch_what_another_one_has(session: Session, editor: Actor, tmp_path: Path) -> None:
    other, _ = makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    applied(other, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    theirs = held(session, 1)
    path = a_csv(tmp_path / "mine.csv", [*HEADER, "Woning-id"], [[*row(1, Bouwjaar=1900), ""], [*row(2), theirs.id]])
    run = applied(editor, path)
    assert faults(run.id) == [(2, "bagId", "in-use-elsewhere"), (3, "dwellingId", "no-such-reference")]
    assert held(session, 1).year_built == 1962


def test_all_or_nothing_of_a_file_with_refused_rows_is_not_begun(editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2, Bouwjaar="x")]))
    with pytest.raises(ImportRowsRefused):
        apply(editor, run.id, ImportMode.ALL_OR_NOTHING)


def test_all_or_nothing_writes_nothing_when_a_row_is_refused_by_then_and_says_which(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2)]))
    other, _ = makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    applied(other, a_csv(tmp_path / "theirs.csv", HEADER, [row(2)]))
    run = apply(editor, run.id, ImportMode.ALL_OR_NOTHING)
    assert (run.status, run.mode, figures(run)) == (ImportStatus.TRIED, None, (1, 0, 0, 1))
    assert faults(run.id) == [(3, "bagId", "in-use-elsewhere")]
    assert [problem["code"] for problem in run.problems] == ["import-rows-refused"]
    assert session.scalars(sa.select(Dwelling.bag_id)).all() == [bag_id(2)]
    assert figures(apply(editor, run.id)) == (1, 0, 0, 1)


def test_per_row_a_row_that_is_refused_by_then_is_told_and_the_others_are_written(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2)]))
    other, _ = makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))
    applied(other, a_csv(tmp_path / "theirs.csv", HEADER, [row(2)]))
    run = apply(editor, run.id)
    assert (figures(run), outcomes(run.id)) == ((1, 0, 0, 1), {2: Outcome.CREATED, 3: Outcome.REFUSED})
    assert faults(run.id) == [(3, "bagId", "in-use-elsewhere")]


def test_an_unknown_column_is_named_and_must_be_mapped_or_left_out(session: Session, editor: Actor, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "homes.csv", [*HEADER, "Bouwjar"], [[*row(1, Bouwjaar=""), 1970]])
    run = tried(editor, path)
    (unknown,) = [column for column in run.columns if column["how"] == "unknown"]
    assert (unknown["header"], unknown["suggestion"]) == ("Bouwjar", None)
    with pytest.raises(RuleViolation) as refusal:
        apply(editor, run.id)
    assert [fault.code for fault in refusal.value.faults] == ["column-unknown"]
    with transaction(editor, role=API_ROLE) as asked:
        commands.ask_to_apply(asked, editor, run.id, mode=ImportMode.PER_ROW, ignore_unknown_columns=True)
    runs.apply(run.id)
    assert held(session, 1).year_built is None


def test_trying_again_with_another_mapping_reads_the_file_anew(session: Session, editor: Actor, tmp_path: Path) -> None:
    header = ["Pand", *HEADER[1:]]
    path = a_csv(tmp_path / "homes.csv", header, [row(1)])
    run = tried(editor, path)
    assert run.status is ImportStatus.TRIED  # named by address
    with transaction(editor, role=API_ROLE) as asked:
        commands.try_again(asked, editor, run.id, mapping={"Pand": "bagId"})
    runs.try_out(run.id, file=path)
    apply(editor, run.id)
    assert held(session, 1).version == 1


def test_a_file_without_what_names_a_dwelling_fails_as_a_whole(editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", ["Straat", "Bouwjaar"], [["Dorpsstraat", 1962]]))
    assert (run.status, run.rows_read) == (ImportStatus.FAILED, 0)
    assert [problem["code"] for problem in run.problems] == ["column-missing"]


def test_what_is_no_file_of_rows_fails_as_a_whole(editor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "photo.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    run = tried(editor, path)
    assert run.status is ImportStatus.FAILED
    assert run.problems


def test_undo_withdraws_what_was_created_and_puts_back_what_was_changed(session: Session, editor: Actor, tmp_path: Path) -> None:
    applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    run = applied(editor, a_csv(tmp_path / "more.csv", HEADER, [row(1, Bouwjaar=1970, Straat="Nieuwe straat"), row(2)]))
    assert figures(run) == (1, 1, 0, 0)
    run = undo(editor, run.id)
    assert run.status is ImportStatus.UNDONE
    one = held(session, 1)
    assert (one.year_built, one.street, one.version) == (1962, "Vrieheidestraat", 3)
    assert session.scalars(sa.select(Dwelling.withdrawn_at.is_not(None)).where(Dwelling.bag_id == bag_id(2))).all() == [True]
    # The BAG id is free again.
    assert figures(applied(editor, a_csv(tmp_path / "again.csv", HEADER, [row(2)]))) == (1, 0, 0, 0)


def test_undo_is_refused_as_a_whole_when_something_builds_on_it(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(2), row(3)]))
    applied(editor, a_csv(tmp_path / "more.csv", ["BAG-id", "Bouwjaar"], [[bag_id(2), 1970]]))
    makers.a_trajectory(session, makers.an_organisation(session), held(session, 3))
    with pytest.raises(ImportBuiltOn):
        undo(editor, run.id)
    run = now(run.id)
    assert (run.status, run.undo_reason) == (ImportStatus.APPLIED, None)
    builds = {problem["facts"]["id"]: problem["facts"]["by"] for problem in run.problems}
    assert builds == {str(held(session, 2).id): "version", str(held(session, 3).id): "trajectory"}


def test_an_import_is_applied_undone_and_tried_in_its_turn_only(editor: Actor, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "homes.csv", HEADER, [row(1)])
    import_id = received(editor, path)
    with pytest.raises(ImportNotReady), transaction(editor, role=API_ROLE) as session:
        commands.ask_to_apply(session, editor, import_id, mode=ImportMode.PER_ROW)
    runs.try_out(import_id, file=path)
    with pytest.raises(ImportNotReady), transaction(editor, role=API_ROLE) as session:
        commands.ask_to_undo(session, editor, import_id, reason="too early")
    assert apply(editor, import_id).status is ImportStatus.APPLIED
    assert apply(editor, import_id).status is ImportStatus.APPLIED  # asking twice is no harm
    with pytest.raises(ImportNotReady), transaction(editor, role=API_ROLE) as session:
        commands.try_again(session, editor, import_id)


def test_a_sender_who_left_writes_nothing_any_more(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    session.execute(sa.text("UPDATE membership SET valid_until = valid_from WHERE person_id = :id"), {"id": editor.person_id})
    run = apply(editor, run.id)
    assert (run.status, [problem["code"] for problem in run.problems]) == (ImportStatus.TRIED, ["sender-gone"])
    assert session.scalar(sa.select(sa.func.count()).select_from(Dwelling)) == 0


def test_the_same_request_key_gives_the_same_import_and_another_file_under_it_is_refused(session: Session, editor: Actor) -> None:
    ids = [UUID(str(session.scalars(sa.text("SELECT uuid_v7()")).one())) for _ in range(3)]
    new = commands.NewImport(ImportKind.DWELLINGS, "homes.csv", "text/csv", 10, b"\1" * 32, request_key="key-1")
    other = commands.NewImport(ImportKind.DWELLINGS, "homes.csv", "text/csv", 10, b"\2" * 32, request_key="key-1")
    with transaction(editor, role=API_ROLE) as asked:
        assert commands.receive(asked, editor, ids[0], new)[1] is Outcome.CREATED
        run, outcome = commands.receive(asked, editor, ids[1], new)
        assert (run.id, outcome) == (ids[0], Outcome.UNCHANGED)
        with pytest.raises(commands.ImportSentOtherwise):
            commands.receive(asked, editor, ids[2], other)


def test_a_new_dwelling_named_by_its_bag_id_and_again_by_its_address_is_one(editor: Actor, tmp_path: Path) -> None:
    path = a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(1, **{"BAG-id": ""}), row(2, **{"BAG-id": ""}), row(2), row(3)])
    run = applied(editor, path)
    assert figures(run) == (3, 0, 0, 2)
    assert faults(run.id) == [(3, None, "row-repeated"), (4, None, "row-repeated")]  # the row with the BAG id stands, wherever it is
    assert figures(applied(editor, path)) == (0, 0, 3, 2)


def test_two_rows_that_name_one_dwelling_in_two_ways_are_seen_however_far_apart_they_are(
    editor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("reading.CHUNK_ROWS", "staging.CHUNK_ROWS"):
        monkeypatch.setattr(f"registry.imports.{name}", 1)
    monkeypatch.setattr(staging.rows_to_judge, "__kwdefaults__", {"limit": 1})
    path = a_csv(tmp_path / "homes.csv", HEADER, [row(1), row(1, **{"BAG-id": ""}), row(2, **{"BAG-id": ""}), row(2), row(3), row(4, Huisnummer="3")])
    run = applied(editor, path)
    assert figures(run) == (4, 0, 0, 2)
    assert faults(run.id) == [(3, None, "row-repeated"), (4, None, "row-repeated")]


def test_a_bag_id_that_one_row_gives_to_a_dwelling_and_another_to_a_new_one_is_given_once(editor: Actor, tmp_path: Path) -> None:
    """Both used to be written: the import was stuck on the BAG id that was taken."""
    applied(editor, a_csv(tmp_path / "planned.csv", HEADER[1:], [row(1)[1:]]))
    run = applied(editor, a_csv(tmp_path / "built.csv", HEADER, [row(1), row(1, Postcode="", Huisnummer="")]))
    assert run.status is ImportStatus.APPLIED
    assert figures(run) == (0, 1, 0, 1)
    assert faults(run.id) == [(3, None, "row-repeated")]


def test_a_dwelling_moved_to_an_address_and_a_row_that_names_no_more_than_that_address_do_not_go_together(editor: Actor, tmp_path: Path) -> None:
    applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    path = a_csv(tmp_path / "moved.csv", HEADER, [row(1, Postcode="", Huisnummer="9"), row(9, **{"BAG-id": ""})])
    run = applied(editor, path)
    assert (figures(run), faults(run.id)) == ((0, 1, 0, 1), [(3, None, "row-repeated")])


def test_imports_that_wait_together_to_be_undone_are_told_apart(session: Session, editor: Actor, tmp_path: Path) -> None:
    first = applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    second = applied(editor, a_csv(tmp_path / "more.csv", HEADER, [row(1, Bouwjaar=1970)]))
    for each in (second, first):
        with transaction(editor, role=API_ROLE) as asked:
            commands.ask_to_undo(asked, editor, each.id, reason="sent by mistake")
    runs.undo(second.id)
    assert (now(second.id).status, held(session, 1).year_built) == (ImportStatus.UNDONE, 1962)


def test_a_colleague_undoes_in_her_own_name_what_somebody_sent_who_left(session: Session, editor: Actor, tmp_path: Path) -> None:
    run = applied(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    colleague, _ = makers.a_member(session, Role.CORPORATION_EDITOR, session.get_one(Organisation, editor.organisation_id))
    session.execute(sa.text("UPDATE membership SET valid_until = valid_from WHERE person_id = :id"), {"id": editor.person_id})
    run = undo(colleague, run.id)
    assert (run.status, run.undone_by) == (ImportStatus.UNDONE, colleague.person_id)
    with as_owner() as kept:
        lines = kept.execute(sa.select(AuditLine.action, AuditLine.person_id).where(AuditLine.action.in_(("import.undone", "dwelling.import-undone")))).all()
    assert {tuple(line) for line in lines} == {("import.undone", colleague.person_id), ("dwelling.import-undone", colleague.person_id)}


def test_what_is_asked_to_be_applied_meanwhile_is_not_forgotten(editor: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tried(editor, a_csv(tmp_path / "homes.csv", HEADER, [row(1)]))
    with transaction(editor, role=API_ROLE) as asked:
        commands.ask_to_apply(asked, editor, run.id, mode=ImportMode.PER_ROW)
    monkeypatch.setattr(forgetting, "_due", lambda: [run.id])
    assert forgetting.forget() == 0
    runs.apply(run.id)
    assert figures(now(run.id)) == (1, 0, 0, 0)
