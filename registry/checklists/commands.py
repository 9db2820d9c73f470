"""The life of a checklist: draft, published, retired. From its publication on an edition is frozen."""

from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import islice
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.checklists import queries, written
from registry.checklists.content import MOST_FAULTS, faults_in, form_faults, unkept_in
from registry.checklists.model import Checklist, ChecklistSource, ChecklistStatus
from registry.checklists.rules import digest
from registry.db import Json, explains
from registry.errors import Conflict, Fault, NotFound, RuleViolation
from registry.versioned import Outcome, change, check_version


class ChecklistFrozen(Conflict):
    """This edition is published, and stays as it is."""

    code = "checklist-frozen"


class ChecklistNotPublished(Conflict):
    """A draft can't be taken out of use."""

    code = "checklist-not-published"


class EditionTaken(Conflict):
    """There is a checklist with this key and edition already."""

    code = "edition-taken"


explains("uq_checklist_key_edition", lambda: EditionTaken())


def create_draft(session: Session, actor: Actor, content: Mapping[str, Json], *, source: ChecklistSource = ChecklistSource.YAML) -> Checklist:
    """Keep a checklist that is not finished yet: only its key and edition must be right.

    Raises NotAllowed, RuleViolation, EditionTaken.
    """
    require(actor, Right.MANAGE_REFERENCE)
    values = _draft_columns(content) | {"status": ChecklistStatus.DRAFT, "source": source, "published_at": None}
    checklist: Checklist | None = session.scalar(postgresql.insert(Checklist).values(values).on_conflict_do_nothing().returning(Checklist))
    if checklist is None:
        raise EditionTaken()
    _tell(session, actor, "drafted", checklist)
    return checklist


def change_draft(session: Session, actor: Actor, checklist_id: UUID, content: Mapping[str, Json], *, expected: int | None) -> Checklist:
    """Replace the content of a draft; the same content again changes nothing.

    Raises NotAllowed, NotFound, ChecklistFrozen, VersionRequired, Stale, RuleViolation; EditionTaken, at the latest at commit.
    """
    checklist = _locked(session, actor, checklist_id)
    values = _draft_columns(content)
    if checklist.status is not ChecklistStatus.DRAFT:
        raise _frozen(checklist)
    if checklist.digest == values["digest"]:
        return checklist
    check_version(checklist, expected)
    if session.scalar(_of_edition(values).where(Checklist.id != checklist_id)) is not None:
        raise EditionTaken()
    change(session, checklist, values)
    _tell(session, actor, "changed", checklist)
    return checklist


def publish_draft(session: Session, actor: Actor, checklist_id: UUID, *, expected: int | None) -> Checklist:
    """Publish a draft: from now on it is frozen and inspections can be planned with it. Publishing it again changes nothing.

    Raises NotAllowed, NotFound, ChecklistFrozen (it is retired), VersionRequired, Stale, RuleViolation (everything that is wrong with it).
    """
    checklist = _locked(session, actor, checklist_id)
    if checklist.status is ChecklistStatus.PUBLISHED:
        return checklist
    if checklist.status is ChecklistStatus.RETIRED:
        raise _frozen(checklist)
    check_version(checklist, expected)
    _check_publishable(session, checklist.content)
    change(session, checklist, {"status": ChecklistStatus.PUBLISHED, "published_at": clock.now()})
    _tell(session, actor, "published", checklist)
    return checklist


def retire(session: Session, actor: Actor, checklist_id: UUID, *, expected: int | None) -> Checklist:
    """Take an edition out of use: no new inspection is planned with it, and what was made with it stays good. Again changes nothing.

    Raises NotAllowed, NotFound, ChecklistNotPublished, VersionRequired, Stale.
    """
    checklist = _locked(session, actor, checklist_id)
    if checklist.status is ChecklistStatus.RETIRED:
        return checklist
    if checklist.status is ChecklistStatus.DRAFT:
        raise ChecklistNotPublished(key=checklist.key, edition=checklist.edition)
    check_version(checklist, expected)
    change(session, checklist, {"status": ChecklistStatus.RETIRED, "retired_at": clock.now(), "retired_by": actor.person_id})
    _tell(session, actor, "retired", checklist)
    return checklist


def publish(session: Session, actor: Actor, content: Mapping[str, Json]) -> Outcome:
    """Publish an edition without a draft before it; the same content again changes nothing.

    Raises NotAllowed, RuleViolation, ChecklistFrozen, EditionTaken (a draft has it).
    """
    require(actor, Right.MANAGE_REFERENCE)
    values = _draft_columns(content)
    known = session.scalar(_of_edition(values))
    if known is not None:
        return _known(known, values["digest"])
    _check_publishable(session, content)
    checklist: Checklist | None = session.scalar(postgresql.insert(Checklist).values(values).on_conflict_do_nothing().returning(Checklist))
    if checklist is None:
        return publish(session, actor, content)
    _tell(session, actor, "published", checklist)
    return Outcome.CREATED


def _known(known: Checklist, wanted: object) -> Outcome:
    if known.status is ChecklistStatus.DRAFT:
        raise EditionTaken()
    if known.digest != wanted:
        raise _frozen(known)
    return Outcome.UNCHANGED


def publish_shipped(session: Session, actor: Actor) -> None:
    """Publish what comes with the register, except where an installation has that edition or a higher one of its own. Raises NotAllowed."""
    require(actor, Right.MANAGE_REFERENCE)
    for content in shipped():
        key, edition = cast("str", content["key"]), cast("int", content["edition"])
        if session.scalar(sa.select(Checklist.id).where(Checklist.key == key, Checklist.edition >= edition).limit(1)) is None:
            publish(session, actor, content)


def shipped() -> Iterator[Mapping[str, Json]]:
    """The checklists that come with the register; of each key the first edition first."""
    folder = resources.files("registry.checklists").joinpath("shipped")
    texts = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".yaml")]
    contents = [cast("Mapping[str, Json]", written.read(text).content) for text in texts]
    yield from sorted(contents, key=lambda content: (cast("str", content["key"]), cast("int", content["edition"])))


def _draft_columns(content: Mapping[str, Json]) -> dict[str, object]:
    """Raises RuleViolation."""
    names = {f"/{name}": name for name in ("key", "edition")}
    head = {name: content[name] for name in names.values() if name in content}  # alone, because no more than so many faults are told at once
    faults = list(islice(unkept_in(dict(content)), MOST_FAULTS)) or [fault for fault in form_faults(head) if fault.pointer in names]
    if faults:
        raise RuleViolation(faults)
    return {"key": content["key"], "edition": content["edition"], "content": dict(content), "digest": digest(content)}


def _check_publishable(session: Session, content: Mapping[str, Json]) -> None:
    """Raises RuleViolation."""
    faults = faults_in(dict(content))
    key, edition = cast("str", content["key"]), cast("int", content["edition"])
    highest = session.scalar(sa.select(sa.func.max(Checklist.edition)).where(Checklist.key == key, Checklist.status != ChecklistStatus.DRAFT))
    if highest is not None and edition <= highest:
        faults.append(Fault("/edition", "edition-too-low", {"key": key, "highest": highest}))
    if faults:
        raise RuleViolation(faults)


def _of_edition(values: Mapping[str, object]) -> "sa.Select[Checklist]":
    return sa.select(Checklist).where(Checklist.key == values["key"], Checklist.edition == values["edition"])


def _frozen(checklist: Checklist) -> ChecklistFrozen:
    return ChecklistFrozen(key=checklist.key, edition=checklist.edition)


def _locked(session: Session, actor: Actor, checklist_id: UUID) -> Checklist:
    """Raises NotAllowed, NotFound."""
    require(actor, Right.MANAGE_REFERENCE)
    checklist = session.scalar(sa.select(Checklist).where(Checklist.id == checklist_id, queries.visible_to(actor)).with_for_update(key_share=True))
    if checklist is None:
        raise NotFound(what="checklist", id=checklist_id)
    return checklist


def _tell(session: Session, actor: Actor, what: str, checklist: Checklist) -> None:
    details: dict[str, Json] = {"key": checklist.key, "edition": checklist.edition, "digest": checklist.digest.hex()}
    audit.record(session, actor, f"checklist.{what}", "checklist", checklist.id, details=details)
    announce(session, ChangeKind.CHECKLIST, checklist.id, action=f"checklist.{what}")
