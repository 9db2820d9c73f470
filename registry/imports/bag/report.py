"""The report of an import, in lines for people."""

from collections.abc import Iterator

from registry.imports.bag.commands import BagImportReport
from registry.imports.bag.model import ADDRESSABLE_OBJECTS, Part
from registry.imports.bag.rules import LeftOut, Suspect
from registry.imports.bag.transformation import Transformation

_PARTS = {
    Part.OCCUPIABLE_OBJECT: "occupiable objects (VBO)",
    Part.MOORING: "moorings (LIG)",
    Part.PITCH: "pitches (STA)",
    Part.ADDRESS_DESIGNATION: "address designations (NUM)",
    Part.STREET: "streets (OPR)",
    Part.TOWN: "towns (WPL)",
    Part.BUILDING: "buildings (PND)",
    Part.TOWN_MUNICIPALITY: "towns in municipalities (GEM-WPL)",
}
_REASONS = {
    LeftOut.NOT_RESIDENTIAL: "no residential use (no woonfunctie)",
    LeftOut.NOT_YET_BUILT: "formed but not yet in use (Verblijfsobject gevormd)",
    LeftOut.NOT_REALISED: "never built (Niet gerealiseerd verblijfsobject)",
    LeftOut.WITHDRAWN: "withdrawn (ingetrokken)",
    LeftOut.RECORDED_IN_ERROR: "recorded in error (ten onrechte opgevoerd)",
    LeftOut.DUPLICATE: "an older copy of an object that occurs twice",
    LeftOut.ADDRESS_MISSING: "its address designation is not in the extract",
    LeftOut.STREET_MISSING: "its street is not in the extract",
    LeftOut.TOWN_MISSING: "its town is not in the extract",
    LeftOut.MUNICIPALITY_MISSING: "its town belongs to no municipality on the date of the extract",
}
_SUSPECT = {
    Suspect.FLOOR_AREA: "floor area is a placeholder (1 or 999999 m2)",
    Suspect.YEAR_BUILT: "year built is a placeholder (1005, 9999) or impossible",
    Suspect.LOCATION: "location lies outside the Netherlands",
}


def report_lines(report: BagImportReport) -> list[str]:
    return [*_head(report), *_read(report), *_left_out(report), *_kept(report), *_applied(report), *_cost(report)]


def _head(report: BagImportReport) -> Iterator[str]:
    staged = report.staged
    of = ", ".join(f"{name} ({code})" for code, name in staged.delivered.items()) or "an area the delivery does not name"
    yield f"BAG extract of {of}, state of {staged.reference_date or 'an unknown date'}"


def _read(report: BagImportReport) -> Iterator[str]:
    yield "Read (occurrences / of which current):"
    for part, counts in report.staged.parts.items():
        yield f"  {_PARTS[part]:<36} {counts.read:>9,} / {counts.current:>9,}"


def _left_out(report: BagImportReport) -> Iterator[str]:
    current = sum(report.staged.parts[part].current for part in ADDRESSABLE_OBJECTS if part in report.staged.parts)
    yield f"Left out, {sum(report.staged.left_out.values()):,} of {current:,} current occupiable objects, moorings and pitches:"
    for reason, count in report.staged.left_out.items():
        yield f"  {count:>9,}  {reason.value}: {_REASONS[reason]}"


def _kept(report: BagImportReport) -> Iterator[str]:
    yield f"Kept: {report.staged.kept:,} dwellings"
    for suspect, count in report.staged.suspect.items():
        yield f"  {count:>9,}  stored without this value, {suspect.value}: {_SUSPECT[suspect]}"
    if report.staged.buildings_missing:
        yield f"  {report.staged.buildings_missing:>9,}  building-missing: refer to a building that is not in the extract; its year is not known"


def _applied(report: BagImportReport) -> Iterator[str]:
    applied = report.applied
    yield f"Register: {applied.created:,} created, {applied.changed:,} changed, {applied.unchanged:,} unchanged"
    if applied.created == applied.changed == 0:
        yield "Nothing has changed: the register already had all of this."
    if applied.municipalities_added:
        yield f"Municipalities added: {applied.municipalities_added:,}"
    if applied.no_longer_kept:
        yield f"{applied.no_longer_kept:,} dwellings in the register are left out by this extract; they stay as they are."


def _cost(report: BagImportReport) -> Iterator[str]:
    yield _transformation(report.staged.transformation)
    yield f"Took {report.seconds:.1f} s: {report.dwellings_per_second:,.0f} dwellings/s, at most {report.peak_memory_mb:.0f} MB of memory"


def _transformation(used: Transformation) -> str:
    accuracy = "unknown" if used.accuracy_m is None else f"{used.accuracy_m:g} m"
    grid = "with" if used.uses_correction_grid else "without"
    return f"Longitude and latitude: {used.name}, accuracy {accuracy}, {grid} a correction grid"
