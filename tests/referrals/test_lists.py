"""Lists and counts say what is there, in a settled number of statements."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from server.enrolments.models import EnrolmentState, Intake, Level
from server.kernel import clock
from server.kernel.errors import DomainError
from server.kernel.ids import new_id
from server.kernel.sensitive import Kind as Sealed
from server.organisations.models import Organisation
from server.organisations.roles import Kind
from server.referrals import counts, duplicates, enrolled, lists
from server.referrals.counts import By
from server.referrals.duplicates import Same, groups
from server.referrals.lists import Order, Wanted
from server.referrals.models import Referral, ReferralState
from tests.factories import make_organisation
from tests.harness.referring import make_claim, make_import, make_listed, make_student, sealed
from tests.students.numbers import number_of

pytestmark = pytest.mark.usefixtures("database")
YEAR = 2031


class World:
    a: Organisation
    b: Organisation
    college: Organisation
    old: Referral
    live: Referral
    disputed: Referral
    gone: Referral


@pytest.fixture(scope="module")
async def world(database: object) -> World:
    """A school with three claims, one of them disputed by another, which has one more that was withdrawn."""
    assert database
    made, now = World(), clock.now()
    made.a = await make_organisation(region="340802")
    made.b = await make_organisation(region="340822", name="山坳中学（示例）")
    made.college = await make_organisation(Kind.VOCATIONAL_SCHOOL, region="340803")
    twice = await make_student()
    enrolment = await make_listed(made.college, year=YEAR, state=EnrolmentState.REGISTERED)
    await make_listed(made.college, year=YEAR, level=Level.HIGHER)
    made.old = await make_claim(
        made.a, year=YEAR, state=ReferralState.MATCHED, enrolment=enrolment, student_id=enrolment.student_id,
        state_since=now - timedelta(days=40),
    )  # fmt: skip
    made.live = await make_claim(made.a, twice, year=YEAR, named_school=made.college)
    made.disputed = await make_claim(
        made.b, twice, year=YEAR, state=ReferralState.DISPUTED, needs_check=True, state_since=now - timedelta(days=9)
    )
    made.gone = await make_claim(made.b, twice, year=YEAR, state=ReferralState.WITHDRAWN, intake=Intake.SPRING)
    await make_claim(made.a, twice, year=YEAR + 1)
    await make_import(made.a, terms={"year": YEAR}, total=4, accepted=3, refused=1)
    await make_import(made.a, terms={"year": YEAR + 1}, accepted=9)
    return made


async def found(wanted: Wanted, within: list[UUID] | None = None, order: Order = Order.NEWEST) -> list[UUID]:
    return [row.id for row in (await lists.referrals(wanted, within, order, 20, None)).items]


async def test_each_filter_narrows(world: World) -> None:
    newest = [world.gone.id, world.disputed.id, world.live.id, world.old.id]
    assert await found(Wanted(YEAR)) == newest
    assert await found(Wanted(YEAR), [world.b.id]) == newest[:2]
    assert await found(Wanted(YEAR), []) == []
    assert await found(Wanted(YEAR), order=Order.WAITING) == [newest[3], newest[1], newest[2], newest[0]]
    assert await found(Wanted(YEAR, state=ReferralState.MATCHED)) == [world.old.id]
    assert await found(Wanted(YEAR, intake=Intake.SPRING)) == [world.gone.id]
    assert await found(Wanted(YEAR, school=world.a.id, region="340802")) == newest[2:]
    assert await found(Wanted(YEAR, region="340822")) == newest[:2]
    assert await found(Wanted(YEAR, named_school=world.college.id)) == [world.live.id]
    assert await found(Wanted(YEAR, needs_check=True)) == [world.disputed.id]
    assert await found(Wanted(YEAR, in_dispute=True)) == [world.disputed.id, world.live.id]
    assert await found(Wanted(YEAR, in_dispute=False)) == [world.gone.id, world.old.id]
    assert await found(Wanted(YEAR, waiting_days=9)) == [world.disputed.id, world.old.id]
    assert await found(Wanted(number=world.old.number)) == [world.old.id]


async def test_enrolments_say_whether_they_are_matched(world: World) -> None:
    async def listed(**wanted: object) -> list[int]:
        narrowed = enrolled.Wanted(YEAR, **wanted)  # type: ignore[arg-type]
        return [row.matched for row in (await enrolled.enrolments(narrowed, None, 20, None)).items]  # type: ignore[attr-defined]

    assert await listed() == [0, 1]
    assert await listed(matched=True) == [1]
    assert await listed(level=Level.HIGHER) == [0]
    assert await listed(school=world.a.id) == []


async def test_the_counts_of_a_school(world: World) -> None:
    summary = await counts.of_school([world.a.id], YEAR)
    assert summary.referrals.by_state == {"registered": 1, "matched": 1}
    assert (summary.referrals.in_dispute, summary.referrals.to_check, summary.referrals.total) == (1, 0, 2)
    assert summary.imports.by_state == {"done": 1}
    assert summary.imports.rows == {"accepted": 3, "warning": 0, "repeated": 0, "refused": 1}
    college = await counts.of_school([world.college.id], YEAR)
    assert college.referrals.total == 0
    assert college.enrolments.by_state == {"registered": 1, "listed": 1}
    assert college.enrolments.by_level == {"secondary": 1, "higher": 1}
    assert college.enrolments.matched == 1


async def test_the_counts_over_all(world: World) -> None:
    async def totals(by: By) -> dict[str | None, int]:
        return {group.key: group.total for group in await counts.over_all(YEAR, by)}

    schools = await counts.over_all(YEAR, By.SCHOOL)
    assert {group.name: (group.total, group.to_check, group.in_dispute) for group in schools} == {
        world.a.name: (2, 0, 1),
        world.b.name: (2, 1, 1),
    }
    assert await totals(By.COUNTY) == {"340802": 2, "340822": 2}
    assert await totals(By.INTAKE) == {"autumn": 3, "spring": 1}
    assert await totals(By.STATE) == {"registered": 1, "matched": 1, "disputed": 1, "withdrawn": 1}
    assert await totals(By.AGE) == {"week": 1, "month": 1, "quarter": 1}
    assert await counts.over_all(1990, By.SCHOOL) == []


async def test_duplicates_are_grouped_and_paged(world: World) -> None:
    assert world
    year, schools = YEAR + 5, [await make_organisation(), await make_organisation()]
    phones = [f"1385561370{n}" for n in range(9)]
    pairs = []
    for n in range(3):
        student = await make_student()
        pair = [await make_claim(schools[0], student, phones[n], year=year)]
        pair.append(await make_claim(schools[1], student, phones[n], year=year, state=ReferralState.DISPUTED))
        pairs.append([one.number for one in pair])
    twins = [(await make_claim(schools[0], None, phones[7], year=year)).number for _ in range(2)]
    settled = await make_claim(schools[0], None, phones[8], year=year)
    await make_claim(schools[1], settled.student, phones[8], year=year, state=ReferralState.REJECTED)

    async def found(same: Same, cursor: str | None = None) -> tuple[list[list[str]], str | None]:
        page = await groups(year, same, 2, cursor)
        return [[claim.number for claim in group.claims] for group in page.items], page.next_cursor

    first, cursor = await found(Same.STUDENT)
    assert first == pairs[:2]
    assert await found(Same.STUDENT, cursor) == (pairs[2:], None)
    assert await found(Same.PHONE) == ([twins], None)
    with pytest.raises(DomainError):
        await found(Same.PHONE, cursor)
    assert (await groups(1990, Same.STUDENT, 2, None)).items == []


async def test_namesakes_born_on_one_day_are_grouped_for_a_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world
    monkeypatch.setattr(duplicates, "AT_ONCE", 2)
    year, school, born = YEAR + 6, await make_organisation(), date(YEAR - 15, 5, 5)

    async def claim(name: str, day: date = born, state: ReferralState = ReferralState.REGISTERED) -> Referral:
        row_id, student = new_id(), await make_student(number_of(day))
        name_sealed = sealed("referral", row_id, "name", Sealed.NAME, name)
        return await make_claim(school, student, id=row_id, year=year, state=state, **name_sealed)

    pairs = [[(await claim(name)).number for _ in range(2)] for name in ("欧阳鸢", "买买提·艾力", "何小满")]
    await claim("欧阳鸢", born + timedelta(days=1))
    await claim("欧阳鸢", state=ReferralState.REJECTED)
    page = await groups(year, Same.NAME, 2, None)
    assert [[claim.number for claim in group.claims] for group in page.items] == pairs[:2]
    page = await groups(year, Same.NAME, 2, page.next_cursor)
    assert ([[claim.number for claim in group.claims] for group in page.items], page.next_cursor) == (pairs[2:], None)
    foreign = (await Referral.get(number=pairs[2][0])).name_sealed
    await Referral.filter(number=pairs[0][1]).update(name_sealed=foreign)
    page = await groups(year, Same.NAME, 2, None)
    assert [[claim.number for claim in group.claims] for group in page.items] == pairs[1:], (
        "the spoiled one is no match"
    )
    twice = await make_student(number_of(born))
    for state in (ReferralState.REGISTERED, ReferralState.DISPUTED):
        await make_claim(await make_organisation(), twice, year=year + 1, state=state)
    assert (await groups(year + 1, Same.NAME, 2, None)).items == [], "one student is no namesake"


async def test_a_lapsed_claim_may_be_in_a_dispute_too(world: World) -> None:
    assert world
    year, student = YEAR + 6, await make_student()
    states = (ReferralState.LAPSED, ReferralState.DISPUTED, ReferralState.WITHDRAWN)
    claims = [await make_claim(await make_organisation(), student, year=year, state=one) for one in states]
    assert set(await found(Wanted(year=year, in_dispute=True))) == {one.id for one in claims[:2]}
    [group] = (await groups(year, Same.STUDENT, 2, None)).items
    assert [one.number for one in group.claims] == [one.number for one in claims[:2]]
