"""The command line about condition scores."""

from collections.abc import Iterator
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from registry import log
from registry.access import Actor
from registry.console import DATA, caller, progress_bar, say, the_database
from registry.db import reading, transaction
from registry.inspections import rescoring
from registry.inspections.rescoring import Batch, Rescored
from registry.nen2767.method import CURRENT


@click.group()
def scores() -> None:
    """Condition scores by NEN 2767."""
    log.configure("WARNING")


@scores.command("recompute")
@click.option("--dry-run", is_flag=True, help="Say what would change, and do nothing.")
@DATA
def recompute(dry_run: bool, data: Path) -> None:
    """Score what was submitted by the present version of the method, where that was not done yet; the old scores stay.

    Prints a line for each inspection whose score of the whole dwelling changes: id, revision, before, after. Broken off, it goes on where it was.
    """
    looked_at = rescored = dwellings = 0
    with the_database(data), progress_bar() as bar:
        with reading() as session:
            total = rescoring.left(session)
        task = bar.add_task("Scoring", total=total)
        for batch in _would() if dry_run else _batches(caller()):
            looked_at, rescored, dwellings = looked_at + batch.looked_at, rescored + len(batch.rescored), dwellings + batch.dwellings
            _tell(bar, task, batch)
    followed = "nothing was changed" if dry_run else f"{dwellings} dwelling(s) followed"
    click.echo(f"{CURRENT.version}: {looked_at} revision(s) looked at, {rescored} scored ({followed}).")


def _batches(actor: Actor) -> Iterator[Batch]:
    """One transaction each."""
    after: rescoring.Place | None = rescoring.FIRST
    while after is not None:
        with transaction() as session:
            batch = rescoring.recompute(session, actor, after=after)
        yield batch
        after = batch.next


def _would() -> Iterator[Batch]:
    after: rescoring.Place | None = rescoring.FIRST
    while after is not None:
        with reading() as session:
            found = rescoring.look(session, after=after)
        after = found[-1].place if len(found) == rescoring.BATCH else None
        yield Batch(len(found), tuple(each for each in found if each.scores), 0, after)


def _tell(bar: Progress, task: TaskID, batch: Batch) -> None:
    for each in filter(_differs, batch.rescored):
        say(bar, f"{each.inspection.id}\t{each.revision.revision}\t{each.before or '-'}\t{each.after or '-'}")
    bar.advance(task, batch.looked_at)


def _differs(each: Rescored) -> bool:
    return each.after != each.before
