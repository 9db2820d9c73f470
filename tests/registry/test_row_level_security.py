"""Row-level security by itself: queries without any filter, and writes past all of our code, sent as the API's own database role.

It holds back a forgotten filter. Whoever can send any SQL as this role can also say that she is somebody else (docs/attacks.md).
"""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Right, Role, may
from registry.db import reading
from registry.dwellings import portfolios, successions
from registry.dwellings import queries as dwellings
from registry.dwellings.model import Dwelling, Hazard, PortfolioPeriod, RegisteredLabel
from registry.dwellings.succession_model import InheritedDwelling, Succession, SuccessionDwelling
from registry.imports import queries as imports
from registry.imports.model import ColumnMapping, ImportEffect, ImportFault, ImportOutcome, ImportRow, ImportRun
from registry.inspections import queries as inspections
from registry.inspections.model import ConditionScore, DayOrder, Inspection, InspectionConflict, InspectionEdit, InspectionRevision, Review
from registry.members import queries as members
from registry.members.model import Credential, Membership, Team, TeamMember
from registry.photos.model import Photo, PhotoShare
from registry.trajectories import queries as trajectories
from registry.trajectories.model import Confirmation, Document, Evidence, FundingLine, Measure, Milestone, Trajectory
from registry.webhooks import queries as webhooks
from registry.webhooks.model import Webhook, WebhookDelivery, WebhookSecret, WebhookState
from tests.owner import as_owner
from tests.world import World

COLUMNS = ("inspector", "reviewer", "corporation", "municipality", "analyst", "auditor", "unexplained", "administrator", "ministry")
KEYS = {
    "dwelling": "id",
    "registered_label": "id",
    "portfolio_period": "id",
    "trajectory": "id",
    "funding_line": "trajectory_id",
    "measure": "id",
    "milestone": "id",
    "confirmation": "id",
    "inspection": "id",
    "inspection_revision": "inspection_id",
    "review": "id",
    "condition_score": "id",
    "evidence": "id",
    "document": "id",
    "team": "id",
    "team_member": "team_id",
    "hazard": "id",
    "day_order": "person_id",
    "inspection_edit": "id",
    "inspection_conflict": "id",
    "photo": "id",
    "image": "id",
    "photo_share": "id",
    "change": "id",
    "audit_line": "id",
    "answered_request": "person_id",
    "person": "id",
    "membership": "id",
    "credential": "id",
    "succession": "id",
    "succession_dwelling": "succession_id",
    "inherited_dwelling": "dwelling_id",
    "webhook": "id",
    "webhook_secret": "id",
    "webhook_state": "webhook_id",
    "webhook_delivery": "id",
    "import_run": "id",
    "import_row": "import_id",
    "import_outcome": "import_id",
    "import_fault": "id",
    "import_effect": "id",
    "column_mapping": "id",
}
"""Every table with rows of organisations or people that the API reads, and what tells its rows apart."""


def acting(world: World, column: str) -> Actor:
    """An auditor gives a reason; the one who does not is a column of her own."""
    return replace(world.near.people[column].actor, reason="a test" if column == "auditor" else None)


def raw(world: World, column: str, table: str) -> set[Any]:
    """What a query without a filter gives."""
    with reading(acting(world, column)) as session:
        return set(session.scalars(sa.text(f"SELECT {KEYS[table]} FROM {table}")))


def filtered(actor: Actor) -> dict[str, sa.Select[Any]]:
    """The queries that the API makes, to be run by the owner, whom no policy holds back. A right that is missing shows nothing."""
    seen = sa.select(Dwelling.id).where(dwellings.visible_to(actor))
    progress = trajectories.visible_to(actor) if may(actor, Right.READ_PROGRESS) else sa.false()
    running = sa.select(Trajectory.id).where(progress)
    looked_at = sa.select(Inspection.id).where(inspections.visible_to(actor))
    sent = sa.select(ImportRun.id).where(imports.visible_to(actor), sa.literal(may(actor, Right.READ_IMPORTS)))
    own_columns = ColumnMapping.organisation_id == actor.organisation_id
    told = sa.select(Webhook.id).where(webhooks.visible_to(actor), sa.literal(may(actor, Right.MANAGE_WEBHOOKS)))
    return {
        "dwelling": seen,
        "registered_label": sa.select(RegisteredLabel.id).where(RegisteredLabel.dwelling_id.in_(seen)),
        "portfolio_period": sa.select(PortfolioPeriod.id).where(portfolios.visible_to(actor)),
        "trajectory": running,
        "funding_line": sa.select(FundingLine.trajectory_id).where(FundingLine.trajectory_id.in_(running)),
        "measure": sa.select(Measure.id).where(Measure.trajectory_id.in_(running)),
        "milestone": sa.select(Milestone.id).where(Milestone.trajectory_id.in_(running)),
        "confirmation": sa.select(Confirmation.id).join(Milestone).where(Milestone.trajectory_id.in_(running)),
        "inspection": looked_at,
        "inspection_revision": sa.select(InspectionRevision.inspection_id).where(InspectionRevision.inspection_id.in_(looked_at)),
        "review": sa.select(Review.id).where(Review.inspection_id.in_(looked_at)),
        "condition_score": sa.select(ConditionScore.id).where(ConditionScore.inspection_id.in_(looked_at)),
        "evidence": sa.select(Evidence.id).where(Evidence.trajectory_id.in_(running)),
        "document": sa.select(Document.id).where(Document.trajectory_id.in_(running)),
        "team": sa.select(Team.id).where(Team.organisation_id == actor.organisation_id),
        "team_member": sa.select(TeamMember.team_id).join(Team, Team.id == TeamMember.team_id).where(Team.organisation_id == actor.organisation_id),
        "hazard": sa.select(Hazard.id).where(Hazard.dwelling_id.in_(seen), sa.literal(may(actor, Right.READ_HAZARDS))),
        "day_order": sa.select(DayOrder.person_id).where(DayOrder.person_id == actor.person_id, DayOrder.organisation_id == actor.organisation_id),
        "inspection_edit": sa.select(InspectionEdit.id).where(InspectionEdit.person_id == actor.person_id),
        "inspection_conflict": sa.select(InspectionConflict.id).where(
            InspectionConflict.inspection_id.in_(looked_at) | (InspectionConflict.person_id == actor.person_id)
        ),
        "photo": sa.select(Photo.id).where(Photo.inspection_id.in_(looked_at)),
        "image": sa.select(Photo.image_id).where(Photo.inspection_id.in_(looked_at), Photo.image_id.is_not(None)),
        "photo_share": sa.select(PhotoShare.id).join(Photo).where(Photo.inspection_id.in_(looked_at), sa.literal(may(actor, Right.READ_SHARES))),
        "membership": sa.select(Membership.id).where(members.visible_to(actor) | (Membership.person_id == actor.person_id)),
        "credential": sa.select(Credential.id).where(members.credentials_visible_to(actor)),
        "succession": sa.select(Succession.id).where(successions.visible_to(actor)),
        "succession_dwelling": sa.select(SuccessionDwelling.succession_id).join(Succession).where(successions.visible_to(actor)),
        "inherited_dwelling": sa.select(InheritedDwelling.dwelling_id).where(InheritedDwelling.organisation_id == actor.organisation_id),
        "import_run": sent,
        "import_row": sa.select(ImportRow.import_id).where(ImportRow.import_id.in_(sent)),
        "import_outcome": sa.select(ImportOutcome.import_id).where(ImportOutcome.import_id.in_(sent)),
        "import_fault": sa.select(ImportFault.id).where(ImportFault.import_id.in_(sent)),
        "import_effect": sa.select(ImportEffect.id).where(ImportEffect.import_id.in_(sent)),
        "column_mapping": sa.select(ColumnMapping.id).where(own_columns, sa.literal(may(actor, Right.SEND_IMPORTS))),
        "webhook": told,
        "webhook_secret": sa.select(WebhookSecret.id).where(WebhookSecret.webhook_id.in_(told)),
        "webhook_state": sa.select(WebhookState.webhook_id).where(WebhookState.webhook_id.in_(told)),
        "webhook_delivery": sa.select(WebhookDelivery.id).where(WebhookDelivery.webhook_id.in_(told)),
    }


@pytest.mark.parametrize("column", COLUMNS)
def test_a_query_without_its_filter_gives_what_the_filtered_one_gives(world: World, column: str) -> None:
    actor = acting(world, column)
    with as_owner() as session:
        allowed = {table: set(session.scalars(query)) for table, query in filtered(actor).items()}
    if column == "unexplained":
        allowed = {table: ids if table in ("membership", "credential") else set() for table, ids in allowed.items()}
    assert {table: raw(world, column, table) for table in allowed} == allowed


@pytest.mark.parametrize("column", [column for column in COLUMNS if column not in ("auditor", "ministry")])
def test_a_query_without_a_filter_gives_nothing_of_the_other_side(world: World, column: str) -> None:
    foreign = {value for things in (world.far.things, *world.far.belongings.values()) for value in things.values()}
    foreign |= {caller.person_id for caller in world.far.people.values()}
    assert {table: ids for table in KEYS if (ids := raw(world, column, table) & foreign)} == {}


def subjects(session: Session, table: str, side_kinds: str) -> dict[Any, tuple[str, str]]:
    return {row.id: (row[1], str(row.subject_id)) for row in session.execute(sa.text(f"SELECT id, {side_kinds}, subject_id FROM {table}"))}


@pytest.mark.parametrize("column", COLUMNS)
def test_changes_and_audit_lines_are_those_of_what_one_sees(world: World, column: str) -> None:
    """By the kind of their subject; besides, an administrator reads the log of her organisation and an auditor, with a reason, all."""
    actor = acting(world, column)
    with as_owner() as session:
        changes = subjects(session, "change", "kind")
        lines = subjects(session, "audit_line", "subject_kind")
        own = set(session.scalars(sa.text("SELECT id FROM audit_line WHERE organisation_id = :id"), {"id": actor.organisation_id}))
    seen = {str(id) for table in ("dwelling", "trajectory", "inspection", "photo", "milestone") for id in raw(world, column, table)}
    in_sight = {id for id, (_, subject) in changes.items() if subject in seen}
    if column == "municipality":  # by the place of the change, so that it hears of what leaves it too
        in_sight = {id for id, (_, subject) in changes.items() if subject in {str(value) for value in world.near.things.values()}}
    assert raw(world, column, "change") == (set(changes) if column == "auditor" else in_sight)
    visible = own if actor.role is Role.ADMINISTRATOR else {id for id, (_, subject) in lines.items() if subject in seen}
    assert raw(world, column, "audit_line") == (set(lines) if column == "auditor" else visible)


@pytest.mark.parametrize("column", COLUMNS)
def test_people_are_oneself_and_ones_colleagues_and_answers_ones_own(world: World, column: str) -> None:
    actor = acting(world, column)
    with as_owner() as session:
        query = "SELECT person_id FROM membership WHERE organisation_id = :id OR :central"
        colleagues = set(session.scalars(sa.text(query), {"id": actor.organisation_id, "central": column == "ministry"}))
    assert raw(world, column, "person") == colleagues | {actor.person_id}
    assert raw(world, column, "answered_request") <= {actor.person_id}


@pytest.mark.parametrize("table", KEYS)
def test_to_nobody_nothing_is_shown(world: World, table: str) -> None:
    with reading() as session:
        assert session.scalar(sa.text(f"SELECT count({KEYS[table]}) FROM {table}")) == 0
    with as_owner() as session:
        assert session.scalar(sa.text(f"SELECT count(*) FROM {table}"))
