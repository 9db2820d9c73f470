"""What a report says, in words."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from registry.inspections.model import Decision, InspectionStatus, Occasion, VisitOutcome
from registry.reports.building import build
from registry.reports.content import Content, Finding
from registry.reports.letters import ALPHABET, MISSING, plain, printable
from registry.reports.source import Sight
from registry.reports.words import LABELS, TEXTS, written_moment, written_number
from tests.registry.reports.making import ANSWERS, MOMENT, a_photo, a_source, a_visit, some_scores


def finding(content: Content, question: str) -> Finding:
    return next(each for section in content.sections for each in section.findings if each.question == question)


def test_answers_stand_in_the_words_of_the_checklist_in_dutch() -> None:
    content = build(a_source(), "nl")
    assert finding(content, "Is er schimmel in de woning?").answer == ("Grote plekken",)
    assert finding(content, "Luchtvochtigheid").answer == ("71,5 %",)
    assert finding(content, "Trekt er vocht op?").answer == ("Ja",)
    assert finding(content, "Sinds wanneer?").answer == ("3 oktober 2026",)


def test_answers_stand_in_the_words_of_the_checklist_in_english() -> None:
    content = build(a_source(), "en")
    assert finding(content, "Is there mould in the dwelling?").answer == ("Large patches",)
    assert finding(content, "Humidity").answer == ("71.5 %",)
    assert finding(content, "Since when?").answer == ("3 October 2026",)


def test_a_follow_up_of_the_checklist_is_advice() -> None:
    assert finding(build(a_source(), "nl"), "Is er schimmel in de woning?").advice == "Laat de ventilatie nazien"


def test_a_condition_answer_shows_its_score_and_each_defect() -> None:
    found = finding(build(a_source(), "nl"), "Conditie van het dak")
    assert found.answer == ("Conditiescore 4: matig", "2 gebreken")
    assert found.scale is not None
    assert found.scale.words == "Conditiescore 4 op een schaal van 1 tot 6: matig"
    first, second = found.defects
    assert (first.name, first.severity, first.intensity, first.extent) == ("Lekkage – bij de schoorsteen", "Ernstig", "Gevorderd", "12,5 % (regelmatig)")
    assert (second.name, second.severity, second.extent) == ("Mosgroei", "Gering", "40 % (aanzienlijk)")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"defects": []}, "Geen gebreken"),
        ({"notPresent": True}, "Niet aanwezig"),
        ({"defects": [{"extent": 2}]}, "1 gebrek"),
        ("?", "?"),
        (None, "Niet beantwoord"),
    ],
)
def test_every_condition_answer_has_words(answer: Any, said: str) -> None:
    content = build(a_source(a_visit(answers={**ANSWERS, "roof": answer})), "nl")
    assert said in finding(content, "Conditie van het dak").answer


def test_the_score_of_the_dwelling_and_of_each_element_are_summed_up() -> None:
    condition = build(a_source(), "nl").condition
    assert condition is not None
    assert condition.sentence == "De woning als geheel heeft conditiescore 3: redelijk. De gewogen index is 1,0862."
    assert [(line.name, line.score, line.index, line.value) for line in condition.elements] == [("47.1 Dakafwerking", "4 – matig", "1,2410", "€ 14.000")]


def test_the_picture_of_a_score_marks_it_without_colour() -> None:
    condition = build(a_source(), "nl").condition
    assert condition is not None
    assert condition.scale is not None
    assert condition.scale.svg.count("<rect") == 6
    assert condition.scale.svg.count('font-weight="bold"') == 1
    assert '">3</text>' in condition.scale.svg.rpartition('font-weight="bold"')[2]


def test_a_moment_of_the_phone_is_corrected_for_its_clock() -> None:
    content = build(a_source(a_visit(clock_skew_ms=3_600_000)), "nl")
    assert ("Bezocht", "12 november 2026 om 13:05 uur") in [(fact.label, fact.value) for fact in content.visit]


@pytest.mark.parametrize(
    ("visit", "decision", "titles"),
    [
        ({}, Decision.APPROVED, []),
        ({}, None, ["Nog niet beoordeeld"]),
        ({"complete": False}, None, ["Dit rapport is onvolledig", "Nog niet beoordeeld"]),
        ({"complete": False, "status": InspectionStatus.RETURNED}, Decision.RETURNED, ["Teruggegeven voor aanvulling"]),
        ({"status": InspectionStatus.WITHDRAWN}, None, ["Inspectie ingetrokken"]),
        ({"outcome": VisitOutcome.NOBODY_HOME, "answers": {}}, None, ["De woning is niet geïnspecteerd", "Nog niet beoordeeld"]),
    ],
)
def test_a_notice_says_what_one_must_know_first(visit: dict[str, Any], decision: Decision | None, titles: list[str]) -> None:
    content = build(a_source(a_visit(**visit), decision=decision), "nl")
    assert [notice.title for notice in content.notices if not notice.title.startswith("Dit rapport is onv") or visit.get("complete") is False] == titles


def test_an_incomplete_report_names_the_questions_whose_photos_are_missing() -> None:
    visit = a_visit(complete=False, missing=[{"pointer": "/answers/mould", "code": "photos-missing", "facts": {}}])
    assert "“Is er schimmel in de woning?”" in build(a_source(visit), "nl").notices[0].text


def test_a_photo_has_a_text_that_stands_for_it() -> None:
    content = build(a_source(a_visit(photos=[a_photo(caption="Noordgevel")])), "nl")
    (picture,) = finding(content, "Is er schimmel in de woning?").pictures
    assert picture.alt == "Foto bij: Is er schimmel in de woning? Noordgevel. Genomen op 12 november 2026 om 14:05 uur".replace("? N", "?. N")
    assert picture.file is not None
    assert picture.placeholder is None


@pytest.mark.parametrize("sight", [each for each in Sight if each is not Sight.SHOWN])
def test_a_photo_that_can_not_be_shown_leaves_a_place_that_says_why(sight: Sight) -> None:
    content = build(a_source(a_visit(photos=[a_photo(sight=sight)])), "en")
    (picture,) = finding(content, "Is there mould in the dwelling?").pictures
    assert picture.file is None
    assert picture.placeholder


def test_a_photo_of_the_signature_stands_in_the_signature() -> None:
    content = build(a_source(a_visit(photos=[a_photo("signature")])), "nl")
    assert content.signature is not None
    assert content.signature.picture is not None
    assert content.signature.digest == bytes(range(32)).hex()
    assert "Handtekening" not in [each.question for section in content.sections for each in section.findings]


def test_the_reviewer_has_the_last_word() -> None:
    content = build(a_source(decision=Decision.APPROVED), "nl")
    assert content.review is not None
    assert content.review.sentence == "Goedgekeurd door A. de Wit op 14 november 2026 om 14:05 uur."
    assert finding(content, "Trekt er vocht op?").review == "Graag nameten."


def test_a_completion_stands_beside_its_baseline() -> None:
    before = a_visit(photos=[a_photo("mould", "voor")])
    later = datetime(2026, 11, 24, 10, tzinfo=UTC)
    after = a_visit(occasion=Occasion.COMPLETION, answers={**ANSWERS, "mould": "none"}, photos=[a_photo("mould", "na")], at=later, scores=some_scores(1, 1))
    content = build(a_source(after, before=before), "nl")
    mould, roof = content.comparisons
    assert (mould.before.title, mould.after.title) == ("Voor: 12 november 2026", "Na: 24 november 2026")
    assert (mould.before.answer, mould.after.answer) == (("Grote plekken",), ("Nee",))
    assert ([each.caption for each in mould.before.pictures], [each.caption for each in mould.after.pictures]) == (["voor"], ["na"])
    assert roof.before.scale is not None
    assert roof.after.scale is not None
    assert roof.before.scale.svg != roof.after.scale.svg


def test_both_languages_say_something_for_everything() -> None:
    for key, text in {**LABELS, **TEXTS}.items():
        assert all((text.nl, text.en)), key
    dutch, english = (asdict(build(a_source(decision=Decision.APPROVED), language)) for language in ("nl", "en"))
    assert set(dutch["labels"]) == set(english["labels"])


def test_numbers_and_moments_are_written_as_in_the_language() -> None:
    assert (written_number(12345.5, "nl"), written_number(12345.5, "en"), written_number(71.0, "nl")) == ("12.345,5", "12,345.5", "71")
    assert (written_moment(MOMENT, "nl"), written_moment(MOMENT, "en")) == ("12 november 2026 om 14:05 uur", "12 November 2026 at 14:05")


def test_marks_that_nobody_sees_are_taken_out_and_letters_are_composed() -> None:
    assert plain("a\u202eb\u0000c\u200bd\ufeff\te\r\nf\n\n\n\ng e\u0301") == "abcd e\nf\n\ng é"


def test_letters_without_a_shape_in_our_fonts_are_replaced_for_paper_and_long_words_may_break() -> None:
    assert printable({"a": ["日本 é", 3, None], "file": "日"}) == {"a": [f"{MISSING}{MISSING} é", 3, None], "file": "日"}
    assert max(map(len, str(printable("x" * 200)).split("\u200b"))) <= 31
    assert MISSING in ALPHABET


@pytest.mark.parametrize("skew_ms", [-(10**14), 10**14])
def test_a_clock_that_is_wrong_by_thousands_of_years_breaks_no_report(skew_ms: int) -> None:
    said = datetime(8999, 12, 31, 22, tzinfo=UTC) if skew_ms < 0 else datetime(1900, 1, 1, tzinfo=UTC)
    visit = a_visit(at=said, clock_skew_ms=skew_ms)
    assert visit.visited_at == visit.revision.submitted_at
    build(a_source(visit), "nl")
