"""What is kept of an import, and for how long: its file and rows for a term, its figures and what it wrote for good.

A file that nobody received, because the call that sent it broke off, is swept away.
"""

import re
from datetime import timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
import structlog

from registry import clock, storage
from registry.db import transaction
from registry.imports import staging
from registry.imports.commands import FILES, file_key
from registry.imports.model import ImportRun, ImportStatus
from registry.imports.running import ITSELF

KEPT_FOR: Final = timedelta(days=90)
"""Since the file was sent. Files hold what people typed, and more than the register needs to know."""
LEFT_ALONE_FOR: Final = timedelta(hours=48)
"""A file is in the store before the register knows of it."""
AT_ONCE: Final = 1000
UNDER_WAY: Final = (ImportStatus.READING, ImportStatus.COMPARING, ImportStatus.APPLYING, ImportStatus.UNDOING)
_NAME = re.compile(f"{FILES}([0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})")

log = structlog.get_logger()


def forget() -> int:
    """Forget files and rows whose term has passed; how many imports. A file that can't be removed now is swept away later. Raises Unavailable."""
    forgotten = 0
    for import_id in _due():
        with transaction(role=ITSELF) as session:
            still = sa.update(ImportRun).where(ImportRun.id == import_id, ImportRun.status.not_in(UNDER_WAY)).values(forgotten_at=clock.now())
            if session.scalar(still.returning(ImportRun.id)) is None:
                continue  # somebody asked for it meanwhile
            staging.forget_rows(session, import_id)
        storage.delete(file_key(import_id))
        forgotten += 1
    return forgotten


def _due() -> list[UUID]:
    with transaction(role=ITSELF) as session:
        past = ImportRun.recorded_at < clock.now() - KEPT_FOR
        query = sa.select(ImportRun.id).where(past, ImportRun.forgotten_at.is_(None), ImportRun.status.not_in(UNDER_WAY))
        return list(session.scalars(query.order_by(ImportRun.id).limit(AT_ONCE)))


def sweep() -> int:
    """Remove files that no import has, or none any more; how many. Raises Unavailable."""
    removed, old = 0, clock.now() - LEFT_ALONE_FOR
    for each in storage.listed(FILES):
        if each.modified_at < old and not _is_kept(each.key):
            storage.delete(each.key)
            removed += 1
    return removed


def _is_kept(key: str) -> bool:
    name = _NAME.fullmatch(key)
    if name is None:
        return False
    with transaction(role=ITSELF) as session:
        known = sa.exists().where(ImportRun.id == UUID(name[1]), ImportRun.forgotten_at.is_(None))
        return bool(session.scalar(sa.select(known)))
