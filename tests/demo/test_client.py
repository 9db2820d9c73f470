"""How items are put together in batches, and what the screen says where there is no terminal."""

import pytest

from demo.client import LARGEST_BATCH, Body, batches
from demo.screen import Screen


def a_group(size: int) -> list[Body]:
    return [{"place": place} for place in range(size)]


def test_a_group_is_never_divided_over_two_batches() -> None:
    made = batches([a_group(3)] * 500)
    assert [len(batch) for batch in made] == [999, 501]


def test_nothing_makes_no_batch() -> None:
    assert batches([]) == []
    assert [len(batch) for batch in batches([a_group(LARGEST_BATCH)])] == [LARGEST_BATCH]


def test_progress_without_a_terminal_is_a_few_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().progress("sent", 100) as advance:
        for _ in range(100):
            advance(1)
    said = capsys.readouterr().out
    assert said.count("\n") == 4
    assert "\x1b" not in said
