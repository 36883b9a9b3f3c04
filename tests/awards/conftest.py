"""Who tests of awards have to do with: a school and a college for each module, a world of deciders for each test."""

import pytest

from server.organisations.models import Organisation
from tests.awards.deciding import World, world
from tests.harness.awarding import make_college, make_school


@pytest.fixture(scope="module")
async def school(database: object) -> Organisation:
    assert database
    return await make_school()


@pytest.fixture(scope="module")
async def college(database: object) -> Organisation:
    assert database
    return await make_college()


@pytest.fixture
async def here(database: object) -> World:
    assert database
    return await world()
