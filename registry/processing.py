"""The processing log: what personal data was processed, about which data subject, for which activity (Logboek Dataverwerkingen of Logius).

One line for each action and data subject, without the user: who acted stands in the audit log, under the same trace id. Every line is written or the
caller gets Unavailable; none is left out by sampling. Lines go to a collector (OTLP over HTTP), to a file or standard output (JSON lines), or to the
file when the collector fails.
"""

import base64
import contextlib
import fcntl
import hmac
import importlib.metadata
import json
import os
import select
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from hashlib import sha256
from typing import Protocol
from uuid import UUID

import urllib3
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as OtlpStatus

from registry import clock
from registry.errors import Unavailable
from registry.settings import STANDARD_OUTPUT, Settings, settings
from registry.tracing import Trace

RETRY_AFTER_S = 5
OTLP_TIMEOUT_S = 2.0
OTLP_PATH = "/v1/traces"
SERVICE = "dwelling-registry"
DATA_SUBJECT_TYPE = "dwelling"
"""The data subject is known to the register only as the dwelling in which a person lives or that a person owns."""
FILE_MODE = 0o600


class Activity(StrEnum):
    """Processing activities of the register of processing activities (verwerkingsregister, GDPR article 30). docs/processing.md describes each."""

    DWELLINGS_READ = "dwellings.read"
    DWELLINGS_SEARCH = "dwellings.search"
    DWELLINGS_CHANGED = "dwellings.changed"
    IMPORTS_READ = "imports.read"
    IMPORTS_SENT = "imports.sent"
    INSPECTIONS_READ = "inspections.read"
    INSPECTIONS_CHANGED = "inspections.changed"
    PHOTOS_READ = "photos.read"
    PHOTOS_CHANGED = "photos.changed"
    PHOTOS_SHARED = "photos.shared"
    PROGRESS_READ = "progress.read"
    PROGRESS_CHANGED = "progress.changed"
    TALLY_DRILL_DOWN = "tally-drill-down"


class Status(StrEnum):
    """How an action ended, in the words of OpenTelemetry."""

    UNSET = "Unset"
    OK = "Ok"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class Processing:
    """One line: one action, about one data subject or about none. ``data_subject_id`` is a pseudonym."""

    trace: Trace
    activity: Activity
    status: Status
    started: datetime
    ended: datetime
    activity_uri: str
    data_subject_id: str | None = None

    @property
    def attributes(self) -> dict[str, str]:
        subject = {"dpl.core.data_subject_id": self.data_subject_id, "dpl.core.data_subject_id_type": DATA_SUBJECT_TYPE} if self.data_subject_id else {}
        return {"dpl.core.processing_activity_id": self.activity_uri, **subject}


class Sink(Protocol):
    """Where lines go. Raises OSError when they are not all written."""

    def write(self, lines: Sequence[Processing]) -> None: ...


def log_processing(activity: Activity, subjects: Collection[UUID], *, trace: Trace, started: datetime, status: Status) -> None:
    """Log that personal data of ``subjects`` (ids of dwellings) was processed in the action ``trace``, which began at ``started`` and ends now.

    None or one subject makes one line. More make a line for the action, and for each subject a line that is a child of it.

    Raises Unavailable when the lines could not be written.
    """
    log = _log()
    if log is not None:
        log.write(activity, subjects, trace=trace, started=started, ended=clock.now(), status=status)


@cache
def _log() -> "ProcessingLog | None":
    return processing_log(settings())


def processing_log(found: Settings) -> "ProcessingLog | None":
    """The log that the settings ask for; None when it is off."""
    sinks: list[Sink] = [Collector(found.otlp_endpoint)] if found.otlp_endpoint else []
    if found.processing_log:
        sinks.append(StandardOutput() if found.processing_log == STANDARD_OUTPUT else JsonLinesFile(found.processing_log))
    return ProcessingLog(sinks, found.pseudonym_key.encode(), found.processing_register) if sinks else None


@dataclass(frozen=True, slots=True)
class ProcessingLog:
    """``sinks`` are tried in their order until one has the lines. ``register`` is the base of the URIs of activities."""

    sinks: Sequence[Sink]
    pseudonym_key: bytes
    register: str

    def write(self, activity: Activity, subjects: Collection[UUID], *, trace: Trace, started: datetime, ended: datetime, status: Status) -> None:
        """Raises Unavailable."""
        action = Processing(trace, activity, status, started, ended, f"{self.register.rstrip('/')}/{activity.value}")
        lines = list(self._lines(action, subjects))
        failure: OSError | None = None
        for sink in self.sinks:
            try:
                return sink.write(lines)
            except OSError as error:
                failure = error
        raise Unavailable(retry_after_s=RETRY_AFTER_S) from failure

    def _lines(self, action: Processing, subjects: Collection[UUID]) -> Iterator[Processing]:
        pseudonyms = [pseudonym(self.pseudonym_key, subject) for subject in subjects]
        if len(pseudonyms) == 1:
            yield replace(action, data_subject_id=pseudonyms[0])
            return
        yield action
        for each in pseudonyms:
            yield replace(action, trace=action.trace.child(), data_subject_id=each)


def pseudonym(key: bytes, dwelling_id: UUID) -> str:
    """The same text for the same dwelling and key, and of no use without the key: HMAC-SHA-256, base64url without padding (43 characters)."""
    digest = hmac.new(key, f"{DATA_SUBJECT_TYPE}:{dwelling_id}".encode(), sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@cache
def _resource() -> dict[str, str]:
    return {"service.name": SERVICE, "service.version": importlib.metadata.version(SERVICE)}


def json_line(line: Processing) -> bytes:
    """One line of JSON with the members of the standard, ending in a newline; times in milliseconds since 1970."""
    content: dict[str, object] = {
        "trace_id": line.trace.trace_id,
        "span_id": line.trace.span_id,
        **({"parent_span_id": line.trace.parent_span_id} if line.trace.parent_span_id else {}),
        "status": line.status.value,
        "name": line.activity.value,
        "start_time": _milliseconds(line.started),
        "end_time": _milliseconds(line.ended),
        "resource": {"attributes": _resource()},
        "attributes": line.attributes,
    }
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _milliseconds(moment: datetime) -> int:
    return _microseconds(moment) // 1000


def _microseconds(moment: datetime) -> int:
    """Since 1970, in whole numbers: a float has not enough digits for nanoseconds."""
    passed = moment - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class JsonLinesFile:
    """Appends whole lines to ``path``, from any number of processes. The file is opened for each write, so it may be rotated by renaming."""

    path: str

    def write(self, lines: Sequence[Processing]) -> None:
        content = b"".join(json_line(line) for line in lines)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            _append_whole(file, content)
        finally:
            os.close(file)


def _append_whole(file: int, content: bytes) -> None:
    """All of ``content`` or nothing: on a full disk a write can stop halfway, and the next line of another process would join the torn one.

    The caller holds the lock of the file. Raises OSError.
    """
    before = os.fstat(file).st_size
    written = 0
    try:
        written = os.write(file, content)
        if written < len(content):
            raise OSError(f"only {written} of {len(content)} bytes were written")
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(file, before)
        raise


@dataclass(frozen=True, slots=True)
class StandardOutput:
    """Writes to a pipe are whole up to PIPE_BUF bytes (4,096 on Linux), so each write is of whole lines within that."""

    file: int = 1

    def write(self, lines: Sequence[Processing]) -> None:
        for part in whole_lines([json_line(line) for line in lines], select.PIPE_BUF):
            while part:
                part = part[os.write(self.file, part) :]


def whole_lines(lines: Sequence[bytes], limit: int) -> Iterator[bytes]:
    """``lines`` joined into parts of at most ``limit`` bytes; a longer line is a part by itself."""
    part = b""
    for line in lines:
        if part and len(part) + len(line) > limit:
            yield part
            part = b""
        part += line
    if part:
        yield part


class Collector:
    """An OpenTelemetry collector at ``endpoint``. The exporter of OpenTelemetry is not used: it retries, and takes a partial success for a success."""

    def __init__(self, endpoint: str) -> None:
        self._url = endpoint.rstrip("/") + OTLP_PATH
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(OTLP_TIMEOUT_S), retries=False, maxsize=8)

    def write(self, lines: Sequence[Processing]) -> None:
        try:
            answer = self._pool.request("POST", self._url, body=otlp_request(lines), headers={"Content-Type": "application/x-protobuf"}, redirect=False)
            rejected = ExportTraceServiceResponse.FromString(answer.data).partial_success.rejected_spans if answer.status == 200 else len(lines)
        except (urllib3.exceptions.HTTPError, DecodeError) as error:
            raise OSError("the collector did not confirm the lines") from error
        if rejected:
            raise OSError(f"the collector refused {rejected} lines with status {answer.status}")


def otlp_request(lines: Sequence[Processing]) -> bytes:
    """An ExportTraceServiceRequest of protobuf."""
    scope = ScopeSpans(scope=InstrumentationScope(name=SERVICE), spans=[_span(line) for line in lines])
    spans = ResourceSpans(resource=Resource(attributes=_key_values(_resource())), scope_spans=[scope])
    return bytes(ExportTraceServiceRequest(resource_spans=[spans]).SerializeToString())


_OTLP_STATUS = {Status.UNSET: OtlpStatus.STATUS_CODE_UNSET, Status.OK: OtlpStatus.STATUS_CODE_OK, Status.ERROR: OtlpStatus.STATUS_CODE_ERROR}


def _span(line: Processing) -> Span:
    return Span(
        trace_id=bytes.fromhex(line.trace.trace_id),
        span_id=bytes.fromhex(line.trace.span_id),
        parent_span_id=bytes.fromhex(line.trace.parent_span_id or ""),
        name=line.activity.value,
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=_microseconds(line.started) * 1000,
        end_time_unix_nano=_microseconds(line.ended) * 1000,
        attributes=_key_values(line.attributes),
        status=OtlpStatus(code=_OTLP_STATUS[line.status]),
    )


def _key_values(attributes: dict[str, str]) -> list[KeyValue]:
    return [KeyValue(key=key, value=AnyValue(string_value=value)) for key, value in attributes.items()]
