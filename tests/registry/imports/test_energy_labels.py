"""Energy labels from a file: the register's own template, and the public file of EP-Online as it is."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.dwellings.model import Dwelling, LabelMethod, LabelSource, RegisteredLabel
from registry.imports.model import ImportKind, ImportStatus
from registry.values import EnergyLabel
from tests import makers
from tests.registry.imports.importing import a_csv, applied, faults, figures, tried, undo

LABELS = ImportKind.ENERGY_LABELS
HEADER = ["BAG-id", "Energielabel", "Opnamedatum"]
EP_ONLINE = (  # noqa: SIM905
    "Registratiedatum Opnamedatum GeldigTot Certificaathouder SoortOpname Status Berekeningstype OpBasisVanReferentiegebouw Gebouwklasse "
    "Gebouwtype Gebouwsubtype SBICode Postcode Huisnummer Huisletter Huisnummertoevoeging BAGVerblijfsobjectID Energieklasse Bouwjaar "
    "GebruiksoppervlakteThermischeZone Compactheid EnergieIndex EnergieIndexEMGForfaitair Energiebehoefte Warmtebehoefte PrimaireFossieleEnergie "
    "PrimaireFossieleEnergieEMGForfaitair AandeelHernieuwbareEnergie AandeelHernieuwbareEnergieEMGForfaitair BerekendeCO2Emissie "
    "BerekendeEnergieverbruik Temperatuuroverschrijding EisEnergiebehoefte EisPrimaireFossieleEnergie EisAandeelHernieuwbareEnergie "
    "EisTemperatuuroverschrijding BAGLigplaatsID BAGStandplaatsID BAGPandIDs Projectnaam Projectobject Detailaanduiding "
).split()


def bag_id(number: int) -> str:
    return f"0917010{number:09d}"


@pytest.fixture
def editor(session: Session) -> Actor:
    return makers.a_member(session, Role.CORPORATION_EDITOR, makers.an_organisation(session))[0]


@pytest.fixture
def homes(session: Session, editor: Actor) -> list[Dwelling]:
    return [makers.a_dwelling(session, held_by=editor, bag_id=bag_id(number), bag_object_type="occupiable-object") for number in (1, 2)]


def ep_online(path: Path, *rows: dict[str, str]) -> Path:
    """As RVO publishes it: byte order mark, two lines about the file, 42 columns."""
    usual = {"Status": "Bestaand", "Gebouwklasse": "W", "Berekeningstype": "NTA 8800:2022 (basisopname woningbouw)", "Registratiedatum": "20240402"}
    usual |= {"Opnamedatum": "20240331", "GeldigTot": "20340331", "PrimaireFossieleEnergie": "178,37", "Postcode": "6411AB", "Huisnummer": "9"}
    lines = ["PublicatieDatum;20260401", "LaatstVerwerkteMutatievolgnummer;123456789", ";".join(EP_ONLINE)]
    lines += [";".join({**usual, **row}.get(name, "") for name in EP_ONLINE) for row in rows]
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    return path


def current(session: Session, dwelling: Dwelling) -> EnergyLabel | None:
    session.expire_all()
    return session.get_one(Dwelling, dwelling.id).energy_label


def test_the_label_that_was_surveyed_last_is_that_of_the_dwelling(session: Session, editor: Actor, homes: list[Dwelling], tmp_path: Path) -> None:
    rows = [[bag_id(1), "B", "31-3-2024"], [bag_id(1), "E", "2014-03-31"], [bag_id(2), "a++", "20240331"]]
    run = applied(editor, a_csv(tmp_path / "labels.csv", HEADER, rows), LABELS)
    assert figures(run) == (3, 0, 0, 0)
    assert [current(session, home) for home in homes] == [EnergyLabel.B, EnergyLabel.A_2]


def test_the_same_label_twice_is_unchanged_and_two_labels_of_one_survey_contradict(
    session: Session, editor: Actor, homes: list[Dwelling], tmp_path: Path
) -> None:
    assert homes
    path = a_csv(tmp_path / "labels.csv", HEADER, [[bag_id(1), "B", "31-3-2024"], [bag_id(1), "B", "31-3-2024"], [bag_id(1), "C", "31-3-2024"]])
    run = applied(editor, path, LABELS)
    assert figures(run) == (1, 0, 1, 1)
    assert faults(run.id) == [(4, "label", "label-contradicts")]
    assert figures(applied(editor, path, LABELS)) == (0, 0, 2, 1)


def test_a_survey_in_the_future_and_a_letter_that_is_none_are_refused(editor: Actor, homes: list[Dwelling], tmp_path: Path) -> None:
    assert homes
    run = tried(editor, a_csv(tmp_path / "labels.csv", HEADER, [[bag_id(1), "B", "1-1-2199"], [bag_id(1), "H", ""], [bag_id(9), "B", "1-1-2020"]]), LABELS)
    assert faults(run.id) == [
        (2, "surveyedOn", "wrong-label-date"),
        (3, "label", "not-one-of"),
        (3, "surveyedOn", "required"),
        (4, "bagId", "no-such-reference"),
    ]


def test_the_file_of_ep_online_is_read_as_it_is(session: Session, editor: Actor, homes: list[Dwelling], tmp_path: Path) -> None:
    path = ep_online(
        tmp_path / "v20260401_v2_csv.csv",
        {"BAGVerblijfsobjectID": bag_id(1), "Energieklasse": "A+++"},
        {
            "BAGVerblijfsobjectID": bag_id(2),
            "Energieklasse": "G",
            "GeldigTot": "20200101",
            "Opnamedatum": "20100101",
            "Berekeningstype": "ISSO82.3, versie 3.0",
        },
    )
    run = applied(editor, path, LABELS)
    assert (run.status, figures(run)) == (ImportStatus.APPLIED, (2, 0, 0, 0))
    assert [current(session, home) for home in homes] == [EnergyLabel.A_3, EnergyLabel.G]  # an expired label is kept
    one = session.scalars(sa.select(RegisteredLabel).where(RegisteredLabel.dwelling_id == homes[0].id)).one()
    assert (one.registered_on, one.expires_on, one.method) == (date(2024, 4, 2), date(2034, 3, 31), LabelMethod.NTA_8800)
    assert (one.fossil_energy_kwh_m2, one.source, one.organisation_id) == (Decimal("178.37"), LabelSource.EP_ONLINE, editor.organisation_id)


def test_of_the_file_of_ep_online_what_is_no_home_of_the_sender_is_passed_over_and_counted(
    session: Session, editor: Actor, homes: list[Dwelling], tmp_path: Path
) -> None:
    assert homes
    elsewhere = [{"BAGVerblijfsobjectID": bag_id(100 + place), "Energieklasse": "C"} for place in range(5)]
    office = {"BAGVerblijfsobjectID": bag_id(1), "Energieklasse": "D", "Gebouwklasse": "U"}
    permit = {"BAGVerblijfsobjectID": bag_id(1), "Energieklasse": "A++++", "Status": "Vergunningsaanvraag"}
    wrong = {"BAGVerblijfsobjectID": bag_id(2), "Energieklasse": "Z"}
    ours = {"BAGVerblijfsobjectID": bag_id(1), "Energieklasse": "B"}
    run = applied(editor, ep_online(tmp_path / "ep.csv", *elsewhere, office, permit, wrong, ours), LABELS)
    assert figures(run) == (1, 0, 7, 1)
    assert (run.passed_over, faults(run.id)) == (7, [(11, "label", "not-one-of")])
    kept = session.scalar(sa.text("SELECT count(*) FROM import_row WHERE import_id = :id"), {"id": run.id})
    assert kept == 2


def test_undo_retracts_the_labels_and_the_former_one_is_that_of_the_dwelling_again(
    session: Session, editor: Actor, homes: list[Dwelling], tmp_path: Path
) -> None:
    applied(editor, a_csv(tmp_path / "old.csv", HEADER, [[bag_id(1), "F", "31-3-2014"]]), LABELS)
    run = applied(editor, a_csv(tmp_path / "new.csv", HEADER, [[bag_id(1), "B", "31-3-2024"], [bag_id(2), "C", "31-3-2024"]]), LABELS)
    assert undo(editor, run.id).status is ImportStatus.UNDONE
    assert [current(session, home) for home in homes] == [EnergyLabel.F, None]
    retracted = session.scalars(sa.select(RegisteredLabel.retracted_by).where(RegisteredLabel.retracted_at.is_not(None))).all()
    assert retracted == [editor.person_id] * 2
