from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import psycopg
import pytest

from registry.imports.bag.commands import BagImportReport, apply, import_extract, stage
from registry.imports.bag.model import BagPartMissing, Part, Progress
from registry.imports.bag.report import report_lines
from registry.imports.bag.rules import LeftOut, Suspect

from .bag_extracts import LIG_ID, NUM_ID, PND_ID, STA_ID, VBO_ID, an_extract, num, occurrence, opr, place, pnd, point, polygon, relation, vbo, wpl

OTHER = "0457010000000002"
OTHER_NUM, OTHER_PND = "0457200000000002", "0457100000000002"
GONE = "0457999999999999"
Row = dict[str, object]


def run(connection: psycopg.Connection, path: Path) -> BagImportReport:
    report = import_extract(connection, path, municipality_name={"GM0457": "Weesp"}.get, progress=lambda progress: None)
    staged, applied = report.staged, report.applied
    current = sum(staged.parts[part].current for part in (Part.OCCUPIABLE_OBJECT, Part.MOORING, Part.PITCH))
    assert applied.created + applied.changed + applied.unchanged == staged.kept
    assert staged.kept + sum(staged.left_out.values()) == current
    assert report_lines(report)
    return report


def dwellings(connection: psycopg.Connection) -> list[Row]:
    with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute("SELECT * FROM dwelling ORDER BY bag_id").fetchall()


def the_dwelling(connection: psycopg.Connection) -> Row:
    [row] = dwellings(connection)
    return row


def test_a_home_gets_everything_the_bag_knows(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    path = an_extract(tmp_path / "x.zip", NUM=[num(letter="b", suffix="2A")], VBO=[vbo(uses=["winkelfunctie", "woonfunctie"])])
    run(bag_connection, path)
    row = the_dwelling(bag_connection)
    expected = {
        "bag_id": VBO_ID, "bag_object_type": "occupiable-object", "bag_status": "in-use", "address_designation_id": NUM_ID, "building_ids": [PND_ID],
        "street": "Achtergracht", "house_number": 15, "house_letter": "b", "house_number_suffix": "2A", "postcode": "1398PN", "town": "Weesp",
        "town_code": "3631", "municipality_code": "GM0457", "year_built": 1935, "floor_area_m2": 82, "uses": ["residential", "retail"], "source": "bag",
        "version": 1, "focus_area": None, "tenure": None, "dwelling_type": None, "energy_label": None, "condition_score": None,
    }  # fmt: skip
    assert {column: row[column] for column in expected} == expected
    assert [float(str(row[column])) for column in ("rd_x", "rd_y")] == [131009.0, 482405.0]
    assert row["longitude"] == pytest.approx(5.0352606, abs=1e-5)
    assert row["latitude"] == pytest.approx(52.3290572, abs=1e-5)


def test_moorings_and_pitches_are_dwellings_at_a_point_inside_them(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    flat = "131000 482000 0 131010 482000 0 131010 482010 0 131000 482010 0 131000 482000 0"
    report = run(
        bag_connection,
        an_extract(
            tmp_path / "x.zip",
            VBO=[],
            LIG=[place("Ligplaats", LIG_ID), place("Ligplaats", "0457020000000002", status="Plaats ingetrokken")],
            STA=[place("Standplaats", STA_ID, ring=flat, dimension=3)],
        ),
    )
    rows = dwellings(bag_connection)
    assert [(row["bag_object_type"], row["bag_status"], row["uses"], row["year_built"]) for row in rows] == [
        ("mooring", "designated", [], None),
        ("pitch", "designated", [], None),
    ]
    assert [(float(str(row["rd_x"])), float(str(row["rd_y"]))) for row in rows] == [(131005.0, 482005.0)] * 2
    assert report.staged.left_out == {LeftOut.WITHDRAWN: 1}


def test_a_home_drawn_as_a_polygon_gets_a_point_inside_it(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    run(bag_connection, an_extract(tmp_path / "x.zip", VBO=[vbo(geometry=f"<Objecten:vlak>{polygon()}</Objecten:vlak>")]))
    assert float(str(the_dwelling(bag_connection)["rd_x"])) == 131005.0


def test_only_the_main_address_counts(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    path = an_extract(tmp_path / "x.zip", NUM=[num(), num(OTHER_NUM, number=17)], VBO=[vbo(side_addresses=[OTHER_NUM])])
    run(bag_connection, path)
    assert the_dwelling(bag_connection)["house_number"] == 15


def test_an_address_in_another_town_than_its_street(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    towns = {"WPL": [wpl(), wpl("1012", name="Nigtevecht")], "GEM_WPL": [relation(), relation("1012", "1904")]}
    run(bag_connection, an_extract(tmp_path / "x.zip", NUM=[num(town="1012")], parts=towns))
    row = the_dwelling(bag_connection)
    assert (row["town"], row["town_code"], row["municipality_code"]) == ("Nigtevecht", "1012", "GM1904")
    assert bag_connection.execute("SELECT code, name FROM municipality").fetchall() == [("GM1904", "GM1904")]


@pytest.mark.parametrize("ended", ["eindGeldigheid", "eindRegistratie", "tijdstipInactief", "tijdstipNietBagLV"])
def test_history_is_counted_and_skipped(bag_connection: psycopg.Connection, tmp_path: Path, ended: str) -> None:
    former = vbo(area=60, history=occurrence(1, ended))
    report = run(bag_connection, an_extract(tmp_path / "x.zip", VBO=[former, vbo(history=occurrence(2))]))
    counts = report.staged.parts[Part.OCCUPIABLE_OBJECT]
    assert (counts.read, counts.current, the_dwelling(bag_connection)["floor_area_m2"]) == (2, 1, 82)


def test_of_two_current_occurrences_the_later_one_counts(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    twice = [vbo(area=70, history=occurrence(2)), vbo(area=60, history=occurrence(1))]
    report = run(bag_connection, an_extract(tmp_path / "x.zip", VBO=twice, NUM=[num(), num()], PND=[pnd(), pnd()]))
    assert the_dwelling(bag_connection)["floor_area_m2"] == 70
    assert report.staged.left_out == {LeftOut.DUPLICATE: 1}


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ({"VBO": [vbo(address=GONE)]}, LeftOut.ADDRESS_MISSING),
        ({"NUM": [num(street=GONE)]}, LeftOut.STREET_MISSING),
        ({"OPR": [opr(town="9999")]}, LeftOut.TOWN_MISSING),
        ({"GEM_WPL": [relation("1012")]}, LeftOut.MUNICIPALITY_MISSING),
        ({"GEM_WPL": [relation(status="voorlopig")]}, LeftOut.MUNICIPALITY_MISSING),
        ({"GEM_WPL": [relation(end="2021-10-15")]}, LeftOut.MUNICIPALITY_MISSING),
        ({"GEM_WPL": [relation(begin="2022-01-01")]}, LeftOut.MUNICIPALITY_MISSING),
        ({"VBO": [vbo(uses=["kantoorfunctie"])]}, LeftOut.NOT_RESIDENTIAL),
        ({"VBO": [vbo(status="Verblijfsobject gevormd")]}, LeftOut.NOT_YET_BUILT),
    ],
)
def test_what_is_left_out_has_a_reason(bag_connection: psycopg.Connection, tmp_path: Path, objects: dict[str, list[str]], reason: LeftOut) -> None:
    report = run(bag_connection, an_extract(tmp_path / "x.zip", parts=objects))
    assert report.staged.left_out == {reason: 1}
    assert dwellings(bag_connection) == []
    assert any(f"1  {reason.value}" in line for line in report_lines(report))


def test_a_municipality_that_will_merge_is_still_itself(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    merger = [relation(end="2022-03-24"), relation(municipality="0363", begin="2022-03-24")]
    run(bag_connection, an_extract(tmp_path / "x.zip", GEM_WPL=merger))
    assert the_dwelling(bag_connection)["municipality_code"] == "GM0457"


def test_a_missing_building_leaves_only_the_year_unknown(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    report = run(bag_connection, an_extract(tmp_path / "x.zip", VBO=[vbo(buildings=[GONE])]))
    assert the_dwelling(bag_connection)["year_built"] is None
    assert report.staged.buildings_missing == 1


def test_a_home_in_several_buildings_is_as_old_as_the_oldest(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    run(bag_connection, an_extract(tmp_path / "x.zip", VBO=[vbo(buildings=[OTHER_PND, PND_ID])], PND=[pnd(), pnd(OTHER_PND, year=1875)]))
    row = the_dwelling(bag_connection)
    assert (row["year_built"], row["building_ids"]) == (1875, [PND_ID, OTHER_PND])


@pytest.mark.parametrize(
    ("objects", "suspect", "column"),
    [
        ({"VBO": [vbo(area=1)]}, Suspect.FLOOR_AREA, "floor_area_m2"),
        ({"VBO": [vbo(area=999999)]}, Suspect.FLOOR_AREA, "floor_area_m2"),
        ({"PND": [pnd(year=1005)]}, Suspect.YEAR_BUILT, "year_built"),
        ({"VBO": [vbo(geometry=point(0.0, 0.0))]}, Suspect.LOCATION, "longitude"),
        ({"VBO": [vbo(geometry=point(float("nan"), 482405.0))]}, Suspect.LOCATION, "rd_x"),
    ],
)
def test_a_placeholder_is_stored_as_unknown(
    bag_connection: psycopg.Connection, tmp_path: Path, objects: dict[str, list[str]], suspect: Suspect, column: str
) -> None:
    report = run(bag_connection, an_extract(tmp_path / "x.zip", parts=objects))
    assert report.staged.suspect == {suspect: 1}
    assert the_dwelling(bag_connection)[column] is None


def test_an_address_without_postcode(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    run(bag_connection, an_extract(tmp_path / "x.zip", NUM=[num(postcode="")]))
    assert the_dwelling(bag_connection)["postcode"] is None


def test_a_second_run_changes_nothing_and_says_so(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    path = an_extract(tmp_path / "x.zip")
    assert run(bag_connection, path).applied.created == 1
    before = the_dwelling(bag_connection)
    report = run(bag_connection, path)
    assert (report.applied.created, report.applied.changed, report.applied.unchanged) == (0, 0, 1)
    assert "Nothing has changed: the register already had all of this." in report_lines(report)
    assert the_dwelling(bag_connection) == before


@pytest.mark.parametrize(
    ("objects", "column", "value"),
    [
        ({"VBO": [vbo(area=90)]}, "floor_area_m2", 90),
        ({"VBO": [vbo(status="Verbouwing verblijfsobject")]}, "bag_status", "under-alteration"),
        ({"VBO": [vbo(uses=["woonfunctie", "kantoorfunctie"])]}, "uses", ["residential", "office"]),
        ({"NUM": [num(postcode="")]}, "postcode", None),
        ({"NUM": [num(letter="a")]}, "house_letter", "a"),
        ({"PND": [pnd(year=1936)]}, "year_built", 1936),
        ({"OPR": [opr(name="Voorgracht")]}, "street", "Voorgracht"),
        ({"GEM_WPL": [relation(municipality="0363")]}, "municipality_code", "GM0363"),
    ],
)
def test_a_change_in_the_bag_changes_that_and_nothing_else(
    bag_connection: psycopg.Connection, tmp_path: Path, objects: dict[str, list[str]], column: str, value: object
) -> None:
    run(bag_connection, an_extract(tmp_path / "x.zip"))
    bag_connection.execute("UPDATE dwelling SET tenure = 'vacant', dwelling_type = 'multi-family', energy_label = 'G', condition_score = 5, source = 'api'")
    before = the_dwelling(bag_connection)
    report = run(bag_connection, an_extract(tmp_path / "y.zip", parts=objects))
    assert (report.applied.created, report.applied.changed, report.applied.unchanged) == (0, 1, 0)
    after = the_dwelling(bag_connection)
    assert after[column] == value
    assert {name for name in after if after[name] != before[name]} == {column, "version", "recorded_at"}
    assert after["version"] == 2


def test_only_the_dwellings_that_differ_are_written(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    addresses = [num(), num(OTHER_NUM, number=17)]
    run(bag_connection, an_extract(tmp_path / "x.zip", VBO=[vbo(), vbo(OTHER, address=OTHER_NUM)], NUM=addresses))
    report = run(bag_connection, an_extract(tmp_path / "y.zip", VBO=[vbo(), vbo(OTHER, address=OTHER_NUM, area=33)], NUM=addresses))
    assert (report.applied.created, report.applied.changed, report.applied.unchanged) == (0, 1, 1)
    assert [row["version"] for row in dwellings(bag_connection)] == [1, 2]
    assert bag_connection.execute("SELECT outcome, id FROM pg_temp.bag_applied").fetchall() == [("changed", dwellings(bag_connection)[1]["id"])]


def test_a_withdrawn_home_stays_in_the_register_and_is_reported(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    run(bag_connection, an_extract(tmp_path / "x.zip"))
    before = the_dwelling(bag_connection)
    report = run(bag_connection, an_extract(tmp_path / "y.zip", VBO=[vbo(status="Verblijfsobject ingetrokken")]))
    assert report.applied.no_longer_kept == 1
    assert the_dwelling(bag_connection) == before


def test_the_caller_can_undo_the_second_step(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    stage(bag_connection, an_extract(tmp_path / "x.zip"), progress=lambda progress: None)
    assert dwellings(bag_connection) == []
    with bag_connection.transaction(force_rollback=True):
        assert apply(bag_connection, municipality_name=lambda code: None).created == 1
    assert dwellings(bag_connection) == []
    with bag_connection.transaction():
        assert apply(bag_connection, municipality_name=lambda code: None).created == 1


def test_a_refused_file_does_not_spoil_the_session(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(BagPartMissing):
        run(bag_connection, an_extract(tmp_path / "x.zip", without=["NUM"]))
    assert run(bag_connection, an_extract(tmp_path / "y.zip")).applied.created == 1


def test_progress_never_goes_back_and_reaches_the_end(bag_connection: psycopg.Connection, tmp_path: Path) -> None:
    path = an_extract(tmp_path / "x.zip")
    heard: list[Progress] = []
    import_extract(bag_connection, path, municipality_name=lambda code: None, progress=heard.append)
    assert list(dict.fromkeys(each.stage for each in heard)) == ["read", "join", "apply"]
    for name in ("read", "join", "apply"):
        done = [each.done_bytes for each in heard if each.stage == name]
        assert done == sorted(done)
        assert done[-1] == path.stat().st_size
    assert {each.total_bytes for each in heard} == {path.stat().st_size}


@pytest.mark.parametrize("known_before", [False, True])
def test_two_imports_at_once_write_every_dwelling_once(bag_connection: psycopg.Connection, bag_database: str, tmp_path: Path, known_before: bool) -> None:
    if known_before:
        run(bag_connection, an_extract(tmp_path / "x.zip"))
    newer = an_extract(tmp_path / "y.zip", VBO=[vbo(area=90), vbo(OTHER)])
    with psycopg.connect(bag_database, autocommit=True) as second, ThreadPoolExecutor() as pool:
        for connection in (bag_connection, second):
            stage(connection, newer, progress=lambda progress: None)
        with bag_connection.transaction():
            first_counts = apply(bag_connection, municipality_name=lambda code: None)
            waiting = pool.submit(apply, second, municipality_name=lambda code: None)
            assert not wait([waiting], timeout=0.3).done
        second_counts = waiting.result(timeout=10)
    assert (first_counts.created, first_counts.changed) == ((1, 1) if known_before else (2, 0))
    assert (second_counts.created, second_counts.changed, second_counts.unchanged) == (0, 0, 2)
    assert [row["version"] for row in dwellings(bag_connection)] == ([2, 1] if known_before else [1, 1])
