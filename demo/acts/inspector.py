"""An inspector gets her work, answers the checklist, sends her photos straight to the object store, one of them in pieces, and submits."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence

from demo.bodies import photo_body
from demo.client import Body, Refused, Register, Sum, Voice, at_once
from demo.photos import jpeg
from demo.screen import Screen
from demo.visits import CHECKLIST, Answer, Photo, Visit
from demo.world import HEERLEN, INSPECTION_BODY

SHOWN = ("mould", "mould-rooms", "roof-vegetation", "roof-condition", "windows-condition", "heating", "foundation-cracks", "glazing", "electrics-safe")
THERE = ("stored", "ready")
PIECES = 3
"""In which the first photo of a visit is sent, as if the connection broke twice."""
LOOKS = 40
"""How often to see whether the photos are examined, before going on without."""
BETWEEN_LOOKS_S = 0.5


def inspect(register: Register, screen: Screen, visits: Sequence[Visit]) -> None:
    """Raises Refused, also when a receipt is not complete in the end."""
    inspector = register.speaking_as("inspector", INSPECTION_BODY.slug)
    checklist = max(inspector.get("/checklists", key=CHECKLIST)["items"], key=lambda each: int(each["edition"]))
    visits = _of_this_edition(inspector, screen, visits, checklist["id"])
    if not visits:
        return
    _plan(register, screen, visits, checklist["id"], inspector.get("/me")["personId"])
    planned = {work["id"]: work for work in inspector.get("/inspections", status="planned")["items"]}
    submitted = f" ({len(visits) - len(planned)} submitted before)" if len(planned) < len(visits) else ""
    screen.check(f"{len(planned)} planned inspections fetched by the inspector{submitted}")
    _show_answers(screen, checklist["content"], visits[0].answers)
    with screen.progress("inspections and photos", sum(len(visit.taken()) for visit in visits)) as advance:
        for visit in visits:
            _carry_out(inspector, visit, planned.get(str(visit.id)))
            advance(len(visit.taken()))
    for visit in visits:
        _show_receipt(screen, visit, _examined(inspector, visit))


def _of_this_edition(inspector: Voice, screen: Screen, visits: Sequence[Visit], checklist_id: str) -> list[Visit]:
    """Without those that an earlier demo carried out with an earlier edition of the checklist: they stay as they are."""
    known = {work["id"]: work["checklistId"] for work in inspector.get("/inspections")["items"]}
    found = [visit for visit in visits if known.get(str(visit.id), checklist_id) == checklist_id]
    if len(found) < len(visits):
        screen.say(f"  {len(visits) - len(found)} inspections were made with an earlier edition of the checklist, and stay as they are")
    return found


def _plan(register: Register, screen: Screen, visits: Sequence[Visit], checklist_id: str, inspector_id: str) -> None:
    heerlen = register.speaking_as("municipality-editor", HEERLEN)

    def plan(visit: Visit) -> Sum:
        body = {
            "id": str(visit.id),
            "dwellingId": str(visit.home.dwelling.id),
            "checklistId": checklist_id,
            "occasion": "baseline",
            "organisationId": str(INSPECTION_BODY.id),
            "assigneeId": inspector_id,
            "dueOn": "2023-10-31",
        }
        return heerlen.post_once("/inspections", body)

    screen.done("baseline inspections planned by the municipality of Heerlen", at_once(plan, visits))


def _carry_out(inspector: Voice, visit: Visit, work: Body | None) -> None:
    """``work`` is the inspection while it is planned. The photos may come later than the submission, so they are looked after in any case."""
    if work is not None:
        inspector.put(f"/inspections/{visit.id}", visit.document(), version=work["version"])
    _send_photos(inspector, visit)
    if work is not None:
        inspector.post(f"/inspections/{visit.id}/submission")


def _send_photos(inspector: Voice, visit: Visit) -> None:
    arrived = {photo["id"] for photo in _receipt(inspector, visit)["photos"] if photo["state"] in THERE}
    files = {str(photo.id): (photo, jpeg(photo.shot)) for photo in visit.taken() if str(photo.id) not in arrived}
    if not files:
        return
    declared = inspector.post("/uploads/batch", {"items": [_declared(visit, photo, file) for photo, file in files.values()]})
    refused = [fault for result in declared["results"] for fault in result["errors"]]
    if refused:
        raise Refused("photos-refused", "; ".join(f"{fault['pointer']} {fault['detail']}" for fault in refused))
    in_pieces, *straight = [result for result in declared["results"] if result["state"] == "declared"] or [None]
    if in_pieces is not None:
        inspector.send_in_pieces(in_pieces["id"], files[in_pieces["id"]][1], PIECES)
    at_once(lambda result: _upload(inspector, result, files[result["id"]][1]), straight)
    inspector.post("/uploads/complete", {"photoIds": list(files)})


def _declared(visit: Visit, photo: Photo, file: bytes) -> Body:
    return photo_body(visit, photo, sha256=hashlib.sha256(file).hexdigest(), size_bytes=len(file))


def _upload(inspector: Voice, result: Body, file: bytes) -> Sum:
    """Straight to the object store, with exactly the headers that were signed: length, type, sha256, If-None-Match."""
    if result["put"] is None:
        return Sum(unchanged=1)
    new = inspector.register.put_bytes(result["put"]["url"], file, result["put"]["headers"])
    return Sum(created=1) if new else Sum(unchanged=1)


def _receipt(inspector: Voice, visit: Visit) -> Body:
    return inspector.get(f"/inspections/{visit.id}/receipt")


def _examined(inspector: Voice, visit: Visit) -> Body:
    """The receipt once the worker has decoded every photo, or as it is after a while. Raises Refused."""
    receipt = _receipt(inspector, visit)
    for _ in range(LOOKS):
        if all(photo["state"] != "stored" for photo in receipt["photos"]):
            break
        time.sleep(BETWEEN_LOOKS_S)
        receipt = _receipt(inspector, visit)
    if not receipt["complete"]:
        raise Refused("receipt-incomplete", f"inspection {visit.id}: {receipt['stored']} photos stored, {receipt['rejected']} rejected; not complete")
    return receipt


def _show_answers(screen: Screen, content: Body, answers: Mapping[str, Answer]) -> None:
    table = screen.table("question of the shipped checklist", "answer")
    for question in _questions(content):
        if question["key"] in SHOWN:
            table.add_row(question["text"]["en"], _in_words(question, answers[question["key"]]))
    screen.show(table)


def _in_words(question: Body, answer: Answer) -> str:
    words = {option["key"]: option["en"] for option in (*question.get("options", ()), *question.get("defects", ()))}
    if isinstance(answer, dict):
        return "; ".join(f"{words[each['defect']]} ({each['severity']}, {each['intensity']}, {each['extentPercent']} %)" for each in answer["defects"])
    return ", ".join(words.get(each, str(each)) for each in (answer if isinstance(answer, list) else [answer]))


def _questions(content: Body) -> Iterator[Body]:
    for section in content["sections"]:
        yield from section["questions"]


def _show_receipt(screen: Screen, visit: Visit, receipt: Body) -> None:
    photos = receipt["photos"]
    ready = sum(photo["state"] == "ready" for photo in photos)
    size = sum(photo["sizeBytes"] for photo in photos) / 1_000_000
    where = f"{visit.home.dwelling.street} {visit.home.dwelling.house_number}"
    screen.check(f"{where}: receipt complete, {receipt['stored']} of {len(photos)} photos stored ({size:.1f} MB), {ready} examined and found whole")
    screen.say(f"  one was sent in {PIECES} pieces, the others in one; to look at: GET /v1/photos/{photos[0]['id']}/previews/1600")
    first = photos[0]["found"]
    if first is not None and first["exifTakenAt"]:
        found = f"{first['exifTakenAt']} at {first['exifLatitude']:.5f}, {first['exifLongitude']:.5f}"
        screen.say(f"  EXIF of one: taken {found}; {first['widthPx']} × {first['heightPx']} pixels")
