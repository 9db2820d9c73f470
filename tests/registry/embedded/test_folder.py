"""Where the data goes, and what root is told."""

import os
from pathlib import Path

import pytest

from registry.embedded.folder import default_folder
from registry.embedded.postgres import Postgres
from registry.embedded.server import EmbeddedError

AS_ROOT = os.geteuid() == 0


def test_a_reachable_folder_is_used_as_wanted(open_folder: Path) -> None:
    assert default_folder(open_folder / "data") == open_folder / "data"


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL itself")
def test_root_is_told_when_nobody_cannot_reach_the_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(EmbeddedError, match="choose another folder with --data"):
        Postgres(tmp_path / "postgres").start()
    elsewhere = default_folder(tmp_path / "postgres")
    assert elsewhere.parent == Path("/var/lib/dwelling-registry")
    assert len(elsewhere.name) == 8
