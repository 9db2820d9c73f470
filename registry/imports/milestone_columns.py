"""The columns of a file of milestones, in both its forms, and what a row of them says. Pure.

In the long form a row says one milestone: its kind and its date. In the wide form it has a column for the date of each kind. A row may do both.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, cast

from registry.db import Json
from registry.errors import Fault
from registry.imports.dwelling_of_row import COLUMNS as OF_DWELLING
from registry.imports.kinds import RowFault, Values
from registry.sheets import cells
from registry.sheets.columns import Column
from registry.trajectories.model import MilestoneKind, Track
from registry.trajectories.rules import Happened
from registry.trajectories.settling import Group, Said, Settled

LONGEST_NAME: Final = 200
LONGEST_NOTE: Final = 2000
"""Characters."""
TRACKS: Final = {
    "verwerving": Track.ACQUISITION,
    "aankoop": Track.ACQUISITION,
    "renovatie": Track.RENOVATION,
    "verduurzaming": Track.SUSTAINABILITY,
    "sloop": Track.DEMOLITION,
    "nieuwbouw": Track.CONSTRUCTION,
    "transformatie": Track.CONSTRUCTION,
}
KINDS: Final = {
    "gepland": MilestoneKind.PLANNED,
    "planning": MilestoneKind.PLANNED,
    "gestart": MilestoneKind.STARTED,
    "start": MilestoneKind.STARTED,
    "gereed": MilestoneKind.COMPLETED,
    "opgeleverd": MilestoneKind.COMPLETED,
    "oplevering": MilestoneKind.COMPLETED,
    "geannuleerd": MilestoneKind.CANCELLED,
    "vervallen": MilestoneKind.CANCELLED,
}
WIDE: Final = {
    MilestoneKind.PLANNED: "plannedOn",
    MilestoneKind.STARTED: "startedOn",
    MilestoneKind.COMPLETED: "completedOn",
    MilestoneKind.CANCELLED: "cancelledOn",
}
"""The column of each kind in the wide form."""


def several(cell: str) -> list[Json]:
    """Names between semicolons or commas."""
    return [part for part in (part.strip() for part in cell.replace(",", ";").split(";")) if part]


def amounts(cell: str) -> list[Json]:
    """Amounts in euro between semicolons: a comma is that of the cents. Raises as `cells.euros`."""
    return [cast("Json", _euros(part.strip())) for part in cell.split(";") if part.strip()]


_euros = cells.euros()


def _date_of(name: str, headers: tuple[str, ...], what_nl: str, what_en: str) -> Column:
    return Column(name, headers, cells.day, f"{what_nl}: een datum als 31-3-2026.", f"{what_en}: a date as 31-3-2026.", "31-3-2026")


COLUMNS: Final = (
    Column(
        "trajectoryId",
        ("Traject-id", "Trajectory id"),
        cells.uuid,
        "Het id van het traject, als dat er al is.",
        "The id of the trajectory, when there is one.",
        "0190f5c0-7a53-7c0b-9d0a-2f6a6d3f4c12",
    ),
    *OF_DWELLING,
    Column(
        "project",
        ("Project", "Projectnaam", "Project name"),
        cells.text(LONGEST_NAME),
        "Een project dat het register kent, bij naam of kenmerk.",
        "A project that the register knows, by its name or slug.",
        "vrieheide",
    ),
    Column(
        "track",
        ("Spoor", "Track", "Soort werk"),
        cells.choice(TRACKS),
        "Verwerving, renovatie, verduurzaming, sloop of nieuwbouw.",
        "Acquisition, renovation, sustainability, demolition or construction.",
        "renovatie",
        required=True,
        choices=("verwerving", "renovatie", "verduurzaming", "sloop", "nieuwbouw"),
    ),
    Column(
        "kind",
        ("Mijlpaal", "Milestone", "Soort mijlpaal", "Status"),
        cells.choice(KINDS),
        "Gepland, gestart, gereed of geannuleerd.",
        "Planned, started, completed or cancelled.",
        "gestart",
        choices=("gepland", "gestart", "gereed", "geannuleerd"),
    ),
    _date_of(
        "effectiveOn",
        ("Datum", "Effective on", "Date", "Mijlpaaldatum"),
        "Wanneer het zo was, of waarvoor het gepland is",
        "When it was so, or for when it is planned",
    ),
    _date_of("plannedOn", ("Gepland op", "Planned on", "Geplande datum"), "Waarvoor het werk gepland is", "For when the work is planned"),
    _date_of("startedOn", ("Gestart op", "Started on", "Startdatum"), "Wanneer het werk begon", "When the work began"),
    _date_of(
        "completedOn",
        ("Gereed op", "Completed on", "Opgeleverd op", "Opleverdatum", "Gereeddatum"),
        "Wanneer het werk gereed was",
        "When the work was done",
    ),
    _date_of("cancelledOn", ("Geannuleerd op", "Cancelled on"), "Wanneer het werk niet doorging", "When the work was called off"),
    _date_of("decidedOn", ("Besloten op", "Decided on"), "Sinds wanneer er dat plan is", "Since when there is that plan"),
    Column(
        "scheme",
        ("Regeling", "Scheme", "Regelingen"),
        several,
        "De regelingen die betalen, met een puntkomma ertussen: alleen voor een traject dat er nog niet is.",
        "The schemes that pay, between semicolons: for a trajectory only that is not there yet.",
        "volkshuisvestingsfonds-2023",
    ),
    Column(
        "amount",
        ("Bedrag", "Amount", "Bijdrage"),
        amounts,
        "Het bedrag in euro van elke regeling, met een puntkomma ertussen.",
        "The amount in euro of each scheme, between semicolons.",
        "12.500,00",
    ),
    Column(
        "note",
        ("Toelichting", "Note", "Opmerking"),
        cells.text(LONGEST_NOTE),
        "Een toelichting. Alleen een andere toelichting verandert niets.",
        "A note. Another note alone changes nothing.",
        "Blok 3",
    ),
)


def form_faults(row: Values) -> list[RowFault]:
    """What is missing or stands there twice in how the row says its milestones, and its money."""
    faults = []
    if ("kind" in row) != ("effectiveOn" in row):
        faults.append(RowFault("effectiveOn" if "kind" in row else "kind", "required"))
    elif "kind" in row and WIDE[MilestoneKind(str(row["kind"]))] in row:
        faults.append(RowFault(WIDE[MilestoneKind(str(row["kind"]))], "milestone-said-twice"))
    schemes, money = row.get("scheme"), row.get("amount")
    if isinstance(money, list) and (not isinstance(schemes, list) or len(schemes) != len(money)):
        faults.append(RowFault("amount", "amounts-for-schemes", {"amounts": len(money), "schemes": len(schemes) if isinstance(schemes, list) else 0}))
    return faults


Dates = Mapping[MilestoneKind, str]


def unsaid(row: Values, dates: Dates) -> list[RowFault]:
    """What a row with these dates does not say though all of its cells can be read."""
    if not dates:
        return [RowFault("effectiveOn", "milestone-not-said")]
    return [RowFault("decidedOn", "decided-without-plan")] if "decidedOn" in row and MilestoneKind.PLANNED not in dates else []


def dates_of(row: Values) -> dict[MilestoneKind, str]:
    """The dates that a row says, as text, by kind."""
    dates = {kind: cast("str", row[column]) for kind, column in WIDE.items() if column in row}
    if "kind" in row and "effectiveOn" in row:
        dates.setdefault(_KIND[cast("str", row["kind"])], cast("str", row["effectiveOn"]))
    return dates


_KIND: Final = {kind.value: kind for kind in MilestoneKind}
_TRACK: Final = {track.value: track for track in Track}


def group_of(row: Values, dates: Dates, *, faulty: bool) -> Group:
    """The milestones that a row with these dates says; of a row with faulty cells, those that can be told."""
    if "track" not in row:
        return Group((), faulty)
    track, note = _TRACK[cast("str", row["track"])], cast("str | None", row.get("note"))
    decided_on = date.fromisoformat(cast("str", row["decidedOn"])) if "decidedOn" in row else None
    return Group(
        [Said(Happened(track, kind, date.fromisoformat(day), decided_on if kind is MilestoneKind.PLANNED else None), note) for kind, day in dates.items()],
        faulty,
    )


def money_of(row: Values) -> dict[str, Decimal | None]:
    """The amounts of a row by scheme, as `milestone_targets` has found them."""
    if "money" not in row:
        return {}
    pairs = cast("list[list[str | None]]", row["money"])
    return {cast("str", scheme): None if amount is None else Decimal(amount) for scheme, amount in pairs}


_ABOUT: Final = {
    "completed-without-start": (MilestoneKind.COMPLETED,),
    "completed-before-started": (MilestoneKind.COMPLETED, MilestoneKind.STARTED),
    "cancelled-after-completion": (MilestoneKind.CANCELLED, MilestoneKind.COMPLETED),
    "after-cancellation": (MilestoneKind.STARTED, MilestoneKind.CANCELLED),
}
"""Which milestones a fault of a history is about, the one to look at first before."""


def row_fault(fault: Fault, row: Values) -> RowFault:
    """The same fault at the cell it is about."""
    name = fault.pointer.removeprefix("/")
    kinds = _ABOUT.get(fault.code) or tuple(kind for kind in MilestoneKind if kind.value == fault.facts.get("kind"))
    there = next((kind for kind in kinds if kind in dates_of(row)), None)
    if there is not None and name != "decidedOn" and WIDE[there] in row:
        name = WIDE[there]
    return RowFault(name, fault.code, shown(fault.facts))


def shown(facts: Mapping[str, object]) -> dict[str, Json]:
    return {name: fact if isinstance(fact, str | int | float | None) else str(fact) for name, fact in facts.items()}


def changes_of(settled: Settled, row: Values) -> dict[str, Json] | None:
    """What is so now and was not, by the column that says it. A confirmation does not carry over to a correction."""
    changes: dict[str, Json] = {}
    for step in settled.steps:
        if step.former is None:
            continue
        column = WIDE[step.happened.kind] if WIDE[step.happened.kind] in row else "effectiveOn"
        former = step.former.happened
        if step.happened.effective_on != former.effective_on:
            changes[column] = [former.effective_on.isoformat(), step.happened.effective_on.isoformat()]
        if step.happened.decided_on != former.decided_on:
            changes["decidedOn"] = [_iso(former.decided_on), _iso(step.happened.decided_on)]
        if step.former.confirmed_at is not None:
            changes["confirmed"] = [True, False]
    return changes or None


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
