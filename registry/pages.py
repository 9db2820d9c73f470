"""A page of a list that is read in the order of a key, so that any page costs the same and none is skipped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
LARGEST_PAGE = 500
USUAL_PAGE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """``next`` is the key of the last item when there are more, else None."""

    items: Sequence[Item]
    next: str | None


def page_of(found: Sequence[Item], *, limit: int, key: Callable[[Item], str]) -> Page[Item]:
    """Make a page from a query that asked for ``limit + 1`` rows."""
    items = found[:limit]
    return Page(items, key(items[-1]) if len(found) > limit else None)
