"""Telling of inspections in the change feed: those who oversee them, and the phone of the inspector."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.changes.model import Change, ChangeKind
from registry.dwellings import queries as dwellings
from registry.inspections.model import Inspection


def tell(session: Session, inspection: Inspection) -> None:
    """An inspection changed, for whoever sees it and for the inspector it is assigned to."""
    municipality = dwellings.municipality_of(session, inspection.dwelling_id)
    row = {"kind": ChangeKind.INSPECTION, "subject_id": inspection.id, "municipality_code": municipality, "organisation_id": inspection.organisation_id}
    session.execute(sa.insert(Change).inline(), [{**row, "person_id": inspection.assignee_id}])
