"""`python -m server.make_admin PERSON_ID` makes someone who has signed in the secretariat's first administrator.

The id is what `GET /api/v1/me` shows them. Where there is an administrator already, that one gives out the roles;
should nobody be able to sign in as one any more, `--another` makes one all the same. It is kept in the history.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from uuid import UUID

from tortoise.exceptions import BaseORMException

from server import db
from server.kernel import log
from server.kernel.errors import DomainError
from server.organisations import secretariat
from server.settings import Settings, SettingsError

REFUSALS = {
    "not_found": "nobody with this id has signed in",
    "administrator_exists": "there is an administrator, who can give the role; --another makes one all the same",
}


def main(arguments: Sequence[str]) -> int:
    """Do it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make_admin", description=__doc__)
    parser.add_argument("person_id", type=UUID)
    parser.add_argument("--another", action="store_true", help="though there is an administrator")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_env()
        log.configure(settings.log_level)
        asyncio.run(_make(settings.database, options.person_id, another=options.another))
    except DomainError as refusal:
        return _refused(REFUSALS.get(refusal.slug, refusal.slug))
    except (SettingsError, OSError, BaseORMException) as error:
        return _refused(f"{type(error).__name__}: {error}")
    print(f"{options.person_id} is an administrator of the secretariat, from their next request on")  # noqa: T201
    return 0


async def _make(database: str, person_id: UUID, *, another: bool) -> None:
    async with db.opened(database, everywhere=True):
        await secretariat.make_admin(person_id, another=another)


def _refused(why: str) -> int:
    print(f"no administrator was made: {why}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
