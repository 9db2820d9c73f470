"""The sweep: what is in the object store and not in the register, and what is in the register and not in the object store.

`look` finds, and changes nothing; `set_right` mends one finding. Both sides are walked through in the order of their keys, a thousand objects at a time.

**An object is deleted** when its photo can't come to point to it any more: the photo is withdrawn or destroyed without it, shows the same bytes under
another key, or was declared with another digest. No photo leaves such a state, and the digest of a declared photo never changes, so it is no matter how
long ago the first look was: right before deleting the row is looked at once more, and what was true of it stays true. The age of the object only
keeps the sweep away from what is under way.

**An object of a photo that the register does not know is reported and stays.** Rows of photos are never removed, so it means that the database went back in
time: what was restored is older than the object, which may be all that is left of the photo. Only a person can tell (`delete_unknown`).

**An object of a photo that is still awaited** was sent, and nobody said so: the photo is stored, in the name of the register.

**An original that is missing, or has another size, is reported** and never mended; the bytes themselves are compared by `registry/photos/verify.py`.
Previews are made again. Documents of trajectories are looked after in the same way (`registry/trajectories/document_objects.py`).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby, islice
from typing import Final, TypeAlias
from uuid import UUID

import sqlalchemy as sa
import structlog

from registry import clock, jobs, storage
from registry.access import the_system
from registry.db import reading, transaction
from registry.photos import images
from registry.photos.model import Image, Photo, PhotoState, PreviewState
from registry.photos.rules import ORIGINALS, PREVIEW_SIZES_PX, PREVIEWS, preview_key
from registry.storage import PROBES, ListedObject
from registry.trajectories import document_objects
from registry.trajectories.document_objects import Astray
from registry.trajectories.documents import DOCUMENTS

AT_ONCE: Final = 1000
LEFT_ALONE_FOR: Final = timedelta(hours=48)
UNDER_WAY_FOR: Final = timedelta(hours=1)
"""A link lasts a quarter of an hour, and saying that the bytes are sent follows at once."""
NAMED_IN_LOG: Final = 100
"""Originals that are missing or differ; all are counted."""
_ID = "([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
_ORIGINAL = re.compile(f"{ORIGINALS}{_ID}/{_ID}/([0-9a-f]{{64}})")
_PREVIEW = re.compile(f"{PREVIEWS}{_ID}/{_ID}/.+")

log = structlog.get_logger()


class Oddity(StrEnum):
    LEFTOVER = "leftover"
    """An object that nothing can come to point to any more."""
    UNREPORTED = "unreported"
    """The bytes of a photo that is still awaited."""
    UNKNOWN = "unknown"
    """An object of a photo or document that the register does not know, or with a name that is not ours."""
    ORIGINAL_MISSING = "original-missing"
    ORIGINAL_DIFFERS = "original-differs"
    """It has another size."""
    PREVIEW_MISSING = "preview-missing"


LOST: Final = (Oddity.ORIGINAL_MISSING, Oddity.ORIGINAL_DIFFERS)


@dataclass(frozen=True, slots=True)
class Odd:
    """``image_id`` is that of an image that lacks something in the store."""

    what: Oddity
    key: str
    image_id: UUID | None = None


Place: TypeAlias = tuple[str] | tuple[UUID, UUID]
"""Of an object in the order of the list: its key, or organisation and image."""
Placed: TypeAlias = tuple[Place, ListedObject]
Progress: TypeAlias = Callable[[int], None]
"""Is told how many objects were looked at since the last time."""


def expected() -> int:
    """About so many objects will be looked at."""
    with reading() as session:
        return (1 + len(PREVIEW_SIZES_PX)) * (session.scalar(sa.select(sa.func.count()).where(Image.destroyed_at.is_(None))) or 0)


def look(progress: Progress = lambda _: None) -> Iterator[Odd]:
    """Everything that does not fit, one after the other. Raises Unavailable."""
    yield from _originals(progress)
    yield from _previews(progress)
    yield from (Odd(Oddity(what.value), key) for what, key in document_objects.look(progress))
    old = clock.now() - UNDER_WAY_FOR
    yield from (Odd(Oddity.LEFTOVER, probe.key) for probe in storage.listed(PROBES) if probe.modified_at < old)


def sweep() -> Counter[Oddity]:
    """Look, and set right what can be; what was found, by kind. Raises Unavailable."""
    found = Counter[Oddity]()
    for odd in look():
        found[odd.what] += 1
        if odd.what in LOST and found[odd.what] <= NAMED_IN_LOG:
            log.error(odd.what.value, key=odd.key, image=str(odd.image_id))
        set_right(odd)
    (log.error if any(found[each] for each in LOST) else log.info)("swept", **{each.name.lower(): found[each] for each in Oddity})
    return found


def set_right(odd: Odd) -> None:
    """Mend it, if it is still so and can be mended. Raises Unavailable."""
    if odd.what is Oddity.LEFTOVER and _still_left_over(odd.key):
        storage.delete(odd.key)
    elif odd.what is Oddity.UNREPORTED:
        _store(odd.key)
    elif odd.what is Oddity.PREVIEW_MISSING and odd.image_id is not None:
        _make_previews_again(odd.image_id)


def delete_unknown(odd: Odd) -> None:
    """Remove an object of a photo that the register does not know, if that is still so. Raises Unavailable."""
    if odd.what is Oddity.UNKNOWN and _still_unknown(odd.key):
        storage.delete(odd.key)


def _still_unknown(key: str) -> bool:
    if key.startswith(DOCUMENTS):
        return document_objects.judge(key) is Astray.UNKNOWN
    return _judged([key]).get(key) is Oddity.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Whatever is listed after one place, up to and including another."""

    after: Place
    upto: Place
    objects: list[Placed]


def _stretches(placed: Iterable[Placed], first: Place, last: Place, progress: Progress) -> Iterator[_Stretch]:
    """All that is listed, in stretches from ``first`` to ``last`` that leave no gap; objects with the same place stay together."""
    after, part = first, list[Placed]()
    for place, each in placed:
        if len(part) >= AT_ONCE and place != part[-1][0]:
            yield _Stretch(after, part[-1][0], part)
            progress(len(part))
            after, part = part[-1][0], []
        part.append((place, each))
    yield _Stretch(after, last, part)
    progress(len(part))


def _images(stretch: _Stretch, *columns: "sa.orm.InstrumentedAttribute[str] | sa.orm.InstrumentedAttribute[UUID]") -> Iterator[Image]:
    """The images whose place, in these columns, lies in the stretch."""
    place, types = sa.tuple_(*columns), [column.type for column in columns]
    query = sa.select(Image).where(Image.destroyed_at.is_(None), place <= sa.tuple_(*stretch.upto, types=types)).order_by(*columns).limit(AT_ONCE)
    after = stretch.after
    while True:
        with reading() as session:
            found = session.scalars(query.where(place > sa.tuple_(*after, types=types))).all()
        yield from found
        if len(found) < AT_ONCE:
            return
        after = tuple(getattr(found[-1], column.key) for column in columns)


def _originals(progress: Progress) -> Iterator[Odd]:
    placed: Iterator[Placed] = (((each.key,), each) for each in storage.listed(ORIGINALS))
    for stretch in _stretches(placed, ("",), (chr(0x10FFFF),), progress):
        listed = {each.key: each for _, each in stretch.objects}
        for image in _images(stretch, Image.object_key):
            there = listed.pop(image.object_key, None)
            if there is None or there.size_bytes != image.size_bytes:
                yield from _lost(image)
        yield from _of_no_image(listed)


def _lost(image: Image) -> Iterator[Odd]:
    """The second look: at the object itself, and whether the image is still to be there."""
    there = storage.find(image.object_key)
    if (there is None or there.size_bytes != image.size_bytes) and _is_kept(image.id):
        yield Odd(Oddity.ORIGINAL_MISSING if there is None else Oddity.ORIGINAL_DIFFERS, image.object_key, image.id)


def _is_kept(image_id: UUID) -> bool:
    with reading() as session:
        return bool(session.scalar(sa.select(sa.exists().where(Image.id == image_id, Image.destroyed_at.is_(None)))))


def _of_no_image(listed: Mapping[str, ListedObject]) -> Iterator[Odd]:
    now = clock.now()
    for key, what in _judged([key for key, each in listed.items() if each.modified_at < now - UNDER_WAY_FOR]).items():
        if what is Oddity.UNREPORTED or listed[key].modified_at < now - LEFT_ALONE_FOR:
            yield Odd(what, key)


_FACTS = sa.text(
    """
    SELECT listed.key, inspection.id IS NOT NULL AS known, photo.state, photo.sha256 = listed.sha256 AS declared,
        EXISTS (SELECT FROM upload WHERE upload.photo_id = photo.id AND upload.state = 'receiving') AS receiving,
        EXISTS (SELECT FROM image WHERE image.organisation_id = listed.organisation_id AND image.sha256 = listed.sha256
            AND image.object_key = listed.key AND image.destroyed_at IS NULL) AS shown
    FROM unnest(CAST(:keys AS text[]), CAST(:organisation_ids AS uuid[]), CAST(:photo_ids AS uuid[]), CAST(:digests AS bytea[]))
            AS listed (key, organisation_id, photo_id, sha256)
        LEFT JOIN photo ON photo.id = listed.photo_id
        LEFT JOIN inspection ON inspection.id = photo.inspection_id AND inspection.organisation_id = listed.organisation_id
    """
)


def _judged(keys: list[str]) -> dict[str, Oddity]:
    """What is odd about these objects; one that an image points to, or may still come to point to, is left out."""
    names = {key: name for key in keys if (name := _ORIGINAL.fullmatch(key))}
    columns = {
        "keys": list(names),
        "organisation_ids": [UUID(name[1]) for name in names.values()],
        "photo_ids": [UUID(name[2]) for name in names.values()],
        "digests": [bytes.fromhex(name[3]) for name in names.values()],
    }
    with reading() as session:
        rows = session.execute(_FACTS, columns).all() if names else []
    judged = {row.key: _judge(row) for row in rows}
    return {key: what for key in keys if (what := judged.get(key) if key in names else Oddity.UNKNOWN) is not None}


def _judge(row: "sa.Row[tuple[object, ...]]") -> Oddity | None:
    if row.shown:
        return None
    if not row.known:
        return Oddity.UNKNOWN
    if row.state != PhotoState.DECLARED or row.declared is False:
        return Oddity.LEFTOVER
    # Without a declared digest the bytes are those of an upload; while that goes on, it is the upload that says what they are.
    return None if row.declared is None and row.receiving else Oddity.UNREPORTED


def _previews(progress: Progress) -> Iterator[Odd]:
    named = ((_PREVIEW.fullmatch(each.key), each) for each in storage.listed(PREVIEWS))
    placed: Iterator[Placed] = (((UUID(name[1]), UUID(name[2])), each) for name, each in named if name)
    for stretch in _stretches(placed, (UUID(int=0),) * 2, (UUID(int=2**128 - 1),) * 2, progress):
        listed = {place: {each.key for _, each in group} for place, group in groupby(stretch.objects, lambda each: each[0])}
        for image in _images(stretch, Image.organisation_id, Image.id):
            there = listed.pop((image.organisation_id, image.id), set())
            yield from _preview_missing(image, there)
        yield from (Odd(Oddity.LEFTOVER, key) for keys in listed.values() for key in sorted(keys))


def _preview_missing(image: Image, there: set[str]) -> Iterator[Odd]:
    """At most one for an image: all are made again."""
    if image.previews is PreviewState.MADE:
        missing = (key for key in _preview_keys(image) if key not in there and storage.find(key) is None)
        yield from (Odd(Oddity.PREVIEW_MISSING, key, image.id) for key in islice(missing, 1))


def _preview_keys(image: Image) -> list[str]:
    return [preview_key(image.organisation_id, image.id, size_px) for size_px in PREVIEW_SIZES_PX]


def _still_left_over(key: str) -> bool:
    if key.startswith(PREVIEWS):
        name = _PREVIEW.fullmatch(key)
        return name is not None and not _is_kept(UUID(name[2]))
    if key.startswith(DOCUMENTS):
        return document_objects.judge(key) is Astray.LEFTOVER
    return key.startswith(PROBES) or _judged([key]).get(key) is Oddity.LEFTOVER


def _store(key: str) -> None:
    """Let the photo that these bytes were sent for show them, when they are the declared ones."""
    name, found = _ORIGINAL.fullmatch(key), storage.find(key)
    if name is None or found is None:
        return
    photo_id, sha256 = UUID(name[2]), bytes.fromhex(name[3])
    if (found.sha256 or storage.digest(key)) != sha256:
        log.error("object-differs-from-its-name", key=key)
        return
    with transaction() as session:
        photo = session.get_one(Photo, photo_id, with_for_update={"key_share": True})
        if photo.state is not PhotoState.DECLARED:
            return
        if photo.sha256 not in (None, sha256) or photo.size_bytes not in (None, found.size_bytes):
            log.error("object-differs-from-its-photo", key=key)
            return
        images.attach_each(session, the_system(f"sweep-{photo_id}"), [images.Arrival(photo, sha256, found.size_bytes, key)])
    log.info("photo-stored-by-sweep", photo=str(photo_id))


def _make_previews_again(image_id: UUID) -> None:
    with transaction() as session:
        image = session.get_one(Image, image_id, with_for_update={"key_share": True})
        if image.destroyed_at is None and image.previews is PreviewState.MADE:
            image.previews = PreviewState.AWAITED
            jobs.enqueue(session, jobs.EXAMINE_IMAGE, lock=str(image_id), image_id=str(image_id))
