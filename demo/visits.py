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

Answer = str | list[str] | float

VERY_BAD: Mapping[str, Answer] = {
    "occupancy": "vacant",
    "acute-danger": "no",
    "mould": "widespread",
    "mould-rooms": ["living-room", "bedroom", "bathroom"],
    "relative-humidity": 84,
    "rising-damp": "yes",
    "roof-vegetation": "trees",
    "roof-leak": "no",
    "roof-insulation": "none",
    "heating": "none",
    "gas-installation": "yes",
    "foundation-cracks": "wide",
    "facade-defects": ["pointing", "wood-rot"],
    "glazing": "single",
    "electrics-safe": "no",
    "ventilation": "natural",
    "asbestos-suspected": "no",
    "overall-remarks": "Zeer slechte staat: schimmel in alle slaapkamers, berken op het dak, geen cv-ketel.",
}

SUBJECT_OF_QUESTION = {
    "mould": "mouldy-wall",
    "roof-vegetation": "overgrown-roof",
    "heating": "empty-bracket",
    "foundation-cracks": "front",
    "overall-photo": "front",
}
CAPTIONS = {
    "mould": "Schimmel op de buitenmuur",
    "roof-vegetation": "Bomen op het dak",
    "heating": "De cv-ketel ontbreekt",
    "foundation-cracks": "Scheur in de gevel",
    "overall-photo": "Voorgevel",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one question."""

    id: UUID
    question: str
    shot: Shot


@dataclass(frozen=True, slots=True)
class Visit:
    """``photos`` is how many to take by question. What is answered ``differently`` goes before `VERY_BAD`."""

    home: Home
    at: datetime
    photos: Mapping[str, int]
    differently: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return id_of("inspection", self.home.dwelling.id)

    @property
    def answers(self) -> dict[str, Answer]:
        return {**VERY_BAD, **self.differently}

    def document(self) -> dict[str, object]:
        return {"answers": self.answers, "visitOutcome": "done", "visitedAt": self.at.isoformat(), "remarks": "Nulmeting voor de renovatie."}

    def taken(self) -> list[Photo]:
        """The photos of this visit, two minutes apart, each near the dwelling."""
        questions = [question for question, how_many in self.photos.items() for _ in range(how_many)]
        return [self._photo(place, question) for place, question in enumerate(questions)]

    def _photo(self, place: int, question: str) -> Photo:
        id = id_of("photo", self.id, place)
        aside = (place % 3 - 1) * 0.00004
        dwelling = self.home.dwelling
        position = (round(dwelling.longitude + aside, 6), round(dwelling.latitude + aside, 6))
        return Photo(id, question, Shot(SUBJECT_OF_QUESTION[question], str(id), self.at + (place + 1) * BETWEEN_PHOTOS, *position))


def visits(homes: list[Home]) -> list[Visit]:
    one_each = dict.fromkeys(SUBJECT_OF_QUESTION, 1)
    return [
        Visit(homes[0], _at(9), {"mould": 4, "roof-vegetation": 3, "heating": 2, "foundation-cracks": 1, "overall-photo": 2}),
        Visit(homes[1], _at(11), one_each, {"relative-humidity": 78.5, "mould-rooms": ["bedroom", "bathroom", "cellar"]}),
        Visit(homes[30], _at(14), one_each, {"facade-defects": ["loose-parts", "wood-rot"], "ventilation": "none"}),
    ]


def _at(hour: int) -> datetime:
    return datetime(2023, 10, 9, hour, 5, tzinfo=SUMMER_TIME)
