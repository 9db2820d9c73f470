"""A small client of the register: one token for each role and organisation, every POST repeatable, every refusal readable."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import httpx

from demo.tokens import Tokens

Body = dict[str, Any]
Thing = TypeVar("Thing")
LARGEST_BATCH = 1000
AT_ONCE = 4
"""Requests in flight; the server has two workers."""
TIMEOUT_S = 60
MOST_WAITS = 20
"""For a file that the register makes in the background."""
KEEPALIVE_S = 3
"""Shorter than the server's, so that a connection is never used as the server closes it."""


class Refused(Exception):
    """The register said no, in one line with all faults. ``code`` is its word for it."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sum:
    """What became of the items of some batches."""

    created: int = 0
    unchanged: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.created + other.created, self.unchanged + other.unchanged)

    @property
    def items(self) -> int:
        return self.created + self.unchanged


class Register:
    """The REST API at ``url``; `speaking_as` gives it a voice."""

    def __init__(self, url: str, tokens: Tokens) -> None:
        self.url = url.rstrip("/")
        self.tokens = tokens
        self._requests = 0
        self._counting = threading.Lock()
        # Without the proxies of the environment: the register of a demo is on this machine.
        self._http = httpx.Client(timeout=TIMEOUT_S, limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S), trust_env=False)

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self._requests

    def speaking_as(self, role: str, organisation: str) -> "Voice":
        """A person who works in this role for the organisation with this slug. Raises Refused when `admit` let nobody in there."""
        token = self.tokens.get(role, organisation)
        if token is None:
            raise Refused("nobody", f"nobody works as {role} for {organisation}")
        return Voice(self, token)

    def send(
        self, method: str, url: str, *, content: bytes | None = None, headers: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Raises Refused when there is no answer."""
        with self._counting:
            self._requests += 1
        try:
            return self._http.request(method, url, content=content, headers=dict(headers), params=query)
        except httpx.HTTPError as error:
            raise Refused("no-answer", f"{method} {url.partition('?')[0]}: no answer ({error})") from error

    def put_bytes(self, url: str, content: bytes, headers: Mapping[str, str]) -> bool:
        """Send a photo to the object store with exactly these headers; False when it was there already. Raises Refused."""
        answer = self.send("PUT", url, content=content, headers=headers)
        if answer.status_code == httpx.codes.PRECONDITION_FAILED:
            return False
        if answer.is_error:
            raise Refused("not-stored", f"the object store answered {answer.status_code}: {answer.text[:300]}")
        return True


@dataclass(frozen=True, slots=True)
class Voice:
    """One person in one role; without a token nobody yet. ``language`` is that of the sentences of the register."""

    register: Register
    token: str
    language: str = "en"

    def in_dutch(self) -> "Voice":
        return replace(self, language="nl")

    def get(self, path: str, **query: str) -> Body:
        return _body(self._ask("GET", path, query=query))

    def fetch(self, path: str, content_type: str, **query: str) -> tuple[bytes, int]:
        """A file, once it is made, and how often the register said that it was still being made. Raises Refused."""
        for waited in range(MOST_WAITS):
            answer = self._ask("GET", path, headers={"Accept": content_type}, query=query)
            if answer.status_code != httpx.codes.ACCEPTED:
                return answer.content, waited
            time.sleep(float(answer.headers["Retry-After"]))
        raise Refused("not-made", f"GET {path}: still being made after {MOST_WAITS} times")

    def put(self, path: str, body: Body, *, version: int) -> Body:
        """Replace what has this version."""
        return _body(self._ask("PUT", path, body, {"If-Match": f'"{version}"'}))

    def post(self, path: str, body: Body | None = None, *, version: int | None = None, headers: Mapping[str, str] | None = None) -> Body:
        """With ``version``, about what has this version."""
        match = {} if version is None else {"If-Match": f'"{version}"'}
        return _body(self._post(path, body, {**match, **(headers or {})}))

    def put_once(self, path: str, body: Body) -> Sum:
        """Make it, or find that it is there with the same content."""
        return _sum(self._ask("PUT", path, body))

    def post_once(self, path: str, body: Body) -> Sum:
        return _sum(self._post(path, body))

    def send_in_pieces(self, photo_id: str, file: bytes, pieces: int) -> None:
        """Send a declared photo by tus, in several requests, as over a connection that breaks: before each piece it asks where to go on. Raises Refused."""
        metadata = f"photoId {base64.b64encode(photo_id.encode()).decode()}"
        begun = self._tus("POST", "/v1/tus", {"Upload-Length": str(len(file)), "Upload-Metadata": metadata})
        place, offset = begun.headers["Location"], 0
        while offset < len(file):
            piece = file[offset : offset + len(file) // pieces + 1]
            self._tus("PATCH", place, {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}, piece)
            offset = int(self._tus("HEAD", place, {}).headers["Upload-Offset"])

    def _tus(self, method: str, path: str, headers: Mapping[str, str], content: bytes | None = None) -> httpx.Response:
        head = {"Authorization": f"Bearer {self.token}", "Tus-Resumable": "1.0.0", **headers}
        answer = self.register.send(method, f"{self.register.url}{path}", content=content, headers=head)
        if answer.is_error:
            raise _refusal(f"{method} {path}", answer)
        return answer

    def _post(self, path: str, body: Body | None, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The Idempotency-Key follows from the content, so the same POST again gets the first answer."""
        key = hashlib.sha256(b"\n".join([path.encode(), _json(body)])).hexdigest()
        return self._ask("POST", path, body, {"Idempotency-Key": key, **(headers or {})})

    def send_file(self, path: str, file: bytes, content_type: str, **query: str) -> Body:
        """A file as the body; the same one again gets the first answer."""
        key = hashlib.sha256(b"\n".join([path.encode(), _json(query), file])).hexdigest()
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": self.language, "Content-Type": content_type, "Idempotency-Key": key}
        answer = self.register.send("POST", f"{self.register.url}/v1{path}", content=file, headers=headers, query=query)
        if answer.is_error:
            raise _refusal(f"POST {path}", answer)
        return _body(answer)

    def post_batch(self, path: str, items: Sequence[Body], **common: str) -> Sum:
        """Every item created now or before. ``common`` is said of all of them. Raises Refused with all faults otherwise."""
        if not items:
            return Sum()
        answer = _body(self._ask("POST", path, {**common, "items": items}))
        faults = [fault for result in answer["results"] for fault in result["errors"]]
        if faults:
            raise Refused("items-refused", f"POST {path}: {_sentence(faults)}")
        return Sum(answer["summary"]["created"], answer["summary"]["unchanged"])

    def _ask(
        self, method: str, path: str, body: Body | None = None, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> httpx.Response:
        more = {"Accept-Language": self.language, **(headers or {})}
        if self.token:
            more["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else _json(body)
        if content is not None:
            more["Content-Type"] = "application/json"
        answer = self.register.send(method, f"{self.register.url}/v1{path}", content=content, headers=more, query=query)
        if answer.is_error:
            raise _refusal(f"{method} {path}", answer)
        if "Accept" not in more and "json" not in answer.headers.get("Content-Type", ""):
            raise Refused("not-a-register", f"{method} {path}: the answer is no JSON; is this the register?")
        return answer


def _body(answer: httpx.Response) -> Body:
    found: Body = answer.json()
    return found


def _sum(answer: httpx.Response) -> Sum:
    new = answer.status_code == httpx.codes.CREATED and "Idempotency-Replayed" not in answer.headers
    return Sum(created=1) if new else Sum(unchanged=1)


def _json(body: Body | None) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _refusal(what: str, answer: httpx.Response) -> Refused:
    if "problem+json" not in answer.headers.get("Content-Type", ""):
        return Refused("not-a-register", f"{what}: {answer.status_code}, and no explanation from the register")
    problem = answer.json()
    faults = problem.get("errors") or [{"pointer": "", "detail": problem["detail"]}]
    return Refused(problem["code"], f"{what}: {answer.status_code} {_sentence(faults)}")


MOST_FAULTS = 12


def _sentence(faults: Sequence[Mapping[str, str]]) -> str:
    said = "; ".join(f"{fault['pointer']} {fault['detail']}".strip() for fault in faults[:MOST_FAULTS])
    return said if len(faults) <= MOST_FAULTS else f"{said}; and {len(faults) - MOST_FAULTS} more"


def batches(groups: Iterable[Sequence[Body]]) -> list[list[Body]]:
    """Items in batches as large as may be; the items of one group stay together."""
    made: list[list[Body]] = [[]]
    for group in groups:
        if len(made[-1]) + len(group) > LARGEST_BATCH:
            made.append([])
        made[-1].extend(group)
    return [batch for batch in made if batch]


def at_once(do: Callable[[Thing], Sum], things: Iterable[Thing]) -> Sum:
    """``do`` each thing, a few at a time. Raises what the first that fails raises."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(do, things), Sum())
