"""What a scheme demands, and what meets it."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from registry.trajectories.demands import Demand, EvidenceKind, Shown, as_json, check, judge, missing, parse
from registry.trajectories.model import DocumentKind, MilestoneKind, Track
from registry.trajectories.rules import Happened

RENOVATION, ACQUISITION = Track.RENOVATION, Track.ACQUISITION
PLANNED, STARTED, COMPLETED, CANCELLED = MilestoneKind
INSPECTION, LABEL, DOCUMENT = EvidenceKind
DEMANDS = [
    Demand(RENOVATION, COMPLETED, INSPECTION),
    Demand(RENOVATION, COMPLETED, LABEL),
    Demand(RENOVATION, COMPLETED, DOCUMENT, DocumentKind.INVOICE),
]


def happened(kind: MilestoneKind, on: str, track: Track = RENOVATION) -> Happened:
    return Happened(track, kind, date.fromisoformat(on))


def label_for(happened: Happened, *labels: str, history: tuple[Happened, ...] = ()) -> int | None:
    """The place of the label that meets a demand for one."""
    ids = [uuid4() for _ in labels]
    shown = Shown(labels=[(id, date.fromisoformat(day)) for id, day in zip(ids, labels, strict=True)])
    (judged,) = judge([("vhf", Demand(happened.track, happened.kind, LABEL))], happened, [*history, happened], shown)
    return None if judged.met_by is None else ids.index(judged.met_by)


def test_demands_come_back_from_json_as_they_were() -> None:
    assert parse(as_json(DEMANDS)) == DEMANDS


def test_a_demand_is_about_one_milestone_of_one_track() -> None:
    asked = [("vhf", demand) for demand in DEMANDS]
    assert judge(asked, happened(STARTED, "2025-01-01"), [], Shown()) == []
    assert judge(asked, happened(COMPLETED, "2025-01-01", ACQUISITION), [], Shown()) == []
    assert len(judge(asked, happened(COMPLETED, "2025-01-01"), [], Shown())) == 3


def test_each_demand_that_is_not_met_is_a_fault_of_its_own() -> None:
    judged = judge([("vhf", demand) for demand in DEMANDS], happened(COMPLETED, "2025-01-01"), [], Shown())
    assert [(fault.code, fault.facts["type"]) for fault in missing(judged)] == [
        ("evidence-missing", "completion-inspection"),
        ("evidence-missing", "registered-label"),
        ("evidence-missing", "invoice"),
    ]
    assert "een factuur" in missing(judged)[2].text("nl")


def test_the_newest_inspection_and_document_meet_a_demand() -> None:
    older, newer = uuid4(), uuid4()
    shown = Shown(
        {(RENOVATION, COMPLETED): [older, newer]}, documents=[(older, DocumentKind.INVOICE), (newer, DocumentKind.INVOICE), (older, DocumentKind.PERMIT)]
    )
    judged = judge([("vhf", demand) for demand in (DEMANDS[0], DEMANDS[2])], happened(COMPLETED, "2025-01-01"), [], shown)
    assert [each.met_by for each in judged] == [newer, newer]
    assert judged[0].rests_on == {"scheme": "vhf", "evidence": "completion-inspection", "id": str(newer)}


@pytest.mark.parametrize(("labels", "found"), [(("2024-05-31",), None), (("2024-06-01",), 0), (("2024-01-01", "2024-07-01", "2026-01-01"), 2), ((), None)])
def test_completed_works_are_shown_by_a_label_surveyed_since_they_started(labels: tuple[str, ...], found: int | None) -> None:
    history = (happened(STARTED, "2024-06-01"), happened(STARTED, "2020-01-01", Track.SUSTAINABILITY))
    assert label_for(happened(COMPLETED, "2025-06-01"), *labels, history=history) == found


@pytest.mark.parametrize("what", [happened(STARTED, "2024-06-01"), happened(PLANNED, "2024-06-01"), happened(COMPLETED, "2024-06-01", ACQUISITION)])
def test_before_the_works_the_newest_label_until_that_day_counts(what: Happened) -> None:
    assert label_for(what, "2010-01-01", "2024-06-01", "2024-06-02") == 1
    assert label_for(what, "2024-06-02") is None


def test_what_can_not_be_demanded_is_said() -> None:
    wrong = [Demand(RENOVATION, CANCELLED, DOCUMENT), Demand(RENOVATION, STARTED, LABEL, DocumentKind.PERMIT), DEMANDS[0], DEMANDS[0]]
    assert [(fault.pointer, fault.code) for fault in check(wrong)] == [
        ("/demands/0/kind", "demand-on-cancellation"),
        ("/demands/0/documentKind", "document-kind-missing"),
        ("/demands/1/documentKind", "document-kind-of-document"),
        ("/demands/3", "repeated"),
    ]
    assert check(DEMANDS) == []


def test_an_id_is_kept_as_text() -> None:
    (judged,) = judge([("vhf", DEMANDS[2])], happened(COMPLETED, "2025-01-01"), [], Shown(documents=[(UUID(int=1), DocumentKind.INVOICE)]))
    assert judged.rests_on["id"] == "00000000-0000-0000-0000-000000000001"
