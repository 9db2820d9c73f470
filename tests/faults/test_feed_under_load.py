"""A short run of `python -m tests.faults.feed_under_load`."""

import pytest

from tests.faults.feed_under_load import failures, run


@pytest.mark.slow
def test_no_reader_of_the_feed_loses_or_doubles_a_row(fresh_database: str) -> None:
    """And the same run does make a cursor lose rows that is only the number of the last one."""
    result = run(transactions=160, writers=8, longest_delay_s=0.1)
    assert failures(result) == []
    assert result.lost("naive") > 0
    assert result.committed > 120
