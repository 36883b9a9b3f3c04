"""A database of its own for each test of the audit: most break what they are given."""

from collections.abc import AsyncIterator

import pytest

from server import db
from server.kernel import audit_chain
from tests.harness.auditing import note

NUMBER = 12


@pytest.fixture
async def url(own_url: str) -> AsyncIterator[str]:
    """The same, open in this process."""
    async with db.opened(own_url, everywhere=True):
        yield own_url


@pytest.fixture
async def trail(url: str) -> str:
    """The same, with twelve sealed entries."""
    await note(*range(1, NUMBER + 1))
    assert await audit_chain.seal() == NUMBER
    return url
