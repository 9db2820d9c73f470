"""The made-up things as the REST API wants them."""

from datetime import date

from demo.client import Body
from demo.de_mix import DEMOLISHED, REBUILT, REPLACED_ON, SUCCESSION_ID
from demo.generator import Case, Dwelling, Milestone, Trajectory
from demo.households import Household
from demo.visits import Photo, Visit
from demo.vrieheide import Measure
from demo.world import INSPECTION_BODY, INVENTED_CORPORATION, id_of

MANAGED_FROM = date(2022, 1, 1)


def dwelling_body(dwelling: Dwelling) -> Body:
    return {
        "id": str(dwelling.id),
        "bagId": dwelling.bag_id,
        "bagObjectType": "occupiable-object",
        "municipalityCode": dwelling.area.municipality,
        "focusArea": dwelling.area.slug,
        "street": dwelling.street,
        "houseNumber": dwelling.house_number,
        "postcode": dwelling.postcode,
        "town": dwelling.town,
        "yearBuilt": dwelling.year_built,
        "floorAreaM2": dwelling.floor_area_m2,
        "tenure": dwelling.tenure,
        "dwellingType": dwelling.dwelling_type,
        "longitude": dwelling.longitude,
        "latitude": dwelling.latitude,
    }


def body_outside_areas(dwelling: Dwelling) -> Body:
    """Of a dwelling elsewhere in the municipality, in no focus area."""
    return {**dwelling_body(dwelling), "focusArea": None}


def portfolio_body(dwelling: Dwelling, corporation: str, valid_from: date) -> Body:
    """``corporation`` is a slug."""
    ids = {"id": id_of("portfolio", dwelling.id), "dwellingId": dwelling.id, "organisationId": id_of("organisation", corporation)}
    return {**{name: str(id) for name, id in ids.items()}, "validFrom": valid_from.isoformat()}


def portfolio_bodies(case: Case) -> list[Body]:
    """What a corporation improves, it owns or manages."""
    corporations = sorted({each.executor for each in case.trajectories if each.executor == INVENTED_CORPORATION.slug})
    return [portfolio_body(case.dwelling, slug, MANAGED_FROM) for slug in corporations]


def succession_body() -> Body:
    """In De Mix the homes that were rebuilt elsewhere come in the place of those that were demolished."""
    sides = {"predecessors": DEMOLISHED.homes, "successors": REBUILT.homes}
    said = {"id": str(SUCCESSION_ID), "kind": "replacement", "occurredOn": REPLACED_ON.isoformat(), "note": "De Mix: herbouw elders in de stad"}
    return {**said, **{side: [str(home.id) for home in homes] for side, homes in sides.items()}}


def trajectory_body(trajectory: Trajectory) -> Body:
    return {
        "id": str(trajectory.id),
        "dwellingId": str(trajectory.dwelling_id),
        "project": trajectory.project,
        "fundingLines": [{"scheme": scheme, "amountEur": f"{amount}.00"} for scheme, amount in trajectory.funding],
    }


def milestone_bodies(trajectory: Trajectory) -> list[Body]:
    return [_milestone_body(trajectory, each) for each in trajectory.milestones]


def _milestone_body(trajectory: Trajectory, milestone: Milestone) -> Body:
    said = {"track": milestone.track, "kind": milestone.kind, "effectiveOn": milestone.effective_on.isoformat()}
    return {"id": str(milestone.id), "trajectoryId": str(trajectory.id), **said}


def confirmation_bodies(trajectory: Trajectory) -> list[Body]:
    return [{"milestoneId": str(each.id)} for each in trajectory.milestones if each.confirmed]


def measure_body(measure: Measure) -> Body:
    return {
        "kind": measure.kind,
        "appliedOn": measure.applied_on.isoformat(),
        "quantity": measure.quantity,
        "unit": measure.unit,
        "costEur": measure.cost_eur,
    }


def household_bodies(household: Household) -> list[Body]:
    """Its measures, for a batch."""
    return [{"id": str(id), "trajectoryId": str(household.trajectory.id), **measure_body(measure)} for id, measure in household.measures]


def plan_body(visit: Visit, checklist_id: str, **whose: str) -> Body:
    """``whose`` work it is: teamId or assigneeId, dueOn, note."""
    ids = {"dwellingId": str(visit.home.dwelling.id), "checklistId": checklist_id, "organisationId": str(INSPECTION_BODY.id)}
    return {"id": str(visit.id), **ids, "occasion": visit.occasion, **whose}


def photo_body(visit: Visit, photo: Photo, *, sha256: str, size_bytes: int) -> Body:
    return {
        "id": str(photo.id),
        "inspectionId": str(visit.id),
        "question": photo.question,
        "defect": photo.defect,
        "sha256": sha256,
        "sizeBytes": size_bytes,
        "contentType": "image/jpeg",
        "takenAt": photo.shot.taken_at.isoformat(),
        "longitude": photo.shot.longitude,
        "latitude": photo.shot.latitude,
        "caption": photo.caption,
    }
