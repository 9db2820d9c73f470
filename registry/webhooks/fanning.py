"""From the change feed to deliveries: each webhook reads the feed as somebody of its organisation does, and what it finds is written down to be sent.

Its place in the feed moves in the transaction that writes the deliveries, and only when nobody moved it meanwhile: nothing is told twice or never.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor
from registry.changes import queries as feed
from registry.changes.queries import ChangeEntry, CursorOfAnotherRegister, Position
from registry.db import reading, seeing, transaction
from registry.organisations.model import Organisation, OrganisationKind
from registry.webhooks import events
from registry.webhooks.model import Webhook, WebhookState, WebhookStatus
from registry.webhooks.queries import LOCK_LANES, PROMOTE
from registry.webhooks.rules import told_as, wants

PAGE = 500
"""Rows of the feed that are read and written at a time."""
SAVED_EVERY_S = 60.0
"""A place after rows that concern nobody is remembered, and written down this often only: a quiet webhook costs no write."""

log = structlog.get_logger()

_LISTENERS = (
    sa.select(
        Webhook.id,
        Webhook.organisation_id,
        Organisation.kind,
        Organisation.municipality_code,
        Webhook.events,
        WebhookState.epoch,
        sa.cast(sa.cast(WebhookState.transaction_id, sa.Text), sa.BigInteger).label("transaction_id"),
        WebhookState.change_id,
    )
    .join(Organisation, Organisation.id == Webhook.organisation_id)
    .join(WebhookState, WebhookState.webhook_id == Webhook.id)
    .where(Webhook.status == WebhookStatus.ACTIVE)
    .order_by(Webhook.id)
)
_MOVE = sa.text(
    """
    UPDATE webhook_state SET epoch = :epoch, transaction_id = CAST(CAST(:transaction_id AS text) AS xid8), change_id = :change_id
    WHERE webhook_id = :webhook_id AND epoch = :from_epoch AND transaction_id = CAST(CAST(:from_transaction_id AS text) AS xid8)
        AND change_id = :from_change_id
    """
)
_WRITE = sa.text(
    """
    INSERT INTO webhook_delivery (webhook_id, event_id, action, kind, subject_id, dwelling_id, lane, occurred_at)
    SELECT :webhook_id, told.event_id, told.action, told.kind, told.subject_id, place.dwelling_id, coalesce(place.dwelling_id, told.subject_id),
        told.occurred_at
    FROM unnest(CAST(:event_ids AS text[]), CAST(:actions AS text[]), CAST(:kinds AS text[]), CAST(:subjects AS uuid[]), CAST(:moments AS timestamptz[]))
        WITH ORDINALITY AS told (event_id, action, kind, subject_id, occurred_at, place)
    LEFT JOIN trajectory ON told.kind = 'trajectory' AND trajectory.id = told.subject_id
    LEFT JOIN photo ON told.kind = 'photo' AND photo.id = told.subject_id
    LEFT JOIN inspection ON inspection.id = CASE told.kind WHEN 'inspection' THEN told.subject_id WHEN 'photo' THEN photo.inspection_id END
    CROSS JOIN LATERAL (SELECT CASE WHEN told.kind = 'dwelling' THEN told.subject_id ELSE coalesce(trajectory.dwelling_id, inspection.dwelling_id) END
        AS dwelling_id) AS place
    ORDER BY told.place
    RETURNING lane
    """
)
"""In the order of the feed: the numbers that the rows get are that order from here on."""
_PEEK = sa.text("SELECT EXISTS (SELECT FROM change WHERE transaction_id >= CAST(CAST(:since AS text) AS xid8))")


@dataclass(frozen=True, slots=True)
class Listener:
    """``position`` is what is written down, ``read_until`` how far it is known that there was nothing after that."""

    actor: Actor
    events: Sequence[str]
    position: Position
    read_until: Position

    @property
    def id(self) -> UUID:
        return self.actor.person_id


@dataclass(slots=True)
class Fanning:
    """What one process remembers, and may forget: where there was nothing, until when the whole feed was read, and when that was written down."""

    nothing_until: dict[UUID, tuple[Position, Position]] = field(default_factory=dict)
    all_read_until: int | None = None
    heard: frozenset[UUID] = frozenset()
    saved_at: float = field(default_factory=clock.monotonic)

    def turn(self) -> int:
        """Tell each webhook what it has not been told yet, a page at most; how many deliveries that made. Raises Unavailable."""
        with reading() as session:
            horizon = feed.end(session)
            listeners = [self._listener(row) for row in session.execute(_LISTENERS)]
            if self._nothing_new(session, listeners):
                return 0
        saving = clock.monotonic() - self.saved_at > SAVED_EVERY_S
        found = [self._tell(listener, saving=saving) for listener in listeners]
        if saving:
            self.saved_at = clock.monotonic()
        if not any(more for _, more in found):
            self.all_read_until, self.heard = horizon.transaction_id, frozenset(listener.id for listener in listeners)
        return sum(count for count, _ in found)

    def _nothing_new(self, session: Session, listeners: Sequence[Listener]) -> bool:
        """Whether no row came since all of these had read everything; the usual case, and one look at an index."""
        if self.all_read_until is None or any(each.id not in self.heard for each in listeners) or clock.monotonic() - self.saved_at > SAVED_EVERY_S:
            return False
        return not session.scalar(_PEEK, {"since": str(self.all_read_until)})

    def _listener(self, row: "sa.Row[UUID, UUID, OrganisationKind, str | None, list[str], str, int, int]") -> Listener:
        position = Position(row.transaction_id, row.change_id, row.epoch)
        known = self.nothing_until.get(row.id)
        read_until = known[1] if known is not None and known[0] == position else position
        return Listener(told_as(row.id, row.organisation_id, row.kind, row.municipality_code), row.events, position, read_until)

    def _tell(self, listener: Listener, *, saving: bool) -> tuple[int, bool]:
        """How many deliveries one page of the feed gave, and whether there may be more."""
        try:
            with seeing(listener.actor) as session:
                found = feed.page(session, listener.actor, after=listener.read_until, limit=PAGE)
        except CursorOfAnotherRegister:
            return _start_again(listener) or 0, True
        wanted = [entry for entry in found.items if wants(listener.events, events.action_of(entry.kind, entry.action))]
        if wanted or saving or found.more:
            written = _write(listener, wanted, found.next)
            return written or 0, found.more or written is None
        self.nothing_until[listener.id] = (listener.position, found.next)
        return 0, False


def _write(listener: Listener, entries: Sequence[ChangeEntry], until: Position) -> int | None:
    """How many deliveries were written; None when another worker was before us."""
    with transaction() as session:
        if not _move(session, listener, until):
            return None
        if entries:
            lanes = session.scalars(_WRITE, {"webhook_id": listener.id, **_columns(entries)}).all()
            session.execute(PROMOTE, {"webhook_id": listener.id, "lanes": list(set(lanes))})
    return len(entries)


def _move(session: Session, listener: Listener, until: Position) -> bool:
    session.execute(LOCK_LANES, {"webhook_ids": [listener.id]})
    before = {"from_epoch": listener.position.epoch, "from_transaction_id": str(listener.position.transaction_id), "from_change_id": listener.position.id}
    after = {"epoch": until.epoch, "transaction_id": str(until.transaction_id), "change_id": until.id}
    moved = session.connection().execute(_MOVE, {"webhook_id": listener.id, **before, **after})
    return moved.rowcount == 1


def _columns(entries: Sequence[ChangeEntry]) -> dict[str, object]:
    return {
        "event_ids": [f"{entry.position.epoch}-{entry.position.id}" for entry in entries],
        "actions": [events.action_of(entry.kind, entry.action) for entry in entries],
        "kinds": [str(entry.kind) for entry in entries],
        "subjects": [entry.subject_id for entry in entries],
        "moments": [entry.recorded_at for entry in entries],
    }


def _start_again(listener: Listener) -> int | None:
    """The register went back to a backup: what was told since then is not so any more, and the receiver is told to fetch all anew."""
    with reading() as session:
        here = feed.end(session)
    told = ChangeEntry(replace(here, id=0), events.WEBHOOK, listener.id, clock.now(), False, events.RESTORED)
    log.warning("webhook-starts-again", webhook=str(listener.id))
    return _write(listener, [told], here)
