"""Any small register: what the API lists and gets, and what row-level security alone lets through, is what the oracle says."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.app import build
from registry import clock, log
from registry.access import Actor, Role
from registry.checklists.model import Checklist
from registry.db import reading
from registry.members.credentials import new_secret
from registry.members.model import CredentialKind
from registry.organisations.model import OrganisationKind
from registry.tables import metadata
from tests import makers
from tests.api.callers import Caller
from tests.owner import as_owner
from tests.registry.oracle import KINDS, Body, Case, Crew, Effort, Holding, Home, Offset, Turn, Visit, Work, sees, shown, unfiltered

MINISTRY, MUNICIPALITY, CORPORATION, INSPECTION_BODY = OrganisationKind
BODIES = (
    Body(MUNICIPALITY, 0), Body(MUNICIPALITY, 1), Body(CORPORATION), Body(CORPORATION), Body(INSPECTION_BODY), Body(INSPECTION_BODY), Body(MINISTRY),
)  # fmt: skip
CORPORATIONS = [body for body in BODIES if body.kind is CORPORATION]
CODES = ("GM0917", "GM0363")
PEOPLE = tuple(uuid4() for _ in range(3))
ROLES = {
    MINISTRY: (Role.MINISTRY_ANALYST, Role.MINISTRY_AUDITOR, Role.ADMINISTRATOR),
    MUNICIPALITY: (Role.MUNICIPALITY_EDITOR, Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR),
    CORPORATION: (Role.CORPORATION_EDITOR, Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR),
    INSPECTION_BODY: (Role.INSPECTOR, Role.REVIEWER, Role.ADMINISTRATOR),
}
TABLES = {"dwellings": "dwelling", "trajectories": "trajectory", "inspections": "inspection", "portfolio-periods": "portfolio_period", "members": "membership"}
EDITS = (Role.MUNICIPALITY_EDITOR, Role.CORPORATION_EDITOR, Role.REVIEWER)
JOBS = [(body, role) for body in BODIES for role in ROLES[body.kind] for _ in range(3 if role in EDITS else 1)]
"""Roles that see by more than one rule come more often."""
IN_FORCE: tuple[list[int], list[Offset]] = ([-400, -400, -400, -1, 0, 1], [None, None, None, 0, 1, 400])
AROUND_TODAY: tuple[list[int], list[Offset]] = ([-400, -400, -1, 0, 1], [None, None, -1, 0, 1, 400])
EXAMPLES = 60
seen: Counter[str] = Counter()
"""How often something was shown, hidden or refused, so that the examples are known to say something."""


@st.composite
def periods(draw: st.DrawFn, choice: tuple[list[int], list[Offset]]) -> tuple[int, Offset]:
    """From and until."""
    begins, ends = (draw(st.sampled_from(days)) for days in choice)
    return begins, None if ends is None else max(ends, begins)  # type: ignore[type-var,return-value]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    wanted = draw(st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(JOBS)), min_size=2, max_size=5, unique=True))
    work = tuple(Work(person, body, role, *draw(periods(IN_FORCE))) for person, (body, role) in wanted)
    registrars = st.sampled_from([None, *BODIES[:4]])
    homes = tuple(Home(draw(st.integers(0, 1)), draw(registrars)) for _ in range(draw(st.integers(2, 6))))
    some, bodies = st.sampled_from(homes), st.sampled_from(BODIES[:6])
    relations = st.sampled_from(["owner", "owner", "manager"])
    held = [Holding(draw(some), draw(st.sampled_from(CORPORATIONS)), *draw(periods(AROUND_TODAY)), draw(relations)) for _ in range(draw(st.integers(0, 8)))]
    holdings = _apart(held)
    crews = tuple(Crew(draw(bodies), frozenset(draw(st.sets(st.sampled_from(PEOPLE))))) for _ in range(draw(st.integers(0, 2))))
    visits = tuple(
        Visit(draw(some), draw(bodies), draw(st.sampled_from([None, None, *PEOPLE])), draw(st.sampled_from([None, *crews])))
        for _ in range(draw(st.integers(0, 4)))
    )
    efforts = tuple(Effort(draw(some), draw(bodies)) for _ in range(draw(st.integers(0, 3))))
    return Case(work, homes, holdings, visits, efforts, crews, draw(turns(homes)))


@st.composite
def turns(draw: st.DrawFn, homes: tuple[Home, ...]) -> tuple[Turn, ...]:
    """Successions from earlier homes to later ones, so that none comes before itself."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        cut = draw(st.integers(1, len(homes) - 1))
        before, after = (tuple(draw(st.lists(st.sampled_from(part), min_size=1, max_size=2, unique=True))) for part in (homes[:cut], homes[cut:]))
        found.append(Turn(before, after, draw(st.sampled_from([False, False, False, True]))))
    return tuple(found)


def _apart(wanted: list[Holding]) -> tuple[Holding, ...]:
    """A dwelling has one owner and one manager at a time, who are not the same."""
    kept: list[Holding] = []
    for each in wanted:
        beside = [other for other in kept if other.home == each.home and _days(other) & _days(each)]
        if not any(other.relation == each.relation or other.body == each.body for other in beside):
            kept.append(each)
    return tuple(kept)


def _days(holding: Holding) -> set[int]:
    return set(range(holding.begins, 500 if holding.ends is None else holding.ends))


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    log.configure("WARNING")
    return build().test_client()


@pytest.fixture(scope="module")
def checklist(whole: sa.Connection) -> UUID:
    """What every example needs: places, organisations, people."""
    with as_owner() as session:
        for code in CODES:
            makers.a_municipality(session, code, code)
        made: Checklist = makers.a_checklist(session)
        organisations = [
            {
                "id": body.id,
                "slug": f"body-{place}",
                "name": "x",
                "kind": body.kind,
                "municipality_code": None if body.municipality is None else CODES[body.municipality],
            }
            for place, body in enumerate(BODIES)
        ]
        _add(session, "organisation", organisations)
        _add(session, "person", [{"id": id, "name": "x", "email": f"{id}@example.nl"} for id in PEOPLE])
        return made.id


def _add(session: sa.orm.Session, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(sa.insert(metadata.tables[table]), rows)


def _day(offset: Offset) -> date | None:
    return None if offset is None else clock.today() + timedelta(days=offset)


@contextmanager
def recorded(whole: sa.Connection, case: Case, checklist: UUID) -> Iterator[dict[UUID, str]]:
    """The case in the database, and a token for each membership."""
    secrets = {each.id: new_secret(CredentialKind.TOKEN) for each in case.work}
    savepoint = whole.begin_nested()
    with as_owner() as session:
        homes = [
            {"id": each.id, "municipality_code": CODES[each.municipality], "source": "api", "registrar_id": each.registrar and each.registrar.id}
            for each in case.homes
        ]
        _add(session, "dwelling", homes)
        _add(session, "membership", [_period(each) | {"person_id": each.person, "role": each.role} for each in case.work])
        _record_turns(session, case.turns[::2])  # before the portfolios and after them: triggers follow both
        holdings = [_period(each) | {"dwelling_id": each.home.id, "relation": each.relation, "recorded_by": PEOPLE[0]} for each in case.holdings]
        _add(session, "portfolio_period", holdings)
        _record_turns(session, case.turns[1::2])
        planned = {"checklist_id": checklist, "occasion": "baseline", "planned_by": PEOPLE[0]}
        _add(session, "team", [{"id": each.id, "organisation_id": each.body.id, "name": str(each.id), "recorded_by": PEOPLE[0]} for each in case.crews])
        _add(session, "team_member", [{"team_id": each.id, "person_id": person} for each in case.crews for person in each.people])
        visits = [
            {
                "id": each.id,
                "dwelling_id": each.home.id,
                "organisation_id": each.body.id,
                "assignee_id": each.inspector,
                "team_id": each.crew and each.crew.id,
                **planned,
            }
            for each in case.visits
        ]
        _add(session, "inspection", visits)
        _add(session, "trajectory", [{"id": each.id, "dwelling_id": each.home.id, "executor_id": each.executor.id} for each in case.efforts])
        tokens = [
            {"membership_id": each.id, "person_id": each.person, "organisation_id": each.body.id, "digest": secrets[each.id].digest} for each in case.work
        ]
        more = {"kind": "token", "recorded_by": PEOPLE[0], "expires_at": datetime.now(UTC) + timedelta(days=1)}
        _add(session, "credential", [row | more for row in tokens])
    try:
        yield {id: secret.text for id, secret in secrets.items()}
    finally:
        savepoint.rollback()


def _record_turns(session: sa.orm.Session, turns: tuple[Turn, ...]) -> None:
    said = {"kind": "replacement", "occurred_on": _day(-300), "municipality_code": CODES[0], "organisation_id": BODIES[0].id, "recorded_by": PEOPLE[0]}
    retracted = {"retracted_at": datetime.now(UTC), "retracted_by": PEOPLE[0], "retraction_reason": "x"}
    _add(session, "succession", [{"id": turn.id, **said} for turn in turns])
    sides = [("predecessor", turn.before, turn) for turn in turns] + [("successor", turn.after, turn) for turn in turns]
    rows = [{"succession_id": turn.id, "side": side, "dwelling_id": home.id} for side, homes, turn in sides for home in homes]
    _add(session, "succession_dwelling", rows)
    table = metadata.tables["succession"]
    for turn in turns:
        if turn.retracted:
            session.execute(sa.update(table).where(table.c.id == turn.id).values(retracted))


def _period(each: Work | Holding) -> dict[str, Any]:
    return {"id": each.id, "organisation_id": each.body.id, "valid_from": _day(each.begins), "valid_until": _day(each.ends)}


# A case is small as it is: making a failing one smaller takes minutes.
@settings(max_examples=EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=True)
@given(case=cases())
def test_everyone_sees_what_the_rules_say(whole: sa.Connection, client: FlaskClient, checklist: UUID, case: Case) -> None:
    with recorded(whole, case, checklist) as tokens:
        for who in case.work:
            caller = Caller(client, tokens[who.id], headers={"Reason": "a test"})
            agrees_on_lists(caller, case, who)
            if who.today:
                agrees_without_filters(case, who)


def agrees_on_lists(caller: Caller, case: Case, who: Work) -> None:
    """Each list, and each object of the whole register one by one."""
    wanted, everything = shown(case, who), case.everything()
    if who.today and who.role in EDITS:
        alone = replace(case, turns=())
        seen["inherited"] += sum(sees(case, who, home) and not sees(alone, who, home) for home in case.homes)
    for kind in KINDS:
        response = caller.get(f"/{kind}?limit=500")
        found = {UUID(item["id"]) for item in response.json["items"]} if response.status_code == 200 else None  # type: ignore[index]
        assert (found, response.status_code) == (wanted[kind], 403 if wanted[kind] is None else 200), (kind, who)
        for id in everything[kind]:
            status = 403 if found is None else 200 if id in found else 404
            assert caller.get(f"/{kind}/{id}").status_code == status, (kind, id, who)
            seen[f"{kind} {status}"] += 1


def agrees_without_filters(case: Case, who: Work) -> None:
    code = None if who.body.municipality is None else CODES[who.body.municipality]
    actor = Actor(who.person, who.body.id, who.role, "request-of-a-test", code, who.body.kind is MINISTRY, reason="a test")
    with reading(actor) as session:
        found = {kind: set(session.scalars(sa.text(f"SELECT id FROM {table}"))) for kind, table in TABLES.items()}
    assert found == unfiltered(case, who), who


def test_the_examples_said_something() -> None:
    """Run with -s to see how much."""
    print(dict(sorted(seen.items())))  # noqa: T201
    assert all(seen[f"{kind} {status}"] > 20 for kind in KINDS for status in (200, 403, 404))
    assert seen["inherited"] > 5  # seen only because of a dwelling that came after it
