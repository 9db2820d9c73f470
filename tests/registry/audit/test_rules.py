"""Following a chain, and seals, without a database."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.audit.rules import START, Chain, ChainedLine, Flaw, Head, Seal, against_seal, next_digest, read_seal

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def a_chain(contents: list[bytes]) -> list[ChainedLine]:
    lines, digest = [], START
    for place, content in enumerate(contents, 1):
        digest = next_digest(digest, content)
        lines.append(ChainedLine(place, MOMENT, 7, place, digest, content))
    return lines


def flaws(lines: list[ChainedLine], head: Head) -> list[Flaw]:
    chain = Chain(7)
    return [finding.flaw for finding in (*chain.follow(lines), *chain.end(head))]


def head_of(lines: list[ChainedLine]) -> Head:
    return Head(7, lines[-1].sequence, lines[-1].digest)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6))
def test_a_whole_chain_has_no_flaw(contents: list[bytes]) -> None:
    lines = a_chain(contents)
    assert flaws(lines, head_of(lines)) == []


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=6, unique=True), st.data())
def test_any_line_that_is_taken_out_is_missed(contents: list[bytes], data: st.DataObject) -> None:
    lines = a_chain(contents)
    gone = data.draw(st.sampled_from(lines))
    assert len(flaws([line for line in lines if line is not gone], head_of(lines))) == 1


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=6, unique=True), st.data())
def test_any_two_lines_that_change_places_are_noticed(contents: list[bytes], data: st.DataObject) -> None:
    lines = a_chain(contents)
    one, other = data.draw(st.sampled_from([(a, b) for a in range(len(lines)) for b in range(a)]))
    contents[one], contents[other] = contents[other], contents[one]
    swapped = [ChainedLine(line.id, MOMENT, 7, line.sequence, line.digest, content) for line, content in zip(lines, contents, strict=True)]
    assert Flaw.ALTERED in flaws(swapped, head_of(lines))


def test_an_empty_stream_with_an_empty_head_is_whole() -> None:
    assert flaws([], Head(7, 0, START)) == []


def test_a_seal_is_read_back_as_it_was_written() -> None:
    seal = Seal(datetime(2026, 1, 2, 3, 4, 5, 678901, UTC), (Head(0, 5, b"\1" * 32), Head(1, 0, START)))
    assert read_seal(seal.to_json()) == seal
    assert seal.lines == 5


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"streams": [{}]}', '{"streams": [], "moment": "never"}'])
def test_what_is_no_seal_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_seal(text)


def test_a_seal_that_was_edited_is_refused() -> None:
    seal = Seal(MOMENT, (Head(0, 5, b"\1" * 32),))
    with pytest.raises(ValueError, match="digest"):
        read_seal(seal.to_json().replace("01" * 32, "02" * 32))


def test_a_seal_asks_nothing_of_a_stream_that_was_empty() -> None:
    assert list(against_seal(Seal(MOMENT, (Head(0, 0, START),)), {})) == []
