"""Publishing checklists: from then on an edition is frozen."""

from collections.abc import Iterator, Mapping
from importlib import resources
from typing import cast

import sqlalchemy as sa
import yaml
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.checklists.model import Checklist
from registry.checklists.rules import digest, faults_in
from registry.db import Json
from registry.errors import Conflict, Fault, RuleViolation
from registry.versioned import Outcome


class ChecklistFrozen(Conflict):
    """This edition is published with other content."""

    code = "checklist-frozen"


def publish(session: Session, actor: Actor, content: Mapping[str, Json]) -> Outcome:
    """Publish an edition; the same content again changes nothing. Raises NotAllowed, RuleViolation, ChecklistFrozen."""
    require(actor, Right.MANAGE_REFERENCE)
    faults = faults_in(content)
    if faults:
        raise RuleViolation(faults)
    key, edition = cast("str", content["key"]), cast("int", content["edition"])
    known = session.scalar(sa.select(Checklist).where(Checklist.key == key, Checklist.edition == edition))
    if known is not None:
        if known.digest == digest(content):
            return Outcome.UNCHANGED
        raise ChecklistFrozen([Fault("/edition", "checklist-frozen", {"key": key, "edition": edition})], key=key, edition=edition)
    values = {"key": key, "edition": edition, "content": dict(content), "digest": digest(content)}
    checklist_id = session.scalar(postgresql.insert(Checklist).values(values).on_conflict_do_nothing().returning(Checklist.id))
    if checklist_id is None:
        return publish(session, actor, content)
    audit.record(session, actor, "checklist.published", "checklist", checklist_id, details={"key": key, "edition": edition})
    announce(session, ChangeKind.CHECKLIST, checklist_id)
    return Outcome.CREATED


def shipped() -> Iterator[Mapping[str, Json]]:
    """The checklists that come with the register."""
    for file in sorted(resources.files("registry.checklists").joinpath("shipped").iterdir(), key=lambda file: file.name):
        yield cast("Mapping[str, Json]", yaml.safe_load(file.read_text(encoding="utf-8")))
