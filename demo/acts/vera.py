"""A corporation takes its portfolio out in the names and codes of VERA, for its own systems."""

import json
from collections.abc import Iterator
from pathlib import Path

from demo.client import Body, Register, Voice
from demo.screen import Screen
from demo.world import WELLER

SHOWN = ("code", "soort", "status", "bouwjaar", "gebruiksoppervlakte", "inExploitatiedatum", "renovatie")
FILE = "vera.json"


def take_out(register: Register, screen: Screen, folder: Path) -> None:
    units = list(_units(register.speaking_as("corporation-editor", WELLER.slug)))
    (folder / FILE).write_text(json.dumps(units, ensure_ascii=False, indent=2), encoding="utf-8")
    screen.check(f"portfolio of {WELLER.name} in VERA, {len(units)} eenheden: {folder / FILE}")
    renovated = next(unit["eenheid"] for unit in units if "renovatie" in unit["eenheid"])
    table = screen.table("eenheid", "")
    for name in SHOWN:
        if name in renovated:
            table.add_row(name, _said(renovated[name]))
    screen.show(table)


def _units(weller: Voice) -> Iterator[Body]:
    after: dict[str, str] = {}
    while True:
        page = weller.get("/vera-units", limit="500", **after)
        yield from page["items"]
        if page["next"] is None:
            return
        after = {"cursor": page["next"]}


def _said(value: object) -> str:
    """Reference data by code and name."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return str(value)
