"""What people say of themselves lies sealed; suspension acts at once, once, and never on oneself."""

import asyncio
from itertools import count

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel import clock, sensitive
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.kernel.sensitive import Kind
from server.people import service, sessions
from server.people.models import Person, PersonState, Session, SessionEnd
from server.people.service import PHONE_TRIES, Decider
from tests.people.fakes import FakeLimits, FakeWeChat, Someone

pytestmark = pytest.mark.usefixtures("database")
_numbers = count()


async def make_person() -> Person:
    return await Person.create(openid=f"service-{next(_numbers)}", created_at=clock.now())


def decider() -> Decider:
    return Decider(new_id(), "多次冒用他人身份")


async def test_a_name_is_set_spelt_and_taken_back() -> None:
    person = await make_person()
    assert service.name_of(person) is None
    named = await service.rename(person.id, " 阿依古丽 • 买买提 ")
    name = service.name_of(named)
    assert name
    assert name.reveal() == "阿依古丽·买买提"
    assert service.name_of(await service.rename(person.id, None)) is None


@pytest.mark.parametrize("text", ["", "王1", "王\n", "王" * 51])
async def test_what_is_no_name_changes_nothing(text: str) -> None:
    person = await make_person()
    await service.rename(person.id, "王小明")
    with pytest.raises(DomainError) as caught:
        await service.rename(person.id, text)
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [("/name", "person_name")]
    name = service.name_of(await service.person(person.id))
    assert name
    assert name.reveal() == "王小明"


async def test_a_phone_number_lies_sealed_and_two_may_share_it(database: BaseDBAsyncClient) -> None:
    wechat = FakeWeChat(phones={"code": "13800005678"})
    child, mother = await make_person(), await make_person()
    for person in (child, mother):
        changed = await service.set_phone(person.id, "code", wechat, FakeLimits())
        number = service.phone_of(changed)
        assert number
        assert (number.masked, number.reveal()) == ("*******5678", "13800005678")
    index = sensitive.vault().index(Kind.PHONE, "13800005678")
    assert await Person.filter(phone_index=index).count() == 2
    rows = await database.execute_query_dict("SELECT * FROM person")
    assert "13800005678" not in str(rows)
    assert "13800005678" not in str(await Event.all().values())


async def test_an_envelope_opens_for_its_own_person_only() -> None:
    mine, theirs = await make_person(), await make_person()
    await service.rename(mine.id, "王小明")
    theirs.name_sealed = (await service.person(mine.id)).name_sealed
    with pytest.raises(sensitive.VaultError):
        service.name_of(theirs)


async def test_phone_codes_are_tried_so_often_in_an_hour() -> None:
    limits, person = FakeLimits(), await make_person()
    for _ in range(PHONE_TRIES):
        await service.set_phone(person.id, "code", FakeWeChat(phones={"code": "13800005678"}), limits)
    with pytest.raises(DomainError) as caught:
        await service.set_phone(person.id, "code", FakeWeChat(), limits)
    assert caught.value.status == 429


async def test_a_try_that_wechat_was_away_for_does_not_count() -> None:
    class Away(FakeWeChat):
        async def phone(self, code: str) -> str:
            raise DomainError("wechat_away", 503, code=code)

    limits, person = FakeLimits(), await make_person()
    for _ in range(PHONE_TRIES + 1):
        with pytest.raises(DomainError) as caught:
            await service.set_phone(person.id, "code", Away(), limits)
        assert caught.value.status == 503
    assert await service.set_phone(person.id, "code", FakeWeChat(phones={"code": "13800005678"}), limits)


async def test_a_suspended_person_is_signed_out_and_kept_out_until_restored() -> None:
    wechat, limits = FakeWeChat({"code": Someone("suspect")}), FakeLimits()
    signed_in = await sessions.sign_in("code", "10.0.0.1", 300, wechat, limits)
    person_id, by = signed_in.person.id, decider()
    assert (await service.suspend(person_id, by)).state is PersonState.SUSPENDED
    assert (await Session.get(id=signed_in.session.id)).end is SessionEnd.SUSPENDED
    with pytest.raises(DomainError) as caught:
        await sessions.sign_in("code", "10.0.0.1", 300, wechat, limits)
    assert (caught.value.slug, caught.value.status) == ("person_suspended", 403)
    await service.restore(person_id, by)
    with pytest.raises(DomainError):
        await sessions.refresh(signed_in.refresh_token)
    assert not (await sessions.sign_in("code", "10.0.0.1", 300, wechat, limits)).is_new
    noted = await AuditEntry.filter(subject=f"person:{person_id}").order_by("id").values_list("before", "after")
    assert noted == [("active", "suspended"), ("suspended", "active")]
    assert await AuditEntry.filter(subject=f"person:{person_id}", actor_id=by.person_id, reason=by.reason).count() == 2
    told = await Event.filter(subject=f"person:{person_id}").order_by("id")
    assert [event.name for event in told] == ["person.signed_up", "person.suspended", "person.restored"]


async def test_of_simultaneous_suspensions_one_decides() -> None:
    person = await make_person()
    outcomes = await asyncio.gather(*(service.suspend(person.id, decider()) for _ in range(5)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, DomainError)]
    assert [(error.slug, error.status) for error in refused] == [("state_already", 409)] * 4
    assert await AuditEntry.filter(subject=f"person:{person.id}").count() == 1


async def test_refusals_change_nothing() -> None:
    person = await make_person()
    for verb, by, status in (
        (service.restore, decider(), 409),
        (service.suspend, Decider(person.id, "自己"), 403),
        (service.restore, Decider(person.id, "自己"), 403),
    ):
        with pytest.raises(DomainError) as caught:
            await verb(person.id, by)
        assert caught.value.status == status
    with pytest.raises(DomainError) as caught:
        await service.suspend(new_id(), decider())
    assert caught.value.status == 404
    assert (await service.person(person.id)).state is PersonState.ACTIVE
    assert not await AuditEntry.filter(subject=f"person:{person.id}").exists()
