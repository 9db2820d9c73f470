"""The routes of a concept: each states what it takes, answers and needs, and nobody gets further than she may."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import flask_smorest
from flask import Response, request
from marshmallow import Schema

from api import bodies, limits, processing
from api.auth import actor, presented
from api.fields import Length, QueryInteger, Range, String, camel_case
from api.fields import Schema as RequestSchema
from api.problems import Parser, refusal
from registry.access import EXPLAINED, Right, Role, require
from registry.audit import commands as audit
from registry.db import Json, transaction
from registry.errors import NotAuthenticated, Unavailable
from registry.pages import LARGEST_PAGE, USUAL_PAGE
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.processing import Activity

BASE = "/v1"
STREAMED: dict[str, tuple[str, ...]] = {}
"""Endpoints that take in their body themselves, and of which media types."""
LARGEST: dict[str, int] = {}
"""How large that body may be, in bytes, where it may be another size than a photo."""
CHUNKED: set[str] = set()
"""Those of them whose protocol demands that a body may come in chunks, without its size."""
SERVED: dict[str, tuple[str, ...]] = {}
"""Endpoints that answer with a file, and of which media types."""
LONGEST_RANGE = 100
"""Characters of a Range header that are kept with a look."""
View = TypeVar("View", bound=Callable[..., Any])


class PageQuery(RequestSchema):
    """The part of a collection that is asked for."""

    limit = QueryInteger(load_default=USUAL_PAGE, validate=Range(min=1, max=LARGEST_PAGE), metadata={"description": "Items on a page."})
    cursor = String(load_default=None, validate=Length(max=500), metadata={"description": "The `next` of the page before.", "pattern": "^[A-Za-z0-9_-]*$"})


class Who(Enum):
    """Who may call what needs no right."""

    ANYONE = "anyone"
    ONESELF = "oneself"
    """Who is signed in, also when she works for no organisation."""


@dataclass(frozen=True, slots=True)
class _Admission:
    needs: Right | Who
    watched: bool
    processes: Activity | None
    streams: bool = False
    look: str = "looked-at"


class Routes(flask_smorest.Blueprint):  # type: ignore[misc]
    """The routes of one concept."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, description: str) -> None:
        super().__init__(name, name, url_prefix=BASE, description=description)
        self._admissions: dict[str, _Admission] = {}
        self.before_request(self._admit)
        self.after_request(self._log)

    def _admit(self) -> None:
        """Who may not get in gets no further; only then the body is read. A browser's preflight carries no token.

        Raises NotAuthenticated, NotAllowed, ReasonRequired, InvalidInput, Unavailable, TooManyRequests, RequestTimeout, ClientDisconnected.
        """
        admission = self._admissions.get(request.endpoint or "")
        if admission is None or request.method == "OPTIONS":
            return
        try:
            self._let_in(admission)
        except NotAuthenticated:
            limits.not_recognised()
            raise
        if admission.needs is not Who.ANYONE:
            limits.recognised()
        processing.begin()
        if not admission.streams:
            bodies.receive()

    def _log(self, response: Response) -> Response:
        """What can't be logged is not shown."""
        admission = self._admissions.get(request.endpoint or "")
        if admission is not None and admission.processes is not None:
            try:
                processing.log(admission.processes, response)
            except Unavailable as error:
                response.close()
                return refusal(error)
        return response

    def _let_in(self, admission: "_Admission") -> None:
        if admission.needs is Who.ANYONE:
            return
        if admission.needs is Who.ONESELF:
            presented()
            return
        require(actor(), admission.needs)
        if admission.watched or (request.method in ("GET", "HEAD") and admission.needs in EXPLAINED and actor().role is Role.MINISTRY_AUDITOR):
            self._remember(admission.look)

    def _remember(self, look: str) -> None:
        """An audit line about a look, before anything is shown: of the object that the address names, else of the whole list."""
        named = iter((request.view_args or {}).items())
        name, id = next(named, (self.name, "-"))
        kind = name.removesuffix("_id")
        more = {name: str(value) for name, value in named} | ({"range": request.headers["Range"][:LONGEST_RANGE]} if "Range" in request.headers else {})
        details: dict[str, Json] = {"query": request.query_string.decode("ascii", "replace"), **more}
        with transaction(actor()) as session:
            audit.record(session, actor(), f"{kind}.{look}", kind, str(id), details=details)

    def on(
        self,
        method: str,
        rule: str,
        *,
        needs: Right | Who,
        returns: type[Schema] | None,
        status: int = 200,
        takes: type[Schema] | None = None,
        query: type[Schema] | None = None,
        tagged: bool = False,
        versioned: bool = False,
        once: bool = False,
        watched: bool = False,
        look: str = "looked-at",
        processes: Activity | None = None,
        streams: tuple[str, ...] = (),
        largest_bytes: int = LARGEST_PHOTO_BYTES,
        serves: tuple[str, ...] = (),
        makes: tuple[str, ...] = (),
        gone: bool = False,
        sends: tuple[str, ...] = (),
        says: tuple[str, ...] = (),
        later: type[Schema] | None = None,
    ) -> Callable[[View], View]:
        """State one operation.

        ``needs``: the right that the caller must have, or who may call otherwise. ``watched``: each call leaves an audit line, whoever makes it; ``look`` is
        what that line calls it.
        ``processes``: the processing activity that it is part of, when personal data is in it.
        ``tagged``: the answer has an entity tag, and a GET may be conditional. ``versioned``: a change of what exists names its version with If-Match.
        ``once``: needs an Idempotency-Key. ``streams``: the media types of a body that the view takes in itself, piece by piece, of at most
        ``largest_bytes``. ``serves``: the media types of a file that is the answer, of which a part can be asked for. ``makes``: those
        of a file that is made for the answer. ``gone``: what it is about may have been
        taken away, or not have come yet. ``later``: what a 202 says when the answer is still to be made. ``sends`` and ``says``: headers of the request and
        of the answer that the protocol of it has besides (`api.contract.HEADERS`).
        """

        def decorate(view: View) -> View:
            view = self.response(status, returns)(view)
            if once and takes is not None and "id" in takes().fields:
                view = self.alt_response(200, schema=returns, description="Known already", success=True)(view)
            if method == "PUT" and "<uuid:" not in rule:  # a PUT makes what is known by a name, never by an id
                view = self.alt_response(201, schema=returns, description="Created", success=True)(view)
            if later is not None:
                view = self.alt_response(202, schema=later, description="Being made: ask again after Retry-After", success=True)(view)
            if query is not None:
                view = self.arguments(query, location="query")(view)
            if takes is not None:
                view = self.arguments(takes)(view)
            paged = query is not None and issubclass(query, PageQuery)
            features: dict[str, Any] = {"tagged": tagged, "versioned": versioned, "once": once, "paged": paged, "needs": needs, "processes": processes}
            features |= {"streams": streams, "serves": serves, "makes": makes, "gone": gone or bool(serves), "sends": sends, "says": says}
            self._admissions[f"{self.name}.{view.__name__}"] = _Admission(needs, watched, processes, streams=bool(streams), look=look)
            if streams:
                STREAMED[f"{self.name}.{view.__name__}"] = streams
                LARGEST[f"{self.name}.{view.__name__}"] = largest_bytes
            if serves or makes:
                SERVED[f"{self.name}.{view.__name__}"] = serves or makes
            view = self.doc(operationId=camel_case(view.__name__), **{"x-features": features})(view)
            self.route(rule, methods=[method])(view)
            return view

        return decorate
