"""What the API's database role may do at all: its tables, columns, functions and other roles, each named here, so that whatever is added fails first."""

import json
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from registry.access import Actor
from registry.db import API_ROLE, counting, reading
from registry.errors import NotAllowed
from registry.tables import metadata
from tests import servers
from tests.owner import as_owner
from tests.registry.test_row_level_security import KEYS
from tests.world import World

READ, ADD, KEEP, PASS_ON = {"SELECT"}, {"SELECT", "INSERT"}, {"SELECT", "INSERT", "UPDATE"}, {"SELECT", "INSERT", "DELETE"}
OPEN = {
    "municipality": KEEP, "focus_area": KEEP, "organisation": KEEP, "scheme": KEEP, "project": KEEP, "definition": READ,
}  # fmt: skip
"""Reference tables: nothing personal, nothing that tells of a dwelling; everyone who is let in reads them."""
WITHOUT_ORGANISATIONS = {"attempt_count": KEEP, "audit_stream": set()}
"""Counts under digests, and the heads of the audit log."""
GUARDED = {
    "dwelling": KEEP, "portfolio_period": KEEP, "trajectory": KEEP, "inspection": KEEP, "photo": KEEP, "answered_request": KEEP, "person": KEEP,
    "membership": KEEP, "registered_label": ADD, "funding_line": ADD, "measure": ADD, "milestone": ADD, "confirmation": ADD, "change": ADD,
    "audit_line": ADD, "credential": {"INSERT"}, "password": set(), "superseded_row": set(),
    "image": READ, "upload": KEEP, "fragment": PASS_ON, "photo_share": {"INSERT"}, "legal_hold": set(), "destruction": READ,
    "checklist": KEEP, "team": KEEP, "team_member": PASS_ON, "hazard": KEEP, "day_order": KEEP, "inspection_revision": ADD, "inspection_edit": ADD,
    "inspection_conflict": KEEP, "review": ADD, "condition_score": ADD, "evidence": ADD, "document": ADD, "report": KEEP, "openrosa_instance": ADD,
    "succession": ADD, "succession_dwelling": ADD, "lineage": READ, "inherited_dwelling": READ,
    "trajectory_track": set(), "street_name": set(), "street_spelling": set(),
    "import_run": ADD, "import_row": READ, "import_outcome": READ, "import_fault": READ, "import_effect": READ, "column_mapping": {*KEEP, "DELETE"},
    "webhook": ADD, "webhook_secret": {"INSERT"}, "webhook_state": KEEP, "webhook_delivery": ADD,
}  # fmt: skip
"""Every other table: row-level security is on and forced, and the API's role has a policy for each thing that it may do."""
ENDS = {
    "funding_line": {"superseded_at"},
    "measure": {"superseded_at", "retraction_reason"},
    "confirmation": {"withdrawn_at", "withdrawn_by", "withdrawal_reason"},
    "registered_label": {"retracted_at", "retracted_by"},
    "document": {"stored_at", "withdrawn_at", "withdrawn_by", "withdrawal_reason"},
    "succession": {"retracted_at", "retracted_by", "retraction_reason"},
}
"""What may be said of a row of a journal after it was written, once."""
BY_COLUMN = {**dict.fromkeys(("credential", "photo_share", "webhook", "webhook_secret", "webhook_delivery", "import_run", *ENDS), KEEP)}
SEES = {
    "holds_dwelling", "sees_row_of_dwelling", "sees_dwelling", "sees_trajectory", "runs_trajectory", "sees_milestone", "sees_inspection", "sees_photo",
    "works_beside", "sees_image", "in_team", "was_assigned", "is_team_of", "document_stands_since",
    "inherits_dwelling", "keeps_dwelling", "keeps_row_of_dwelling", "sees_succession",
}  # fmt: skip
"""They say whether whoever acts sees something, and nothing else about it."""
RUN_AS_OWNER = SEES | {
    "authenticate", "redeem", "local_account", "change_password", "person_by_email", "works_as", "works_elsewhere", "void_access",
    "dwellings_out_of_sight", "keep_image", "images_in_sight", "uploads_to_hand_over", "fragment_bytes", "shared_photo",
    "photo_is_held", "forget_photo_history", "team_members", "adopt_condition_score", "keep_edit_of_former",
    "inspectors_by_email", "teams_by_name", "visits_before", "report_source",
    "refresh_lineage", "keep_lineage_of_added", "keep_lineage_of_retracted", "keep_inherited",
    "withdraw_trajectories", "portfolio_ends_to_undo", "bag_ids_out_of_sight", "undo_dwellings", "dwellings_to_undo",
    "run_on_dwellings", "keep_tracks", "keep_tracks_of_withdrawn", "keep_street_names", "find_dwellings", "find_dwellings_by_street",
    "webhook_backlog", "keep_superseded_row", "stamp_milestone", "stamp_confirmation", "chain_audit_line", "move_audit_head", "procrastinate_defer_jobs_v1",
}  # fmt: skip
"""Functions that do as the owner what the API's role may not do by itself."""
EVERYONE = ("inspector", "reviewer", "corporation", "municipality", "analyst", "auditor", "administrator", "ministry")


@pytest.fixture(scope="module")
def signed_in(engine: sa.Engine) -> Iterator[psycopg.Connection]:
    """Really connected as the API's role, not by SET ROLE."""
    url = servers.as_api(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_every_table_is_open_or_guarded() -> None:
    assert set(metadata.tables) == set(OPEN) | set(WITHOUT_ORGANISATIONS) | set(GUARDED)


@pytest.mark.parametrize("table", GUARDED)
def test_row_level_security_is_on_and_binds_the_owner_too(whole: sa.Connection, table: str) -> None:
    enabled, forced = whole.execute(
        sa.text("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = CAST(:name AS regclass)"), {"name": table}
    ).one()
    assert (enabled, forced) == (True, True)
    policies = whole.scalars(sa.text("SELECT cmd FROM pg_policies WHERE tablename = :name AND :role = ANY(roles)"), {"name": table, "role": API_ROLE}).all()
    assert sorted(policies) == sorted(GUARDED[table] | BY_COLUMN.get(table, set()))


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_the_api_may_do_with_a_table_what_is_written_here_and_nothing_else(whole: sa.Connection, table: str) -> None:
    kinds = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
    held = {kind for kind in kinds if whole.scalar(sa.text("SELECT has_table_privilege(:role, :name, :kind)"), {"role": API_ROLE, "name": table, "kind": kind})}
    assert held == (OPEN | WITHOUT_ORGANISATIONS | GUARDED)[table]


def test_of_a_credential_the_digest_is_never_read_and_only_name_and_end_are_written(whole: sa.Connection) -> None:
    columns = [column.name for column in metadata.tables["credential"].columns]
    query = sa.text("SELECT has_column_privilege(:role, 'credential', :name, :kind)")
    may = {kind: {name for name in columns if whole.scalar(query, {"role": API_ROLE, "name": name, "kind": kind})} for kind in ("SELECT", "UPDATE")}
    assert may == {"SELECT": set(columns) - {"digest"}, "UPDATE": {"name", "revoked_at"}}


def test_of_a_share_the_digest_is_never_read_and_only_its_end_is_written(whole: sa.Connection) -> None:
    columns = [column.name for column in metadata.tables["photo_share"].columns]
    query = sa.text("SELECT has_column_privilege(:role, 'photo_share', :name, :kind)")
    may = {kind: {name for name in columns if whole.scalar(query, {"role": API_ROLE, "name": name, "kind": kind})} for kind in ("SELECT", "UPDATE")}
    assert may == {"SELECT": set(columns) - {"digest"}, "UPDATE": {"revoked_at"}}


@pytest.mark.parametrize(("table", "ends"), ENDS.items())
def test_of_a_row_that_may_end_only_its_end_is_written(whole: sa.Connection, table: str, ends: set[str]) -> None:
    query = sa.text("SELECT has_column_privilege(:role, :table, :name, 'UPDATE')")
    columns = [column.name for column in metadata.tables[table].columns]
    assert {name for name in columns if whole.scalar(query, {"role": API_ROLE, "table": table, "name": name})} == ends


def test_of_a_webhook_the_secret_is_never_read_and_only_its_end_is_written(whole: sa.Connection) -> None:
    columns = [column.name for column in metadata.tables["webhook_secret"].columns]
    query = sa.text("SELECT has_column_privilege(:role, 'webhook_secret', :name, :kind)")
    may = {kind: {name for name in columns if whole.scalar(query, {"role": API_ROLE, "name": name, "kind": kind})} for kind in ("SELECT", "UPDATE")}
    assert may == {"SELECT": set(columns) - {"secret"}, "UPDATE": {"expires_at"}}


def test_functions_that_run_as_their_owner_are_few_and_find_no_table_of_somebody_else(whole: sa.Connection) -> None:
    rows = whole.execute(
        sa.text("SELECT proname, array_to_string(proconfig, ' ') FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace")
    ).all()
    assert {name for name, _ in rows} == RUN_AS_OWNER
    assert [name for name, settings in rows if not settings.endswith("pg_temp")] == []


def test_the_api_is_no_other_role_except_the_one_that_counts(signed_in: psycopg.Connection) -> None:
    query = "SELECT rolname FROM pg_roles WHERE rolname <> current_user AND pg_has_role(oid, 'MEMBER') ORDER BY 1"
    assert [name for (name,) in signed_in.execute(query)] == ["pg_read_all_stats", "registry_counter"]
    assert signed_in.execute(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication FROM pg_roles WHERE rolname = current_user"
    ).fetchone() == (False,)


FORBIDDEN = [
    "SET ROLE registry", "SET ROLE registry_worker", "SET SESSION AUTHORIZATION registry", "RESET SESSION AUTHORIZATION; SET ROLE registry",
    "ALTER POLICY api_select ON dwelling USING (true)", "DROP POLICY api_select ON dwelling", "CREATE POLICY mine ON dwelling USING (true)",
    "ALTER TABLE dwelling DISABLE ROW LEVEL SECURITY", "ALTER TABLE dwelling NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE dwelling OWNER TO registry_api", "SET row_security = off; SELECT count(*) FROM dwelling", "ALTER ROLE registry_api BYPASSRLS",
    "ALTER ROLE registry_api SUPERUSER", "CREATE ROLE mine SUPERUSER", "GRANT registry_worker TO registry_api",
    "GRANT SELECT ON password TO registry_api", "SELECT digest FROM credential", "SELECT * FROM credential", "SELECT hash FROM password",
    "SELECT digest FROM photo_share", "SELECT * FROM superseded_row", "SELECT * FROM audit_stream", "CREATE TABLE public.mine (a int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION acting_role() RETURNS text LANGUAGE sql AS $$ SELECT 'ministry-auditor' $$",
    "DROP TRIGGER audit_line_is_append_only ON audit_line", "SET session_replication_role = replica", "COPY dwelling TO PROGRAM 'cat'",
    "COPY dwelling FROM '/etc/passwd'", "SELECT pg_read_file('/etc/passwd')", "SELECT lo_import('/etc/passwd')", "SELECT * FROM pg_authid",
    "SELECT * FROM procrastinate_jobs", "SELECT * FROM procrastinate_fetch_job_v2(NULL, 1)",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'registry'", "ALTER SYSTEM SET row_security = off",
    "CREATE EXTENSION dblink", "UPDATE audit_line SET role = 'x'", "UPDATE credential SET person_id = gen_random_uuid()",
    "LOCK TABLE password; SELECT 1", "ALTER FUNCTION sees_dwelling(uuid) OWNER TO registry_api",
]  # fmt: skip


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_api_can_not_lift_what_holds_it_back(signed_in: psycopg.Connection, statement: str) -> None:
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedFunction)):
        signed_in.execute(statement)
    assert signed_in.execute("SELECT current_user, session_user").fetchone() == (API_ROLE, API_ROLE)


@pytest.mark.parametrize("table", sorted(metadata.tables))
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}"])
def test_the_api_deletes_nothing_but_fragments_of_uploads_and_who_is_in_a_team(signed_in: psycopg.Connection, table: str, statement: str) -> None:
    if table in ("fragment", "team_member", "column_mapping") and statement == "DELETE FROM {}":  # who was in it when stands in the audit log
        assert signed_in.execute(f"DELETE FROM {table}").rowcount == 0
        return
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        signed_in.execute(statement.format(table))


def test_nobody_finds_a_person_by_her_address_except_an_administrator(signed_in: psycopg.Connection) -> None:
    """The function has a way for the command line, which must not be open to the API."""
    assert signed_in.execute("SELECT session_user = 'registry_api', person_by_email('x@example.nl')").fetchone() == (True, None)
    assert signed_in.execute("SELECT count(*) FROM person").fetchone() == (0,)


MAY_INSERT = {("change", column) for column in EVERYONE} | {("person", "administrator"), ("person", "ministry"), ("membership", "ministry")}
"""Announcing what changed; taking on a person, and for the ministry's administrator a member anywhere."""
MAY_UPDATE = {("membership", "ministry"), ("credential", "ministry")}


@pytest.mark.parametrize("column", EVERYONE)
@pytest.mark.parametrize("table", [table for table in KEYS if "INSERT" in GUARDED[table]])
def test_a_row_of_the_other_side_can_not_be_written(world: World, whole: sa.Connection, table: str, column: str) -> None:
    """Straight into the table: the copy of a foreign row as a new one, and each of its columns set to what it is."""
    row = foreign_row(world, table)
    actor = replace(world.near.people[column].actor, reason="a test")
    assert written(whole, actor, insert_of(table, row), row | FRESH.get(table, {})) == (1 if (table, column) in MAY_INSERT else None)
    if "UPDATE" in (GUARDED[table] | BY_COLUMN.get(table, set())):
        assert written(whole, actor, update_of(table), row) == (1 if (table, column) in MAY_UPDATE else 0)


def insert_of(table: str, row: dict[str, object]) -> str:
    names = [name for name in row if name not in ("id", "stream", "sequence")]
    return f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(names)} FROM jsonb_populate_record(NULL::{table}, CAST(:row AS jsonb))"


def update_of(table: str) -> str:
    named = {"answered_request": "body", "credential": "name", "photo_share": "revoked_at", "day_order": "day"} | {name: min(ENDS[name]) for name in ENDS}
    named |= {"webhook_secret": "expires_at", "webhook_state": "failures", "webhook_delivery": "status", "import_run": "done"}
    key, column = KEYS[table], named.get(table, "version")
    return f"UPDATE {table} SET {column} = {column} WHERE {key}::text = CAST(:row AS jsonb) ->> '{key}'"


def foreign_row(world: World, table: str) -> dict[str, object]:
    """A row that has to do with the far side."""
    known = {str(value) for things in (world.far.things, *world.far.belongings.values()) for value in things.values()} | {
        str(each.person_id) for each in world.far.people.values()
    }
    with as_owner() as session:
        rows = session.scalars(sa.text(f"SELECT to_jsonb(each) FROM {table} AS each")).all()
    fitting = [row for row in rows if known & {str(value) for value in row.values()}]
    assert fitting, table
    return dict(fitting[-1])


FRESH = {"person": {"email": "fresh@example.nl"}, "membership": {"valid_from": "2000-01-01", "valid_until": "2000-01-02"}}
"""What keeps the copy of a row from breaking a constraint, so that only a policy refuses it."""


def written(whole: sa.Connection, actor: Actor, statement: str, row: dict[str, object]) -> int | None:
    """How many rows, or None when it is refused; undone at once, and with it the claims."""
    savepoint = whole.begin_nested()
    try:
        with reading(actor) as session:
            return int(session.execute(sa.text(statement), {"row": json.dumps(row)}).rowcount)  # type: ignore[attr-defined]
    except NotAllowed:
        return None
    finally:
        savepoint.rollback()


HIDDEN_FROM_COUNTING = [
    "postcode FROM dwelling", "street FROM dwelling", "bag_id FROM dwelling", "longitude FROM dwelling", "note FROM milestone",
    "evidence FROM milestone", "recorded_by FROM milestone", "amount_eur FROM funding_line", "note FROM confirmation",
    "recorded_by FROM confirmation", "* FROM person", "* FROM membership", "* FROM credential", "* FROM inspection", "* FROM photo",
    "* FROM measure", "* FROM document", "* FROM registered_label", "* FROM portfolio_period", "note FROM succession",
    "former_bag_id FROM succession", "* FROM lineage", "* FROM inherited_dwelling", "* FROM change", "* FROM audit_line", "* FROM answered_request",
    "* FROM password", "* FROM superseded_row", "authenticate('x', NULL)", "local_account('x')", "redeem('x', 'set-up')",
]  # fmt: skip


@pytest.mark.parametrize("what", HIDDEN_FROM_COUNTING)
def test_who_counts_reads_no_address_note_evidence_or_person(world: World, whole: sa.Connection, what: str) -> None:
    savepoint = whole.begin_nested()
    with pytest.raises(NotAllowed), counting(world.near.people["analyst"].actor) as session:
        session.execute(sa.text(f"SELECT {what}"))
    savepoint.rollback()
