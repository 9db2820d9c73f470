"""A photo over a bad network, with the system's TCP; see `tests.faults.slow_network`, which also does it at the speed of a bad place."""

import os
from pathlib import Path

import pytest

from tests.faults.slow_network import Conditions, send_over

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("bucket")]
IMPATIENT = Conditions(kbit_per_s=1000, steady_s=(1.0, 3.0), gap_s=(0.2, 2.0))
SIZE = 600_000
IN_FLIGHT_BYTES = 24 * 1024
"""What one gap may cost: what the network held when it broke. Of a small photo over a fast line with many gaps that is a large share; at the speed of a
bad place it is far below one percent of a real one."""


@pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="no network can be made here")
def test_little_is_sent_twice_over_a_network_that_loses_packets_and_breaks_down_again_and_again(fresh_database: str, tmp_path: Path) -> None:
    figures = send_over(IMPATIENT, fresh_database, tmp_path, size_bytes=SIZE, seed=4, patience_s=3)
    assert figures.gaps >= 2
    assert figures.twice * SIZE <= figures.gaps * IN_FLIGHT_BYTES, figures
