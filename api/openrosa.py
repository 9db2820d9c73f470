"""OpenRosa, the protocol of ODK Collect and Enketo, as docs/openrosa.md describes it: forms to fetch, and filled-in forms to send.

Addresses, headers and answers are those of the protocol, so nothing here is in the contract; refusals are sentences in its own envelope.
"""

from collections.abc import Callable
from typing import Final, TypeVar
from urllib.parse import quote

import structlog
from flask import Blueprint, Response, request
from lxml import etree
from lxml.builder import ElementMaker
from werkzeug.exceptions import HTTPException

from api import bodies, limits, multipart, processing
from api.addresses import own_origin
from api.auth import BASIC, actor
from api.multipart import Part
from api.problems import http_code, language, request_id, retry_after, status_of
from api.processing import concerns
from api.routes import BASE, CHUNKED, SERVED, STREAMED
from registry.access import Right, require
from registry.checklists.model import Checklist
from registry.db import reading
from registry.errors import Fault, NotAuthenticated, RegistryError, Unavailable
from registry.messages import text
from registry.openrosa import queries, receiving
from registry.openrosa.forms import Form, form_of, name_of
from registry.openrosa.outline import legal
from registry.openrosa.receiving import Received, Sent
from registry.openrosa.submission import LARGEST_XML_BYTES, MessageUnreadable
from registry.openrosa.xform import GENERATION
from registry.openrosa.xpath import INSPECTIONS
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.processing import Activity

log = structlog.get_logger()

ROOT: Final = f"{BASE}/openrosa"
VERSION: Final = "1.0"
MESSAGE_BYTES: Final = 5_000_000
"""Clients are told to put no more than this in one message, unless it is one photo: what breaks off is sent again as a whole. More is taken too."""
XML: Final = "text/xml; charset=utf-8"
CSV: Final = "text/csv; charset=utf-8"
LISTED: Final = "http://openrosa.org/xforms/xformsList"
MANIFEST: Final = "http://openrosa.org/xforms/xformsManifest"
ENVELOPE: Final = "http://openrosa.org/http/response"
FORM_PART: Final = "xml_submission_file"
MORE_FOLLOWS: Final = "*isIncomplete*"
"""A part that says that other messages with the same form bring the other files. The register does the same without it."""

blueprint = Blueprint("openrosa", __name__, url_prefix=ROOT)
View = TypeVar("View", bound=Callable[..., Response])
_ACTIVITIES: dict[str, Activity] = {}


def _on(rule: str, *methods: str, processes: Activity | None = None, serves: str = "text/xml", streams: tuple[str, ...] = ()) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        endpoint = f"{blueprint.name}.{view.__name__}"
        BASIC.add(endpoint)
        SERVED[endpoint] = (serves, "text/xml")
        if streams:
            STREAMED[endpoint] = streams
            CHUNKED.add(endpoint)
        if processes is not None:
            _ACTIVITIES[endpoint] = processes
        return blueprint.route(rule, methods=list(methods))(view)

    return decorate


@blueprint.before_request
def _admit() -> None:
    """Only an inspector gets further. Raises NotAuthenticated, NotAllowed, Unavailable, TooManyRequests."""
    if request.method == "OPTIONS":
        return
    try:
        require(actor(), Right.INSPECT)
    except NotAuthenticated:
        limits.not_recognised()
        raise
    limits.recognised()
    processing.begin()


@blueprint.after_request
def _finish(response: Response) -> Response:
    """The headers of the protocol (the server adds Date), and the processing log: what can't be logged is not shown."""
    activity = _ACTIVITIES.get(request.endpoint or "")
    if activity is not None:
        try:
            processing.log(activity, response)
        except Unavailable as error:
            response.close()
            response = refused(error)
    response.headers["X-OpenRosa-Version"] = VERSION
    response.headers["X-OpenRosa-Accept-Content-Length"] = str(MESSAGE_BYTES)
    response.headers["Content-Language"] = language()
    return response


@_on("/formList", "GET")
def form_list() -> Response:
    """The forms of published checklists, and of retired ones with which there is work to do. With ``verbose=true`` also why others have none."""
    verbose = request.args.get("verbose") == "true"
    wanted = request.args.get("formID")
    with reading(actor()) as session:
        checklists = queries.published(session, actor())
    make = ElementMaker(namespace=LISTED, nsmap={None: LISTED})
    listed = make.xforms()
    for checklist in checklists:
        form = form_of(checklist)
        if wanted not in (None, name_of(checklist)):
            continue
        if isinstance(form, Form):
            listed.append(_listed(make, checklist, form, verbose=verbose))
        elif verbose:
            listed.append(etree.Comment(legal(_without_form(checklist, form))))
    return _xml(listed)


def _listed(make: ElementMaker, checklist: Checklist, form: Form, *, verbose: bool) -> etree._Element:
    address = f"{own_origin()}{ROOT}/forms/{quote(form.outline.form_id)}"
    about = checklist.content.get("description")
    described = about.get(language()) if isinstance(about, dict) else None
    return make.xform(
        make.formID(form.outline.form_id),
        make.name(form.outline.title[language()]),
        make.version(GENERATION),
        make.hash(f"md5:{form.md5}"),
        *([make.descriptionText(legal(str(described)))] if verbose and described else []),
        make.downloadUrl(f"{address}.xml"),
        make.manifestUrl(f"{address}/manifest"),
    )


def _without_form(checklist: Checklist, faults: object) -> str:
    assert isinstance(faults, list)
    reasons = "; ".join(f"{fault.pointer}: {fault.text(language())}" for fault in faults)
    return f" {name_of(checklist)}: {reasons} ".replace("--", "- -")


@_on("/forms/<form_id>.xml", "GET")
def form(form_id: str) -> Response:
    with reading(actor()) as session:
        _, found = queries.get_form(session, actor(), form_id)
    return Response(found.xml, content_type=XML)


@_on("/forms/<form_id>/manifest", "GET", processes=Activity.INSPECTIONS_READ)
def manifest(form_id: str) -> Response:
    """The one file that belongs to a form: whose digest changes whenever the caller's work does."""
    work = _work(form_id)
    make = ElementMaker(namespace=MANIFEST, nsmap={None: MANIFEST})
    address = f"{own_origin()}{ROOT}/forms/{quote(form_id)}/{INSPECTIONS}.csv"
    return _xml(make.manifest(make.mediaFile(make.filename(f"{INSPECTIONS}.csv"), make.hash(f"md5:{work.md5}"), make.downloadUrl(address))))


@_on(f"/forms/<form_id>/{INSPECTIONS}.csv", "GET", processes=Activity.INSPECTIONS_READ, serves="text/csv")
def inspections(form_id: str) -> Response:
    """The caller's own open inspections, for a form to choose from without a signal."""
    work = _work(form_id)
    concerns(*work.dwelling_ids)
    return Response(work.csv, content_type=CSV)


def _work(form_id: str) -> queries.Work:
    with reading(actor()) as session:
        checklist_id, _ = queries.get_form(session, actor(), form_id)
        return queries.work(session, actor(), checklist_id, language())


@_on("/submission", "HEAD", "POST", processes=Activity.INSPECTIONS_CHANGED, streams=("multipart/form-data",))
def submission() -> Response:
    """A filled-in form with some or all of its photos: 201, or 202 when it was kept aside. A client asks with HEAD first where it may send it: 204."""
    if request.method == "HEAD":
        return Response(status=204, headers={"Location": f"{own_origin()}{ROOT}/submission"})
    parts = multipart.read(request.headers.get("Content-Type", ""), bodies.Incoming(), LARGEST_PHOTO_BYTES)
    try:
        received = receiving.receive(actor(), _form(parts), _files(parts))
    finally:
        multipart.close(parts)
    concerns(received.landing.dwelling_id)
    return _said(received)


def _said(received: Received) -> Response:
    code, status = ("openrosa-kept", 202) if received.landing.kept_aside else ("openrosa-received", 201)
    return _envelope(status, "submit_success", text(code, language(), {"stored": received.stored, "awaited": received.awaited}))


def _form(parts: list[Part]) -> bytes:
    """Raises MessageUnreadable, RequestEntityTooLarge."""
    found = [part for part in parts if part.name == FORM_PART]
    if len(found) != 1:
        raise MessageUnreadable(problem=f"{len(found)} × {FORM_PART}")
    return found[0].text(LARGEST_XML_BYTES)


def _files(parts: list[Part]) -> list[Sent]:
    wanted = [part for part in parts if part.name not in (FORM_PART, MORE_FOLLOWS)]
    return [Sent(part.filename or part.name, part.content.file, part.content.ends, part.content.sha256.digest()) for part in wanted]


@blueprint.errorhandler(RegistryError)
def refused(error: RegistryError) -> Response:
    sentences = [error.text(language()), *(_sentence(fault) for fault in error.faults)]
    response = _envelope(status_of(error), "submit_error", " ".join(dict.fromkeys(sentences)))
    response.headers.update(retry_after(error))
    if isinstance(error, Unavailable):
        log.warning("unavailable", cause=repr(error.__cause__))
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = 'Basic realm="registry", charset="UTF-8"'
    return response


def _sentence(fault: Fault) -> str:
    """With the place, where the sentence itself does not name it."""
    sentence, place = fault.text(language()), fault.pointer.strip("/")
    return sentence if place.rpartition("/")[2] in sentence else f"{place}: {sentence}"


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    status = error.code or 500
    code = http_code(status)
    facts = {"expected": "multipart/form-data", "limit_bytes": LARGEST_PHOTO_BYTES, "request_id": request_id()}
    return _envelope(status, "submit_error", text(code, language(), facts))


@blueprint.errorhandler(Exception)
def _broken(error: Exception) -> Response:
    log.exception("internal-error", request_id=request_id(), route=request.endpoint, error=type(error).__name__)
    return _envelope(500, "submit_error", text("internal-error", language(), {"request_id": request_id()}))


def _envelope(status: int, nature: str, sentence: str) -> Response:
    make = ElementMaker(namespace=ENVELOPE, nsmap={None: ENVELOPE})
    return _xml(make.OpenRosaResponse(make.message(legal(sentence), nature=nature)), status)


def _xml(root: etree._Element, status: int = 200) -> Response:
    return Response(etree.tostring(root, xml_declaration=True, encoding="UTF-8"), status, content_type=XML)
