"""A folder for the real binaries. As root PostgreSQL runs as ``nobody``, who can't enter pytest's own tmp_path."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="registry-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
