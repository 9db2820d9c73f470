"""Rows for tests: each function makes one with sensible defaults and flushes it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.areas.model import FocusArea, Municipality
from registry.checklists.commands import shipped
from registry.checklists.model import Checklist, ChecklistStatus
from registry.checklists.rules import digest
from registry.dwellings.model import Dwelling, Hazard, HazardKind, PortfolioPeriod, Source
from registry.dwellings.succession_model import Side, Succession, SuccessionDwelling, SuccessionKind
from registry.imports.model import (
    ColumnMapping,
    EffectAction,
    ImportEffect,
    ImportFault,
    ImportKind,
    ImportOutcome,
    ImportRow,
    ImportRun,
    ImportStatus,
    SubjectKind,
)
from registry.inspections.model import Inspection, InspectionConflict, Occasion
from registry.inspections.rules import Document
from registry.members.credentials import Secret, digest_of, new_secret
from registry.members.model import Credential, CredentialKind, Membership, Person, Team, TeamMember
from registry.organisations.model import Organisation, OrganisationKind
from registry.photos.model import ContentType, Image, Photo, PhotoShare, PhotoState, Upload
from registry.trajectories.milestones import NewMilestone, report
from registry.trajectories.model import Document as TrajectoryDocument
from registry.trajectories.model import DocumentKind, Measure, MeasureKind, MilestoneKind, Project, Scheme, Track, Trajectory
from registry.versioned import Outcome
from registry.webhooks import signing
from registry.webhooks.model import DeliveryStatus, Webhook, WebhookDelivery, WebhookSecret, WebhookState

HEERLEN = "GM0917"


def _add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    session.refresh(row)
    return row


def a_municipality(session: Session, code: str = HEERLEN, name: str = "Heerlen") -> Municipality:
    known = session.get(Municipality, code)
    return known or _add(session, Municipality(code=code, name=name, province="Limburg"))


def a_focus_area(session: Session, slug: str = "heerlen-noord", municipality_code: str = HEERLEN) -> FocusArea:
    a_municipality(session, municipality_code)
    return session.get(FocusArea, slug) or _add(session, FocusArea(slug=slug, name=slug.title(), municipality_code=municipality_code))


def an_organisation(session: Session, slug: str | None = None, kind: OrganisationKind = OrganisationKind.CORPORATION, **more: Any) -> Organisation:
    return _add(session, Organisation(slug=slug or f"org-{uuid4().hex[:8]}", name="Voorbeeld Wonen", kind=kind, **more))


def a_scheme(session: Session, slug: str = "volkshuisvestingsfonds") -> Scheme:
    return session.get(Scheme, slug) or _add(session, Scheme(slug=slug, name=slug.title()))


def a_project(session: Session, slug: str = "vrieheide") -> Project:
    a_municipality(session)
    return session.get(Project, slug) or _add(session, Project(slug=slug, name=slug.title(), municipality_code=HEERLEN))


def a_dwelling(session: Session, municipality_code: str = HEERLEN, *, held_by: Organisation | Actor | None = None, **more: Any) -> Dwelling:
    """``held_by`` is the corporation that has it in its portfolio."""
    a_municipality(session, municipality_code)
    dwelling = _add(session, Dwelling(municipality_code=municipality_code, source=Source.API, **more))
    if held_by is not None:
        a_portfolio_period(session, dwelling, held_by)
    return dwelling


def a_trajectory(session: Session, executor: Organisation, dwelling: Dwelling | None = None, **more: Any) -> Trajectory:
    dwelling = dwelling or a_dwelling(session, held_by=executor if executor.kind is OrganisationKind.CORPORATION else None)
    return _add(session, Trajectory(dwelling_id=dwelling.id, executor_id=executor.id, **more))


def a_measure(session: Session, trajectory: Trajectory, **more: Any) -> Measure:
    values = {"kind": MeasureKind.ROOF_INSULATION, "applied_on": date(2024, 1, 1), "recorded_by": uuid4(), "organisation_id": trajectory.executor_id} | more
    return _add(session, Measure(trajectory_id=trajectory.id, **values))


def a_document(session: Session, trajectory: Trajectory, data: bytes, **more: Any) -> TrajectoryDocument:
    """One that is awaited, unless ``stored_at`` says otherwise; its bytes are not in the object store by that."""
    said = {"kind": DocumentKind.GRANT_DECISION, "title": "Beschikking", "media_type": "application/pdf", "recorded_by": uuid4()}
    kept = {"size_bytes": len(data), "sha256": hashlib.sha256(data).digest(), "organisation_id": trajectory.executor_id}
    return _add(session, TrajectoryDocument(trajectory_id=trajectory.id, **(said | kept | more)))


def a_checklist(session: Session) -> Checklist:
    content = next(iter(shipped()))
    return _add(session, Checklist(key="baseline", edition=1, content=dict(content), digest=digest(content)))


def a_draft(session: Session, key: str) -> Checklist:
    """Of a checklist that could be published."""
    content = {**next(iter(shipped())), "key": key}
    return _add(session, Checklist(key=key, edition=1, content=content, digest=digest(content), status=ChecklistStatus.DRAFT, published_at=sa.null()))


def an_inspection(session: Session, actor: Actor, **more: Any) -> Inspection:
    dwelling_id = more.pop("dwelling_id", None) or a_dwelling(session).id
    checklist_id = more.pop("checklist_id", None) or a_checklist(session).id
    values = {"occasion": Occasion.BASELINE, "organisation_id": actor.organisation_id, "assignee_id": actor.person_id, "planned_by": uuid4()}
    return _add(session, Inspection(dwelling_id=dwelling_id, checklist_id=checklist_id, **(values | more)))


def a_conflict(session: Session, inspection: Inspection, **more: Any) -> InspectionConflict:
    """What its inspector sent on an older version."""
    yours, theirs = Document({"mould": "spots"}).as_json(), Document(inspection.answers, checklist_id=inspection.checklist_id).as_json()
    values = {"revision": inspection.revision, "current_version": inspection.version, "person_id": inspection.assignee_id, "yours": yours, "theirs": theirs}
    return _add(session, InspectionConflict(inspection_id=inspection.id, **(values | more)))


def a_photo(session: Session, inspection: Inspection, **more: Any) -> Photo:
    """With an image of its own when its state says that it has one."""
    values = {"question": "mould", "sha256": b"\1" * 32, "size_bytes": 10, "content_type": ContentType.JPEG, "declared_by": uuid4()} | more
    if values.get("state", PhotoState.DECLARED) is not PhotoState.DECLARED and "image_id" not in values:
        examined = {"examined_at": datetime.now(UTC), "content_type": ContentType.JPEG} if values["state"] is PhotoState.READY else {}
        image = an_image(session, inspection.organisation_id, sha256=values["sha256"], **examined)
        values |= {"image_id": image.id, "stored_at": values.get("stored_at", image.stored_at)}
    return _add(session, Photo(inspection_id=inspection.id, **values))


def a_photo_of(session: Session, inspection: Inspection, data: bytes, *, state: PhotoState = PhotoState.READY, **of_image: Any) -> Photo:
    """A photo that shows these bytes, which are not in the object store by that."""
    kept = {"sha256": hashlib.sha256(data).digest(), "size_bytes": len(data)}
    found = {"examined_at": datetime.now(UTC), "content_type": ContentType.JPEG} | of_image
    image = an_image(session, inspection.organisation_id, **kept, **found)
    return a_photo(session, inspection, state=state, image_id=image.id, stored_at=image.stored_at, rejection=image.rejection, **kept)


def a_share(session: Session, photo: Photo, **more: Any) -> PhotoShare:
    values = {"digest": uuid4().bytes * 2, "reason": "a test", "recorded_by": uuid4(), "expires_at": datetime.now(UTC) + timedelta(days=1)} | more
    return _add(session, PhotoShare(photo_id=photo.id, **values))


def an_image(session: Session, organisation_id: UUID, **more: Any) -> Image:
    values = {"sha256": b"\1" * 32, "size_bytes": 10, "object_key": f"media/{uuid4()}"} | more
    return _add(session, Image(organisation_id=organisation_id, **values))


def an_upload(session: Session, photo: Photo, inspector: Actor, **more: Any) -> Upload:
    values = {"length_bytes": photo.size_bytes, "expires_at": datetime.now(UTC) + timedelta(days=1)} | more
    return _add(session, Upload(photo_id=photo.id, person_id=inspector.person_id, organisation_id=inspector.organisation_id, **values))


def a_webhook(session: Session, organisation_id: UUID, **more: Any) -> Webhook:
    """With a secret, and one event that was given up."""
    values = {"name": "Voorbeeld", "url": "https://hooks.example.nl/registry"} | more
    webhook: Webhook = _add(session, Webhook(organisation_id=organisation_id, **values))
    session.add(WebhookState(webhook_id=webhook.id, epoch="", transaction_id=sa.text("'0'::xid8"), change_id=0))
    session.add(WebhookSecret(webhook_id=webhook.id, secret=signing.new_secret()))
    said = {"action": "webhook.test", "kind": "webhook", "subject_id": webhook.id, "lane": webhook.id}
    settled = {"occurred_at": datetime.now(UTC), "status": DeliveryStatus.DEAD, "settled_at": datetime.now(UTC), "attempts": 1}
    session.add(WebhookDelivery(webhook_id=webhook.id, event_id=f"test-{uuid4()}", **said, **settled))
    session.flush()
    return webhook


def a_person(session: Session, email: str | None = None) -> Person:
    return _add(session, Person(name="Voorbeeld", email=email or f"{uuid4().hex}@example.nl"))


def a_membership(session: Session, person: Person, role: Role, organisation: Organisation, **more: Any) -> Membership:
    values = {"valid_from": date(2020, 1, 1)} | more
    return _add(session, Membership(person_id=person.id, organisation_id=organisation.id, role=role, **values))


def a_member(session: Session, role: Role, organisation: Organisation, *, token: str | None = None, **more: Any) -> tuple[Actor, str]:
    """A new person with this role there: as she acts, and her token, which may be chosen."""
    person = a_person(session)
    membership = a_membership(session, person, role, organisation, **more)
    actor = Actor(person.id, organisation.id, role, "request-of-a-test", organisation.municipality_code, organisation.kind is OrganisationKind.MINISTRY)
    return actor, a_token(session, person, membership, text=token)


KINDS = {
    Role.INSPECTOR: OrganisationKind.INSPECTION_BODY,
    Role.REVIEWER: OrganisationKind.INSPECTION_BODY,
    Role.CORPORATION_EDITOR: OrganisationKind.CORPORATION,
}
"""Where somebody works in this role; the ministry for the others, unless a test says otherwise."""


def everybody(session: Session) -> dict[Role, Actor]:
    """Somebody in each role, the municipality's editor in Heerlen, each with the token that `known_token` names: for a server in another process."""
    a_municipality(session)
    found = {}
    for role in Role:
        of_municipality = {"kind": OrganisationKind.MUNICIPALITY, "municipality_code": HEERLEN} if role is Role.MUNICIPALITY_EDITOR else {}
        body = an_organisation(session, f"of-{role}", **({"kind": KINDS.get(role, OrganisationKind.MINISTRY)} | of_municipality))
        found[role], _ = a_member(session, role, body, token=known_token(role))
    return found


def known_token(role: str) -> str:
    return f"dwr_t_of-the-{role}"


def a_token(session: Session, person: Person, membership: Membership | None = None, *, text: str | None = None) -> str:
    secret = new_secret(CredentialKind.TOKEN) if text is None else Secret(text, digest_of(text))
    own = {"person_id": person.id, "membership_id": membership and membership.id, "organisation_id": membership and membership.organisation_id}
    expires_at = datetime.now(UTC) + timedelta(days=1)
    _add(session, Credential(kind=CredentialKind.TOKEN, digest=secret.digest, recorded_by=person.id, expires_at=expires_at, **own))
    return secret.text


def a_portfolio_period(session: Session, dwelling: Dwelling, holder: Organisation | Actor, **more: Any) -> PortfolioPeriod:
    """``holder`` is a corporation, or somebody who acts for it."""
    organisation_id = holder.organisation_id if isinstance(holder, Actor) else holder.id
    values = {"valid_from": date(2020, 1, 1), "recorded_by": uuid4()} | more
    return _add(session, PortfolioPeriod(dwelling_id=dwelling.id, organisation_id=organisation_id, **values))


def a_succession(session: Session, organisation: Organisation, predecessors: Sequence[Dwelling], successors: Sequence[Dwelling], **more: Any) -> Succession:
    """As it stands in the table; what `successions.record` does besides, such as ending the predecessors, is not done."""
    said = {"kind": SuccessionKind.REPLACEMENT, "occurred_on": date(2024, 1, 1), "municipality_code": HEERLEN, "recorded_by": uuid4()} | more
    succession: Succession = _add(session, Succession(organisation_id=organisation.id, **said))
    sides = ((Side.PREDECESSOR, predecessors), (Side.SUCCESSOR, successors))
    session.add_all(SuccessionDwelling(succession_id=succession.id, side=side, dwelling_id=each.id) for side, those in sides for each in those)
    session.flush()
    return succession


def an_actor(role: Role, organisation: Organisation | None = None, **more: Any) -> Actor:
    """Without an organisation, an administrator is the ministry's; an auditor gives a reason."""
    code = organisation.municipality_code if organisation else None
    central = organisation is None or organisation.kind is OrganisationKind.MINISTRY
    reason = "a test" if role is Role.MINISTRY_AUDITOR else None
    organisation_id = organisation.id if organisation else None
    return Actor(uuid4(), organisation_id, role, "request-of-a-test", more.get("municipality_code", code), central, reason=reason)


def an_editor(session: Session) -> Actor:
    return an_actor(Role.CORPORATION_EDITOR, an_organisation(session))


def a_municipality_editor(session: Session, code: str = HEERLEN) -> Actor:
    a_municipality(session, code)
    return an_actor(Role.MUNICIPALITY_EDITOR, an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=code))


def reported(session: Session, actor: Actor, trajectory_id: UUID, track: Track, kind: MilestoneKind, on: str) -> UUID:
    """Report a milestone; its id."""
    result = report(session, actor, NewMilestone(trajectory_id, track, kind, date.fromisoformat(on)))
    assert result.id is not None
    return result.id


def a_moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def a_team(session: Session, organisation: Organisation | UUID, *members: Actor, name: str | None = None) -> Team:
    organisation_id = organisation if isinstance(organisation, UUID) else organisation.id
    team: Team = _add(session, Team(organisation_id=organisation_id, name=name or f"Team {uuid4().hex[:8]}", recorded_by=uuid4()))
    session.add_all(TeamMember(team_id=team.id, person_id=member.person_id) for member in members)
    session.flush()
    return team


def a_hazard(session: Session, dwelling_id: UUID, organisation_id: UUID, **more: Any) -> Hazard:
    values = {"kind": HazardKind.DOG, "note": "bites", "recorded_by": uuid4()} | more
    return _add(session, Hazard(dwelling_id=dwelling_id, organisation_id=organisation_id, **values))


def an_import(session: Session, actor: Actor, **more: Any) -> ImportRun:
    """A file of milestones that was tried: one row that would create something, and one that is refused for its date."""
    values = {"kind": ImportKind.MILESTONES, "status": ImportStatus.TRIED, "file_name": "rows.csv", "media_type": "text/csv", "size_bytes": 9} | more
    who = {"organisation_id": actor.organisation_id, "person_id": actor.person_id, "role": actor.role, "sha256": hashlib.sha256(b"rows").digest()}
    header = {"place": 0, "letter": "A", "header": "Datum", "column": "effectiveOn", "how": "header", "suggestion": None}
    figures = {"rows_read": 2, "created": 1, "refused": 1, "columns": [header]}
    run: ImportRun = _add(session, ImportRun(**{**who, **figures, **values}))
    for row, outcome in ((2, "created"), (3, "refused")):
        session.add(ImportRow(import_id=run.id, row=row, cells=["soon"], values={}, key="x"))
        session.add(ImportOutcome(import_id=run.id, row=row, outcome=Outcome(outcome)))
    session.add(ImportFault(import_id=run.id, row=3, place=0, field="effectiveOn", code="not-a-date", facts={"value": "soon"}))
    session.add(ImportEffect(import_id=run.id, row=2, subject_kind=SubjectKind.MILESTONE, subject_id=uuid4(), action=EffectAction.CREATED))
    session.flush()
    return run


def a_column_mapping(session: Session, actor: Actor, name: str = "own") -> ColumnMapping:
    mapping = {"Datum": "effectiveOn", "Opmerking": None}
    who = {"organisation_id": actor.organisation_id, "recorded_by": actor.person_id}
    return _add(session, ColumnMapping(kind=ImportKind.MILESTONES, name=name, mapping=mapping, **who))


def another_edition(session: Session, edition: int = 2) -> Checklist:
    """Of the checklist that `a_checklist` makes, with the same content."""
    content = next(iter(shipped()))
    return _add(session, Checklist(key="baseline", edition=edition, content=dict(content), digest=digest(content)))
