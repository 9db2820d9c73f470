"""Files that are made for one answer: written to disk, sent from there in steps, and gone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from flask import Response

STEP_BYTES = 64 * 1024


def download(write: Callable[[Path], None], *, name: str, media_type: str) -> Response:
    """What ``write`` writes, as a download called ``name``, which is ASCII."""
    with TemporaryDirectory(prefix="registry-download-") as folder:
        path = Path(folder) / "file"
        write(path)
        file = path.open("rb")
    size = file.seek(0, 2)
    file.seek(0)
    response = Response(_steps(file), headers={"Content-Disposition": f'attachment; filename="{name}"'}, content_type=media_type)
    response.content_length = size
    response.call_on_close(file.close)
    return response


def _steps(file: BinaryIO) -> Iterator[bytes]:
    while step := file.read(STEP_BYTES):
        yield step
