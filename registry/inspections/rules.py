"""What may change in an inspection, and how two versions of it differ. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.db import Json
from registry.errors import pointer
from registry.inspections.model import VisitOutcome
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

    def columns(self) -> dict[str, object]:
        return {"answers": dict(self.answers), "visit_outcome": self.visit_outcome, "visited_at": self.visited_at, "remarks": self.remarks}


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
    return [Difference(place, mine, other) for place, mine, other in [*answers, *rest] if mine != other]


def _moment(moment: datetime | None) -> str | None:
    return rfc3339(moment) if moment else None
