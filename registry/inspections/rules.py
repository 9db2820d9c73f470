"""What may change in an inspection, and how two versions of it differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from registry.db import Json
from registry.errors import pointer
from registry.inspections.model import Inspection, VisitOutcome
from registry.values import rfc3339


@dataclass(frozen=True, slots=True)
class Document:
    """What the inspector fills in. ``visited_at`` is the moment the phone says; ``checklist_id`` is the edition that it was filled in with, None for that of
    the plan.
    """

    answers: Mapping[str, Json]
    visit_outcome: VisitOutcome | None = None
    visited_at: datetime | None = None
    remarks: str | None = None
    checklist_id: UUID | None = None

    def as_json(self) -> dict[str, Json]:
        """As it is kept in revisions and conflicts, and as it stands in the API."""
        return {
            "answers": dict(self.answers),
            "visitOutcome": self.visit_outcome and self.visit_outcome.value,
            "visitedAt": _moment(self.visited_at),
            "remarks": self.remarks,
            "checklistId": str(self.checklist_id) if self.checklist_id else None,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Json]) -> "Document":
        """The document that `as_json` wrote."""
        text = cast("Mapping[str, str | None]", content)
        outcome, visited_at, checklist_id = text["visitOutcome"], text["visitedAt"], text.get("checklistId")
        return cls(
            cast("Mapping[str, Json]", content["answers"]),
            VisitOutcome(outcome) if outcome else None,
            datetime.fromisoformat(visited_at) if visited_at else None,
            text["remarks"],
            UUID(checklist_id) if checklist_id else None,
        )

    def columns(self) -> dict[str, object]:
        edition = {} if self.checklist_id is None else {"checklist_id": self.checklist_id}
        return {"answers": dict(self.answers), "visit_outcome": self.visit_outcome, "visited_at": self.visited_at, "remarks": self.remarks, **edition}


def document_of(inspection: Inspection) -> Document:
    """What the register has now."""
    return Document(inspection.answers, inspection.visit_outcome, inspection.visited_at, inspection.remarks, inspection.checklist_id)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field on which two versions of a document disagree; ``pointer`` is a JSON pointer into the document."""

    pointer: str
    yours: Json
    theirs: Json


def differences(yours: Document, theirs: Document) -> list[Difference]:
    keys = sorted({*yours.answers, *theirs.answers})
    answers = [(pointer("answers", key), yours.answers.get(key), theirs.answers.get(key)) for key in keys]
    rest = [
        ("/visitOutcome", yours.visit_outcome and yours.visit_outcome.value, theirs.visit_outcome and theirs.visit_outcome.value),
        ("/visitedAt", _moment(yours.visited_at), _moment(theirs.visited_at)),
        ("/remarks", yours.remarks, theirs.remarks),
    ]
    if yours.checklist_id is not None and theirs.checklist_id is not None:
        rest.append(("/checklistId", str(yours.checklist_id), str(theirs.checklist_id)))
    return [Difference(place, mine, other) for place, mine, other in [*answers, *rest] if mine != other]


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
