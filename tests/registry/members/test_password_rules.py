"""Which passwords are refused."""

import pytest

from registry.members.rules import check_password

ABOUT = "Anna de Vries anna.devries@woonwijs.nl"


@pytest.mark.parametrize(
    ("password", "codes"),
    [
        ("vier blauwe fietsen", []),
        ("anna houdt van vier blauwe fietsen", []),
        ("x" * 12, ["password-guessable"]),
        ("abababababababab", ["password-guessable"]),
        ("short", ["password-length"]),
        ("anna", ["password-length", "password-guessable"]),
        ("elf tekens!", ["password-length"]),
        ("0123456789ab" * 11, ["password-length"]),
        ("anna.devries@woonwijs.nl", ["password-guessable"]),
        ("AnnaDeVries1234", ["password-guessable"]),
        ("woonwijs12345", ["password-guessable"]),
        ("annaannaanna", ["password-guessable"]),
    ],
)
def test_all_that_is_wrong_with_a_password_is_said_at_once(password: str, codes: list[str]) -> None:
    assert [fault.code for fault in check_password(password, about=ABOUT)] == codes
