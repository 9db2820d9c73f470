"""Checklists over HTTP."""

import copy
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
import yaml
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from registry.checklists.commands import shipped
from registry.checklists.json_schema import schema
from registry.checklists.xlsform.workbook import LARGEST_FILE_BYTES, XLSX
from registry.organisations.model import OrganisationKind
from tests import makers
from tests.api.callers import Caller, a_caller, content, refused
from tests.registry.checklists.spreadsheets import a_form

BASELINE = next(iter(shipped()))


@pytest.fixture
def ministry(session: Session, api: FlaskClient) -> Caller:
    return a_caller(api, "administrator", makers.an_organisation(session, kind=OrganisationKind.MINISTRY))


def a_checklist(edition: int = 1, **more: Any) -> dict[str, Any]:
    return {**copy.deepcopy(dict(BASELINE)), "key": "own", "edition": edition, **more}


def drafted(ministry: Caller, **more: Any) -> dict[str, Any]:
    return content(ministry.post("/checklists", {"content": a_checklist(**more)}), 201)


def test_a_published_checklist_can_be_read_by_everyone(inspector: Caller, analyst: Caller, session: Session) -> None:
    checklist = makers.a_checklist(session)
    shown = content(inspector.get(f"/checklists/{checklist.id}"))
    assert (shown["key"], shown["edition"], shown["status"], shown["content"]) == ("baseline", 1, "published", checklist.content)
    assert content(analyst.get("/checklists?key=baseline"))["items"] == [shown]
    assert content(analyst.get("/checklists?key=other"))["items"] == []
    assert content(analyst.get("/checklists?status=retired"))["items"] == []


def test_a_missing_checklist_is_not_found(inspector: Caller) -> None:
    refused(inspector.get(f"/checklists/{uuid4()}"), 404, "not-found")
    refused(inspector.get("/checklists?key=Not%20a%20key"), 400, "invalid-input", ("key", "wrong-form"))


def test_from_draft_to_published_to_retired(ministry: Caller, inspector: Caller) -> None:
    draft = drafted(ministry)
    where = f"/checklists/{draft['id']}"
    assert (draft["status"], draft["publishedAt"], draft["source"]) == ("draft", None, "yaml")
    refused(inspector.get(where), 404, "not-found")
    assert content(inspector.get("/checklists"))["items"] == []
    assert content(ministry.get("/checklists?status=draft"))["items"] == [draft]
    refused(ministry.put(where, {"content": a_checklist(2)}), 428, "precondition-required")
    changed = content(ministry.put(where, {"content": a_checklist(2)}, version=1))
    assert (changed["edition"], changed["version"]) == (2, 2)
    refused(ministry.post(f"{where}/publication", version=1), 412, "precondition-failed")
    published = content(ministry.post(f"{where}/publication", version=2))
    assert published["publishedAt"] is not None
    assert content(inspector.get(where)) == published
    refused(ministry.put(where, {"content": a_checklist(3)}, version=3), 409, "checklist-frozen")
    retired = content(ministry.post(f"{where}/retirement", version=3))
    assert (retired["status"], content(inspector.get(where))) == ("retired", retired)


def test_a_draft_is_made_once_for_one_key(ministry: Caller) -> None:
    first, again = (ministry.post("/checklists", {"content": a_checklist()}, key="once") for _ in range(2))
    assert content(first, 201) == content(again, 201)
    assert first.headers["Location"] == f"/v1/checklists/{content(first, 201)['id']}"
    refused(ministry.post("/checklists", {"content": a_checklist()}), 409, "edition-taken")


def test_a_draft_may_be_sent_as_yaml(ministry: Caller) -> None:
    text = yaml.safe_dump(a_checklist(), allow_unicode=True)
    made = content(ministry.post("/checklists", {"yaml": text, "writtenAs": "xlsform"}), 201)
    assert (made["content"], made["source"]) == (a_checklist(), "xlsform")
    refused(ministry.post("/checklists", {"yaml": "key: *x"}), 400, "rule-violation", ("/yaml/key", "yaml-alias"))
    refused(ministry.post("/checklists", {"yaml": "- x"}), 400, "rule-violation", ("/yaml", "not-an-object"))
    refused(ministry.post("/checklists", {"yaml": text, "content": {}}), 400, "invalid-input", ("/content", "content-or-yaml"))
    refused(ministry.post("/checklists", {"content": {"key": "Own"}}), 400, "rule-violation", ("/content/key", "wrong-form"), ("/content/edition", "required"))
    refused(ministry.post("/checklists", {}), 400, "invalid-input", ("/content", "content-or-yaml"))


def test_everything_that_is_wrong_is_said_when_a_draft_is_published(ministry: Caller) -> None:
    draft = drafted(ministry, title={"nl": "Alleen Nederlands"}, sections=[])
    faults = (("/content/title/en", "text-missing"), ("/content/sections", "too-short"))
    refused(ministry.post(f"/checklists/{draft['id']}/publication", version=1), 400, "rule-violation", *faults)


def test_the_linter_answers_with_line_and_column_in_ones_own_language(inspector: Caller) -> None:
    text = 'key: own\nedition: 1\ntitle: {nl: "Titel"}\nsections: [yes]\n'
    checked = content(inspector.post("/checklists/_check", {"text": text}))
    assert checked["publishable"] is False
    assert [(each["line"], each["column"], each["pointer"], each["code"]) for each in checked["findings"]] == [
        (3, 1, "/title/en", "text-missing"),
        (4, 12, "/sections/0", "unquoted-yes"),
    ]
    dutch = Caller(inspector.client, inspector.token, language="nl")
    assert "aanhalingstekens" in content(dutch.post("/checklists/_check", {"text": text}))["findings"][1]["detail"]
    assert content(inspector.post("/checklists/_check", {"text": yaml.safe_dump(dict(BASELINE))})) == {"publishable": True, "findings": []}


@pytest.mark.parametrize("text", ["[" * 100_000, "a: &a [1]\nb: [*a]", "\ud800", "\x07", "key: " + "9" * 10_000])
def test_a_text_made_to_break_the_linter_is_only_found_wrong(inspector: Caller, text: str) -> None:
    response = inspector.post("/checklists/_check", {"text": text})
    assert response.status_code in (200, 400)
    assert response.status_code == 400 or not content(response)["publishable"]


def test_the_schema_is_open_to_every_editor(nobody: Caller) -> None:
    response = nobody.get("/checklist-schema")
    assert content(response) == schema()
    assert nobody.get("/checklist-schema", If_None_Match=response.headers["ETag"]).status_code == 304
    jsonschema.validate(dict(BASELINE), content(response))


def test_an_xlsform_becomes_the_yaml_of_a_draft(ministry: Caller) -> None:
    file = a_form(["text", "why", "Waarom?", None], ["geopoint", "where", "Waar?", "Where?"])
    converted = content(ministry.post("/checklists/_convert", raw=file, Content_Type=XLSX))
    assert [(each["sheet"], each["row"], each["column"], each["what"], each["code"]) for each in converted["unsupported"]] == [
        ("survey", 2, "label::Nederlands (nl)", "Waarom?", "xlsform-language-missing"),
        ("survey", 3, "type", "geopoint where", "xlsform-type"),
        ("settings", 2, "form_title", "Vocht", "xlsform-language-missing"),
    ]
    assert yaml.safe_load(converted["yaml"]) == converted["content"]
    draft = content(ministry.post("/checklists", {"yaml": converted["yaml"], "writtenAs": "xlsform"}), 201)
    assert content(ministry.post(f"/checklists/{draft['id']}/publication", version=1))["status"] == "published"


def test_a_file_that_is_no_xlsform_is_refused(ministry: Caller, inspector: Caller) -> None:
    refused(ministry.post("/checklists/_convert", raw=b"not a spreadsheet", Content_Type=XLSX), 400, "xlsform-unreadable", ("", "xlsform-not-xlsx"))
    refused(ministry.post("/checklists/_convert", raw=b"", Content_Type=XLSX), 400, "xlsform-unreadable", ("", "xlsform-not-xlsx"))
    refused(ministry.post("/checklists/_convert", raw=b"x" * (LARGEST_FILE_BYTES + 1), Content_Type=XLSX), 413, "content-too-large")
    refused(ministry.post("/checklists/_convert", {"file": "x"}), 415, "unsupported-media-type")
    refused(inspector.post("/checklists/_convert", raw=a_form(), Content_Type=XLSX), 403, "not-allowed")
