"""A small checklist with one question of each kind that matters to photos and scores, for tests that must not depend on the shipped ones."""

from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from registry.access import Actor
from registry.checklists.model import Checklist
from registry.checklists.rules import digest
from registry.db import Json
from registry.inspections.model import Inspection
from tests import makers

OVERALL: dict[str, Json] = {"key": "overall", "type": "photo", "required": True, "text": {"nl": "Overzicht", "en": "Overall"}}
MOULD: dict[str, Json] = {
    "key": "mould",
    "type": "choice",
    "required": True,
    "text": {"nl": "Schimmel?", "en": "Mould?"},
    "options": [{"key": key, "nl": key, "en": key.title()} for key in ("none", "spots")],
    "photos": {"min": 2, "when": ["spots"]},
}
ROOF: dict[str, Json] = {
    "key": "roof",
    "type": "condition",
    "required": True,
    "text": {"nl": "Dak", "en": "Roof"},
    "replacement-value": 12000,
    "photos": {"per-defect": 1},
}
LEAK: dict[str, Json] = {"key": "d1", "description": "lek", "severity": "critical", "intensity": "final", "extentPercent": 80}
SOUND: dict[str, Json] = {"mould": "none", "roof": {"defects": []}}
"""Answers that demand one photo, of the question `overall`."""
BAD: dict[str, Json] = {"mould": "spots", "roof": {"defects": [LEAK]}}
"""Answers that demand one photo of `overall`, two of `mould` and one of the defect `d1`."""


def a_small_checklist(session: Session, *questions: dict[str, Json]) -> Checklist:
    content: dict[str, Json] = {"sections": [{"key": "all", "questions": [*(questions or (OVERALL, MOULD, ROOF))]}]}
    row = Checklist(key=f"small-{uuid4().hex[:8]}", edition=1, content=content, digest=digest(content))
    session.add(row)
    session.flush()
    return row


def an_inspection_with(session: Session, actor: Actor, *, checklist_id: UUID | None = None, **more: Any) -> Inspection:
    """By the small checklist."""
    return makers.an_inspection(session, actor, checklist_id=checklist_id or a_small_checklist(session).id, **more)
