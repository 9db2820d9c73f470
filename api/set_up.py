"""Setting up an account with the one-time link of an administrator: a password, or an account at the OpenID provider.

The code of the link stands in its fragment, which a browser sends to no server; a script of ours puts it into the form, or the person does.
"""

from collections.abc import Sequence

from flask import Response, request

from api import attempts
from api.forms import missing, one_time_code
from api.oidc import web_provider_name
from api.problems import request_id
from api.provider_sign_in import leave_to_connect
from api.sign_in import let_in
from api.web import page, web
from registry.errors import Fault, RuleViolation
from registry.members import sign_in
from registry.members.rules import LONGEST_PASSWORD, SHORTEST_PASSWORD
from registry.members.sign_in import CodeNotValid


@web.get("/set-up")
def show_set_up() -> Response:
    return _form()


@web.post("/set-up")
def set_up() -> Response:
    code, password = one_time_code("code"), request.form.get("new_password", "")
    faults = missing(("/code", code), ("/newPassword", password))
    if faults:
        return _form(400, faults, code)
    attempts.count("set-up", code)
    try:
        session = sign_in.set_up(code, password, request_id=request_id())
    except CodeNotValid as error:
        return _form(401, [Fault("/code", error.code)])
    except RuleViolation as error:
        return _form(400, error.faults, code)
    return let_in(session, "/account")


@web.post("/set-up/provider")
def connect() -> Response:
    code = one_time_code("code")
    faults = missing(("/code", code))
    return _form(400, faults) if faults else leave_to_connect(code)


def _form(status: int = 200, faults: Sequence[Fault] = (), code: str = "") -> Response:
    lengths = {"shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}
    return page("set_up.html", status, faults=faults, code=code, provider=web_provider_name(), **lengths)
