"""Telling every process that what it holds of a person's sessions and rights is out of date.

This process is told as soon as the transaction has committed; the others read the marks (`marked`) a few times a
second. A mark is a row of the very transaction that changes things, so that neither stands without the other.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from server.kernel import clock
from server.kernel.transactions import after_commit, transaction
from server.people.models import Revocation

KEPT = timedelta(hours=1)
Watcher = Callable[[UUID], None]

_watchers: list[Watcher] = []


@transaction
async def revoke(person_id: UUID) -> None:
    """Mark what is known of a person as out of date.

    Call it inside the transaction that ends sessions or changes rights: it joins it.
    """
    await Revocation.create(person_id=person_id, made_at=clock.now())
    after_commit(partial(_tell, person_id))


def watch(watcher: Watcher) -> None:
    """Call `watcher` with the person's id after every revocation that this process makes."""
    _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Call `watcher` no longer."""
    _watchers.remove(watcher)


async def marked(since: datetime) -> dict[UUID, UUID]:
    """Return the marks made since `since`, by any process: the mark's id -> the person's id."""
    return dict(await Revocation.filter(made_at__gte=since).values_list("id", "person_id"))


@transaction
async def prune() -> int:
    """Delete marks that every process has read long ago, and return how many."""
    return await Revocation.filter(made_at__lt=clock.now() - KEPT).delete()


async def _tell(person_id: UUID) -> None:
    for watcher in _watchers:
        watcher(person_id)
