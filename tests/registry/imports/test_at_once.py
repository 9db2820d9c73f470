"""Imports that come together: none waits for another in a circle, and each dwelling is registered once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from registry.access import Actor, Role
from registry.dwellings.model import Dwelling
from registry.imports import staging
from registry.imports.model import ImportMode, ImportRun, ImportStatus
from tests import makers
from tests.owner import as_owner
from tests.registry.imports.importing import a_csv, apply, figures, tried
from tests.registry.imports.test_dwellings import HEADER, row

HOMES = 300


@pytest.fixture
def editors(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> list[Actor]:
    monkeypatch.setattr(staging.rows_to_judge, "__kwdefaults__", {"limit": 40})
    with as_owner() as session:
        makers.a_municipality(session)
        body = makers.an_organisation(session)
        return [makers.a_member(session, Role.CORPORATION_EDITOR, body)[0] for _ in range(4)]


@pytest.mark.parametrize("modes", [(ImportMode.PER_ROW,) * 4, (ImportMode.ALL_OR_NOTHING, ImportMode.PER_ROW) * 2])
def test_the_same_new_dwellings_sent_by_four_at_once_are_registered_once(editors: list[Actor], modes: tuple[ImportMode, ...], tmp_path: Path) -> None:
    def one(place: int) -> ImportRun:
        numbers = sorted(range(1, HOMES + 1), key=lambda number: number * (place + 7) % 101)
        run = tried(editors[place], a_csv(tmp_path / f"{place}.csv", HEADER, [row(number) for number in numbers]))
        return apply(editors[place], run.id, modes[place])

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(one, range(4)))
    assert [run.status for run in runs] == [ImportStatus.APPLIED] * 4
    assert sum(figures(run)[0] for run in runs) == HOMES
    assert sum(figures(run)[2] for run in runs) == 3 * HOMES


def test_the_same_dwellings_changed_by_four_at_once_have_a_version_for_each_change(editors: list[Actor], tmp_path: Path) -> None:
    first = tried(editors[0], a_csv(tmp_path / "all.csv", HEADER, [row(number) for number in range(1, HOMES + 1)]))
    apply(editors[0], first.id)

    def one(place: int) -> ImportRun:
        numbers = sorted(range(1, HOMES + 1), key=lambda number: number * (place + 7) % 101)
        path = a_csv(tmp_path / f"{place}.csv", HEADER, [row(number, Bouwjaar=1970 + place) for number in numbers])
        return apply(editors[place], tried(editors[place], path).id, ImportMode.ALL_OR_NOTHING if place % 2 else ImportMode.PER_ROW)

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(one, range(4)))
    assert [figures(run) for run in runs] == [(0, HOMES, 0, 0)] * 4
    with as_owner() as session:
        assert session.scalars(sa.select(Dwelling.version).distinct()).all() == [5]
