"""Links to a photo for people outside the register: who gives them out, and what whoever has one sees."""

from typing import Any
from uuid import UUID

from flask import Response, request
from marshmallow import Schema as OutSchema
from marshmallow import fields

from api import photo_files, processing
from api.addresses import own_origin
from api.answers import decode_cursor, dump_with, json_response, page_response
from api.auth import actor, trace
from api.fields import Length, Moment, Schema, String
from api.problems import refusal, request_id
from api.processing import concerns
from api.routes import PageQuery, Routes
from api.web import web
from registry.access import Right
from registry.db import reading, transaction
from registry.errors import Unavailable
from registry.photos import files, shares
from registry.photos.shares import NotShared, SharedPhoto
from registry.processing import Activity

routes = Routes("photo-shares", "Links to photos for people outside the register")

PATH = "/shared/photos"


class ShareIn(Schema):
    reason = String(required=True, validate=Length(1, 500), metadata={"description": "Why somebody outside the register is to see it; it is kept."})
    expires_at = Moment(required=True, metadata={"description": f"At most {shares.LONGEST_SHARE.days} days from now."})


class ShareOut(OutSchema):
    """A link that was given out, without its secret."""

    id = fields.UUID(required=True)
    photo_id = fields.UUID(required=True, data_key="photoId")
    reason = fields.String(required=True)
    recorded_at = Moment(required=True, data_key="recordedAt")
    recorded_by = fields.UUID(required=True, data_key="recordedBy")
    expires_at = Moment(required=True, data_key="expiresAt")
    revoked_at = Moment(required=True, allow_none=True, data_key="revokedAt")


class NewShareOut(ShareOut):
    """Shown once."""

    url = fields.String(required=True, metadata={"description": "Whoever has it sees a copy of the photo without EXIF, and never the original."})


class SharesOut(OutSchema):
    items = fields.List(fields.Nested(ShareOut), required=True)
    next = fields.String(required=True, allow_none=True)


dump = dump_with(ShareOut())


@routes.on(
    "POST",
    "/photos/<uuid:photo_id>/shares",
    needs=Right.SHARE_PHOTOS,
    processes=Activity.PHOTOS_SHARED,
    returns=NewShareOut,
    status=201,
    takes=ShareIn,
    gone=True,
)
def share_photo(body: dict[str, Any], photo_id: UUID) -> Response:
    """Make a link with which anybody sees a copy of a photo without EXIF, until it expires or is revoked"""
    with transaction(actor()) as session:
        concerns(files.look(session, actor(), photo_id).dwelling_id)
        made, secret = shares.share(session, actor(), photo_id, **body)
    return json_response({**dump(made), "url": f"{own_origin()}{PATH}/{secret.text}"}, 201)


@routes.on(
    "GET",
    "/photos/<uuid:photo_id>/shares",
    needs=Right.READ_SHARES,
    processes=Activity.PHOTOS_SHARED,
    returns=SharesOut,
    query=PageQuery,
    watched=True,
    look="shares-read",
)
def list_shares(query: dict[str, Any], photo_id: UUID) -> Response:
    """The links to a photo that were given out, ended ones too; never their secrets"""
    after = decode_cursor(query["cursor"], UUID)
    with reading(actor()) as session:
        concerns(files.look(session, actor(), photo_id).dwelling_id)
        return page_response(dump, shares.list_(session, actor(), photo_id, after=after, limit=query["limit"]))


@routes.on("POST", "/photo-shares/<uuid:share_id>/revocation", needs=Right.SHARE_PHOTOS, processes=Activity.PHOTOS_SHARED, returns=ShareOut)
def revoke_share(share_id: UUID) -> Response:
    """End a link now; it stays in the list"""
    with transaction(actor()) as session:
        revoked = shares.revoke(session, actor(), share_id)
        concerns(files.look(session, actor(), revoked.photo_id).dwelling_id)
    return json_response(dump(revoked))


@web.get(f"{PATH}/<token>")
def show_shared_photo(token: str) -> Response:
    """A copy of a photo without EXIF, for whoever has the link. To a browser a refusal is a page, to a program a problem.

    Raises NotShared, Unavailable.
    """
    processing.begin()
    try:
        with transaction() as session:
            looked = shares.look(session, token, request_id=request_id(), trace_id=trace().trace_id)
        concerns(looked.dwelling_id)
        response = _copy(looked)
    except NotShared as error:
        if request.accept_mimetypes.best_match(("application/problem+json", "text/html")) == "text/html":
            raise
        return refusal(error)
    try:
        processing.log(Activity.PHOTOS_SHARED, response)
    except Unavailable:
        response.close()
        raise
    return response


def _copy(looked: SharedPhoto) -> Response:
    """Raises NotShared when the photo was destroyed a moment ago, Unavailable."""
    try:
        return photo_files.streamed(files.measured(looked.file), "inline", {"X-Robots-Tag": "noindex"})
    except FileNotFoundError as error:
        raise NotShared() from error
