"""A filled-in form as the document of an inspection. Pure.

Namespaces are left aside: Collect and Enketo differ in which ones they write.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from uuid import UUID

from lxml import etree

from registry.checklists.json_schema import LARGEST_NUMBER
from registry.checklists.questions import QuestionType
from registry.checklists.rules import LONGEST_TEXT
from registry.db import Json
from registry.errors import Fault, RuleViolation
from registry.inspections.model import VisitOutcome
from registry.inspections.rules import Document
from registry.openrosa.outline import FORM_ID, Asked, Outline
from registry.openrosa.words import OTHER_DEFECT
from registry.values import EARLIEST_YEAR, LATEST_YEAR

LARGEST_XML_BYTES: Final = 1024 * 1024
LONGEST_INSTANCE_ID: Final = 200
"""Characters."""
LONGEST_NUMBER: Final = 30
"""Characters."""
VERSION: Final = re.compile("[0-9]{1,9}")


class MessageUnreadable(RuleViolation):
    """What was sent is no filled-in form; fact ``problem`` says why."""

    code = "openrosa-unreadable"


@dataclass(frozen=True, slots=True)
class Envelope:
    """Which form it is and of which inspection, known before the checklist is. ``base_version`` is that of the inspection when its list was fetched."""

    instance_id: str
    key: str
    edition: int
    inspection_id: UUID
    base_version: int | None
    root: etree._Element


@dataclass(frozen=True, slots=True)
class Pictured:
    """Of what a photo is that the form names."""

    question: str
    defect: str | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """``photos`` by the name of their file."""

    document: Document
    photos: Mapping[str, Pictured]


def read(xml: bytes) -> Envelope:
    """Raises MessageUnreadable, RuleViolation."""
    root = _parse(xml)
    form = FORM_ID.fullmatch(root.get("id", ""))
    if form is None:
        raise RuleViolation([Fault("id", "openrosa-form-unknown", {"form": root.get("id", "")[:LONGEST_INSTANCE_ID]})])
    instance_id = (_text(root, "meta", "instanceID") or "").strip()
    if not 1 <= len(instance_id) <= LONGEST_INSTANCE_ID:
        raise MessageUnreadable(problem="meta/instanceID")
    try:
        inspection_id = UUID(_text(root, "visit", "inspection") or "")
    except ValueError:
        raise RuleViolation([Fault("visit/inspection", "required")]) from None
    version = _text(root, "visit", "base-version") or ""
    base = int(version) if VERSION.fullmatch(version) else None
    return Envelope(instance_id, form[1], int(form[2]), inspection_id, base, root)


def _parse(xml: bytes) -> etree._Element:
    """Without entities, which can be made enormous, without the network, and without namespaces. Raises MessageUnreadable."""
    if b"<!DOCTYPE" in xml or len(xml) > LARGEST_XML_BYTES:
        raise MessageUnreadable(problem="DOCTYPE" if b"<!DOCTYPE" in xml else f"> {LARGEST_XML_BYTES} bytes")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MessageUnreadable(problem=str(error)[:LONGEST_INSTANCE_ID]) from None
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding in which the look at the bytes did not find it
        raise MessageUnreadable(problem="DOCTYPE")
    for element in root.iter("*"):
        element.tag = etree.QName(element).localname
    return root


def filled_in(outline: Outline, root: etree._Element) -> Filled:
    """What was filled in. Answers that can't be meant are passed on as they are, for the rules of the checklist to judge.

    Raises RuleViolation for a photo that is named twice, and for remarks that are too long.
    """
    answers: dict[str, Json] = {}
    photos: list[tuple[str, Pictured]] = []
    for asked in outline.questions:
        place = _find(root, "answers", asked.section, asked.key)
        if place is not None:
            answer = _condition(asked, place, photos) if asked.question.type is QuestionType.CONDITION else _answer(asked, _text(place, "answer"))
            answers |= {} if answer is None else {asked.key: answer}
            photos += [(name, Pictured(asked.key)) for name in _names(place)]
    _check_names([name for name, _ in photos])
    outcome = _text(root, "visit", "outcome")
    document = Document(
        answers=answers,
        visit_outcome=VisitOutcome(outcome) if outcome in {each.value for each in VisitOutcome} else None,
        visited_at=_moment(_text(root, "visit", "started-at")),
        remarks=_remarks(root),
    )
    return Filled(document, dict(photos))


def _check_names(names: Sequence[str]) -> None:
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise RuleViolation([Fault(name, "repeated", {"value": name}) for name in twice])


def _remarks(root: etree._Element) -> str | None:
    remarks = _text(root, "closing", "remarks")
    if remarks is not None and len(remarks) > LONGEST_TEXT:
        raise RuleViolation([Fault("closing/remarks", "too-long", {"max": LONGEST_TEXT})])
    return remarks


def _answer(asked: Asked, text: str | None) -> Json:
    if text is None:
        return None
    match asked.question.type:
        case QuestionType.SEVERAL:
            return list(text.split())
        case QuestionType.NUMBER:
            return _number(text)
        case QuestionType.TEXT:
            return text
        case _:
            return text.strip()


def _number(text: str) -> Json:
    """As JSON has it; the text itself when it is no number, or one that programs read differently."""
    try:
        number = Decimal(text.strip()[:LONGEST_NUMBER])
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > LONGEST_NUMBER or abs(number) > LARGEST_NUMBER:
        return text
    return int(number) if number == number.to_integral_value() else float(number)


def _condition(asked: Asked, place: etree._Element, photos: list[tuple[str, Pictured]]) -> Json:
    """What was found of a building part; the photos of its defects are added to ``photos``. Defects are called d1, d2, … in their order."""
    state = _text(place, "state")
    if state is None:
        return None
    if state == "absent":
        return {"defects": [], "notPresent": True}
    defects: list[Json] = []
    for each in place.findall("defect") if state == "defects" else ():
        key = f"d{len(defects) + 1}"
        defects.append(_defect(key, each))
        photos += [(name, Pictured(asked.key, key)) for name in _names(each)]
    return {"defects": defects}


def _defect(key: str, place: etree._Element) -> Json:
    kind, extent = _text(place, "kind"), _text(place, "extent")
    given: dict[str, Json] = {
        "defect": None if kind == OTHER_DEFECT.key else kind,
        "description": _text(place, "description"),
        "severity": _text(place, "severity"),
        "intensity": _text(place, "intensity"),
        "extentPercent": None if extent is None else _number(extent),
    }
    said: dict[str, Json] = {name: value for name, value in given.items() if value is not None}
    return {"key": key, **said}


def _names(place: etree._Element) -> Iterator[str]:
    """Of the files in the places for photos right below here."""
    for child in place:
        name = (child.text or "").strip()
        if str(child.tag).startswith("photo-") and name:
            yield name


def _moment(text: str | None) -> datetime | None:
    """Clients write the offset of their own clock; one without is not believed to be of any zone."""
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if moment.tzinfo is None or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        return None
    return moment.astimezone(UTC)


def _find(place: etree._Element, *path: str) -> etree._Element | None:
    return place.find("/".join(path))


def _text(place: etree._Element, *path: str) -> str | None:
    """None when it is empty, or not there."""
    found = _find(place, *path)
    return None if found is None or not (found.text or "").strip() else found.text
