"""What a visit in vain says about the next one. Pure: the visits before it and the hazards of the address are passed in.

Nothing in the law says after how many attempts a letter goes out: the numbers here are ours. That nobody enters a dwelling against the will of who lives
there without a written authorisation is the law (Algemene wet op het binnentreden, article 2).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import cast
from uuid import UUID

from registry.clock import CIVIL_TIME
from registry.db import Json
from registry.dwellings.model import HazardKind
from registry.messages import text

TRIES_BEFORE_A_LETTER = 3
"""Times that nobody was home."""
DAYS_BETWEEN_TRIES = 2
DAYS_AFTER_A_LETTER = 14
"""To answer it."""
DAYS_TO_VISIT = 14
"""From the earliest day on that the next visit may be, for its due date."""
NOON, EVENING = time(12), time(17)
SATURDAY = 5
AGGRESSIVE = frozenset({HazardKind.AGGRESSION})


class VisitOutcome(StrEnum):
    DONE = "done"
    NOBODY_HOME = "nobody-home"
    REFUSED = "refused"
    UNSAFE = "unsafe"
    NOT_FOUND = "not-found"


class PartOfDay(StrEnum):
    """When somebody goes there. The order is that in which they are advised: in the evening and in the weekend most people are at home."""

    EVENING = "evening"
    """From 17:00 on a working day."""
    WEEKEND = "weekend"
    MORNING = "morning"
    """Until 12:00 on a working day."""
    AFTERNOON = "afternoon"


class Company(StrEnum):
    """With whom."""

    ALONE = "alone"
    TWO_PERSONS = "two-persons"
    POLICE = "police"


class Step(StrEnum):
    """What comes before the next visit."""

    LETTER = "letter"
    """A letter with a proposal for a day, and a number to call."""
    PHONE = "phone"
    MUNICIPALITY = "municipality"
    """The municipality decides how to go on: consent, an authorisation to enter, measures, or another address."""


class AdviceCode(StrEnum):
    """What an advice comes down to; the sentences are in `registry.messages`."""

    TRY_ANOTHER_TIME = "advice-try-another-time"
    LETTER_FIRST = "advice-letter-first"
    CONSENT_NEEDED = "advice-consent-needed"
    HAZARD_FIRST = "advice-hazard-first"
    ADDRESS_FIRST = "advice-address-first"


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit; ``at`` is when it was, by the clock of the phone."""

    inspection_id: UUID
    outcome: VisitOutcome
    at: datetime | None
    led_to_this: bool = True
    """The next visits were planned after it; otherwise it was for something else."""

    @classmethod
    def from_json(cls, row: Json) -> "Visit":
        """From inspection, outcome and moment in a list, as the database gives them."""
        inspection_id, outcome, at = cast("list[str]", row)
        return cls(UUID(inspection_id), VisitOutcome(outcome), datetime.fromisoformat(at) if at else None)


@dataclass(frozen=True, slots=True)
class Advice:
    """``next_visit`` is False when nobody should go there until ``first`` is done. ``earliest_on`` is None then, or when any day will do.

    ``parts_of_day`` are those not tried, the most promising first.
    """

    code: AdviceCode
    next_visit: bool
    company: Company
    first: tuple[Step, ...] = ()
    earliest_on: date | None = None
    parts_of_day: tuple[PartOfDay, ...] = ()
    tries: int = 1
    """Visits in vain by now."""

    @property
    def text(self) -> Mapping[str, str]:
        """The sentence, by language."""
        facts = {"tries": self.tries, "days": DAYS_AFTER_A_LETTER}
        return {"nl": text(self.code.value, "nl", facts), "en": text(self.code.value, "en", facts)}


def part_of_day(at: datetime) -> PartOfDay:
    local = at.astimezone(CIVIL_TIME)
    if local.weekday() >= SATURDAY:
        return PartOfDay.WEEKEND
    if local.time() < NOON:
        return PartOfDay.MORNING
    return PartOfDay.EVENING if local.time() >= EVENING else PartOfDay.AFTERNOON


def advise(visits: Sequence[Visit], *, hazards: Collection[HazardKind] = ()) -> Advice | None:
    """For the visit after these, the oldest first; None when there were none, or the last one that counts was carried out.

    Those that led to this one count, or the last one when none did; the others only say with whom to go. ``hazards`` are those that there are at the
    address, for who may know of them.
    """
    since = [visit for visit in visits if visit.led_to_this] or list(visits[-1:])
    if not since or since[-1].outcome is VisitOutcome.DONE:
        return None
    company = _company(visits, hazards)
    match since[-1].outcome:
        case VisitOutcome.NOBODY_HOME:
            return _nobody_home(since, company)
        case VisitOutcome.REFUSED:
            return Advice(AdviceCode.CONSENT_NEEDED, False, _at_least_two(company), (Step.LETTER, Step.MUNICIPALITY), tries=len(since))
        case VisitOutcome.UNSAFE:
            return Advice(AdviceCode.HAZARD_FIRST, False, _at_least_two(company), (Step.MUNICIPALITY,), tries=len(since))
        case _:
            return Advice(AdviceCode.ADDRESS_FIRST, False, company, (Step.PHONE, Step.MUNICIPALITY), tries=len(since))


def _nobody_home(since: Sequence[Visit], company: Company) -> Advice:
    times = [visit.at for visit in since if visit.at is not None and visit.outcome is VisitOutcome.NOBODY_HOME]
    tried = {part_of_day(at) for at in times}
    untried = tuple(part for part in PartOfDay if part not in tried)
    last = times[-1].astimezone(CIVIL_TIME).date() if times else None
    vain = sum(visit.outcome is VisitOutcome.NOBODY_HOME for visit in since)
    if vain >= TRIES_BEFORE_A_LETTER:
        earliest = last and last + timedelta(days=DAYS_AFTER_A_LETTER)
        return Advice(AdviceCode.LETTER_FIRST, True, company, (Step.LETTER, Step.PHONE), earliest, untried, len(since))
    earliest = last and last + timedelta(days=DAYS_BETWEEN_TRIES)
    return Advice(AdviceCode.TRY_ANOTHER_TIME, True, company, (), earliest, untried or tuple(PartOfDay), len(since))


def _company(visits: Sequence[Visit], hazards: Collection[HazardKind]) -> Company:
    if AGGRESSIVE & set(hazards):
        return Company.POLICE
    wary = {VisitOutcome.REFUSED, VisitOutcome.UNSAFE} & {visit.outcome for visit in visits}
    return Company.TWO_PERSONS if wary or hazards else Company.ALONE


def _at_least_two(company: Company) -> Company:
    return Company.TWO_PERSONS if company is Company.ALONE else company


def due_on(advice: Advice | None, *, today: date) -> date:
    """Until when the next visit is planned, unless the planner says otherwise."""
    earliest = advice.earliest_on if advice else None
    return max(earliest or today, today) + timedelta(days=DAYS_TO_VISIT)
