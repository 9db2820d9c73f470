"""Who may do what with what is hers, foreign or absent: the whole of it in one table, written from the rules and not from the code.

An answer is a status and what tells it apart: the code of a refusal, whether a list has ``some`` items or ``none``, what became of the item of a batch.
"""

from dataclasses import dataclass, field
from typing import Any

from registry.checklists.xlsform.workbook import XLSX
from tests.registry.checklists.spreadsheets import a_form
from tests.world import AWAITED

COLUMNS = (
    "inspector",
    "reviewer",
    "corporation",
    "municipality",
    "analyst",
    "auditor",
    "unexplained",
    "administrator",
    "ministry",
    "ended",
    "revoked",
    "nobody",
)
"""The seven roles, the administrator of the ministry, an auditor who gives no reason, and three who are not let in."""
CASES = ("own", "foreign", "absent")
ALL = "inspector reviewer corporation municipality analyst auditor administrator ministry"
READERS = "inspector reviewer corporation municipality auditor"
PROGRESS = "reviewer corporation municipality auditor"
EDITORS = "corporation municipality"
PLANNERS = "reviewer municipality"
NEEDS_REASON = {f"read-{what}" for what in ("dwellings", "progress", "inspections", "shares", "changes", "history", "portfolios", "hazards", "imports")}
DEFAULT_SHUT_OUT = {"ended": "403 no-membership", "revoked": "401 not-authenticated", "nobody": "401 not-authenticated"}
NOT_FOUND, REFUSED, NONE, BROKEN = "404 not-found", "200 refused", "200 none", "400 rule-violation"


@dataclass(frozen=True, slots=True)
class Row:
    """One operation and one place for an id in it.

    ``place`` is ``path``, a member of the body or a parameter of the query; "" when there is no id. In ``body`` and ``query`` ``$`` is the id that is
    tried, ``$name`` that thing of the near side, ``$new`` a new id, ``$soon`` tomorrow. ``may``: columns with the right; ``everywhere``: those of them to
    whom nothing is foreign; ``but``: columns whose answers differ, for each case.
    """

    operation: str
    place: str
    thing: str
    may: str
    own: str
    missing: str = NOT_FOUND
    everywhere: str = "auditor"
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    """A body of bytes."""
    but: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def each(columns: str, answer: str) -> dict[str, tuple[str, str, str]]:
    """These columns get this answer whatever they ask for."""
    return dict.fromkeys(columns.split(), (answer, answer, answer))


def expected(row: Row, column: str, case: str, needs: str) -> str:
    """The answer to a column, by the table."""
    if column in row.but:
        return row.but[column][CASES.index(case)]
    if column in DEFAULT_SHUT_OUT:
        return DEFAULT_SHUT_OUT[column]
    if column == "unexplained":
        explained = expected(row, "auditor", case, needs)
        return "400 reason-required" if needs in NEEDS_REASON and "auditor" in row.may.split() else explained
    if column not in row.may.split():
        return "403 not-allowed"
    theirs = case == "own" or (case == "foreign" and column in row.everywhere.split())
    return row.own if theirs else row.missing


def _reference(name: str, path: str, thing: str, *, writers: str, but: dict[str, tuple[str, str, str]] | None = None) -> list[Row]:
    """A list that everyone reads: nothing in it is foreign, except to those of its writers whom ``but`` names."""
    many = {"Category": "Categories"}.get(name, f"{name[:-1]}ies" if name.endswith("y") else f"{name}s")
    written = {"name": {"municipality": "Gemeente", "focus_area": "Wijk", "scheme": "Regeling", "project": "Project"}[path]}
    if path in ("focus_area", "project"):
        written["municipalityCode"] = "$code_of_it"
    if path == "municipality":
        written["province"] = "Limburg"
    return [
        Row(f"list{many}", "", "", ALL, "200 some"),
        Row(f"get{name}", "path", thing, ALL, "200", everywhere=ALL),
        Row(f"put{name}", "path", thing, writers, "200", "201", everywhere=writers, body=written, but=dict(but or {})),
    ]


TUS = {"Tus-Resumable": "1.0.0"}
PIECES = "application/offset+octet-stream"
A_MILESTONE = {"track": "acquisition", "kind": "planned", "effectiveOn": "2025-01-01"}
A_PLAN = {"dwellingId": "$dwelling", "checklistId": "$checklist", "occasion": "baseline", "organisationId": "$inspection_body"}
A_CHECKLIST = {"key": "own", "edition": 1}
A_PERIOD = {"id": "$new", "dwellingId": "$unheld", "organisationId": "$corporation", "validFrom": "2025-01-01"}
A_TRANSFER = {
    "fromOrganisationId": "$corporation",
    "toOrganisationId": "$taker",
    "transferredOn": "2025-01-01",
    "items": [{"dwellingId": "$dwelling"}],
}
A_DEMOLITION = {"kind": "demolition", "occurredOn": "2025-01-01"}
A_RE_KEYING = {"kind": "re-keying", "occurredOn": "2025-01-01", "predecessors": ["$dwelling"], "newBagId": "$"}
A_REPLACEMENT = {"kind": "replacement", "occurredOn": "2025-01-01", "predecessors": ["$unheld"]}
A_PHOTO = {"id": "$new", "inspectionId": "$", "question": "mould", "sha256": "ab" * 32, "sizeBytes": 9, "contentType": "image/jpeg"}
A_DOCUMENT = {"kind": "permit", "title": "Vergunning", "mediaType": "application/pdf", "sizeBytes": 9, "sha256": "ab" * 32}
AN_EDIT = {"inspectionId": "$", "baseVersion": 1, "document": {"answers": {}, "visitOutcome": "nobody-home"}}
MY_EDIT = {**AN_EDIT, "inspectionId": "$inspection"}
A_REVIEW = {"decision": "approved", "evidence": [{"trajectoryId": "$", "track": "renovation", "kind": "completed"}]}
A_MEMBER = {"email": "nieuw@example.nl", "name": "Nieuw", "role": "administrator", "validFrom": "2025-01-01", "organisationId": "$"}
A_WEBHOOK = {"name": "esb", "url": "https://hooks.example.nl/new"}
A_NEW_PERIOD = {"validFrom": "2020-01-01", "validUntil": None}
ROWS = (
    Row("getMe", "", "", ALL, "200", but=each("ended", "200")),
    Row(
        "changePassword",
        "",
        "",
        "",
        "",
        body={"currentPassword": "x", "newPassword": "a good long password"},
        but=each(f"{ALL} unexplained ended", "403 sign-in-needed"),
    ),
    Row("redeemEnrolment", "", "", "", "", body={"code": "0000-0000-0000"}, but=each(" ".join(COLUMNS), "401 code-not-valid")),
    Row(
        "makeEnrolment",
        "memberId",
        "member",
        ALL,
        "201",
        "403 not-allowed",
        everywhere="ministry",
        body={"memberId": "$", "name": "phone"},
        but={"administrator": ("201", NOT_FOUND, NOT_FOUND), "ministry": ("201", "201", NOT_FOUND)},
    ),
    Row("listTokens", "", "", ALL, "200 some"),
    Row("getToken", "path", "token", ALL, "200", everywhere="ministry"),
    Row("renameToken", "path", "token", ALL, "200", everywhere="ministry", body={"name": "phone"}),
    Row("revokeToken", "path", "token", ALL, "200", everywhere="ministry"),
    Row(
        "listMembers",
        "organisationId",
        "organisation",
        "reviewer municipality administrator ministry",
        "200 some",
        NONE,
        "ministry",
        query={"organisationId": "$"},
    ),
    Row(
        "takeOnMember",
        "organisationId",
        "organisation",
        "administrator ministry",
        "201",
        "403 not-yours",
        "ministry",
        A_MEMBER,
        but={"ministry": ("201", "201", BROKEN)},
    ),
    Row("getMember", "path", "colleague", "reviewer municipality administrator ministry", "200", everywhere="ministry"),
    Row("amendMember", "path", "colleague", "administrator ministry", "200", everywhere="ministry", body=A_NEW_PERIOD),
    Row("makeSetUpLink", "path", "colleague", "administrator ministry", "201", everywhere="ministry"),
    Row("listOrganisations", "", "", ALL, "200 some"),
    Row("createOrganisation", "", "", "ministry", "201", body={"slug": "nieuw", "name": "Nieuw", "kind": "corporation"}),
    Row("getOrganisation", "path", "corporation", ALL, "200", everywhere=ALL),
    *_reference("Municipality", "municipality", "code", writers="ministry"),
    *_reference("FocusArea", "focus_area", "focus_area", writers="ministry"),
    *_reference("Scheme", "scheme", "scheme", writers="ministry"),
    *_reference("Project", "project", "project", writers="municipality", but={"municipality": ("200", "403 not-yours", "201")}),
    Row("listDwellings", "bagId", "bag_id", READERS, "200 some", NONE, query={"bagId": "$"}),
    Row(
        "registerDwelling",
        "bagId",
        "unused_bag_id",
        EDITORS,
        "201",
        "201",
        body={"municipalityCode": "$code", "bagId": "$", "bagObjectType": "$bag_object_type"},
    ),
    Row("getDwelling", "path", "dwelling", READERS, "200"),
    Row("amendDwelling", "path", "dwelling", EDITORS, "200", body={"municipalityCode": "$code"}),
    Row(
        "amendDwelling", "bagId", "unused_bag_id", EDITORS, "200", "200", body={"municipalityCode": "$code", "bagId": "$", "bagObjectType": "$bag_object_type"}
    ),
    Row(
        "registerDwellings",
        "bagId",
        "unused_bag_id",
        EDITORS,
        "200 created",
        "200 created",
        body={"items": [{"id": "$new", "municipalityCode": "$code", "bagId": "$", "bagObjectType": "$bag_object_type"}]},
    ),
    Row("searchDwellings", "postcode", "postcode", READERS, "200 some", NONE, body={"postcode": "$", "houseNumber": 7}),
    Row("searchDwellings", "bagId", "bag_id", READERS, "200 some", NONE, body={"bagId": "$"}),
    Row("searchDwellings", "municipalityCode", "code", READERS, "200 some", NONE, body={"municipalityCode": "$"}),
    Row(
        "searchDwellings",
        "executorId",
        "executor",
        PROGRESS,
        "200 some",
        NONE,
        body={"executorId": "$", "trackState": {"track": "renovation", "state": "started"}},
    ),
    Row("listLabels", "path", "dwelling", READERS, "200 some"),
    Row("registerLabel", "path", "dwelling", EDITORS, "201", body={"label": "A", "surveyedOn": "2020-01-01"}),
    Row("listPortfolioPeriods", "dwellingId", "dwelling", "corporation municipality auditor", "200 some", NONE, query={"dwellingId": "$"}),
    Row("listPortfolioPeriods", "organisationId", "corporation", "corporation municipality auditor", "200 some", NONE, query={"organisationId": "$"}),
    Row("putInPortfolios", "dwellingId", "unheld", "municipality", "200 created", REFUSED, body={"items": [{**A_PERIOD, "dwellingId": "$"}]}),
    Row(
        "putInPortfolios",
        "organisationId",
        "corporation",
        "municipality",
        "200 created",
        REFUSED,
        "municipality",
        body={"items": [{**A_PERIOD, "organisationId": "$"}]},
    ),
    Row("getPortfolioPeriod", "path", "period", "corporation municipality auditor", "200"),
    *(
        Row("transferDwellings", place, thing, "municipality", "200 created", missing, everywhere, body={**A_TRANSFER, **tried})
        for place, thing, missing, everywhere, tried in (
            ("fromOrganisationId", "corporation", REFUSED, "auditor", {"fromOrganisationId": "$"}),
            ("toOrganisationId", "taker", BROKEN, "municipality", {"toOrganisationId": "$"}),
            ("dwellingId", "dwelling", REFUSED, "auditor", {"items": [{"dwellingId": "$"}]}),
        )
    ),
    Row("listSuccessions", "path", "dwelling", READERS, "200 some"),
    Row("getSuccession", "path", "succession", READERS, "200"),
    Row("recordSuccession", "predecessors", "dwelling", "municipality", "201", BROKEN, body={**A_DEMOLITION, "predecessors": ["$"]}),
    Row("recordSuccession", "successors", "dwelling", "municipality", "201", BROKEN, body={**A_REPLACEMENT, "successors": ["$"]}),
    Row("recordSuccession", "newBagId", "unused_bag_id", "municipality", "201", "201", body=A_RE_KEYING),
    Row("retractSuccession", "path", "succession", "municipality", "200", body={"reason": "a test"}),
    Row("listImports", "", "", f"{EDITORS} auditor", "200 some"),
    Row("getImport", "path", "import", f"{EDITORS} auditor", "200"),
    Row("listImportFaults", "path", "import", f"{EDITORS} auditor", "200 some"),
    Row("listImportRows", "path", "import", f"{EDITORS} auditor", "200 some"),
    Row("getRefusedRows", "path", "import", f"{EDITORS} auditor", "200"),
    Row("sendImport", "", "", EDITORS, "201", query={"kind": "milestones"}, headers={"Content-Type": "text/csv"}, raw=b"Datum\n2025-01-01\n"),
    Row("tryImportAgain", "path", "import", EDITORS, "202", body={}),
    Row("applyImport", "path", "import", EDITORS, "202", body={"mode": "per-row"}),
    Row("undoImport", "path", "applied", EDITORS, "202", body={"reason": "the wrong file"}),
    Row("getImportTemplate", "path", "template", ALL, "200", everywhere=ALL),
    Row("getImportColumns", "path", "template", ALL, "200", everywhere=ALL),
    Row("listColumnMappings", "", "", f"{EDITORS} auditor", "200 some", but=each("auditor", "200 none")),
    Row("getColumnMapping", "path", "mapping", f"{EDITORS} auditor", "200", but=each("auditor", NOT_FOUND)),
    Row("putColumnMapping", "path", "mapping", EDITORS, "200", "201", body={"mapping": {"Datum": "effectiveOn", "Opmerking": None}}),
    Row("deleteColumnMapping", "path", "mapping", EDITORS, "204"),
    Row("listVeraUnits", "organisationId", "corporation", "corporation municipality auditor", "200 some", NONE, query={"organisationId": "$"}),
    Row("amendPortfolioPeriod", "path", "period", "municipality", "200", body=A_NEW_PERIOD),
    Row("listTrajectories", "dwellingId", "dwelling", PROGRESS, "200 some", NONE, query={"dwellingId": "$"}),
    Row("listTrajectories", "executorId", "executor", PROGRESS, "200 some", NONE, query={"executorId": "$"}),
    Row("openTrajectory", "dwellingId", "dwelling", EDITORS, "201", BROKEN, body={"dwellingId": "$"}),
    Row("getTrajectory", "path", "trajectory", PROGRESS, "200"),
    Row("openTrajectories", "dwellingId", "dwelling", EDITORS, "200 created", REFUSED, body={"items": [{"id": "$new", "dwellingId": "$"}]}),
    Row("getProjectResults", "path", "project", PROGRESS, "200", everywhere=PROGRESS),
    Row("amendTrajectory", "path", "trajectory", EDITORS, "200", body={"project": None, "fundingLines": []}),
    Row("listFundingLines", "path", "trajectory", PROGRESS, "200 some"),
    Row("listMeasures", "path", "trajectory", PROGRESS, "200 some"),
    Row(
        "reportMeasures",
        "trajectoryId",
        "trajectory",
        EDITORS,
        "200 created",
        REFUSED,
        body={"items": [{"id": "$new", "trajectoryId": "$", "kind": "$measure", "appliedOn": "2025-01-01"}]},
    ),
    Row("correctMeasure", "path", "measure_row", EDITORS, "201", body={"kind": "heat-pump", "appliedOn": "2025-01-01"}),
    Row("retractMeasure", "path", "measure_row", EDITORS, "200", body={"reason": "a test"}),
    Row("declareDocument", "path", "trajectory", EDITORS, "201", body=A_DOCUMENT),
    Row("listDocuments", "path", "trajectory", PROGRESS, "200 some"),
    Row("getDocument", "path", "document", PROGRESS, "200"),
    Row("getDocumentContent", "path", "document", PROGRESS, "200"),
    Row("sendDocument", "path", "awaited_document", EDITORS, "200", headers={"Content-Type": "application/pdf"}, raw=AWAITED),
    Row("withdrawDocument", "path", "document", EDITORS, "200", body={"reason": "a test"}),
    Row("applyMeasures", "path", "trajectory", EDITORS, "201 some", body={"items": [{"kind": "$measure", "appliedOn": "2025-01-01"}]}),
    Row("reportMilestone", "path", "trajectory", EDITORS, "201", body=A_MILESTONE),
    Row("listJournal", "path", "trajectory", PROGRESS, "200 some"),
    Row(
        "reportMilestones", "trajectoryId", "trajectory", EDITORS, "200 created", REFUSED, body={"items": [{**A_MILESTONE, "id": "$new", "trajectoryId": "$"}]}
    ),
    Row("correctMilestone", "path", "milestone", EDITORS, "201", body={"effectiveOn": "2024-02-01"}),
    Row("retractMilestone", "path", "milestone", EDITORS, "201", body={"note": "never so"}),
    Row("confirmMilestones", "milestoneId", "milestone", "municipality", "200 created", REFUSED, body={"items": [{"milestoneId": "$"}]}),
    Row("confirmMilestone", "path", "milestone", "municipality", "200", body={}),
    Row("withdrawConfirmation", "path", "confirmed", "municipality", "200", body={"reason": "a mistake"}),
    Row("listChecklists", "", "", ALL, "200 some"),
    Row("getChecklist", "path", "checklist", ALL, "200", everywhere=ALL),
    Row("draftChecklist", "", "", "ministry", "201", body={"content": A_CHECKLIST}),
    Row("changeChecklist", "path", "draft", "ministry", "200", everywhere="ministry", body={"content": A_CHECKLIST}),
    Row("publishChecklist", "path", "draft", "ministry", "200", everywhere="ministry"),
    Row("retireChecklist", "path", "checklist", "ministry", "200", everywhere="ministry"),
    Row("checkChecklist", "", "", ALL, "200", body={"text": "key: own"}),
    Row("convertXlsform", "", "", "ministry", "200", headers={"Content-Type": XLSX}, raw=a_form(["text", "why", "Waarom?", "Why?"])),
    Row("getChecklistSchema", "", "", ALL, "200", but=each("unexplained ended revoked nobody", "200")),
    Row("listInspections", "dwellingId", "dwelling", READERS, "200 some", NONE, query={"dwellingId": "$"}),
    Row("listInspections", "assigneeId", "inspector_person", READERS, "200 some", NONE, query={"assigneeId": "$"}),
    Row("planInspection", "dwellingId", "dwelling", "reviewer municipality", "201", BROKEN, body={**A_PLAN, "dwellingId": "$"}),
    Row("planInspection", "checklistId", "checklist", "reviewer municipality", "201", BROKEN, "reviewer municipality", body={**A_PLAN, "checklistId": "$"}),
    Row("planInspection", "organisationId", "inspection_body", "reviewer municipality", "201", BROKEN, "municipality", body={**A_PLAN, "organisationId": "$"}),
    Row("planInspection", "assigneeId", "inspector_person", "reviewer municipality", "201", BROKEN, body={**A_PLAN, "assigneeId": "$"}),
    Row("planInspection", "teamId", "team", PLANNERS, "201", BROKEN, body={**A_PLAN, "teamId": "$"}),
    Row("planInspection", "previousId", "inspection", PLANNERS, "201", BROKEN, body={**A_PLAN, "previousId": "$"}),
    *(
        Row("planInspections", place, thing, PLANNERS, "200 created", REFUSED, everywhere, body={"items": [{**A_PLAN, "id": "$new", place: "$"}]})
        for place, thing, everywhere in (
            ("dwellingId", "dwelling", "auditor"),
            ("checklistId", "checklist", PLANNERS),
            ("organisationId", "inspection_body", "municipality"),
            ("assigneeId", "inspector_person", "auditor"),
            ("teamId", "team", "auditor"),
            ("previousId", "inspection", "auditor"),
        )
    ),
    Row(
        "planFromFile",
        "organisationId",
        "inspection_body",
        PLANNERS,
        "200",
        BROKEN,
        "municipality",
        query={"organisationId": "$"},
        headers={"Content-Type": "text/csv"},
        raw=b"bagId;checklist;aanleiding\n0917010000000001;baseline;nulmeting\n",
    ),
    Row("assignInspection", "path", "inspection", PLANNERS, "200", body={"dueOn": "2030-01-01"}),
    Row("assignInspection", "organisationId", "inspection_body", PLANNERS, "200", BROKEN, "municipality", body={"organisationId": "$"}),
    Row("assignInspection", "assigneeId", "inspector_person", PLANNERS, "200", BROKEN, body={"assigneeId": "$"}),
    Row("assignInspection", "teamId", "team", PLANNERS, "200", BROKEN, body={"teamId": "$"}),
    Row("assignInspections", "inspectionIds", "untaken", PLANNERS, "200 changed", REFUSED, body={"inspectionIds": ["$"], "dueOn": "2030-01-01"}),
    Row(
        "assignInspections",
        "organisationId",
        "inspection_body",
        PLANNERS,
        "200 unchanged",
        REFUSED,
        "municipality",
        body={"inspectionIds": ["$untaken"], "organisationId": "$", "teamId": None},
        but={"reviewer": ("200 changed", REFUSED, REFUSED), "municipality": ("200 changed", "200 changed", REFUSED)},
    ),
    Row("assignInspections", "assigneeId", "inspector_person", PLANNERS, "200 changed", REFUSED, body={"inspectionIds": ["$untaken"], "assigneeId": "$"}),
    Row("assignInspections", "teamId", "team", PLANNERS, "200 unchanged", REFUSED, body={"inspectionIds": ["$untaken"], "teamId": "$"}),
    Row("takeInspection", "path", "untaken", "inspector", "200"),
    Row("handBackInspection", "path", "untaken", "inspector", "200"),
    Row("withdrawInspection", "path", "inspection", PLANNERS, "200", body={"reason": "a test"}),
    Row("planNextVisit", "path", "vain", PLANNERS, "201", body={}),
    Row("planNextVisit", "assigneeId", "inspector_person", PLANNERS, "201", BROKEN, body={"assigneeId": "$"}),
    Row("planNextVisit", "teamId", "team", PLANNERS, "201", BROKEN, body={"teamId": "$"}),
    Row("listInspections", "teamId", "team", READERS, "200 some", NONE, query={"teamId": "$"}),
    Row("listTeams", "", "", "inspector reviewer", "200 some", but=each("municipality", NONE)),
    Row("getTeam", "path", "team", "inspector reviewer", "200", but=each("municipality", NOT_FOUND)),
    Row("makeTeam", "memberIds", "inspector_person", "reviewer", "201", BROKEN, body={"name": "Zuid", "memberIds": ["$"]}),
    Row("amendTeam", "path", "team", "reviewer", "200", body={"name": "Zuid", "memberIds": []}),
    Row("listHazards", "path", "dwelling", "inspector reviewer municipality auditor", "200 some"),
    Row("recordHazard", "path", "dwelling", "inspector reviewer municipality", "201", body={"kind": "dog"}),
    Row("endHazard", "path", "hazard", "inspector reviewer municipality", "200", body={"reason": "a test"}),
    Row("getDay", "", "", "inspector", "200 some", query={"on": "2036-01-01"}),
    Row("setOrder", "inspectionIds", "inspection", "inspector", "200", BROKEN, body={"on": "2036-01-01", "inspectionIds": ["$"]}),
    Row("getInspection", "path", "inspection", READERS, "200"),
    Row(
        "fillInInspection",
        "checklistId",
        "checklist",
        "inspector",
        "409 inspection-conflict",
        "409 inspection-conflict",
        everywhere="inspector",
        body={"answers": {}, "visitOutcome": "nobody-home", "checklistId": "$"},
    ),
    Row("fillInInspection", "path", "inspection", "inspector", "200", body={"answers": {}, "visitOutcome": "nobody-home"}),
    Row("sendEdits", "inspectionId", "inspection", "inspector", "200 unchanged", REFUSED, body={"items": [AN_EDIT]}),
    Row("sendEdits", "editId", "inspection", "inspector", "200 unchanged", "200 unchanged", body={"items": [{**MY_EDIT, "editId": "$"}]}),
    Row("sendEdits", "baseEditId", "inspection", "inspector", "200 unchanged", "200 unchanged", body={"items": [{**MY_EDIT, "baseEditId": "$"}]}),
    Row("listConflicts", "inspectionId", "inspection", READERS, "200 some", NONE, query={"inspectionId": "$"}),
    Row("getConflict", "path", "conflict", READERS, "200"),
    Row(
        "resolveConflict",
        "path",
        "conflict",
        "inspector reviewer municipality",
        "200",
        body={"keep": "theirs"},
        but=each("unexplained", "400 reason-required"),
    ),
    Row("submitInspection", "path", "inspection", "inspector", "200"),
    Row("reviewInspection", "path", "submitted", "reviewer municipality", "200", body={"decision": "returned", "remarks": "x"}),
    Row("reviewInspection", "trajectoryId", "trajectory", "reviewer municipality", "200", BROKEN, body=A_REVIEW),
    Row("listRevisions", "path", "submitted", READERS, "200 some"),
    Row("getScores", "path", "submitted", READERS, "200"),
    Row("getRevision", "path", "submitted", READERS, "200"),
    Row("compareInspection", "path", "inspection", READERS, "200", query={"with": "$submitted"}, but={"auditor": ("200", BROKEN, NOT_FOUND)}),
    Row("compareInspection", "with", "submitted", READERS, "200", query={"with": "$"}, but={"auditor": ("200", BROKEN, NOT_FOUND)}),
    Row("declarePhotos", "inspectionId", "inspection", "inspector", "200 created", REFUSED, body={"items": [A_PHOTO]}),
    Row("createUpload", "metadata", "awaited", "inspector", "201", BROKEN, headers={**TUS, "Upload-Length": str(len(AWAITED)), "Upload-Metadata": "$metadata"}),
    Row("findOffset", "path", "upload", "inspector", "200", headers=TUS),
    Row("getUpload", "path", "upload", "inspector", "200"),
    Row("sendBytes", "path", "upload", "inspector", "204", headers={**TUS, "Upload-Offset": "0", "Content-Type": PIECES}, raw=AWAITED[:3]),
    Row("endUpload", "path", "upload", "inspector", "204", headers=TUS),
    Row("listUploads", "inspectionId", "inspection", "inspector", "200 some", NONE, query={"inspectionId": "$"}),
    Row("sendPhoto", "path", "awaited", "inspector", "200", headers={"Content-Type": "image/jpeg"}, raw=AWAITED),
    Row("timeUpload", "", "", ALL, "200", headers={"Content-Type": "application/octet-stream"}, raw=b"x", but=each("ended", "200")),
    Row("withdrawPhoto", "path", "photo", "inspector", "200", body={"reason": "a test"}),
    Row("completeUploads", "photoIds", "photo", "inspector", "200 some", NONE, body={"photoIds": ["$"]}),
    Row("completeUpload", "path", "photo", "inspector", "200"),
    Row("getPhoto", "path", "photo", READERS, "200"),
    Row("getOriginal", "path", "photo", READERS, "200"),
    Row("getPreview", "path", "photo", READERS, "200"),
    Row("getLinks", "path", "photo", READERS, "200"),
    Row("sharePhoto", "path", "photo", "reviewer municipality", "201", body={"reason": "a test", "expiresAt": "$soon"}),
    Row("listShares", "path", "photo", PROGRESS, "200 some"),
    Row("revokeShare", "path", "share", "reviewer municipality", "200"),
    Row("getReceipt", "path", "inspection", READERS, "200"),
    Row("getReport", "path", "submitted", READERS, "202"),
    Row("getDayReceipt", "", "", "inspector", "200 some", query={"device": "all"}),
    Row("compareWithPhone", "photos", "photo", "inspector", "200", "200", body={"photos": [{"id": "$", "sha256": "ab" * 32}]}),
    Row("listDefinitions", "", "", ALL, "200 some"),
    Row("getTally", "corporation", "corporation", "corporation municipality analyst auditor", "200", "200", everywhere=ALL, query={"corporation": "$"}),
    Row("listCountedDwellings", "corporation", "corporation", "corporation municipality auditor", "200 some", NONE, query={"corporation": "$"}),
    Row("listWebhooks", "", "", "administrator ministry", "200 some", but=each("ministry", NONE)),
    Row("createWebhook", "", "", "administrator ministry", "201", body=A_WEBHOOK, but=each("ministry", "403 ministry-has-no-webhooks")),
    *(
        Row(operation, "path", "webhook", "administrator ministry", own, body=body, but=each("ministry", NOT_FOUND))
        for operation, own, body in (
            ("getWebhook", "200", None),
            ("amendWebhook", "200", A_WEBHOOK),
            ("endWebhook", "200", None),
            ("rotateWebhookSecret", "201", None),
            ("pauseWebhook", "200", None),
            ("resumeWebhook", "200", {}),
            ("getWebhookState", "200", None),
            ("listDeliveries", "200 some", None),
            ("replayDeliveries", "200", {"dead": True}),
            ("testWebhook", "201", None),
        )
    ),
    Row("replayDeliveries", "eventId", "event", "administrator ministry", "200", body={"eventId": "$"}, but=each("ministry", NOT_FOUND)),
    # To an auditor the feed is held up by the line about her own look: all of this happens in one transaction that stays open.
    Row("listChanges", "", "", READERS, "200 some", but=each("auditor", NONE)),
    Row(
        "listAudit",
        "subjectId",
        "dwelling",
        f"{READERS} administrator ministry",
        "200 some",
        NONE,
        query={"subjectKind": "dwelling", "subjectId": "$"},
        but=dict.fromkeys(("inspector", "reviewer", "corporation", "municipality"), ("200 some", NOT_FOUND, NOT_FOUND)) | each("ministry", NONE),
    ),
    Row(
        "listAudit",
        "personId",
        "editor_person",
        f"{READERS} administrator ministry",
        "200 some",
        NONE,
        query={"personId": "$"},
        but=each("inspector reviewer corporation municipality", "400 object-not-named") | each("ministry", NONE),
    ),
    Row(
        "listAudit",
        "requestId",
        "request",
        f"{READERS} administrator ministry",
        "200 some",
        NONE,
        query={"requestId": "$"},
        but=each("inspector reviewer corporation municipality", "400 object-not-named") | each("ministry", NONE),
    ),
)
