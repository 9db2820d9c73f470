"""The two steps of an import: `stage` reads and joins outside any transaction of the register, `apply` writes in one short one."""

import re
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import LiteralString

import psycopg

from registry.imports.bag import staging
from registry.imports.bag.archive import part_files
from registry.imports.bag.model import REQUIRED_PARTS, BagNothingFound, BagPartMissing, Part, Progress
from registry.imports.bag.objects import read_delivery
from registry.imports.bag.records import Delivery
from registry.imports.bag.rules import LeftOut, Suspect
from registry.imports.bag.staging import Tally
from registry.imports.bag.transformation import Transformation, describe_transformation


@dataclass(frozen=True, slots=True)
class PartCounts:
    """Occurrences (voorkomens) of one object type in the extract, and those of them that are current."""

    read: int
    current: int


@dataclass(frozen=True, slots=True)
class StagedCounts:
    """What the extract holds. ``kept`` plus everything in ``left_out`` is the current addressable objects.

    ``buildings_missing`` counts dwellings that refer to a building the extract does not have. ``delivered`` are the names of municipalities by
    code, from the delivery document, which an extract can do without.
    """

    reference_date: date | None
    delivered: dict[str, str]
    parts: dict[Part, PartCounts]
    kept: int
    left_out: dict[LeftOut, int]
    suspect: dict[Suspect, int]
    buildings_missing: int
    transformation: Transformation


@dataclass(frozen=True, slots=True)
class AppliedCounts:
    """What became of the kept dwellings: ``created`` + ``changed`` + ``unchanged`` is all of them.

    ``no_longer_kept`` are dwellings in the register that this extract leaves out, for example because they are withdrawn. They stay as they are.
    """

    created: int
    changed: int
    unchanged: int
    no_longer_kept: int
    municipalities_added: int


@dataclass(frozen=True, slots=True)
class BagImportReport:
    staged: StagedCounts
    applied: AppliedCounts
    seconds: float
    peak_memory_mb: float

    @property
    def dwellings_per_second(self) -> float:
        return self.staged.kept / self.seconds


def import_extract(
    connection: psycopg.Connection, path: Path, *, municipality_name: Callable[[str], str | None], progress: Callable[[Progress], None]
) -> BagImportReport:
    """Both steps on one autocommit ``connection``. Raises BagFileError, and then nothing has changed."""
    started = time.perf_counter()
    staged = stage(connection, path, progress=progress)
    size = path.stat().st_size
    progress(Progress("apply", 0, size))
    with connection.transaction():
        applied = apply(connection, municipality_name=lambda code: municipality_name(code) or staged.delivered.get(code))
    progress(Progress("apply", size, size))
    return BagImportReport(staged, applied, time.perf_counter() - started, peak_memory_mb())


def stage(connection: psycopg.Connection, path: Path, *, progress: Callable[[Progress], None]) -> StagedCounts:
    """Read the extract into temporary tables of this session; the register is not touched.

    Raises BagFileError: everything in the model.
    """
    size = path.stat().st_size if path.is_file() else 0
    tallies: dict[Part, Tally] = defaultdict(Tally)
    delivery: Delivery | None = None
    for part in read_parts(connection, path, tallies, lambda done: progress(Progress("read", done, size))):
        delivery = part or delivery
    progress(Progress("join", 0, size))
    staging.join(connection)
    progress(Progress("join", size, size))
    joined = staging.count_joined(connection)
    return StagedCounts(
        reference_date=delivery.reference_date if delivery else None,
        delivered=delivery.municipalities if delivery else {},
        parts={part: PartCounts(tallies[part].read, tallies[part].current) for part in Part if part in tallies},
        kept=joined.kept,
        left_out=joined.left_out,
        suspect=joined.suspect,
        buildings_missing=joined.buildings_missing,
        transformation=describe_transformation(),
    )


def read_parts(connection: psycopg.Connection, path: Path, tallies: dict[Part, Tally], advanced: Callable[[int], None]) -> Iterator[Delivery | None]:
    """Copy the extract into temporary tables, one file of it at each step; the delivery document comes out when it is that one. Raises BagFileError."""
    staging.create_tables(connection)
    for file in part_files(path, advanced):
        if file.part is Part.DELIVERY:
            yield read_delivery(file)
        else:
            staging.copy_file(connection, file, tallies[file.part])
            yield None
    _refuse_incomplete(path, tallies)


def _refuse_incomplete(path: Path, tallies: dict[Part, Tally]) -> None:
    if not tallies:
        raise BagNothingFound(path=path.name)
    if missing := [part for part in REQUIRED_PARTS if part not in tallies]:
        raise BagPartMissing(parts=", ".join(missing))


_MISSING_MUNICIPALITIES = """
SELECT DISTINCT municipality_code FROM pg_temp.bag_dwelling staged
WHERE NOT EXISTS (SELECT FROM municipality WHERE code = staged.municipality_code) ORDER BY municipality_code
"""
_ADD_MUNICIPALITY = "INSERT INTO municipality (code, name) VALUES (%s, %s) ON CONFLICT (code) DO NOTHING"

OWNED: tuple[LiteralString, ...] = (
    "bag_object_type",
    "bag_status",
    "address_designation_id",
    "building_ids",
    "street",
    "house_number",
    "house_letter",
    "house_number_suffix",
    "postcode",
    "town",
    "town_code",
    "municipality_code",
    "year_built",
    "floor_area_m2",
    "uses",
    "rd_x",
    "rd_y",
    "longitude",
    "latitude",
)
"""The columns that the BAG decides. The others of `dwelling` are never touched."""


def _columns(prefix: LiteralString) -> LiteralString:
    return ", ".join([prefix + column for column in OWNED])


_CREATE = f"""
WITH created AS (
    INSERT INTO dwelling (bag_id, {_columns("")}, source)
    SELECT bag_id, {_columns("")}, 'bag' FROM pg_temp.bag_dwelling staged
    WHERE NOT EXISTS (SELECT FROM dwelling WHERE dwelling.bag_id = staged.bag_id AND withdrawn_at IS NULL)
    ORDER BY bag_id
    ON CONFLICT (bag_id) WHERE withdrawn_at IS NULL DO NOTHING
    RETURNING id, municipality_code
)
INSERT INTO pg_temp.bag_applied SELECT id, municipality_code, 'created' FROM created
"""
# Rows are locked in the order of their BAG id before any is changed, so that two imports can't wait for each other in a circle.
_CHANGE = f"""
WITH differing AS MATERIALIZED (
    SELECT dwelling.id, dwelling.bag_id FROM dwelling JOIN pg_temp.bag_dwelling staged ON staged.bag_id = dwelling.bag_id
    WHERE dwelling.withdrawn_at IS NULL AND ({_columns("dwelling.")}) IS DISTINCT FROM ({_columns("staged.")})
    ORDER BY dwelling.bag_id
    FOR NO KEY UPDATE OF dwelling
), changed AS (
    UPDATE dwelling SET ({_columns("")}) = ROW ({_columns("staged.")}), version = dwelling.version + 1, recorded_at = clock_timestamp()
    FROM differing JOIN pg_temp.bag_dwelling staged ON staged.bag_id = differing.bag_id
    WHERE dwelling.id = differing.id
    RETURNING dwelling.id, dwelling.municipality_code
)
INSERT INTO pg_temp.bag_applied SELECT id, municipality_code, 'changed' FROM changed
"""
_NO_LONGER_KEPT = """
SELECT count(*) FROM (SELECT DISTINCT id FROM pg_temp.bag_object WHERE left_out IS NOT NULL AND left_out <> 'duplicate') object
JOIN dwelling ON dwelling.bag_id = object.id AND dwelling.withdrawn_at IS NULL
"""


def apply(connection: psycopg.Connection, *, municipality_name: Callable[[str], str | None]) -> AppliedCounts:
    """Bring the register up to date with what `stage` left in this session; the caller holds the transaction.

    Afterwards the temporary table `bag_applied` (id, municipality_code, outcome: created or changed) names the dwellings that were written.
    A municipality that is new to the register gets the name that ``municipality_name`` gives for its code, or the code itself.
    """
    connection.execute("TRUNCATE pg_temp.bag_applied")
    codes = [str(code) for (code,) in connection.execute(_MISSING_MUNICIPALITIES)]
    for code in codes:
        connection.execute(_ADD_MUNICIPALITY, (code, municipality_name(code) or code))
    created = connection.execute(_CREATE).rowcount
    changed = connection.execute(_CHANGE).rowcount
    kept = _count(connection, "SELECT count(*) FROM pg_temp.bag_dwelling")
    no_longer_kept = _count(connection, _NO_LONGER_KEPT)
    return AppliedCounts(created, changed, kept - created - changed, no_longer_kept, len(codes))


def _count(connection: psycopg.Connection, query: LiteralString) -> int:
    return next(int(count) for (count,) in connection.execute(query))


def peak_memory_mb() -> float:
    """The most memory this process has had, in MB (10^6 bytes).

    From /proc where there is one: `getrusage` also counts what the parent had when it started us.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        if peak:
            return int(peak.group(1)) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
