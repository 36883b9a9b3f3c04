"""What tests of the ledger need: pushes, and the sum of its entries reckoned anew."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from server.kernel import clock
from server.kernel.ids import new_id
from server.notices import permissions
from server.notices.models import PermissionChange, PermissionEntry, PushPermission

TEMPLATE = "template-of-tests"
TOLD_TO = timedelta(seconds=1)
TAKING = {PermissionChange.SPENT, PermissionChange.ZEROED, PermissionChange.WITHDRAWN}
ENDING = {PermissionChange.SPENT, PermissionChange.RELEASED}
_numbers = count()


@dataclass(frozen=True)
class Asking:
    """A push that needs a permission."""

    person_id: UUID
    template_id: str = TEMPLATE
    id: UUID = field(default_factory=new_id)


async def credit(
    person_id: UUID, times: int = 1, template_id: str = TEMPLATE, at: datetime | None = None, *, long_term: bool = False
) -> None:
    for _ in range(times):
        source = f"test:{next(_numbers)}"
        assert await permissions.credit(person_id, template_id, source, at or clock.now(), long_term=long_term)


async def reserve(pushes: Sequence[Asking]) -> set[UUID]:
    return await permissions.change_many(reserve=pushes)


async def row_of(person_id: UUID, template_id: str = TEMPLATE) -> PushPermission:
    return await PushPermission.get(person_id=person_id, template_id=template_id)


def reckoned(entries: Sequence[PermissionEntry]) -> tuple[int, int, bool]:
    """What the entries of one person and template, in their order, come to: credited, reserved, long-term."""
    given = sum(entry.amount for entry in entries if entry.change is PermissionChange.CREDITED)
    taken = sum(entry.amount for entry in entries if entry.change in TAKING)
    reserved = sum((entry.change is PermissionChange.RESERVED) - (entry.change in ENDING) for entry in entries)
    return given - taken, reserved, _long_term(entries)


def _long_term(entries: Iterable[PermissionEntry]) -> bool:
    """Whether the last word is that it was accepted; one heard late does not undo what was accepted after it."""
    accepted: list[datetime] = []
    for entry in entries:
        if entry.change is PermissionChange.LONG_TERM and entry.amount:
            accepted.append(entry.made_at)
        elif entry.change is PermissionChange.WITHDRAWN:
            accepted = [at for at in accepted if at - entry.made_at >= TOLD_TO]
        elif entry.change is PermissionChange.ZEROED:
            accepted = []
    return bool(accepted)
