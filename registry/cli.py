"""The command line: `registry up` runs everything on one machine; the other commands do one thing."""

from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import click
from sqlalchemy.orm import Session

from registry import clock, log, migrations, storage
from registry.access import Role
from registry.audit.rules import Seal, read_seal
from registry.audit.verify import Verdict, verify
from registry.checklists import commands as checklists
from registry.checklists_cli import checklists as checklists_
from registry.console import DATA, caller, database_url, progress_bar, say, the_database
from registry.db import database, reading, transaction
from registry.embedded.folder import default_folder
from registry.errors import RegistryError
from registry.exports_cli import export
from registry.imports.bag.model import Progress as BagProgress
from registry.imports.bag.report import report_lines
from registry.imports.commands import import_bag
from registry.imports.model import ImportKind
from registry.imports_cli import command_of
from registry.installation import Installation
from registry.members import commands as members
from registry.members import queries
from registry.members.credentials import Secret
from registry.members.rules import NewMember
from registry.organisations import queries as organisations
from registry.pages import LARGEST_PAGE
from registry.photos_cli import photos
from registry.proxy_check import PAUSE_S, CheckFailed, time_body
from registry.scores_cli import scores
from registry.settings import SettingsError, settings
from registry.supervision import StartError
from registry.values import rfc3339

PORT = click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Where the API listens; the next free one when it is taken.")


def main() -> None:
    """What can't be done is said in one line, not in a traceback."""
    try:
        registry(standalone_mode=True)
    except (CheckFailed, RegistryError, SettingsError, StartError) as error:
        cause = f" ({str(error.__cause__).strip().partition(chr(10))[0]})" if error.__cause__ else ""
        click.secho(f"registry: {error}{cause}", fg="red", err=True)
        raise SystemExit(1) from error


@click.group()
@click.version_option(package_name="dwelling-registry")
def registry() -> None:
    """The register of poorly maintained private dwellings."""


registry.add_command(photos)
registry.add_command(checklists_)
registry.add_command(scores)
registry.add_command(export)


@registry.command()
@DATA
@PORT
@click.option("--admin-email", default="beheerder@localhost", show_default=True, help="Of the administrator that the first start makes.")
def up(data: Path, port: int, admin_email: str) -> None:
    """Run the register on this machine: database, object store, API and worker, until Ctrl-C.

    With REGISTRY_DATABASE_URL or REGISTRY_S3_ENDPOINT set, those are used instead of the embedded ones.
    """
    raise SystemExit(Installation(default_folder(data), port, say=click.echo, admin_email=admin_email).run())


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
    with database_url(data) as url:
        migrations.upgrade(url)
        to_grant = migrations.still_to_grant(url)
    click.echo("The database is up to date.")
    if to_grant is not None:
        click.echo(f"Before the API serves, a superuser must say: {to_grant}")


@registry.command()
def worker() -> None:
    """Run the jobs that changes leave behind (REGISTRY_* settings from the environment)."""
    from registry import worker as running

    log.configure(settings().log_level)
    running.run(settings())


@registry.command("check-proxy")
@click.argument("url")
@click.option("--token", envvar="REGISTRY_TOKEN", required=True, help="Of anybody who may sign in; better in REGISTRY_TOKEN than on the command line.")
def check_proxy(url: str, token: str) -> None:
    """See whether what stands before the register at URL passes uploads on as they come. Exits with 1 when it keeps them back."""
    timing = time_body(url, token)
    seen = f"first byte after {timing.first_byte_ms} ms, last byte after {timing.last_byte_ms} ms, sent {PAUSE_S:g} s apart"
    if not timing.passed_on:
        click.secho(f"Kept back: {seen}. Uploads that break off will lose all they brought: with nginx, set proxy_request_buffering off.", fg="red", err=True)
        raise SystemExit(1)
    click.echo(f"Passed on: {seen}.")


@registry.group("import")
def import_() -> None:
    """Read data of other parties into the register."""


@import_.command("bag")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@DATA
def bag(file: Path, data: Path) -> None:
    """Read the dwellings of a BAG 2.0 extract, exactly as Kadaster delivers it (the outermost zip file)."""
    with the_database(data), progress_bar() as bar:
        task = bar.add_task("Reading", total=None)

        def progress(at: BagProgress) -> None:
            bar.update(
                task, description={"read": "Reading", "join": "Joining", "apply": "Writing"}[at.stage], completed=at.done_bytes, total=at.total_bytes or None
            )

        report = import_bag(caller(), file, progress=progress)
    for line in report_lines(report):
        click.echo(line)


for kind in (ImportKind.DWELLINGS, ImportKind.PORTFOLIO, ImportKind.MILESTONES, ImportKind.ENERGY_LABELS):
    import_.add_command(command_of(kind))


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
    with database_url(data) as url:
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
    with reading() as session, progress_bar() as bar:
        task = bar.add_task("Checking", total=None)
        return verify(session, report=partial(say, bar), progress=lambda done, total: bar.update(task, completed=done, total=total), against=earlier)


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
        checklists.publish_shipped(session, caller())


@registry.group()
def admin() -> None:
    """Administrators of the ministry, who let everybody else in."""


URL = click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where the register is reached; for the link.")


@admin.command("create")
@click.option("--email", required=True)
@click.option("--name", required=True)
@URL
@DATA
def create_admin(email: str, name: str, url: str, data: Path) -> None:
    """Make an administrator of the ministry, and a one-time link with which she sets up her account."""
    with the_database(data), transaction() as session:
        member = members.take_on_ministry_administrator(session, caller(), email=email, name=name)
        secret = members.invite(session, caller(), member.id)
    _say_link(url, secret)


@registry.group("members")
def members_() -> None:
    """Who works for which organisation, in which role."""


@members_.command("list")
@click.option("--organisation", help="Slug; all when left out.")
@DATA
def list_members(organisation: str | None, data: Path) -> None:
    """One line for each membership: id, organisation, role, period, e-mail address, name."""
    with the_database(data), reading() as session:
        organisation_id = _organisation_id(session, organisation) if organisation else None
        after = None
        while True:
            page = queries.list_(session, caller(), role=None, organisation_id=organisation_id, after=after, limit=LARGEST_PAGE)
            slugs = organisations.slugs(session, {member.organisation_id for member in page.items})
            for member in page.items:
                period = f"{member.valid_from}–{member.valid_until or ''}"
                click.echo("\t".join([str(member.id), slugs[member.organisation_id], member.role.value, period, member.email, member.name]))
            if page.next is None:
                return
            after = UUID(page.next)


@members_.command("add")
@click.option("--organisation", required=True, help="Slug.")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--from", "valid_from", type=click.DateTime(["%Y-%m-%d"]), help="Today when left out.")
@click.option("--until", "valid_until", type=click.DateTime(["%Y-%m-%d"]), help="The day after the last one.")
@URL
@DATA
def add_member(organisation: str, role: str, email: str, name: str, valid_from: datetime | None, valid_until: datetime | None, url: str, data: Path) -> None:
    """Make somebody a member; one who is new to the register gets a one-time set-up link."""
    begins, ends = valid_from.date() if valid_from else clock.today(), valid_until.date() if valid_until else None
    with the_database(data), transaction() as session:
        wanted = NewMember(email, name, Role(role), begins, ends, _organisation_id(session, organisation))
        known = queries.person_with(session, email) is not None
        member = members.take_on(session, caller(), wanted)
        secret = None if known else members.invite(session, caller(), member.id)
    click.echo(f"Member {member.id}")
    if secret is not None:
        _say_link(url, secret)


@members_.command("invite")
@click.argument("member_id", type=click.UUID)
@URL
@DATA
def invite_member(member_id: UUID, url: str, data: Path) -> None:
    """A new one-time set-up link for a member who lost hers or forgot her password."""
    with the_database(data), transaction() as session:
        secret = members.invite(session, caller(), member_id)
    _say_link(url, secret)


@members_.command("end")
@click.argument("member_id", type=click.UUID)
@click.option("--on", "last_day", type=click.DateTime(["%Y-%m-%d"]), help="The first day without access; today when left out.")
@DATA
def end_member(member_id: UUID, last_day: datetime | None, data: Path) -> None:
    """End a membership: from that day on it lets nobody in."""
    with the_database(data), transaction() as session:
        member = queries.get(session, caller(), member_id)
        until = last_day.date() if last_day else clock.today()
        members.amend(session, caller(), member_id, valid_from=min(member.valid_from, until), valid_until=until, expected=member.version)
    click.echo(f"Ended on {until}.")


def _say_link(url: str, secret: Secret) -> None:
    click.echo(f"To be opened once, within a week: {url.rstrip('/')}/set-up#{secret.text}")


def _organisation_id(session: Session, slug: str) -> UUID:
    found = organisations.find_by_slug(session, slug)
    if found is None:
        raise click.BadParameter(f"there is no organisation {slug}", param_hint="--organisation")
    return found.id


if __name__ == "__main__":
    main()
