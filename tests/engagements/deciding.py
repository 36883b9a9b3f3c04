"""What the secretariat has to decide of engagements, and who does."""

from uuid import UUID

from server.access.rules import Caller, Post
from server.engagements import contests, working
from server.engagements.models import Engagement
from server.kernel import clock
from server.kernel.ids import new_id
from server.organisations.roles import Kind, Role
from server.people.service import Decider
from tests.engagements.filling import DAY, SOON, Firm, later, make_worker, taken, worker_of
from tests.factories import make_person


async def reviewer(reason: str = "已向双方核实") -> Decider:
    return Decider((await make_person()).id, reason)


def judge(person_id: UUID) -> Caller:
    return Caller(person_id, new_id(), (Post(new_id(), Kind.SECRETARIAT, Role.REVIEWER),))


def manager(firm: Firm) -> Caller:
    return Caller(firm.clerk, new_id(), (Post(firm.id, Kind.ENTERPRISE, Role.MANAGER),))


def oneself(held: Engagement) -> Caller:
    return Caller(held.person_id, new_id())


async def missed(firm: Firm) -> Engagement:
    """Somebody of whom the poster says that they did not come."""
    posting = await firm.seeks(ends_on=clock.today() + 90 * DAY)
    held = await taken(firm, posting, await make_worker())
    later((SOON + 1) * DAY)
    return await working.no_show(held.id, firm.actor)


async def contested(firm: Firm) -> Engagement:
    held = await missed(firm)
    return await contests.contest(held.id, worker_of(held.person_id), "当天在岗，有打卡记录")


async def unpaid(firm: Firm) -> Engagement:
    held = await taken(firm, await firm.seeks(), await make_worker())
    later((SOON + 1) * DAY)
    await working.attend(held.id, firm.actor)
    for actor in (firm.actor, worker_of(held.person_id)):
        await working.complete(held.id, actor)
    return await working.report_unpaid(held.id, worker_of(held.person_id))
