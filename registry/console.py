"""What commands of the command line share: the data folder, the servers in it, progress bars, and in whose name they act."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from registry import migrations
from registry.access import Actor, the_system
from registry.db import database
from registry.embedded.folder import default_folder
from registry.embedded.object_store import ObjectStore
from registry.embedded.postgres import Postgres
from registry.installation import DATABASE_FOLDER, OBJECTS_FOLDER, store_settings

DATA_FOLDER = Path("var/registry")
DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DATA_FOLDER, envvar="REGISTRY_DATA", show_default=True, help="Where the data is kept."
)


def caller() -> Actor:
    return the_system(f"cli-{uuid4()}")


@contextmanager
def the_database(data: Path) -> Iterator[None]:
    """The database, brought to the present, also for `settings`."""
    with database_url(data) as url:
        migrations.upgrade(url)
        database.connect(url, pool_size=4)
        os.environ["REGISTRY_DATABASE_URL"] = url
        yield


@contextmanager
def database_url(data: Path) -> Iterator[str]:
    """The database of REGISTRY_DATABASE_URL, or the embedded one: the running one of this data folder, else started for this command alone."""
    given = os.environ.get("REGISTRY_DATABASE_URL")
    folder = default_folder(data) / DATABASE_FOLDER
    running = None if given else Postgres.running_address(folder)
    click.echo(f"Into the register in {folder.parent}" if not given else "Into the database of REGISTRY_DATABASE_URL", err=True)
    if given or running:
        yield given or running or ""
        return
    with Postgres(folder) as postgres:
        yield postgres.start()


@contextmanager
def the_register(data: Path) -> Iterator[None]:
    """The database and the object store, for `settings` too: each as its REGISTRY_* settings say, or else that of the data folder."""
    with the_database(data), _object_store(default_folder(data) / OBJECTS_FOLDER):
        yield


@contextmanager
def _object_store(folder: Path) -> Iterator[None]:
    if "REGISTRY_S3_ENDPOINT" in os.environ:
        yield
        return
    running = ObjectStore.running_address(folder)
    if running:
        os.environ |= store_settings(running)
        yield
        return
    with ObjectStore(folder) as store:
        os.environ |= store_settings(store.start())
        yield


def progress_bar(*columns: ProgressColumn) -> Progress:
    """On standard error, so that standard output may go to a file; `say` writes beside it."""
    shown = columns or (TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(TextColumn("{task.description:>8}"), BarColumn(), *shown, console=console, redirect_stdout=False, redirect_stderr=False)


def say(bar: Progress, line: object) -> None:
    """A line on standard output, above the bar where both are seen."""
    if sys.stdout.isatty() and bar.console.is_terminal:
        bar.console.print(str(line), markup=False, highlight=False, soft_wrap=True)
    else:
        click.echo(str(line))
