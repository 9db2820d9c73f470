"""The linter: everything that is wrong with the YAML of a checklist, with line and column. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from registry.checklists import written
from registry.checklists.content import faults_and_warnings_in
from registry.checklists.written import Place, Written
from registry.db import Json
from registry.errors import Fault


class Weight(StrEnum):
    FAULT = "fault"
    """It can't be published like this."""
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    fault: Fault
    place: Place
    weight: Weight = Weight.FAULT


@dataclass(frozen=True, slots=True)
class Linted:
    """``content`` is what the text says, None when it can't be read."""

    content: Json
    findings: tuple[Finding, ...]
    of_yaml: tuple[Fault, ...] = ()
    """Faults of the YAML itself: what it says is not certain."""

    @property
    def faults(self) -> list[Fault]:
        return [finding.fault for finding in self.findings if finding.weight is Weight.FAULT]


def lint(text: str) -> Linted:
    """Everything at once, in the order of the text."""
    found = written.read(text)
    findings = [Finding(fault, place) for fault, place in found.faults]
    if found.content is not None:
        findings += _of_content(found)
    elif not findings:
        findings.append(Finding(Fault("", "not-an-object"), Place(1, 1)))
    in_order = sorted(findings, key=lambda each: (each.place.line, each.place.column, each.fault.code))
    return Linted(found.content, tuple(in_order), tuple(fault for fault, _ in found.faults))


def _of_content(found: Written) -> Iterator[Finding]:
    """A place of which the YAML itself is wrong is judged no further; a condition with a fault is not called never true besides."""
    about_yaml = {fault.pointer for fault, _ in found.faults}
    said, warnings = faults_and_warnings_in(found.content)
    faults = {(fault.pointer, fault.code): fault for fault in (_of_yaml(fault, found) for fault in said)}
    kept = [fault for fault in faults.values() if fault.pointer not in about_yaml]
    yield from (Finding(fault, found.place_of(fault.pointer)) for fault in kept)
    for fault in warnings:
        if not any(other.pointer.startswith(fault.pointer) for other in kept):
            yield Finding(fault, found.place_of(fault.pointer), Weight.WARNING)


def _of_yaml(fault: Fault, found: Written) -> Fault:
    """What the form calls no text is, in YAML, a text without quotes that means something else."""
    if fault.code in ("not-text", "answer-not-an-option") and fault.pointer in found.plain:
        return Fault(fault.pointer, "unquoted", {})
    return fault
