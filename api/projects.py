"""Projects, and what they have come to."""

from typing import Any

from flask import Response
from marshmallow import fields, post_load

from api.answers import decode_cursor, dump_with, expected_version, one, page_response, put_response
from api.auth import actor
from api.fields import MUNICIPALITY_CODE, Date, Decimal, Length, Moment, OneOf, Schema, String
from api.routes import PageQuery, Routes
from registry import references
from registry.access import Right
from registry.db import reading, transaction
from registry.processing import Activity
from registry.trajectories import commands, results
from registry.trajectories.commands import ProjectDetails
from registry.trajectories.model import Project
from registry.values import EnergyLabel

routes = Routes("projects", "Projects (projecten), and what they have come to")


class ProjectIn(Schema):
    name = String(required=True, validate=Length(1, 120))
    municipality_code = String(required=True, validate=MUNICIPALITY_CODE)
    description = String(load_default=None, allow_none=True, validate=Length(1, 4000))
    starts_on = Date(load_default=None, allow_none=True)
    ends_on = Date(load_default=None, allow_none=True, metadata={"description": "The last day that is planned for it."})

    @post_load
    def details(self, data: dict[str, Any], **_: Any) -> ProjectDetails:
        return ProjectDetails(**data)


class ProjectOut(Schema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    municipality_code = fields.String(required=True, data_key="municipalityCode")
    description = fields.String(required=True, allow_none=True)
    starts_on = fields.Date(required=True, allow_none=True, data_key="startsOn")
    ends_on = fields.Date(required=True, allow_none=True, data_key="endsOn")
    recorded_at = Moment(required=True, data_key="recordedAt")


class ProjectsOut(Schema):
    items = fields.List(fields.Nested(ProjectOut), required=True)
    next = fields.String(required=True, allow_none=True)


class PaidOut(Schema):
    scheme = fields.String(required=True)
    dwellings = fields.Integer(required=True, metadata={"description": "That it pays for; one may be paid for by several schemes."})
    amount_eur = Decimal(required=True, allow_none=True, data_key="amountEur", metadata={"description": "Of the lines whose amount is known."})


class JumpOut(Schema):
    before = OneOf(EnergyLabel, required=True, allow_none=True, metadata={"description": "In force when the works began; null when none is known."})
    after = OneOf(EnergyLabel, required=True, allow_none=True, metadata={"description": "The newest one surveyed since; null when there is none yet."})
    label_jump = fields.Integer(required=True, allow_none=True, data_key="labelJump", metadata={"description": "Classes gained."})
    dwellings = fields.Integer(required=True)


class ProjectResultsOut(Schema):
    """Of the trajectories that you may see. A dwelling counts once, however many trajectories and schemes it has."""

    dwellings = fields.Integer(required=True)
    trajectories = fields.Integer(required=True)
    funding = fields.List(fields.Nested(PaidOut), required=True, metadata={"description": "By scheme."})
    funding_eur = Decimal(required=True, allow_none=True, data_key="fundingEur")
    measures_cost_eur = Decimal(required=True, allow_none=True, data_key="measuresCostEur")
    labels = fields.List(fields.Nested(JumpOut), required=True, metadata={"description": "Each dwelling in one of them."})


dump_project = dump_with(ProjectOut())
_dump_results = dump_with(ProjectResultsOut())


@routes.on("GET", "/projects", needs=Right.READ_REFERENCE, returns=ProjectsOut, query=PageQuery)
def list_projects(query: dict[str, Any]) -> Response:
    """The projects"""
    with reading(actor()) as session:
        return page_response(dump_project, references.list_(session, actor(), Project.slug, after=decode_cursor(query["cursor"], str), limit=query["limit"]))


@routes.on("GET", "/projects/<slug:slug>", needs=Right.READ_REFERENCE, returns=ProjectOut, tagged=True)
def get_project(slug: str) -> Response:
    """One project"""
    with reading(actor()) as session:
        found = references.get(session, actor(), Project, slug)
    return one(dump_project, found, version=found.version)


@routes.on("PUT", "/projects/<slug:slug>", needs=Right.MANAGE_PROJECTS, returns=ProjectOut, takes=ProjectIn, tagged=True, versioned=True)
def put_project(details: ProjectDetails, slug: str) -> Response:
    """Add or change a project"""
    with transaction(actor()) as session:
        written, outcome = commands.put_project(session, actor(), slug, details, expected=expected_version())
    return put_response(dump_project, written, outcome, f"/projects/{slug}")


@routes.on("GET", "/projects/<slug:slug>/results", needs=Right.READ_PROGRESS, processes=Activity.PROGRESS_READ, returns=ProjectResultsOut, tagged=True)
def get_project_results(slug: str) -> Response:
    """What a project has come to: dwellings, money by scheme, costs of measures and label jumps"""
    with reading(actor()) as session:
        return one(_dump_results, results.of_project(session, actor(), slug))
