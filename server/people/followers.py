"""Who follows the service account."""

from datetime import datetime
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.kernel.transactions import transaction
from server.people.models import Follower, Person


async def note(openid: str, *, following: bool, at: datetime) -> bool:
    """Note that someone follows or no longer does, since `at`; False where later news is known already.

    WeChat tells time to the second: of two that bear the same one, the later told counts. Not for use inside a
    transaction: PostgreSQL would abort that with the refused row.
    """
    try:
        await _insert(openid, following=following, at=at)
    except IntegrityError:
        return await _change(openid, following=following, at=at)
    return True


@transaction
async def identify(openid: str, unionid: str) -> None:
    """Note who a follower is in all accounts that are bound together."""
    await Follower.filter(openid=openid).update(unionid=unionid)


async def openids(person: Person) -> list[str]:
    """Return all by which WeChat names a person, in the mini-program and, as far as it told, as a follower."""
    if not person.unionid:
        return [person.openid]
    return [person.openid, *[follower.openid for follower in await Follower.filter(unionid=person.unionid)]]


async def person_of(openid: str, *, follower: bool) -> UUID | None:
    """Return whom WeChat names so in the mini-program, or as a `follower`; None where that is nobody we know."""
    if not follower:
        person = await Person.filter(openid=openid).first().only("id")
        return person.id if person else None
    known = await Follower.get_or_none(openid=openid)
    if known is None or known.unionid is None:
        return None
    person = await Person.filter(unionid=known.unionid).first().only("id")
    return person.id if person else None


@transaction
async def _insert(openid: str, *, following: bool, at: datetime) -> None:
    await Follower.create(openid=openid, following=following, changed_at=at)


@transaction
async def _change(openid: str, *, following: bool, at: datetime) -> bool:
    not_later = Follower.filter(openid=openid, changed_at__lte=at)
    return bool(await not_later.update(following=following, changed_at=at))
