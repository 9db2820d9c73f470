"""The command line about checklists: check, publish and retire them, and make them out of XLSForms."""

import json
from pathlib import Path
from uuid import UUID

import click

from registry.checklists import commands, queries
from registry.checklists.json_schema import schema
from registry.checklists.lint import Linted, Weight, lint
from registry.checklists.model import ChecklistStatus
from registry.console import DATA, caller, the_database
from registry.db import reading, transaction
from registry.errors import RegistryError
from registry.messages import DEFAULT_LANGUAGE, Language
from registry.pages import LARGEST_PAGE
from registry.values import rfc3339

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
LANGUAGE = click.option("--language", type=click.Choice(["nl", "en"]), default=DEFAULT_LANGUAGE, show_default=True, help="Of what is said.")


@click.group()
def checklists() -> None:
    """Checklists: check, publish, retire, import."""


@checklists.command("list")
@click.option("--key", help="Only the editions of this checklist.")
@click.option("--status", type=click.Choice([status.value for status in ChecklistStatus]), help="Only these.")
@DATA
def list_(key: str | None, status: str | None, data: Path) -> None:
    """One line for each edition: id, key, edition, status, since when, Dutch title."""
    wanted = ChecklistStatus(status) if status else None
    with the_database(data), reading() as session:
        after = None
        while True:
            page = queries.list_(session, caller(), key=key, status=wanted, after=after, limit=LARGEST_PAGE)
            for each in page.items:
                title = each.content.get("title")
                words = [str(each.id), each.key, str(each.edition), each.status.value, rfc3339(each.recorded_at)]
                click.echo("\t".join([*words, str(title.get("nl", "")) if isinstance(title, dict) else ""]))
            if page.next is None:
                return
            after = UUID(page.next)


@checklists.command()
@click.argument("files", type=FILE, nargs=-1, required=True)
@LANGUAGE
def check(files: tuple[Path, ...], language: Language) -> None:
    """Say everything that is wrong with the YAML of checklists, as FILE:LINE:COLUMN. Exits with 1 when one can't be published."""
    linted = [(file, lint(_text_of(file))) for file in files]
    for file, found in linted:
        _say(file, found, language)
    if any(found.faults for _, found in linted):
        raise SystemExit(1)


@checklists.command()
@click.argument("file", type=FILE)
@LANGUAGE
@DATA
def publish(file: Path, language: Language, data: Path) -> None:
    """Publish the checklist in FILE: from then on that edition is frozen. The same content again changes nothing."""
    found = lint(_text_of(file))
    _say(file, found, language)
    if found.faults or not isinstance(found.content, dict):
        raise SystemExit(1)
    content = found.content
    with the_database(data):
        try:
            with transaction() as session:
                outcome = commands.publish(session, caller(), content)
        except RegistryError as error:
            for fault in error.faults:
                click.echo(f"{file}: {fault.text(language)} [{fault.code}]", err=True)
            raise
    click.echo(f"{content['key']} edition {content['edition']}: {outcome.value}")


@checklists.command()
@click.argument("key")
@click.argument("edition", type=click.IntRange(min=1))
@DATA
def retire(key: str, edition: int, data: Path) -> None:
    """Take an edition out of use: no new inspection is planned with it, and what was made with it stays good."""
    with the_database(data), transaction() as session:
        checklist = queries.find(session, caller(), key, edition)
        if checklist is None:
            raise click.BadParameter(f"there is no checklist {key} edition {edition}", param_hint="KEY EDITION")
        commands.retire(session, caller(), checklist.id, expected=checklist.version)
    click.echo(f"{key} edition {edition}: retired")


@checklists.command("schema")
def schema_() -> None:
    """The JSON Schema of a checklist, for editors."""
    click.echo(schema_text(), nl=False)


def schema_text() -> str:
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


@checklists.command("import-xlsform")
@click.argument("file", type=FILE)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Where the YAML goes; a new file. Standard output when left out.")
@LANGUAGE
def import_xlsform(file: Path, output: Path | None, language: Language) -> None:
    """Make the YAML of a checklist out of an XLSForm; what a checklist can't express is said on standard error."""
    from registry.checklists.xlsform.convert import convert

    if output is not None and output.exists():
        raise click.BadParameter(f"{output} exists; nothing is written over.", param_hint="--output")
    try:
        converted = convert(file.read_bytes())
    except RegistryError as error:
        click.echo("\n".join(f"{file}: {fault.text(language)} [{fault.code}]" for fault in error.faults), err=True)
        raise
    for each in converted.unsupported:
        place = ":".join(str(part) for part in (each.sheet, each.row, each.column) if part is not None)
        click.echo(f"{file}:{place}: {each.what}: {each.text(language)} [{each.code}]", err=True)
    click.echo(f"{len(converted.unsupported)} remark(s)", err=True)
    if output is None:
        click.echo(converted.yaml, nl=False)
    else:
        output.write_text(converted.yaml, encoding="utf-8")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file} is not UTF-8", param_hint="FILE") from error


def _say(file: Path, linted: Linted, language: Language) -> None:
    for found in linted.findings:
        mark = "" if found.weight is Weight.FAULT else f"{found.weight.value}: "
        click.echo(f"{file}:{found.place.line}:{found.place.column}: {mark}{found.fault.text(language)} [{found.fault.code}]")
