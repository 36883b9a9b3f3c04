"""Signing in, staying signed in, signing out: on the database, with WeChat and the limits faked."""

import asyncio
from datetime import datetime, timedelta
from itertools import count

import pytest

from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.people import revocations, service, sessions
from server.people.models import Person, RefreshToken, Revocation, Session, SessionEnd
from server.people.service import Decider
from server.people.sessions import SignedIn
from tests.people.fakes import FakeLimits, FakeWeChat, Someone

pytestmark = pytest.mark.usefixtures("database")
_numbers = count()


async def sign_in(openid: str | None = None, unionid: str | None = None, limits: FakeLimits | None = None) -> SignedIn:
    someone = Someone(openid or f"openid-{next(_numbers)}", unionid)
    return await sessions.sign_in("code", "10.0.0.1", 300, FakeWeChat({"code": someone}), limits or FakeLimits())


async def refused(token: str) -> None:
    with pytest.raises(DomainError) as caught:
        await sessions.refresh(token)
    assert (caught.value.slug, caught.value.status) == ("not_signed_in", 401)


async def end_of(signed_in: SignedIn) -> SessionEnd | None:
    return (await Session.get(id=signed_in.session.id)).end


async def test_the_first_sign_in_makes_a_person_and_later_ones_do_not() -> None:
    first = await sign_in("one", None)
    second = await sign_in("one", None)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.person.id == second.person.id
    assert first.session.id != second.session.id
    event = await Event.get(name="person.signed_up", subject=f"person:{first.person.id}")
    assert event.people == [str(first.person.id)]


async def test_simultaneous_first_sign_ins_make_one_person_who_is_new_once() -> None:
    both = await asyncio.gather(*(sign_in("twins") for _ in range(8)))
    assert len({one.person.id for one in both}) == 1
    assert [one.is_new for one in both].count(True) == 1
    assert await Person.filter(openid="twins").count() == 1
    assert await Event.filter(name="person.signed_up", subject=f"person:{both[0].person.id}").count() == 1
    assert await Session.filter(person_id=both[0].person.id).count() == 8


async def test_the_union_id_is_filled_in_when_it_becomes_known_and_kept_when_it_is_not_said() -> None:
    person = (await sign_in("bound")).person
    for said, kept in ((None, None), ("union-1", "union-1"), (None, "union-1"), ("union-2", "union-2")):
        await sign_in("bound", said)
        await person.refresh_from_db()
        assert person.unionid == kept


async def test_tries_are_counted_by_address_before_wechat_is_asked_and_by_person_after() -> None:
    limits, wechat = FakeLimits(), FakeWeChat()
    with pytest.raises(DomainError) as caught:
        await sessions.sign_in("forged", "10.0.0.9", 1, wechat, limits)
    assert caught.value.status == 422
    with pytest.raises(DomainError) as caught:
        await sessions.sign_in("forged", "10.0.0.9", 1, wechat, limits)
    assert caught.value.status == 429
    assert limits.tries == {("sign_in_address", "10.0.0.9"): 2}
    again = FakeLimits()
    for _ in range(sessions.OPENID_TRIES):
        await sign_in("eager", limits=again)
    with pytest.raises(DomainError) as caught:
        await sign_in("eager", limits=again)
    assert caught.value.status == 429


async def test_tokens_lie_hashed_and_each_is_used_once() -> None:
    signed_in = await sign_in()
    refreshed = await sessions.refresh(signed_in.refresh_token)
    assert refreshed.session.id == signed_in.session.id
    assert refreshed.person.id == signed_in.person.id
    assert not refreshed.is_new
    kept = await RefreshToken.filter(session_id=signed_in.session.id).order_by("id")
    assert [token.used_at is None for token in kept] == [False, True]
    for token in (signed_in.refresh_token, refreshed.refresh_token):
        assert len(token) == 43
        assert not await RefreshToken.filter(token_hash=token).exists()
    assert (await sessions.refresh(refreshed.refresh_token)).refresh_token


async def test_of_twenty_simultaneous_refreshes_one_wins_and_the_family_lives() -> None:
    signed_in = await sign_in()
    outcomes = await asyncio.gather(
        *(sessions.refresh(signed_in.refresh_token) for _ in range(20)), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, SignedIn)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert (len(won), len(lost)) == (1, 19)
    assert {error.status for error in lost} == {401}
    assert await end_of(signed_in) is None
    assert await sessions.refresh(won[0].refresh_token)


async def test_reuse_afterwards_ends_the_family_for_good() -> None:
    signed_in = await sign_in()
    other_device = await sign_in(signed_in.person.openid)
    refreshed = await sessions.refresh(signed_in.refresh_token)
    await refused(signed_in.refresh_token)
    assert await end_of(signed_in) is SessionEnd.REUSED
    assert await Revocation.filter(person_id=signed_in.person.id).count() == 1
    await refused(refreshed.refresh_token)
    assert await sessions.refresh(other_device.refresh_token)


async def test_an_old_token_of_the_family_ends_it_as_well() -> None:
    signed_in = await sign_in()
    newest = signed_in
    for _ in range(3):
        newest = await sessions.refresh(newest.refresh_token)
    await refused(signed_in.refresh_token)
    await refused(newest.refresh_token)


@pytest.mark.parametrize("token", ["x", "A" * 43, "\ud800", "é", "' OR 1=1 --", "x" * 100_000])
async def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    await refused(token)


async def test_a_retry_before_the_work_of_a_caller_who_hung_up_is_done_is_no_theft(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signed_in, original = await sign_in(), sessions._next_token  # noqa: SLF001 -- stopped in the middle
    used, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(session: Session, now: datetime) -> str:
        used.set()
        await go_on.wait()
        return await original(session, now)

    monkeypatch.setattr(sessions, "_next_token", slowly)
    hanging = asyncio.create_task(sessions.refresh(signed_in.refresh_token))
    await used.wait()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    retry = asyncio.create_task(refused(signed_in.refresh_token))
    await asyncio.sleep(0.01)
    go_on.set()
    await retry
    assert await end_of(signed_in) is None
    await refused(signed_in.refresh_token)
    assert await end_of(signed_in) is SessionEnd.REUSED


async def shown(signed_in: SignedIn, since: datetime) -> SessionEnd | None:
    """Show a used token as a process does that has seen no other request since that moment; return how it ended."""
    token = await first_token(signed_in)
    assert await sessions._rotate(token, since) is None  # noqa: SLF001 -- what another process does
    return await end_of(signed_in)


async def first_token(signed_in: SignedIn) -> RefreshToken:
    tokens = RefreshToken.filter(session_id=signed_in.session.id).order_by("created_at")
    return (await tokens.select_related("session__person"))[0]


async def test_a_race_among_processes_goes_on_through_the_tokens_row() -> None:
    signed_in = await sign_in()
    first_came = clock.now()
    newest = await sessions.refresh(signed_in.refresh_token)
    second_came = clock.now()
    assert await shown(signed_in, first_came) is None
    assert await shown(signed_in, second_came) is None
    assert await sessions.refresh(newest.refresh_token)
    await refused(signed_in.refresh_token)
    assert await end_of(signed_in) is SessionEnd.REUSED


async def test_who_met_the_token_unused_is_no_thief_however_the_clocks_differ() -> None:
    signed_in = await sign_in()
    met = await first_token(signed_in)
    newest = await sessions.refresh(signed_in.refresh_token)
    assert await sessions._rotate(met, clock.now()) is None  # noqa: SLF001 -- another process, whose clock is ahead
    assert await end_of(signed_in) is None
    assert await sessions.refresh(newest.refresh_token)


async def test_no_chain_of_requests_hides_a_theft_for_long() -> None:
    start = clock.now() - timedelta(minutes=1)
    clock.move_to(start)
    signed_in = await sign_in()
    await sessions.refresh(signed_in.refresh_token)
    for second in range(3, 60, 3):
        clock.move_to(start + timedelta(seconds=second))
        if await shown(signed_in, clock.now() - timedelta(seconds=4)):
            break
    assert await end_of(signed_in) is SessionEnd.REUSED
    assert second <= 15


async def test_a_use_ahead_of_the_clock_hides_nothing() -> None:
    signed_in = await sign_in()
    clock.move_to(clock.now() + timedelta(minutes=1))
    await sessions.refresh(signed_in.refresh_token)
    clock.move_to(None)
    await refused(signed_in.refresh_token)
    assert await end_of(signed_in) is SessionEnd.REUSED


async def test_a_session_that_ends_during_a_refresh_is_not_lengthened() -> None:
    signed_in = await sign_in()
    token = await RefreshToken.get(session_id=signed_in.session.id).select_related("session__person")
    await sessions.sign_out(signed_in.session.id, signed_in.person.id)
    clock.move_to(clock.now() + timedelta(days=1))
    assert await sessions._rotate(token, clock.now()) is None  # noqa: SLF001 -- between its two steps
    kept = await Session.get(id=signed_in.session.id)
    assert (kept.expires_at, kept.end) == (signed_in.session.expires_at, SessionEnd.SIGNED_OUT)


async def test_a_session_lives_thirty_days_from_its_last_refresh_and_never_longer_than_half_a_year() -> None:
    start = clock.now()
    signed_in = await sign_in()
    ends = signed_in.session.created_at + sessions.LONGEST
    for day in range(25, 180, 25):
        clock.move_to(start + timedelta(days=day))
        signed_in = await sessions.refresh(signed_in.refresh_token)
        assert signed_in.session.expires_at <= ends
    assert signed_in.session.expires_at == ends
    clock.move_to(ends + timedelta(seconds=1))
    await refused(signed_in.refresh_token)
    clock.move_to(start)
    idle = await sign_in()
    clock.move_to(start + timedelta(days=30, seconds=1))
    await refused(idle.refresh_token)


async def test_signing_out_here_leaves_the_other_devices_and_everywhere_leaves_none() -> None:
    first = await sign_in()
    second, third = await sign_in(first.person.openid), await sign_in(first.person.openid)
    await sessions.sign_out(first.session.id, first.person.id)
    await refused(first.refresh_token)
    second = await sessions.refresh(second.refresh_token)
    await sessions.sign_out_everywhere(first.person.id)
    for gone in (second, third):
        await refused(gone.refresh_token)
    assert await end_of(first) is SessionEnd.SIGNED_OUT
    assert await end_of(third) is SessionEnd.SIGNED_OUT_EVERYWHERE


async def test_nobody_signs_out_another() -> None:
    mine, theirs = await sign_in(), await sign_in()
    await sessions.sign_out(theirs.session.id, mine.person.id)
    assert await end_of(theirs) is None


async def test_a_sign_in_beside_a_suspension_leaves_no_session_in_force() -> None:
    for _ in range(10):
        signed_in = await sign_in()
        await asyncio.gather(
            service.suspend(signed_in.person.id, Decider(new_id(), "为何")),
            *(sign_in(signed_in.person.openid) for _ in range(3)),
            *(sessions.refresh(signed_in.refresh_token) for _ in range(2)),
            return_exceptions=True,
        )
        assert not await Session.filter(person_id=signed_in.person.id, ended_at=None).exists()


async def test_sessions_long_over_go_with_their_tokens_and_others_stay() -> None:
    start = clock.now()
    ended, living = await sign_in(), await sign_in()
    await sessions.refresh(ended.refresh_token)
    await sessions.sign_out(ended.session.id, ended.person.id)
    clock.move_to(start + sessions.KEPT + timedelta(minutes=1))
    assert await sessions.prune() >= 1
    assert not await RefreshToken.filter(session_id=ended.session.id).exists()
    assert not await Session.filter(id=ended.session.id).exists()
    assert await Session.filter(id=living.session.id).exists()
    clock.move_to(start + sessions.IDLE + sessions.KEPT + timedelta(minutes=1))
    assert await sessions.prune() >= 1
    assert not await Session.filter(id=living.session.id).exists()


async def test_marks_that_all_have_read_are_deleted() -> None:
    start = clock.now()
    await revocations.revoke(new_id())
    assert await revocations.prune() == 0
    clock.move_to(start + revocations.KEPT + timedelta(seconds=10))
    assert await revocations.prune() >= 1
    assert await Revocation.all().count() == 0
