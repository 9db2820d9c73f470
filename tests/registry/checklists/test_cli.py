"""The command line about checklists."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from registry.checklists.json_schema import schema
from tests import servers
from tests.registry.checklists.spreadsheets import a_form

SHIPPED = Path(__file__).parents[3] / "registry/checklists/shipped"


def command(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY_")}
    argv = [sys.executable, "-m", "registry.cli", "checklists", *arguments]
    return subprocess.run(argv, env={**own, **settings}, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def own_database(engine) -> Iterator[str]:  # type: ignore[no-untyped-def]
    name = f"cli_{uuid4().hex}"
    yield servers.create_database(name)
    servers.drop_database(name)


def test_the_shipped_files_are_found_right() -> None:
    done = command("check", *map(str, SHIPPED.glob("*.yaml")))
    assert (done.returncode, done.stdout) == (0, "")


def test_every_fault_has_its_line_and_column_in_the_language_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("key: own\nedition: 0\ntitle: {nl: T, en: T}\nsections: [yes]\n", encoding="utf-8")
    done = command("check", str(file), "--language", "en")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{file}:2:1: Too small: at least 1. [too-small]",
        f"{file}:4:12: Put yes in quotes; when you mean it as a setting, write true or false. [unquoted-yes]",
    ]
    assert "Te klein" in command("check", str(file)).stdout


def test_a_file_that_is_not_utf_8_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(b"key: \xff")
    done = command("check", str(file))
    assert done.returncode == 2
    assert "is not UTF-8" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_is_printed() -> None:
    assert json.loads(command("schema").stdout) == schema()


def test_publish_list_and_retire(own_database: str, tmp_path: Path) -> None:
    def told(*arguments: str) -> str:
        done = command(*arguments, REGISTRY_DATABASE_URL=own_database)
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = SHIPPED / "quick-exterior.yaml"
    assert told("publish", str(file)) == "quick-exterior edition 1: created\n"
    assert told("publish", str(file)) == "quick-exterior edition 1: unchanged\n"
    assert told("retire", "quick-exterior", "1") == "quick-exterior edition 1: retired\n"
    (line,) = told("list", "--status", "retired").splitlines()
    assert line.split("\t")[1:4] == ["quick-exterior", "1", "retired"]
    other = tmp_path / "other.yaml"
    other.write_text(file.read_text(encoding="utf-8").replace("Snelle buitenschouw", "Anders"), encoding="utf-8")
    refused = command("publish", str(other), REGISTRY_DATABASE_URL=own_database)
    assert refused.returncode == 1
    assert "frozen" in refused.stderr
    assert "Traceback" not in refused.stderr
    missing = command("retire", "quick-exterior", "7", REGISTRY_DATABASE_URL=own_database)
    assert (missing.returncode, "there is no checklist quick-exterior edition 7" in missing.stderr) == (2, True)


def test_an_xlsform_becomes_yaml_that_can_be_checked(tmp_path: Path) -> None:
    form, output = tmp_path / "form.xlsx", tmp_path / "form.yaml"
    form.write_bytes(a_form(["text", "why", "Waarom?", "Why?"], ["geopoint", "where", "Waar?", "Where?"]))
    done = command("import-xlsform", str(form), "--output", str(output), "--language", "en")
    assert done.returncode == 0, done.stderr
    assert f"{form}:survey:3:type: geopoint where: A checklist does not know this type of question: it was not taken over. [xlsform-type]" in done.stderr
    assert command("check", str(output)).returncode == 0
    again = command("import-xlsform", str(form), "--output", str(output))
    assert again.returncode == 2
    form.write_bytes(b"no")
    broken = command("import-xlsform", str(form))
    assert broken.returncode == 1
    assert "[xlsform-not-xlsx]" in broken.stderr
    assert "Traceback" not in broken.stderr
