"""Filled-in forms, read."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.checklists.rules import check_complete, questions
from registry.errors import RuleViolation
from registry.inspections.model import VisitOutcome
from registry.openrosa import submission
from registry.openrosa.outline import outline
from registry.openrosa.submission import LARGEST_XML_BYTES, MessageUnreadable, Pictured
from registry.openrosa.xform import xform
from tests.registry.openrosa.checklists import EVERYTHING
from tests.registry.openrosa.filling import filled

OUTLINE = outline(EVERYTHING)
FORM = xform(OUTLINE)
INSPECTION = "0199a2c4-0000-7000-8000-000000000001"
VISIT = {"visit/inspection": INSPECTION, "visit/base-version": "4", "visit/outcome": "done", "visit/started-at": "2026-03-01T10:11:12.345+01:00"}
ANSWERS = {
    "answers/first/mould/answer": "large",
    "answers/first/mould/photo-1": "1.jpg",
    "answers/first/mould/photo-2": "2.jpg",
    "answers/first/rooms/answer": "bath bed",
    "answers/first/humidity/answer": "71.5",
    "answers/first/why/answer": "Geen ventilatie",
    "answers/first/since/answer": "2026-01-02",
    "answers/first/danger/answer": "no",
    "answers/parts/roof/state": "defects",
    "answers/parts/roof/count": "2",
    "answers/parts/wall/state": "absent",
    "answers/parts/front/photo-1": "3.jpg",
    "closing/remarks": "Klaar",
}
DEFECTS = {
    "answers/parts/roof/defect": [
        {"kind": "leak", "severity": "critical", "intensity": "final", "extent": "12.5", "photo-1": "4.jpg", "description": "Bij de nok"},
        {"kind": "other.defect", "severity": "minor", "intensity": "early", "extent": "30", "photo-1": "5.jpg", "photo-2": "6.jpg"},
    ]
}


def test_a_form_becomes_the_document_of_an_inspection() -> None:
    envelope = submission.read(filled(FORM, {**VISIT, **ANSWERS}, instance_id="uuid:42", repeats=DEFECTS))
    assert (envelope.instance_id, envelope.key, envelope.edition, str(envelope.inspection_id), envelope.base_version) == (
        "uuid:42",
        "everything",
        3,
        INSPECTION,
        4,
    )
    found = submission.filled_in(OUTLINE, envelope.root)
    document = found.document
    assert document.answers == {
        "mould": "large",
        "rooms": ["bath", "bed"],
        "humidity": 71.5,
        "why": "Geen ventilatie",
        "since": "2026-01-02",
        "danger": "no",
        "roof": {
            "defects": [
                {"key": "d1", "defect": "leak", "description": "Bij de nok", "severity": "critical", "intensity": "final", "extentPercent": 12.5},
                {"key": "d2", "severity": "minor", "intensity": "early", "extentPercent": 30},
            ]
        },
        "wall": {"defects": [], "notPresent": True},
    }
    assert document.visit_outcome is VisitOutcome.DONE
    assert document.visited_at == datetime(2026, 3, 1, 9, 11, 12, 345000, tzinfo=UTC)
    assert document.remarks == "Klaar"
    assert found.photos == {
        "1.jpg": Pictured("mould"),
        "2.jpg": Pictured("mould"),
        "3.jpg": Pictured("front"),
        "4.jpg": Pictured("roof", "d1"),
        "5.jpg": Pictured("roof", "d2"),
        "6.jpg": Pictured("roof", "d2"),
    }
    assert check_complete(questions(EVERYTHING), document.answers) == []


def test_no_defects_is_an_answer() -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "answers/parts/roof/state": "none"}))
    assert submission.filled_in(OUTLINE, envelope.root).document.answers == {"roof": {"defects": []}}


def test_a_visit_that_was_not_done_has_no_answers() -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "visit/outcome": "nobody-home"}))
    document = submission.filled_in(OUTLINE, envelope.root).document
    assert (document.answers, document.visit_outcome) == ({}, VisitOutcome.NOBODY_HOME)


def test_namespaces_and_their_prefixes_don_t_matter() -> None:
    """As Enketo writes them."""
    xml = f"""<data xmlns:jr="http://openrosa.org/javarosa" xmlns:orx="http://openrosa.org/xforms" id="everything-3" version="1">
      <visit><inspection>{INSPECTION}</inspection><outcome>refused</outcome></visit><orx:meta><orx:instanceID>uuid:7</orx:instanceID></orx:meta></data>"""
    envelope = submission.read(xml.encode())
    assert (envelope.instance_id, envelope.base_version) == ("uuid:7", None)
    assert submission.filled_in(OUTLINE, envelope.root).document.visit_outcome is VisitOutcome.REFUSED


@pytest.mark.parametrize(
    ("text", "answer"), [("9" * 16, "9" * 16), ("7", 7), ("7.0", 7), ("0.1", 0.1), ("x", "x"), ("NaN", "NaN"), ("1e400", "1e400"), ("-0.5", -0.5)]
)
def test_numbers_are_read_as_json_has_them(text: str, answer: object) -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "answers/first/humidity/answer": text}))
    assert submission.filled_in(OUTLINE, envelope.root).document.answers["humidity"] == answer


def test_remarks_are_as_long_as_by_any_other_way() -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "closing/remarks": "x" * 4001}))
    with pytest.raises(RuleViolation) as refusal:
        submission.filled_in(OUTLINE, envelope.root)
    assert [(fault.pointer, fault.code) for fault in refusal.value.faults] == [("closing/remarks", "too-long")]


@pytest.mark.parametrize("moment", ["2026-03-01T10:11:12", "soon", "2026-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_says_no_offset_or_can_not_be_converted_is_no_time(moment: str) -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "visit/started-at": moment}))
    assert submission.filled_in(OUTLINE, envelope.root).document.visited_at is None


def test_a_photo_can_be_of_one_question_only() -> None:
    envelope = submission.read(filled(FORM, {**VISIT, "answers/first/mould/photo-1": "1.jpg", "answers/parts/front/photo-1": "1.jpg"}))
    with pytest.raises(RuleViolation):
        submission.filled_in(OUTLINE, envelope.root)


@pytest.mark.parametrize(("text", "version"), [("4", 4), ("", None), ("x", None), ("-1", None), ("00000000009999999999", None), ("٣", None)])
def test_a_version_that_can_not_be_one_is_none(text: str, version: int | None) -> None:
    assert submission.read(filled(FORM, {**VISIT, "visit/base-version": text})).base_version == version


def test_a_form_full_of_nonsense_is_read_in_a_moment() -> None:
    nonsense = b"<photo-1>1.jpg</photo-1><a/>" * 30_000
    head = f"<data id='everything-3'><meta><instanceID>1</instanceID></meta><visit><inspection>{INSPECTION}</inspection></visit>".encode()
    xml = head + b"<answers><first><mould>" + nonsense + b"</mould></first>" + b"<a/>" * 30_000 + b"</answers></data>"
    began = time.process_time()
    envelope = submission.read(xml)
    with pytest.raises(RuleViolation) as refusal:
        submission.filled_in(OUTLINE, envelope.root)
    assert [fault.code for fault in refusal.value.faults] == ["repeated"]
    assert time.process_time() - began < 3


BOMB = b'<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><data id="everything-3">&b;</data>'


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"no xml",
        b"<data id='everything-3'>",
        BOMB,
        BOMB.decode().encode("utf-16"),
        b'<!DOCTYPE d SYSTEM "file:///etc/passwd"><data id="everything-3"/>',
        b"<data id='everything-3'/>",
        b"<data id='everything-3'>" + b" " * LARGEST_XML_BYTES + b"</data>",
        b"<data id='everything-3'>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</data>",
        b"<?xml version='1.0' encoding='klingon'?><data/>",
    ],
)
def test_what_is_no_filled_in_form_is_refused(xml: bytes) -> None:
    with pytest.raises(MessageUnreadable):
        submission.read(xml)


@pytest.mark.parametrize("identity", ["", "everything", "everything-0", "Everything-3", "everything-3-", "x" * 5000])
def test_a_form_of_another_house_is_refused(identity: str) -> None:
    with pytest.raises(RuleViolation):
        submission.read(f"<data id='{identity}'/>".encode())


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(noise: bytes) -> None:
    """They are refused, and with a refusal of ours."""
    with pytest.raises(RuleViolation):
        submission.read(noise)


@given(
    st.dictionaries(st.sampled_from(sorted(ANSWERS)), st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")))
)
def test_whatever_is_filled_in_is_judged_by_the_rules_of_the_checklist(values: dict[str, str]) -> None:
    try:
        found = submission.filled_in(OUTLINE, submission.read(filled(FORM, {**VISIT, **values})).root)
    except RuleViolation:
        return
    check_complete(questions(EVERYTHING), found.document.answers)
