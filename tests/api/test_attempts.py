"""Guessing is slow in every way in, and nobody can lock somebody else out."""

from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from api.attempts import MOST_FOR_ONE, MOST_FROM_ADDRESS, WINDOW_S
from registry.attempts import AttemptCount
from registry.members.model import Person
from tests import makers
from tests.api.browser import PASSWORD, a_local_account, an_invitation, form_token, is_a_page, sign_in, signed_in, submit
from tests.api.callers import content, refused

STRANGER, HER_OWN = "203.0.113.66", "198.51.100.1"


@pytest.fixture
def anna(session: Session) -> Person:
    return a_local_account(session)


def use_up(api: FlaskClient, email: str, address: str) -> None:
    assert {sign_in(api, email, "geraden wachtwoord", address=address).status_code for _ in range(MOST_FOR_ONE)} == {401}


def later(session: Session) -> None:
    """The window has passed."""
    session.execute(sa.update(AttemptCount).values(window_start=sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, WINDOW_S + 1)))


def test_after_ten_wrong_passwords_even_the_right_one_must_wait(api: FlaskClient, anna: Person, session: Session) -> None:
    use_up(api, anna.email, STRANGER)
    response = sign_in(api, anna.email, address=STRANGER)
    assert "Te veel verzoeken" in is_a_page(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= WINDOW_S
    assert not signed_in(response)
    later(session)
    assert signed_in(sign_in(api, anna.email, address=STRANGER))


def test_a_stranger_who_guesses_does_not_lock_her_out_where_she_is(api: FlaskClient, anna: Person) -> None:
    use_up(api, anna.email, STRANGER)
    assert [sign_in(api, anna.email, "x", address=STRANGER).status_code for _ in range(20)] == [429] * 20
    assert signed_in(sign_in(api, anna.email, address=HER_OWN))


def test_an_account_that_does_not_exist_is_throttled_as_one_that_does(api: FlaskClient, anna: Person) -> None:
    def tried(email: str) -> list[int]:
        return [sign_in(api, email, "x", address=STRANGER).status_code for _ in range(MOST_FOR_ONE + 2)]

    assert tried("nobody@example.nl") == tried(anna.email)


def test_another_way_of_writing_the_address_of_an_account_has_no_room_of_its_own(api: FlaskClient, anna: Person) -> None:
    use_up(api, anna.email, STRANGER)
    assert sign_in(api, f"  {anna.email.upper()} ", address=STRANGER).status_code == 429


@pytest.mark.parametrize("before", ["\0 ", " \0 \0 ", "\x1f\0 ", "\x7f \x9f\t", "\r\n\0\u2003", "\0\xa0\u3000", "\0" * 600 + " "])
def test_nor_has_one_with_control_characters_and_spaces(api: FlaskClient, anna: Person, before: str) -> None:
    use_up(api, anna.email, STRANGER)
    assert sign_in(api, before + anna.email, address=STRANGER).status_code == 429
    assert signed_in(sign_in(api, before + anna.email, address=HER_OWN))


@pytest.mark.parametrize("space", [" ", "\u2003", "\xa0\u3000"])
def test_nor_has_one_with_spaces_that_stand_at_the_edge_once_it_is_cut_off(api: FlaskClient, anna: Person, space: str) -> None:
    use_up(api, anna.email, STRANGER)
    assert sign_in(api, anna.email + space * 500 + "x", address=STRANGER).status_code == 429


OTHER_LETTERS = ("K", "\u212a", "S", "\u017f", "I", "\u0130", "i\u0307", "ı", "\u1e9e", "ss", "Σ", "É", "E\u0301")
"""The second is the sign of kelvin, the fourth a long s, the ninth a capital ß."""


@pytest.mark.parametrize("letter", ["k", "s", "i", "\u017f", "i\u0307", "\xdf", "ss", "σ", "é", "e\u0301"])
def test_a_spelling_has_the_count_of_an_account_exactly_when_it_finds_it(api: FlaskClient, session: Session, letter: str) -> None:
    person = a_local_account(session, f"a{letter}x@example.nl")
    use_up(api, person.email, STRANGER)
    emails = [f"A{other}X@example.nl" for other in OTHER_LETTERS]
    found = [signed_in(sign_in(api, email, address=HER_OWN)) for email in emails]
    assert any(found)
    assert [sign_in(api, email, address=STRANGER).status_code == 429 for email in emails] == found


def test_one_address_has_so_many_attempts_at_all_accounts_together(api: FlaskClient) -> None:
    statuses = [sign_in(api, f"{uuid4().hex}@example.nl", "x", address=STRANGER).status_code for _ in range(MOST_FROM_ADDRESS + 1)]
    assert statuses == [401] * MOST_FROM_ADDRESS + [429]


def test_what_a_caller_says_of_his_address_is_not_believed(api: FlaskClient, anna: Person) -> None:
    use_up(api, anna.email, STRANGER)
    data = {"form_token": form_token(api), "email": anna.email, "password": PASSWORD}
    headers = {"X-Forwarded-For": HER_OWN, "Forwarded": f"for={HER_OWN}", "X-Real-IP": HER_OWN}
    assert api.post("/sign-in", data=data, headers=headers, environ_base={"REMOTE_ADDR": STRANGER}).status_code == 429


def redeem(api: FlaskClient, code: str, address: str = STRANGER) -> TestResponse:
    return api.post("/v1/tokens", json={"code": code}, environ_base={"REMOTE_ADDR": address})


def test_codes_of_phones_can_not_be_tried_out(api: FlaskClient) -> None:
    statuses = [redeem(api, uuid4().hex[:12]).status_code for _ in range(MOST_FROM_ADDRESS)]
    assert statuses == [401] * MOST_FROM_ADDRESS
    response = redeem(api, "ABCD-EFGH-JKMN")
    refused(response, 429, "too-many-requests")
    assert 0 < int(response.headers["Retry-After"]) <= WINDOW_S
    refused(redeem(api, "ABCD-EFGH-JKMN", HER_OWN), 401, "code-not-valid")


def test_set_up_links_can_not_be_tried_out(api: FlaskClient, session: Session) -> None:
    invitation = an_invitation(session, makers.a_person(session)).text
    for _ in range(MOST_FROM_ADDRESS):
        assert submit(api, "/set-up", address=STRANGER, code=uuid4().hex, new_password=PASSWORD).status_code == 401
    is_a_page(submit(api, "/set-up", address=STRANGER, code=invitation, new_password=PASSWORD), 429)
    assert signed_in(submit(api, "/set-up", address=HER_OWN, code=invitation, new_password=PASSWORD))


def test_who_takes_over_a_browser_can_not_guess_the_password_on_the_page(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email)
    fields = {"current_password": "geraden", "new_password": "tien groene bomen op een rij"}
    statuses = [submit(api, "/account/password", **fields).status_code for _ in range(MOST_FOR_ONE + 1)]
    assert statuses == [400] * MOST_FOR_ONE + [429]


def test_nor_through_the_api_where_the_count_is_the_same(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email, address="127.0.0.1")
    csrf = content(api.get("/v1/me"))["csrfToken"]
    body = {"currentPassword": "geraden", "newPassword": "tien groene bomen op een rij"}
    statuses = [api.put("/v1/me/password", json=body, headers={"X-CSRF-Token": csrf}).status_code for _ in range(MOST_FOR_ONE + 1)]
    assert statuses == [400] * MOST_FOR_ONE + [429]
    fields = {"current_password": PASSWORD, "new_password": "tien groene bomen op een rij"}
    assert submit(api, "/account/password", address="127.0.0.1", **fields).status_code == 429


def test_she_changes_it_meanwhile_in_another_browser(api: FlaskClient, anna: Person) -> None:
    sign_in(api, anna.email)
    for _ in range(MOST_FOR_ONE + 1):
        submit(api, "/account/password", current_password="geraden", new_password="tien groene bomen op een rij")
    api.delete_cookie("__Host-registry-session")
    sign_in(api, anna.email)
    fields = {"current_password": PASSWORD, "new_password": "tien groene bomen op een rij"}
    assert submit(api, "/account/password", **fields).status_code == 303
