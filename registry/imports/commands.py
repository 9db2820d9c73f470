"""Running an import: prepared outside any transaction, then applied in one short transaction that audits and announces it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import psycopg
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import db
from registry.access import Actor
from registry.areas.names import municipality_name
from registry.audit import commands as audit
from registry.imports.bag.commands import AppliedCounts, BagImportReport, apply, peak_memory_mb, stage
from registry.imports.bag.model import Progress

_ANNOUNCE = sa.text("INSERT INTO change (kind, subject_id, municipality_code) SELECT 'dwelling', id, municipality_code FROM pg_temp.bag_applied")


def import_bag(actor: Actor, path: Path, *, progress: Callable[[Progress], None]) -> BagImportReport:
    """Bring the register up to date with a BAG extract, or change nothing at all.

    Raises BagFileError and what `db.transaction` raises.
    """
    started = time.perf_counter()
    with db.connection() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        staged = stage(driver, path, progress=progress)
        driver.commit()
        progress(Progress("apply", 0, 1))
        with db.transaction(on=connection) as session:
            applied = _apply(session, driver, actor, path, staged.delivered)
    progress(Progress("apply", 1, 1))
    return BagImportReport(staged, applied, time.perf_counter() - started, peak_memory_mb())


def _apply(session: Session, driver: psycopg.Connection, actor: Actor, path: Path, delivered: Mapping[str, str]) -> AppliedCounts:
    applied = apply(driver, municipality_name=lambda code: municipality_name(code) or delivered.get(code))
    if applied.created or applied.changed:
        session.execute(_ANNOUNCE)
    details = {"created": applied.created, "changed": applied.changed, "unchanged": applied.unchanged}
    audit.record(session, actor, "bag.imported", "import", path.name, details=details)
    return applied
