"""A dwelling as an Eenheid: what is known in VERA's names, and nothing else."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from registry.dwellings.model import BagStatus, DwellingType, LabelMethod, Tenure, Use
from registry.trajectories.model import MeasureKind, Track
from registry.trajectories.rules import TrackState
from registry.values import BagObjectType, EnergyLabel
from registry.vera.units import KnownLabel, KnownUnit, condition_of, unit_of

ID = UUID("01900000-0000-7000-8000-000000000001")
CORPORATION = UUID("01900000-0000-7000-8000-000000000002")
NOTHING_KNOWN: dict[str, object] = {
    **dict.fromkeys(("bag_id", "bag_object_type", "bag_status", "address_designation_id", "year_built", "floor_area_m2", "tenure", "dwelling_type")),
    **dict.fromkeys(("street", "house_number", "house_letter", "house_number_suffix", "postcode", "town", "town_code", "condition_score", "ended_on")),
}
BARE = KnownUnit(
    dwelling={**NOTHING_KNOWN, "id": ID, "municipality_code": "GM0917", "building_ids": [], "uses": []},
    organisation_id=CORPORATION,
    municipality="Heerlen",
    manages_only=False,
    held_from=date(2020, 1, 1),
    held_until=None,
    on=date(2026, 1, 1),
    tracks={},
    labels=(),
    measures=(),
    projects={},
    renovated_on=None,
    cost_eur=None,
)


def known(**of_dwelling: object) -> KnownUnit:
    return replace(BARE, dwelling={**BARE.dwelling, **of_dwelling})


def test_what_is_not_known_is_left_out() -> None:
    assert unit_of(BARE) == {
        "id": str(ID),
        "idOrganisatie": str(CORPORATION),
        "code": str(ID),
        "soort": {"code": "WOO", "naam": "Woonruimte"},
        "inExploitatiedatum": "2020-01-01",
        "adres": {"soort": {"code": "EEN", "naam": "Eenheid adres"}, "gemeente": {"code": "GM0917", "naam": "Heerlen"}},
    }
    assert condition_of(BARE) is None


def test_a_dwelling_of_the_bag_with_its_address_and_buildings() -> None:
    unit = unit_of(
        known(
            bag_id="0917010000000001",
            bag_object_type=BagObjectType.OCCUPIABLE_OBJECT,
            bag_status=BagStatus.IN_USE,
            address_designation_id="0917200000000001",
            building_ids=["0917100000000001"],
            uses=[Use.RESIDENTIAL.value, Use.RETAIL.value],
            street="Vrieheidestraat",
            house_number=12,
            house_letter="a",
            postcode="6413AB",
            town="Heerlen",
            town_code="1029",
            year_built=1962,
            floor_area_m2=94,
            dwelling_type=DwellingType.SINGLE_FAMILY,
        )
    )
    assert (unit["code"], unit["bouwjaar"], unit["gebruiksoppervlakte"]) == ("0917010000000001", 1962, 94)
    assert unit["adresseerbaarObjectBasisregistratie"] == {
        "bagIdentificatie": "0917010000000001",
        "bagStatus": "Verblijfsobject in gebruik",
        "bagGebruikersOppervlakte": 94,
        "bagGebruiksdoelen": [{"naam": "woonfunctie"}, {"naam": "winkelfunctie"}],
        "bagHoofdadres": {"code": "0917200000000001"},
        "bagPandenBasisregistratie": [{"bagIdentificatie": "0917100000000001"}],
    }
    assert unit["panden"] == [{"code": "0917100000000001", "soort": {"code": "EGW", "naam": "Eengezinswoning"}}]
    address: Any = unit["adres"]
    assert (address["straatnaam"], address["huisnummer"], address["huisletter"], address["postcode"]) == ("Vrieheidestraat", "12", "a", "6413AB")
    assert address["woonplaats"] == {"code": "1029", "naam": "Heerlen"}


@pytest.mark.parametrize(
    ("tenure", "tracks", "status", "out"),
    [
        (Tenure.SOCIAL_RENT, {}, "VEH", None),
        (Tenure.MID_RENT, {}, "VEH", None),
        (Tenure.VACANT, {}, "LEE", None),
        (Tenure.OWNER_OCCUPIED, {}, "ADM", None),
        (None, {}, None, None),
        (Tenure.SOCIAL_RENT, {Track.CONSTRUCTION: TrackState.STARTED}, "ONT", None),
        (Tenure.SOCIAL_RENT, {Track.CONSTRUCTION: TrackState.COMPLETED}, "VEH", None),
        (Tenure.VACANT, {Track.RENOVATION: TrackState.STARTED}, "UIT", "REN"),
        (Tenure.SOCIAL_RENT, {Track.RENOVATION: TrackState.STARTED}, "VEH", None),
        (Tenure.VACANT, {Track.DEMOLITION: TrackState.COMPLETED}, "UIT", "SLO"),
    ],
)
def test_the_status_follows_from_tenure_and_works(tenure: Tenure | None, tracks: dict[Track, TrackState], status: str | None, out: str | None) -> None:
    unit: Any = unit_of(replace(known(tenure=tenure), tracks=tracks))
    assert unit.get("status", {}).get("code") == status
    assert unit.get("uitExploitatieReden", {}).get("code") == out


@pytest.mark.parametrize(("kind", "reason"), [("split", "SPL"), ("merge", "SAM"), ("demolition", "SLO"), ("replacement", "SLO"), ("re-keying", None)])
def test_a_dwelling_that_is_no_more_says_why(kind: str, reason: str | None) -> None:
    unit: Any = unit_of(replace(known(ended_on=date(2025, 6, 1), tenure=Tenure.SOCIAL_RENT), ended_by=kind))
    assert unit["status"]["code"] == "UIT"
    assert unit["uitExploitatiedatum"] == "2025-06-01"
    assert unit.get("uitExploitatieReden", {}).get("code") == reason


def test_why_it_came_into_the_portfolio() -> None:
    managed: Any = unit_of(replace(BARE, manages_only=True, tracks={Track.ACQUISITION: TrackState.COMPLETED}))
    bought: Any = unit_of(replace(BARE, tracks={Track.ACQUISITION: TrackState.COMPLETED}))
    built: Any = unit_of(replace(BARE, tracks={Track.CONSTRUCTION: TrackState.COMPLETED}))
    assert [unit["inExploitatieReden"]["code"] for unit in (managed, bought, built)] == ["ADM", "AAN", "NIE"]


def test_labels_measures_projects_and_costs() -> None:
    label = KnownLabel(EnergyLabel.A_2, LabelMethod.NTA_8800, date(2025, 3, 1), date(2035, 3, 1), Decimal("64.20"))
    simplified = KnownLabel(EnergyLabel.F, LabelMethod.SIMPLIFIED, date(2016, 1, 1), None, None)
    unit: Any = unit_of(
        replace(
            BARE,
            labels=(simplified, label),
            measures=(MeasureKind.FACADE_INSULATION, MeasureKind.CAVITY_WALL_INSULATION, MeasureKind.ROOF_INSULATION, MeasureKind.HEAT_PUMP),
            projects={"vrieheide": "Vrieheide"},
            renovated_on=date(2025, 2, 1),
            cost_eur=Decimal("61250.00"),
            tracks={Track.DEMOLITION: TrackState.PLANNED},
        )
    )
    old, new, energy = unit["energieprestaties"]
    assert ("soort" in old, old["label"]["code"]) == (False, "F")
    assert (new["soort"]["code"], new["label"], new["einddatum"]) == ("NTA", {"code": "APP", "naam": "A++"}, "2035-03-01")
    assert (energy["soort"]["code"], energy["waarde"]) == ("EP2", "64.20")
    assert [each["code"] for each in unit["isolatie"]] == ["DAK", "MUU"]
    assert unit["clusters"] == [{"code": "vrieheide", "naam": "Vrieheide", "soort": {"code": "PRO", "naam": "Project"}}]
    assert unit["renovatie"] == {"datum": "2025-02-01", "bedragInvestering": 61250.0}
    assert unit["bestemming"]["code"] == "SLO"


@pytest.mark.parametrize(("kind", "detail"), [(BagObjectType.MOORING, "LIG"), (BagObjectType.PITCH, "WWP"), (BagObjectType.OCCUPIABLE_OBJECT, None)])
def test_moorings_and_pitches_are_told_apart(kind: BagObjectType, detail: str | None) -> None:
    unit: Any = unit_of(known(bag_object_type=kind, bag_id="0917020000000001"))
    assert unit.get("detailSoort", {}).get("code") == detail


def test_the_condition_hangs_on_a_cluster_of_one() -> None:
    measured: Any = condition_of(known(condition_score=5))
    assert measured["conditiescore"] == {"code": "5", "naam": "Slechte conditie"}
    assert measured["cluster"]["id"] == str(ID)
