"""Whoever has something follow from claims is told, in the same transaction, of whatever happens to them."""

from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

Consequence = Callable[[Collection[UUID], UUID | None], Awaitable[None]]
"""Takes students, who are held, and who did it; None is the system."""
_consequences: list[Consequence] = []


def follow(consequence: Consequence) -> None:
    """Have `consequence` done whenever something happened to claims on some students, or to one beside them.

    What is built on claims follows them so, which themselves do not know it.
    """
    if consequence not in _consequences:
        _consequences.append(consequence)


async def changed(student_ids: Collection[UUID], by: UUID | None) -> None:
    """Have done what follows, once the claims on these held students are written as they are to be."""
    for consequence in _consequences:
        await consequence(student_ids, by)
