"""Callers of every role, each made when a test asks for it; and a live database for tests with real commits."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry import log
from registry.db import API_ROLE, database
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller
from tests.identity_provider import IdentityProvider
from tests.owner import as_owner
from tests.world import World, a_world


@pytest.fixture(scope="session", autouse=True)
def _plain_log() -> None:
    """structlog's own default draws every frame of an exception; the product never does."""
    log.configure("WARNING")


@pytest.fixture(scope="session")
def identity_provider() -> Iterator[IdentityProvider]:
    """One for all tests that neither stop it nor take its keys away."""
    with IdentityProvider() as running:
        yield running


@pytest.fixture
def own_identity_provider() -> Iterator[IdentityProvider]:
    with IdentityProvider() as running:
        yield running


@pytest.fixture
def corporation(session: Session, api: FlaskClient) -> Caller:
    return a_caller(api, "corporation-editor", makers.an_organisation(session))


@pytest.fixture
def other_corporation(session: Session, api: FlaskClient) -> Caller:
    return a_caller(api, "corporation-editor", makers.an_organisation(session))


@pytest.fixture
def municipality(session: Session, api: FlaskClient) -> Caller:
    """The editor of Heerlen."""
    makers.a_municipality(session)
    return a_caller(api, "municipality-editor", makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code=makers.HEERLEN))


@pytest.fixture
def other_municipality(session: Session, api: FlaskClient) -> Caller:
    makers.a_municipality(session, "GM0363", "Amsterdam")
    return a_caller(api, "municipality-editor", makers.an_organisation(session, kind=OrganisationKind.MUNICIPALITY, municipality_code="GM0363"))


@pytest.fixture
def inspector(session: Session, api: FlaskClient) -> Caller:
    return a_caller(api, "inspector", makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY))


@pytest.fixture
def reviewer(inspector: Caller) -> Caller:
    """Of the organisation of `inspector`."""
    return a_caller(inspector.client, "reviewer", inspector.organisation)


@pytest.fixture
def administrator(api: FlaskClient) -> Caller:
    return a_caller(api, "administrator")


@pytest.fixture
def analyst(api: FlaskClient) -> Caller:
    return a_caller(api, "ministry-analyst")


@pytest.fixture
def auditor(api: FlaskClient) -> Caller:
    return a_caller(api, "ministry-auditor")


@pytest.fixture
def nobody(api: FlaskClient) -> Caller:
    return Caller(api, None)


@pytest.fixture
def world(session: Session, api: FlaskClient) -> World:
    """Two of everything, and the ministry."""
    return a_world(session, api)


@pytest.fixture
def live(fresh_database: str, application: Flask) -> Callable[[str], Caller]:
    """Callers, by role, whose requests really commit: one person in each role, with a client for each time, so that threads can call at the same time."""
    database.role = API_ROLE
    with as_owner() as session:
        makers.a_municipality(session)
        kinds = {"municipality-editor": OrganisationKind.MUNICIPALITY, "inspector": OrganisationKind.INSPECTION_BODY}
        codes = {"municipality-editor": makers.HEERLEN}
        roles = ("corporation-editor", "municipality-editor", "inspector")
        organisations = {
            role: makers.an_organisation(session, role, kinds.get(role, OrganisationKind.CORPORATION), municipality_code=codes.get(role)) for role in roles
        }
    people: dict[str, Caller] = {}

    def live_caller(role: str) -> Caller:
        if role not in people:
            people[role] = a_caller(application.test_client(), role, organisations.get(role))
        return replace(people[role], client=application.test_client())

    return live_caller
