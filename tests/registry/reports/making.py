"""Sources of reports for tests, made without a database; and what is in a PDF."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from registry.inspections.model import ConditionScore, Decision, Inspection, InspectionRevision, InspectionStatus, Occasion, Review, VisitOutcome
from registry.inspections.scores import Scores
from registry.reports.rendering import render
from registry.reports.source import Place, Sight, Source, SourcePhoto, Visit
from registry.values import EnergyLabel

MOMENT = datetime(2026, 11, 12, 13, 5, tzinfo=UTC)
METHOD = "nen2767-1-reconstructed/1"
PLACE = Place("Vrieheidestraat 27 b", "6415AB", "Heerlen", "Heerlen", "0917010000012345", 1962, 92, EnergyLabel.F)


def both(nl: str, en: str) -> dict[str, str]:
    return {"nl": nl, "en": en}


CHECKLIST: dict[str, Any] = {
    "key": "baseline",
    "edition": 2,
    "title": both("Nulmeting", "Baseline inspection"),
    "sections": [
        {
            "key": "damp",
            "title": both("Schimmel en vocht", "Mould and damp"),
            "questions": [
                {
                    "key": "mould",
                    "type": "choice",
                    "text": both("Is er schimmel in de woning?", "Is there mould in the dwelling?"),
                    "options": [
                        {"key": "none", **both("Nee", "No")},
                        {"key": "large", **both("Grote plekken", "Large patches"), "follow-up": both("laat de ventilatie nazien", "have it ventilated")},
                    ],
                },
                {"key": "humidity", "type": "number", "unit": "%", "text": both("Luchtvochtigheid", "Humidity")},
                {"key": "rising", "type": "yes-no", "text": both("Trekt er vocht op?", "Is there rising damp?")},
                {"key": "since", "type": "date", "text": both("Sinds wanneer?", "Since when?")},
                {"key": "story", "type": "text", "text": both("Wat zegt de bewoner?", "What does the resident say?")},
                {"key": "front", "type": "photo", "text": both("Foto van de voorgevel", "Photo of the front")},
            ],
        },
        {
            "key": "condition",
            "title": both("Conditiemeting", "Condition"),
            "questions": [
                {
                    "key": "roof",
                    "type": "condition",
                    "text": both("Conditie van het dak", "Condition of the roof"),
                    "element": {"code": "47.1", **both("Dakafwerking", "Roof covering")},
                    "replacement-value": 14000,
                    "defects": [{"key": "leak", **both("Lekkage", "Leak")}, {"key": "moss", **both("Mosgroei", "Moss")}],
                },
                {"key": "signature", "type": "photo", "text": both("Handtekening", "Signature")},
            ],
        },
    ],
}
ANSWERS: dict[str, Any] = {
    "mould": "large",
    "humidity": 71.5,
    "rising": "yes",
    "since": "2026-10-03",
    "story": "De lekkage bestaat sinds de storm.",
    "roof": {
        "defects": [
            {"key": "d1", "defect": "leak", "description": "bij de schoorsteen", "severity": "critical", "intensity": "advanced", "extentPercent": 12.5},
            {"key": "d2", "defect": "moss", "severity": "minor", "intensity": "early", "extentPercent": 40},
        ]
    },
}


def a_photo(question: str = "mould", caption: str | None = None, *, sight: Sight = Sight.SHOWN, taken_at: datetime | None = MOMENT) -> SourcePhoto:
    return SourcePhoto(uuid4(), question, caption, taken_at, sight, "previews/some" if sight is Sight.SHOWN else None)


def some_scores(whole: int = 3, roof: int = 4) -> Scores:
    def score(question: str | None, score: int, index: str, details: Mapping[str, Any]) -> ConditionScore:
        return ConditionScore(question=question, score=score, index_value=Decimal(index), method=METHOD, details=dict(details))

    return Scores(score(None, whole, "1.0862", {}), {"roof": score("roof", roof, "1.2410", {"replacementValue": "14000"})})


def a_visit(
    *,
    answers: Mapping[str, Any] = ANSWERS,
    photos: Sequence[SourcePhoto] = (),
    occasion: Occasion = Occasion.BASELINE,
    status: InspectionStatus = InspectionStatus.SUBMITTED,
    complete: bool = True,
    outcome: VisitOutcome = VisitOutcome.DONE,
    at: datetime = MOMENT,
    scores: Scores | None = None,
    **more: Any,
) -> Visit:
    inspection = Inspection(id=uuid4(), occasion=occasion, status=status, complete_at=at if complete else None, organisation_id=uuid4())
    said = {"remarks": "De zolder was niet toegankelijk.", "missing": [], "clock_skew_ms": None} | more
    revision = InspectionRevision(
        revision=1, visit_outcome=outcome, visited_at=at, answers=dict(answers), digest=bytes(range(32)), submitted_at=at + timedelta(hours=2), **said
    )
    return Visit(inspection, revision, CHECKLIST, photos, scores or some_scores())


def a_source(visit: Visit | None = None, *, decision: Decision | None = None, before: Visit | None = None, **more: Any) -> Source:
    review = None
    if decision is not None:
        review = Review(decision=decision, remarks="Goed te volgen.", questions={"rising": "Graag nameten."}, recorded_at=MOMENT + timedelta(days=2))
    known = {"place": PLACE, "organisation": "Bureau Bouwkunde", "inspector": "J. van der Meulen", "reviewer": "A. de Wit"} | more
    return Source(visit=visit or a_visit(), review=review, before=before, **known)


def hostile(source: Source, text: str) -> Source:
    """The same, with this text wherever somebody can write."""
    visit = source.visit
    answers = {**ANSWERS, "story": text, "mould": text, "humidity": text, "since": text, "roof": {"defects": [{"defect": text, "description": text}]}}
    visit.revision.answers, visit.revision.remarks = answers, text
    photos = [replace(photo, caption=text) for photo in visit.photos]
    place = replace(PLACE, street=text, town=text, municipality=text)
    return replace(source, visit=replace(visit, photos=photos), place=place, organisation=text, inspector=text, reviewer=text)


def put_pictures(folder: Path, source: Source) -> None:
    """A small JPEG for each photo that the source shows."""
    (folder / "photos").mkdir()
    for place, name in enumerate(sorted(source.previews)):
        Image.new("RGB", (1600, 1200), (place * 37 % 255, 120, 90)).save(folder / "photos" / name, "JPEG")


def rendered(folder: Path, source: Source, content: Any) -> tuple[PdfReader, str]:
    """The PDF and the HTML of a source."""
    put_pictures(folder, source)
    pdf, html = render(folder, content, timestamp=MOMENT)
    return PdfReader(pdf), html.read_text()


def elements(part: Any) -> Iterator[DictionaryObject]:
    """The structure elements of a tagged PDF, from its root or a part on."""
    if isinstance(part, IndirectObject):
        part = part.get_object()
    if isinstance(part, ArrayObject):
        for each in part:
            yield from elements(each)
    elif isinstance(part, DictionaryObject):
        if "/S" in part:
            yield part
        if "/K" in part:
            yield from elements(part["/K"])
