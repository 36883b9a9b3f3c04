"""An account ends when its person wants it to; what must be kept is kept as long as it must, and no longer."""

import asyncio
from datetime import date, timedelta
from itertools import count
from uuid import UUID

import pytest

from server.appeals.models import Appeal, AppealState
from server.callbacks.models import Account, WeChatEvent
from server.consents.models import Capacity, Consent
from server.kernel import clock
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.organisations.models import Membership, Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.people import service as people
from server.people import sessions
from server.people.models import Follower, Person, PersonState, RefreshToken, Session
from server.privacy import deletion, retention, rules
from server.privacy.rules import Kept
from server.students import service as students
from server.students.models import Relation, Student, StudentLink
from server.students.service import Verdict
from tests.factories import make_member, make_organisation, make_person
from tests.people.fakes import FakeLimits, FakeWeChat, Someone
from tests.policy.shelf import CONTENT
from tests.students.numbers import claim, number_of

pytestmark = pytest.mark.usefixtures("database")
RULES = rules.load(CONTENT)
WEEK, YEARS = timedelta(days=7, minutes=1), timedelta(days=1095)
PHONE = "13970531864"
_numbers = count()


async def sign_in(openid: str, *, undo_deletion: bool = False, unionid: str | None = None) -> sessions.SignedIn:
    wechat = FakeWeChat({"code": Someone(openid, unionid)}, {"phone": PHONE})
    return await sessions.sign_in("code", "10.0.0.1", 300, wechat, FakeLimits(), undo_deletion=undo_deletion)


async def newcomer(name: str = "何小满") -> tuple[str, Person]:
    openid = f"leaver-{next(_numbers)}"
    person = (await sign_in(openid, unionid=f"union-{openid}")).person
    await people.rename(person.id, name)
    await people.set_phone(person.id, "phone", FakeWeChat(phones={"phone": PHONE}), FakeLimits())
    await Follower.create(openid=f"f-{openid}", unionid=f"union-{openid}", following=True, changed_at=clock.now())
    return openid, person


def later(time: timedelta) -> None:
    clock.move_to(clock.now() + time)


async def state(person_id: UUID) -> PersonState:
    return (await Person.get(id=person_id)).state


async def test_an_account_of_which_nothing_must_be_kept_is_erased_after_a_week() -> None:
    openid, person = await newcomer()
    asked = await deletion.request(person.id, RULES)
    assert (asked.person.state, asked.kept) == (PersonState.DELETION_REQUESTED, [])
    assert not await Session.filter(person_id=person.id, ended_at=None).exists()
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.DELETION_REQUESTED
    later(WEEK)
    assert (await retention.retain(RULES))["erased"] == 1
    erased = await Person.get(id=person.id)
    assert (erased.state, erased.unionid, erased.name_sealed) == (PersonState.ERASED, None, None)
    assert (erased.phone_sealed, erased.phone_index) == (None, None)
    assert openid not in erased.openid
    assert not await Session.exists(person_id=person.id)
    assert not await RefreshToken.exists(session__person_id=person.id)
    assert not await Follower.exists(unionid=f"union-{openid}")
    history = await AuditEntry.filter(subject=f"person:{person.id}").order_by("id")
    assert [one.after for one in history] == ["deletion_requested", "erased"]
    again = await sign_in(openid)
    assert again.is_new
    assert again.person.id != person.id
    assert (await retention.retain(RULES))["erased"] == 0


async def test_signing_in_says_so_and_undoes_it_only_when_asked_to() -> None:
    openid, person = await newcomer()
    await deletion.request(person.id, RULES)
    with pytest.raises(DomainError) as caught:
        await sign_in(openid)
    assert (caught.value.slug, caught.value.status) == ("deletion_requested", 403)
    later(timedelta(days=6))
    back = await sign_in(openid, undo_deletion=True)
    assert (back.person.id, back.is_new, back.person.state) == (person.id, False, PersonState.ACTIVE)
    later(WEEK)
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.ACTIVE
    assert people.name_of(await Person.get(id=person.id)) is not None


async def test_a_second_request_and_one_of_the_suspended_are_refused() -> None:
    _, person = await newcomer()
    await deletion.request(person.id, RULES)
    with pytest.raises(DomainError) as caught:
        await deletion.request(person.id, RULES)
    assert (caught.value.slug, caught.value.status) == ("state_already", 409)


async def test_the_last_who_leads_an_organisation_has_to_be_replaced_first_also_of_two_at_once() -> None:
    organisation = await make_organisation(Kind.ENTERPRISE)
    managers = [await make_person(), await make_person()]
    for manager in managers:
        await make_member(organisation, Role.MANAGER, manager)
    outcomes = await asyncio.gather(*(deletion.request(one.id, RULES) for one in managers), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, DomainError)]
    assert [(one.slug, one.status) for one in refused] == [("last_lead", 409)]
    states = sorted([await state(one.id) for one in managers])
    assert states == [PersonState.ACTIVE, PersonState.DELETION_REQUESTED]


async def test_who_acted_for_an_organisation_is_kept_by_name_for_three_years_and_nothing_else() -> None:
    openid, person = await newcomer()
    organisation = await make_organisation(Kind.FEEDER_SCHOOL)
    membership = await make_member(organisation, Role.CLERK, person)
    asked = await deletion.request(person.id, RULES)
    assert [one.kept for one in asked.kept] == [Kept.PERSON_NAME]
    assert asked.kept[0].until == asked.final_at + YEARS
    later(WEEK)
    assert (await retention.retain(RULES))["restricted"] >= 1
    kept = await Person.get(id=person.id)
    assert (kept.state, kept.phone_sealed, kept.unionid) == (PersonState.RESTRICTED, None, None)
    assert kept.openid != openid
    assert people.name_of(kept) is not None
    assert (await Membership.get(id=membership.id)).ended_at is not None
    assert (await sign_in(openid)).is_new
    later(YEARS - timedelta(days=1))
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.RESTRICTED
    later(timedelta(days=2))
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.ERASED
    assert (await Person.get(id=person.id)).name_sealed is None


async def test_links_consents_and_at_last_the_student_go_when_their_time_has_come() -> None:
    _, person = await newcomer()
    number = number_of(date(2009, 5, 5))
    link = await students.request(person.id, claim(number))
    by = people.Decider((await make_person()).id, "已核对")
    await students.decide(link.id, Verdict.CONFIRM, by)
    unconfirmed = await students.request(person.id, claim(number_of(date(2015, 5, 5)), Relation.GUARDIAN))
    consent = await Consent.create(
        person_id=person.id, student_id=link.student_id, document="student", document_version="1", scope="identity",
        capacity=Capacity.SELF, given_at=clock.now(),
    )  # fmt: skip
    asked = await deletion.request(person.id, RULES)
    assert [one.kept for one in asked.kept] == [Kept.STUDENT_LINK, Kept.CONSENT]
    assert asked.kept[1].until == asked.final_at + YEARS
    later(WEEK)
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.RESTRICTED
    assert not await StudentLink.exists(id=unconfirmed.id)
    assert (await Consent.get(id=consent.id)).withdrawn_at is not None
    later(timedelta(days=31))
    await retention.retain(RULES)
    assert not await Student.exists(id=unconfirmed.student_id)
    assert await Student.exists(id=link.student_id)
    deleted = await AuditEntry.get(subject=f"student:{unconfirmed.student_id}", action="student.deleted")
    assert deleted.before == "minor"
    later(YEARS)
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.ERASED
    assert not await StudentLink.exists(id=link.id)
    assert not await Consent.exists(id=consent.id)
    assert not await Student.exists(id=link.student_id)
    adult = await AuditEntry.get(subject=f"student:{link.student_id}", action="student.deleted")
    assert adult.before == "adult"


async def test_who_waits_for_an_answer_to_an_appeal_stays_until_it_came_and_its_words_go_with_them() -> None:
    openid, person = await newcomer()
    appeal = await Appeal.create(
        subject=f"organisation:{new_id()}", refusal_id=new_id(), person_id=person.id, reason="材料齐全",
        created_at=clock.now(),
    )  # fmt: skip
    await deletion.request(person.id, RULES)
    later(WEEK)
    await retention.retain(RULES)
    waiting = await Person.get(id=person.id)
    assert (waiting.state, waiting.openid) == (PersonState.DELETION_REQUESTED, openid)
    await Appeal.filter(id=appeal.id).update(state=AppealState.UPHELD, decision="证照已过期")
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.ERASED
    kept = await Appeal.get(id=appeal.id)
    assert (kept.state, kept.reason, kept.decision) == (AppealState.UPHELD, "", "")


async def test_what_wechat_told_of_somebody_goes_with_them_and_nothing_of_others() -> None:
    openid, person = await newcomer()
    for of in (openid, f"f-{openid}", f"other-{openid}"):
        await WeChatEvent.create(
            account=Account.SERVICE_ACCOUNT, fingerprint=of, name="subscribe", openid=of, payload={},
            received_at=clock.now(),
        )  # fmt: skip
    await deletion.request(person.id, RULES)
    later(WEEK)
    await retention.retain(RULES)
    left = await WeChatEvent.filter(fingerprint__endswith=openid)
    assert [one.openid for one in left] == [f"other-{openid}"]


async def test_the_founder_of_what_came_to_nothing_goes_and_it_is_closed() -> None:
    _, person = await newcomer()
    organisation = await make_organisation(Kind.ENTERPRISE, state=OrganisationState.REJECTED)
    await make_member(organisation, Role.MANAGER, person)
    await deletion.request(person.id, RULES)
    assert (await Organisation.get(id=organisation.id)).state is OrganisationState.REJECTED
    later(WEEK)
    await retention.retain(RULES)
    assert await state(person.id) is PersonState.RESTRICTED
    assert (await Organisation.get(id=organisation.id)).state is OrganisationState.CLOSED


async def test_who_signs_in_while_the_job_runs_either_stays_or_is_somebody_new() -> None:
    openid, person = await newcomer()
    await deletion.request(person.id, RULES)
    later(WEEK)
    back, _ = await asyncio.gather(sign_in(openid, undo_deletion=True), retention.retain(RULES))
    stayed = back.person.id == person.id
    assert await state(person.id) is (PersonState.ACTIVE if stayed else PersonState.ERASED)
    assert (await Person.get(openid=openid)).id == back.person.id
