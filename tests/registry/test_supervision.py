"""Children that are small Python programs; one test with the real PostgreSQL."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from registry.embedded.postgres import Postgres
from registry.supervision import Service, StartError, spawn, supervise

ROOT = Path(__file__).parents[2]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
PARENT = f"""
import sys, threading
from pathlib import Path
from registry.supervision import Service, spawn, supervise
def start():
    return spawn([sys.executable, "-c", {STUBBORN!r}], env={{}}, log=Path(sys.argv[1]))
supervise([Service("stubborn", start, stop_timeout_s=30)], on_event=lambda text: print(text, flush=True), stop=threading.Event())
"""


def sleeping(seconds: float = 60) -> subprocess.Popen[bytes]:
    return spawn(["sleep", str(seconds)], env=os.environ, log=None)


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@contextmanager
def supervised(*services: Service) -> Iterator[list[str]]:
    """The events of a supervision in a thread, ended when the block ends."""
    events: list[str] = []
    stop = threading.Event()
    thread = threading.Thread(target=supervise, args=(services,), kwargs={"on_event": events.append, "stop": stop})
    thread.start()
    try:
        yield events
    finally:
        stop.set()
        thread.join()


def pid_of(event: str) -> int:
    return int(event.rsplit("pid ", 1)[1].rstrip(")"))


def test_a_killed_child_is_started_again() -> None:
    with supervised(Service("worker", sleeping)) as events:
        assert eventually(lambda: len(events) == 1)
        os.kill(pid_of(events[0]), signal.SIGKILL)
        assert eventually(lambda: len(events) == 3)
    assert events[1] == "worker ended (SIGKILL); next attempt in 0.2 s"
    assert pid_of(events[2]) != pid_of(events[0])


def test_the_wait_before_the_next_attempt_doubles() -> None:
    with supervised(Service("worker", lambda: sleeping(0))) as events:
        assert eventually(lambda: sum("ended" in event for event in events) == 3)
    assert [event for event in events if "ended" in event] == [f"worker ended (exit 0); next attempt in {delay} s" for delay in ("0.2", "0.4", "0.8")]


def test_a_child_that_cannot_start_is_reported_and_tried_again() -> None:
    def start() -> subprocess.Popen[bytes]:
        if not attempts:
            attempts.append(1)
            raise StartError("no port free")
        return sleeping()

    attempts: list[int] = []
    with supervised(Service("worker", start)) as events:
        assert eventually(lambda: len(events) == 2)
    assert events[0] == "worker did not start: no port free; next attempt in 0.2 s"
    assert events[1].startswith("worker runs")


def test_children_are_stopped_in_reverse_order_each_by_its_own_signal() -> None:
    with supervised(Service("database", sleeping, stop_signal=signal.SIGINT), Service("api", sleeping)) as events:
        assert eventually(lambda: len(events) == 2)
        pids = [pid_of(event) for event in events]
    assert events[2:] == ["api stopped (SIGTERM)", "database stopped (SIGINT)"]
    assert not any(map(alive, pids))


def test_a_child_that_ignores_its_signal_is_killed_after_the_time_out(tmp_path: Path) -> None:
    log = tmp_path / "log"
    service = Service("stubborn", lambda: spawn([sys.executable, "-c", STUBBORN], env={}, log=log), stop_timeout_s=0.3)
    with supervised(service) as events:
        assert eventually(lambda: log.exists() and "ready" in log.read_text())
    assert events[-1] == "stubborn stopped (SIGKILL)"


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that supervises one stubborn child, at the moment that the child runs."""
    argv, log = [sys.executable, "-c", PARENT, str(tmp_path / "log")], tmp_path / "log"
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert eventually(lambda: log.exists() and "ready" in log.read_text())
            yield process
        finally:
            process.kill()


def test_the_first_ctrl_c_asks_and_the_second_kills(parent: subprocess.Popen[str]) -> None:
    assert parent.stdout is not None
    child = pid_of(parent.stdout.readline().strip())
    parent.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert parent.poll() is None
    assert alive(child)
    parent.send_signal(signal.SIGINT)
    assert parent.wait(5) == 0
    assert not alive(child)
    assert parent.stdout.read() == "stubborn stopped (SIGKILL)\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_child_does_not_survive_a_killed_parent() -> None:
    code = "import sys, time; from registry.supervision import spawn; print(spawn(['sleep', '60'], env={}, log=None).pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert alive(child)
        process.kill()
    assert eventually(lambda: not alive(child))


def test_a_child_has_its_own_session_and_its_output_is_appended_to_a_private_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("one", "two"):
        child = spawn(["sh", "-c", f"echo {word}; exec sleep 0.1"], env=os.environ, log=log)
        assert os.getsid(child.pid) == child.pid
        child.wait()
    assert log.read_text() == "one\ntwo\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_killed_postgres_comes_back_at_the_same_address() -> None:
    folder = Path(tempfile.mkdtemp(prefix="registry-test-"))
    folder.chmod(0o711)
    try:
        postgres = Postgres(folder / "postgres", durable=False)
        with postgres, supervised(postgres.service()) as events:
            url, first = postgres.start(), postgres.pid
            assert first is not None
            assert eventually(lambda: len(events) == 1)
            assert pid_of(events[0]) == first
            os.kill(first, signal.SIGKILL)
            assert eventually(lambda: len(events) == 3)
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
        assert events[-1] == "postgres stopped (exit 0)"
        assert not postgres.running()
    finally:
        shutil.rmtree(folder)
