"""What both servers do alike, with the real binaries."""

import subprocess
import sys
from pathlib import Path

import pytest

from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres
from tests.registry.embedded.processes import eventually, gone

ROOT = Path(__file__).parents[3]
PARENT = """
import sys, time
from pathlib import Path
from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres
folder = Path(sys.argv[1])
postgres, store = Postgres(folder / "postgres", durable=False), ObjectStore(folder / "weed")
postgres.start(), store.start()
print(postgres.pid, store.pid, flush=True)
time.sleep(60)
"""


def test_a_folder_where_nothing_runs_has_no_address(tmp_path: Path) -> None:
    assert Postgres.running_address(tmp_path) is None
    assert ObjectStore.running_address(tmp_path / "missing") is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_the_servers_do_not_survive_a_killed_parent_and_the_folder_is_free_again(open_folder: Path) -> None:
    argv = [sys.executable, "-c", PARENT, str(open_folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        assert Postgres.running_address(open_folder / "postgres") is not None
        parent.kill()
    assert eventually(lambda: all(map(gone, pids)))
    assert eventually(lambda: Postgres.running_address(open_folder / "postgres") is None)
    assert ObjectStore.running_address(open_folder / "weed") is None
