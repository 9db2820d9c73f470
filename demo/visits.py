"""The three baseline inspections in Vrieheide: what the inspector answers, and of what she takes photos."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from uuid import UUID

from demo.photos import Shot
from demo.vrieheide import Home
from demo.world import id_of

SUMMER_TIME = timezone(timedelta(hours=2))
CHECKLIST = "baseline"
BETWEEN_PHOTOS = timedelta(minutes=2)

Answer = str | list[str] | float | dict[str, object]


def _defect(key: str, defect: str, severity: str, intensity: str, percent: float) -> dict[str, object]:
    """One defect of a part; its key in the answer is what a photo refers to."""
    return {"key": key, "defect": defect, "severity": severity, "intensity": intensity, "extentPercent": percent}


SOUND: dict[str, object] = {"defects": []}
VERY_BAD: Mapping[str, Answer] = {
    "occupancy": "vacant",
    "acute-danger": "no",
    "smoke-alarms": "no",
    "escape-route": "yes",
    "mould": "widespread",
    "mould-rooms": ["living-room", "bedroom", "bathroom"],
    "relative-humidity": 84,
    "rising-damp": "yes",
    "roof-vegetation": "trees",
    "roof-leak": "no",
    "roof-condition": {
        "defects": [_defect("trees", "overgrown", "critical", "advanced", 35), _defect("tiles", "missing-tiles", "critical", "advanced", 12.5)],
    },
    "gutters-condition": {"defects": [_defect("gutter", "gutter-missing", "critical", "final", 40)]},
    "foundation-cracks": "wide",
    "crack-width": 7.5,
    "foundation-condition": SOUND,
    "facade-condition": {"defects": [_defect("pointing", "pointing", "serious", "final", 45)]},
    "glazing": "single",
    "windows-condition": {"defects": [_defect("rot", "wood-rot", "critical", "advanced", 25)]},
    "heating": "none",
    "gas-installation": "yes",
    "gas-smell": "no",
    "gas-condition": SOUND,
    "electrics-safe": "no",
    "electrics-condition": {"defects": [_defect("wiring", "old-wiring", "serious", "final", 80)]},
    "ventilation": "natural",
    "ventilation-condition": SOUND,
    "roof-insulation": "none",
    "facade-insulation": "none",
    "floor-insulation": "unknown",
    "asbestos-suspected": "no",
    "overall-remarks": "Zeer slechte staat: schimmel in alle slaapkamers, berken op het dak, geen cv-ketel.",
}
DEMANDED = {
    "mould": 3,
    "rising-damp": 1,
    "roof-vegetation": 1,
    "roof-condition/trees": 1,
    "roof-condition/tiles": 1,
    "gutters-condition/gutter": 1,
    "foundation-cracks": 1,
    "facade-condition/pointing": 1,
    "windows-condition/rot": 1,
    "heating": 1,
    "electrics-safe": 1,
    "electrics-condition/wiring": 1,
    "overall-photo": 1,
}
"""How many photos the checklist wants with `VERY_BAD`: by question, and by defect where one of its defects is meant."""

SUBJECT_OF_QUESTION = {
    "mould": "mouldy-wall",
    "rising-damp": "mouldy-wall",
    "roof-vegetation": "overgrown-roof",
    "roof-condition": "overgrown-roof",
    "gutters-condition": "overgrown-roof",
    "heating": "empty-bracket",
    "foundation-cracks": "front",
    "facade-condition": "front",
    "windows-condition": "front",
    "electrics-safe": "empty-bracket",
    "electrics-condition": "empty-bracket",
    "overall-photo": "front",
}
CAPTIONS = {
    "mould": "Schimmel op de buitenmuur",
    "rising-damp": "Vocht in de muur",
    "roof-vegetation": "Bomen op het dak",
    "roof-condition": "Schade aan het dak",
    "gutters-condition": "De goot ontbreekt",
    "heating": "De cv-ketel ontbreekt",
    "foundation-cracks": "Scheur in de gevel",
    "facade-condition": "Uitgespoeld voegwerk",
    "windows-condition": "Houtrot in het kozijn",
    "electrics-safe": "Onveilige elektra",
    "electrics-condition": "Oude bedrading",
    "overall-photo": "Voorgevel",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one question, or of one defect in its answer."""

    id: UUID
    question: str
    defect: str | None
    shot: Shot


@dataclass(frozen=True, slots=True)
class Visit:
    """``photos`` is how many to take, as in `DEMANDED`. What is answered ``differently`` goes before `VERY_BAD`; None is not answered."""

    home: Home
    at: datetime
    photos: Mapping[str, int]
    differently: Mapping[str, Answer | None] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return id_of("inspection", self.home.dwelling.id)

    @property
    def answers(self) -> dict[str, Answer]:
        return {key: answer for key, answer in {**VERY_BAD, **self.differently}.items() if answer is not None}

    def document(self) -> dict[str, object]:
        return {"answers": self.answers, "visitOutcome": "done", "visitedAt": self.at.isoformat(), "remarks": "Nulmeting voor de renovatie."}

    def taken(self) -> list[Photo]:
        """The photos of this visit, two minutes apart, each near the dwelling."""
        subjects = [subject for subject, how_many in self.photos.items() for _ in range(how_many)]
        return [self._photo(place, subject) for place, subject in enumerate(subjects)]

    def _photo(self, place: int, subject: str) -> Photo:
        question, _, defect = subject.partition("/")
        id = id_of("photo", self.id, place)
        aside = (place % 3 - 1) * 0.00004
        dwelling = self.home.dwelling
        position = (round(dwelling.longitude + aside, 6), round(dwelling.latitude + aside, 6))
        return Photo(id, question, defect or None, Shot(SUBJECT_OF_QUESTION[question], str(id), self.at + (place + 1) * BETWEEN_PHOTOS, *position))


def visits(homes: list[Home]) -> list[Visit]:
    more = {"mould": 4, "roof-vegetation": 3, "heating": 2, "overall-photo": 2}
    return [
        Visit(homes[0], _at(9), {**DEMANDED, **more}),
        Visit(homes[1], _at(11), DEMANDED, {"relative-humidity": 78.5, "mould-rooms": ["bedroom", "bathroom", "cellar"]}),
        Visit(homes[30], _at(14), DEMANDED, {"ventilation": "none", "ventilation-condition": None}),
    ]


def _at(hour: int) -> datetime:
    return datetime(2023, 10, 9, hour, 5, tzinfo=SUMMER_TIME)
