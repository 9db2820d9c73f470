"""The command line that takes data out of the register for other systems."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import click
import orjson

from registry import log
from registry.access import Actor, Role
from registry.console import DATA, progress_bar, the_database
from registry.db import reading, transaction
from registry.organisations import queries as organisations
from registry.organisations.model import OrganisationKind
from registry.pages import LARGEST_PAGE
from registry.vera import commands, queries
from registry.vera.units import KnownUnit, condition_of, unit_of


@click.group()
def export() -> None:
    """Take data out of the register for other systems."""
    log.configure("WARNING")


@export.command("vera")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, writable=True))
@click.option("--organisation", "slug", required=True, help="The corporation whose portfolio it is, by its slug.")
@DATA
def vera(file: Path, slug: str, data: Path) -> None:
    """Write the portfolio of a corporation to FILE in the names and codes of VERA: JSON lines, one dwelling on each, with its Eenheid and Conditiemeting."""
    with the_database(data), progress_bar() as bar:
        actor = _in_the_name_of(slug)
        task, written = bar.add_task("Writing", total=None), 0
        with file.open("wb") as out:
            for unit in _units(actor):
                out.write(orjson.dumps({"eenheid": unit_of(unit), "conditiemeting": condition_of(unit)}, option=orjson.OPT_APPEND_NEWLINE))
                written += 1
                bar.advance(task)
        with transaction() as session:
            commands.record_export(session, actor, _organisation(actor), dwellings=written)
    click.echo(f"{written:,} dwellings written to {file}")


def _in_the_name_of(slug: str) -> Actor:
    with reading() as session:
        organisation = organisations.find_by_slug(session, slug)
    if organisation is None or organisation.kind is not OrganisationKind.CORPORATION:
        raise click.BadParameter(f"there is no corporation {slug}", param_hint="--organisation")
    return Actor(UUID(int=0), organisation.id, Role.CORPORATION_EDITOR, f"cli-{uuid4()}")


def _organisation(actor: Actor) -> UUID:
    assert actor.organisation_id is not None
    return actor.organisation_id


def _units(actor: Actor) -> Iterator[KnownUnit]:
    after: UUID | None = None
    while True:
        with reading() as session:
            page = queries.page(session, actor, _organisation(actor), after=after, limit=LARGEST_PAGE)
        yield from page.items
        if page.next is None:
            return
        after = UUID(page.next)
