"""Finding dwellings: by BAG id, by address, by a street that is spelled nearly right, by place and by what is being done to them.

Two functions of the database do what row-level security would make slow (migration 0018): they look for nothing but what whoever acts sees, and give
ids. The dwellings themselves are read as always, behind the policies.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from registry.access import Actor, Right, require
from registry.audit import commands as audit
from registry.db import Json
from registry.dwellings.addresses import postcodes_from, readings
from registry.dwellings.model import Dwelling, Tenure
from registry.dwellings.queries import COLUMNS
from registry.dwellings.succession_model import Side, Succession, SuccessionDwelling
from registry.errors import Fault, InvalidInput, RuleViolation
from registry.pages import Page
from registry.values import EnergyLabel

LARGEST_BOX_DEGREES = 0.05
"""Each side: 3.4 km from west to east, 5.6 km from south to north. More dwellings than that are no map to look at, but figures."""
LARGEST_NUMBER = 100_000
"""In a cursor."""
BEFORE_ALL = UUID(int=0)
PROGRESS = ("project", "executorId", "track", "overdueOn")


@dataclass(frozen=True, slots=True)
class Box:
    """CRS84 degrees, the edges included."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; all that is given must hold. ``text`` is as somebody typed it, ``postcode_prefix`` the beginning of a postcode.

    ``project``, ``executor_id``, ``track`` with ``state``, and ``overdue_on`` are about one trajectory, the last three about one track of it: a track is
    overdue on a day when the day for which it is planned had passed by then, and it had not been started, completed or cancelled.
    """

    bag_id: str | None = None
    postcode: str | None = None
    house_number: int | None = None
    house_letter: str | None = None
    house_number_suffix: str | None = None
    postcode_prefix: str | None = None
    text: str | None = None
    town: str | None = None
    municipality_code: str | None = None
    focus_area: str | None = None
    bbox: Box | None = None
    project: str | None = None
    executor_id: UUID | None = None
    track: str | None = None
    state: str | None = None
    overdue_on: date | None = None
    tenure: Tenure | None = None
    energy_label: EnergyLabel | None = None

    @property
    def asked(self) -> dict[str, Json]:
        """What is given, in the words of the API; the parameter of the functions that search, too."""
        values: dict[str, object] = {_camel(name): getattr(self, name) for name in self.__slots__ if name not in ("bbox", "postcode_prefix")}
        values["bbox"] = None if self.bbox is None else [*asdict(self.bbox).values()]
        values["postcodes"] = None if self.postcode_prefix is None else [*postcodes_from(self.postcode_prefix)]
        return {name: _plain(value) for name, value in values.items() if value is not None}

    @property
    def exact(self) -> bool:
        """Nothing but one BAG id, or one address."""
        address = {"postcode", "houseNumber", "houseLetter", "houseNumberSuffix"}
        given = self.asked.keys()
        return given == {"bagId"} or (given <= address and {"postcode", "houseNumber"} <= given)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _plain(value: object) -> Json:
    return value if isinstance(value, str | int | float | list) else str(value)


def check(wanted: Wanted) -> list[Fault]:
    """What does not fit together."""
    faults = [] if wanted.bbox is None else check_box(wanted.bbox, "/bbox")
    if (wanted.track is None) != (wanted.state is None):
        faults.append(Fault("/trackState", "required"))
    if wanted.postcode is not None and wanted.house_number is None:
        faults.append(Fault("/houseNumber", "required"))
    if wanted.house_number is not None and wanted.text is None and wanted.postcode is None and wanted.postcode_prefix is None:
        faults.append(Fault("/text", "required"))
    if wanted.house_number is None:
        faults += [Fault("/houseNumber", "required") for part in (wanted.house_letter, wanted.house_number_suffix) if part is not None][:1]
    if wanted.town is not None and wanted.text is None:
        faults.append(Fault("/text", "required"))
    return list({(fault.pointer, fault.code): fault for fault in faults}.values())


def check_box(box: Box, pointer: str) -> list[Fault]:
    if max(abs(box.west), abs(box.east)) > 180 or max(abs(box.south), abs(box.north)) > 90:
        return [Fault(pointer, "wrong-form", {"form": "5.97,50.91,5.98,50.92"})]
    if box.west > box.east or box.south > box.north:
        return [Fault(pointer, "box-turned-over")]
    too_large = max(box.east - box.west, box.north - box.south) > LARGEST_BOX_DEGREES
    return [Fault(pointer, "box-too-large", {"max": LARGEST_BOX_DEGREES})] if too_large else []


def search(session: Session, actor: Actor, wanted: Wanted, *, after: Json = None, limit: int) -> Page[sa.RowMapping]:
    """One page, and an audit line about who looked for what. ``after`` is the `next` of the page before.

    The order is that of likeness and number when a street is looked for, with the exact address first when that is, else that of the id.
    Raises NotAllowed, ReasonRequired, RuleViolation, InvalidInput.
    """
    faults = check(wanted)
    if faults:
        raise RuleViolation(faults)
    _may(actor, wanted)
    audit.record(session, actor, "dwelling.searched", "address", _told(wanted))
    return find(session, actor, wanted, after=after, limit=limit)


def list_(session: Session, actor: Actor, wanted: Wanted, *, after: UUID | None, limit: int) -> Page[sa.RowMapping]:
    """One page in the order of the id of what is asked for in an address: nothing that says where somebody lives. Raises as `search`."""
    faults = [] if wanted.bbox is None else check_box(wanted.bbox, "bbox")
    if (wanted.track is None) != (wanted.state is None):
        faults.append(Fault("track" if wanted.track is None else "trackState", "required"))
    if faults:
        raise RuleViolation(faults)
    _may(actor, wanted)
    return _in_order_of_id(session, wanted, after=None if after is None else str(after), limit=limit)


def _told(wanted: Wanted) -> str:
    """For the audit log: the address when it is one, else all that was asked."""
    address = (wanted.postcode, str(wanted.house_number or ""), wanted.house_letter, wanted.house_number_suffix)
    return " ".join(filter(None, address)) if wanted.exact and wanted.postcode else json.dumps(wanted.asked, ensure_ascii=False)


def _may(actor: Actor, wanted: Wanted) -> None:
    require(actor, Right.READ_DWELLINGS)
    if not wanted.asked.keys().isdisjoint(PROGRESS):
        require(actor, Right.READ_PROGRESS)


def find(session: Session, actor: Actor, wanted: Wanted, *, after: Json = None, limit: int) -> Page[sa.RowMapping]:
    """As `search`, without the audit line. Raises NotAllowed, ReasonRequired, InvalidInput."""
    _may(actor, wanted)
    if wanted.exact:
        return Page(_exact(session, wanted), None)
    if wanted.text is None:
        return _in_order_of_id(session, wanted, after=after, limit=limit)
    return _as_typed(session, wanted, after=after, limit=limit)


def _exact(session: Session, wanted: Wanted) -> Sequence[sa.RowMapping]:
    if wanted.bag_id is not None:
        return _seen(session, Dwelling.bag_id == wanted.bag_id) or _seen(session, Dwelling.id.in_(_re_keyed(session, wanted.bag_id)))
    at_number = (Dwelling.postcode == wanted.postcode, Dwelling.house_number == wanted.house_number)
    narrower = [(Dwelling.house_letter, wanted.house_letter), (Dwelling.house_number_suffix, wanted.house_number_suffix)]
    given = [(column, said) for column, said in narrower if said is not None]
    found = _seen(session, *at_number, *(sa.func.lower(column) == said.lower() for column, said in given))
    return sorted(found, key=lambda row: (*(row[column.key] != said for column, said in given), row["house_letter"] or "", row["house_number_suffix"] or ""))


def _seen(session: Session, *conditions: sa.ColumnElement[bool]) -> Sequence[sa.RowMapping]:
    """Of those few that are so, the ones in sight: each is asked about, where `visible_to` would go through all of a portfolio first."""
    in_sight = sa.func.sees_row_of_dwelling(Dwelling.id, Dwelling.municipality_code, Dwelling.registrar_id)
    query = sa.select(*COLUMNS).where(Dwelling.withdrawn_at.is_(None), *conditions, in_sight)
    return session.execute(query.order_by(Dwelling.id).limit(500)).mappings().all()


def _re_keyed(session: Session, bag_id: str) -> Sequence[UUID]:
    """The dwellings that the BAG once called so and calls by another id since."""
    after = sa.select(SuccessionDwelling.dwelling_id).join(Succession, Succession.id == SuccessionDwelling.succession_id)
    return session.scalars(after.where(Succession.former_bag_id == bag_id, Succession.retracted_at.is_(None), SuccessionDwelling.side == Side.SUCCESSOR)).all()


_IDS = sa.text("SELECT find_dwellings(:wanted, :after, :at_most)").bindparams(
    sa.bindparam("wanted", type_=JSONB), sa.bindparam("after", type_=sa.Uuid), sa.bindparam("at_most", type_=sa.Integer)
)
_PLACES = sa.text("SELECT id, place FROM find_dwellings_by_street(:wanted, :after, :at_most)").bindparams(
    sa.bindparam("wanted", type_=JSONB), sa.bindparam("after", type_=JSONB(none_as_null=True)), sa.bindparam("at_most", type_=sa.Integer)
)


def _in_order_of_id(session: Session, wanted: Wanted, *, after: Json, limit: int) -> Page[sa.RowMapping]:
    last = BEFORE_ALL if after is None else _id(after)
    ids = session.scalars(_IDS, {"wanted": wanted.asked, "after": last, "at_most": limit + 1}).all()
    return Page(_rows(session, ids[:limit]), str(ids[limit - 1]) if len(ids) > limit else None)


def _id(after: Json) -> UUID:
    """Raises InvalidInput."""
    try:
        return UUID(str(after))
    except ValueError:
        raise InvalidInput([Fault("/cursor", "bad-cursor")]) from None


def _as_typed(session: Session, wanted: Wanted, *, after: Json, limit: int) -> Page[sa.RowMapping]:
    """By the first reading of the text with which anything is found; the cursor says which one it was."""
    first, place = (0, None) if after is None else _reading(after)
    for number, asked in enumerate(_asked(wanted)):
        if number < first:
            continue
        page = _by_street(session, asked, after=place, limit=limit) if asked.text else _in_order_of_id(session, asked, after=place, limit=limit)
        if page.items or after is not None:
            return replace(page, next=None if page.next is None else json.dumps([number, page.next]))
    return Page([], None)


def _reading(after: Json) -> tuple[int, Json]:
    """Raises InvalidInput."""
    try:
        number, place = json.loads(str(after))
        if type(number) is not int:
            raise ValueError(after)
        return number, cast("Json", place)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput([Fault("/cursor", "bad-cursor")]) from None


def _asked(wanted: Wanted) -> list[Wanted]:
    """One thing to look for instead of the text, for each reading of it; what is said apart from it goes before it."""
    text = cast("str", wanted.text)
    if wanted.house_number is not None:
        return [wanted]
    found = []
    for reading in readings(text):
        number = {name: getattr(reading, name) for name in ("house_number", "house_letter", "house_number_suffix")}
        if reading.postcode is None:
            found.append(replace(wanted, text=reading.street, town=wanted.town or reading.town, **number))
        elif wanted.town is None:
            found.append(replace(wanted, text=None, postcode=reading.postcode, **number))
    return found


def _by_street(session: Session, wanted: Wanted, *, after: Json, limit: int) -> Page[sa.RowMapping]:
    place = None if after is None else _place(after)
    asked = {**wanted.asked, "street": wanted.text}
    found = session.execute(_PLACES, {"wanted": asked, "after": place, "at_most": limit + 1}).all()
    following = json.dumps(found[limit - 1].place) if len(found) > limit else None
    return Page(_rows(session, [row.id for row in found[:limit]]), following)


def _place(after: Json) -> Json:
    """Where a dwelling stands: likeness, municipality, town, street; number, letter, suffix, id. Raises InvalidInput."""
    try:
        place = json.loads(str(after))
        if [type(part) for part in place] != [int, str, str, str, int, str, str, str] or max(abs(place[0]), abs(place[4])) > LARGEST_NUMBER:
            raise ValueError(after)
        UUID(place[7])
        if b"\0" in "".join(part for part in place if isinstance(part, str)).encode():  # half a character has no bytes
            raise ValueError(after)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput([Fault("/cursor", "bad-cursor")]) from None
    return cast("Json", place)


def _rows(session: Session, ids: Sequence[UUID]) -> list[sa.RowMapping]:
    """In this order; the policies have the last word."""
    if not ids:
        return []
    rows: Mapping[UUID, sa.RowMapping] = {row["id"]: row for row in session.execute(sa.select(*COLUMNS).where(Dwelling.id.in_(ids))).mappings()}
    return [rows[id] for id in ids if id in rows]
