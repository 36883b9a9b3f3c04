"""Appeals: once per refusal, by those whom it concerns, decided by another person."""

import asyncio
from uuid import UUID

import pytest

from server.access.rules import Caller, Post
from server.appeals import service
from server.appeals.models import Appeal, AppealState
from server.appeals.service import Verdict
from server.kernel.audit import AuditEntry
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.outbox import Event
from server.organisations import decisions
from server.organisations.applications import apply, correct
from server.organisations.models import Membership, Organisation
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.factories import make_member, make_person
from tests.organisations.applying import application, credit_code, reviewer

pytestmark = pytest.mark.usefixtures("database")


def caller(membership: Membership, role: Role = Role.MANAGER) -> Caller:
    return Caller(membership.person_id, new_id(), (Post(membership.organisation_id, Kind.ENTERPRISE, role),))


def staff(person_id: UUID, role: Role = Role.REVIEWER) -> Caller:
    return Caller(person_id, new_id(), (Post(new_id(), Kind.SECRETARIAT, role),))


async def judge(appeal_id: UUID, verdict: Verdict, by: Decider) -> Appeal:
    return await service.judge(appeal_id, verdict, staff(by.person_id), by.reason)


async def rejected() -> tuple[Membership, Decider]:
    made, by = await apply(application(), (await make_person()).id), await reviewer()
    await decisions.decide(made.organisation_id, decisions.Verdict.REJECT, by)
    return made, by


async def appealed() -> tuple[Membership, Decider, Appeal]:
    made, by = await rejected()
    return made, by, await service.appeal(f"organisation:{made.organisation_id}", "材料是真的", caller(made))


async def state_of(organisation_id: UUID) -> str:
    return (await Organisation.get(id=organisation_id)).state


async def test_a_refusal_is_appealed_against_once() -> None:
    made, by, appeal = await appealed()
    assert (appeal.state, appeal.refused_by_id) == (AppealState.OPEN, by.person_id)
    assert (await AuditEntry.get(id=appeal.refusal_id)).action == "organisation.rejected"
    with pytest.raises(DomainError, match="already_appealed"):
        await service.appeal(appeal.subject, "再说一次", caller(made))
    await judge(appeal.id, Verdict.UPHOLD, await reviewer())
    with pytest.raises(DomainError, match="already_appealed"):
        await service.appeal(appeal.subject, "再说一次", caller(made))


async def test_another_refusal_can_be_appealed_against_again() -> None:
    made, by, first = await appealed()
    await judge(first.id, Verdict.UPHOLD, await reviewer())
    await correct(made.organisation_id, {}, by=made.person_id, version=None)
    await decisions.decide(made.organisation_id, decisions.Verdict.REJECT, by)
    assert (await service.appeal(first.subject, "又被驳回", caller(made))).refusal_id != first.refusal_id


async def test_of_many_who_appeal_at_once_one_does() -> None:
    made, _ = await rejected()
    appeals = (service.appeal(f"organisation:{made.organisation_id}", "同时", caller(made)) for _ in range(6))
    outcomes = await asyncio.gather(*appeals, return_exceptions=True)
    assert sum(isinstance(outcome, Appeal) for outcome in outcomes) == 1
    assert {str(outcome) for outcome in outcomes if not isinstance(outcome, Appeal)} == {"already_appealed"}


async def test_only_managers_of_what_was_refused_appeal() -> None:
    made, _ = await rejected()
    subject = f"organisation:{made.organisation_id}"
    stranger = Caller((await make_person()).id, new_id())
    for who, text, slug, status in (
        (caller(made, Role.CLERK), subject, "not_yours_to_do", 403),
        (stranger, subject, "not_found", 404),
        (stranger, f"organisation:{new_id()}", "not_found", 404),
        (caller(made), "organisation:x", "invalid", 422),
        (caller(made), f"person:{made.person_id}", "invalid", 422),
        (caller(made), "organisation", "invalid", 422),
    ):
        with pytest.raises(DomainError) as refused:
            await service.appeal(text, "理由", who)
        assert (refused.value.slug, refused.value.status) == (slug, status)


async def test_what_was_not_refused_cannot_be_appealed_against() -> None:
    made = await apply(application(), (await make_person()).id)
    subject = f"organisation:{made.organisation_id}"
    for verdict in (None, decisions.Verdict.VERIFY):
        if verdict:
            await decisions.decide(made.organisation_id, verdict, await reviewer())
        with pytest.raises(DomainError, match="nothing_refused"):
            await service.appeal(subject, "理由", caller(made))


async def test_an_appeal_that_is_overturned_verifies() -> None:
    made, _, appeal = await appealed()
    by = await reviewer()
    decided = await judge(appeal.id, Verdict.OVERTURN, by)
    assert (decided.state, decided.decided_by_id, decided.decision) == ("overturned", by.person_id, by.reason)
    organisation = await Organisation.get(id=made.organisation_id)
    assert (organisation.state, organisation.decided_by_id) == ("verified", by.person_id)
    assert organisation.due_on
    [event] = await Event.filter(name="appeal.overturned", subject=f"appeal:{appeal.id}")
    assert event.people == [str(made.person_id)]


async def test_a_refused_change_comes_about_by_appeal() -> None:
    made, by = await apply(application(), (await make_person()).id), await reviewer()
    await decisions.decide(made.organisation_id, decisions.Verdict.VERIFY, by)
    await correct(made.organisation_id, {"name": "改名（示例）"}, by=made.person_id, version=None)
    await decisions.decide(made.organisation_id, decisions.Verdict.REJECT, by)
    appeal = await service.appeal(f"organisation:{made.organisation_id}", "确已更名", caller(made))
    await judge(appeal.id, Verdict.OVERTURN, await reviewer())
    organisation = await Organisation.get(id=made.organisation_id)
    assert (organisation.name, organisation.pending_revision) == ("改名（示例）", None)


async def test_who_refused_who_appealed_and_who_belongs_there_do_not_decide() -> None:
    made, by, appeal = await appealed()
    member = await make_member(await made.organisation, Role.CLERK)
    for person_id, slug in (
        (by.person_id, "another_person"),
        (made.person_id, "decides_for_own"),
        (member.person_id, "decides_for_own"),
    ):
        with pytest.raises(DomainError) as refused:
            await judge(appeal.id, Verdict.OVERTURN, Decider(person_id, "理由"))
        assert (refused.value.slug, refused.value.status) == (slug, 403)
    assert await state_of(made.organisation_id) == "rejected"


async def test_of_reviewers_who_decide_at_once_one_wins() -> None:
    for _ in range(5):
        made, _, appeal = await appealed()
        reviewers = [await reviewer() for _ in range(4)]
        verdicts = [Verdict.OVERTURN, Verdict.UPHOLD] * 2
        outcomes = await asyncio.gather(
            *(judge(appeal.id, *pair) for pair in zip(verdicts, reviewers, strict=True)), return_exceptions=True
        )
        [won] = [outcome for outcome in outcomes if isinstance(outcome, Appeal)]
        assert {str(outcome) for outcome in outcomes if isinstance(outcome, DomainError)} == {"appeal_decided"}
        expected = "verified" if won.state is AppealState.OVERTURNED else "rejected"
        assert await state_of(made.organisation_id) == expected


@pytest.mark.parametrize("refused_again", [False, True])
async def test_an_appeal_that_was_overtaken_can_only_be_closed(*, refused_again: bool) -> None:
    made, by, appeal = await appealed()
    await correct(made.organisation_id, {}, by=made.person_id, version=None)
    if refused_again:
        await decisions.decide(made.organisation_id, decisions.Verdict.REJECT, by)
    with pytest.raises(DomainError, match="nothing_refused"):
        await judge(appeal.id, Verdict.OVERTURN, await reviewer())
    assert (await judge(appeal.id, Verdict.UPHOLD, await reviewer())).state is AppealState.UPHELD
    assert await state_of(made.organisation_id) == ("rejected" if refused_again else "applied")


async def test_a_code_that_was_taken_meanwhile_keeps_the_refusal() -> None:
    code = credit_code()
    made = await apply(application(credit_code=code), (await make_person()).id)
    await decisions.decide(made.organisation_id, decisions.Verdict.REJECT, await reviewer())
    appeal = await service.appeal(f"organisation:{made.organisation_id}", "理由", caller(made))
    await apply(application(credit_code=code), (await make_person()).id)
    with pytest.raises(DomainError, match="code_taken"):
        await judge(appeal.id, Verdict.OVERTURN, await reviewer())
    assert (await Appeal.get(id=appeal.id)).state is AppealState.OPEN


async def test_appeals_are_listed_by_state_the_oldest_first() -> None:
    _, _, first = await appealed()
    _, _, second = await appealed()
    deciding = staff(new_id())
    page = await service.appeals(AppealState.OPEN, deciding, 100, None)
    ids = [appeal.id for appeal in page.items]
    assert ids.index(first.id) < ids.index(second.id)
    await judge(first.id, Verdict.UPHOLD, await reviewer())
    assert first.id in {appeal.id for appeal in (await service.appeals(AppealState.UPHELD, deciding, 100, None)).items}
