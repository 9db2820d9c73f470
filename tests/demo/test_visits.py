"""What the inspector of the demo answers and photographs is what the shipped checklists ask."""

from collections import Counter

import pytest

from demo.photos import SUBJECTS
from demo.visits import Visit, completion_visit, visits
from demo.vrieheide import homes
from registry.checklists.commands import shipped
from registry.checklists.questions import Question, questions
from registry.checklists.rules import check_complete, photos_missing
from registry.db import Json

HOMES = homes()
ALL = [*visits(HOMES), completion_visit(HOMES[0])]
MADE = [visit for visit in ALL if visit.outcome == "done"]


def asked(visit: Visit) -> list[Question]:
    """The questions of the newest edition of its checklist."""
    return questions(max((each for each in shipped() if each["key"] == visit.occasion), key=edition_of))


def edition_of(content: dict[str, Json]) -> int:
    edition = content["edition"]
    assert isinstance(edition, int)
    return edition


def each_visit(visit: Visit) -> str:
    return f"{visit.occasion} {visit.address}"


@pytest.mark.parametrize("visit", MADE, ids=each_visit)
def test_a_visit_answers_all_that_is_asked_also_after_the_remarks_of_the_reviewer(visit: Visit) -> None:
    assert check_complete(asked(visit), visit.answers) == []
    assert check_complete(asked(visit), visit.mended().answers) == []


@pytest.mark.parametrize("visit", MADE, ids=each_visit)
def test_a_visit_has_every_photo_that_its_answers_demand(visit: Visit) -> None:
    taken = visit.taken()
    by_question, by_defect = Counter(photo.question for photo in taken), Counter((photo.question, photo.defect) for photo in taken)
    for answers in (visit.answers, visit.mended().answers):
        assert photos_missing(asked(visit), answers, by_question, {key: count for key, count in by_defect.items() if key[1]}) == []


def test_a_visit_in_vain_has_neither_answers_nor_photos() -> None:
    (in_vain,) = [visit for visit in ALL if visit.outcome != "done"]
    assert (in_vain.answers, in_vain.taken()) == ({}, [])


def test_what_the_reviewer_remarks_is_what_is_answered_anew() -> None:
    (returned,) = [visit for visit in ALL if visit.remarked]
    assert returned.remarked.keys() == returned.amended.keys()
    changed = {key for key, answer in returned.mended().answers.items() if answer != returned.answers.get(key)}
    assert changed == returned.remarked.keys()


def test_the_photos_are_of_every_subject_near_the_dwelling_after_the_visit_began() -> None:
    assert [len(visit.taken()) for visit in ALL] == [20, 15, 15, 0, 7]
    photos = [(visit, photo) for visit in ALL for photo in visit.taken()]
    assert len({photo.id for _, photo in photos}) == len(photos)
    assert {photo.shot.subject for _, photo in photos} == set(SUBJECTS)
    for visit, photo in photos:
        assert photo.shot.longitude == pytest.approx(visit.home.dwelling.longitude, abs=0.0001)
        assert photo.shot.taken_at > visit.at


def test_the_completion_is_inspected_after_the_renovation_was_completed() -> None:
    after = completion_visit(HOMES[0])
    assert after.at.date() > HOMES[0].completed_on
    assert after.id != ALL[0].id
