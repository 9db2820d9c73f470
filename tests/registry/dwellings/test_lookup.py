"""What is found is what is so and what the actor sees, whatever is asked: held to a plain telling of both."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Role
from registry.db import reading
from registry.dwellings import lookup
from registry.dwellings.lookup import Box, Wanted, find
from registry.dwellings.model import Dwelling, Tenure
from registry.dwellings.queries import visible_to
from registry.errors import InvalidInput, NotAllowed, RuleViolation
from registry.organisations.model import OrganisationKind
from registry.trajectories.model import MilestoneKind, Project, Track
from registry.trajectories.rules import TrackState
from registry.values import EnergyLabel
from tests import makers
from tests.owner import as_owner
from tests.registry.dwellings.typing_errors import LETTERS, edited

CODES = ("GM0917", "GM0363")
STREETS = (
    "Vrieheidestraat", "Kerkstraat", "Kerkweg", "Burgemeester van Grunsvenplein", "Dr. Schaepmanstraat", "Molenberglaan", "Plein 1940", "Café-Unión-pad",
    "Saroleastraat", "Akerstraat", "Bekkerveld", "Caumerweg", "Heerlerbaan", "Palemigerboord", "Ganzeweide", "Kasteellaan", "Limburgiastraat",
    "Schaesbergerweg",
    "Pappersjans", "Meezenbroekerweg", "Sittarderweg", "Heesbergstraat", "Looierstraat", "Zandweg", "Eikenderweg", "Bokstraat", "Wilhelminaplein",
    "Nobelstraat",
)  # fmt: skip
TODAY = clock.today()
TRACKS = (Track.RENOVATION, Track.DEMOLITION)


@dataclass
class Register:
    """What was made, and who asks."""

    rows: dict[UUID, dict[str, Any]]
    efforts: list[dict[str, Any]]
    actors: dict[str, Actor]
    bodies: list[UUID]
    seen: dict[str, set[UUID]]


@pytest.fixture(scope="module")
def register(whole: sa.Connection) -> Register:
    chance = random.Random(1)
    with as_owner() as session:
        for code in CODES:
            makers.a_municipality(session, code, code)
        makers.a_focus_area(session, "wijk")
        for slug in ("een", "twee"):
            session.add(Project(slug=slug, name=slug, municipality_code=CODES[0]))
        bodies = [makers.an_organisation(session) for _ in range(2)]
        body = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
        towns = [makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=code) for code in CODES]
        inspector = makers.an_actor(Role.INSPECTOR, body)
        actors = {
            **{f"municipality {n}": makers.an_actor(Role.MUNICIPALITY_EDITOR, town) for n, town in enumerate(towns)},
            **{f"corporation {n}": makers.an_actor(Role.CORPORATION_EDITOR, each) for n, each in enumerate(bodies)},
            "inspector": inspector,
            "reviewer": makers.an_actor(Role.REVIEWER, body),
            "reviewer of a municipality": makers.an_actor(Role.REVIEWER, towns[0]),
            "auditor": makers.an_actor(Role.MINISTRY_AUDITOR),
            "unexplained": replace(makers.an_actor(Role.MINISTRY_AUDITOR), reason=None),
            "analyst": makers.an_actor(Role.MINISTRY_ANALYST),
            "administrator": makers.an_actor(Role.ADMINISTRATOR),
        }
        checklist = makers.a_checklist(session)
        rows = [a_row(chance, number) for number in range(260)]
        made = []
        for row in rows:
            holder = chance.choice([None, *bodies])
            registrar = chance.choice([None, None, bodies[0].id])
            dwelling = makers.a_dwelling(session, **row, registrar_id=registrar)
            made.append(dwelling)
            if holder is not None:
                makers.a_portfolio_period(session, dwelling, holder, valid_until=chance.choice([None, None, TODAY, TODAY + timedelta(days=1)]))
            if chance.random() < 0.2:
                makers.an_inspection(session, inspector, dwelling_id=dwelling.id, checklist_id=checklist.id, **chance.choice([{}, {"assignee_id": uuid4()}]))
        efforts = [effort for dwelling in made for effort in some_efforts(session, chance, dwelling, bodies)]
        gone = made[0]
        gone.withdrawn_at = clock.now()
        session.flush()
        found = {each.id: row for each, row in zip(made, rows, strict=True) if each is not gone}
        seen = {who: set(session.scalars(sa.select(Dwelling.id).where(visible_to(actor)))) & found.keys() for who, actor in actors.items()}
        seen["unexplained"] = set()
    return Register(found, efforts, actors, [each.id for each in bodies], seen)


def a_row(chance: random.Random, number: int) -> dict[str, Any]:
    code = chance.choice(CODES)
    return {
        "municipality_code": code,
        "focus_area": "wijk" if code == CODES[0] and chance.random() < 0.5 else None,
        "bag_id": f"091701{number:010}",
        "bag_object_type": "occupiable-object",
        "street": chance.choice(STREETS) if number >= len(STREETS) else STREETS[number],
        "house_number": chance.randrange(1, 9),
        "house_letter": chance.choice([None, None, "A", "b"]),
        "house_number_suffix": chance.choice([None, None, "2"]),
        "postcode": chance.choice(("6411AB", "6411AC", "6412AB", "1011ZZ")),
        "town": chance.choice(("Heerlen", "Hoensbroek")) if code == CODES[0] else "Amsterdam",
        "tenure": chance.choice([None, *Tenure]),
        "energy_label": chance.choice([None, EnergyLabel.A, EnergyLabel.G]),
        "longitude": 5.9 + chance.randrange(60) / 1000,
        "latitude": 50.9 + chance.randrange(60) / 1000,
    }


def some_efforts(session: Session, chance: random.Random, dwelling: Dwelling, bodies: list[Any]) -> Iterator[dict[str, Any]]:
    """As they are kept in the journal, and as this test reckons with them."""
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        project, executor, withdrawn = chance.choice((None, "een", "twee")), chance.choice(bodies), chance.random() < 0.2
        trajectory = makers.a_trajectory(session, executor, dwelling, project=project, withdrawn_at=clock.now() if withdrawn else None)
        for track in chance.sample(TRACKS, chance.randrange(3)):
            days = sorted(TODAY - timedelta(days=chance.randrange(0, 60)) for _ in range(4))
            kinds = chance.choice([("planned",), ("planned", "started"), ("planned", "started", "completed"), ("planned", "cancelled"), ("started",)])
            said = {MilestoneKind(kind): day for kind, day in zip(kinds, days, strict=False)}
            if "planned" in kinds and chance.random() < 0.4:
                said[MilestoneKind.PLANNED] = TODAY + timedelta(days=chance.randrange(-3, 9))
            session.execute(
                sa.text(
                    "INSERT INTO milestone (trajectory_id, dwelling_id, track, kind, effective_on, action, recorded_by) "
                    "VALUES (:trajectory, :dwelling, :track, :kind, :day, 'reported', :dwelling)"
                ),
                [{"trajectory": trajectory.id, "dwelling": dwelling.id, "track": track, "kind": kind, "day": day} for kind, day in said.items()],
            )
            if not withdrawn:
                yield {"dwelling": dwelling.id, "trajectory": trajectory.id, "project": project, "executor": executor.id, "track": track, "said": said}
        if not withdrawn:
            yield {"dwelling": dwelling.id, "trajectory": trajectory.id, "project": project, "executor": executor.id, "track": None, "said": {}}


LAST = (MilestoneKind.CANCELLED, MilestoneKind.COMPLETED, MilestoneKind.STARTED, MilestoneKind.PLANNED)


def holds(wanted: Wanted, effort: dict[str, Any]) -> bool:
    """What is asked of a trajectory and one track of it."""
    said, day = effort["said"], wanted.overdue_on
    state = next((kind.value for kind in LAST if kind in said), None)
    ended = [said[kind] for kind in LAST[:3] if kind in said]
    overdue = day is None or (MilestoneKind.PLANNED in said and said[MilestoneKind.PLANNED] < day and not any(each <= day for each in ended))
    return (
        wanted.project in (None, effort["project"])
        and wanted.executor_id in (None, effort["executor"])
        and (wanted.track is None or (effort["track"] == wanted.track and state == wanted.state))
        and overdue
    )


def fits(register: Register, wanted: Wanted, id: UUID) -> bool:
    row, box = register.rows[id], wanted.bbox
    plain = all(
        getattr(wanted, name) in (None, row[name])
        for name in ("bag_id", "postcode", "house_number", "municipality_code", "focus_area", "tenure", "energy_label")
    )
    begins = row["postcode"].startswith(wanted.postcode_prefix or "")
    inside = box is None or (box.west <= row["longitude"] <= box.east and box.south <= row["latitude"] <= box.north)
    about_work = any((wanted.project, wanted.executor_id, wanted.track, wanted.overdue_on))
    works = not about_work or any(effort["dwelling"] == id and holds(wanted, effort) for effort in register.efforts)
    return plain and begins and inside and works


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """``executor`` is the number of a corporation."""
    some: dict[str, st.SearchStrategy[Any]] = {
        "municipality_code": st.sampled_from(CODES), "focus_area": st.just("wijk"), "postcode_prefix": st.sampled_from(("6", "64", "6411", "6411A", "1011ZZ")),
        "bbox": st.builds(lambda x, y, w, h: Box(5.9 + x / 1000, 50.9 + y / 1000, 5.9 + (x + w) / 1000, 50.9 + (y + h) / 1000), *(st.integers(0, 50),) * 4),
        "project": st.sampled_from(("een", "twee")), "executor": st.integers(0, 1), "tenure": st.sampled_from(Tenure),
        "state": st.tuples(st.sampled_from(TRACKS), st.sampled_from(TrackState)), "energy_label": st.sampled_from((EnergyLabel.A, EnergyLabel.G)),
        "overdue_on": st.integers(-70, 10).map(lambda days: TODAY + timedelta(days=days)),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(sorted(some)), min_size=1, max_size=3, unique=True))
    return {name: draw(some[name]) for name in names}


def wanted_of(register: Register, asked: dict[str, Any]) -> Wanted:
    more = dict(asked)
    if "executor" in more:
        more["executor_id"] = register.bodies[more.pop("executor")]
    if "state" in more:
        more["track"], more["state"] = more["state"]
    return Wanted(**more)


def pages(actor: Actor, wanted: Wanted, limit: int) -> list[UUID]:
    found: list[UUID] = []
    with reading(actor) as session:
        page = find(session, actor, wanted, limit=limit)
        while True:
            assert page.next is None or len(page.items) == limit
            found += [row["id"] for row in page.items]
            if page.next is None:
                return found
            page = find(session, actor, wanted, after=page.next, limit=limit)


PROGRESS = ("project", "executor", "state", "overdue_on")


@settings(max_examples=40, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(asked=questions(), limit=st.sampled_from((4, 40, 500)))
def test_everyone_finds_what_fits_and_what_she_sees_and_pages_lose_and_repeat_nothing(register: Register, asked: dict[str, Any], limit: int) -> None:
    wanted = wanted_of(register, asked)
    for who, actor in register.actors.items():
        if who in ("analyst", "administrator") or (who == "inspector" and not asked.keys().isdisjoint(PROGRESS)):
            with pytest.raises(NotAllowed):
                pages(actor, wanted, limit)
        elif who != "unexplained":
            assert pages(actor, wanted, limit) == sorted(id for id in register.seen[who] if fits(register, wanted, id)), who


@settings(max_examples=15, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(asked=questions())
def test_the_functions_that_search_tell_nobody_of_what_she_does_not_see(register: Register, asked: dict[str, Any]) -> None:
    """Called past all of our code: by who has no right, gives no reason, or is nobody."""
    wanted = wanted_of(register, asked)
    for who, actor in [*register.actors.items(), ("nobody", None)]:
        with reading(actor) as session:
            ids = set(session.scalars(lookup._IDS, {"wanted": wanted.asked, "after": UUID(int=0), "at_most": 500}))
            asked_by_street = {**wanted.asked, "street": "Kerkstraat"}
            typed = {row.id for row in session.execute(lookup._PLACES, {"wanted": asked_by_street, "after": None, "at_most": 500})}
        in_sight = register.seen.get(who, set())
        assert ids | typed <= in_sight, who
        if who == "inspector" and not asked.keys().isdisjoint(PROGRESS):
            assert not ids | typed


@pytest.mark.parametrize(
    "who", ["municipality 0", "municipality 1", "corporation 0", "corporation 1", "inspector", "reviewer", "reviewer of a municipality", "auditor"]
)
@pytest.mark.parametrize("limit", [5, 500])
def test_a_street_is_found_by_number_and_pages_lose_and_repeat_nothing(register: Register, who: str, limit: int) -> None:
    found = pages(register.actors[who], Wanted(text="kerkstrat"), limit)
    assert len(found) == len(set(found))
    exact = [id for id in found if register.rows[id]["street"] == "Kerkstraat"]
    assert set(exact) == {id for id in register.seen[who] if register.rows[id]["street"] == "Kerkstraat"}
    assert found[: len(exact)] == exact
    places = [(register.rows[id]["municipality_code"], register.rows[id]["town"], register.rows[id]["house_number"]) for id in exact]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("vrieheidestrat", "Vrieheidestraat"), ("Vrieheidestr.", "Vrieheidestraat"), ("VRIEHEIDE", "Vrieheidestraat"),
        ("burg. v. grunsvenplein", "Burgemeester van Grunsvenplein"),
        ("burgemeester v grunsvenpln", "Burgemeester van Grunsvenplein"), ("doctor schaepmanstr", "Dr. Schaepmanstraat"), ("cafe union pad", "Café-Unión-pad"),
        ("plein 1940", "Plein 1940"), ("vrieheidestraat heerlen", "Vrieheidestraat"),
    ],
)  # fmt: skip
def test_a_street_is_found_however_it_is_written(register: Register, text: str, street: str) -> None:
    found = pages(register.actors["auditor"], Wanted(text=text), 500)
    assert register.rows[found[0]]["street"] == street


def test_a_number_and_a_town_narrow_it_down(register: Register) -> None:
    auditor = register.actors["auditor"]
    id = next(id for id, row in register.rows.items() if row["street"] == "Vrieheidestraat")
    row = register.rows[id]
    found = pages(auditor, Wanted(text=f"vrieheidestrat {row['house_number']} {row['town']}"), 50)
    assert found[0] in register.rows
    told = [register.rows[each] for each in found]
    assert id in found
    assert {(each["street"], each["house_number"], each["town"]) for each in told[:1]} == {("Vrieheidestraat", row["house_number"], row["town"])}
    assert found == pages(auditor, Wanted(text="vrieheidestrat", house_number=row["house_number"], town=row["town"]), 50)


names = st.sampled_from([street for street in STREETS if len(street) >= 6])


@settings(max_examples=60, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data(), street=names, how=st.sampled_from(("omit", "replace", "insert", "swap")), letter=st.sampled_from(LETTERS))
def test_one_typing_error_still_finds_the_street(register: Register, data: st.DataObject, street: str, how: str, letter: str) -> None:
    """Wherever there is a letter; a changed digit is another street."""
    places = [at for at in range(len(street) - 1) if street[at].isalpha() and street[at + 1].isalpha()]
    typed = edited(street, how, data.draw(st.sampled_from(places)), letter)
    with reading(register.actors["auditor"]) as session:
        page = find(session, register.actors["auditor"], Wanted(text=typed), limit=20)
    assert street in {row["street"] for row in page.items}, typed


def test_an_exact_address_comes_first(register: Register) -> None:
    auditor = register.actors["auditor"]
    with reading(auditor) as session:
        for id, row in list(register.rows.items())[:60]:
            at = {"postcode": row["postcode"], "house_number": row["house_number"]}
            same = {each for each, other in register.rows.items() if (other["postcode"], other["house_number"]) == (at["postcode"], at["house_number"])}
            items = find(session, auditor, Wanted(**at), limit=50).items
            assert {each["id"] for each in items} == same
            assert [each["house_letter"] or "" for each in items] == sorted(each["house_letter"] or "" for each in items)
            assert [each["id"] for each in find(session, auditor, Wanted(bag_id=row["bag_id"]), limit=50).items] == [id]
            if row["house_letter"]:
                narrowed = find(session, auditor, Wanted(**at, house_letter=row["house_letter"].swapcase()), limit=50).items
                assert {each["id"] for each in narrowed} == {each for each in same if register.rows[each]["house_letter"] == row["house_letter"]}


def test_what_a_dwelling_was_once_called_by_the_bag_finds_it(register: Register) -> None:
    id, auditor = next(iter(register.rows)), register.actors["auditor"]
    former = "0917010099999999"
    with as_owner() as session:
        session.execute(
            sa.text(
                "WITH new AS (INSERT INTO succession (kind, occurred_on, former_bag_id, new_bag_id, municipality_code, organisation_id, recorded_by) "
                "VALUES ('re-keying', '2024-01-01', :former, :now, 'GM0917', :body, :body) RETURNING id) "
                "INSERT INTO succession_dwelling (succession_id, side, dwelling_id) SELECT id, side, :id "
                "FROM new, unnest(ARRAY['predecessor', 'successor']) AS side"
            ),
            {"former": former, "now": register.rows[id]["bag_id"], "body": register.bodies[0], "id": id},
        )
    with reading(auditor) as session:
        assert [row["id"] for row in find(session, auditor, Wanted(bag_id=former), limit=5).items] == [id]


def test_what_does_not_fit_together_is_refused_all_at_once(register: Register) -> None:
    auditor = register.actors["auditor"]
    wrong = Wanted(bbox=Box(6, 50, 5, 51), track="renovation", postcode="6411AB", house_letter="a", town="Heerlen")
    with reading(auditor) as session, pytest.raises(RuleViolation) as refused:
        lookup.search(session, auditor, wrong, limit=5)
    assert {(fault.pointer, fault.code) for fault in refused.value.faults} == {
        ("/bbox", "box-turned-over"), ("/trackState", "required"), ("/houseNumber", "required"), ("/text", "required"),
    }  # fmt: skip
    assert lookup.check(Wanted(bbox=Box(5, 50, 5.2, 50.01)))[0].code == "box-too-large"


@pytest.mark.parametrize("after", ["x", "[]", "[0]", '["a", "b"]', '[0, "x"]', '[0, "[1, 2]"]', '[7, "[]"]', "null", "3"])
def test_a_made_up_cursor_is_refused_or_finds_nothing_foreign(register: Register, after: str) -> None:
    actor = register.actors["corporation 0"]
    for wanted in (Wanted(text="kerkstraat"), Wanted(focus_area="wijk")):
        with reading(actor) as session:
            try:
                page = find(session, actor, wanted, after=after, limit=50)
            except InvalidInput:
                continue
            assert {row["id"] for row in page.items} <= register.seen["corporation 0"]
