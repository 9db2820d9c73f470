"""`registry import KIND FILE`: the same engine as the API, in one process."""

import csv
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import sqlalchemy_url
from registry.dwellings.model import Dwelling
from registry.trajectories.model import Milestone
from registry.values import BagObjectType
from tests import makers, servers
from tests.registry.test_cli import command

HEADER = "BAG-id;Spoor;Mijlpaal;Datum"


@pytest.fixture
def own_database(engine: sa.Engine) -> Iterator[str]:
    name = f"cli_{uuid4().hex}"
    url = servers.create_database(name)
    with Session(sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)) as session:
        makers.a_municipality(session)
        corporation = makers.an_organisation(session, "woonzo")
        bag = {"bag_id": "0917010000000417", "bag_object_type": BagObjectType.OCCUPIABLE_OBJECT}
        makers.a_dwelling(session, held_by=corporation, **bag)
        session.commit()
    yield url
    servers.drop_database(name)


def journal(url: str) -> list[tuple[str, str]]:
    with Session(sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Dwelling)) == 1
        found = session.execute(sa.select(Milestone.kind, Milestone.effective_on).order_by(Milestone.effective_on))
        return [(row.kind.value, row.effective_on.isoformat()) for row in found]


@pytest.mark.slow
def test_a_file_is_tried_mended_and_applied(own_database: str, tmp_path: Path) -> None:
    file, mend = tmp_path / "voortgang.csv", tmp_path / "mend.csv"
    file.write_text(f"{HEADER}\n0917010000000417;renovatie;gestart;1-3-2025\n0917010000000417;renovatie;gereed;soon\n", encoding="utf-8")
    arguments = ("import", "milestones", str(file), "--organisation", "woonzo")
    tried = command(*arguments, "--dry-run", REGISTRY_DATABASE_URL=own_database)
    assert tried.returncode == 1, tried.stderr
    assert "2 rows read: 1 created, 0 changed, 0 unchanged, 1 refused (tried, nothing was changed)" in tried.stdout
    assert "D3\t" in tried.stdout
    assert journal(own_database) == []
    done = command(*arguments, "--per-row", "--refused", str(mend), REGISTRY_DATABASE_URL=own_database)
    assert done.returncode == 1, done.stderr
    assert journal(own_database) == [("started", "2025-03-01")]
    header, _ = csv.reader(mend.read_text(encoding="utf-8-sig").splitlines(), delimiter=";")
    assert header == [*HEADER.split(";"), "Errors"]
    mend.write_text(mend.read_text(encoding="utf-8-sig").replace("soon", "30-9-2025"), encoding="utf-8")
    second = command("import", "milestones", str(mend), "--organisation", "woonzo", REGISTRY_DATABASE_URL=own_database)
    assert second.returncode == 0, second.stderr
    assert "1 rows read: 1 created" in second.stdout
    assert journal(own_database) == [("started", "2025-03-01"), ("completed", "2025-09-30")]


@pytest.mark.slow
def test_who_is_not_there_and_what_is_no_file_are_said_in_one_line(own_database: str, tmp_path: Path) -> None:
    file = tmp_path / "nothing.csv"
    file.write_bytes(b"")
    nobody = command("import", "milestones", str(file), "--organisation", "nobody", REGISTRY_DATABASE_URL=own_database)
    assert nobody.returncode == 2
    assert "there is no corporation or municipality nobody" in nobody.stderr
    empty = command("import", "dwellings", str(file), "--organisation", "woonzo", REGISTRY_DATABASE_URL=own_database)
    assert empty.returncode == 1
    assert "Traceback" not in empty.stderr
