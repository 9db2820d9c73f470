"""Every route answers as openapi.yaml says: schemathesis sends good and bad requests to a live server with a database of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.orm import Session

from registry import clock
from registry.access import Actor, Role
from registry.dwellings.model import Dwelling
from registry.members.model import Credential, Person
from registry.organisations.model import Organisation
from registry.photos.model import PreviewState
from registry.trajectories.model import MilestoneKind, Track
from tests import contract_file, makers, servers
from tests.owner import as_owner
from tests.world import BYTES, keep_bytes

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "ignored_auth",
)
# `negative_data_rejection` and `positive_data_acceptance` are off: JSON Schema can't say all that a schema of ours refuses (a NUL character, an
# unknown reference, a date in the future) or all that it lets pass (a date in its compact form, a number that means the same as text).
OWN_OPERATIONS = {
    Role.MUNICIPALITY_EDITOR: (
        "confirmMilestones",
        "confirmMilestone",
        "withdrawConfirmation",
        "transferDwellings",
        "recordSuccession",
        "retractSuccession",
        "planInspection",
        "planInspections",
        "planFromFile",
        "assignInspection",
        "assignInspections",
        "withdrawInspection",
        "planNextVisit",
        "listTeams",
        "listHazards",
        "recordHazard",
        "endHazard",
        "listCountedDwellings",
        "putInPortfolios",
        "amendPortfolioPeriod",
        "sharePhoto",
        "listShares",
        "revokeShare",
        "reviewInspection",
    ),
    Role.INSPECTOR: (
        "fillInInspection",
        "submitInspection",
        "takeInspection",
        "handBackInspection",
        "getDay",
        "setOrder",
        "declarePhotos",
        "completeUpload",
        "getPhoto",
        "getReceipt",
        "getDayReceipt",
        "compareWithPhone",
        "listRevisions",
        "getRevision",
        "getScores",
        "compareInspection",
        "getOriginal",
        "getPreview",
        "getLinks",
        "listUploads",
        "createUpload",
        "findOffset",
        "getUpload",
        "sendBytes",
        "endUpload",
        "sendPhoto",
        "timeUpload",
        "withdrawPhoto",
    ),
    Role.ADMINISTRATOR: (
        "createOrganisation",
        "putMunicipality",
        "putFocusArea",
        "putScheme",
        "listAudit",
        "draftChecklist",
        "changeChecklist",
        "publishChecklist",
        "retireChecklist",
        "checkChecklist",
        "convertXlsform",
        "listMembers",
        "getMember",
        "takeOnMember",
        "amendMember",
        "makeSetUpLink",
        "listTokens",
        "getToken",
        "renameToken",
        "listWebhooks",
        "getWebhook",
        "amendWebhook",
        "createWebhook",
        "getWebhookState",
        "listDeliveries",
        "rotateWebhookSecret",
        "testWebhook",
        "replayDeliveries",
        "pauseWebhook",
        "resumeWebhook",
    ),
}
"""What a corporation editor may not do, or not see."""
OF_OTHERS = sorted({name for names in OWN_OPERATIONS.values() for name in names})
"""Called by who may; that others are refused is in the matrix."""
EXAMPLES = 2
"""Random requests for each operation, beside the systematic ones of the coverage phase."""


@pytest.fixture
def known(fresh_database: str, bucket: None) -> dict[str, str]:
    """Something to find at every address, by the name of the path parameter."""
    with as_owner() as session:
        return seed(session)


def seed(session: Session) -> dict[str, str]:
    makers.a_focus_area(session, "known"), makers.a_scheme(session, "known"), makers.a_project(session, "known")
    actors = makers.everybody(session)
    editor, inspector = actors[Role.CORPORATION_EDITOR], actors[Role.INSPECTOR]
    corporation = session.get_one(Organisation, editor.organisation_id)
    dwelling = makers.a_dwelling(session, focus_area="known")
    period = makers.a_portfolio_period(session, dwelling, editor)
    trajectory = makers.a_trajectory(session, corporation, dwelling, project="known")
    inspection = makers.an_inspection(session, inspector, dwelling_id=dwelling.id)
    photo = makers.a_photo_of(session, inspection, BYTES, previews=PreviewState.MADE)
    document = makers.a_document(session, trajectory, BYTES, stored_at=clock.now())
    keep_bytes(session)
    spare = makers.a_membership(session, makers.a_person(session), Role.INSPECTOR, corporation)
    makers.a_token(session, session.get_one(Person, spare.person_id), spare)
    return {
        "organisation_id": str(corporation.id),
        "code": makers.HEERLEN,
        "slug": "known",
        "dwelling_id": str(dwelling.id),
        "period_id": str(period.id),
        "trajectory_id": str(trajectory.id),
        "milestone_id": str(makers.reported(session, editor, trajectory.id, Track.RENOVATION, MilestoneKind.STARTED, "2024-01-01")),
        "measure_id": str(makers.a_measure(session, trajectory).id),
        "document_id": str(document.id),
        "checklist_id": str(inspection.checklist_id),
        "inspection_id": str(inspection.id),
        "conflict_id": str(makers.a_conflict(session, inspection).id),
        "photo_id": str(photo.id),
        "upload_id": str(makers.an_upload(session, makers.a_photo(session, inspection), inspector).id),
        "share_id": str(makers.a_share(session, photo).id),
        "size": "320",
        "member_id": str(spare.id),
        "team_id": str(makers.a_team(session, corporation).id),
        "hazard_id": str(makers.a_hazard(session, dwelling.id, corporation.id).id),
        "succession_id": str(_a_succession(session, actors, dwelling)),
        "webhook_id": str(makers.a_webhook(session, actors[Role.ADMINISTRATOR].organisation_id).id),
        "token_id": str(session.scalars(sa.select(Credential.id).where(Credential.person_id == spare.person_id)).one()),
        "revision": "1",
        "definition": "improved",
        "import_id": str(makers.an_import(session, editor).id),
        "kind": "milestones",
        **({"slug": "known"} if makers.a_column_mapping(session, editor, "known") else {}),
    }


def _a_succession(session: Session, actors: dict[Role, Actor], dwelling: Dwelling) -> UUID:
    municipality = session.get_one(Organisation, actors[Role.MUNICIPALITY_EDITOR].organisation_id)
    return makers.a_succession(session, municipality, [makers.a_dwelling(session)], [dwelling]).id


@pytest.fixture
def server(fresh_database: str, known: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The API on loopback; its address."""
    with servers.gunicorn(fresh_database, tmp_path, REGISTRY_LOG_LEVEL="ERROR") as api:
        yield f"{api.url}/v1"


@pytest.fixture
def document(known: dict[str, str], tmp_path: Path) -> Path:
    """openapi.yaml with, as examples, what is known at each address."""
    contract = contract_file.contract()
    for item in contract["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["example"] = known[parameter["name"]]
                if parameter["name"] == "Idempotency-Key":
                    parameter["example"] = str(uuid4())
    path = tmp_path / "openapi.yaml"
    path.write_text(yaml.safe_dump(contract), encoding="utf-8")
    return path


def run(server: str, document: Path, role: Role, operations: Sequence[str] = ()) -> None:
    """Let schemathesis call these operations, or all, in this role; any failed check fails the test with what it printed."""
    token = makers.known_token(role)
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", str(document), "--url", server, "-H", f"Authorization: Bearer {token}"]
    options = ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"]
    only = [part for name in operations for part in ("--include-operation-id", name)]
    only = only or [part for name in OF_OTHERS for part in ("--exclude-operation-id", name)]
    quiet = ["--continue-on-failure", "--no-color", "--generation-database", "none", "--suppress-health-check", "all"]
    hooks = {"SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *options, *only, *quiet], cwd=document.parent, env={**os.environ, **hooks}, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, f"{role}\n{done.stdout[-12_000:]}{done.stderr[-2000:]}"
    print(role, done.stdout[-900:])  # noqa: T201


def test_every_route_answers_as_the_contract_says(server: str, document: Path) -> None:
    run(server, document, Role.CORPORATION_EDITOR)


@pytest.mark.parametrize("role", OWN_OPERATIONS)
def test_what_others_may_do_answers_as_the_contract_says(server: str, document: Path, role: Role) -> None:
    run(server, document, role, OWN_OPERATIONS[role])
