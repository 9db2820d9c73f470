"""Which pages anybody may open: a new one that is on neither list fails here."""

from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from tests.api.browser import get, submit

FOR_ANYONE = {
    "asset", "show_sign_in", "by_password", "sign_out", "leave", "come_back", "show_set_up", "set_up", "connect", "show_enrolment", "show_shared_photo",
}  # fmt: skip
FOR_ONESELF = {"show_account", "enrol_phone", "revoke_phone", "choose_password"}


def test_every_page_is_on_one_of_the_lists(api: FlaskClient) -> None:
    endpoints = {rule.endpoint for rule in api.application.url_map.iter_rules()}
    assert {endpoint.removeprefix("web.") for endpoint in endpoints if endpoint.startswith("web.")} == FOR_ANYONE | FOR_ONESELF


@pytest.mark.parametrize("endpoint", sorted(FOR_ONESELF))
def test_a_page_about_oneself_leads_a_stranger_to_signing_in(api: FlaskClient, endpoint: str) -> None:
    (rule,) = api.application.url_map.iter_rules(f"web.{endpoint}")
    path = rule.rule.replace("<uuid:token_id>", str(uuid4()))
    response = submit(api, path) if "POST" in (rule.methods or set()) else get(api, path)
    assert (response.status_code, response.headers["Location"]) == (303, "/sign-in?next=%2Faccount")
