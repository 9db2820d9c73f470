"""The bytes of photos: the original as a download, previews to look at, and short-lived links to both.

No cache may keep them (`no-store`, as with all answers): a photo that is withdrawn or destroyed would live on there, and be shown without a line in the
audit log. Entity tags are for who keeps a copy of her own, and for who goes on with a download that broke off.
"""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any, BinaryIO
from uuid import UUID

from flask import Response, request
from marshmallow import Schema as OutSchema
from marshmallow import fields
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from api.addresses import own_origin, store_within_reach
from api.answers import dump_with, json_response
from api.auth import actor
from api.fields import Moment
from api.processing import concerns
from api.routes import BASE, Routes
from registry import clock, storage
from registry.access import Right
from registry.db import reading
from registry.photos import files
from registry.photos.files import File
from registry.photos.model import ContentType, PreviewState
from registry.photos.queries import Shown
from registry.photos.rules import PREVIEW_SIZES_PX
from registry.processing import Activity

routes = Routes("photo-files", "The bytes of photos")

STEP_BYTES = 64 * 1024
"""Of a file that are in memory at a time."""
SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""Content-Security-Policy of a file that came from outside: if a browser shows it after all, nothing in it runs."""
ONE_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)
ORIGINAL_TYPES = tuple(sorted(files.ENDINGS))
SIZES = ", ".join(f"'{size}'" for size in PREVIEW_SIZES_PX)


class LinkOut(OutSchema):
    """Where to fetch a file with GET. One that needs no sign-in works for whoever has it, until it expires: hand it to nobody, and send no token there."""

    url = fields.String(required=True)
    needs_sign_in = fields.Boolean(required=True, data_key="needsSignIn", metadata={"description": "As this call does: it leads to this API."})
    expires_at = Moment(required=True, allow_none=True, data_key="expiresAt")


class PreviewLinkOut(LinkOut):
    size_px = fields.Integer(required=True, data_key="sizePx", metadata={"description": "Of the longer side."})


class LinksOut(OutSchema):
    original = fields.Nested(LinkOut, required=True)
    previews = fields.List(fields.Nested(PreviewLinkOut), required=True, metadata={"description": "Empty when they are not there."})


_dump_links = dump_with(LinksOut())


@routes.on(
    "GET",
    "/photos/<uuid:photo_id>/original",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.PHOTOS_READ,
    returns=None,
    serves=ORIGINAL_TYPES,
    tagged=True,
    watched=True,
    look="original-read",
)
def get_original(photo_id: UUID) -> Response:
    """The photo as it came, byte by byte, as a download"""
    return _answer(photo_id, files.original, "attachment")


@routes.on(
    "GET",
    f"/photos/<uuid:photo_id>/previews/<any({SIZES}):size>",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.PHOTOS_READ,
    returns=None,
    serves=(ContentType.JPEG.value,),
    tagged=True,
    watched=True,
    look="preview-read",
)
def get_preview(photo_id: UUID, size: str) -> Response:
    """A smaller copy of a photo to look at, of so many pixels along its longer side, without EXIF; 404 with Retry-After while it is still to be made"""
    return _answer(photo_id, lambda shown: files.preview(shown, int(size)), "inline")


@routes.on(
    "GET",
    "/photos/<uuid:photo_id>/links",
    needs=Right.READ_INSPECTIONS,
    processes=Activity.PHOTOS_READ,
    returns=LinksOut,
    gone=True,
    watched=True,
    look="links-read",
)
def get_links(photo_id: UUID) -> Response:
    """Links to the original and the previews, for a quarter of an hour straight to the object store where you can reach that"""
    with reading(actor()) as session:
        looked = files.look(session, actor(), photo_id)
    concerns(looked.dwelling_id)
    original, image = files.original(looked.shown), looked.shown.image
    sizes = PREVIEW_SIZES_PX if image is not None and image.rejection is None and image.previews is PreviewState.MADE else ()
    expires_at = clock.now() + timedelta(seconds=storage.LINK_LIFE_S) if store_within_reach() else None
    previews = [{"size_px": size, **_link(files.preview(looked.shown, size), f"{photo_id}/previews/{size}", expires_at)} for size in sizes]
    return json_response(_dump_links({"original": _link(original, f"{photo_id}/original", expires_at), "previews": previews}))


def _link(file: File, path: str, expires_at: datetime | None) -> dict[str, Any]:
    """To the object store until ``expires_at``, or to this API. The store can't forbid to guess the type of a file, so that is always a download."""
    if expires_at is None:
        return {"url": f"{own_origin()}{BASE}/photos/{path}", "needs_sign_in": True, "expires_at": None}
    return {"url": storage.get_link(file.key, content_type=file.content_type, filename=file.name), "needs_sign_in": False, "expires_at": expires_at}


def _answer(photo_id: UUID, choose: Callable[[Shown], File], disposition: str) -> Response:
    """Raises NotFound, PhotoBytesMissing, PhotoGone, RequestedRangeNotSatisfiable, Unavailable, and what ``choose`` raises."""
    file = _chosen(photo_id, choose)
    try:
        return sent(files.measured(file), disposition)
    except FileNotFoundError:
        _chosen(photo_id, choose)  # a moment ago it may have been destroyed
        raise


def _chosen(photo_id: UUID, choose: Callable[[Shown], File]) -> File:
    with reading(actor()) as session:
        looked = files.look(session, actor(), photo_id)
    concerns(looked.dwelling_id)
    return choose(looked.shown)


def sent(file: File, disposition: str) -> Response:
    """A file of which the size is known, or the part of it that is asked for, or 304 (RFC 9110, 13 and 14).

    Raises FileNotFoundError, RequestedRangeNotSatisfiable, Unavailable.
    """
    tag = f'"{file.identity}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    if file.sha256 is not None:
        headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(file.sha256).decode()}:"
    if request.if_none_match.contains_weak(file.identity):
        return Response(status=304, headers=headers)
    size = file.size_bytes or 0
    wanted = None
    if request.method == "GET" and request.headers.get("If-Range", tag) == tag:
        wanted = part(request.headers.get("Range", ""), size)
    if wanted is None:
        return streamed(file, disposition, headers)
    first, last = wanted
    return streamed(file, disposition, {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}, first=first, last=last, status=206)


def part(asked: str, size: int) -> tuple[int, int] | None:
    """The first and last byte that a Range header asks for, of a file that is not empty; None for all of it.

    What is malformed, of another unit, or of several parts asks for nothing. Raises RequestedRangeNotSatisfiable.
    """
    found = ONE_RANGE.fullmatch(asked)
    if found is None or found.groups() == ("", ""):
        return None
    begin, end = found.groups()
    if not begin:
        first, last = max(size - int(end), 0), size - 1
    else:
        first, last = int(begin), int(end) if end else size - 1
        if end and last < first:
            return None
    if first >= size:
        raise RequestedRangeNotSatisfiable(length=size)
    return first, min(last, size - 1)


def streamed(file: File, disposition: str, headers: dict[str, str], *, first: int = 0, last: int | None = None, status: int = 200) -> Response:
    """A file from ``first`` to ``last``, passed on in steps; the object store is let go when all is sent, or when the caller goes away.

    Raises FileNotFoundError, Unavailable.
    """
    own = {"Content-Disposition": f'{disposition}; filename="{file.name}"', "Content-Security-Policy": SANDBOX}
    response = Response(status=status, headers={**own, **headers}, content_type=file.content_type)
    if request.method == "GET":
        opening = ExitStack()
        source = opening.enter_context(storage.opened(file.key, first=first, last=last))
        response.response = _steps(source)
        response.call_on_close(opening.close)
    response.content_length = (file.size_bytes or 0) - first if last is None else last - first + 1
    return response


def _steps(source: BinaryIO) -> Iterator[bytes]:
    while step := source.read(STEP_BYTES):
        yield step
