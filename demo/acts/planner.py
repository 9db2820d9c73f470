"""Inspections are planned: in one batch for a team, with a hazard where there is one; the next visit after one in vain; the completion inspection."""

from collections.abc import Sequence

from demo.bodies import plan_body
from demo.client import Body, Register, Voice
from demo.screen import Screen
from demo.visits import DUE_ON, Visit
from demo.world import HEERLEN, INSPECTION_BODY, id_of

TEAM = {"id": str(id_of("team", INSPECTION_BODY.slug)), "name": "Team Parkstad"}
HAZARD = {"kind": "collapse", "note": "Balkon aan de achterkant kan instorten: niet betreden."}


def plan(register: Register, screen: Screen, visits: Sequence[Visit], dangerous: Visit) -> list[Visit]:
    """The visits that are planned now or were before. Those that an earlier demo carried out with an earlier edition of the checklist stay as they are."""
    reviewer, heerlen = _reviewer(register), register.speaking_as("municipality-editor", HEERLEN)
    inspector_id = register.speaking_as("inspector", INSPECTION_BODY.slug).get("/me")["personId"]
    screen.done(f"team of inspectors, made by the reviewer: {TEAM['name']}", reviewer.post_once("/teams", {**TEAM, "memberIds": [inspector_id]}))
    checklist = newest_checklist(heerlen, visits[0].occasion)
    visits = _of_this_edition(reviewer, screen, visits, checklist["id"])
    count = heerlen.post_batch("/inspections/batch", [_for_the_team(visit, checklist["id"]) for visit in visits])
    screen.done(f"baseline inspections planned in one batch by the municipality of Heerlen, for the team, due {DUE_ON}", count)
    hazard = {"id": str(id_of("hazard", dangerous.home.dwelling.id)), **HAZARD}
    count = heerlen.post_once(f"/dwellings/{dangerous.home.dwelling.id}/hazards", hazard)
    screen.done(f"hazard recorded by the municipality at {dangerous.address}", count)
    return visits


def plan_next(register: Register, screen: Screen, in_vain: Visit) -> None:
    """What the advice says; the due date follows from it."""
    heerlen = register.speaking_as("municipality-editor", HEERLEN)
    id = str(id_of("next-visit", in_vain.id))
    count = heerlen.post_once(f"/inspections/{in_vain.id}/next-visit", {"id": id})
    screen.done(f"next visit to {in_vain.address}, planned by the municipality on that advice: due {heerlen.get(f'/inspections/{id}')['dueOn']}", count)


def plan_completion(register: Register, screen: Screen, visit: Visit) -> None:
    reviewer = _reviewer(register)
    inspector_id = register.speaking_as("inspector", INSPECTION_BODY.slug).get("/me")["personId"]
    body = plan_body(visit, newest_checklist(reviewer, visit.occasion)["id"], assigneeId=inspector_id, dueOn=visit.at.date().isoformat())
    screen.done(f"completion inspection of {visit.address}, planned by the reviewer for her inspector", reviewer.post_once("/inspections", body))


def newest_checklist(voice: Voice, key: str) -> Body:
    found: Body = max(voice.get("/checklists", key=key)["items"], key=lambda each: int(each["edition"]))
    return found


def _reviewer(register: Register) -> Voice:
    return register.speaking_as("reviewer", INSPECTION_BODY.slug)


def _for_the_team(visit: Visit, checklist_id: str) -> Body:
    note = {} if visit.note is None else {"note": visit.note}
    return plan_body(visit, checklist_id, teamId=TEAM["id"], dueOn=DUE_ON.isoformat(), **note)


def _of_this_edition(reviewer: Voice, screen: Screen, visits: Sequence[Visit], checklist_id: str) -> list[Visit]:
    known = {work["id"]: work["checklistId"] for work in reviewer.get("/inspections", limit="500")["items"]}
    found = [visit for visit in visits if known.get(str(visit.id), checklist_id) == checklist_id]
    if len(found) < len(visits):
        screen.say(f"  {len(visits) - len(found)} inspections were made with an earlier edition of the checklist, and stay as they are")
    return found
