"""Forms made from checklists."""

import subprocess
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from registry.checklists.commands import shipped
from registry.checklists.rules import faults_in
from registry.openrosa.outline import FORM_ID, outline, why_not
from registry.openrosa.xform import GENERATION, XFORMS, xform
from tests.registry.openrosa.checklists import EVERYTHING
from tests.registry.openrosa.filling import bind, x
from tests.registry.openrosa.odk_validate import JAR, why_skipped

CHECKLISTS = {**{str(content["key"]): content for content in shipped()}, "everything": EVERYTHING}


@pytest.fixture
def form() -> bytes:
    return xform(outline(EVERYTHING))


def test_the_example_is_a_checklist() -> None:
    assert [(fault.pointer, fault.code) for fault in faults_in(EVERYTHING)] == []


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_form_can_express_every_checklist_that_is_shipped(name: str) -> None:
    assert why_not(CHECKLISTS[name]) == []


@pytest.mark.skipif(why_skipped() is not None, reason=str(why_skipped()))
@pytest.mark.parametrize("name", CHECKLISTS)
def test_odk_validate_accepts_it(name: str, tmp_path: Path) -> None:
    """The parser and the XPath engine of ODK Collect itself (JavaRosa)."""
    file = tmp_path / "form.xml"
    file.write_bytes(xform(outline(CHECKLISTS[name])))
    done = subprocess.run(["java", "-Djava.awt.headless=true", "-jar", str(JAR), str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "Xform is valid" in done.stdout + done.stderr


def test_each_edition_is_a_form_of_its_own(form: bytes) -> None:
    data = etree.fromstring(form).find(f".//{x('instance')}/{x('data')}")
    assert data is not None
    assert (data.get("id"), data.get("version")) == ("everything-3", GENERATION)
    assert FORM_ID.fullmatch("everything-3")


def test_all_texts_are_in_two_languages(form: bytes) -> None:
    root = etree.fromstring(form)
    dutch, english = ({text.get("id"): "".join(text.itertext()) for text in each} for each in root.iter(x("translation")))
    assert dutch.keys() == english.keys()
    asked = {reference.get("ref", "")[10:-2] for reference in root.iter() if str(reference.get("ref", "")).startswith("jr:itext(")}
    said = {value[10:-2] for each in root.iter(x("bind")) for value in each.attrib.values() if str(value).startswith("jr:itext(")}
    assert asked | said == dutch.keys()
    assert dutch["/data/answers/first/mould/answer:label"] == "Schimmel?"
    assert english["/data/answers/first/mould/advice-3:label"] == "Report it <today> & call."


def test_every_place_that_is_bound_exists(form: bytes) -> None:
    root = etree.fromstring(form)
    data = root.find(f".//{x('instance')}/{x('data')}")
    assert data is not None
    for each in root.iter(x("bind")):
        below = "/".join(x(name) for name in each.get("nodeset", "").split("/")[2:])
        assert data.find(below) is not None, each.get("nodeset")


def test_conditions_become_relevance(form: bytes) -> None:
    mould, rooms = "/data/answers/first/mould/answer", "/data/answers/first/rooms/answer"
    assert bind(form, "/data/answers/first/rooms")["relevant"] == f"{mould} = 'spots' or {mould} = 'large'"
    humidity = bind(form, "/data/answers/first/humidity")["relevant"]
    assert f"selected({rooms}, 'bath')" in humidity
    assert f"not({mould} = 'none')" in humidity
    assert "/data/answers/first/humidity/answer > 70" in bind(form, "/data/answers/first/why")["relevant"]
    assert bind(form, "/data/answers/parts/roof")["relevant"] == "/data/answers/first/danger/answer = 'no'"
    assert bind(form, "/data/answers/parts")["relevant"] == "/data/visit/outcome = 'done'"


def test_ranges_become_constraints(form: bytes) -> None:
    found = bind(form, "/data/answers/first/humidity/answer")
    assert found["constraint"] == ". >= 0 and . <= 100 and . = round(. * 10) div 10"
    assert found["type"] == "decimal"


def test_photos_that_an_answer_demands_are_required(form: bytes) -> None:
    mould = "/data/answers/first/mould"
    first, second = bind(form, f"{mould}/photo-1"), bind(form, f"{mould}/photo-2")
    assert first["required"] == f"({mould}/answer = 'spots') or ({mould}/answer = 'large')"
    assert second["required"] == f"({mould}/answer = 'large')"
    assert second["relevant"] == f"({mould}/answer = 'large') or {mould}/photo-1 != ''"
    assert "required" not in bind(form, f"{mould}/photo-4")
    front = "/data/answers/parts/front"
    assert [bind(form, f"{front}/photo-{place}").get("required") for place in (1, 2, 3)] == ["(true())", "(true())", None]
    assert bind(form, "/data/answers/parts/roof/defect/photo-1")["required"] == "true()"
    assert "required" not in bind(form, "/data/answers/parts/wall/defect/photo-1")


def test_a_condition_question_repeats_as_often_as_there_are_defects(form: bytes) -> None:
    root = etree.fromstring(form)
    repeats = {each.get("nodeset"): dict(each.attrib) for each in root.iter(x("repeat"))}
    assert repeats["/data/answers/parts/roof/defect"]["{http://openrosa.org/javarosa}count"] == "/data/answers/parts/roof/count"
    kinds = [item.findtext(x("value")) for each in root.iter(x("select1")) if each.get("ref", "").endswith("roof/defect/kind") for item in each.iter(x("item"))]
    assert kinds == ["leak", "moss", "other.defect"]


def edited(change: Any) -> dict[str, Any]:
    content = deepcopy(EVERYTHING)
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (lambda content: content.update(key="9-lives"), "/key"),
        (lambda content: content["sections"][0].update(key="1st"), "/sections/0/key"),
        (lambda content: content["sections"][1]["questions"][2].update(key="1st"), "/sections/1/questions/2/key"),
        (lambda content: content["sections"][0]["questions"][0].update(signed="both"), "/sections/0/questions/0/signed"),
        (
            lambda content: content["sections"][0]["questions"][3].update({"visible-if": {"question": "mould", "in": ["don't"]}}),
            "/sections/0/questions/3/visible-if",
        ),
        (lambda content: content["sections"][0]["questions"][0]["options"][0].update(key="a b"), "/sections/0/questions/0/options/0/key"),
        (lambda content: content["sections"][1]["questions"][0]["photos"].update(angle="above"), "/sections/1/questions/0/photos/angle"),
    ],
)
def test_what_a_form_can_not_express_is_told(change: Any, pointer: str) -> None:
    faults = why_not(edited(change))
    assert [(fault.pointer, fault.code) for fault in faults] == [(pointer, "not-in-a-form")]
    assert "Collect" in faults[0].text("nl")


def test_a_character_that_xml_can_not_hold_does_not_spoil_a_form() -> None:
    content = edited(lambda content: content["title"].update(nl="Alles\x0b!"))
    assert etree.fromstring(xform(outline(content))).find(".//{http://www.w3.org/1999/xhtml}title").text == "Alles !"  # type: ignore[union-attr]


def test_a_form_is_made_in_a_moment() -> None:
    began = time.perf_counter()
    made = xform(outline(EVERYTHING))
    assert time.perf_counter() - began < 1
    assert XFORMS.encode() in made


@pytest.mark.parametrize(("length", "width"), [(200, 1), (24, 2)])
def test_conditions_that_repeat_each_other_without_end_make_no_form(length: int, width: int) -> None:
    """It would be gigabytes, or deeper than a program can go, and the list of forms would fail for everybody."""
    words = {"nl": "Vraag", "en": "Question"}
    asked = []
    for number in range(length):
        before = [{"question": f"q{other}", "in": ["no"]} for other in range(max(0, number - width), number)]
        asked.append({"key": f"q{number}", "type": "yes-no", "text": words} | ({"visible-if": {"all": before}} if before else {}))
    content: dict[str, Any] = {"key": "long", "edition": 1, "title": words, "sections": [{"key": "s", "title": words, "questions": asked}]}
    faults = why_not(content)
    assert {fault.code for fault in faults} == {"not-in-a-form"}
    short = {**content, "sections": [{**content["sections"][0], "questions": asked[:5]}]}
    assert why_not(short) == []
    assert len(xform(outline(short))) < 100_000
