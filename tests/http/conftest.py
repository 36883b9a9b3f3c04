"""What tests over HTTP share: who acts in many of them, and the settings of one more server."""

from pathlib import Path

import aiohttp
import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.organisations.models import Organisation
from server.organisations.roles import Kind, Role
from tests.factories import make_organisation
from tests.harness.callers import Caller, staff


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of one more server on the module's database."""
    return {"YZT_DATABASE_URL": database_url, "YZT_DATA_DIR": str(tmp_path), "YZT_JOB_LEASE_SECONDS": "1"}


@pytest.fixture(scope="module")
async def firm(database: BaseDBAsyncClient) -> Organisation:
    assert database
    return await make_organisation(Kind.ENTERPRISE, name="澄江茶业有限公司（示例）")


@pytest.fixture(scope="module")
async def reviewer(client: aiohttp.ClientSession) -> Caller:
    return await staff(client, Role.REVIEWER)
