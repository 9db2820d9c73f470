"""The command line: `registry up` runs everything on one machine; the other commands do one thing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from registry import log, migrations, storage
from registry.access import Actor, the_system
from registry.audit.rules import Seal, read_seal
from registry.audit.verify import Verdict, verify
from registry.checklists import commands as checklists
from registry.db import database, reading, transaction
from registry.embedded.folder import default_folder
from registry.embedded.postgres import Postgres
from registry.errors import RegistryError
from registry.imports.bag.model import Progress as BagProgress
from registry.imports.bag.report import report_lines
from registry.imports.commands import import_bag
from registry.installation import DATABASE_FOLDER, Installation
from registry.settings import SettingsError, settings
from registry.supervision import StartError
from registry.values import rfc3339

DATA_FOLDER = Path("var/registry")
DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DATA_FOLDER, envvar="REGISTRY_DATA", show_default=True, help="Where the data is kept."
)
PORT = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Where the API listens; the next free one when it is taken.")


def main() -> None:
    """What can't be done is said in one line, not in a traceback."""
    try:
        registry(standalone_mode=True)
    except (RegistryError, SettingsError, StartError) as error:
        cause = f" ({str(error.__cause__).strip().partition(chr(10))[0]})" if error.__cause__ else ""
        click.secho(f"registry: {error}{cause}", fg="red", err=True)
        raise SystemExit(1) from error


@click.group()
@click.version_option(package_name="dwelling-registry")
def registry() -> None:
    """The register of poorly maintained private dwellings."""


@registry.command()
@DATA
@PORT
def up(data: Path, port: int) -> None:
    """Run the register on this machine: database, object store, API and worker, until Ctrl-C.

    With REGISTRY_DATABASE_URL or REGISTRY_S3_ENDPOINT set, those are used instead of the embedded ones.
    """
    raise SystemExit(Installation(default_folder(data), port, say=click.echo).run())


@registry.command()
@DATA
@PORT
@click.option("--exit", "stop_after", is_flag=True, help="Stop when the story has been told.")
def demo(data: Path, port: int, stop_after: bool) -> None:
    """Run the register as `up` does, and play the demo on it through its REST API."""
    installation = Installation(default_folder(data), port, say=click.echo)
    raise SystemExit(installation.run(player="demo", stop_after_player=stop_after))


@registry.command()
@DATA
def migrate(data: Path) -> None:
    """Bring the database to the present."""
    with _database_url(data) as url:
        migrations.upgrade(url)
    click.echo("The database is up to date.")


@registry.command()
def worker() -> None:
    """Run the jobs that changes leave behind (REGISTRY_* settings from the environment)."""
    from registry import worker as running

    log.configure(settings().log_level)
    running.run(settings())


@registry.group("import")
def import_() -> None:
    """Read data of other parties into the register."""


@import_.command("bag")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DATA
def bag(file: Path, data: Path) -> None:
    """Read the dwellings of a BAG 2.0 extract, exactly as Kadaster delivers it (the outermost zip file)."""
    with _database(data), _bar() as bar:
        task = bar.add_task("Reading", total=None)

        def progress(at: BagProgress) -> None:
            bar.update(
                task, description={"read": "Reading", "join": "Joining", "apply": "Writing"}[at.stage], completed=at.done_bytes, total=at.total_bytes or None
            )

        report = import_bag(_caller(), file, progress=progress)
    for line in report_lines(report):
        click.echo(line)


@registry.group("audit")
def audit() -> None:
    """The audit log."""


@audit.command("verify")
@click.option("--seal-to", type=click.Path(path_type=Path, dir_okay=False), help="Write a seal of the log, to keep elsewhere; the file must be new.")
@click.option("--against", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="An earlier seal, which the log must still contain.")
@DATA
def audit_verify(seal_to: Path | None, against: Path | None, data: Path) -> None:
    """Look for audit lines that were altered, removed or slipped in. Exits with 1 when there are any."""
    if seal_to is not None and (seal_to.exists() or not seal_to.parent.is_dir()):
        raise click.BadParameter(f"{seal_to} must be a new file in a folder that exists; an earlier seal is never written over.", param_hint="--seal-to")
    earlier = _read_seal(against) if against is not None else None
    with _database_url(data) as url:
        database.connect(url, pool_size=1)
        verdict = _verify(earlier)
    if verdict.flaws:
        click.secho(f"The audit log has been tampered with: {verdict.flaws} finding(s).", fg="red", err=True)
        raise SystemExit(1)
    if seal_to is not None:
        with seal_to.open("x", encoding="utf-8") as file:
            file.write(verdict.seal.to_json())
    click.echo(f"The audit log is whole: {verdict.seal.lines} line(s) in {len(verdict.seal.heads)} streams, at {rfc3339(verdict.seal.moment)}.")
    click.echo(f"Seal: {verdict.seal.digest}")


def _verify(earlier: Seal | None) -> Verdict:
    with reading() as session, _bar() as bar:
        task = bar.add_task("Checking", total=None)
        return verify(session, report=click.echo, progress=lambda done, total: bar.update(task, completed=done, total=total), against=earlier)


def _read_seal(file: Path) -> Seal:
    try:
        return read_seal(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.BadParameter(f"{file} can't be used: {error}", param_hint="--against") from error


@registry.command()
def prepare() -> None:
    """Make the bucket and publish the shipped checklists (REGISTRY_* settings from the environment). Doing it again changes nothing."""
    storage.prepare()
    database.connect(settings().database_url, pool_size=1)
    with transaction() as session:
        for content in checklists.shipped():
            checklists.publish(session, _caller(), content)


def _caller() -> Actor:
    return the_system(f"cli-{uuid4()}")


@contextmanager
def _database(data: Path) -> Iterator[None]:
    with _database_url(data) as url:
        migrations.upgrade(url)
        database.connect(url, pool_size=2)
        yield


@contextmanager
def _database_url(data: Path) -> Iterator[str]:
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


def _bar() -> Progress:
    return Progress(TextColumn("{task.description:>8}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    main()
