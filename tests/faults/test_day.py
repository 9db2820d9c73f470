"""A small version of `tests.faults.day`: whatever the network does, everything arrives once, and the receipts tell what the store has."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.bad_line import CUT, SWALLOWED
from tests.faults.day import day

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="registry-day-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_a_day_on_a_bad_network_arrives_whole_and_once(folder: Path) -> None:
    outcome = day(folder, phones=2, inspections=1, photos=2, seed=5)
    assert outcome.flaws == {}, outcome
    assert outcome.connections[CUT] > 5, outcome
    assert outcome.connections[SWALLOWED] > 2, outcome
