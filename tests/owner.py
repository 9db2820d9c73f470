"""The database as its owner sees it: whole."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from registry.db import database


@contextmanager
def as_owner() -> Iterator[Session]:
    """A transaction that row-level security does not limit, beside those of the API."""
    with Session(database.bind, expire_on_commit=False, join_transaction_mode="create_savepoint") as session, session.begin():
        yield session
