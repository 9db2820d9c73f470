"""The form of a checklist, made once for each process: a published checklist never changes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from registry.checklists.model import Checklist
from registry.errors import Fault
from registry.openrosa.outline import Outline, form_id, outline, why_not
from registry.openrosa.xform import xform

MOST_KEPT: Final = 100
"""Forms of some 50 kB."""


@dataclass(frozen=True, slots=True)
class Form:
    """``md5`` of the XML is what clients compare, in hexadecimal; it protects nothing."""

    outline: Outline
    xml: bytes
    md5: str


_kept: dict[bytes, Form | Sequence[Fault]] = {}


def form_of(checklist: Checklist) -> Form | Sequence[Fault]:
    """The form of a published or retired checklist; what of it can't be expressed when there is none."""
    found = _kept.get(checklist.digest)
    if found is None:
        while len(_kept) >= MOST_KEPT:
            _kept.pop(next(iter(_kept)), None)
        found = _kept[checklist.digest] = _made(checklist)
    return found


def kept(digest: bytes) -> Form | Sequence[Fault] | None:
    """As `form_of`, None when it was not made yet in this process."""
    return _kept.get(digest)


def _made(checklist: Checklist) -> Form | Sequence[Fault]:
    faults = why_not(checklist.content)
    if faults:
        return faults
    made = outline(checklist.content)
    xml = xform(made)
    return Form(made, xml, hashlib.md5(xml, usedforsecurity=False).hexdigest())


def name_of(checklist: Checklist) -> str:
    return form_id(checklist.key, checklist.edition)
