"""In whose name a transaction is ends with it: nothing leaks to the next one on the same connection, also through PgBouncer. Real commits, real logins."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa

from registry.access import Actor, Oneself, Role
from registry.db import API_ROLE, CLAIMS, act, counting, database, reading, transaction
from registry.dwellings import queries as dwellings
from registry.errors import NotAllowed, NotFound
from registry.organisations.model import OrganisationKind
from tests import makers, servers
from tests.owner import as_owner

ACTORS = 6
ROUNDS = 60
"""Transactions of each actor through PgBouncer."""
PGBOUNCER = shutil.which("pgbouncer") or ("/usr/sbin/pgbouncer" if Path("/usr/sbin/pgbouncer").exists() else None)

Editors = list[tuple[Actor, UUID]]


@pytest.fixture
def editors(fresh_database: str) -> Editors:
    """Editors of as many municipalities, each with the one dwelling that she sees."""
    found = []
    with as_owner() as session:
        for number in range(ACTORS):
            code = f"GM000{number + 1}"
            makers.a_municipality(session, code, code)
            organisation = makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=code)
            actor, _ = makers.a_member(session, Role.MUNICIPALITY_EDITOR, organisation)
            found.append((actor, makers.a_dwelling(session, code).id))
    return found


@pytest.fixture
def one_connection(fresh_database: str, editors: Editors) -> None:
    """Signed in as the API's role, with a single connection that every transaction shares."""
    url = servers.as_api(fresh_database)
    database.close()
    database.connect(url, pool_size=1, guarded=True)


def left_over() -> dict[str, object]:
    """What the connection of the pool still says, before anybody acts on it again."""
    assert isinstance(database.reader, sa.Engine)
    said = ", ".join(f"nullif(current_setting('registry.{name}', true), '') AS {name}" for name in CLAIMS)
    with database.reader.connect() as connection:
        row = connection.exec_driver_sql(f"SELECT {said}, current_user AS role_now, (SELECT count(*) FROM dwelling) AS seen").mappings().one()
    return {name: value for name, value in row.items() if value}


NOTHING_LEFT = {"role_now": API_ROLE}


def fails(session: sa.orm.Session) -> None:
    session.execute(sa.text("SELECT 1 / 0"))


def breaks_off(session: sa.orm.Session) -> None:
    raise ZeroDivisionError


def is_refused(session: sa.orm.Session) -> None:
    session.execute(sa.text("SELECT * FROM password"))


def does_nothing(session: sa.orm.Session) -> None:
    pass


ENDS = [does_nothing, fails, breaks_off, is_refused]
WAYS = {"transaction": transaction, "reading": reading, "counting": counting}


@pytest.mark.parametrize("end", ENDS, ids=[end.__name__ for end in ENDS])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("one_connection")
def test_nobody_is_somebody_after_the_transaction_of_another(editors: Editors, way: str, end: Callable[[sa.orm.Session], None]) -> None:
    """However it ended."""
    actor, own = editors[0]
    for _ in range(8):  # more often than a statement is sent before the driver prepares it
        try:
            with WAYS[way](actor) as session:
                assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == [own] or way == "counting"
                end(session)
        except (sa.exc.SQLAlchemyError, ZeroDivisionError, NotAllowed):
            pass
        assert left_over() == NOTHING_LEFT


@pytest.mark.usefixtures("one_connection")
def test_whoever_is_found_out_inside_a_transaction_is_forgotten_after_it(editors: Editors) -> None:
    actor, own = editors[0]
    with transaction() as session:
        assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == []
        act(session, actor)
        assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == [own]
    assert left_over() == NOTHING_LEFT
    with transaction(Oneself(actor.person_id, "request")) as session:
        assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == []


@pytest.mark.usefixtures("one_connection")
def test_actors_in_turn_on_one_connection_see_their_own(editors: Editors) -> None:
    for turn in range(4):
        for actor, own in editors:
            with (reading if turn % 2 else transaction)(actor) as session:
                assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == [own]
                assert dwellings.get(session, actor, own)["id"] == own
                assert session.scalars(sa.text("SELECT municipality_code FROM dwelling")).all() == [actor.municipality_code]


@pytest.mark.usefixtures("one_connection")
def test_a_claim_of_the_session_itself_is_overruled_by_each_transaction(editors: Editors) -> None:
    """As if some code had forgotten that claims are of a transaction."""
    assert isinstance(database.reader, sa.Engine)
    (one, own), (other, _) = editors[:2]
    with database.reader.connect() as connection:
        for name, value in other.claims.items():
            connection.exec_driver_sql("SELECT set_config(%(name)s, %(value)s, false)", {"name": f"registry.{name}", "value": value})
    for way in (transaction, reading):
        with way(one) as session:
            assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == [own]
        with way() as session:
            assert session.scalars(sa.text("SELECT id FROM dwelling")).all() == []


@pytest.fixture
def pooled(fresh_database: str, editors: Editors, tmp_path: Path) -> Iterator[str]:
    """PgBouncer between the register and PostgreSQL, with two connections for everybody, each given away anew for every transaction."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    target = sa.make_url(servers.as_api(fresh_database))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "users.txt").write_text(f'"{target.username}" "{target.password}"\n')
    lines = [
        f"{target.database} = host=127.0.0.1 port={target.port} dbname={target.database}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
    ]
    lines += [
        "auth_type = plain",
        f"auth_file = {tmp_path}/users.txt",
        "pool_mode = transaction",
        "default_pool_size = 2",
        "max_client_conn = 100",
        "unix_socket_dir =",
    ]
    (tmp_path / "pgbouncer.ini").write_text("\n".join(["[databases]", *lines]) + "\n")
    tmp_path.chmod(0o755)
    account = ["--user=nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([PGBOUNCER, "--quiet", *account, str(tmp_path / "pgbouncer.ini")])
    try:
        url = target.set(port=port).render_as_string(hide_password=False)
        _wait_for(url)
        yield url
    finally:
        database.close()
        process.terminate()
        process.wait(10)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


def test_through_pgbouncer_everyone_sees_her_own(pooled: str, editors: Editors) -> None:
    database.close()
    # A prepared statement belongs to one connection of the server, and PgBouncer before 1.21 does not know on which one it was prepared.
    database.connect(pooled, pool_size=ACTORS, guarded=True, prepared=False)
    with ThreadPoolExecutor(ACTORS) as pool:
        seen = list(pool.map(lambda each: _what_she_sees(*each), editors))
    assert seen == [{own} for _, own in editors]


def _what_she_sees(actor: Actor, own: UUID) -> set[UUID]:
    seen: set[UUID] = set()
    for turn in range(ROUNDS):
        with (reading if turn % 2 else transaction)(actor) as session:
            seen.update(session.scalars(sa.text("SELECT id FROM dwelling")))
            seen.add(dwellings.get(session, actor, own)["id"])
        with reading() as session:
            seen.update(session.scalars(sa.text("SELECT id FROM dwelling")))
        with counting(actor) as session:
            assert session.scalar(sa.text("SELECT count(id) FROM dwelling")) == ACTORS
        with reading(actor) as session, pytest.raises(NotFound):
            dwellings.get(session, actor, UUID(int=0))
    return seen
