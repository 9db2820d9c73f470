"""The command line about photos: what must be kept, what must go, and whether what is kept is still what it was."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID

import click
import sqlalchemy as sa
from rich.progress import DownloadColumn, TimeRemainingColumn, TransferSpeedColumn

from registry import log, storage
from registry.access import Actor
from registry.audit.model import AuditLine
from registry.console import DATA, caller, progress_bar, say, the_database, the_register
from registry.db import reading, transaction
from registry.embedded.folder import default_folder
from registry.embedded.server import make_folder
from registry.installation import FOLDER_MODE
from registry.members import queries as members
from registry.photos import destruction, sweep
from registry.photos.destruction import Due
from registry.photos.model import Destruction, DestructionGround, HoldSubject, Image
from registry.photos.verify import Notes, Standing, beginning, left, verify
from registry.settings import settings
from registry.values import rfc3339

MEGABYTE = 1_000_000
DRY_RUN = click.option("--dry-run", is_flag=True, help="Say what would happen, and do nothing.")
BY = click.option("--by", "email", help="E-mail address of the person who decided; the register itself when left out.")
KIND = click.argument("kind", type=click.Choice([kind.value for kind in HoldSubject]))


@click.group()
def photos() -> None:
    """Keeping photos: what must go, what must stay, and whether it is still what it was."""
    log.configure("WARNING")


@photos.command("sweep")
@DRY_RUN
@click.option("--delete-unknown", is_flag=True, help="Also delete objects of photos that the register does not know. Not after restoring an older database!")
@DATA
def sweep_(dry_run: bool, delete_unknown: bool, data: Path) -> None:
    """Compare register and object store, and set right what can be. Exits with 1 when an original is missing or has another size."""
    found = Counter[sweep.Oddity]()
    with the_register(data), progress_bar() as bar:
        task = bar.add_task("Looking", total=sweep.expected())
        for odd in sweep.look(partial(bar.advance, task)):
            found[odd.what] += 1
            say(bar, f"{odd.what}\t{odd.key}" + (f"\timage {odd.image_id}" if odd.image_id else ""))
            if not dry_run:
                sweep.set_right(odd)
            if delete_unknown and not dry_run:
                sweep.delete_unknown(odd)
        bar.update(task, total=bar.tasks[task].completed)
    click.echo(", ".join(f"{what.value}: {found[what]}" for what in sweep.Oddity) + (" (nothing was changed)" if dry_run else ""))
    if any(found[what] for what in sweep.LOST):
        click.secho("Originals are lost: see docs/operations.md, Keeping photos.", fg="red", err=True)
        raise SystemExit(1)


@photos.command("destroy")
@click.argument("photo_id", type=click.UUID, required=False)
@click.option("--due", is_flag=True, help="Every photo whose time is over, instead of one.")
@click.option("--ground", type=click.Choice([DestructionGround.ERASURE.value, DestructionGround.WITHDRAWN.value]), help="Of destroying this one photo.")
@click.option("--reason", help="Of destroying this one photo; it is kept, so it names nobody.")
@BY
@DRY_RUN
@DATA
def destroy(photo_id: UUID | None, due: bool, ground: str | None, reason: str | None, email: str | None, dry_run: bool, data: Path) -> None:
    """Destroy a photo for good, or with --due all photos whose time is over. The worker removes the bytes from the object store afterwards."""
    if due == (photo_id is not None) or (photo_id is not None and (ground is None or not reason)) or (dry_run and not due):
        raise click.UsageError("Give either --due (with or without --dry-run), or PHOTO_ID with --ground and --reason.")
    with the_register(data):
        if photo_id is None or ground is None or reason is None:
            _destroy_due(dry_run)
            return
        actor = _decided_by(email)
        with transaction() as session:
            done = destruction.destroy(session, actor, photo_id, ground=DestructionGround(ground), reason=reason)
    _print(done)


def _destroy_due(dry_run: bool) -> None:
    years = settings().photo_retention_years
    if years is None:
        click.echo("REGISTRY_PHOTO_RETENTION_YEARS is not set: no photo is destroyed for its age.", err=True)
    done = Counter(map(_tell, _all_due(years))) if dry_run else destruction.destroy_due(retention_years=years, progress=_tell)
    click.echo(", ".join(f"{ground.value}: {done[ground]}" for ground in (DestructionGround.RETENTION, DestructionGround.WITHDRAWN)))


def _tell(due: Due) -> DestructionGround:
    click.echo(f"{due.photo_id}\t{due.ground}")
    return due.ground


def _all_due(years: int | None) -> Iterator[Due]:
    after = destruction.FIRST
    while True:
        with reading() as session:
            found = destruction.due(session, retention_years=years, after=after)
        yield from found
        if len(found) < destruction.BATCH:
            return
        after = found[-1].photo_id


@photos.command("destruction")
@click.argument("photo_id", type=click.UUID)
@DATA
def show_destruction(photo_id: UUID, data: Path) -> None:
    """The record of a photo that was destroyed, and whether its bytes are gone. Exits with 1 while they are not."""
    with the_register(data):
        with reading() as session:
            done = destruction.get(session, photo_id)
            image = session.get(Image, done.image_id) if done.image_id else None
            told = sa.select(AuditLine).where(AuditLine.action == "photo.destroyed", AuditLine.subject_id == str(photo_id))
            line = session.scalar(told.where(AuditLine.subject_kind == "photo").limit(1))
        _print(done)
        click.echo(f"audit line  {f'{line.id} (stream {line.stream}, sequence {line.sequence})' if line else 'MISSING'}")
        there = image is not None and image.destroyed_at is not None and storage.find(image.object_key) is not None
        shared = image is not None and image.destroyed_at is None
        click.echo(f"bytes       {'still shown by another photo' if shared else 'NOT GONE YET: does the worker run?' if there else 'gone'}")
    if there or line is None:
        raise SystemExit(1)


@photos.command("destructions")
@DATA
def list_destructions(data: Path) -> None:
    """All records, a line for each, to keep elsewhere: moment, photo, sha256, ground, by whom, why. After restoring an older database they tell what to
    destroy again.
    """
    with the_database(data):
        for each in destruction.each():
            particulars = (
                rfc3339(each.recorded_at),
                each.photo_id,
                each.sha256.hex() if each.sha256 else "-",
                each.ground.value,
                each.recorded_by,
                each.reason,
            )
            click.echo("\t".join(map(str, particulars)))


def _print(done: Destruction) -> None:
    particulars = {
        "photo": done.photo_id,
        "image": done.image_id or "-",
        "sha256": done.sha256.hex() if done.sha256 else "-",
        "bytes": done.size_bytes or "-",
        "ground": done.ground.value,
        "reason": done.reason,
        "destroyed": rfc3339(done.recorded_at),
        "by": done.recorded_by if done.recorded_by.int else "the register itself",
    }
    for name, value in particulars.items():
        click.echo(f"{name:11} {value}")


@photos.command("hold")
@KIND
@click.argument("subject_id", type=click.UUID)
@click.option("--reason", required=True)
@BY
@DATA
def hold(kind: str, subject_id: UUID, reason: str, email: str | None, data: Path) -> None:
    """Forbid destroying photos of a dwelling, of an inspection, or one photo, until the hold is released."""
    with the_database(data):
        actor = _decided_by(email)
        with transaction() as session:
            placed = destruction.hold(session, actor, HoldSubject(kind), subject_id, reason)
    click.echo(f"Hold {placed.id}")


@photos.command("release")
@KIND
@click.argument("subject_id", type=click.UUID)
@BY
@DATA
def release(kind: str, subject_id: UUID, email: str | None, data: Path) -> None:
    """End a hold."""
    with the_database(data):
        actor = _decided_by(email)
        with transaction() as session:
            ended = destruction.release(session, actor, HoldSubject(kind), subject_id)
    click.echo(f"Released {ended.id}")


@photos.command("holds")
@DATA
def holds(data: Path) -> None:
    """The holds in force: moment, what is held, by whom, why."""
    with the_database(data), reading() as session:
        for each in destruction.holds(session):
            click.echo("\t".join([rfc3339(each.recorded_at), each.subject_kind.value, str(each.subject_id), str(each.recorded_by), each.reason]))


def _decided_by(email: str | None) -> Actor:
    if email is None:
        return caller()
    with reading() as session:
        person_id = members.person_with(session, email)
    if person_id is None:
        raise click.BadParameter(f"nobody has the address {email}", param_hint="--by")
    return replace(caller(), person_id=person_id)


@photos.command("verify")
@click.option("--from-start", is_flag=True, help="Begin anew, also when an earlier verification was interrupted.")
@click.option("--rate", type=click.FloatRange(min=0.1), help="Read this many megabytes a second at most.")
@DATA
def verify_(from_start: bool, rate: float | None, data: Path) -> None:
    """Read every stored original and compare it with its digest. Goes on where it was interrupted. Exits with 1 when one is not what it was."""
    folder = default_folder(data)
    make_folder(folder, FOLDER_MODE)
    with the_register(data), Notes(folder).taken() as notes:
        new = beginning()
        standing = (None if from_start else notes.standing(new.register)) or new
        done = _verify(notes, standing, rate)
    click.echo(f"{done.images} original(s) of {done.bytes} bytes were read since {done.began_at}; {done.findings} finding(s).")
    if done.findings:
        raise SystemExit(1)


def _verify(notes: Notes, standing: Standing, rate: float | None) -> Standing:
    with progress_bar(DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("Reading", total=standing.bytes + left(standing), completed=standing.bytes)
        for finding in notes.findings(standing):
            say(bar, finding)
        try:
            return verify(
                notes,
                standing,
                report=partial(say, bar),
                progress=partial(bar.advance, task),
                rate_bytes_s=None if rate is None else int(rate * MEGABYTE),
            )
        except KeyboardInterrupt:
            raise click.ClickException("interrupted; the same command goes on from here") from None
