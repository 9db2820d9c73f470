"""Submitted inspections with photos whose previews are really in the object store."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image as Picture
from sqlalchemy.orm import Session

from registry import storage
from registry.access import Actor, Role
from registry.checklists.model import Checklist
from registry.checklists.rules import digest
from registry.db import WORKER_ROLE, database
from registry.inspections.model import Inspection, InspectionRevision, InspectionStatus, VisitOutcome
from registry.organisations.model import OrganisationKind
from registry.photos.model import Photo, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from tests.makers import a_member, a_photo_of, an_inspection, an_organisation
from tests.registry.reports.making import ANSWERS, CHECKLIST, MOMENT


def a_submitted(session: Session, actor: Actor, **more: Any) -> Inspection:
    """An inspection of which one revision is submitted."""
    known = session.query(Checklist).filter_by(key="baseline", edition=2).one_or_none()
    checklist = known or Checklist(key="baseline", edition=2, content=CHECKLIST, digest=digest(CHECKLIST))
    session.add(checklist)
    session.flush()
    at = more.pop("at", MOMENT)
    said = {"answers": ANSWERS, "visit_outcome": VisitOutcome.DONE, "visited_at": at, "remarks": None} | more.pop("said", {})
    state = {"status": InspectionStatus.SUBMITTED, "submitted_at": at, "complete_at": at, "submitted_by": actor.person_id} | more
    inspection = an_inspection(session, actor, checklist_id=checklist.id, **said, **state)
    session.add(
        InspectionRevision(
            inspection_id=inspection.id,
            revision=1,
            checklist_id=checklist.id,
            digest=b"\1" * 32,
            submitted_at=at + timedelta(hours=1),
            submitted_by=actor.person_id,
            **said,
        )
    )
    session.flush()
    return inspection


def a_seen_photo(session: Session, inspection: Inspection, colour: str = "olive", **more: Any) -> Photo:
    """With its previews in the store."""
    file = io.BytesIO()
    Picture.new("RGB", (160, 120), colour).save(file, "JPEG")
    photo = a_photo_of(session, inspection, file.getvalue() + str(more).encode(), previews=PreviewState.MADE)
    for name, value in more.items():
        setattr(photo, name, value)
    session.flush()
    assert photo.image_id is not None
    for size_px in PREVIEW_SIZES_PX:
        key = preview_key(inspection.organisation_id, photo.image_id, size_px)
        storage.store(key, file, size_bytes=len(file.getvalue()), content_type="image/jpeg")
    return photo


@pytest.fixture
def inspector(session: Session) -> Actor:
    actor, _ = a_member(session, Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    return actor


@pytest.fixture
def as_worker() -> Callable[[], AbstractContextManager[None]]:
    """Act as the worker's database role."""

    @contextmanager
    def acting() -> Iterator[None]:
        before, database.role = database.role, WORKER_ROLE
        try:
            yield
        finally:
            database.role = before

    return acting
