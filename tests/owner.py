"""The database as its owner sees it: whole."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from registry.db import database, sqlalchemy_url
from tests import makers


def let_everybody_in(url: str) -> None:
    """Make `makers.everybody` in the database at ``url``, for a server in another process."""
    engine = sa.create_engine(sqlalchemy_url(url), poolclass=sa.NullPool)
    with Session(engine) as session, session.begin():
        makers.everybody(session)


@contextmanager
def as_owner() -> Iterator[Session]:
    """A transaction that row-level security does not limit, beside those of the API."""
    with Session(database.bind, expire_on_commit=False, join_transaction_mode="create_savepoint") as session, session.begin():
        yield session
