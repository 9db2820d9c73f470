"""A reviewer gives one inspection back with remarks, approves them all, lets one be evidence for a milestone, and gets its report."""

from collections.abc import Sequence
from pathlib import Path

from demo.client import Body, Register, Sum, Voice
from demo.screen import Screen
from demo.visits import Visit
from demo.world import INSPECTION_BODY

KINDS = {"pdf": "application/pdf", "html": "text/html"}
"""Of a report, with their content types."""
COMPLETED = {"track": "renovation", "kind": "completed"}


def give_back(register: Register, screen: Screen, visit: Visit) -> None:
    """With a remark for each question that is to be answered anew."""
    reviewer = _reviewer(register)
    work = _inspection(reviewer, visit)
    if (work["status"], work["revision"]) == ("submitted", 1):
        reviewer.post(f"/inspections/{visit.id}/review", {"decision": "returned", "questions": dict(visit.remarked)}, version=work["version"])
    screen.check(f"{visit.address}: given back by the reviewer, with remarks at {len(visit.remarked)} questions")


def approve(register: Register, screen: Screen, visits: Sequence[Visit]) -> None:
    reviewer = _reviewer(register)
    screen.done("inspections approved by the reviewer", sum((_approve(reviewer, visit, {}) for visit in visits), Sum()))
    table = screen.table("approved", "visit", "revision", "condition score of the dwelling now", numbers=2)
    for visit in visits:
        work = _inspection(reviewer, visit)
        table.add_row(visit.address, work["visitOutcome"], str(work["revision"]), _score(reviewer, visit))
    screen.show(table)


def approve_completion(register: Register, screen: Screen, visit: Visit) -> None:
    """As evidence that the renovation is completed; then what changed since the baseline."""
    reviewer = _reviewer(register)
    trajectory = str(visit.home.trajectory.id)
    count = _approve(reviewer, visit, {"evidence": [{"trajectoryId": trajectory, **COMPLETED}]})
    screen.done("completion inspection approved, as evidence for the milestone renovation completed", count)
    comparison = reviewer.get(f"/inspections/{visit.id}/comparison")
    _show_comparison(screen, visit, comparison)
    before, now = _or_dash(comparison["before"]["score"]), _score(reviewer, visit)
    screen.say(f"Condition score of {visit.address}: {before} → {now} (1 is excellent, 6 very bad).")
    reached = next(each for each in reviewer.get(f"/trajectories/{trajectory}")["milestones"] if COMPLETED.items() <= each.items())
    screen.say(f"Milestone renovation completed, {reached['effectiveOn']}: {len(reached['inspections'])} approved inspection as evidence.")


def fetch_report(register: Register, screen: Screen, visit: Visit, folder: Path) -> None:
    """As PDF and as HTML, into ``folder``."""
    folder.mkdir(exist_ok=True)
    for kind, content_type in KINDS.items():
        file, waited = _reviewer(register).fetch(f"/inspections/{visit.id}/report", content_type, format=kind, language="en")
        place = folder / f"{visit.occasion}-{visit.address.lower().replace(' ', '-')}.{kind}"
        place.write_bytes(file)
        first = f", after 202 Accepted {waited} ×" if waited else ""
        screen.check(f"report ({len(file) // 1000:,} kB{first}): {place}")


def _approve(reviewer: Voice, visit: Visit, more: Body) -> Sum:
    work = _inspection(reviewer, visit)
    if work["status"] == "approved":
        return Sum(unchanged=1)
    reviewer.post(f"/inspections/{visit.id}/review", {"decision": "approved", **more}, version=work["version"])
    return Sum(created=1)


def _show_comparison(screen: Screen, visit: Visit, found: Body) -> None:
    table = screen.table(f"{visit.address}: part", "photos before", "after", "score before", "after", "", numbers=5)
    for pair in found["pairs"]:
        if pair["trend"] is not None:
            sides = (pair["before"], pair["after"])
            photos, scores = [str(len(side["photoIds"])) for side in sides], [str(side["score"]) for side in sides]
            table.add_row(pair["text"]["en"], *photos, *scores, pair["trend"])
    table.add_section()
    table.add_row("the whole dwelling", "", "", _or_dash(found["before"]["score"]), _or_dash(found["after"]["score"]), found["trend"] or "", style="bold")
    screen.show(table)


def _inspection(reviewer: Voice, visit: Visit) -> Body:
    return reviewer.get(f"/inspections/{visit.id}")


def _score(reviewer: Voice, visit: Visit) -> str:
    return _or_dash(reviewer.get(f"/dwellings/{visit.home.dwelling.id}")["conditionScore"])


def _or_dash(score: int | None) -> str:
    return "–" if score is None else str(score)


def _reviewer(register: Register) -> Voice:
    return register.speaking_as("reviewer", INSPECTION_BODY.slug)
