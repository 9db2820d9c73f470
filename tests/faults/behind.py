"""What stands behind the API, as whoever owns it sees it: the database, the object store, the memory of its processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import boto3
import psutil
import psycopg
import sqlalchemy as sa
from botocore.config import Config
from sqlalchemy.orm import Session

from registry.access import Role
from registry.checklists.model import Checklist
from registry.db import sqlalchemy_url
from registry.embedded.object_store import ObjectStoreAddress
from registry.organisations.model import OrganisationKind
from tests import makers

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BUCKET = "registry"


def objects_of(address: ObjectStoreAddress) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=address.endpoint,
        aws_access_key_id=address.access_key,
        aws_secret_access_key=address.secret_key,
        region_name="eu-central-1",
        config=Config(s3={"addressing_style": "path"}),
    )


@contextmanager
def as_owner_of(url: str) -> Iterator[Session]:
    """A transaction on the database of a server in another process."""
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        yield session


def inspectors(url: str, count: int) -> list[tuple[str, str]]:
    """Token and inspection of so many new inspectors of one inspection body."""
    with as_owner_of(url) as session:
        body = makers.an_organisation(session, kind=OrganisationKind.INSPECTION_BODY)
        checklist = session.scalar(sa.select(Checklist).where(Checklist.key == "baseline").limit(1)) or makers.a_checklist(session)
        members = [makers.a_member(session, Role.INSPECTOR, body) for _ in range(count)]
        return [(token, str(makers.an_inspection(session, actor, checklist_id=checklist.id).id)) for actor, token in members]


def count(url: str, query: str, *values: object) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(query, values).fetchone()
    assert row
    return int(row[0])


def kept_bytes(url: str, path: str) -> bytes:
    """What the fragments of an upload hold together."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT content FROM fragment WHERE upload_id = %s ORDER BY offset_bytes", [path.rpartition("/")[2]]).fetchall()
    return b"".join(content for (content,) in rows)


def upload_column(url: str, path: str, column: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT {column} FROM upload WHERE id = %s", [UUID(path.rpartition("/")[2])]).fetchone()
    assert row
    return row[0]


def memory_mb(process: psutil.Process) -> float:
    """Resident, of one process."""
    return float(process.memory_info().rss) / 1024**2
