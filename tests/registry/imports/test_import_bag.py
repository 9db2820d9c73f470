"""`registry import bag`: the extract, the audit line and the change feed in one transaction; and what a person sees."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from registry.access import the_system
from registry.areas.names import municipality_name
from registry.audit.model import AuditLine
from registry.changes.model import Change
from registry.cli import registry
from registry.db import reading
from registry.dwellings.model import Dwelling
from registry.imports.bag.model import BagFileError
from registry.imports.commands import import_bag


def rows(model: type) -> int:
    with reading() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(model)).one()


def test_an_import_is_announced_and_audited_once(fresh_database: str, weesp: Path) -> None:
    first = import_bag(the_system("request-1"), weesp, progress=lambda _: None)
    assert first.applied.created == rows(Dwelling) == rows(Change) == 9692
    second = import_bag(the_system("request-2"), weesp, progress=lambda _: None)
    assert (second.applied.created, second.applied.changed, second.applied.unchanged) == (0, 0, 9692)
    assert rows(Change) == 9692
    with reading() as session:
        lines = session.scalars(sa.select(AuditLine).where(AuditLine.action == "bag.imported").order_by(AuditLine.id)).all()
    assert [line.details["created"] for line in lines] == [9692, 0]


def test_a_refused_file_leaves_nothing_behind(fresh_database: str, tmp_path: Path) -> None:
    broken = tmp_path / "extract.zip"
    broken.write_bytes(b"PK\3\4 not really")
    with pytest.raises(BagFileError):
        import_bag(the_system("request"), broken, progress=lambda _: None)
    assert rows(Dwelling) == rows(AuditLine) == rows(Change) == 0


def run(url: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("REGISTRY_DATABASE_URL", url)
    return CliRunner().invoke(registry, arguments)


def test_the_command_tells_what_it_kept_and_left_out(fresh_database: str, weesp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(fresh_database, monkeypatch, "import", "bag", str(weesp))
    assert done.exit_code == 0, done.output
    for line in ("Kept: 9,692 dwellings", "760  not-yet-built", "without a correction grid", "accuracy 0.25 m", "dwellings/s"):
        assert line in done.output
    again = run(fresh_database, monkeypatch, "import", "bag", str(weesp))
    assert "Nothing has changed" in again.output


def test_names_of_municipalities_come_with_the_register() -> None:
    assert [municipality_name(code) for code in ("GM0457", "GM0917", "GM0518", "GM9999")] == ["Weesp", "Heerlen", "'s-Gravenhage", None]
