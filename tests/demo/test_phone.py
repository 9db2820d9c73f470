"""What the phone of the demo keeps of the change feed, and what it sends."""

from pathlib import Path

import pytest

from demo.client import Body, Register, Voice
from demo.phone import Phone
from demo.tokens import Tokens
from demo.visits import Visit, visits
from demo.vrieheide import homes


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    """Of nobody, with no register to speak to."""
    return Phone(Voice(Register("http://127.0.0.1:1", Tokens(tmp_path / "tokens.env")), ""))


def a_visit() -> Visit:
    return visits(homes())[0]


def a_page(operation: str, *, version: int = 1, more: bool = False) -> Body:
    id = str(a_visit().id)
    content = None if operation == "gone" else {"id": id, "version": version}
    return {"items": [{"kind": "inspection", "subjectId": id, "operation": operation, "content": content}], "next": f"after {version}", "more": more}


def test_what_comes_again_takes_the_place_of_what_was_there(phone: Phone) -> None:
    assert phone.keep(a_page("put", version=1, more=True))
    assert not phone.keep(a_page("put", version=2))
    assert phone.inspection(a_visit())["version"] == 2
    assert phone.cursor == "after 2"


def test_what_is_gone_is_forgotten_also_when_it_was_never_there(phone: Phone) -> None:
    phone.keep(a_page("gone"))
    phone.keep(a_page("put"))
    phone.keep(a_page("gone"))
    assert phone.held == {"inspection": {}}


def test_an_edit_is_the_same_on_the_same_version_and_another_on_the_next_one(phone: Phone) -> None:
    phone.keep(a_page("put", version=1))
    first = phone.edit(a_visit())
    assert phone.edit(a_visit()) == first
    phone.keep(a_page("put", version=2))
    assert phone.edit(a_visit())["editId"] != first["editId"]
    assert phone.edit(a_visit())["baseVersion"] == 2
