"""Portfolios: which corporation has which dwelling, from when to when. The municipality says so; the corporation sees accordingly."""

from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import fields, post_load

from api.answers import decode_cursor, dump_with, expected_version, one, page_response
from api.auth import actor
from api.batches import BatchOut, Each, batch_id, batch_response, judge_each
from api.fields import Date, Length, Moment, Nested, OneOf, Schema, Uuid
from api.processing import concerns
from api.routes import PageQuery, Routes
from registry.access import Right
from registry.batch import LARGEST_BATCH
from registry.db import reading, transaction
from registry.dwellings import portfolios, transfers
from registry.dwellings.model import PortfolioRelation
from registry.dwellings.portfolios import NewPeriod, Wanted
from registry.dwellings.transfers import Transfer
from registry.processing import Activity

routes = Routes("portfolio-periods", "Which corporation has which dwelling, from when to when")


class NewPeriodIn(Schema):
    id = batch_id()
    dwelling_id = Uuid(required=True)
    organisation_id = Uuid(required=True, metadata={"description": "The corporation."})
    relation = OneOf(PortfolioRelation, load_default=PortfolioRelation.OWNER)
    valid_from = Date(required=True)
    valid_until = Date(load_default=None, allow_none=True, metadata={"description": "The day after the last one."})

    @post_load
    def period(self, data: dict[str, Any], **_: Any) -> NewPeriod:
        return NewPeriod(**data)


class PeriodsIn(Schema):
    items = Each(Nested(NewPeriodIn), required=True, validate=Length(1, LARGEST_BATCH))


class PeriodIn(Schema):
    valid_from = Date(required=True)
    valid_until = Date(required=True, allow_none=True, metadata={"description": "From this day on the corporation sees the dwelling no more."})


class PeriodOut(Schema):
    id = fields.UUID(required=True)
    dwelling_id = fields.UUID(required=True, data_key="dwellingId")
    organisation_id = fields.UUID(required=True, data_key="organisationId")
    relation = OneOf(PortfolioRelation, required=True)
    valid_from = fields.Date(required=True, data_key="validFrom")
    valid_until = fields.Date(required=True, allow_none=True, data_key="validUntil")
    succession_id = fields.UUID(
        required=True, allow_none=True, data_key="successionId", metadata={"description": "By which the dwelling came in this portfolio."}
    )
    recorded_at = Moment(required=True, data_key="recordedAt")


class PeriodsOut(Schema):
    items = fields.List(fields.Nested(PeriodOut), required=True)
    next = fields.String(required=True, allow_none=True)


class PeriodsQuery(PageQuery):
    dwelling_id = Uuid(load_default=None)
    organisation_id = Uuid(load_default=None)
    relation = OneOf(PortfolioRelation, load_default=None)
    held_on = Date(load_default=None, metadata={"description": "Only the periods that hold on this day."})


class TransferredIn(Schema):
    dwelling_id = Uuid(required=True)


class TransferIn(Schema):
    from_organisation_id = Uuid(required=True)
    to_organisation_id = Uuid(required=True)
    transferred_on = Date(required=True, metadata={"description": "The first day on which the latter has the dwellings."})
    relation = OneOf(
        PortfolioRelation, load_default=None, allow_none=True, metadata={"description": "What changes hands; else whatever the former corporation is."}
    )
    items = Each(Nested(TransferredIn), required=True, validate=Length(1, LARGEST_BATCH))


dump = dump_with(PeriodOut())


@routes.on("GET", "/portfolio-periods", needs=Right.READ_PORTFOLIOS, processes=Activity.DWELLINGS_READ, returns=PeriodsOut, query=PeriodsQuery)
def list_portfolio_periods(query: dict[str, Any]) -> Response:
    """Portfolio periods, past ones too unless you name a day"""
    after, limit = decode_cursor(query.pop("cursor"), UUID), query.pop("limit")
    with reading(actor()) as session:
        return page_response(dump, portfolios.list_(session, actor(), Wanted(**query), after=after, limit=limit))


@routes.on("GET", "/portfolio-periods/<uuid:period_id>", needs=Right.READ_PORTFOLIOS, processes=Activity.DWELLINGS_READ, returns=PeriodOut, tagged=True)
def get_portfolio_period(period_id: UUID) -> Response:
    """One portfolio period"""
    with reading(actor()) as session:
        period = portfolios.get(session, actor(), period_id)
    return one(dump, period, version=period.version)


@routes.on("POST", "/portfolio-periods", needs=Right.MANAGE_PORTFOLIOS, processes=Activity.DWELLINGS_CHANGED, returns=BatchOut, takes=PeriodsIn)
def put_in_portfolios(body: dict[str, Any]) -> Response:
    """Put up to 1,000 dwellings of your municipality in portfolios, each judged by itself"""
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: portfolios.assign_each(session, actor(), items))
    concerns(*(item.dwelling_id for item, result in zip(body["items"], results, strict=True) if not result.faults))
    return batch_response(results)


@routes.on(
    "PUT",
    "/portfolio-periods/<uuid:period_id>",
    needs=Right.MANAGE_PORTFOLIOS,
    processes=Activity.DWELLINGS_CHANGED,
    returns=PeriodOut,
    takes=PeriodIn,
    tagged=True,
    versioned=True,
)
def amend_portfolio_period(body: dict[str, Any], period_id: UUID) -> Response:
    """Change a portfolio period, usually to end it"""
    with transaction(actor()) as session:
        portfolios.amend(session, actor(), period_id, **body, expected=expected_version())
        period = portfolios.get(session, actor(), period_id)
    return one(dump, period, version=period.version)


@routes.on("POST", "/portfolio-transfers", needs=Right.MANAGE_PORTFOLIOS, processes=Activity.DWELLINGS_CHANGED, returns=BatchOut, takes=TransferIn)
def transfer_dwellings(body: dict[str, Any]) -> Response:
    """Let up to 1,000 dwellings of your municipality go from one corporation to another, each judged by itself; sending it again changes nothing"""
    transfer = Transfer(body["from_organisation_id"], body["to_organisation_id"], body["transferred_on"], body["relation"])
    with transaction(actor()) as session:
        results = judge_each(body["items"], lambda items: transfers.transfer_each(session, actor(), transfer, [item["dwelling_id"] for item in items]))
    concerns(*(item["dwelling_id"] for item, result in zip(body["items"], results, strict=True) if not result.faults))
    return batch_response(results)
