"""Who is calling: from the Authorization header to an actor.

For now only development tokens, one for each role, and only in embedded mode: ``dev-<role>`` or ``dev-<role>@<organisation slug>``.
"""

from typing import cast
from uuid import UUID, uuid5

from flask import g, request

from api.problems import request_id
from registry.access import Actor, Role
from registry.db import reading
from registry.errors import NotAuthenticated
from registry.organisations import queries as organisations
from registry.settings import settings

PEOPLE = UUID("5b0d8f4e-6f0f-5c1e-9a51-3c1b7d1f2a60")
"""The namespace of the made-up people behind development tokens."""


def actor() -> Actor:
    """The actor of this request. Raises NotAuthenticated."""
    if "actor" not in g:
        g.actor = _actor(request.headers.get("Authorization", ""))
    return cast("Actor", g.actor)


def _actor(header: str) -> Actor:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.startswith("dev-") or not settings().embedded:
        raise NotAuthenticated()
    role_name, _, slug = token.removeprefix("dev-").partition("@")
    try:
        role = Role(role_name)
    except ValueError:
        raise NotAuthenticated() from None
    if "\0" in slug:
        raise NotAuthenticated()
    if not slug:
        return Actor(uuid5(PEOPLE, token), None, role, request_id())
    with reading() as session:
        organisation = organisations.find_by_slug(session, slug)
    if organisation is None:
        raise NotAuthenticated()
    return Actor(uuid5(PEOPLE, token), organisation.id, role, request_id(), organisation.municipality_code)
