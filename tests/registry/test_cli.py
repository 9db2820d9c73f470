"""The command line: what can't be done is said in one line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry import clock
from registry.audit.model import AuditLine
from registry.db import sqlalchemy_url
from registry.settings import SettingsError, read
from tests import makers, servers


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    argv = [sys.executable, "-m", "registry.cli", *arguments]
    return subprocess.run(argv, env={**own, **settings}, capture_output=True, text=True, check=False, timeout=60)


def test_help_names_every_command() -> None:
    done = command("--help")
    assert done.returncode == 0
    for name in ("admin", "audit", "checklists", "demo", "export", "import", "members", "migrate", "photos", "prepare", "scores", "up", "worker"):
        assert name in done.stdout


def test_a_file_that_is_no_extract_is_refused_in_one_line(tmp_path: Path, engine) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "dwellings.zip"
    file.write_text("not a zip")
    done = command("import", "bag", str(file), REGISTRY_DATABASE_URL=os.environ["REGISTRY_DATABASE_URL"])
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("registry:")] == [
        "registry: dwellings.zip is not a zip file. A BAG extract is the zip file as Kadaster delivers it."
    ]
    assert "Traceback" not in done.stderr


def test_a_missing_setting_is_named() -> None:
    done = command("worker")
    assert done.returncode == 1
    for name in ("REGISTRY_DATABASE_URL", "REGISTRY_S3_ENDPOINT", "REGISTRY_S3_SECRET_KEY"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("REGISTRY_POOL_SIZE", "none")
    with pytest.raises(SettingsError) as refusal:
        read()
    assert "REGISTRY_LOG_LEVEL" in str(refusal.value)
    assert "REGISTRY_POOL_SIZE" in str(refusal.value)


def test_a_database_that_is_not_there_is_said_in_one_line() -> None:
    done = command("migrate", REGISTRY_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.fixture
def own_database(engine) -> Iterator[str]:  # type: ignore[no-untyped-def]
    name = f"cli_{uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


def test_the_first_administrator_and_the_members_are_made_by_command(own_database: str) -> None:
    def told(*arguments: str) -> str:
        done = command(*arguments, REGISTRY_DATABASE_URL=own_database)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "/set-up#dwr_u_" in told("admin", "create", "--email", "Beheer@vro.example", "--name", "Beheer", "--url", "https://register.example")
    member = ("--organisation", "ministerie-vro", "--role", "ministry-analyst", "--email", "analist@vro.example", "--name", "Analist")
    made = told("members", "add", *member, "--from", "2025-01-01")
    member_id = made.split()[1]
    assert "/set-up#dwr_u_" in made
    lines = told("members", "list", "--organisation", "ministerie-vro").splitlines()
    assert [line.split("\t")[2:] for line in lines] == [
        ["administrator", f"{clock.today()}–", "beheer@vro.example", "Beheer"],
        ["ministry-analyst", "2025-01-01–", "analist@vro.example", "Analist"],
    ]
    assert "/set-up#dwr_u_" in told("members", "invite", member_id)
    told("members", "end", member_id, "--on", "2025-06-01")
    assert "2025-01-01–2025-06-01" in told("members", "list")
    again = told("members", "add", *member, "--from", "2025-06-01")
    assert "set-up" not in again


def test_a_member_of_an_organisation_that_is_not_there_is_refused_in_one_line(own_database: str) -> None:
    arguments = ("members", "add", "--organisation", "nowhere", "--role", "inspector", "--email", "a@b", "--name", "A")
    done = command(*arguments, REGISTRY_DATABASE_URL=own_database)
    assert done.returncode == 2
    assert "there is no organisation nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_portfolio_is_written_in_the_names_of_vera_and_that_is_kept(own_database: str, tmp_path: Path) -> None:
    engine = sa.create_engine(sqlalchemy_url(own_database), poolclass=sa.NullPool)
    with Session(engine) as session:
        makers.a_municipality(session)
        corporation = makers.an_organisation(session, "woonzo")
        ids = {str(makers.a_dwelling(session, held_by=corporation).id) for _ in range(3)}
        session.commit()
    file = tmp_path / "vera.jsonl"
    done = command("export", "vera", "--organisation", "woonzo", str(file), REGISTRY_DATABASE_URL=own_database)
    assert done.returncode == 0, done.stderr
    assert "3 dwellings written" in done.stdout
    assert {json.loads(line)["eenheid"]["id"] for line in file.read_text().splitlines()} == ids
    with Session(engine) as session:
        kept = session.scalars(sa.select(AuditLine).where(AuditLine.action == "portfolio.exported")).one()
    assert kept.details == {"as": "vera", "dwellings": 3}
    nobody = command("export", "vera", "--organisation", "nobody", str(file), REGISTRY_DATABASE_URL=own_database)
    assert nobody.returncode == 2
    assert "there is no corporation nobody" in nobody.stderr
