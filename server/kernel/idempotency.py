"""One effect per `Idempotency-Key`, however often it is sent.

A key is scoped to caller and route. It is *begun* in a transaction of its own, so that a second request meets
it at once, and *completed* inside the transaction of the work itself, so that a crash leaves either both or
neither. The answer is never stored: it is rebuilt from the id of what was made.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise import fields
from tortoise.exceptions import IntegrityError
from tortoise.models import Model

from server.kernel import bulk, clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.statements import change
from server.kernel.transactions import transaction

KEPT = timedelta(hours=24)
PATIENCE = timedelta(seconds=60)
"""After this long without completion the work is taken for dead and the key may be tried again."""
_COMPLETE = "UPDATE idempotency_key SET subject_id = $1 WHERE id = $2 AND begun_at = $3 AND subject_id IS NULL"


class IdempotencyKey(Model):
    """One key of one caller on one route."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    scope = fields.CharField(max_length=160)
    key = fields.CharField(max_length=255)
    body_hash = fields.CharField(max_length=64)
    begun_at: datetime = fields.DatetimeField(db_index=True)
    subject_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "idempotency_key"
        unique_together = (("scope", "key"),)


async def begin(scope: str, key: str, *body_hashes: str) -> IdempotencyKey:
    """Return the key's row: `subject_id` is set where the work is done already.

    `body_hashes`: what the body may be known by, the one to note first; they are keyed, and keys are changed.
    Raises DomainError 409 while the first request runs, 422 where the key came with another body. Not for use inside a
    transaction: PostgreSQL would abort that with the refused row.
    """
    try:
        return await _insert(scope, key, body_hashes[0])
    except IntegrityError:
        return await _meet(scope, key, body_hashes)


async def complete(row: IdempotencyKey, subject_id: str) -> None:
    """Note what the work made; call it inside the work's transaction.

    Raises DomainError 409, undoing the work, when another request has taken the key over meanwhile.
    """
    if not await change(_COMPLETE, subject_id, row.id, row.begun_at):
        raise DomainError("request_running", 409)


@transaction
async def release(row: IdempotencyKey) -> None:
    """Forget a key whose request was refused, so that it may be sent again."""
    await IdempotencyKey.filter(id=row.id, begun_at=row.begun_at, subject_id=None).delete()


@transaction
async def prune() -> int:
    """Delete keys past their time and return how many."""
    return await IdempotencyKey.filter(begun_at__lt=clock.now() - KEPT).delete()


@transaction
async def _insert(scope: str, key: str, body_hash: str) -> IdempotencyKey:
    row = bulk.fresh(IdempotencyKey, id=new_id(), scope=scope, key=key, body_hash=body_hash, begun_at=clock.now())
    await bulk.insert([row])
    return row


@transaction
async def _meet(scope: str, key: str, body_hashes: Sequence[str]) -> IdempotencyKey:
    row = await IdempotencyKey.filter(scope=scope, key=key).select_for_update().get_or_none()
    if row is None:
        raise DomainError("request_running", 409)
    if row.begun_at < clock.now() - (KEPT if row.subject_id else PATIENCE):
        row.begun_at, row.body_hash, row.subject_id = clock.now(), body_hashes[0], None
        await row.save()
        return row
    if row.body_hash not in body_hashes:
        raise DomainError("idempotency_key_reused", 422)
    if row.subject_id is None:
        raise DomainError("request_running", 409)
    return row
