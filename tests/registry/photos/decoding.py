"""Letting the decoder look at bytes."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack

from registry.photos import decoder
from registry.photos.findings import Finding
from registry.photos.rules import PREVIEW_SIZES_PX


def looked_at(content: bytes) -> tuple[Finding, Mapping[int, bytes]]:
    """What is found in a process of its own, and the previews by pixels of the longer side."""
    with ExitStack() as files:
        source = files.enter_context(tempfile.TemporaryFile())
        source.write(content)
        previews = {size: files.enter_context(tempfile.TemporaryFile()) for size in PREVIEW_SIZES_PX}
        finding = decoder.look_at(source, previews)
        return finding, {size: os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0) for size, file in previews.items()}


def found(content: bytes) -> Finding:
    return looked_at(content)[0]
