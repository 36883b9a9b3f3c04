from collections.abc import Iterator

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock
from server.labour import operator
from tests.engagements.filling import DAY, Firm, make_firm


@pytest.fixture(scope="module")
async def firm(database: BaseDBAsyncClient) -> Firm:
    """An enterprise that seeks hands in all tests of a module."""
    assert database
    return await make_firm()


@pytest.fixture
def qualified() -> Iterator[None]:
    """The operator may publish, however far a test moves the clock."""
    operator.use(clock.today() + 4000 * DAY)
    yield
    operator.use(None)
