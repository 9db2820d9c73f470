"""What stands in a report, in the words of its language and in the order in which it is read. Pure; both templates show this and add no text of their own.

Names of files are those of pictures in the folder in which the report is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


class Tone(StrEnum):
    """How urgent a notice is."""

    WARNING = "warning"
    CALM = "calm"


@dataclass(frozen=True, slots=True)
class Notice:
    tone: Tone
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A condition score as a picture (SVG) and in words, which say the same."""

    svg: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo, or why it is not there (``placeholder``). ``file`` is None then."""

    alt: str
    caption: str
    details: str
    file: str | None = None
    placeholder: str | None = None


@dataclass(frozen=True, slots=True)
class DefectLine:
    name: str
    severity: str
    intensity: str
    extent: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One question: its answer in words, a line for each part of it. ``review`` is what the reviewer remarked."""

    number: str
    question: str
    answer: tuple[str, ...]
    answered: bool = True
    scale: Scale | None = None
    defects: tuple[DefectLine, ...] = ()
    advice: str | None = None
    review: str | None = None
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class ElementLine:
    """The score of one building element. ``index`` and ``value`` are written out, "" when they are not known."""

    name: str
    scale: Scale
    score: str
    index: str
    value: str


@dataclass(frozen=True, slots=True)
class Condition:
    """The score of the whole dwelling by NEN 2767, and of each element."""

    scale: Scale | None
    sentence: str
    elements: tuple[ElementLine, ...]
    method: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One side of a comparison."""

    title: str
    answer: tuple[str, ...]
    scale: Scale | None
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    question: str
    before: Moment
    after: Moment


@dataclass(frozen=True, slots=True)
class Signature:
    statement: str
    facts: tuple[Fact, ...]
    digest: str
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Review:
    sentence: str
    remarks: str


@dataclass(frozen=True, slots=True)
class Content:
    """``labels`` are the headings that the templates show, by name."""

    language: str
    title: str
    kind: str
    subtitle: str
    reference: str
    labels: Mapping[str, str]
    dwelling: tuple[Fact, ...]
    visit: tuple[Fact, ...]
    notices: tuple[Notice, ...] = ()
    condition: Condition | None = None
    remarks: str = ""
    sections: tuple[Section, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    comparison_note: str = ""
    signature: Signature | None = None
    review: Review | None = None
