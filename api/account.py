"""One's own account: for whom one works, one's phones, one's password. And where the QR picture of a phone leads when a browser opens it."""

from collections.abc import Sequence
from uuid import UUID

from flask import Response, request
from markupsafe import Markup

from api import attempts
from api.addresses import own_origin
from api.auth import session_secret
from api.forms import line, missing
from api.problems import request_id
from api.sign_in import let_in, visitor
from api.tokens import LONGEST_NAME, enrolment
from api.web import page, see, web
from registry.access import Actor, Oneself
from registry.db import reading, transaction
from registry.errors import Fault, NotFound, RuleViolation
from registry.members import commands, queries, sign_in
from registry.members.credentials import digest_of
from registry.members.rules import SHORTEST_PASSWORD
from registry.members.sign_in import Presented

DONE = frozenset({"password", "phone"})
"""What a person is told that it succeeded."""


@web.get("/account")
def show_account() -> Response:
    return _account(visitor())


def _account(me: Presented, status: int = 200, faults: Sequence[Fault] = (), name: str = "") -> Response:
    with reading(Oneself(me.person_id, request_id())) as session:
        person = queries.person(session, me.person_id)
        found = {
            "person": person,
            "memberships": queries.held_by(session, me.person_id),
            "phones": queries.own_tokens(session, me.person_id),
            "has_password": sign_in.has_password(session, person.email),
        }
    done = request.args.get("done") if request.args.get("done") in DONE else None
    return page("account.html", status, faults=faults, name=name, done=done, shortest=SHORTEST_PASSWORD, longest_name=LONGEST_NAME, **found)


@web.post("/account/phones")
def enrol_phone() -> Response:
    me = visitor()
    name = line("name")[:LONGEST_NAME]
    chosen, faults = _membership(), missing(("/name", name))
    if chosen is None:
        faults.append(Fault("/memberId", "required"))
    if chosen is None or faults:
        return _account(me, 400, faults, name)
    acting = _acting_for(chosen)
    with transaction(acting) as session:
        secret = commands.enrol(session, acting, chosen, name=name)
    made = enrolment(secret, own_origin())
    return page("phone.html", code=made["code"], uri=made["uri"], qr=Markup(made["qr"]), name=name)  # noqa: S704 - made by segno


def _membership() -> UUID | None:
    try:
        return UUID(line("member_id"))
    except ValueError:
        return None


def _acting_for(membership_id: UUID) -> Actor:
    """Raises NotFound."""
    me = sign_in.authenticate(digest_of(session_secret()), membership_id=membership_id)
    if not me.memberships:
        raise NotFound(what="member", id=membership_id)
    return me.acting(request_id())


@web.post("/account/phones/<uuid:token_id>/revoke")
def revoke_phone(token_id: UUID) -> Response:
    herself = Oneself(visitor().person_id, request_id())
    with transaction(herself) as session:
        commands.revoke_token(session, herself, token_id)
    return see("/account?done=phone")


@web.post("/account/password")
def choose_password() -> Response:
    me = visitor()
    current, new = request.form.get("current_password", ""), request.form.get("new_password", "")
    faults = missing(("/currentPassword", current), ("/newPassword", new))
    if faults:
        return _account(me, 400, faults)
    attempts.count("password-change", str(me.credential_id))
    herself = Oneself(me.person_id, request_id())
    try:
        with transaction(herself) as session:
            secret = sign_in.change_password_and_go_on(session, herself, current=current, new=new)
    except RuleViolation as error:
        return _account(me, 400, error.faults)
    return let_in(secret, "/account?done=password")


@web.get("/enrol")
def show_enrolment() -> Response:
    return page("enrol.html")
