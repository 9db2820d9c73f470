"""Looking for garbage less often, as long as an import is under way: rows by the thousand live and die together, and none of them is in a circle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_USUAL: Final = gc.get_threshold()
SELDOM: Final = 300_000
"""Objects between two looks; with the usual 700 the looking takes a third of the time of an import (`tests/bench/imports.py`)."""


@contextmanager
def seldom() -> Iterator[None]:
    """Counts for the whole process. Of two imports at once the first that ends brings back what is usual, which only makes the other one slower."""
    gc.set_threshold(SELDOM, *_USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_USUAL)
