"""What memberships and passwords must satisfy, and how secrets are made."""

from datetime import date

import pytest

from registry.access import Role
from registry.members.credentials import CODE_ALPHABET, csrf_token, digest_of, hash_password, identity_digest, new_secret, outdated, password_matches
from registry.members.model import CredentialKind
from registry.members.rules import ROLES, NewMember, check_member, check_password
from registry.organisations.model import OrganisationKind


@pytest.mark.parametrize("kind", OrganisationKind)
def test_every_kind_of_organisation_has_an_administrator(kind: OrganisationKind) -> None:
    assert Role.ADMINISTRATOR in ROLES[kind]


def test_every_role_exists_somewhere() -> None:
    assert set().union(*ROLES.values()) == set(Role)


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (OrganisationKind.CORPORATION, Role.MINISTRY_AUDITOR),
        (OrganisationKind.CORPORATION, Role.MUNICIPALITY_EDITOR),
        (OrganisationKind.MINISTRY, Role.CORPORATION_EDITOR),
        (OrganisationKind.INSPECTION_BODY, Role.MINISTRY_ANALYST),
    ],
)
def test_a_role_of_another_kind_of_organisation_is_refused(kind: OrganisationKind, role: Role) -> None:
    member = NewMember("a@example.nl", "A", role, date(2025, 1, 1), date(2024, 1, 1))
    assert [fault.code for fault in check_member(member, kind)] == ["ends-before-it-begins", "role-elsewhere"]


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("een lange zin die niemand raadt", []),
        ("kort", ["password-length", "password-guessable"]),
        ("x" * 129, ["password-length", "password-guessable"]),
        ("aaaaaaaaaaaaaaaa", ["password-guessable"]),
        ("abababababababab", ["password-guessable"]),
        ("jansen@example", ["password-guessable"]),
        ("Marieke12345", ["password-guessable"]),
        ("🐘🦒🐍🦉🐳🦔🦊🐝🐢🦀🦑🐙", []),
    ],
)
def test_a_password_is_long_and_not_about_its_owner(password: str, codes: list[str]) -> None:
    assert [fault.code for fault in check_password(password, about="Marieke Jansen jansen@example.nl")] == codes


def test_a_password_is_kept_as_a_hash_that_only_it_matches() -> None:
    hash = hash_password("een lange zin die niemand raadt")
    assert hash.startswith("$argon2id$")
    assert password_matches(hash, "een lange zin die niemand raadt")
    assert not password_matches(hash, "een lange zin die niemand raad")
    assert not password_matches(None, "een lange zin die niemand raadt")
    assert not password_matches("no hash", "x")
    assert not outdated(hash)
    assert outdated("$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21l$" + "A" * 43)


@pytest.mark.parametrize("kind", [CredentialKind.TOKEN, CredentialKind.SESSION, CredentialKind.SET_UP, CredentialKind.ENROLMENT])
def test_a_secret_is_new_each_time_and_does_not_show_itself(kind: CredentialKind) -> None:
    secrets = [new_secret(kind) for _ in range(20)]
    assert len({secret.text for secret in secrets}) == 20
    for secret in secrets:
        assert secret.digest == digest_of(secret.text)
        assert secret.text not in repr(secret)


def test_a_code_may_be_typed_as_people_do() -> None:
    code = new_secret(CredentialKind.ENROLMENT)
    assert set(code.text) <= {*CODE_ALPHABET, "-"}
    assert digest_of(code.text.lower().replace("-", " ")) == code.digest
    assert digest_of("O1IL-0000-0000") == digest_of("0111-0000-0000")


def test_an_identity_can_not_be_shifted_between_issuer_and_subject() -> None:
    assert identity_digest("https://a", "b:c") != identity_digest("https://a:b", "c")


def test_a_form_token_belongs_to_one_session() -> None:
    assert csrf_token("dwr_s_one") != csrf_token("dwr_s_two")
