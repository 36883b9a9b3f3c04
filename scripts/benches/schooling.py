"""A school with a clerk in a fresh database, and students whom nobody registered before."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from uuid import UUID

from tortoise.backends.base.executor import EXECUTOR_CACHE

from server import db
from server.kernel import clock
from server.organisations.roles import Role
from server.referrals import rules
from server.settings import ROOT
from server.students.id_number import check_character
from tests.factories import make_member, make_organisation, make_token
from tests.harness import keys
from tests.harness.app import NO_WECHAT
from tests.referrals.registering import opened

PLACES = ("340802", "340803", "340811", "340822", "340825", "340826", "340827", "340828", "340881", "340882")
FIRST_BORN = date(clock.today().year - 15, 1, 1)


@dataclass(frozen=True, slots=True)
class School:
    """Who sends: its id, its clerk and their access token, and the year that is open."""

    id: UUID
    clerk_id: UUID
    token: str
    year: int


async def school(url: str) -> School:
    """Make a verified school in the database, and let it register today."""
    rules.use(rules.load(ROOT / "content"))
    EXECUTOR_CACHE.clear()  # it keeps statements by the connection's name, in the dialect of the last database
    async with db.opened(url, everywhere=True):
        found = await make_organisation()
        clerk = (await make_member(found, Role.CLERK)).person_id
        return School(found.id, clerk, await make_token(clerk), await opened())


def numbers() -> Iterator[str]:
    """Yield ID numbers of fifteen-year-olds, each once."""
    for day, place, order in product(range(365), PLACES, range(1, 1000)):
        body = f"{place}{FIRST_BORN + timedelta(days=day):%Y%m%d}{order:03}"
        yield body + check_character(body)


def environment(url: str, folder: str) -> dict[str, str]:
    """Return the settings of a server on that database, with the keys of the tests."""
    settings = {"YZT_DATABASE_URL": url, "YZT_DATA_DIR": folder, "YZT_WECHAT_URL": NO_WECHAT}
    return keys.ENVIRONMENT | settings | {"YZT_LOG_LEVEL": "WARNING"}
