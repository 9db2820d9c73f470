"""The YAML of a checklist, read with the place of everything in it.

It is built from the parser's events without recursion, and takes no anchors, aliases, tags or second documents: a small text stays a small document.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from registry.checklists.content import DEEPEST
from registry.db import Json
from registry.errors import Fault, pointer

LARGEST_TEXT_BYTES: Final = 1_000_000
MOST_VALUES: Final = 50_000
"""Of every kind, keys too; the largest real checklist has some thousands."""
LONGEST_NUMBER: Final = 30
"""Characters; what is longer stays text."""
LONGEST_REASON: Final = 200
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?")
_TAG_DIRECTIVE = re.compile("(?:^|[\n\r\x85\u2028\u2029])\ufeff?%TAG")
_NOTHING = ("", "~", "null", "Null", "NULL")
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_TRUTHS = {"yes", "no", "on", "off"}
"""True or false to programs that read YAML 1.1, text to those that read 1.2."""
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Place:
    """Both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Written:
    """``content`` is None when the text can't be read at all. ``places`` are by JSON pointer: of a member of a mapping, that of its key."""

    content: Json = None
    places: dict[str, Place] = field(default_factory=dict)
    faults: list[tuple[Fault, Place]] = field(default_factory=list)
    plain: set[str] = field(default_factory=set)
    """Pointers to what stands without quotes and is no text for that reason."""

    def place_of(self, where: str) -> Place:
        """Of what the pointer leads to, or of the nearest thing around it that is there."""
        while where and where not in self.places:
            where = where.rpartition("/")[0]
        return self.places.get(where, Place(1, 1))


def read(text: str) -> Written:
    """The content of a checklist, with what is wrong with its YAML."""
    written = Written()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return Written(faults=[(Fault("", "broken-character"), Place(1, 1))])
    if size > LARGEST_TEXT_BYTES:
        return Written(faults=[(Fault("", "too-long", {"max": LARGEST_TEXT_BYTES}), Place(1, 1))])
    directive = _TAG_DIRECTIVE.search(text)
    if directive is not None:  # the parser compares each with all before it, in C, so that meanwhile nothing else happens in this process
        return Written(faults=[(Fault("", "yaml-tag"), Place(len(text[: directive.end()].splitlines()), 1))])
    builder = _Builder(written)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        builder.give_up(error.problem_mark or error.context_mark, str(error.problem or error.context))
    except yaml.YAMLError as error:
        builder.give_up(None, str(error).partition("\n")[0])
    return written


@dataclass(slots=True)
class _Open:
    """A list or mapping that is not closed yet; ``key`` is what the next value belongs to."""

    value: Any
    where: str
    key: str | None = None


class _Builder:
    def __init__(self, written: Written) -> None:
        self._written = written
        self._open: list[_Open] = []
        self._documents = self._values = 0
        self._takes: dict[type[Any], Callable[[Any], bool]] = {
            yaml.DocumentStartEvent: self._begin,
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: lambda event: self._nest({}, event),
            yaml.SequenceStartEvent: lambda event: self._nest([], event),
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: lambda event: self._stop("yaml-alias", event),
        }

    def take(self, event: Any) -> bool:
        """Whether to go on."""
        if getattr(event, "tag", None) and not isinstance(event, yaml.DocumentStartEvent):
            return self._stop("yaml-tag", event)
        if getattr(event, "anchor", None):
            return self._stop("yaml-alias", event)
        self._values += 1
        if self._values > MOST_VALUES:
            return self._stop("too-long", event, max=MOST_VALUES)
        do = self._takes.get(type(event))
        return do(event) if do else True

    def fault(self, where: str, code: str, mark: Any, **facts: object) -> None:
        place = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
        self._written.faults.append((Fault(where, code, facts), place))

    def give_up(self, mark: Any, reason: str) -> None:
        self.fault("", "yaml-malformed", mark, reason=reason[:LONGEST_REASON])
        self._written.content = None

    def _stop(self, code: str, event: Any, **facts: object) -> bool:
        self.fault(self._where(), code, event.start_mark, **facts)
        self._written.content = None
        return False

    def _begin(self, event: Any) -> bool:
        self._documents += 1
        return True if self._documents == 1 else self._stop("yaml-second-document", event)

    def _where(self) -> str:
        if not self._open:
            return ""
        around = self._open[-1]
        if isinstance(around.value, list):
            return around.where + pointer(len(around.value))
        return around.where if around.key is None else around.where + pointer(around.key)

    def _nest(self, value: Any, event: Any) -> bool:
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            return self._stop("yaml-key-not-text", event)
        if len(self._open) >= DEEPEST:
            return self._stop("too-deep", event, max=DEEPEST)
        where = self._where()
        self._add(value, event)
        self._open.append(_Open(value, where))
        return True

    def _close(self, _: Any) -> bool:
        self._open.pop()
        return True

    def _scalar(self, event: Any) -> bool:
        if self._open and isinstance(self._open[-1].value, dict) and self._open[-1].key is None:
            self._key(self._open[-1], event)
            return True
        self._add(event.value if event.style else self._plain(event), event)
        return True

    def _key(self, around: _Open, event: Any) -> None:
        where = around.where + pointer(event.value)
        if not event.style and event.value.lower() in _OLD_TRUTHS:
            self.fault(where, "unquoted-yes", event.start_mark, value=event.value)
        if event.value in around.value:
            self.fault(where, "repeated", event.start_mark, value=event.value)
        else:
            self._written.places[where] = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        around.key = event.value

    def _plain(self, event: Any) -> Json:
        text: str = event.value
        if text.lower() in _OLD_TRUTHS:
            self.fault(self._where(), "unquoted-yes", event.start_mark, value=text)
            return text
        value = _meant(text)
        if not isinstance(value, str):
            self._written.plain.add(self._where())
        return value

    def _add(self, value: Json, event: Any) -> None:
        where = self._where()
        if not self._open:
            self._written.content = value
            self._written.places[""] = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            return
        around = self._open[-1]
        if isinstance(around.value, list):
            self._written.places[where] = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            around.value.append(value)
        else:
            around.value[around.key] = value
            around.key = None


def is_text(text: str) -> bool:
    """Whether it is text without quotes too."""
    return isinstance(_meant(text), str) and text.lower() not in _OLD_TRUTHS


def _meant(text: str) -> Json:
    """What a text without quotes means in YAML 1.2; a date stays text."""
    if text in _NOTHING:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if len(text) > LONGEST_NUMBER:
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text
