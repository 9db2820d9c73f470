"""For those who run the register: is it alive, is it ready, how busy is it; and the contract itself."""

import os
from collections.abc import Callable
from functools import cache

import prometheus_client
import sqlalchemy as sa
import yaml
from flask import Flask, Response
from prometheus_client import multiprocess

from api.answers import json_response
from api.contract import Api, document
from api.routes import BASE
from registry import storage
from registry.db import reading
from registry.errors import Unavailable
from registry.webhooks import queries as webhooks

REQUESTS = prometheus_client.Histogram("registry_request_seconds", "Time to answer, by route.", ["method", "route", "status"])


def observe(method: str, route: str, status: int, seconds: float) -> None:
    REQUESTS.labels(method, route, str(status)).observe(seconds)


def register(app: Flask, api: Api) -> None:
    contract = document(api)
    written = cache(lambda: as_yaml(contract))  # takes most of a second, in which this process answers nobody else: once, when it is first asked for

    @app.get(f"{BASE}/openapi.json")
    def openapi_json() -> Response:
        return json_response(contract, headers={"Access-Control-Allow-Origin": "*"})

    @app.get(f"{BASE}/openapi.yaml")
    def openapi_yaml() -> Response:
        return Response(written(), headers={"Access-Control-Allow-Origin": "*"}, content_type="application/yaml")

    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)
    app.add_url_rule("/metrics", view_func=metrics)


def as_yaml(contract: dict[str, object]) -> str:
    written: str = yaml.dump(contract, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=150)
    return written


def healthz() -> Response:
    """This process answers."""
    return json_response({"status": "ok"})


def readyz() -> Response:
    """The database and the object store answer. A store that takes nothing more still lets everything be read, so it is said and is no reason to stop."""
    state = {"database": _answers(_ask_database), "objectStore": _answers(storage.check)}
    ready = all(each == "ok" for each in state.values())
    if state["objectStore"] == "ok" and storage.refused_lately():
        state["objectStore"] = "refuses-writes"
    return json_response({"status": "ok" if ready else "unavailable", **state}, 200 if ready else 503)


def _ask_database() -> None:
    with reading() as session:
        session.execute(sa.text("SELECT 1"))


def _answers(ask: Callable[[], None]) -> str:
    try:
        ask()
    except Unavailable:
        return "unavailable"
    return "ok"


def metrics() -> Response:
    """For Prometheus; over all workers when PROMETHEUS_MULTIPROC_DIR is set."""
    registry = prometheus_client.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    text = prometheus_client.generate_latest(registry) + prometheus_client.generate_latest(_of_webhooks())
    return Response(text, content_type=prometheus_client.CONTENT_TYPE_LATEST)


def _of_webhooks() -> prometheus_client.CollectorRegistry:
    """What is to be told, as the database has it now; nothing without a database, which other figures show."""
    registry = prometheus_client.CollectorRegistry()
    try:
        with reading() as session:
            found = webhooks.backlog(session)
    except Unavailable:
        return registry
    for name, value, what in (
        ("undelivered", found.undelivered, "Deliveries that wait or are on their way, of webhooks that are active."),
        ("oldest_undelivered_seconds", found.oldest_s, "How long the oldest of them waits."),
        ("dead", found.dead, "Deliveries that were given up."),
        ("disabled", found.disabled, "Webhooks that the register has disabled."),
    ):
        prometheus_client.Gauge(f"registry_webhook_{name}", what, registry=registry).set(value)
    return registry
