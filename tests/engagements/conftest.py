import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from tests.engagements.filling import Firm, make_firm


@pytest.fixture(scope="module")
async def firm(database: BaseDBAsyncClient) -> Firm:
    """An enterprise that seeks hands in all tests of a module."""
    assert database
    return await make_firm()
