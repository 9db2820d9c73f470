"""The header traceparent, as the W3C recommendation reads it."""

import pytest

from registry.tracing import continued, new_trace

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize("header", [f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00", f" 00-{TRACE}-{SPAN}-ff\t", f"cc-{TRACE}-{SPAN}-01-what-comes-later"])
def test_a_valid_header_is_continued(header: str) -> None:
    trace = continued(header)
    assert (trace.trace_id, trace.parent_span_id) == (TRACE, SPAN)
    assert trace.span_id not in (SPAN, "0" * 16)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "garbage",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-0١",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}-{SPAN}-01",
    ],
)
def test_any_other_header_begins_a_new_trace(header: str | None) -> None:
    trace = continued(header)
    assert trace.trace_id != TRACE
    assert trace.parent_span_id is None
    assert continued(trace.traceparent).trace_id == trace.trace_id


def test_a_child_is_part_of_the_same_trace() -> None:
    parent = new_trace()
    child = parent.child()
    assert (child.trace_id, child.parent_span_id) == (parent.trace_id, parent.span_id)
    assert child.span_id != parent.span_id
