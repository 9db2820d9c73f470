"""What a form says of itself, beside the texts of its checklist. Pure."""

from collections.abc import Mapping
from typing import Final

from registry.dwellings.model import HazardKind
from registry.inspections.model import VisitOutcome
from registry.nen2767.method import Intensity, Severity
from registry.openrosa.outline import Option, Texts

LANGUAGES: Final = {"nl": "Nederlands (nl)", "en": "English (en)"}
"""The first is the one that a form begins in."""


def _texts(nl: str, en: str) -> Texts:
    return {"nl": nl, "en": en}


WORDS: Final[Mapping[str, Texts]] = {
    "visit": _texts("Bezoek", "Visit"),
    "inspection": _texts("Welke opname?", "Which inspection?"),
    "inspection-hint": _texts(
        "Staat het adres er niet bij? Haal het formulier opnieuw op als u bereik heeft.", "Is the address missing? Fetch the form again when you have a signal."
    ),
    "hazards": _texts("Let op: gevaren op dit adres", "Beware: hazards at this address"),
    "note": _texts("Van de planner", "From the planner"),
    "outcome": _texts("Hoe verliep het bezoek?", "How did the visit end?"),
    "count": _texts("Hoeveel gebreken?", "How many defects?"),
    "count-range": _texts("Van 1 tot en met {most}.", "From 1 to {most}."),
    "defect": _texts("Gebrek", "Defect"),
    "kind": _texts("Welk gebrek?", "Which defect?"),
    "description": _texts("Omschrijving", "Description"),
    "severity": _texts("Ernst", "Severity"),
    "intensity": _texts("Intensiteit", "Intensity"),
    "extent": _texts("Omvang, in procenten van het bouwdeel", "Extent, in per cent of the building part"),
    "extent-range": _texts("Meer dan 0 en hoogstens 100.", "More than 0 and at most 100."),
    "too-much": _texts(
        "De gebreken beslaan samen meer dan 100 % van het bouwdeel: verbeter de omvang.",
        "Together the defects cover more than 100 % of the part: mend it.",
    ),
    "photo": _texts("Foto {number}", "Photo {number}"),
    "range": _texts("Van {low} tot en met {high}; hoogstens {decimals} decimalen.", "From {low} to {high}; at most {decimals} decimals."),
    "too-long": _texts("Hoogstens {most} tekens.", "At most {most} characters."),
    "closing": _texts("Afronden", "Closing"),
    "remarks": _texts("Opmerkingen bij het bezoek", "Remarks about the visit"),
}
OUTCOMES: Final[Mapping[VisitOutcome, Texts]] = {
    VisitOutcome.DONE: _texts("Opname gedaan", "Inspection done"),
    VisitOutcome.NOBODY_HOME: _texts("Niemand thuis", "Nobody home"),
    VisitOutcome.REFUSED: _texts("Toegang geweigerd", "Refused"),
    VisitOutcome.UNSAFE: _texts("Onveilig", "Unsafe"),
    VisitOutcome.NOT_FOUND: _texts("Adres niet gevonden", "Address not found"),
}
HAZARDS: Final[Mapping[HazardKind, Texts]] = {
    HazardKind.COLLAPSE: _texts("instortingsgevaar", "danger of collapse"),
    HazardKind.GAS: _texts("gaslucht of koolmonoxide", "gas or carbon monoxide"),
    HazardKind.ELECTRICITY: _texts("gevaarlijke elektra", "dangerous electrics"),
    HazardKind.ASBESTOS: _texts("asbest", "asbestos"),
    HazardKind.DOG: _texts("hond of ander dier", "dog or other animal"),
    HazardKind.AGGRESSION: _texts("agressie", "aggression"),
    HazardKind.FILTH: _texts("vervuiling of besmetting", "filth or infection"),
    HazardKind.OTHER: _texts("ander gevaar", "another danger"),
}
STATES: Final = (
    Option("none", _texts("Geen gebreken", "No defects")),
    Option("defects", _texts("Er zijn gebreken", "There are defects")),
    Option("absent", _texts("Niet aanwezig", "Not present")),
)
"""Of a building part."""
OTHER_DEFECT: Final = Option("other.defect", _texts("Ander gebrek", "Another defect"))
"""None of those that the checklist offers."""
SEVERITIES: Final = (
    Option(Severity.MINOR.value, _texts("Gering", "Minor")),
    Option(Severity.SERIOUS.value, _texts("Serieus", "Serious")),
    Option(Severity.CRITICAL.value, _texts("Ernstig", "Critical")),
)
INTENSITIES: Final = (
    Option(Intensity.EARLY.value, _texts("Begin", "Early")),
    Option(Intensity.ADVANCED.value, _texts("Gevorderd", "Advanced")),
    Option(Intensity.FINAL.value, _texts("Eind", "Final")),
)


def filled(name: str, **facts: object) -> Texts:
    return {language: text.format_map(facts) for language, text in WORDS[name].items()}
