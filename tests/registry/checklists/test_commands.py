"""The life of a checklist: draft, published, retired."""

import copy
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.access import Actor, Role
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.checklists import queries
from registry.checklists.commands import (
    ChecklistFrozen,
    ChecklistNotPublished,
    EditionTaken,
    change_draft,
    create_draft,
    publish,
    publish_draft,
    publish_shipped,
    retire,
    shipped,
)
from registry.checklists.model import Checklist, ChecklistSource, ChecklistStatus
from registry.db import Json
from registry.errors import NotAllowed, NotFound, RuleViolation, Stale
from registry.versioned import Outcome, VersionRequired
from tests.makers import an_actor

BASELINE = next(iter(shipped()))
KEEPER = an_actor(Role.ADMINISTRATOR)
INSPECTOR = an_actor(Role.INSPECTOR)


def a_content(edition: int = 1, **more: Json) -> dict[str, Json]:
    return {**copy.deepcopy(dict(BASELINE)), "key": "own", "edition": edition, **more}


def seen_by(session: Session, actor: Actor) -> set[tuple[str, ChecklistStatus]]:
    return {(each.key, each.status) for each in queries.list_(session, actor, limit=50).items}


def codes(refusal: pytest.ExceptionInfo[RuleViolation]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in refusal.value.faults]


def test_a_draft_is_seen_by_who_keeps_the_checklists_alone(session: Session) -> None:
    draft = create_draft(session, KEEPER, a_content(), source=ChecklistSource.XLSFORM)
    assert (draft.status, draft.source, draft.published_at, draft.version) == (ChecklistStatus.DRAFT, ChecklistSource.XLSFORM, None, 1)
    assert seen_by(session, KEEPER) == {("own", ChecklistStatus.DRAFT)}
    assert seen_by(session, INSPECTOR) == set()
    assert queries.find(session, INSPECTOR, "own", 1) is None
    with pytest.raises(NotFound):
        queries.get(session, INSPECTOR, draft.id)
    assert not queries.is_plannable(draft)


def test_a_draft_may_be_unfinished_but_not_nameless(session: Session) -> None:
    assert create_draft(session, KEEPER, {"key": "own", "edition": 1}).content == {"key": "own", "edition": 1}
    with pytest.raises(RuleViolation) as refusal:
        create_draft(session, KEEPER, {"key": "Own", "edition": 0, "title": {}})
    assert codes(refusal) == [("/key", "wrong-form"), ("/edition", "too-small")]
    with pytest.raises(RuleViolation) as refusal:
        create_draft(session, KEEPER, {"edition": 1, "sections": [{}] * 600})
    assert codes(refusal) == [("/key", "required")]
    with pytest.raises(EditionTaken):
        create_draft(session, KEEPER, {"key": "own", "edition": 1, "title": {}})


@pytest.mark.parametrize("value", ["\0", "\ud800", float("nan"), 2**60, [[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]])
def test_what_no_database_can_keep_is_refused_in_a_draft_too(session: Session, value: Json) -> None:
    with pytest.raises(RuleViolation):
        create_draft(session, KEEPER, {"key": "own", "edition": 1, "title": value})


def test_a_draft_changes_by_its_version(session: Session) -> None:
    draft = create_draft(session, KEEPER, a_content())
    with pytest.raises(VersionRequired):
        change_draft(session, KEEPER, draft.id, a_content(2), expected=None)
    assert change_draft(session, KEEPER, draft.id, a_content(), expected=None).version == 1, "the same again changes nothing"
    changed = change_draft(session, KEEPER, draft.id, a_content(2), expected=1)
    assert (changed.edition, changed.version) == (2, 2)
    with pytest.raises(Stale):
        change_draft(session, KEEPER, draft.id, a_content(3), expected=1)
    create_draft(session, KEEPER, a_content(3))
    with pytest.raises(EditionTaken):
        change_draft(session, KEEPER, draft.id, a_content(3), expected=2)
    with pytest.raises(NotFound):
        change_draft(session, KEEPER, uuid4(), a_content(3), expected=2)


def test_publishing_a_draft_judges_all_of_it_and_freezes_it(session: Session) -> None:
    draft = create_draft(session, KEEPER, {"key": "own", "edition": 1})
    with pytest.raises(RuleViolation) as refusal:
        publish_draft(session, KEEPER, draft.id, expected=1)
    assert codes(refusal) == [("/title", "required"), ("/sections", "required")]
    change_draft(session, KEEPER, draft.id, a_content(), expected=1)
    with pytest.raises(Stale):
        publish_draft(session, KEEPER, draft.id, expected=1)
    published = publish_draft(session, KEEPER, draft.id, expected=2)
    assert published.published_at is not None
    assert queries.is_plannable(published)
    assert seen_by(session, INSPECTOR) == {("own", ChecklistStatus.PUBLISHED)}
    assert publish_draft(session, KEEPER, draft.id, expected=2).version == 3, "again changes nothing"
    with pytest.raises(ChecklistFrozen):
        change_draft(session, KEEPER, draft.id, a_content(9), expected=3)


def test_the_database_keeps_a_published_edition_as_it_is(session: Session) -> None:
    draft = create_draft(session, KEEPER, a_content())
    publish_draft(session, KEEPER, draft.id, expected=1)
    for values in ({"edition": 7}, {"content": {}}, {"status": "draft", "published_at": None}):
        with pytest.raises(sa.exc.DBAPIError), session.begin_nested():
            session.execute(sa.update(Checklist).where(Checklist.id == draft.id).values(values))


def test_a_new_edition_has_a_number_above_all_that_were_published(session: Session) -> None:
    publish(session, KEEPER, a_content(4))
    low, high = (create_draft(session, KEEPER, a_content(edition)) for edition in (3, 9))
    with pytest.raises(RuleViolation) as refusal:
        publish_draft(session, KEEPER, low.id, expected=1)
    assert codes(refusal) == [("/edition", "edition-too-low")]
    publish_draft(session, KEEPER, high.id, expected=1)
    with pytest.raises(RuleViolation):
        publish(session, KEEPER, a_content(5))
    with pytest.raises(EditionTaken):
        publish(session, KEEPER, a_content(3))


def test_a_retired_edition_stays_readable_and_frozen(session: Session) -> None:
    draft = create_draft(session, KEEPER, a_content())
    with pytest.raises(ChecklistNotPublished):
        retire(session, KEEPER, draft.id, expected=1)
    publish_draft(session, KEEPER, draft.id, expected=1)
    with pytest.raises(Stale):
        retire(session, KEEPER, draft.id, expected=1)
    retired = retire(session, KEEPER, draft.id, expected=2)
    assert retired.retired_at is not None
    assert retired.retired_by == KEEPER.person_id
    assert retire(session, KEEPER, draft.id, expected=2).version == 3, "again changes nothing"
    assert queries.get(session, INSPECTOR, draft.id).content == a_content()
    assert not queries.is_plannable(retired)
    with pytest.raises(ChecklistFrozen):
        publish_draft(session, KEEPER, draft.id, expected=3)
    with pytest.raises(RuleViolation):
        publish(session, KEEPER, {**a_content(), "edition": 1, "key": "own2", "sections": []})


def test_a_published_edition_is_frozen(session: Session) -> None:
    assert publish(session, KEEPER, BASELINE) is Outcome.CREATED
    assert publish(session, KEEPER, BASELINE) is Outcome.UNCHANGED
    with pytest.raises(ChecklistFrozen):
        publish(session, KEEPER, {**BASELINE, "title": {"nl": "Anders", "en": "Different"}})
    assert publish(session, KEEPER, {**BASELINE, "edition": 2, "title": {"nl": "Anders", "en": "Different"}}) is Outcome.CREATED
    with pytest.raises(RuleViolation):
        publish(session, KEEPER, {"key": "x"})


def test_what_is_shipped_is_published_once_and_never_over_an_own_edition(session: Session) -> None:
    own = {**BASELINE, "edition": 2, "title": {"nl": "Eigen", "en": "Own"}}
    publish(session, KEEPER, own)
    for _ in range(2):
        publish_shipped(session, KEEPER)
    found = {(each.key, each.edition): each for each in session.scalars(sa.select(Checklist))}
    assert found.keys() == {("baseline", 2), ("completion", 1), ("quick-exterior", 1)}
    assert found["baseline", 2].content == own


def test_all_four_shipped_editions_are_published_in_a_new_register(session: Session) -> None:
    publish_shipped(session, KEEPER)
    found = {(each.key, each.edition) for each in session.scalars(sa.select(Checklist))}
    assert found == {("baseline", 1), ("baseline", 2), ("completion", 1), ("quick-exterior", 1)}


def test_before_and_after_are_asked_by_the_same_keys() -> None:
    by_edition = {(content["key"], content["edition"]): content for content in shipped()}

    def asked(key: str, edition: int) -> dict[str, Any]:
        sections: Any = by_edition[key, edition]["sections"]
        return {question["key"]: question for section in sections for question in section["questions"]}

    before, after = asked("baseline", 2), asked("completion", 1)
    shared = before.keys() & after.keys()
    assert {"mould", "roof-condition", "facade-condition", "windows-condition", "heating", "glazing", "overall-photo"} <= shared
    for key in shared:
        assert before[key]["type"] == after[key]["type"], key
        assert [option["key"] for option in before[key].get("options", [])] == [option["key"] for option in after[key].get("options", [])], key
        assert before[key].get("replacement-value") == after[key].get("replacement-value"), key


def test_every_step_is_audited_and_announced(session: Session) -> None:
    draft = create_draft(session, KEEPER, a_content())
    change_draft(session, KEEPER, draft.id, a_content(2), expected=1)
    publish_draft(session, KEEPER, draft.id, expected=2)
    retire(session, KEEPER, draft.id, expected=3)
    lines = session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == str(draft.id)).order_by(AuditLine.id)).all()
    assert lines == ["checklist.drafted", "checklist.changed", "checklist.published", "checklist.retired"]
    assert len(session.scalars(sa.select(Change.id).where(Change.subject_id == draft.id)).all()) == 4


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_the_ministry_keeps_the_checklists(session: Session, role: Role) -> None:
    actor = an_actor(role)
    for act in (
        lambda: create_draft(session, actor, a_content()),
        lambda: change_draft(session, actor, uuid4(), a_content(), expected=1),
        lambda: publish_draft(session, actor, uuid4(), expected=1),
        lambda: retire(session, actor, uuid4(), expected=1),
        lambda: publish(session, actor, a_content()),
        lambda: publish_shipped(session, actor),
    ):
        with pytest.raises(NotAllowed):
            act()
