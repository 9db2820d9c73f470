"""Reference data of VERA that the register has a word for: by soort, code and naam as in the list of 26 June 2026 (CC0). Pure."""

from collections.abc import Mapping
from typing import Final

from registry.dwellings.model import DwellingType, LabelMethod, Tenure
from registry.trajectories.model import MeasureKind
from registry.values import EnergyLabel

Reference = Mapping[str, str]
"""What VERA calls Referentiedata: a code with its naam."""


def _reference(code: str, name: str) -> Reference:
    return {"code": code, "naam": name}


DWELLING: Final = _reference("WOO", "Woonruimte")
"""EENHEIDSOORT."""
MOORING, PITCH = _reference("LIG", "Ligplaats"), _reference("WWP", "Woonwagenstandplaats")
"""EENHEIDDETAILSOORT."""
OF_DWELLING: Final = _reference("EEN", "Eenheid adres")
"""ADRESSOORT."""
BUILDINGS: Final = {DwellingType.SINGLE_FAMILY: _reference("EGW", "Eengezinswoning"), DwellingType.MULTI_FAMILY: _reference("MGW", "Meergezinswoning")}
"""PANDSOORT."""
LET, EMPTY = _reference("VEH", "Verhuurd"), _reference("LEE", "Leegstand")
IN_DEVELOPMENT, OUT_OF_USE = _reference("ONT", "In ontwikkeling"), _reference("UIT", "Uit exploitatie")
ELSEWHERE: Final = _reference("ADM", "Administratief")
"""EENHEIDSTATUS."""
STATUSES: Final = {
    Tenure.SOCIAL_RENT: LET,
    Tenure.MID_RENT: LET,
    Tenure.PRIVATE_RENT: LET,
    Tenure.VACANT: EMPTY,
    Tenure.OWNER_OCCUPIED: ELSEWHERE,
}
BOUGHT, BUILT = _reference("AAN", "Aankoop"), _reference("NIE", "Nieuwbouw")
"""INEXPLOITATIEREDEN; for what is only managed, `ELSEWHERE` has the same code and naam there."""
DEMOLISHED, BEING_RENOVATED = _reference("SLO", "Sloop"), _reference("REN", "Renovatie")
"""UITEXPLOITATIEREDEN; SLO is a BESTEMMING too."""
SPLIT, MERGED = _reference("SPL", "Splitsing"), _reference("SAM", "Samengevoegd")
"""UITEXPLOITATIEREDEN."""
PROJECT, MAINTENANCE = _reference("PRO", "Project"), _reference("OND", "Onderhoud")
"""CLUSTERSOORT."""
REGISTERED: Final = _reference("DEF", "Definitief")
"""ENERGIEPRESTATIESTATUS."""
PRIMARY_ENERGY: Final = _reference("EP2", "Primair energieverbruik - woningbouw")
METHODS: Final = {LabelMethod.NTA_8800: _reference("NTA", "Energielabel conform NTA8800"), LabelMethod.ENERGY_INDEX: _reference("EI", "Energie-index")}
"""ENERGIEPRESTATIESOORT. VERA has none for the simplified label of 2015 to 2020."""
_OTHER_LABEL_CODES: Final = {EnergyLabel.A_1: "AP", EnergyLabel.A_2: "APP", EnergyLabel.A_3: "AP3", EnergyLabel.A_4: "AP4"}
LABELS: Final = {label: _reference(_OTHER_LABEL_CODES.get(label, label.value), label.value) for label in EnergyLabel}
"""ENERGIELABEL."""
CONDITIONS: Final = {
    1: _reference("1", "Uitstekende conditie"),
    2: _reference("2", "Goede conditie"),
    3: _reference("3", "Redelijke conditie"),
    4: _reference("4", "Matige conditie"),
    5: _reference("5", "Slechte conditie"),
    6: _reference("6", "Zeer slechte conditie"),
}
"""CONDITIESCORE."""
INSULATION: Final = {
    MeasureKind.ROOF_INSULATION: _reference("DAK", "Dakisolatie"),
    MeasureKind.CAVITY_WALL_INSULATION: _reference("MUU", "Muurisolatie"),
    MeasureKind.FACADE_INSULATION: _reference("MUU", "Muurisolatie"),
    MeasureKind.FLOOR_INSULATION: _reference("VLO", "Vloerisolatie"),
    MeasureKind.HIGH_EFFICIENCY_GLAZING: _reference("HR2", "HR++ glas"),
    MeasureKind.TRIPLE_GLAZING: _reference("HR3", "HR+++ glas"),
}
"""EENHEIDISOLATIE, by the measure that was applied. VERA has none for other measures."""
