"""A small version of `tests.faults.campaign`: no photo that a phone was told is stored is lost, whatever is killed."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.campaign import campaign

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="registry-campaign-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_photos_survive_the_death_of_every_part_of_the_register(folder: Path) -> None:
    outcome = campaign(folder, uploads=24, seed=3, kill_every_s=1.5, most_kills=8)
    assert outcome.kills.total() >= 4, outcome
    assert outcome.flaws == {}, outcome
