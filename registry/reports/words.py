"""Every word of a report that is not of the inspection itself, in Dutch and English; and dates and numbers as they are written in each. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from registry.clock import CIVIL_TIME
from registry.messages import Language, Text

MONTHS: Final = Text(
    "januari februari maart april mei juni juli augustus september oktober november december",
    "January February March April May June July August September October November December",
)
OCCASIONS: Final[Mapping[str, Text]] = {
    "baseline": Text("Nulmeting", "Baseline inspection"),
    "progress": Text("Voortgangsinspectie", "Progress inspection"),
    "completion": Text("Opleveringsinspectie", "Completion inspection"),
}
STATUSES: Final[Mapping[str, Text]] = {
    "planned": Text("Gepland", "Planned"),
    "submitted": Text("Ingediend, nog niet beoordeeld", "Submitted, not reviewed yet"),
    "returned": Text("Teruggegeven aan de inspecteur", "Returned to the inspector"),
    "approved": Text("Goedgekeurd", "Approved"),
    "withdrawn": Text("Ingetrokken", "Withdrawn"),
}
OUTCOMES: Final[Mapping[str, Text]] = {
    "done": Text("Uitgevoerd", "Carried out"),
    "nobody-home": Text("Niemand thuis", "Nobody home"),
    "refused": Text("Toegang geweigerd", "Entry refused"),
    "unsafe": Text("Niet veilig te betreden", "Not safe to enter"),
    "not-found": Text("Adres niet gevonden", "Address not found"),
}
YES_NO: Final[Mapping[str, Text]] = {"yes": Text("Ja", "Yes"), "no": Text("Nee", "No"), "not-applicable": Text("Niet van toepassing", "Not applicable")}
ABSENT: Final[Mapping[str, Text]] = {
    "declared": Text("Foto aangekondigd, nog niet ontvangen", "Photo announced, not received yet"),
    "stored": Text("Foto ontvangen, wordt nog gecontroleerd", "Photo received, still being checked"),
    "rejected": Text("Foto afgekeurd: het bestand is beschadigd of geen foto", "Photo rejected: the file is damaged or is no photo"),
    "unavailable": Text("Van deze foto is geen verkleining te maken", "No preview of this photo can be made"),
    "destroyed": Text("Deze foto is vernietigd", "This photo has been destroyed"),
}
"""Why a photo is not shown, by its state."""
LABELS: Final[Mapping[str, Text]] = {
    "report": Text("Inspectierapport", "Inspection report"),
    "dwelling": Text("Woning", "Dwelling"),
    "inspection": Text("Inspectie", "Inspection"),
    "condition": Text("Conditie volgens NEN 2767", "Condition by NEN 2767"),
    "element": Text("Bouwdeel", "Building element"),
    "score": Text("Conditiescore", "Condition score"),
    "index": Text("Index", "Index"),
    "value": Text("Vervangingswaarde", "Replacement value"),
    "findings": Text("Bevindingen", "Findings"),
    "remarks": Text("Opmerkingen van de inspecteur", "Remarks of the inspector"),
    "advice": Text("Advies", "Advice"),
    "reviewer-remark": Text("Opmerking van de beoordelaar", "Remark of the reviewer"),
    "defect": Text("Gebrek", "Defect"),
    "severity": Text("Ernst", "Severity"),
    "intensity": Text("Intensiteit", "Intensity"),
    "extent": Text("Omvang", "Extent"),
    "question": Text("Vraag", "Question"),
    "comparison": Text("Voor en na", "Before and after"),
    "signature": Text("Ondertekening", "Signature"),
    "review": Text("Beoordeling", "Review"),
    "digest": Text("SHA-256 van het ingediende document", "SHA-256 of the submitted document"),
    "page": Text("Pagina", "Page"),
    "of": Text("van", "of"),
}
"""Headings and labels that the templates show."""
TEXTS: Final[Mapping[str, Text]] = {
    "address": Text("Adres", "Address"),
    "unknown-address": Text("Adres onbekend", "Address unknown"),
    "municipality": Text("Gemeente", "Municipality"),
    "bag-id": Text("BAG-id", "BAG id"),
    "year-built": Text("Bouwjaar", "Year built"),
    "floor-area": Text("Gebruiksoppervlakte", "Floor area"),
    "energy-label": Text("Energielabel", "Energy label"),
    "checklist": Text("Checklist", "Checklist"),
    "edition": Text("{title}, editie {edition}", "{title}, edition {edition}"),
    "organisation": Text("Inspectie-instelling", "Inspection body"),
    "inspector": Text("Inspecteur", "Inspector"),
    "visited": Text("Bezocht", "Visited"),
    "outcome": Text("Uitkomst van het bezoek", "Outcome of the visit"),
    "submitted": Text("Ingediend", "Submitted"),
    "reviewed": Text("Beoordeeld", "Reviewed"),
    "status": Text("Status", "Status"),
    "revision": Text("Revisie", "Revision"),
    "reference": Text("Inspectie {id}, revisie {revision}", "Inspection {id}, revision {revision}"),
    "incomplete": Text("Dit rapport is onvolledig", "This report is incomplete"),
    "incomplete-text": Text(
        "Foto's die de checklist vraagt, zijn nog niet ontvangen: {what}. Het rapport wordt vanzelf aangevuld.",
        "Photos that the checklist asks for have not been received yet: {what}. The report completes itself.",
    ),
    "incomplete-some": Text("één of meer", "one or more"),
    "returned": Text("Teruggegeven voor aanvulling", "Returned for more"),
    "returned-text": Text(
        "De beoordelaar heeft deze revisie teruggegeven. Aan de bevindingen kunnen geen rechten worden ontleend.",
        "The reviewer has returned this revision. No rights can be derived from the findings.",
    ),
    "not-reviewed": Text("Nog niet beoordeeld", "Not reviewed yet"),
    "not-reviewed-text": Text(
        "De bevindingen zijn ingediend door de inspecteur en nog niet beoordeeld.", "The inspector has submitted the findings; they have not been reviewed yet."
    ),
    "withdrawn": Text("Inspectie ingetrokken", "Inspection withdrawn"),
    "withdrawn-text": Text("De inspectie is ingetrokken door wie haar plande.", "The inspection was withdrawn by who planned it."),
    "not-inspected": Text("De woning is niet geïnspecteerd", "The dwelling was not inspected"),
    "not-inspected-text": Text("Uitkomst van het bezoek: {outcome}.", "Outcome of the visit: {outcome}."),
    "scale": Text("Conditiescore {score} op een schaal van 1 tot 6: {name}", "Condition score {score} on a scale of 1 to 6: {name}"),
    "score-short": Text("{score} – {name}", "{score} – {name}"),
    "whole": Text("De woning als geheel heeft conditiescore {score}: {name}.", "The dwelling as a whole has condition score {score}: {name}."),
    "whole-index": Text("De gewogen index is {index}.", "The weighted index is {index}."),
    "no-whole": Text("Voor de woning als geheel is geen score berekend.", "No score was calculated for the dwelling as a whole."),
    "method": Text("Berekend met methode {method}. 1 is uitstekend, 6 is zeer slecht.", "Calculated with method {method}. 1 is excellent, 6 is very bad."),
    "no-answer": Text("Niet beantwoord", "Not answered"),
    "not-present": Text("Niet aanwezig", "Not present"),
    "no-defects": Text("Geen gebreken", "No defects"),
    "scored": Text("Conditiescore {score}: {name}", "Condition score {score}: {name}"),
    "defects": Text("{count} gebreken", "{count} defects"),
    "one-defect": Text("1 gebrek", "1 defect"),
    "unnamed-defect": Text("Gebrek", "Defect"),
    "extent-percent": Text("{percent} % ({name})", "{percent}% ({name})"),
    "no-photos": Text("Geen foto's", "No photos"),
    "taken": Text("Genomen op {moment}", "Taken on {moment}"),
    "taken-unknown": Text("Moment van opname onbekend", "Moment of capture unknown"),
    "photo-alt": Text("Foto bij: {question}", "Photo with: {question}"),
    "before": Text("Voor: {date}", "Before: {date}"),
    "after": Text("Na: {date}", "After: {date}"),
    "comparison-note": Text(
        "Vergeleken met de nulmeting van {date} van dezelfde woning.", "Compared with the baseline inspection of the same dwelling of {date}."
    ),
    "statement": Text("Elektronisch ondertekend door in te dienen.", "Signed electronically by submitting."),
    "name": Text("Naam", "Name"),
    "moment": Text("Moment van indienen", "Moment of submission"),
    "unknown-person": Text("Onbekend", "Unknown"),
    "signature-alt": Text("Handtekening van {name}", "Signature of {name}"),
    "approved-by": Text("Goedgekeurd door {name} op {moment}.", "Approved by {name} on {moment}."),
    "returned-by": Text("Teruggegeven door {name} op {moment}.", "Returned by {name} on {moment}."),
    "no-review": Text("Deze revisie is nog niet beoordeeld.", "This revision has not been reviewed yet."),
    "day": Text("{day} {month} {year}", "{day} {month} {year}"),
    "day-and-time": Text("{date} om {time} uur", "{date} at {time}"),
}


def say(key: str, language: Language, **facts: object) -> str:
    return getattr(TEXTS[key], language).format(**facts)  # type: ignore[no-any-return]


def word(text: Text, language: Language) -> str:
    return str(getattr(text, language))


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def written_date(day: date, language: Language) -> str:
    """12 november 2026."""
    return say("day", language, day=day.day, month=word(MONTHS, language).split()[day.month - 1], year=day.year)


def written_moment(moment: datetime, language: Language) -> str:
    """By the clock in the Netherlands."""
    here = moment.astimezone(CIVIL_TIME)
    return say("day-and-time", language, date=written_date(here.date(), language), time=f"{here:%H:%M}")


def written_number(number: Decimal | float | int, language: Language, *, places: int | None = None) -> str:
    """With the decimal sign of the language; ``places`` behind it, or as many as there are."""
    exact = number if isinstance(number, Decimal) else Decimal(repr(number) if isinstance(number, float) else number)
    text = f"{exact:,f}" if places is None else f"{exact:,.{places}f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))
