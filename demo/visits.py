"""The visits of an inspector to Vrieheide: three baseline inspections and one in vain on one day, and a completion inspection when the works are done."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from uuid import UUID

from demo.findings import DEMANDED, DEMANDED_AFTER, RENOVATED, SEEN, SEEN_AFTER, VERY_BAD, Answer, rotten
from demo.photos import Shot
from demo.vrieheide import Home
from demo.world import id_of

SUMMER_TIME = timezone(timedelta(hours=2))
BASELINE, COMPLETION = "baseline", "completion"
"""Keys of checklists, and occasions."""
BETWEEN_PHOTOS = timedelta(minutes=2)
DUE_ON = date(2023, 10, 13)
"""Of the baseline inspections."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of one question, or of one defect in its answer."""

    id: UUID
    question: str
    defect: str | None
    caption: str
    shot: Shot


@dataclass(frozen=True, slots=True)
class Visit:
    """``photos`` is how many to take, as in `findings.DEMANDED`. What is answered ``differently`` goes before ``answered``; None is not answered.

    ``note`` is from the planner. ``remarked`` are remarks of the reviewer by question, after which ``amended`` is answered instead.
    """

    home: Home
    at: datetime
    photos: Mapping[str, int] = field(default_factory=dict)
    differently: Mapping[str, Answer | None] = field(default_factory=dict)
    answered: Mapping[str, Answer] = field(default_factory=lambda: VERY_BAD)
    occasion: str = BASELINE
    outcome: str = "done"
    remarks: str = "Nulmeting voor de renovatie."
    note: str | None = None
    remarked: Mapping[str, str] = field(default_factory=dict)
    amended: Mapping[str, Answer] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        return id_of("inspection", self.home.dwelling.id, *([] if self.occasion == BASELINE else [self.occasion]))

    @property
    def address(self) -> str:
        return f"{self.home.dwelling.street} {self.home.dwelling.house_number}"

    @property
    def answers(self) -> dict[str, Answer]:
        return {key: answer for key, answer in {**self.answered, **self.differently}.items() if answer is not None}

    def document(self) -> dict[str, object]:
        return {"answers": self.answers, "visitOutcome": self.outcome, "visitedAt": self.at.isoformat(), "remarks": self.remarks}

    def mended(self) -> "Visit":
        """As it is answered after the remarks of the reviewer."""
        return replace(self, differently={**self.differently, **self.amended})

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
        drawn, caption = (SEEN if self.occasion == BASELINE else SEEN_AFTER)[question]
        return Photo(id, question, defect or None, caption, Shot(drawn, str(id), self.at + (place + 1) * BETWEEN_PHOTOS, *position))


def visits(homes: list[Home]) -> list[Visit]:
    """The first lacks photos for a while, the second is returned by the reviewer, the last is in vain."""
    more = {"mould": 4, "roof-vegetation": 3, "heating": 2, "overall-photo": 2}
    return [
        Visit(homes[0], _at(9), {**DEMANDED, **more}, note="Sleutel bij de buren op nummer 3."),
        Visit(
            homes[1],
            _at(11),
            DEMANDED,
            {"relative-humidity": 78.5, "mould-rooms": ["bedroom", "bathroom", "cellar"]},
            remarked={
                "relative-humidity": "Was er een raam open? Gezien de schimmel verwacht ik meer.",
                "windows-condition": "Op de foto is meer dan een kwart van de kozijnen rot.",
            },
            amended={"relative-humidity": 86, "windows-condition": rotten(40)},
        ),
        Visit(homes[30], _at(14), DEMANDED, {"ventilation": "none", "ventilation-condition": None}),
        Visit(homes[31], _at(16), answered={}, outcome="nobody-home", remarks="Twee keer gebeld, gordijnen dicht."),
    ]


def completion_visit(home: Home) -> Visit:
    """The day after the renovation was completed, with photos of the same places as before."""
    at = datetime.combine(home.completed_on + timedelta(days=1), _at(10).timetz())
    return Visit(home, at, DEMANDED_AFTER, answered=RENOVATED, occasion=COMPLETION, remarks="Opname na de renovatie.")


def _at(hour: int) -> datetime:
    return datetime(2023, 10, 9, hour, 5, tzinfo=SUMMER_TIME)
