"""The command line that brings files of rows into the register: the same engine as the API, in this process, with a progress bar."""

import hashlib
from pathlib import Path
from uuid import UUID, uuid4

import click
from rich.progress import Progress

from registry import log
from registry.access import Actor, Role
from registry.console import DATA, progress_bar, the_database
from registry.db import reading
from registry.imports import queries
from registry.imports.commands import NewImport
from registry.imports.explaining import Explainer, problem_text
from registry.imports.model import ImportKind, ImportMode, ImportRun, ImportStatus
from registry.imports.runs import import_now
from registry.messages import Language
from registry.organisations import queries as organisations
from registry.organisations.model import OrganisationKind
from registry.sheets.refused import csv_refused, xlsx_refused

ROLES = {OrganisationKind.CORPORATION: Role.CORPORATION_EDITOR, OrganisationKind.MUNICIPALITY: Role.MUNICIPALITY_EDITOR}
STEPS = {ImportStatus.READING: "Reading", ImportStatus.COMPARING: "Comparing", ImportStatus.APPLYING: "Writing"}
SHOWN = 20
"""Faults that are printed; all of them are in the file with refused rows."""
LANGUAGE: Language = "en"

FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
ORGANISATION = click.option("--organisation", "slug", required=True, help="The corporation or municipality in whose name it is done, by its slug.")


def import_file(kind: ImportKind, file: Path, slug: str, *, sheet: str | None, mode: ImportMode | None, refused: Path | None, data: Path) -> None:
    """Import a file, or try it out without a ``mode``; exits with 1 when rows or the file are refused."""
    log.configure("WARNING")
    import_id = uuid4()
    with the_database(data), progress_bar() as bar:
        actor = _in_the_name_of(slug)
        run = import_now(actor, import_id, _described(kind, file, sheet), file, mode=mode, tell=_Teller(bar))
        bar.stop()
        _report(run)
        if run.refused:
            _refused(actor, import_id, refused)
    if run.refused or run.status is ImportStatus.FAILED:
        raise SystemExit(1)


def _in_the_name_of(slug: str) -> Actor:
    with reading() as session:
        organisation = organisations.find_by_slug(session, slug)
    if organisation is None or organisation.kind not in ROLES:
        raise click.BadParameter(f"there is no corporation or municipality {slug}", param_hint="--organisation")
    return Actor(UUID(int=0), organisation.id, ROLES[organisation.kind], f"cli-{uuid4()}", organisation.municipality_code)


def _described(kind: ImportKind, file: Path, sheet: str | None) -> NewImport:
    with file.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").digest()
    return NewImport(kind, file.name, "application/octet-stream", file.stat().st_size, sha256, sheet)


class _Teller:
    """Moves a bar of its own for each step."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks = {step: bar.add_task(name, total=None, visible=False) for step, name in STEPS.items()}

    def __call__(self, status: ImportStatus, done: int, total: int) -> None:
        if status in self._tasks:
            self._bar.update(self._tasks[status], completed=done, total=total or None, visible=True)


def _report(run: ImportRun) -> None:
    done = "applied" if run.status is ImportStatus.APPLIED else "tried, nothing was changed" if run.status is ImportStatus.TRIED else run.status.value
    figures = f"{run.created:,} created, {run.changed:,} changed, {run.unchanged:,} unchanged, {run.refused:,} refused"
    click.echo(f"{run.rows_read:,} rows read: {figures} ({done})")
    for each in run.problems:
        click.secho(problem_text(each, LANGUAGE), fg="red", err=True)  # type: ignore[arg-type]
    for column in run.columns:
        if isinstance(column, dict) and column["how"] == "unknown":
            perhaps = f"; did you mean {column['suggestion']}?" if column["suggestion"] else ""
            click.secho(f"Column {column['letter']} ({column['header']}) is not known and was left out{perhaps}", fg="yellow", err=True)


def _refused(actor: Actor, import_id: UUID, path: Path | None) -> None:
    """Print the first faults, and write the refused rows to a file to mend."""
    with reading() as session:
        explainer = Explainer(dict(queries.get(session, actor, import_id)))
        page = queries.faults(session, actor, import_id, limit=SHOWN)
        for fault in page.items:
            told = explainer.explain(dict(fault), fault["cells"])
            click.echo(f"{told.cell}\t{told.texts.en}")
        if page.next is not None:
            click.echo("… and more: write them to a file with --refused FILE")
        if path is not None:
            rows = explainer.refused(queries.refused(session, actor, import_id), LANGUAGE)
            if path.suffix.lower() == ".xlsx":
                xlsx_refused(path, explainer.header, rows, LANGUAGE, sheet="Refused rows")
            else:
                with path.open("wb") as file:
                    file.writelines(csv_refused(explainer.header, rows, LANGUAGE))


def command_of(kind: ImportKind) -> click.Command:
    """`registry import KIND FILE`."""

    @click.command(kind.value, help=f"Read a CSV or XLSX file of {kind.value.replace('-', ' ')} (templates: GET /v1/import-templates/{kind.value}).")
    @FILE
    @ORGANISATION
    @click.option("--sheet", help="The sheet of a workbook; without it the first one that fits.")
    @click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
    @click.option("--per-row", is_flag=True, help="Apply every row that is not refused; without it all rows or none.")
    @click.option("--refused", type=click.Path(path_type=Path, dir_okay=False), help="Write the refused rows to this CSV or XLSX file, with what is wrong.")
    @DATA
    def command(file: Path, slug: str, sheet: str | None, dry_run: bool, per_row: bool, refused: Path | None, data: Path) -> None:
        mode = None if dry_run else ImportMode.PER_ROW if per_row else ImportMode.ALL_OR_NOTHING
        import_file(kind, file, slug, sheet=sheet, mode=mode, refused=refused, data=data)

    return command
