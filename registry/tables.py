"""Every table of the register, so that Alembic and the tests see all of them."""

from registry import attempts, idempotency
from registry.areas import model as areas
from registry.audit import model as audit
from registry.changes import model as changes
from registry.checklists import model as checklists
from registry.db import Base
from registry.dwellings import model as dwellings
from registry.dwellings import streets
from registry.dwellings import succession_model as successions
from registry.imports import model as imports
from registry.inspections import model as inspections
from registry.members import model as members
from registry.openrosa import model as openrosa
from registry.organisations import model as organisations
from registry.photos import model as photos
from registry.reports import model as reports
from registry.tallies import model as tallies
from registry.trajectories import model as trajectories
from registry.trajectories import tracks
from registry.webhooks import model as webhooks

__all__ = [
    "areas",
    "attempts",
    "audit",
    "changes",
    "checklists",
    "dwellings",
    "idempotency",
    "imports",
    "inspections",
    "members",
    "metadata",
    "openrosa",
    "organisations",
    "photos",
    "reports",
    "streets",
    "successions",
    "tallies",
    "tracks",
    "trajectories",
    "webhooks",
]

metadata = Base.metadata
