"""An inspector gets her work by the change feed, takes it, and sends what she found: documents in one request, photos straight to the object store."""

import time
from collections.abc import Iterator, Mapping, Sequence

from demo.client import Body, Refused, Register
from demo.findings import Answer
from demo.phone import PIECES, Phone
from demo.screen import Screen
from demo.visits import DUE_ON, Photo, Visit
from demo.world import INSPECTION_BODY

SHOWN = ("mould", "mould-rooms", "roof-vegetation", "roof-condition", "windows-condition", "heating", "foundation-cracks", "glazing", "electrics-safe")
STATION = {"longitude": "5.9753", "latitude": "50.8909"}
"""Where her day begins."""
LATER = 3
"""Photos of the first visit that come after its submission."""
LOOKS = 40
"""How often to see whether the photos are examined, before going on without."""
BETWEEN_LOOKS_S = 0.5


def begin_day(register: Register, screen: Screen, visits: Sequence[Visit]) -> Phone:
    """The phone with everything in it that she needs without a connection. Raises Refused."""
    phone = Phone(register.speaking_as("inspector", INSPECTION_BODY.slug))
    phone.catch_up()
    brought = ", ".join(f"{len(phone.held.get(kind, {}))} {kind}s" for kind in ("inspection", "dwelling", "checklist"))
    screen.check(f"change feed: {brought} on her phone, with their content")
    untaken = [visit for visit in visits if phone.inspection(visit)["assigneeId"] is None]
    for visit in untaken:
        phone.voice.post(f"/inspections/{visit.id}/taking")
    screen.check(f"{len(visits)} inspections of her team are hers; {len(untaken)} of them taken now")
    phone.catch_up()
    _show_day(screen, phone.voice.get("/day", on=DUE_ON.isoformat(), **STATION))
    return phone


def carry_out(phone: Phone, screen: Screen, visits: Sequence[Visit], *, bad_line: bool = False) -> None:
    """The photos, and all documents in one request. What was sent before is not sent again.

    On a ``bad_line`` some photos of the first visit come after everything else, and the first document is sent twice. Raises Refused.
    """
    planned = [visit for visit in visits if phone.inspection(visit)["status"] == "planned"]
    first, *_ = visits
    late = first.taken()[-LATER:] if bad_line and first in planned else []
    checklist = phone.held["checklist"][phone.inspection(first)["checklistId"]]
    _show_answers(screen, checklist["content"], first.answers)
    with screen.progress("photos sent by the phone", sum(len(visit.taken()) for visit in visits)) as advance:
        for visit in visits:
            phone.send_photos(visit, visit.taken(), later=[photo.id for photo in late])
            advance(len(visit.taken()) - (len(late) if visit is first else 0))
        _send_documents(phone, screen, planned, twice=bad_line)
        _send_rest(phone, screen, first, late)
        advance(len(late))
    for visit in visits:
        if visit.taken():
            _show_receipt(screen, visit, _examined(phone, visit))


def show_day_receipt(phone: Phone, screen: Screen) -> None:
    totals = phone.voice.get("/receipt")["totals"]
    photos = f"{totals['photosStored']} photos stored, {totals['photosAwaited']} awaited, {totals['photosRejected']} rejected"
    screen.check(f"receipt of her phone for today: {totals['complete']} of {totals['submitted']} submitted inspections complete; {photos}")


def answer_remarks(phone: Phone, screen: Screen, visit: Visit) -> None:
    """The feed brings what the reviewer remarked; she answers anew, and that is the next revision. Raises Refused."""
    phone.catch_up()
    work = phone.inspection(visit)
    if work["status"] != "returned":
        screen.check(f"{visit.address}: answered before, as revision {work['revision']}")
        return
    table = screen.table(f"returned: {visit.address}", "the reviewer remarks", "answered first", "now")
    for question, remark in work["review"]["questions"].items():
        before, now = (_in_words(_question(phone, work, question), answer) for answer in (visit.answers[question], visit.mended().answers[question]))
        table.add_row(question, remark, before, now)
    screen.show(table)
    (result,) = phone.send([phone.edit(visit.mended())])
    screen.check(f"{visit.address}: submitted again, as revision {result['inspection']['revision']}")


def show_advice(phone: Phone, screen: Screen, in_vain: Visit) -> None:
    phone.catch_up()
    advice = phone.inspection(in_vain)["advice"]
    screen.check(f"{in_vain.address}: {advice['text']['en']}")
    screen.say(f"  not tried yet: {', '.join(advice['partsOfDay'])}; not before {advice['earliestOn']}")


def _send_documents(phone: Phone, screen: Screen, visits: Sequence[Visit], *, twice: bool) -> None:
    if not visits:
        screen.check("all documents were sent before")
        return
    edits = [phone.edit(visit) for visit in visits]
    results = phone.send(edits)
    screen.check(f"{len(results)} sent in one POST /v1/sync: each document applied, and its inspection submitted")
    if twice:
        (again,) = phone.send(edits[:1])
        said = ("outcome", "editId", "version", "submitted")
        if any(again[name] != results[0][name] for name in said):
            raise Refused("another-answer", f"the same edit got another answer the second time: {again['outcome']}, version {again['version']}")
        screen.check(f"the first one sent again, as if its answer was lost: the same answer ({again['outcome']}, version {again['version']})")


def _send_rest(phone: Phone, screen: Screen, visit: Visit, late: Sequence[Photo]) -> None:
    if not late:
        return
    receipt = phone.receipt(visit)
    screen.check(f"{visit.address}: {receipt['status']}, {receipt['awaited']} photos still to come; complete: {_yes_no(receipt['complete'])}")
    phone.send_photos(visit, late)
    receipt = phone.receipt(visit)
    screen.check(f"{visit.address}: {receipt['awaited']} photos still to come; complete by itself: {_yes_no(receipt['complete'])}")


def _examined(phone: Phone, visit: Visit) -> Body:
    """The receipt once the worker has decoded every photo, or as it is after a while. Raises Refused when it is submitted and not complete."""
    receipt = phone.receipt(visit)
    for _ in range(LOOKS):
        if all(photo["state"] != "stored" for photo in receipt["photos"]):
            break
        time.sleep(BETWEEN_LOOKS_S)
        receipt = phone.receipt(visit)
    if not receipt["complete"] and receipt["status"] != "returned":
        raise Refused("receipt-incomplete", f"inspection {visit.id}: {receipt['stored']} photos stored, {receipt['rejected']} rejected; not complete")
    return receipt


def _show_day(screen: Screen, day: Body) -> None:
    if not day["items"]:
        screen.say(f"  Nothing is left of the work due by {day['on']}.")
        return
    for place in day["hazards"]:
        for hazard in place["hazards"]:
            screen.warn(f"{place['address']}: {hazard['kind']}. {hazard['note']}")
    table = screen.table(f"day list, due by {day['on']}", "hazards", "note", "as the crow flies")
    for number, item in enumerate(day["items"], start=1):
        hazards = ", ".join(hazard["kind"] for hazard in item["hazards"])
        table.add_row(f"{number}  {item['dwelling']['address']}", hazards, item["note"] or "", f"{item['distanceM']:,} m")
    screen.show(table)


def _show_answers(screen: Screen, content: Body, answers: Mapping[str, Answer]) -> None:
    table = screen.table("question of the shipped checklist", "answer")
    for question in _questions(content):
        if question["key"] in SHOWN and question["key"] in answers:
            table.add_row(question["text"]["en"], _in_words(question, answers[question["key"]]))
    screen.show(table)


def _in_words(question: Body, answer: Answer) -> str:
    words = {option["key"]: option["en"] for option in (*question.get("options", ()), *question.get("defects", ()))}
    if isinstance(answer, dict):
        found = [f"{words[each['defect']]} ({each['severity']}, {each['intensity']}, {each['extentPercent']} %)" for each in answer["defects"]]
        return "; ".join(found) or "no defects"
    unit = f" {question['unit']}" if "unit" in question else ""
    return ", ".join(words.get(str(each), str(each)) for each in (answer if isinstance(answer, list) else [answer])) + unit


def _question(phone: Phone, work: Body, key: str) -> Body:
    content = phone.held["checklist"][work["checklistId"]]["content"]
    return next(question for question in _questions(content) if question["key"] == key)


def _questions(content: Body) -> Iterator[Body]:
    for section in content["sections"]:
        yield from section["questions"]


def _show_receipt(screen: Screen, visit: Visit, receipt: Body) -> None:
    photos = receipt["photos"]
    ready = sum(photo["state"] == "ready" for photo in photos)
    size = sum(photo["sizeBytes"] for photo in photos) / 1_000_000
    state = "complete" if receipt["complete"] else receipt["status"]
    screen.check(f"{visit.address}: {state}, {receipt['stored']} of {len(photos)} photos stored ({size:.1f} MB), {ready} examined and found whole")
    screen.say(f"  one was sent in {PIECES} pieces, the others in one; to look at: GET /v1/photos/{photos[0]['id']}/previews/1600")
    first = photos[0]["found"]
    if first is not None and first["exifTakenAt"]:
        found = f"{first['exifTakenAt']} at {first['exifLatitude']:.5f}, {first['exifLongitude']:.5f}"
        screen.say(f"  EXIF of one: taken {found}; {first['widthPx']} × {first['heightPx']} pixels")


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"
