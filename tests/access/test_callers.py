# ruff: noqa: SLF001 -- what a cache holds is its own affair, except to its test
"""Callers are remembered for as long as nothing has changed, and not a moment longer than a second."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from tortoise.backends.base.executor import BaseExecutor

from server.access import callers as module
from server.access.callers import MOST_REMEMBERED, Callers
from server.access.ports import ACCESS_LIFETIME
from server.access.rules import Caller, Post
from server.gateways import tokens
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.transactions import transaction
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people import revocations, service, sessions
from server.people.models import Person, PersonState, Revocation, Session
from server.people.service import Decider
from tests.harness.keys import TOKENS

pytestmark = pytest.mark.usefixtures("database")
_numbers = count()


async def make_session(person: Person | None = None) -> Session:
    now = clock.now()
    person = person or await Person.create(openid=f"caller-{next(_numbers)}", created_at=now)
    return await Session.create(person=person, created_at=now, expires_at=now + sessions.IDLE)


async def make_post(
    person_id: object, state: OrganisationState = OrganisationState.VERIFIED, role: Role = Role.CLERK
) -> Post:
    kind, now = Kind.FEEDER_SCHOOL, clock.now()
    organisation = await Organisation.create(kind=kind, name="江畔中学（示例）", state=state, created_at=now)
    await Membership.create(organisation=organisation, person_id=person_id, role=role, created_at=now)
    return Post(organisation.id, kind, role)


@pytest.fixture
async def callers() -> Callers:
    """Callers that have just read the marks."""
    found = Callers(TOKENS)
    await found.read_marks()
    return found


@contextmanager
def watching(callers: Callers) -> Iterator[None]:
    revocations.watch(callers.forget)
    yield
    revocations.unwatch(callers.forget)


async def refused(callers: Callers, token: str) -> None:
    assert callers.known(token) is None
    with pytest.raises(DomainError) as caught:
        await callers.of(token)
    assert (caught.value.slug, caught.value.status) == ("not_signed_in", 401)


async def test_a_caller_is_loaded_once_and_then_known(callers: Callers) -> None:
    session = await make_session()
    post = await make_post(session.person_id)
    token = callers.issue(session)
    assert callers.known(token) is None
    expected = Caller(session.person_id, session.id, (post,))
    assert await callers.of(token) == expected
    assert callers.known(token) == expected


async def test_only_posts_in_force_count(callers: Callers) -> None:
    session = await make_session()
    await make_post(session.person_id, OrganisationState.CLOSED)
    left = await make_post(session.person_id)
    await Membership.filter(organisation_id=left.organisation_id).update(ended_at=clock.now())
    kept = [await make_post(session.person_id, state) for state in OrganisationState if state.value != "closed"]
    assert (await callers.of(callers.issue(session))).posts == tuple(kept)


async def test_two_queries_load_a_caller(callers: Callers, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await make_session()
    for _ in range(3):
        await make_post(session.person_id)
    asked = []
    original = BaseExecutor.execute_select

    async def counted(self: BaseExecutor, *args: object, **kwargs: object) -> object:
        asked.append(args)
        return await original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(BaseExecutor, "execute_select", counted)
    await callers.of(callers.issue(session))
    assert len(asked) == 2


async def test_a_token_is_good_for_its_time_and_its_sessions(callers: Callers) -> None:
    session, start = await make_session(), clock.now()
    token = callers.issue(session)
    await callers.of(token)
    clock.move_to(start + ACCESS_LIFETIME - timedelta(seconds=2))
    assert callers.known(token)
    clock.move_to(start + ACCESS_LIFETIME + timedelta(seconds=1))
    await refused(callers, token)
    clock.move_to(session.expires_at - timedelta(seconds=30))
    await callers.read_marks()
    late = callers.issue(session)
    assert await callers.of(late)
    assert callers.known(late)
    clock.move_to(session.expires_at)
    await refused(callers, late)


def test_the_faces_tell_the_lifetime_that_tokens_have() -> None:
    assert tokens.LIFETIME == ACCESS_LIFETIME


async def test_tokens_of_nobody_are_refused(callers: Callers) -> None:
    mine, theirs = await make_session(), await make_session()
    now = clock.now()
    await refused(callers, TOKENS.issue(new_id(), mine.id, now))
    await refused(callers, TOKENS.issue(mine.person_id, new_id(), now))
    await refused(callers, TOKENS.issue(mine.person_id, theirs.id, now))
    await refused(callers, TOKENS.issue(mine.person_id, mine.id, now - timedelta(hours=1)))
    await refused(callers, "garbage")


async def test_a_session_of_a_suspended_person_lets_nobody_in(callers: Callers) -> None:
    session = await make_session()
    await Person.filter(id=session.person_id).update(state=PersonState.SUSPENDED)
    await refused(callers, callers.issue(session))


async def test_what_this_process_changes_acts_at_the_next_request(callers: Callers) -> None:
    with watching(callers):
        session = await make_session()
        other = await make_session(await session.person)
        token, others = callers.issue(session), callers.issue(other)
        await callers.of(token)
        await callers.of(others)
        await sessions.sign_out(session.id, session.person_id)
        await refused(callers, token)
        assert callers.known(others) is None
        assert await callers.of(others)
        await service.suspend(session.person_id, Decider(new_id(), "为何"))
        await refused(callers, others)


async def test_a_change_that_is_undone_revokes_nothing(callers: Callers) -> None:
    @transaction
    async def fail(person: Person) -> None:
        await revocations.revoke(person.id)
        raise RuntimeError

    with watching(callers):
        session = await make_session()
        token = callers.issue(session)
        await callers.of(token)
        with pytest.raises(RuntimeError):
            await fail(await session.person)
        assert callers.known(token)
        assert not await Revocation.filter(person_id=session.person_id).exists()


async def test_what_another_process_changes_acts_once_its_mark_is_read(callers: Callers) -> None:
    session, other = await make_session(), await make_session()
    token, others = callers.issue(session), callers.issue(other)
    await callers.of(token)
    await callers.of(others)
    await sessions.sign_out_everywhere(session.person_id)  # nobody watches: as if elsewhere
    assert callers.known(token)
    await callers.read_marks()
    await refused(callers, token)
    assert callers.known(others)


async def test_a_mark_acts_once_and_one_that_appears_late_still_acts(callers: Callers) -> None:
    session = await make_session()
    token = callers.issue(session)
    await callers.of(token)
    await Revocation.create(person_id=session.person_id, made_at=clock.now() - module.WINDOW / 2)
    await callers.read_marks()
    assert callers.known(token) is None
    await callers.of(token)
    await callers.read_marks()
    assert callers.known(token)


async def test_a_load_that_began_before_a_change_is_never_remembered(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await make_session()
    token, original = callers.issue(session), module._load
    loaded, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(claims: tokens.Claims) -> object:
        found = await original(claims)
        loaded.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(module, "_load", slowly)
    loading = asyncio.create_task(callers.of(token))
    await loaded.wait()
    with watching(callers):
        await sessions.sign_out(session.id, session.person_id)
    go_on.set()
    assert await loading  # it was asked before
    assert callers.known(token) is None
    with pytest.raises(DomainError):
        await callers.of(token)


async def test_nothing_is_trusted_unless_the_marks_were_read_within_a_second(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await make_session()
    token = callers.issue(session)
    fresh = Callers(TOKENS)
    await fresh.of(token)
    assert fresh.known(token) is None
    await callers.of(token)
    monkeypatch.setattr(module, "TRUSTED_SECONDS", 0.5)
    await callers.read_marks()
    assert callers.known(token)
    await asyncio.sleep(0.6)
    assert callers.known(token) is None
    assert await callers.of(token)


async def test_after_a_long_gap_nothing_that_was_remembered_is_trusted(
    callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await make_session()
    token = callers.issue(session)
    await callers.of(token)
    monkeypatch.setattr(module, "LONGEST_GAP_SECONDS", 0)
    await callers.read_marks()
    assert callers.known(token) is None
    assert await callers.of(token)
    assert callers.known(token)


async def test_following_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    callers, tries = Callers(TOKENS), count()

    async def marked(_since: datetime) -> dict[UUID, UUID]:
        if next(tries) == 0:
            raise OSError
        return {}

    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(revocations, "marked", marked)
    session = await make_session()
    token = callers.issue(session)
    following = asyncio.create_task(callers.follow())
    while next(tries) < 3:  # it went on after the failure
        await asyncio.sleep(0.05)
    await callers.of(token)
    assert callers.known(token)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert callers.forget not in revocations._watchers


async def test_what_is_remembered_is_bounded(callers: Callers) -> None:
    caller = Caller(new_id(), new_id())
    mark = module._Mark()
    for number in range(MOST_REMEMBERED + 100):
        callers._remembered[str(number)] = module._Remembered(caller, clock.now() + ACCESS_LIFETIME, mark)
    assert len(callers._remembered) == MOST_REMEMBERED
    for _ in range(10):
        await callers.of(callers.issue(await make_session()))
    assert len(callers._marks) <= 11
    callers._remembered.clear()
    assert len(callers._marks) == 0
