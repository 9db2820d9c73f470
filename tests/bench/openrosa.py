"""The message in which ODK Collect sends a filled-in form with one photo."""

from collections.abc import Mapping
from uuid import uuid4

from registry.checklists.commands import shipped
from registry.openrosa import xpath
from registry.openrosa.outline import outline
from registry.openrosa.xform import xform
from tests.api.collect import message, part
from tests.registry.openrosa.filling import filled

CHECKLIST = outline(next(iter(shipped())))
FORM = xform(CHECKLIST)


def submission(inspection_id: str, answers: Mapping[str, object], *, photo_of: str, photo: bytes) -> tuple[bytes, str]:
    """Body and content type."""
    parts = [part("xml_submission_file", _xml(inspection_id, answers, photo_of), "text/xml", "a.xml"), part("1.jpg", photo, "image/jpeg", "1.jpg")]
    return message(parts)


def _xml(inspection_id: str, answers: Mapping[str, object], photo_of: str) -> bytes:
    values = {"visit/inspection": inspection_id, "visit/base-version": "1", "visit/outcome": "done", "visit/started-at": "2026-11-25T10:30:00.000+01:00"}
    for asked in CHECKLIST.questions:
        answer = answers.get(asked.key)
        if answer is not None:
            values[xpath.path(asked, "answer").removeprefix("/data/")] = " ".join(answer) if isinstance(answer, list) else str(answer)
        if asked.key == photo_of:
            values[xpath.path(asked, "photo-1").removeprefix("/data/")] = "1.jpg"
    return filled(FORM, values, instance_id=f"uuid:{uuid4()}")
