"""From the rows of an inspection to what its report says. Pure."""

from registry.db import Json
from registry.inspections.model import Decision, InspectionStatus, VisitOutcome
from registry.messages import Language
from registry.reports.answers import text_of
from registry.reports.comparing import comparisons
from registry.reports.content import Condition, Content, ElementLine, Fact, Notice, Picture, Review, Signature, Tone
from registry.reports.finding import Pictures, asked_questions, sections
from registry.reports.letters import plain
from registry.reports.scale import name_of, scale_of
from registry.reports.source import Place, Source, Visit
from registry.reports.words import LABELS, OCCASIONS, OUTCOMES, STATUSES, say, word, written_date, written_moment, written_number

SIGNATURE_QUESTION = "signature"
"""The key of the question whose photo is the inspector's signature."""


def build(source: Source, language: Language) -> Content:
    visit, revision = source.visit, source.visit.revision
    address = _address(source.place, language)
    kind = word(OCCASIONS[visit.inspection.occasion.value], language)
    pictures = Pictures(visit, language)
    return Content(
        language=language,
        title=address,
        kind=kind,
        subtitle=written_date(visit.visited_on, language),
        reference=say("reference", language, id=visit.inspection.id, revision=revision.revision),
        labels={name: word(text, language) for name, text in LABELS.items()},
        dwelling=_dwelling(source.place, address, language),
        visit=_visit(source, language),
        notices=tuple(_notices(source, language)),
        condition=_condition(visit, language),
        remarks=plain(revision.remarks or ""),
        sections=sections(visit, source.review, pictures, language, without=SIGNATURE_QUESTION),
        comparisons=comparisons(source.before, visit, pictures, language, without=SIGNATURE_QUESTION) if source.before else (),
        comparison_note=say("comparison-note", language, date=written_date(source.before.visited_on, language)) if source.before else "",
        signature=_signature(source, pictures, language),
        review=_review(source, language),
    )


def _address(place: Place, language: Language) -> str:
    town = "  ".join(plain(part) for part in (_spaced(place.postcode), place.town) if part)
    return ", ".join(plain(part) for part in (place.street, town) if part) or say("unknown-address", language)


def _spaced(postcode: str | None) -> str | None:
    return f"{postcode[:4]} {postcode[4:]}" if postcode else None


def _facts(language: Language, **values: str | None) -> tuple[Fact, ...]:
    """By the key of the label; what is not known is left out."""
    return tuple(Fact(say(key.replace("_", "-"), language), plain(value)) for key, value in values.items() if value)


def _dwelling(place: Place, address: str, language: Language) -> tuple[Fact, ...]:
    return _facts(
        language,
        address=address,
        municipality=place.municipality,
        bag_id=place.bag_id,
        year_built=str(place.year_built or ""),
        floor_area=f"{written_number(place.floor_area_m2, language)} m²" if place.floor_area_m2 else None,
        energy_label=place.energy_label.value if place.energy_label else None,
    )


def _visit(source: Source, language: Language) -> tuple[Fact, ...]:
    visit, revision = source.visit, source.visit.revision
    checklist = say("edition", language, title=text_of(visit.checklist.get("title"), language), edition=visit.checklist.get("edition"))
    return _facts(
        language,
        organisation=source.organisation,
        inspector=source.inspector or say("unknown-person", language),
        visited=written_moment(visit.visited_at, language) if revision.visited_at else None,
        outcome=word(OUTCOMES[revision.visit_outcome.value], language),
        submitted=written_moment(revision.submitted_at, language),
        reviewed=written_moment(source.review.recorded_at, language) if source.review else None,
        status=_status(source, language),
        revision=str(revision.revision),
        checklist=checklist,
    )


def _status(source: Source, language: Language) -> str:
    """Of the revision that is shown: a returned inspection may be under way again."""
    status = source.visit.inspection.status
    if source.review is not None and source.review.decision is Decision.RETURNED:
        status = InspectionStatus.RETURNED
    return word(STATUSES[status.value], language)


def _notices(source: Source, language: Language) -> list[Notice]:
    """What the reader must know before anything else."""
    found = []
    inspection, outcome = source.visit.inspection, source.visit.revision.visit_outcome
    if inspection.status is InspectionStatus.WITHDRAWN:
        found.append(_notice(Tone.WARNING, "withdrawn", language))
    if source.review is not None and source.review.decision is Decision.RETURNED:
        found.append(_notice(Tone.WARNING, "returned", language))
    elif inspection.complete_at is None and outcome is VisitOutcome.DONE:
        found.append(_notice(Tone.WARNING, "incomplete", language, what=_missing(source.visit, language)))
    if outcome is not VisitOutcome.DONE:
        found.append(_notice(Tone.WARNING, "not-inspected", language, outcome=word(OUTCOMES[outcome.value], language)))
    if source.review is None and inspection.status is not InspectionStatus.WITHDRAWN:
        found.append(_notice(Tone.CALM, "not-reviewed", language))
    return found


def _notice(tone: Tone, key: str, language: Language, **facts: object) -> Notice:
    return Notice(tone, say(key, language), say(f"{key}-text", language, **facts))


def _missing(visit: Visit, language: Language) -> str:
    """The questions that lacked photos at submission, in words."""
    titles = {asked.key: asked.text for asked in asked_questions(visit, language)}
    keys = [str(each.get("pointer", "")).rpartition("/")[2] if isinstance(each, dict) else str(each) for each in visit.revision.missing]
    known = [f"“{titles[key]}”" for key in keys if key in titles]
    return ", ".join(dict.fromkeys(known)) or say("incomplete-some", language)


def _condition(visit: Visit, language: Language) -> Condition | None:
    whole, by_question = visit.scores.whole, visit.scores.by_question
    if whole is None and not by_question:
        return None
    sentence = say("no-whole", language)
    if whole is not None:
        sentence = say("whole", language, score=whole.score, name=name_of(whole.score, language))
        if whole.index_value is not None:
            sentence += " " + say("whole-index", language, index=written_number(whole.index_value, language, places=4))
    method = (whole or next(iter(by_question.values()))).method
    elements = tuple(_elements(visit, language))
    return Condition(scale_of(whole.score, language) if whole else None, sentence, elements, say("method", language, method=method))


def _elements(visit: Visit, language: Language) -> list[ElementLine]:
    found = []
    for asked in asked_questions(visit, language):
        score = visit.scores.by_question.get(asked.key)
        if score is not None:
            index = written_number(score.index_value, language, places=4) if score.index_value is not None else "–"
            words = say("score-short", language, score=score.score, name=name_of(score.score, language))
            found.append(ElementLine(asked.element or asked.text, scale_of(score.score, language), words, index, _value(score.details, language)))
    return found


def _value(details: dict[str, Json], language: Language) -> str:
    """The replacement value in euros that the score was weighted with."""
    amount = details.get("replacementValue")
    try:
        return f"€ {written_number(float(str(amount)), language, places=0)}" if amount else "–"
    except ValueError:
        return "–"


def _signature(source: Source, pictures: Pictures, language: Language) -> Signature:
    revision = source.visit.revision
    name = plain(source.inspector or "") or say("unknown-person", language)
    found: list[Picture] = pictures.of(SIGNATURE_QUESTION, say("signature-alt", language, name=name))
    facts = _facts(language, name=name, organisation=source.organisation, moment=written_moment(revision.submitted_at, language))
    return Signature(say("statement", language), facts, revision.digest.hex(), found[-1] if found else None)


def _review(source: Source, language: Language) -> Review:
    review = source.review
    if review is None:
        return Review(say("no-review", language), "")
    key = "approved-by" if review.decision is Decision.APPROVED else "returned-by"
    who = plain(source.reviewer or "") or say("unknown-person", language)
    return Review(say(key, language, name=who, moment=written_moment(review.recorded_at, language)), plain(review.remarks or ""))
