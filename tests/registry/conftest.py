"""One world for all tests of a module that only look at it, or that undo what they do."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from api.app import build
from tests.conftest import rolled_back
from tests.owner import as_owner
from tests.world import World, a_world


@pytest.fixture(scope="module")
def whole(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection whose transaction is rolled back after the last test of the module; it may do everything."""
    with rolled_back(engine) as connection:
        yield connection


@pytest.fixture(scope="module")
def world(whole: sa.Connection) -> World:
    with as_owner() as session:
        return a_world(session, build().test_client())
