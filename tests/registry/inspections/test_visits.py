"""What a visit in vain says about the next one."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from registry.dwellings.model import HazardKind
from registry.inspections.visits import AdviceCode, Company, PartOfDay, Step, Visit, VisitOutcome, advise, due_on, part_of_day

MONDAY_MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)
MONDAY_EVENING = datetime(2026, 11, 23, 18, tzinfo=UTC)
SATURDAY = datetime(2026, 11, 28, 11, tzinfo=UTC)


def a_visit(outcome: str, at: datetime | None = MONDAY_MORNING, *, led_to_this: bool = True) -> Visit:
    return Visit(uuid4(), VisitOutcome(outcome), at, led_to_this)


@pytest.mark.parametrize(
    ("at", "part"),
    [
        (MONDAY_MORNING, PartOfDay.MORNING),
        (datetime(2026, 11, 23, 10, 59, tzinfo=UTC), PartOfDay.MORNING),
        (datetime(2026, 11, 23, 11, tzinfo=UTC), PartOfDay.AFTERNOON),  # noon in Amsterdam
        (datetime(2026, 7, 20, 10, 30, tzinfo=UTC), PartOfDay.AFTERNOON),  # summer time
        (MONDAY_EVENING, PartOfDay.EVENING),
        (SATURDAY, PartOfDay.WEEKEND),
    ],
)
def test_parts_of_a_day_are_of_dutch_time(at: datetime, part: PartOfDay) -> None:
    assert part_of_day(at) is part


def test_after_a_visit_that_was_carried_out_or_none_there_is_no_advice() -> None:
    assert advise([]) is None
    assert advise([a_visit("refused"), a_visit("done")]) is None


def test_when_nobody_is_home_the_next_visit_is_at_another_part_of_the_day_some_days_later() -> None:
    advice = advise([a_visit("nobody-home")])
    assert advice is not None
    assert (advice.code, advice.next_visit, advice.company) == (AdviceCode.TRY_ANOTHER_TIME, True, Company.ALONE)
    assert advice.earliest_on == date(2026, 11, 25)
    assert advice.parts_of_day == (PartOfDay.EVENING, PartOfDay.WEEKEND, PartOfDay.AFTERNOON)


def test_after_three_times_nobody_home_a_letter_goes_first() -> None:
    visits = [a_visit("nobody-home"), a_visit("nobody-home", MONDAY_EVENING), a_visit("nobody-home", SATURDAY)]
    two, three = advise(visits[:2]), advise(visits)
    assert two is not None
    assert three is not None
    assert two.code is AdviceCode.TRY_ANOTHER_TIME
    assert (three.code, three.first, three.tries) == (AdviceCode.LETTER_FIRST, (Step.LETTER, Step.PHONE), 3)
    assert (three.earliest_on, three.parts_of_day) == (date(2026, 12, 12), (PartOfDay.AFTERNOON,))
    assert "3" in three.text["nl"]
    assert "3" in three.text["en"]


@pytest.mark.parametrize(
    ("outcome", "code", "company"),
    [
        ("refused", AdviceCode.CONSENT_NEEDED, Company.TWO_PERSONS),
        ("unsafe", AdviceCode.HAZARD_FIRST, Company.TWO_PERSONS),
        ("not-found", AdviceCode.ADDRESS_FIRST, Company.ALONE),
    ],
)
def test_after_a_refusal_a_danger_or_a_wrong_address_nobody_just_goes_again(outcome: str, code: AdviceCode, company: Company) -> None:
    advice = advise([a_visit(outcome)])
    assert advice is not None
    assert (advice.code, advice.next_visit, advice.company, advice.earliest_on) == (code, False, company, None)
    assert Step.MUNICIPALITY in advice.first


def test_hazards_and_former_refusals_say_with_whom_to_go() -> None:
    def company(visits: list[Visit], *hazards: HazardKind) -> Company:
        advice = advise(visits, hazards=hazards)
        assert advice is not None
        return advice.company

    home_alone = [a_visit("nobody-home")]
    assert company(home_alone, HazardKind.DOG) is Company.TWO_PERSONS
    assert company(home_alone, HazardKind.DOG, HazardKind.AGGRESSION) is Company.POLICE
    assert company([a_visit("unsafe"), *home_alone]) is Company.TWO_PERSONS


def test_visits_for_something_else_do_not_count_as_tries() -> None:
    advice = advise([a_visit("nobody-home", led_to_this=False), a_visit("nobody-home", led_to_this=False), a_visit("nobody-home", None)])
    assert advice is not None
    assert (advice.code, advice.tries, advice.earliest_on) == (AdviceCode.TRY_ANOTHER_TIME, 1, None)


def test_a_next_visit_is_due_two_weeks_after_its_earliest_day() -> None:
    advice = advise([a_visit("nobody-home")])
    assert due_on(advice, today=date(2026, 11, 24)) == date(2026, 12, 9)
    assert due_on(advice, today=date(2027, 1, 1)) == date(2027, 1, 15)
