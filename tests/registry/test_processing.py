"""Every processing of personal data leaves a line that names a pseudonym, or the request fails."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse

from registry import processing
from registry.errors import Unavailable
from registry.processing import (
    Activity,
    Collector,
    JsonLinesFile,
    ProcessingLog,
    StandardOutput,
    Status,
    log_processing,
    processing_log,
    pseudonym,
    whole_lines,
)
from registry.settings import Settings, SettingsError, read
from registry.tracing import new_trace

ROOT = Path(__file__).parents[2]
KEY = "k" * 43
REGISTER = "https://register.example.nl/activities/"
STARTED = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)


def a_log(*sinks: processing.Sink) -> ProcessingLog:
    return ProcessingLog(sinks, KEY.encode(), REGISTER)


def write(log: ProcessingLog, subjects: list[UUID], activity: Activity = Activity.DWELLINGS_READ) -> None:
    log.write(activity, subjects, trace=new_trace(), started=STARTED, ended=STARTED + timedelta(milliseconds=7), status=Status.OK)


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def some_settings(**more: str) -> Settings:
    return Settings("d", "s", "s", "a", "k", "b", "r", (), "INFO", 1, pseudonym_key=KEY, **more)


def test_a_line_has_the_members_of_the_standard_and_no_others(tmp_path: Path) -> None:
    subject, trace = uuid4(), new_trace()
    file = tmp_path / "processing.jsonl"
    a_log(JsonLinesFile(str(file))).write(Activity.INSPECTIONS_READ, [subject], trace=trace.child(), started=STARTED, ended=STARTED, status=Status.ERROR)
    (line,) = lines(file)
    assert set(line) == {"trace_id", "span_id", "parent_span_id", "status", "name", "start_time", "end_time", "resource", "attributes"}
    assert (line["trace_id"], line["parent_span_id"], line["status"], line["name"]) == (trace.trace_id, trace.span_id, "Error", "inspections.read")
    assert line["start_time"] == 1772366400123
    assert line["attributes"] == {
        "dpl.core.processing_activity_id": "https://register.example.nl/activities/inspections.read",
        "dpl.core.data_subject_id": pseudonym(KEY.encode(), subject),
        "dpl.core.data_subject_id_type": "dwelling",
    }
    assert line["resource"]["attributes"]["service.name"] == "dwelling-registry"  # type: ignore[index]


def test_a_page_is_one_action_with_a_child_for_each_subject(tmp_path: Path) -> None:
    file, subjects = tmp_path / "processing.jsonl", [uuid4() for _ in range(50)]
    write(a_log(JsonLinesFile(str(file))), subjects, Activity.DWELLINGS_SEARCH)
    parent, *children = lines(file)
    assert "parent_span_id" not in parent
    assert parent["attributes"] == {"dpl.core.processing_activity_id": f"{REGISTER}dwellings.search"}
    assert [child["attributes"]["dpl.core.data_subject_id"] for child in children] == [pseudonym(KEY.encode(), each) for each in subjects]  # type: ignore[index]
    assert {(child["trace_id"], child["parent_span_id"]) for child in children} == {(parent["trace_id"], parent["span_id"])}
    assert len({line["span_id"] for line in (parent, *children)}) == 51


def test_an_action_without_a_subject_leaves_one_line(tmp_path: Path) -> None:
    write(a_log(JsonLinesFile(str(tmp_path / "log"))), [])
    (line,) = lines(tmp_path / "log")
    assert list(line["attributes"]) == ["dpl.core.processing_activity_id"]  # type: ignore[call-overload]


def test_a_pseudonym_is_stable_and_hangs_on_the_key() -> None:
    subject = UUID("019c0000-0000-7000-8000-000000000001")
    assert pseudonym(KEY.encode(), subject) == pseudonym(KEY.encode(), subject)
    assert pseudonym(KEY.encode(), subject) != pseudonym(b"other", subject)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", pseudonym(KEY.encode(), subject))
    assert str(subject) not in pseudonym(KEY.encode(), subject)


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    write(a_log(JsonLinesFile(str(tmp_path / "log"))), [])
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_renamed_away_begins_anew(tmp_path: Path) -> None:
    log = a_log(JsonLinesFile(str(tmp_path / "log")))
    write(log, [])
    (tmp_path / "log").rename(tmp_path / "log.1")
    write(log, [])
    assert len(lines(tmp_path / "log")) == len(lines(tmp_path / "log.1")) == 1


APPENDING = """
import sys
from tests.registry.test_processing import a_log, write
from registry.processing import JsonLinesFile, StandardOutput
from uuid import uuid4
log = a_log(StandardOutput() if sys.argv[1] == "-" else JsonLinesFile(sys.argv[1]))
for _ in range(100):
    write(log, [uuid4() for _ in range(20)])
"""


def appending(where: str, **more: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", APPENDING, where], cwd=ROOT, **more)  # type: ignore[call-overload,no-any-return]


def test_two_processes_append_whole_lines_and_whole_actions(tmp_path: Path) -> None:
    file = tmp_path / "log"
    running = [appending(str(file)) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    found = lines(file)
    assert len(found) == 2 * 100 * 21
    actions = [line["trace_id"] for line in found]
    assert all(len(set(actions[start : start + 21])) == 1 for start in range(0, len(actions), 21))


def test_two_processes_that_share_a_pipe_write_whole_lines() -> None:
    read_end, write_end = os.pipe()
    running = [appending("-", stdout=write_end) for _ in range(2)]
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        found = [json.loads(line) for line in pipe]
    assert [process.wait(60) for process in running] == [0, 0]
    assert len(found) == 2 * 100 * 21


def test_parts_are_of_whole_lines_within_the_limit() -> None:
    assert list(whole_lines([b"aa\n", b"b\n", b"cccc\n", b"dddddddd\n"], 5)) == [b"aa\nb\n", b"cccc\n", b"dddddddd\n"]
    assert list(whole_lines([], 5)) == []


def test_a_file_that_cannot_be_written_stops_the_request(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        write(a_log(JsonLinesFile(str(tmp_path / "gone" / "log"))), [uuid4()])


def test_a_full_disk_stops_the_request() -> None:
    with open("/dev/full", "wb") as full, pytest.raises(Unavailable):
        write(a_log(StandardOutput(full.fileno())), [uuid4()])


def test_a_write_that_stops_halfway_is_taken_back(tmp_path: Path) -> None:
    """A limit on the size of files acts as a full disk does: the kernel writes what fits."""
    file = tmp_path / "log"
    write(a_log(JsonLinesFile(str(file))), [uuid4()])
    whole = file.read_bytes()
    before, handled = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, before[1]))
    try:
        with pytest.raises(Unavailable):
            write(a_log(JsonLinesFile(str(file))), [uuid4()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    assert file.read_bytes() == whole


class Receiver(BaseHTTPRequestHandler):
    """A collector as small as possible: it parses what it gets and answers what the test asks for."""

    got: ClassVar[list[tuple[str, ExportTraceServiceRequest]]] = []
    status: ClassVar[int] = 200
    answer: ClassVar[bytes] = b""
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Type"] == "application/x-protobuf"
        self.got.append((self.path, ExportTraceServiceRequest.FromString(body)))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in (("got", []), ("status", 200), ("answer", ExportTraceServiceResponse().SerializeToString())):
        monkeypatch.setattr(Receiver, name, value)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_collector_gets_the_same_lines_as_spans(receiver: str) -> None:
    subjects = [uuid4(), uuid4()]
    write(a_log(Collector(receiver)), subjects, Activity.PHOTOS_READ)
    ((path, request),) = Receiver.got
    assert path == "/v1/traces"
    (of_resource,) = request.resource_spans
    assert {each.key: each.value.string_value for each in of_resource.resource.attributes}["service.name"] == "dwelling-registry"
    parent, *children = of_resource.scope_spans[0].spans
    assert (parent.name, len(parent.trace_id), len(parent.span_id), parent.parent_span_id) == ("photos.read", 16, 8, b"")
    assert (parent.start_time_unix_nano, parent.end_time_unix_nano) == (1772366400123456000, 1772366400130456000)
    assert [child.parent_span_id for child in children] == [parent.span_id] * 2
    assert {each.key: each.value.string_value for each in children[1].attributes} == {
        "dpl.core.processing_activity_id": f"{REGISTER}photos.read",
        "dpl.core.data_subject_id": pseudonym(KEY.encode(), subjects[1]),
        "dpl.core.data_subject_id_type": "dwelling",
    }
    assert parent.status.code == parent.status.STATUS_CODE_OK


REFUSALS: dict[str, tuple[int, bytes]] = {
    "an error": (503, b""),
    "a redirect": (307, b""),
    "a partial success": (200, ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=1)).SerializeToString()),
    "nonsense": (200, b"\xff\xff"),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_the_collector_does_not_confirm_goes_to_the_file(receiver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: str) -> None:
    status, answer = REFUSALS[refusal]
    monkeypatch.setattr(Receiver, "status", status)
    monkeypatch.setattr(Receiver, "answer", answer)
    write(a_log(Collector(receiver), JsonLinesFile(str(tmp_path / "log"))), [uuid4()])
    assert len(lines(tmp_path / "log")) == 1
    with pytest.raises(Unavailable):
        write(a_log(Collector(receiver)), [uuid4()])


def test_a_collector_that_is_not_there_stops_the_request_unless_there_is_a_file(tmp_path: Path) -> None:
    nowhere = Collector("http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        write(a_log(nowhere), [])
    write(a_log(nowhere, JsonLinesFile(str(tmp_path / "log"))), [])
    assert len(lines(tmp_path / "log")) == 1


def test_without_a_place_the_log_is_off() -> None:
    assert processing_log(some_settings()) is None


def test_the_settings_choose_the_places(tmp_path: Path) -> None:
    def places(**settings: str) -> list[str]:
        log = processing_log(some_settings(**settings))
        assert log is not None
        return [type(sink).__name__ for sink in log.sinks]

    assert places(processing_log="-") == ["StandardOutput"]
    assert places(processing_log=str(tmp_path / "log")) == ["JsonLinesFile"]
    assert places(otlp_endpoint="http://localhost:4318", processing_log="-") == ["Collector", "StandardOutput"]


def test_a_request_logs_by_the_settings_of_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log(JsonLinesFile(str(tmp_path / "log")))
    monkeypatch.setattr(processing, "_log", lambda: log)
    log_processing(Activity.PROGRESS_READ, {uuid4()}, trace=new_trace(), started=STARTED, status=Status.UNSET)
    (line,) = lines(tmp_path / "log")
    assert line["status"] == "Unset"
    assert isinstance(line["end_time"], int)
    monkeypatch.setattr(processing, "_log", lambda: None)
    log_processing(Activity.PROGRESS_READ, {uuid4()}, trace=new_trace(), started=STARTED, status=Status.UNSET)


def test_every_activity_is_described() -> None:
    described = (ROOT / "docs/processing.md").read_text(encoding="utf-8")
    assert [activity for activity in Activity if f"| `{activity.value}` |" not in described] == []


@pytest.fixture
def set_(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    for name in ("DATABASE_URL", "S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(f"REGISTRY_{name}", "given")

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"REGISTRY_{name}", value)

    return set_all


def test_all_faults_in_these_settings_are_named_together(set_: Callable[..., None]) -> None:
    set_(PROCESSING_LOG="/no/such/folder/log", OTLP_ENDPOINT="http://collector.example.nl:4318", PSEUDONYM_KEY="short", PROCESSING_REGISTER="here")
    with pytest.raises(SettingsError) as refusal:
        read()
    for name in ("PROCESSING_LOG", "OTLP_ENDPOINT", "PSEUDONYM_KEY", "PROCESSING_REGISTER"):
        assert f"REGISTRY_{name}" in str(refusal.value)
    assert "short" not in str(refusal.value)


@pytest.mark.parametrize("place", [{"PROCESSING_LOG": "-"}, {"OTLP_ENDPOINT": "https://collector.example.nl"}])
def test_a_place_to_log_to_needs_a_key(set_: Callable[..., None], place: dict[str, str]) -> None:
    set_(**place)
    with pytest.raises(SettingsError, match="REGISTRY_PSEUDONYM_KEY"):
        read()
    set_(PSEUDONYM_KEY=KEY)
    assert read().pseudonym_key == KEY


def test_without_these_settings_the_register_starts_with_the_log_off(set_: Callable[..., None]) -> None:
    set_()
    found = read()
    assert (found.processing_log, found.otlp_endpoint, found.pseudonym_key) == ("", "", "")
    assert found.processing_register.startswith("https://")
