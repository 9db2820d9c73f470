"""The application: every route of the register behind one set of rules for all requests."""

import threading
import time
from typing import cast

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

from api import (
    account,
    areas,
    audit,
    bodies,
    changes,
    checklists,
    compression,
    confirmations,
    conflicts,
    day,
    dwellings,
    hazards,
    import_templates,
    imports,
    inspections,
    limits,
    lookup,
    me,
    measures,
    members,
    milestones,
    openrosa,
    operations,
    organisations,
    origins,
    photo_files,
    photo_shares,
    photos,
    planning,
    portfolios,
    problems,
    projects,
    provider_sign_in,
    receipts,
    reports,
    reviews,
    revisions,
    schemes,
    scores,
    set_up,
    sign_in,
    successions,
    sync,
    tallies,
    teams,
    tokens,
    trajectories,
    trajectory_documents,
    tus,
    vera,
    webhooks,
)
from api.bodies import LARGEST_BODY_BYTES
from api.contract import VERSION, api_for
from api.headers import SECURITY_HEADERS
from api.routes import BASE, CHUNKED, LARGEST, SERVED, STREAMED
from api.web import web
from registry import log as logging
from registry import storage
from registry.db import database
from registry.photos.rules import LARGEST_PHOTO_BYTES
from registry.settings import Settings, settings

log = structlog.get_logger()

MEDIA_TYPES = ("application/json", "application/problem+json", "application/yaml")
"""What the interface can answer with; YAML is for the contract only. Files come besides (`api.routes.SERVED`)."""
CONCEPTS = (
    me,
    tokens,
    members,
    organisations,
    areas,
    dwellings,
    hazards,
    portfolios,
    successions,
    vera,
    imports,
    import_templates,
    schemes,
    projects,
    trajectories,
    measures,
    trajectory_documents,
    milestones,
    confirmations,
    checklists,
    inspections,
    planning,
    teams,
    day,
    sync,
    conflicts,
    reviews,
    revisions,
    scores,
    photos,
    tus,
    photo_files,
    photo_shares,
    receipts,
    reports,
    tallies,
    changes,
    webhooks,
    audit,
)
BESIDE = (lookup,)
"""Adds to the routes of the dwellings."""
PAGES = (sign_in, provider_sign_in, set_up, account)
"""Each adds its pages to the blueprint of all."""


def create_app(config: Settings | None = None) -> Flask:
    """Build the application, connect it to its database, and find out meanwhile what the object store can do."""
    config = config or settings()
    logging.configure(config.log_level)
    app = build()
    if database.bind is None:
        database.connect(config.database_url, pool_size=config.pool_size, guarded=True, prepared=config.prepared_statements)
    threading.Thread(target=storage.takes_from_phones, name="try-object-store", daemon=True).start()
    return app


def build() -> Flask:
    """The application without a database: enough to write the contract."""
    app = Flask("registry", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES, OPENAPI_URL_PREFIX=None)
    app.wsgi_app = tus.OverriddenMethods(app.wsgi_app)  # type: ignore[method-assign]
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    app.before_request(_begin)
    app.after_request(_end)
    problems.register(app)
    api = api_for(app)
    for concept in CONCEPTS:
        api.register_blueprint(concept.routes)
    operations.register(app, api)
    app.register_blueprint(openrosa.blueprint)
    app.register_blueprint(web)
    return app


def _begin() -> None:
    """Raises RequestEntityTooLarge, LengthRequired, TooManyRequests, UnsupportedMediaType, NotAcceptable."""
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=problems.request_id())
    streamed = STREAMED.get(request.endpoint or "")
    largest = LARGEST_BODY_BYTES if streamed is None else LARGEST.get(request.endpoint or "", LARGEST_PHOTO_BYTES)
    bodies.judge_head(largest_bytes=largest, chunked=request.endpoint in CHUNKED)
    if not request.path.startswith(BASE):
        return
    limits.admit()
    if request.routing_exception is not None:  # no such address or method: nothing else matters
        return
    if (request.content_length or bodies.in_chunks()) and request.mimetype not in (streamed or ("application/json",)):
        raise UnsupportedMediaType()
    if request.accept_mimetypes and not request.accept_mimetypes.best_match((*MEDIA_TYPES, *SERVED.get(request.endpoint or "", ()))):
        raise NotAcceptable()


def _end(response: Response) -> Response:
    limits.count_what_was_not()
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["API-Version"] = VERSION
    response.headers["X-Request-Id"] = problems.request_id()
    response.headers.add("Vary", "Accept-Language")
    if request.path.startswith(BASE):
        origins.allow(response)
    compression.compress(response)
    bodies.bound_answer(response)
    rule = request.url_rule.rule if request.url_rule else "none"
    seconds = time.perf_counter() - cast("float", g.get("began", time.perf_counter()))
    operations.observe(request.method if request.url_rule else "any", rule, response.status_code, seconds)
    log.debug("request", method=request.method, route=rule, status=response.status_code, ms=round(seconds * 1000, 1))
    return response
