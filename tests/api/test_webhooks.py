"""Webhooks over HTTP: made, changed, stopped and ended by an administrator, their secrets shown once."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from api import webhooks
from registry.audit.model import AuditLine
from registry.idempotency import AnsweredRequest
from registry.organisations.model import OrganisationKind
from registry.settings import settings
from registry.webhooks.model import DeliveryStatus, WebhookDelivery, WebhookSecret
from registry.webhooks.rules import MOST_WEBHOOKS
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused, reload
from tests.registry.webhooks.test_rules import HOSTILE

URL = "https://hooks.example.nl/registry?key=s3cret"
BODY = {"name": "esb", "url": URL}


@pytest.fixture
def administrator(corporation: Caller) -> Caller:
    """Of a corporation."""
    return a_caller(corporation.client, "administrator", corporation.organisation)


@pytest.fixture
def made(administrator: Caller) -> dict[str, object]:
    return content(administrator.post("/webhooks", BODY), 201)  # type: ignore[no-any-return]


@pytest.fixture
def in_house(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever runs the register allows 10.1.0.0/16."""
    monkeypatch.setattr(webhooks, "settings", lambda: replace(settings(), webhook_allowed_networks=(ip_network("10.1.0.0/16"),)))
    return


def lines(session: Session, id: object) -> list[str]:
    return list(session.scalars(sa.select(AuditLine.action).where(AuditLine.subject_id == str(id)).order_by(AuditLine.id)))


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(session: Session, administrator: Caller) -> None:
    key = str(uuid4())
    made = content(administrator.post("/webhooks", BODY, key=key), 201)
    assert made.items() >= {"name": "esb", "url": URL, "events": [], "status": "active", "reason": None, "version": 1}.items()
    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"), validate=True)) == 32
    again = administrator.post("/webhooks", BODY, key=key)
    assert (again.headers["Idempotency-Replayed"], content(again, 201)) == ("true", {**made, "secret": None})
    without = {name: value for name, value in made.items() if name != "secret"}
    assert content(administrator.get(f"/webhooks/{made['id']}")) == without
    assert content(administrator.get("/webhooks"))["items"] == [without]
    for kept in session.scalars(sa.select(AnsweredRequest.body)):
        assert made["secret"].encode() not in (kept or b"")
    assert lines(session, made["id"]) == ["webhook.created"]
    assert made["secret"] not in str(session.scalars(sa.select(AuditLine.details)).all())


def test_the_same_id_makes_nothing_twice_and_another_content_is_refused(administrator: Caller) -> None:
    body = {**BODY, "id": str(uuid4())}
    made = content(administrator.post("/webhooks", body), 201)
    assert content(administrator.post("/webhooks", body), 200) == {**made, "secret": None}
    refused(administrator.post("/webhooks", {**body, "name": "other"}), 409, "already-exists")


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(administrator: Caller, url: str) -> None:
    problem = administrator.post("/webhooks", {"name": "x", "url": url})
    assert problem.status_code == 400, problem.text
    assert {fault["pointer"] for fault in problem.json["errors"]} == {"/url"}


def test_a_network_that_is_allowed_may_be_told(administrator: Caller, in_house: None) -> None:
    content(administrator.post("/webhooks", {"name": "x", "url": "http://10.1.2.3/hook"}), 201)
    refused(administrator.post("/webhooks", {"name": "x", "url": "http://10.2.2.3/hook"}), 400, "rule-violation", ("/url", "webhook-url-private"))


def test_all_that_is_wrong_is_said_at_once(administrator: Caller) -> None:
    body = {"name": "x", "url": "http://user@intranet:22/#x", "events": ["milestone", "*", "Dwelling"]}
    told = ("user", "fragment", "https", "port", "host")
    faults = [("/url", f"webhook-url-{each}") for each in told]
    refused(administrator.post("/webhooks", body), 400, "rule-violation", *faults, ("/events/1", "wrong-form"), ("/events/2", "wrong-form"))


def test_nobody_but_an_administrator_of_the_organisation_sees_or_changes_it(
    made: dict[str, object], administrator: Caller, corporation: Caller, municipality: Caller, reviewer: Caller, auditor: Caller, other_corporation: Caller
) -> None:
    path = f"/webhooks/{made['id']}"
    for caller in (corporation, municipality, reviewer, auditor):
        refused(caller.get(path), 403, "not-allowed")
        refused(caller.get("/webhooks"), 403, "not-allowed")
    other = a_caller(other_corporation.client, "administrator", other_corporation.organisation)
    assert content(other.get("/webhooks"))["items"] == []
    for method, place, body in (
        ("GET", "", None), ("PUT", "", BODY), ("DELETE", "", None), ("POST", "/secret", None), ("POST", "/pause", None), ("POST", "/resume", {}),
        ("GET", "/state", None), ("GET", "/deliveries", None), ("POST", "/replay", {"dead": True}), ("POST", "/test", None),
    ):  # fmt: skip
        refused(other.send(method, path + place, body, version=1), 404, "not-found")


def test_the_ministry_is_told_why_it_has_none(session: Session, api) -> None:  # type: ignore[no-untyped-def]
    ministry = a_caller(api, "administrator", makers.an_organisation(session, kind=OrganisationKind.MINISTRY))
    problem = refused(ministry.post("/webhooks", BODY), 403, "ministry-has-no-webhooks")
    assert "says why" in problem["detail"]


def test_a_change_names_the_version_it_is_based_on(session: Session, administrator: Caller, made: dict[str, object]) -> None:
    path = f"/webhooks/{made['id']}"
    wanted = {**BODY, "events": ["milestone"]}
    refused(administrator.put(path, wanted), 428, "precondition-required")
    refused(administrator.put(path, wanted, version=7), 412, "precondition-failed")
    changed = administrator.put(path, wanted, version=1)
    assert (content(changed)["events"], changed.headers["ETag"]) == (["milestone"], '"2"')
    refused(administrator.put(path, {**BODY, "url": "https://127.0.0.1/"}, version=2), 400, "rule-violation", ("/url", "webhook-url-private"))
    assert lines(session, made["id"]) == ["webhook.created", "webhook.amended"]


def test_it_is_paused_resumed_and_ended(session: Session, administrator: Caller, made: dict[str, object]) -> None:
    path = f"/webhooks/{made['id']}"
    refused(administrator.post(f"{path}/pause"), 428, "precondition-required")
    assert content(administrator.post(f"{path}/pause", version=1))["status"] == "paused"
    assert content(administrator.post(f"{path}/resume", {"missed": "skip"}, version=2))["status"] == "active"
    refused(administrator.post(f"{path}/resume", {"missed": "some"}, version=3), 400, "invalid-input", ("/missed", "not-one-of"))
    assert content(administrator.send("DELETE", path, version=3))["status"] == "ended"
    assert content(administrator.get("/webhooks"))["items"] == []
    assert content(administrator.get(path))["status"] == "ended"
    refused(administrator.post(f"{path}/resume", {}, version=4), 409, "webhook-ended")
    refused(administrator.post(f"{path}/secret"), 409, "webhook-ended")
    assert lines(session, made["id"]) == ["webhook.created", "webhook.paused", "webhook.resumed", "webhook.ended"]


def test_a_new_secret_is_shown_once_and_the_former_one_lasts_for_a_day(session: Session, administrator: Caller, made: dict[str, object]) -> None:
    path = f"/webhooks/{made['id']}"
    first = content(administrator.post(f"{path}/secret"), 201)
    assert first["secret"] != made["secret"]
    secrets = content(administrator.get(f"{path}/state"))["secrets"]
    assert [each["expiresAt"] for each in secrets] == [None, first["formerUntil"]]
    content(administrator.post(f"{path}/secret"), 201)
    refused(administrator.post(f"{path}/secret"), 409, "too-many-secrets")
    for answer in (administrator.get(path), administrator.get(f"{path}/state"), administrator.get("/webhooks"), administrator.get("/audit?limit=500")):
        assert "whsec_" not in answer.text
    kept = session.scalars(sa.select(WebhookSecret.secret).where(WebhookSecret.webhook_id == UUID(str(made["id"])))).all()
    assert {made["secret"], first["secret"]} < set(kept)


def test_a_test_event_is_listed_and_what_was_given_up_is_sent_again(session: Session, administrator: Caller, made: dict[str, object]) -> None:
    path = f"/webhooks/{made['id']}"
    sent = content(administrator.post(f"{path}/test"), 201)
    assert (sent["action"], sent["status"], sent["attempts"]) == ("webhook.test", "pending", 0)
    waiting = content(administrator.post(f"{path}/test"), 201)
    assert waiting["status"] == "waiting"
    session.execute(sa.update(WebhookDelivery).values(status=DeliveryStatus.DEAD, settled_at=sa.func.now(), attempts=3, answer_status=500, answer="au"))
    reload(session)
    dead = content(administrator.get(f"{path}/deliveries?status=dead&limit=1"))
    assert ([each["eventId"] for each in dead["items"]], dead["items"][0]["answer"]) == ([waiting["eventId"]], "au")
    more = content(administrator.get(f"{path}/deliveries?status=dead&limit=1&cursor={dead['next']}"))
    assert [each["eventId"] for each in more["items"]] == [sent["eventId"]]
    assert content(administrator.get(f"{path}/state")).items() >= {"waiting": 0, "dead": 2}.items()
    assert content(administrator.post(f"{path}/replay", {"eventId": waiting["eventId"]})).items() >= {"count": 1, "more": False}.items()
    assert content(administrator.post(f"{path}/replay", {"dead": True}))["count"] == 1
    assert content(administrator.post(f"{path}/replay", {"eventId": waiting["eventId"]}))["count"] == 0
    assert content(administrator.get(f"{path}/deliveries?status=pending"))["items"][0]["eventId"] == waiting["eventId"]
    assert content(administrator.get(f"{path}/state"))["waiting"] == 2
    refused(administrator.post(f"{path}/replay", {"eventId": "unknown"}), 404, "not-found")
    for body in ({}, {"dead": False}, {"dead": True, "since": "2026-01-01T00:00:00Z"}):
        assert administrator.post(f"{path}/replay", body).status_code == 400


def test_a_cursor_of_the_list_that_was_not_given_out_is_refused(administrator: Caller, made: dict[str, object]) -> None:
    refused(administrator.get(f"/webhooks/{made['id']}/deliveries?cursor=abc"), 400, "invalid-input", ("cursor", "bad-cursor"))


def test_an_organisation_has_a_few(administrator: Caller) -> None:
    for place in range(MOST_WEBHOOKS):
        content(administrator.post("/webhooks", {**BODY, "name": f"{place}"}), 201)
    refused(administrator.post("/webhooks", BODY), 409, "too-many-webhooks")


def test_whoever_runs_the_register_sees_the_backlog(administrator: Caller, made: dict[str, object]) -> None:
    content(administrator.post(f"/webhooks/{made['id']}/test"), 201)
    text = administrator.client.get("/metrics").text
    figures = {line.split()[0]: float(line.split()[1]) for line in text.splitlines() if line.startswith("registry_webhook")}
    assert figures["registry_webhook_undelivered"] == 1
    assert figures["registry_webhook_dead"] == figures["registry_webhook_disabled"] == 0
    assert 0 < figures["registry_webhook_oldest_undelivered_seconds"] < 60
