"""The names of all municipalities since 1970, for sources that give only codes. From the CBS list (Gemeentelijke indeling, CC BY 4.0, CBS)."""

import csv
from functools import cache
from importlib import resources


@cache
def _names() -> dict[str, str]:
    with resources.files("registry.areas").joinpath("municipalities.csv").open(encoding="utf-8") as file:
        return {row["code"]: row["name"] for row in csv.DictReader(file)}


def municipality_name(code: str) -> str | None:
    """The last name that the municipality with this CBS code had, None for a code that never was one."""
    return _names().get(code)
