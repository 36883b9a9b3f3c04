"""Who calls: access tokens turned into callers, remembered for as long as nothing has changed."""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from cachetools import LRUCache

from server.access.ports import Claims, Tokens
from server.access.rules import Caller, Post
from server.kernel import clock
from server.kernel.errors import DomainError
from server.organisations import current, heirs
from server.organisations.roles import Kind
from server.people import revocations
from server.people.models import PersonState, Session

MOST_REMEMBERED = 4096
POLL_SECONDS = 0.4
TRUSTED_SECONDS = 0.9
"""How long after reading the marks what is remembered may be used: what another process changes acts within a second.

Past that, since the database is away or this process stood still, every caller is asked of the database."""
WINDOW = timedelta(seconds=60)
"""How far back the marks are read each time: those of a slow transaction, or of a machine whose clock is a little
behind, appear late."""
LONGEST_GAP_SECONDS = 30
"""After a longer time without reading the marks nothing remembered is kept: some may have left the window unread."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True, weakref_slot=True)
class _Mark:
    """Shared by all that is remembered or being loaded of one person; once revoked it is never valid again."""

    valid: bool = True


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    expires_at: datetime
    mark: _Mark


class Callers:
    """The callers of one process."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._remembered: LRUCache[str, _Remembered] = LRUCache(MOST_REMEMBERED)
        self._marks: WeakValueDictionary[UUID, _Mark] = WeakValueDictionary()
        self._seen: set[UUID] = set()
        self._read_at = self._trusted_until = float("-inf")
        self._readable = True

    def issue(self, session: Session) -> str:
        """Return an access token for the holder of `session`."""
        return self._tokens.issue(session.person_id, session.id, clock.now())

    def known(self, token: str) -> Caller | None:
        """Return whom `token` stands for as far as that can be told without waiting."""
        found = self._remembered.get(token)
        if (
            found is None
            or not found.mark.valid
            or time.monotonic() >= self._trusted_until
            or clock.now() >= found.expires_at
        ):
            return None
        return found.caller

    async def of(self, token: str) -> Caller:
        """Return whom `token` stands for, by the database; two queries, of a member three.

        Raises DomainError 401 for a token that is not ours or out of time, and one whose session has ended.
        """
        claims = self._tokens.read(token, clock.now())
        mark = self._marks.setdefault(claims.person_id, _Mark())
        caller, expires_at = await _load(claims)
        if mark.valid:  # else something changed while it was loaded, and what was read may be from before
            self._remembered[token] = _Remembered(caller, expires_at, mark)
        return caller

    def forget(self, person_id: UUID) -> None:
        """Trust nothing that is remembered, or being loaded, of a person."""
        if mark := self._marks.pop(person_id, None):
            mark.valid = False

    async def follow(self) -> None:
        """Keep what is remembered true, until cancelled; without it nothing remembered is trusted."""
        revocations.watch(self.forget)
        try:
            while True:
                await self._try_marks()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            revocations.unwatch(self.forget)

    async def _try_marks(self) -> None:
        try:
            await self.read_marks()
        except Exception as error:  # noqa: BLE001 -- whatever it was, callers are asked of the database meanwhile
            if self._readable:  # said once, not at every turn
                _log.warning("marks could not be read", error=type(error).__name__)
            self._readable = False
        else:
            self._readable = True

    async def read_marks(self) -> None:
        """Forget those whom any process has marked since the last time."""
        began = time.monotonic()
        marks = await revocations.marked(clock.now() - WINDOW)
        unread = marks.keys() - self._seen
        people = {marks[mark] for mark in unread} if began - self._read_at < LONGEST_GAP_SECONDS else set(self._marks)
        for person_id in people:
            self.forget(person_id)
        self._seen = set(marks)
        self._read_at, self._trusted_until = began, began + TRUSTED_SECONDS


async def _load(claims: Claims) -> tuple[Caller, datetime]:
    """Return the caller as the database has it, and until when that holds by itself."""
    session = await Session.get_or_none(id=claims.session_id, person_id=claims.person_id).select_related("person")
    if session is None or not session.lives(clock.now()) or session.person.state is not PersonState.ACTIVE:
        raise DomainError("not_signed_in", 401)
    memberships = await current.memberships(session.person_id)
    posts = tuple(Post(held.organisation_id, held.organisation.kind, held.role) for held in memberships)
    caller = Caller(session.person_id, session.id, posts, await _carried(posts))
    return caller, min(claims.expires_at, session.expires_at)


async def _carried(posts: Collection[Post]) -> tuple[Post, ...]:
    """Return what some posts are in the organisations that were closed into theirs; the secretariat takes none on."""
    roles = {post.organisation_id: post.role for post in posts if post.kind is not Kind.SECRETARIAT}
    before = [one for one in await heirs.carried(roles) if one.kind is not Kind.SECRETARIAT]
    return tuple(Post(one.id, one.kind, roles[one.heir_id]) for one in before)
