"""What earlier visits say about the next one, as the answers show it."""

from marshmallow import Schema, fields

from api.fields import Moment, OneOf
from registry.inspections.visits import AdviceCode, Company, PartOfDay, Step, VisitOutcome


class SentenceOut(Schema):
    """In both languages, for who reads it later without a connection."""

    nl = fields.String(required=True)
    en = fields.String(required=True)


class AdviceOut(Schema):
    """For the next visit, after one in vain."""

    code = OneOf(AdviceCode, required=True)
    text = fields.Nested(SentenceOut, required=True)
    next_visit = fields.Boolean(
        required=True, data_key="nextVisit", metadata={"description": "False: nobody should go there before what stands in `first` is done."}
    )
    first = fields.List(OneOf(Step), required=True, metadata={"description": "What comes before the next visit."})
    company = OneOf(Company, required=True, metadata={"description": "With whom to go there."})
    earliest_on = fields.Date(required=True, allow_none=True, data_key="earliestOn")
    parts_of_day = fields.List(OneOf(PartOfDay), required=True, data_key="partsOfDay", metadata={"description": "Not tried yet, the best chance first."})
    tries = fields.Integer(required=True, metadata={"description": "Visits so far."})


class EarlierVisitOut(Schema):
    """How an earlier visit to the address went, also that of a colleague: nothing of what was found there."""

    inspection_id = fields.UUID(required=True, data_key="inspectionId")
    outcome = OneOf(VisitOutcome, required=True)
    at = Moment(required=True, allow_none=True, metadata={"description": "By the clock of the phone."})
    led_to_this = fields.Boolean(required=True, data_key="ledToThis", metadata={"description": "This visit was planned after it; else it was for another."})
