"""W3C Trace Context (Recommendation of 23 November 2021): which trace a request belongs to, read from and written to the header ``traceparent``."""

import re
import secrets
from dataclasses import dataclass
from typing import Final

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
_TRACEPARENT: Final = re.compile(r"(?P<version>[0-9a-f]{2})-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?", re.ASCII)
_FORBIDDEN_VERSION = "ff"
_FIRST_VERSION = "00"


@dataclass(frozen=True, slots=True)
class Trace:
    """One action within a trace. ``trace_id`` has 32 and ``span_id`` and ``parent_span_id`` 16 lower-case hexadecimal digits.

    ``parent_span_id`` is the action that called this one, None when the trace begins here.
    """

    trace_id: str
    span_id: str
    parent_span_id: str | None = None

    def child(self) -> "Trace":
        """An action that is part of this one."""
        return Trace(self.trace_id, _random_hex(SPAN_ID_BYTES), self.span_id)

    @property
    def traceparent(self) -> str:
        """The header for what this action calls. The last digits say that the trace is recorded: nothing is left out by sampling."""
        return f"{_FIRST_VERSION}-{self.trace_id}-{self.span_id}-01"


def new_trace() -> Trace:
    return Trace(_random_hex(TRACE_ID_BYTES), _random_hex(SPAN_ID_BYTES))


def continued(traceparent: str | None) -> Trace:
    """A new action in the trace of the caller's header; in a new trace when there is none or it is not valid, as the standard asks."""
    found = _TRACEPARENT.fullmatch(traceparent.strip(" \t")) if traceparent else None
    if found is None or not _valid(found):
        return new_trace()
    return Trace(found["trace"], _random_hex(SPAN_ID_BYTES), found["span"])


def _valid(found: re.Match[str]) -> bool:
    """A later version may say more at the end; version 00 may not, and no id is zero."""
    more_is_allowed = found["version"] != _FIRST_VERSION
    return found["version"] != _FORBIDDEN_VERSION and (more_is_allowed or not found["more"]) and int(found["trace"], 16) > 0 and int(found["span"], 16) > 0


def _random_hex(size_bytes: int) -> str:
    """Never all zeros, which the standard forbids."""
    while not int(drawn := secrets.token_hex(size_bytes), 16):
        pass
    return drawn
