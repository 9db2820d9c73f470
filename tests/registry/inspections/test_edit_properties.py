"""Whatever two phones send, in whatever order and however often: no document is lost, and the end is one that some order of them explains."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.inspections.edits import WriteOutcome, write
from registry.inspections.keeping import Edit
from registry.inspections.model import Inspection, InspectionConflict, Resolution
from registry.inspections.rules import Document
from registry.organisations.model import OrganisationKind
from tests.makers import an_actor, an_inspection, an_organisation

MOULD = ("none", "spots", "widespread")


@dataclass
class Phone:
    """A phone of the same inspector. It writes on top of its own last edit, or of the version that it saw last."""

    seen: int = 1
    last: UUID | None = None
    outbox: list[Edit] = field(default_factory=list)
    sent: list[Edit] = field(default_factory=list)
    count: int = 0

    def fill_in(self, mould: str, name: str) -> None:
        self.count += 1
        document = Document({"mould": mould}, remarks=f"{name}{self.count}")
        id = uuid4()
        base = {"base_edit_id": self.last} if self.last else {"base_version": self.seen}
        self.outbox.append(Edit(document, edit_id=id, **base))  # type: ignore[arg-type]
        self.last = id


steps = st.lists(
    st.tuples(st.sampled_from("AB"), st.sampled_from(["write", "write", "send", "send-last", "send-again", "lose-answer", "fetch"]), st.sampled_from(MOULD)),
    min_size=1,
    max_size=25,
)


def deliver(session: Session, inspector: Actor, inspection_id: UUID, phone: Phone, edit: Edit, *, answered: bool) -> None:
    written = write(session, inspector, inspection_id, edit)
    if not answered:
        return
    phone.outbox = [each for each in phone.outbox if each is not edit]
    phone.sent.append(edit)
    if written.outcome is not WriteOutcome.CONFLICT and edit.edit_id == phone.last:
        assert written.version
        phone.seen, phone.last = written.version, None


def do(session: Session, inspector: Actor, inspection_id: UUID, phones: dict[str, Phone], step: tuple[str, str, str]) -> None:
    name, what, mould = step
    phone = phones[name]
    if what == "write":
        phone.fill_in(mould, name)
    elif what == "fetch" and not phone.outbox:
        phone.seen, phone.last = session.scalars(sa.select(Inspection.version).where(Inspection.id == inspection_id)).one(), None
    elif what == "send-again" and phone.sent:
        deliver(session, inspector, inspection_id, phone, phone.sent[0], answered=True)
    elif phone.outbox and what in ("send", "send-last", "lose-answer"):
        edit = phone.outbox[-1 if what == "send-last" else 0]
        deliver(session, inspector, inspection_id, phone, edit, answered=what != "lose-answer")


def versions(session: Session, inspection_id: UUID) -> list[str | None]:
    """The remarks of each version of the inspection, in order."""
    query = sa.text("SELECT content ->> 'remarks' FROM superseded_row WHERE table_name = 'inspection' AND row_id = :id ORDER BY (content ->> 'version')::int")
    former = list(session.scalars(query, {"id": str(inspection_id)}))
    return [*former, session.scalars(sa.select(Inspection.remarks).where(Inspection.id == inspection_id)).one()]


def kept(session: Session, inspection_id: UUID) -> set[str]:
    """The remarks of all documents that are in a conflict, or were before a later one took their place there."""
    now = session.scalars(sa.select(InspectionConflict.yours["remarks"].astext).where(InspectionConflict.inspection_id == inspection_id))
    query = sa.text(
        "SELECT content -> 'yours' ->> 'remarks' FROM superseded_row WHERE table_name = 'inspection_conflict' AND content ->> 'inspection_id' = :id"
    )
    return {*now, *session.scalars(query, {"id": str(inspection_id)})}


@pytest.mark.slow
@given(st.sampled_from(("A", "AB")), steps)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_document_is_lost_and_the_end_has_an_order(session: Session, which: str, steps: list[tuple[str, str, str]]) -> None:
    inspector = an_actor(Role.INSPECTOR, an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))
    with session.begin_nested() as savepoint:
        inspection_id = an_inspection(session, inspector).id
        phones = {"A": Phone(), "B": Phone()}
        for step in steps:
            do(session, inspector, inspection_id, phones, step if step[0] in which else (which, *step[1:]))
        for phone in phones.values():
            while phone.outbox:
                deliver(session, inspector, inspection_id, phone, phone.outbox[0], answered=True)
        check(session, inspection_id, phones)
        savepoint.rollback()


def check(session: Session, inspection_id: UUID, phones: dict[str, Phone]) -> None:
    history, aside = versions(session, inspection_id), kept(session, inspection_id)
    sent = {edit.document.remarks: edit for phone in phones.values() for edit in phone.sent}
    assert set(sent) <= {*history, *aside}
    assert history[0] is None
    assert {*history[1:]} <= set(sent)
    assert len(history[1:]) == len(set(history[1:]))  # nothing is applied twice
    for name in phones:  # of one phone, what is applied is in the order in which it was written
        own = [int(remarks[1:]) for remarks in history[1:] if remarks and remarks[0] == name]
        assert own == sorted(own)
    for place, remarks in enumerate(history[1:], start=1):
        assert remarks
        assert made_on(sent[remarks], place, history[place - 1], sent, aside)
    if len([name for name, phone in phones.items() if phone.sent]) == 1:  # one phone alone is never in conflict with itself
        resolutions = session.scalars(sa.select(InspectionConflict.resolution).where(InspectionConflict.inspection_id == inspection_id))
        assert set(resolutions) <= {Resolution.APPLIED_LATER}


def made_on(edit: Edit, version: int, before: str | None, sent: dict[str | None, Edit], aside: set[str]) -> bool:
    """Whether an edit builds on this version, perhaps by way of edits whose place it took in a conflict."""
    by_id = {each.edit_id: each for each in sent.values()}
    while edit.base_version != version:
        if before is not None and sent[before].edit_id == edit.base_edit_id:
            return True
        if edit.base_edit_id not in by_id or by_id[edit.base_edit_id].document.remarks not in aside:
            return False
        edit = by_id[edit.base_edit_id]
    return True
