"""`python -m tests.bench.lookup --dwellings 8300000`: how long it takes to find a dwelling, in the real schema, behind row-level security.

The dwellings are made up, spread as in the country: some 340 municipalities, towns, 48,000 names of streets in 34 dwellings each, postcodes of 17. What is
timed is what PostgreSQL answers to `registry.dwellings.lookup`, from Python and back, without the audit line and without HTTP.
"""

import csv
import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from math import cos, pi, sqrt
from pathlib import Path
from uuid import UUID, uuid4

import click
import psycopg
import sqlalchemy as sa
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from registry import clock, migrations
from registry.access import Actor, Role
from registry.db import API_ROLE, database, reading
from registry.dwellings.lookup import Box, Wanted, find
from registry.embedded.postgres import Postgres
from tests.bench.load import ROOT
from tests.registry.dwellings.typing_errors import with_error

WEESP = ROOT.parent / "shared/data/bag/weesp-woningen-2021-10-15.csv"
MUNICIPALITIES, NAMES, IN_STREET, IN_POSTCODE = 342, 48_000, 34, 17
LARGE, SMALL = UUID(int=1), UUID(int=2)
"""The corporations with 100,000 and with 20,000 dwellings, at 8.3 million."""
ENDS = [
    "laan",
    "plein",
    "weg",
    "hof",
    "pad",
    "straat",
    "steeg",
    "dijk",
    "kade",
    "singel",
    "dreef",
    "gracht",
    "park",
    "plantsoen",
    "wal",
    "ring",
    "akker",
    "veld",
    "erf",
    "zoom",
]
STEMS = [
    "Berken",
    "Eiken",
    "Linden",
    "Beuken",
    "Kerk",
    "Dorps",
    "Molen",
    "School",
    "Stations",
    "Julianna",
    "Wilhelmina",
    "Beatrix",
    "Irene",
    "Oranje",
    "Nassau",
    "Prins",
    "Koning",
    "Merel",
    "Lijster",
    "Vink",
    "Mezen",
    "Spreeuwen",
    "Zwaluw",
    "Reiger",
    "Ooievaar",
    "Tulpen",
    "Rozen",
    "Anjer",
    "Dahlia",
    "Lelie",
    "Narcissen",
    "Brede",
    "Smalle",
    "Lange",
    "Korte",
    "Hoge",
    "Lage",
    "Oude",
    "Nieuwe",
    "Groene",
    "Haven",
    "Vis",
    "Markt",
    "Boter",
    "Kaas",
    "Graan",
    "Koren",
    "Haver",
    "Gerst",
    "Rogge",
    "Tarwe",
    "Maas",
    "Rijn",
    "Waal",
    "Schelde",
    "IJssel",
    "Vecht",
    "Amstel",
    "Spaarne",
    "Zaan",
    "Eem",
    "Noorder",
    "Zuider",
    "Ooster",
    "Wester",
    "Burgemeester",
    "Rembrandt",
    "Vermeer",
    "Hals",
    "Steen",
    "Mozart",
    "Beethoven",
    "Bach",
    "Vivaldi",
    "Brahms",
    "Mahler",
    "Heide",
    "Bos",
    "Duin",
    "Zand",
    "Klei",
    "Veen",
    "Water",
    "Wind",
    "Zon",
    "Maan",
    "Ster",
    "Lucht",
    "Regen",
    "Vonder",
    "Sluis",
    "Brug",
    "Toren",
    "Poort",
    "Muur",
    "Kasteel",
    "Klooster",
    "Abdij",
    "Kapel",
    "Pastorie",
    "Notaris",
    "Dokter",
    "Smid",
    "Bakker",
    "Slager",
    "Wagen",
    "Kuiper",
    "Wever",
    "Vlas",
    "Hennep",
    "Touw",
    "Schippers",
    "Vissers",
    "Jagers",
    "Herders",
    "Ruiter",
    "Paarden",
    "Schapen",
    "Hazen",
    "Vossen",
    "Dassen",
    "Herten",
    "Vrieheide",
    "Palemig",
    "Vogelzank",
    "Beers",
    "Schaesberg",
    "Rode",
    "Witte",
    "Zwarte",
    "Gouden",
    "Zilver",
    "Koper",
    "IJzer",
    "Steenkool",
    "Turf",
    "Mijn",
    "Schacht",
]
COLD = 20
"""Questions of each kind with nothing in memory; after that most of it is."""
console = Console(width=170)


@dataclass(frozen=True, slots=True)
class Street:
    municipality: str
    town: str
    name: str
    longitude: float
    latitude: float
    first: int
    """The place of its first dwelling."""
    dwellings: int


def names(many: int, chance: random.Random) -> list[str]:
    """Different ones, the real ones of Weesp first."""
    found: dict[str, None] = {}
    if WEESP.exists():
        with WEESP.open(encoding="utf-8") as file:
            found = dict.fromkeys(row["openbareruimte"] for row in csv.DictReader(file, delimiter=";"))
    while len(found) < many:
        first, second = chance.sample(STEMS, 2)
        form = chance.choice(("{}{}{}", "{}{}{}", "{} {}{}", "van {}{}{}", "Burgemeester {}{}{}", "de {}{}{}"))
        found[form.format(first, second.lower(), chance.choice(ENDS)) if chance.random() < 0.97 else first + chance.choice(ENDS)] = None
    return list(found)[:many]


def streets(many: int, chance: random.Random) -> Iterator[Street]:
    """By municipality and town; the largest have most of the dwellings, as in the country."""
    share = [chance.lognormvariate(0, 1.0) for _ in range(MUNICIPALITIES)]
    choice = names(max(300, round(NAMES * min(1.0, many / 8_300_000))), chance)
    common = [f"{stem}{end}" for stem in STEMS[:30] for end in ("straat", "weg", "laan")]
    place = 0
    for number, part in enumerate(share):
        code = f"GM{number + 1:04}"
        wanted = max(200, round(many * part / sum(share)))
        centre = chance.uniform(4.2, 6.8), chance.uniform(51.4, 53.2)
        towns = [max(1, round(wanted * weight)) for weight in (0.7, 0.12, 0.08, 0.05, 0.05)]
        for order, size in enumerate(towns):
            ending = ("dam", "dorp", "veen", "hoven", "rode", "gem")[(number + order) % 6]
            town = f"{STEMS[(number * 7 + order * 3) % len(STEMS)]}{ending}{'abcdefghi'[number // 40]}"
            middle = tuple(side + chance.gauss(0, 0.03) * (order > 0) for side in centre)
            reach = sqrt(size / 2500 / pi) / 111
            made: set[str] = set()
            while size > 0:
                name = chance.choice(common) if chance.random() < 0.15 else chance.choice(choice)
                if name in made:
                    continue
                made.add(name)
                in_it = min(size, max(1, round(chance.expovariate(1 / IN_STREET))))
                angle, far = chance.uniform(0, 2 * pi), reach * sqrt(chance.random())
                east = middle[0] + far * cos(angle) / cos(middle[1] * pi / 180)
                yield Street(code, town, name, east, middle[1] + far * cos(angle - pi / 2), place, in_it)
                place += in_it
                size -= in_it


def id_of(place: int) -> str:
    return f"0199a2c4-0000-7000-8000-{place:012x}"


def address(street: Street, offset: int) -> tuple[str, int]:
    """Postcode and number."""
    block = (street.first // IN_STREET * 2 + offset // IN_POSTCODE) % (9000 * 600)
    letters = block % 600
    return f"{1000 + block // 600 % 9000}{chr(65 + letters // 25)}{chr(65 + letters % 25)}", 1 + offset


LABELS = "GFEDCBA"
TENURES = ("owner-occupied", "owner-occupied", "owner-occupied", "social-rent", "social-rent", "private-rent", "mid-rent")


class Register:
    """The database with made-up dwellings, and what is known of them, to ask for."""

    def __init__(self, url: str, many: int) -> None:
        self.url, self.many = url, many
        self.chance = random.Random(6)
        self.streets = list(streets(many, self.chance))
        self.largest = max({street.municipality for street in self.streets}, key=self._size)
        self.usual = sorted({street.municipality for street in self.streets}, key=self._size)[MUNICIPALITIES // 2]

    def _size(self, code: str) -> int:
        if not hasattr(self, "_sizes"):
            self._sizes: dict[str, int] = {}
            for street in self.streets:
                self._sizes[street.municipality] = self._sizes.get(street.municipality, 0) + street.dwellings
        return self._sizes[code]

    def fill(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET maintenance_work_mem = '512MB'")
            connection.execute("SET synchronous_commit = off")
            connection.execute("SET session_replication_role = replica")
            self._references(connection)
            self._timed(connection, "dwellings by COPY, without indexes", "dwelling", self._dwellings)
            self._held(connection)
            self._efforts(connection)
            _say("ANALYZE", lambda: connection.execute("ANALYZE"))
            _say("street names: rebuild_street_names()", lambda: connection.execute("SELECT rebuild_street_names()"))
            _say("tracks: rebuild_tracks()", lambda: connection.execute("SELECT rebuild_tracks()"))
            _say("VACUUM ANALYZE", lambda: connection.execute("VACUUM ANALYZE"))

    def _timed(self, connection: psycopg.Connection, what: str, table: str, rows: Callable[[], Iterator[str]]) -> None:
        """Load into a table whose indexes and triggers are taken away meanwhile."""
        constraint = "(SELECT conindid FROM pg_constraint WHERE conrelid = %s::regclass)"
        made = connection.execute(
            f"SELECT indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = %s::regclass AND indexrelid NOT IN {constraint}",
            (table, table),
        ).fetchall()
        for name, _ in made:
            connection.execute(f"DROP INDEX {name}")
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        columns = next(rows_of := rows())

        def load() -> None:
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                while chunk := "".join(islice(rows_of, 2000)):
                    copy.write(chunk)

        _say(what, load)
        connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for name, definition in made:
            _say(f"    {name}", lambda definition=definition: connection.execute(definition))  # type: ignore[misc]

    def _references(self, connection: psycopg.Connection) -> None:
        codes = sorted({street.municipality for street in self.streets})
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO municipality (code, name) VALUES (%s, %s)", [(code, code) for code in codes])
            cursor.executemany(
                "INSERT INTO focus_area (slug, name, municipality_code) VALUES (%s, %s, %s)",
                [(f"area-{n}", f"Area {n}", code) for n, code in enumerate(codes[:20])],
            )
            cursor.executemany(
                "INSERT INTO organisation (id, slug, name, kind) VALUES (%s, %s, %s, 'corporation')", [(UUID(int=n), f"c{n}", f"C {n}") for n in range(1, 301)]
            )
            cursor.executemany(
                "INSERT INTO project (slug, name, municipality_code) VALUES (%s, %s, 'GM0001')", [(f"project-{n}", f"P {n}") for n in range(self._projects)]
            )

    @property
    def _projects(self) -> int:
        return max(20, self.many // 4000)

    def _dwellings(self) -> Iterator[str]:
        address_columns = "street, house_number, postcode, town, municipality_code, focus_area"
        yield f"id, bag_id, bag_object_type, {address_columns}, uses, tenure, energy_label, longitude, latitude, source"
        chance = self.chance
        for street in self.streets:
            number = int(street.municipality[2:])
            area = f"area-{number - 1}" if number <= 20 and chance.random() < 0.4 else "\\N"
            for offset in range(street.dwellings):
                postcode, house = address(street, offset)
                place, east = street.first + offset, street.longitude + offset * 9e-5
                yield (
                    f"{id_of(place)}\t{bag_id(place)}\toccupiable-object\t{street.name}\t{house}\t{postcode}\t{street.town}\t{street.municipality}\t{area}\t"
                    f"{{residential}}\t{TENURES[place % 7]}\t{LABELS[chance.randrange(7)]}\t{east:.6f}\t{street.latitude:.6f}\tbag\n"
                )

    def _held(self, connection: psycopg.Connection) -> None:
        """Whole streets: the large and the small corporation in the largest municipalities, others where the rest is."""
        by_size = sorted({street.municipality for street in self.streets}, key=self._size, reverse=True)
        part = min(1.0, self.many / 8_300_000)
        wanted = {LARGE: (set(by_size[:12]), 100_000 * part), SMALL: (set(by_size[2:5]), 20_000 * part)}
        self.holds: dict[UUID, list[Street]] = {LARGE: [], SMALL: []}
        others: list[tuple[UUID, Street]] = []
        left = {body: size for body, (_, size) in wanted.items()}
        for street in self.chance.sample(self.streets, len(self.streets)):
            body = next((body for body, (places, _) in wanted.items() if left[body] > 0 and street.municipality in places), None)
            if body is not None:
                self.holds[body].append(street)
                left[body] -= street.dwellings
            elif len(others) * IN_STREET < 400_000 * part:
                others.append((UUID(int=3 + int(street.municipality[2:]) % 298), street))

        def rows() -> Iterator[str]:
            yield "dwelling_id, organisation_id, valid_from, recorded_by"
            for body, street in [*((body, street) for body, held in self.holds.items() for street in held), *others]:
                for offset in range(street.dwellings):
                    yield f"{id_of(street.first + offset)}\t{body}\t2020-01-01\t{LARGE}\n"

        excluding = connection.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'portfolio_period'::regclass AND contype = 'x'"
        ).fetchall()
        for name, _ in excluding:
            connection.execute(f"ALTER TABLE portfolio_period DROP CONSTRAINT {name}")
        self._timed(connection, "portfolios by COPY", "portfolio_period", rows)
        for name, definition in excluding:
            _say(f"    {name}", lambda name=name, definition=definition: connection.execute(f"ALTER TABLE portfolio_period ADD CONSTRAINT {name} {definition}"))

    def _efforts(self, connection: psycopg.Connection) -> None:
        """6 % of the dwellings, whole streets more often than single ones; of what a corporation holds 15 %."""
        chance, today = self.chance, clock.today()
        held = {street.first: body for body, some in self.holds.items() for street in some}
        tracks = ("renovation", "renovation", "sustainability", "sustainability", "acquisition", "demolition", "construction")
        ends = (("planned",), ("planned", "started"), ("planned", "started", "completed"), ("started", "completed"), ("planned", "cancelled"))
        trajectories, milestones = [], []
        for street in self.streets:
            if chance.random() >= (0.3 if street.first in held else 0.1):
                continue
            project = f"project-{chance.randrange(self._projects)}" if chance.random() < 0.5 else "\\N"
            executor = held.get(street.first, UUID(int=3 + chance.randrange(298)))
            for offset in range(street.dwellings):
                if chance.random() < 0.6:
                    continue_ = street.first + offset
                    id, dwelling = uuid4(), id_of(continue_)
                    trajectories.append(f"{id}\t{dwelling}\t{executor}\t{project}\n")
                    for track in {chance.choice(tracks), chance.choice(tracks)} if chance.random() < 0.2 else {chance.choice(tracks)}:
                        day = today - timedelta(days=chance.randrange(-200, 1000))
                        for kind in ends[chance.choices(range(5), (25, 20, 30, 20, 5))[0]]:
                            day += timedelta(days=30)
                            milestones.append(f"{id}\t{dwelling}\t{track}\t{kind}\t{day}\treported\t{LARGE}\n")

        self._timed(connection, "trajectories by COPY", "trajectory", lambda: iter(["id, dwelling_id, executor_id, project", *trajectories]))
        heading = "trajectory_id, dwelling_id, track, kind, effective_on, action, recorded_by"
        self._timed(connection, f"{len(milestones):,} milestones by COPY", "milestone", lambda: iter([heading, *milestones]))

    def some(self, streets: list[Street]) -> tuple[Street, int]:
        street = self.chance.choice(streets)
        return street, self.chance.randrange(street.dwellings)


def bag_id(place: int) -> str:
    return f"000001{place:010}"


def _say(what: str, act: Callable[[], object]) -> None:
    began = time.perf_counter()
    act()
    console.print(f"{what}: {time.perf_counter() - began:.1f} s")


# -- Asking ----------------------------------------------------------------------------------------------------------------------------------------


def questions(register: Register, streets: list[Street], role: Role) -> dict[str, Callable[[], Wanted]]:
    """What somebody asks who works with the dwellings in these streets."""
    chance, some = register.chance, lambda: register.some(streets)
    codes = sorted({street.municipality for street in streets})
    municipality = {"municipality_code": codes[0]} if len(codes) == 1 else {}

    def by_postcode() -> Wanted:
        street, offset = some()
        postcode, number = address(street, offset)
        return Wanted(postcode=postcode, house_number=number)

    def by_prefix() -> Wanted:
        street, offset = some()
        return Wanted(postcode_prefix=address(street, offset)[0][:4])

    def by_text(*, number: bool, town: bool, error: bool) -> Wanted:
        street, offset = some()
        name = with_error(street.name, chance) if error else street.name
        return Wanted(text=" ".join([name, *([str(1 + offset)] if number else [])]), town=street.town if town else None)

    def by_box(side: float) -> Wanted:
        street, _ = some()
        west, south = street.longitude - chance.random() * side, street.latitude - chance.random() * side
        return Wanted(bbox=Box(west, south, west + side, south + side))

    def by_track() -> Wanted:
        track = chance.choice(("renovation", "sustainability", "acquisition", "demolition", "construction"))
        return Wanted(track=track, state=chance.choice(("planned", "started", "completed", "cancelled")))

    executor = {Role.CORPORATION_EDITOR: lambda: chance.choice((LARGE, SMALL))}.get(role, lambda: UUID(int=3 + chance.randrange(298)))
    return {
        "BAG id": lambda: Wanted(bag_id=bag_id((one := some())[0].first + one[1])),
        "postcode + number": by_postcode,
        "postcode prefix (4)": by_prefix,
        "street, number, town; typing error": lambda: by_text(number=True, town=True, error=True),
        "street, number; typing error": lambda: by_text(number=True, town=False, error=True),
        "street; typing error": lambda: by_text(number=False, town=False, error=True),
        "bbox 0.002°": lambda: by_box(0.002),
        "bbox 0.01°": lambda: by_box(0.01),
        "bbox 0.05°": lambda: by_box(0.05),
        "track state": by_track,
        "focus area": lambda: Wanted(focus_area=f"area-{chance.randrange(20)}"),
        "project": lambda: Wanted(project=f"project-{chance.randrange(register._projects)}"),
        "executor": lambda: Wanted(executor_id=executor()),
        "overdue today": lambda: Wanted(overdue_on=clock.today()),
        "overdue on a day before": lambda: Wanted(overdue_on=clock.today() - timedelta(days=chance.randrange(1, 900))),
        "tenure + label": lambda: Wanted(tenure=chance.choice(TENURES), energy_label=chance.choice(LABELS), **municipality),  # type: ignore[arg-type]
        "track + overdue + tenure": lambda: Wanted(track="renovation", state="planned", overdue_on=clock.today(), tenure="social-rent"),  # type: ignore[arg-type]
        "project + bbox 0.05°": lambda: Wanted(project=f"project-{chance.randrange(register._projects)}", bbox=by_box(0.05).bbox),
    }


class Clock:
    """Of one connection: the milliseconds until the rows are here, and of those the ones in which PostgreSQL had a processor.

    The second is what counts on a machine that does other things too. Linux counts it in nanoseconds.
    """

    def __init__(self, session: Session) -> None:
        pid = session.scalars(sa.text("SELECT pg_backend_pid()")).one()
        self._path = Path(f"/proc/{pid}/schedstat")
        self.start()

    def start(self) -> None:
        self._began, self._used = time.perf_counter(), self._cpu()

    def stop(self) -> tuple[float, float]:
        return (time.perf_counter() - self._began) * 1000, (self._cpu() - self._used) / 1e6

    def _cpu(self) -> int:
        return int(self._path.read_text().split()[0])


WRITES = {
    "milestone": (
        1_000,
        "milestone_keeps_tracks",
        """INSERT INTO milestone (trajectory_id, dwelling_id, track, kind, effective_on, action, recorded_by)
        SELECT id, dwelling_id, 'acquisition', 'planned', '2024-01-01', 'reported', id FROM trajectory TABLESAMPLE SYSTEM (5) LIMIT 1000""",
    ),
    "dwelling": (
        10_000,
        "dwelling_keeps_street_names",
        """INSERT INTO dwelling (street, house_number, postcode, town, municipality_code, source)
        SELECT street, house_number, postcode, town, municipality_code, source FROM dwelling TABLESAMPLE SYSTEM (5) LIMIT 10000""",
    ),
}
"""By table: how many rows in one statement, and the trigger that keeps what is looked up."""


def writing(url: str) -> None:
    """What the triggers cost: the same rows with and without them, in turn, each taken back; the median of seven."""
    table = Table(title="Writing, in one statement: milliseconds of PostgreSQL's processor")
    for heading in ("", "without the trigger", "with it", "for each 1,000 rows"):
        table.add_column(heading, justify="left" if not heading else "right")
    with psycopg.connect(url) as connection:
        path = Path(f"/proc/{connection.info.backend_pid}/schedstat")
        for name, (rows, trigger, statement) in WRITES.items():
            used: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
            for turn in range(16):
                how = ("DISABLE", "ENABLE")[turn % 2]
                connection.execute(f"ALTER TABLE {name} {how} TRIGGER {trigger}")
                began = int(path.read_text().split()[0])
                connection.execute(statement)
                used[how] += [(int(path.read_text().split()[0]) - began) / 1e6] if turn > 1 else []
                connection.rollback()
            without, with_ = (sorted(used[how])[3] for how in ("DISABLE", "ENABLE"))
            table.add_row(f"{rows:,} rows of {name}", f"{without:.0f}", f"{with_:.0f}", f"{(with_ - without) * 1000 / rows:+.1f}")
    console.print(table)


@dataclass(frozen=True, slots=True)
class Times:
    wall: list[float]
    cpu: list[float]
    found: float


def measure(actor: Actor, asked: list[Wanted]) -> Times:
    """Milliseconds of each, sorted, and how many dwellings were found on average."""
    times, found = [], 0
    with reading(actor) as session:
        clock = Clock(session)
        find(session, actor, Wanted(project="nothing"), limit=1)
        for wanted in asked:
            clock.start()
            found += len(find(session, actor, wanted, limit=50).items)
            times.append(clock.stop())
    return Times(sorted(wall for wall, _ in times), sorted(cpu for _, cpu in times), found / len(asked))


def at(times: list[float], share: float) -> str:
    return f"{times[min(len(times) - 1, int(len(times) * share))]:.2f}"


def forget(folder: Path) -> None:
    """Let the operating system drop the pages of this cluster from its cache."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def actors(register: Register) -> dict[str, tuple[Actor, list[Street]]]:
    of = {code: [street for street in register.streets if street.municipality == code] for code in (register.largest, register.usual)}
    return {
        f"municipality, {register._size(register.usual):,}": (_actor(Role.MUNICIPALITY_EDITOR, uuid4(), register.usual), of[register.usual]),
        f"municipality, {register._size(register.largest):,}": (_actor(Role.MUNICIPALITY_EDITOR, uuid4(), register.largest), of[register.largest]),
        f"corporation, {sum(s.dwellings for s in register.holds[SMALL]):,}": (_actor(Role.CORPORATION_EDITOR, SMALL), register.holds[SMALL]),
        f"corporation, {sum(s.dwellings for s in register.holds[LARGE]):,}": (_actor(Role.CORPORATION_EDITOR, LARGE), register.holds[LARGE]),
        "auditor, all": (_actor(Role.MINISTRY_AUDITOR, uuid4()), register.streets),
    }


def _actor(role: Role, organisation: UUID, code: str | None = None) -> Actor:
    return Actor(uuid4(), organisation, role, "bench", code, reason="bench")


def ask(register: Register, postgres: Postgres | None, queries: int) -> None:
    """With ``postgres`` also when nothing is in memory."""
    people = actors(register)
    asked = {
        (who, what): [make() for _ in range(queries)]
        for who, (actor, streets) in people.items()
        for what, make in questions(register, streets, actor.role).items()
    }
    cold = _all(register, people, asked, postgres) if postgres else {}
    warm = _all(register, people, asked, None)
    table = Table(title=f"{register.many:,} dwellings, {queries} random questions each, pages of 50; milliseconds of PostgreSQL's processor, and passed")
    for heading in ("", "who", "found", "CPU median", "p95", "p99", "passed median", "p95", *(("cold: passed median", "p95") if cold else ())):
        table.add_column(heading, justify="left" if heading in ("", "who") else "right")
    for what in dict.fromkeys(what for _, what in asked):
        for who in people:
            times = warm[who, what]
            row = [f"{times.found:.0f}", *(at(times.cpu, share) for share in (0.5, 0.95, 0.99)), at(times.wall, 0.5), at(times.wall, 0.95)]
            table.add_row(what, who, *row, *((at(cold[who, what].wall, 0.5), at(cold[who, what].wall, 0.95)) if cold else ()))
        table.add_section()
    console.print(table)


People = dict[str, tuple[Actor, list[Street]]]


def _all(register: Register, people: People, asked: dict[tuple[str, str], list[Wanted]], cold: Postgres | None) -> dict[tuple[str, str], Times]:
    """When ``cold``, nothing of the database is in memory when a kind of question begins."""
    found = {}
    with psycopg.connect(register.url, autocommit=True) as connection:
        for (who, what), wanted in asked.items():
            if cold:
                connection.execute("CHECKPOINT")
                connection.execute("SELECT pg_buffercache_evict_all()")
                forget(cold.folder / "cluster" / "base")
            gc.disable()
            found[who, what] = measure(people[who][0], wanted[:COLD] if cold else wanted)
            gc.enable()
            print(f"{what}, {who}: {at(found[who, what].cpu, 0.5)}, p95 {at(found[who, what].cpu, 0.95)}", file=sys.stderr, flush=True)  # noqa: T201
    return found


def sizes(url: str) -> None:
    query = """SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('i', 'r')
        AND (relname ~ '^(ix|pk|uq)_(dwelling|trajectory|trajectory_track|street_name|street_spelling)(_|$)'
            OR relname IN ('dwelling', 'trajectory', 'trajectory_track', 'milestone', 'street_name', 'street_spelling'))
        ORDER BY relkind DESC, pg_relation_size(oid) DESC"""
    with psycopg.connect(url) as connection:
        console.print("sizes:", ", ".join(f"{name} {size}" for name, size in connection.execute(query)))


class Roomier(Postgres):
    """With more memory than a laptop's."""

    def __init__(self, folder: Path, shared_buffers: str) -> None:
        super().__init__(folder)
        self._shared_buffers = shared_buffers

    def _options(self, port: int) -> list[str]:
        return [*super()._options(port), "-c", f"shared_buffers={self._shared_buffers}"]


@click.command()
@click.option("--dwellings", default=500_000, show_default=True)
@click.option("--queries", default=200, show_default=True, help="Of each kind, for each role.")
@click.option("--cold/--warm", default=False, help="Also with nothing in memory.")
@click.option("--shared-buffers", default="1GB", show_default=True)
def bench(dwellings: int, queries: int, cold: bool, shared_buffers: str) -> None:
    """Find dwellings in a register of this size."""
    measure_in(dwellings, queries, cold=cold, shared_buffers=shared_buffers)


def measure_in(dwellings: int, queries: int, *, cold: bool = False, shared_buffers: str = "128MB") -> None:
    """In a database of its own."""
    with tempfile.TemporaryDirectory(prefix="registry-lookup-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Roomier(folder / "postgresql", shared_buffers) as postgres:
            url = postgres.start()
            run(url, postgres, dwellings, queries, cold=cold)


def run(url: str, postgres: Postgres, dwellings: int, queries: int, *, cold: bool = False) -> None:
    migrations.upgrade(url)
    register = Register(url, dwellings)
    register.fill()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_buffercache")
    sizes(url)
    writing(url)
    database.connect(migrations.let_in(url, API_ROLE, "bench"), pool_size=2, guarded=True)
    try:
        ask(register, postgres if cold else None, queries)
    finally:
        database.close()


if __name__ == "__main__":
    bench()
