"""A small world with two of everything: on each side a municipality, a corporation and an inspection body, who work on the dwellings of that side.

What stands on one side is foreign to everyone on the other. The ministry is above both.
"""

import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry import clock, storage
from registry.access import Actor, Role
from registry.audit import commands as audit
from registry.changes.commands import announce
from registry.changes.model import ChangeKind
from registry.checklists.model import Checklist
from registry.dwellings.model import Dwelling, RegisteredLabel
from registry.idempotency import AnsweredRequest
from registry.imports.model import ImportMode, ImportStatus
from registry.inspections.model import (
    ConditionScore,
    DayOrder,
    Decision,
    EditOutcome,
    Inspection,
    InspectionEdit,
    InspectionRevision,
    InspectionStatus,
    Review,
    VisitOutcome,
)
from registry.members.model import Credential, Membership
from registry.organisations.model import Organisation, OrganisationKind
from registry.photos.model import Image, PreviewState
from registry.photos.rules import PREVIEW_SIZES_PX, preview_key
from registry.trajectories.documents import key_of
from registry.trajectories.model import (
    Action,
    Confirmation,
    Document,
    Evidence,
    FundingLine,
    Measure,
    MeasureKind,
    Milestone,
    MilestoneKind,
    Project,
    Track,
    Trajectory,
)
from registry.values import BagObjectType, EnergyLabel
from registry.webhooks.model import WebhookDelivery
from tests import makers
from tests.api.callers import Caller

Things = dict[str, UUID | str]
"""Ids by what they are of."""
BYTES = b"\xff\xd8 the bytes of every photo"
AWAITED = b"\xff\xd8 the bytes of every photo that is under way"


@dataclass(slots=True)
class Side:
    """``things`` are the ids of what everyone on this side works on, ``people`` who does, by column of the matrix."""

    things: Things
    people: dict[str, Caller] = field(default_factory=dict)
    belongings: dict[str, Things] = field(default_factory=dict)
    """What a column has besides: her own membership, token, a colleague; the trajectory that her own organisation runs."""

    def thing(self, column: str, name: str) -> UUID | str:
        return self.belongings.get(column, {}).get(name) or self.things[name]


@dataclass(frozen=True, slots=True)
class World:
    """``near`` is the side from which one looks, ``far`` is foreign."""

    near: Side
    far: Side


WORKERS = {
    "inspector": (Role.INSPECTOR, "inspection_body"),
    "reviewer": (Role.REVIEWER, "inspection_body"),
    "corporation": (Role.CORPORATION_EDITOR, "corporation"),
    "municipality": (Role.MUNICIPALITY_EDITOR, "municipality"),
    "administrator": (Role.ADMINISTRATOR, "corporation"),
}
"""Column → role and kind of organisation, on each side."""
OF_THE_MINISTRY = {"analyst": Role.MINISTRY_ANALYST, "auditor": Role.MINISTRY_AUDITOR, "ministry": Role.ADMINISTRATOR}
COLLEAGUES = {"inspector": "reviewer", "reviewer": "inspector", "corporation": "administrator", "administrator": "corporation", "ministry": "analyst"}


def a_world(session: Session, client: FlaskClient) -> World:
    checklist = makers.a_checklist(session)
    near = _side(session, client, checklist, "GM0917", "0917010000000001")
    far = _side(session, client, checklist, "GM0363", "0363010000000001")
    _ministry(session, client, near)
    _shut_out(session, client, near)
    return World(near, far)


def _side(session: Session, client: FlaskClient, checklist: Checklist, code: str, bag_id: str) -> Side:
    makers.a_municipality(session, code, "Gemeente")
    slug = code.lower()
    kinds = {"municipality": {"municipality_code": code}, "corporation": {}, "inspection_body": {}}
    organisations = {
        name: makers.an_organisation(session, f"{slug}-{name.replace('_', '-')}", OrganisationKind(name.replace("_", "-")), **more)
        for name, more in kinds.items()
    }
    side = Side({name: organisation.id for name, organisation in organisations.items()})
    for column, (role, kind) in WORKERS.items():
        _person(session, client, side, column, role, organisations[kind])
    _link_colleagues(side)
    side.things |= {"template": "milestones", "code": code, "checklist": checklist.id, "bag_id": bag_id, **_references(session, slug, code)}
    side.things["draft"] = makers.a_draft(session, f"{slug}-draft").id
    _dwelling(session, side, organisations)
    _inspection(session, side)
    _imports(session, side)
    _history(session, side)
    return side


def _person(session: Session, client: FlaskClient, side: Side, column: str, role: Role, organisation: Organisation, **more: date) -> Caller:
    actor, token = makers.a_member(session, role, organisation, **more)
    membership_id = session.scalars(sa.select(Membership.id).where(Membership.person_id == actor.person_id)).one()
    token_id = session.scalars(sa.select(Credential.id).where(Credential.person_id == actor.person_id)).one()
    headers = {"Reason": "a test"} if role is Role.MINISTRY_AUDITOR else {}
    side.people[column] = Caller(client, token, organisation, actor, headers=headers)
    side.belongings[column] = {"member": membership_id, "colleague": membership_id, "token": token_id, "organisation": organisation.id}
    return side.people[column]


def _link_colleagues(side: Side) -> None:
    for column, colleague in COLLEAGUES.items():
        if column in side.people and colleague in side.people:
            side.belongings[column]["colleague"] = side.belongings[colleague]["member"]


def _references(session: Session, slug: str, code: str) -> Things:
    makers.a_focus_area(session, f"{slug}-area", code).name = "Wijk"
    makers.a_scheme(session, f"{slug}-scheme").name = "Regeling"
    session.add(Project(slug=f"{slug}-project", name="Project", municipality_code=code))
    session.flush()
    return {"focus_area": f"{slug}-area", "scheme": f"{slug}-scheme", "project": f"{slug}-project"}


def _dwelling(session: Session, side: Side, organisations: dict[str, Organisation]) -> None:
    code = str(side.things["code"])
    address = {
        "bag_id": side.things["bag_id"],
        "bag_object_type": next(iter(BagObjectType)),
        "postcode": f"{code[2:]}AB".replace("0", "6", 1),
        "house_number": 7,
    }
    dwelling = makers.a_dwelling(session, code, **address)
    unheld = makers.a_dwelling(session, code)
    period = makers.a_portfolio_period(session, dwelling, organisations["corporation"])
    former = makers.a_dwelling(session, code)
    taker = makers.an_organisation(session, f"{code.lower()}-taker")
    succession = makers.a_succession(session, organisations["municipality"], [former], [dwelling], municipality_code=code)
    side.things |= {"former": former.id, "taker": taker.id, "succession": succession.id}
    session.add(RegisteredLabel(dwelling_id=dwelling.id, label=EnergyLabel.E, surveyed_on=date(2020, 1, 1), recorded_by=uuid4()))
    side.things |= {"dwelling": dwelling.id, "unheld": unheld.id, "period": period.id, "postcode": str(dwelling.postcode)}
    for column in ("municipality", "corporation"):
        found = _trajectory(session, dwelling, organisations[column], str(side.things["scheme"]))
        side.belongings[column] |= found
        side.things |= found


def _imports(session: Session, side: Side) -> None:
    """A file that was tried, one that was applied, and a saved mapping, of each that sends files."""
    for column in ("municipality", "corporation"):
        actor = side.people[column].actor
        tried, applied = makers.an_import(session, actor), makers.an_import(session, actor, status=ImportStatus.APPLIED, mode=ImportMode.PER_ROW)
        slug = f"{side.things['code']}-{column}".lower()
        found: Things = {"import": tried.id, "applied": applied.id, "mapping": makers.a_column_mapping(session, actor, slug).name}
        side.belongings[column] |= found
        side.things |= found


def _trajectory(session: Session, dwelling: Dwelling, executor: Organisation, scheme: str) -> Things:
    trajectory: Trajectory = makers.a_trajectory(session, executor, dwelling)
    said = {"trajectory_id": trajectory.id, "recorded_by": uuid4(), "organisation_id": executor.id}
    milestones = [
        Milestone(track=track, kind=MilestoneKind.STARTED, effective_on=date(2024, 1, 1), action=Action.REPORTED, dwelling_id=dwelling.id, **said)
        for track in (Track.RENOVATION, Track.SUSTAINABILITY)
    ]
    measure = Measure(kind=next(iter(MeasureKind)), applied_on=date(2024, 1, 1), **said)
    session.add_all([*milestones, measure, FundingLine(trajectory_id=trajectory.id, scheme=scheme)])
    document = makers.a_document(session, trajectory, BYTES, stored_at=clock.now())
    awaited = makers.a_document(session, trajectory, AWAITED)
    session.flush()
    session.add(Confirmation(milestone_id=milestones[1].id, recorded_by=uuid4()))
    session.flush()
    written = {"measure_row": measure.id, "document": document.id, "awaited_document": awaited.id}
    return {**written, "trajectory": trajectory.id, "milestone": milestones[0].id, "confirmed": milestones[1].id, "executor": executor.id}


def _inspection(session: Session, side: Side) -> None:
    inspector = side.people["inspector"].actor
    planned = {"dwelling_id": side.things["dwelling"], "checklist_id": side.things["checklist"], "visit_outcome": VisitOutcome.NOBODY_HOME}
    inspection: Inspection = makers.an_inspection(session, inspector, **planned)
    photo = makers.a_photo_of(session, inspection, BYTES, previews=PreviewState.MADE)
    share = makers.a_share(session, photo)
    awaited = makers.a_photo(session, inspection, sha256=sha256(AWAITED).digest(), size_bytes=len(AWAITED))
    under_way = makers.an_upload(session, makers.a_photo(session, inspection, size_bytes=len(AWAITED)), inspector)
    _submitted(session, side, inspector)
    _team_work(session, side, inspector)
    side.things |= {"awaited": awaited.id, "upload": under_way.id}
    side.things["conflict"] = makers.a_conflict(session, inspection).id
    session.add(InspectionEdit(inspection_id=inspection.id, person_id=inspector.person_id, digest=b"", outcome=EditOutcome.APPLIED, version=1))
    side.things |= {"inspection": inspection.id, "photo": photo.id, "share": share.id, "inspector_person": inspector.person_id}
    assert photo.image_id
    side.things["image"] = photo.image_id


def _submitted(session: Session, side: Side, inspector: Actor) -> None:
    """Returned once, and submitted again; evidence for a milestone."""
    dwelling, checklist, now = side.things["dwelling"], side.things["checklist"], clock.now()
    done = {"visit_outcome": VisitOutcome.DONE, "submitted_at": now, "submitted_by": inspector.person_id}
    state = {"status": InspectionStatus.SUBMITTED, "revision": 2, "complete_at": now}
    submitted: Inspection = makers.an_inspection(session, inspector, dwelling_id=dwelling, checklist_id=checklist, **done, **state)
    kept = {"inspection_id": submitted.id, "checklist_id": submitted.checklist_id, "answers": {}, "digest": b"\1" * 32, **done}
    session.add_all(InspectionRevision(revision=revision, **kept) for revision in (1, 2))
    said = {"inspection_id": submitted.id, "recorded_by": uuid4()}
    review = Review(revision=1, decision=Decision.RETURNED, remarks="Again", **said)
    score = ConditionScore(inspection_id=submitted.id, revision=1, method="of-a-test", question=None, score=3, details={})
    evidence = Evidence(trajectory_id=side.things["trajectory"], track=Track.RENOVATION, kind=MilestoneKind.STARTED, **said)
    session.add_all((review, score, evidence))
    session.flush()
    side.things |= {"submitted": submitted.id, "review": review.id, "score": score.id, "evidence": evidence.id}


def _team_work(session: Session, side: Side, inspector: Actor) -> None:
    """What the team of the inspector may take, a visit in vain, a hazard, and the order that she set for a day."""
    body = UUID(str(side.things["inspection_body"]))
    where = {"dwelling_id": side.things["dwelling"], "checklist_id": side.things["checklist"]}
    team = makers.a_team(session, body, inspector)
    untaken = makers.an_inspection(session, inspector, assignee_id=None, team_id=team.id, **where)
    in_vain = {"status": InspectionStatus.SUBMITTED, "submitted_at": clock.now(), "visit_outcome": VisitOutcome.NOBODY_HOME}
    vain = makers.an_inspection(session, inspector, **in_vain, **where)
    hazard = makers.a_hazard(session, UUID(str(side.things["dwelling"])), body)
    session.add(DayOrder(person_id=inspector.person_id, organisation_id=body, day=clock.today(), inspection_ids=[vain.id]))
    session.flush()
    side.things |= {"team": team.id, "untaken": untaken.id, "vain": vain.id, "hazard": hazard.id}


def keep_bytes(session: Session) -> None:
    """Put the bytes of all photos and documents in the object store, for who looks at them."""
    for document in session.scalars(sa.select(Document).where(Document.stored_at.is_not(None))):
        storage.store(key_of(document), io.BytesIO(BYTES), size_bytes=len(BYTES), content_type=document.media_type)
    for image in session.scalars(sa.select(Image)):
        for key in (image.object_key, *(preview_key(image.organisation_id, image.id, size) for size in PREVIEW_SIZES_PX)):
            storage.store(key, io.BytesIO(BYTES), size_bytes=len(BYTES), content_type="image/jpeg")


def _history(session: Session, side: Side) -> None:
    """An audit line, a change of each kind, and an answer that is kept."""
    editor = side.people["corporation"].actor
    audit.record(session, _in_request(editor, side), "dwelling.looked-at", "dwelling", str(side.things["dwelling"]))
    for kind in ("dwelling", "trajectory", "inspection", "photo"):
        announce(session, ChangeKind(kind), UUID(str(side.things[kind])), municipality_code=str(side.things["code"]))
    for caller in side.people.values():
        session.add(AnsweredRequest(person_id=caller.person_id, key="kept", fingerprint=b"", status=200, headers={}, body=b"{}"))
    side.things |= {"editor_person": editor.person_id, "request": f"request-{side.things['code']}"}
    webhook = makers.a_webhook(session, UUID(str(side.things["corporation"])))
    event = session.scalars(sa.select(WebhookDelivery.event_id).where(WebhookDelivery.webhook_id == webhook.id)).one()
    side.things |= {"webhook": webhook.id, "event": event}
    session.flush()


def _in_request(actor: Actor, side: Side) -> Actor:
    return Actor(actor.person_id, actor.organisation_id, actor.role, f"request-{side.things['code']}")


def _ministry(session: Session, client: FlaskClient, near: Side) -> None:
    ministry = makers.an_organisation(session, "bzk", OrganisationKind.MINISTRY)
    for column, role in OF_THE_MINISTRY.items():
        _person(session, client, near, column, role, ministry)
    _link_colleagues(near)
    auditor = near.people["auditor"]
    near.people["unexplained"] = Caller(client, auditor.token, ministry, auditor.actor)
    near.belongings["unexplained"] = near.belongings["auditor"]


def _shut_out(session: Session, client: FlaskClient, near: Side) -> None:
    """Those who would see as the corporation does, if they were let in."""
    corporation = session.get_one(Organisation, near.things["corporation"])
    _person(session, client, near, "ended", Role.CORPORATION_EDITOR, corporation, valid_until=clock.today())
    revoked = _person(session, client, near, "revoked", Role.CORPORATION_EDITOR, corporation)
    session.execute(sa.update(Credential).where(Credential.person_id == revoked.person_id).values(revoked_at=clock.now() - timedelta(seconds=1)))
    near.people["nobody"] = Caller(client, None)
    near.belongings["nobody"] = near.belongings["revoked"]
