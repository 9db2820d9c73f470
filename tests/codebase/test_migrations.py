"""The database that the migrations make is the one the code speaks of."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.orm import Session

from registry import migrations
from registry.db import sqlalchemy_url
from registry.tables import metadata
from tests import makers, servers

CONSTRAINTS = sa.text(
    """
    SELECT conrelid::regclass::text AS of_table, conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND conrelid::regclass::text NOT LIKE 'procrastinate%'
      AND conrelid::regclass::text <> 'alembic_version' ORDER BY 1, 2
    """
)
INDEXES = sa.text(
    """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename NOT LIKE 'procrastinate%' AND tablename <> 'alembic_version' ORDER BY 1, 2
    """
)


@pytest.fixture
def empty_database(engine: sa.Engine) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield servers.at(str(engine.url.render_as_string(hide_password=False)).replace("+psycopg", ""), name)
    servers.drop_database(name)


def rows(url: str, query: sa.TextClause) -> list[tuple[object, ...]]:
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_there_is_one_head() -> None:
    assert len(migrations.heads()) == 1


def test_upgrade_downgrade_upgrade_leaves_the_same_database(empty_database: str) -> None:
    migrations.upgrade(empty_database)
    before = rows(empty_database, CONSTRAINTS), rows(empty_database, INDEXES)
    migrations.downgrade(empty_database, "base")
    left = rows(empty_database, sa.text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"))
    assert [name for (name,) in left] == ["alembic_version"]
    assert rows(empty_database, sa.text("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace")) == []
    migrations.upgrade(empty_database)
    assert (rows(empty_database, CONSTRAINTS), rows(empty_database, INDEXES)) == before


def test_every_step_can_be_taken_back(empty_database: str) -> None:
    for revision in (f"{number:04}" for number in range(1, 20)):
        migrations.upgrade(empty_database, revision)
        migrations.downgrade(empty_database, "-1")
        migrations.upgrade(empty_database, revision)


def test_columns_and_tables_of_the_code_are_those_of_the_database(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        migrations.differences(connection)


def test_constraints_and_indexes_of_the_code_are_those_of_the_migrations(engine: sa.Engine, empty_database: str) -> None:
    """`alembic check` does not see CHECK constraints, so they are compared as PostgreSQL writes them."""
    migrations.upgrade(empty_database, "0001")
    made = sa.create_engine(sqlalchemy_url(empty_database), poolclass=sa.NullPool)
    with made.begin() as connection:
        for extension in ("btree_gist", "pg_trgm"):
            connection.execute(sa.text(f"CREATE EXTENSION {extension}"))
        metadata.create_all(connection)
    migrated = str(engine.url.render_as_string(hide_password=False)).replace("+psycopg", "")
    assert rows(empty_database, CONSTRAINTS) == rows(migrated, CONSTRAINTS)
    assert len(rows(migrated, CONSTRAINTS)) > 100
    assert rows(empty_database, INDEXES) == rows(migrated, INDEXES)


@pytest.fixture
def keepers_database(empty_database: str) -> Iterator[str]:
    """An empty database whose owner is no superuser, as on a managed server."""
    name = f"keeper_{uuid4().hex[:8]}"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'k'").format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(connection.info.dbname), sql.Identifier(name)))
    yield sa.make_url(empty_database).set(username=name, password="k").render_as_string(hide_password=False)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO CURRENT_USER").format(sql.Identifier(connection.info.dbname)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_an_owner_who_is_no_superuser_migrates_and_works_under_forced_row_level_security(keepers_database: str) -> None:
    migrations.upgrade(keepers_database)
    keeper = sa.make_url(keepers_database).username
    # The role of the API was made for another database of this server, so this owner may not give it to herself.
    assert migrations.still_to_grant(keepers_database) == f"GRANT registry_api TO {keeper} WITH INHERIT FALSE, SET TRUE;"
    engine = sa.create_engine(sqlalchemy_url(keepers_database), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        makers.everybody(session)
        makers.a_dwelling(session)
    assert rows(keepers_database, sa.text("SELECT count(*) FROM dwelling")) == [(1,)]
    assert rows(keepers_database, sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")) == [(False,)]
    migrations.downgrade(keepers_database, "base")


BEFORE_INSPECTORS_WORK = """
INSERT INTO municipality (code, name, province) VALUES ('GM0917', 'Heerlen', 'Limburg');
INSERT INTO organisation (id, slug, name, kind) VALUES (:body, 'bureau', 'Bureau', 'inspection-body');
INSERT INTO dwelling (id, municipality_code, source) VALUES (:dwelling, 'GM0917', 'api');
INSERT INTO checklist (id, key, edition, content, digest) VALUES (:checklist, 'baseline', 1, '{}', sha256('x'));
INSERT INTO inspection (id, dwelling_id, checklist_id, occasion, organisation_id, assignee_id, planned_by)
    VALUES (:planned, :dwelling, :checklist, 'baseline', :body, :ann, :ann);
INSERT INTO inspection
    (id, dwelling_id, checklist_id, occasion, organisation_id, assignee_id, planned_by, status, visit_outcome, answers, submitted_at, submitted_by)
    VALUES (:submitted, :dwelling, :checklist, 'baseline', :body, :ann, :ann, 'submitted', 'done', '{"mould": "none"}', now(), :ann);
INSERT INTO change (kind, subject_id, municipality_code, organisation_id) VALUES ('inspection', :planned, 'GM0917', :body);
"""


def test_what_was_there_before_the_work_of_inspectors_goes_along_and_back(empty_database: str) -> None:
    """Also back when there is a draft, work that was returned or withdrawn, and what is approved."""
    migrations.upgrade(empty_database, "0012")
    ids = {name: str(uuid4()) for name in ("body", "dwelling", "checklist", "planned", "submitted", "ann", "returned", "withdrawn")}
    engine = sa.create_engine(sqlalchemy_url(empty_database), poolclass=sa.NullPool)

    def run(statements: str) -> None:
        with engine.begin() as connection:
            for statement in filter(str.strip, statements.split(";\n")):
                connection.execute(sa.text(statement), ids)

    run(BEFORE_INSPECTORS_WORK)
    migrations.upgrade(empty_database)
    kept = "SELECT inspection_id::text, revision, answers ->> 'mould', submitted_by::text FROM inspection_revision"
    assert rows(empty_database, sa.text(kept)) == [(ids["submitted"], 1, "none", ids["ann"])]
    told = rows(empty_database, sa.text("SELECT kind, subject_id::text FROM change WHERE personal ORDER BY 1, 2"))
    assert told == [("dwelling", ids["dwelling"]), *sorted(("inspection", ids[name]) for name in ("planned", "submitted"))]
    run(
        """
        INSERT INTO checklist (key, edition, content, digest, status, published_at) VALUES ('draft', 1, '{}', sha256('y'), 'draft', NULL);
        UPDATE inspection SET status = 'approved' WHERE id = :submitted;
        INSERT INTO inspection (id, dwelling_id, checklist_id, occasion, organisation_id, planned_by, status, revision, previous_id)
            VALUES (:returned, :dwelling, :checklist, 'baseline', :body, :ann, 'returned', 2, :submitted);
        INSERT INTO inspection (id, dwelling_id, checklist_id, occasion, organisation_id, planned_by, status, withdrawal_reason)
            VALUES (:withdrawn, :dwelling, :checklist, 'baseline', :body, :ann, 'withdrawn', 'x');
        """
    )
    migrations.downgrade(empty_database, "0012")
    statuses = rows(empty_database, sa.text("SELECT id::text, status FROM inspection"))
    assert dict(statuses) == {ids["planned"]: "planned", ids["submitted"]: "submitted", ids["returned"]: "planned", ids["withdrawn"]: "planned"}
    assert rows(empty_database, sa.text("SELECT key FROM checklist")) == [("baseline",)]
    migrations.upgrade(empty_database)
