"""Every code that the export uses stands in the reference data of VERA, with that naam, and is not obsolete."""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from registry.vera import codes

LIST = Path(__file__).parents[4] / "shared" / "data" / "vera" / "Referentiedata.csv"
USED: Mapping[str, list[codes.Reference]] = {
    "EENHEIDSOORT": [codes.DWELLING],
    "EENHEIDDETAILSOORT": [codes.MOORING, codes.PITCH],
    "EENHEIDSTATUS": [*codes.STATUSES.values(), codes.IN_DEVELOPMENT, codes.OUT_OF_USE],
    "INEXPLOITATIEREDEN": [codes.BOUGHT, codes.BUILT, codes.ELSEWHERE],
    "UITEXPLOITATIEREDEN": [codes.DEMOLISHED, codes.BEING_RENOVATED, codes.SPLIT, codes.MERGED],
    "BESTEMMING": [codes.DEMOLISHED],
    "PANDSOORT": list(codes.BUILDINGS.values()),
    "ADRESSOORT": [codes.OF_DWELLING],
    "CLUSTERSOORT": [codes.PROJECT, codes.MAINTENANCE],
    "ENERGIEPRESTATIESOORT": [*codes.METHODS.values(), codes.PRIMARY_ENERGY],
    "ENERGIEPRESTATIESTATUS": [codes.REGISTERED],
    "ENERGIELABEL": list(codes.LABELS.values()),
    "CONDITIESCORE": list(codes.CONDITIONS.values()),
    "EENHEIDISOLATIE": list(codes.INSULATION.values()),
}


@pytest.fixture(scope="module")
def in_force() -> set[tuple[str, str, str]]:
    if not LIST.exists():
        pytest.skip("skipped: the reference data of VERA is not there")
    with LIST.open(encoding="utf-8", newline="") as file:
        return {(row["Soort"], row["Code"], row["Naam"].strip()) for row in csv.DictReader(file, delimiter=";") if not row["Einddatum"].strip()}


@pytest.mark.parametrize(("soort", "reference"), [(soort, reference) for soort, references in USED.items() for reference in references])
def test_a_code_is_in_the_list(in_force: set[tuple[str, str, str]], soort: str, reference: codes.Reference) -> None:
    assert (soort, reference["code"], reference["naam"]) in in_force


def test_every_label_has_a_code_of_its_own() -> None:
    assert len({reference["code"] for reference in codes.LABELS.values()}) == 11
