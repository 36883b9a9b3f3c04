"""Signing in and out, and staying signed in.

A session is a family of refresh tokens: each is used once and gives the next one. One that is shown again after its
use has two holders, one of whom stole it, so the whole family ends (see `overlaps` for what is no such case). A client
that hung up before its new token arrived and tries again with the old one looks the same; it signs in anew with a
fresh code from WeChat, which takes no tap from anyone.
"""

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.exceptions import IntegrityError
from tortoise.expressions import Q

from server.kernel import clock, outbox
from server.kernel.errors import DomainError
from server.kernel.transactions import shielded, transaction
from server.people import deletion, overlaps, revocations
from server.people.models import Person, PersonState, RefreshToken, Session, SessionEnd
from server.people.ports import Identity, Limits, WeChat

IDLE = timedelta(days=30)
LONGEST = timedelta(days=180)
KEPT = timedelta(days=7)
"""How long an ended session stays to be looked at."""
OPENID_TRIES, OPENID_SECONDS = 60, 60
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session in force; `refresh_token` is known to its holder alone, once this is gone."""

    person: Person
    session: Session
    refresh_token: str
    is_new: bool = False
    """Whether this sign-in made the person."""


async def sign_in(  # noqa: PLR0913 -- what a sign-in leans on, and one thing that is named
    code: str, address: str, per_minute: int, wechat: WeChat, limits: Limits, *, undo_deletion: bool = False
) -> SignedIn:
    """Sign in whoever holds a login code of WeChat's, for the first time or again.

    Who has asked for their account's deletion gets it back with `undo_deletion`, which they have to say: the
    mini-program signs in by itself when it is opened. Raises DomainError 429 past `per_minute` tries from one
    `address`, which WeChat then never sees, or too many by one person; 403 for the suspended and for those who go; and
    what `WeChat.identity` raises.
    """
    await limits.take("sign_in_address", address, per_minute, 60)
    identity = await wechat.identity(code)
    await limits.take("sign_in_person", identity.openid, OPENID_TRIES, OPENID_SECONDS)
    if not await Person.exists(openid=identity.openid):
        with suppress(IntegrityError):  # another request of the same person's was faster
            return await _sign_up(identity)
    return await _sign_in_again(identity, undo_deletion=undo_deletion)


async def refresh(token: str) -> SignedIn:
    """Exchange a refresh token for the next one.

    Raises DomainError 401 for one that is unknown, used or of a session that is over. Of simultaneous requests with one
    token one wins; a later one ends the session.
    """
    return await shielded(_refresh(_hash(token)))


@transaction
async def sign_out(session_id: UUID, person_id: UUID) -> None:
    """End one session of a person."""
    await _end(Q(id=session_id, person_id=person_id), person_id, SessionEnd.SIGNED_OUT)


@transaction
async def sign_out_everywhere(person_id: UUID, why: SessionEnd = SessionEnd.SIGNED_OUT_EVERYWHERE) -> None:
    """End every session of a person; joins the transaction."""
    await _end(Q(person_id=person_id), person_id, why)


async def prune() -> int:
    """Delete sessions that ended or expired long ago, with their tokens, and return how many."""
    deleted = 0
    while number := await _prune_some(clock.now() - KEPT):
        deleted += number
    return deleted


@transaction
async def _sign_up(identity: Identity) -> SignedIn:
    person = await Person.create(openid=identity.openid, unionid=identity.unionid, created_at=clock.now())
    await outbox.record("person.signed_up", f"person:{person.id}", [person.id])
    return await _begin(person, is_new=True)


@transaction
async def _sign_in_again(identity: Identity, *, undo_deletion: bool) -> SignedIn:
    # the lock keeps a session from beginning beside a suspension that ends them all
    person = await Person.filter(openid=identity.openid).select_for_update().get_or_none()
    if person is None:  # whose account ended at this very moment
        return await _sign_up(identity)
    if person.state is PersonState.SUSPENDED:
        raise DomainError("person_suspended", 403)
    if person.state is PersonState.DELETION_REQUESTED and not undo_deletion:
        raise DomainError("deletion_requested", 403)
    if person.state is PersonState.DELETION_REQUESTED:
        await deletion.undo(person)
    if identity.unionid and identity.unionid != person.unionid:
        person.unionid = identity.unionid
        await person.save(update_fields=["unionid"])
    return await _begin(person)


async def _begin(person: Person, *, is_new: bool = False) -> SignedIn:
    now = clock.now()
    session = await Session.create(person=person, created_at=now, expires_at=now + IDLE)
    return SignedIn(person, session, await _next_token(session, now), is_new)


async def _refresh(token_hash: str) -> SignedIn:
    """Do the work of `refresh`; a caller who hangs up does not make its request look over before it is."""
    with overlaps.under_way(token_hash) as since:
        token = await RefreshToken.get_or_none(token_hash=token_hash).select_related("session__person")
        refreshed = await _rotate(token, since) if token and token.session.lives(clock.now()) else None
    if refreshed is None:  # raised out here, so that the end of a family is kept
        raise DomainError("not_signed_in", 401)
    return refreshed


@transaction
async def _rotate(token: RefreshToken, since: datetime) -> SignedIn | None:
    """Use `token` up for the next one; None where it may not, having ended the family where somebody kept it."""
    now, session = clock.now(), token.session
    if not await RefreshToken.filter(id=token.id, used_at=None).update(used_at=now):
        if not await _raced(token, since):
            await _end(Q(id=session.id), session.person_id, SessionEnd.REUSED)
        return None
    session.expires_at = min(now + IDLE, session.created_at + LONGEST)
    if not await Session.filter(id=session.id, ended_at=None, expires_at__gt=now).update(expires_at=session.expires_at):
        return None  # it ended, perhaps just now
    return SignedIn(session.person, session, await _next_token(session, now))


async def _raced(token: RefreshToken, since: datetime) -> bool:
    """Tell whether a used token is shown by its own holder, twice at a time, and note it for every other process.

    So it is where the token lay unused when the request had come, for its use has not been answered then, and where
    somebody showed it at `since` or later; a use that lies ahead of the clock tells nothing.
    """
    held = await RefreshToken.filter(id=token.id).select_for_update().get_or_none()
    now, shown_at = clock.now(), held.used_at if held else None  # the moment after the wait, so that it never goes back
    in_chain = shown_at is not None and since <= shown_at <= now + overlaps.LONGEST
    if token.used_at and not (in_chain and await _used_since(token, since - overlaps.LONGEST)):
        return False
    await RefreshToken.filter(id=token.id, used_at__lt=now).update(used_at=now)
    return True


async def _used_since(token: RefreshToken, moment: datetime) -> bool:
    """Whether a token was exchanged for the next one at `moment` or later, however late it was last shown."""
    later = RefreshToken.filter(session_id=token.session_id, created_at__gt=token.created_at)
    successor = await later.order_by("created_at").first()
    return successor is not None and successor.created_at >= moment


async def _next_token(session: Session, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await RefreshToken.create(session=session, token_hash=_hash(token), created_at=now)
    return token


async def _end(which: Q, person_id: UUID, why: SessionEnd) -> None:
    if await Session.filter(which, ended_at=None).update(ended_at=clock.now(), end=why):
        await revocations.revoke(person_id)


@transaction
async def _prune_some(before: datetime) -> int:
    over = Session.filter(Q(ended_at__lt=before) | Q(expires_at__lt=before)).limit(_CHUNK)
    ids = await over.values_list("id", flat=True)
    await RefreshToken.filter(session_id__in=ids).delete()
    return await Session.filter(id__in=ids).delete()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
