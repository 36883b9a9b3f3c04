"""What is publicised and drawn: figures of schools for so many days, and a second look that nobody gets round."""

from datetime import timedelta

import pytest

from server.awards import publications, rules, samples
from server.awards.models import Award, AwardState, Part, PublicationFigure, RunKind, SecondCheck
from server.awards.samples import Verdict
from server.kernel import clock
from server.kernel.outbox import Event
from server.people.service import Decider
from tests.awards.deciding import World, acts, now, parts, refused, states
from tests.factories import make_organisation
from tests.harness import statements
from tests.harness.funding import REWARD_FEN

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A draw is needed above four, and takes two at least."""
    current = rules.in_force()
    check = current.second_check.model_copy(update={"above": 4, "share": 0.1, "least": 2})
    monkeypatch.setattr(rules, "in_force", lambda: current.model_copy(update={"second_check": check}))


async def test_figures_of_each_school_for_so_many_days(here: World) -> None:
    other = await make_organisation(name="山前中学（示例）")
    awards = [*await here.reviewed(2), *await here.reviewed(1, school=other)]
    [made] = await publications.publish(here.year, here.programme, here.approver)
    assert made.ends_on - made.starts_on == timedelta(days=rules.in_force().publication.days - 1)
    figures = (await publications.figures([made]))[made.id]
    assert {one.payee_id: (one.awards, one.amount_fen) for one in figures} == {
        here.school.id: (2, 2 * REWARD_FEN),
        other.id: (1, REWARD_FEN),
    }
    assert await states(*awards) == ["publicised"] * 3
    assert await parts(awards[0]) == {here.reviewer: Part.REVIEW}
    told = {f"publication_figure:{one.id}" for one in figures}
    assert {one.subject for one in await Event.filter(name="publication.made")} >= told


async def test_only_what_is_reviewed_is_published_and_by_whom_it_may(here: World) -> None:
    await here.award()
    assert await refused(publications.publish(here.year, here.programme, here.reviewer)) == ("nothing_to_publish", 409)
    [award] = await here.reviewed()
    assert await refused(publications.publish(here.year, here.programme, here.finance)) == ("not_yours_to_do", 403)
    await here.says(here.reviewer, RunKind.HOLD, award)
    assert await refused(publications.publish(here.year, here.programme, here.reviewer)) == ("nothing_to_publish", 409)


async def test_one_order_publishes_each_programme_by_itself(here: World) -> None:
    year = 2031
    for programme in ("甲", "乙"):
        await here.award(programme=programme, year=year, state=AwardState.REVIEWED)
    made = await publications.publish(year, None, here.reviewer)
    assert [one.programme for one in made] == sorted(["甲", "乙"])
    assert [one.id for one in await publications.made_with(made[0].id)] == [one.id for one in made]


async def test_all_of_one_order_are_held_in_the_order_of_their_ids(here: World) -> None:
    """As everybody holds awards, so that nobody waits for each other: the later programme has the first id."""
    year = 2032
    for programme in ("乙", "甲", "乙", "甲"):
        await here.award(programme=programme, year=year, state=AwardState.REVIEWED)
    with statements.sent() as sent:
        await publications.publish(year, None, here.reviewer)
    assert len([one for one in sent if "FROM award WHERE year" in one and "ORDER BY id" in one]) == 1
    assert [one for one in sent if "FROM award WHERE programme" in one] == []


async def test_what_was_said_stays_when_one_award_goes_back(here: World) -> None:
    kept, gone = await here.publicised(2)
    assert await here.undoes(here.approver, gone) == "reviewed"
    assert (await now(gone)).publication_id is None
    [figure] = await PublicationFigure.filter(payee_id=here.school.id)
    assert figure.awards == 2
    await publications.publish(here.year, here.programme, here.reviewer)
    assert await states(kept, gone) == ["publicised"] * 2


@pytest.mark.usefixtures("strict")
async def test_above_so_many_a_draw_comes_first(here: World) -> None:
    await here.reviewed(5)
    publish = publications.publish
    assert await refused(publish(here.year, here.programme, here.reviewer)) == ("sample_missing", 409)
    made = await samples.draw(here.programme, here.year, here.reviewer)
    assert (made.population, made.size) == (5, 2)
    order = await samples.members(made.id)
    waiting = await Award.filter(sample_id=made.id, second_check=SecondCheck.WAITING)
    assert {one.id for one in waiting} == set(order[:2])
    first, second = order[:2]
    assert await refused(publish(here.year, here.programme, here.reviewer)) == ("second_check_waiting", 409)
    await samples.check(first, Verdict.PASS, Decider(here.reviewer_2, "无误"))
    await here.says(here.reviewer, RunKind.HOLD, await Award.get(id=second))
    assert await refused(publish(here.year, here.programme, here.reviewer)) == ("second_check_waiting", 409)
    await Award.filter(id=second).update(doubt="referral_in_dispute")
    await publish(here.year, here.programme, here.reviewer)
    assert sorted(await states(*[await Award.get(id=one) for one in order])) == ["held"] + ["publicised"] * 4


@pytest.mark.usefixtures("strict")
async def test_publishing_a_few_at_a_time_is_no_way_round(here: World) -> None:
    await here.publicised(3)
    await here.reviewed(2)
    assert await refused(publications.publish(here.year, here.programme, here.reviewer)) == ("sample_missing", 409)


@pytest.mark.usefixtures("strict")
async def test_reviewing_a_few_at_a_time_is_no_way_round_either(here: World) -> None:
    await here.reviewed(3)
    late = await here.awards(2)
    assert await refused(publications.publish(here.year, here.programme, here.reviewer)) == ("sample_missing", 409)
    await Award.filter(id__in=[one.id for one in late]).update(state=AwardState.REFUSED)
    await publications.publish(here.year, here.programme, here.reviewer)


async def test_anyone_can_draw_again(here: World) -> None:
    awards = await here.reviewed(3)
    made = await samples.draw(here.programme, here.year, here.reviewer)
    ids = [one.id for one in awards]
    assert samples.drawn(ids, made.seed, made.size) == (await samples.members(made.id))[: made.size]
    assert await refused(samples.draw(here.programme, here.year, here.reviewer)) == ("nothing_to_draw", 409)
    assert await refused(samples.draw(here.programme, here.year, here.finance)) == ("not_yours_to_do", 403)


async def drawn(here: World) -> Award:
    [award] = await here.reviewed()
    await samples.draw(here.programme, here.year, here.reviewer)
    return award


async def test_the_second_look_is_another_persons(here: World) -> None:
    award = await drawn(here)
    look = samples.check
    assert await refused(look(award.id, Verdict.PASS, Decider(here.reviewer, "无误"))) == ("another_part", 403)
    assert await refused(look(award.id, Verdict.PASS, Decider(here.finance, "无误"))) == ("not_yours_to_do", 403)
    await look(award.id, Verdict.PASS, Decider(here.approver, "无误"))
    assert await refused(look(award.id, Verdict.PASS, Decider(here.approver, "无误"))) == ("nothing_to_check", 409)
    await publications.publish(here.year, here.programme, here.reviewer)
    clock.move_to(clock.now() + timedelta(days=30))
    assert await here.codes(here.approver, RunKind.APPROVE, award) == ["another_part"]
    assert await here.codes(here.approver_2, RunKind.APPROVE, award) == [None]
    assert await acts(award) == ["reviewed", "drawn", "second_checked", "publicised", "approved"]


async def test_one_that_fails_is_held_and_looked_at_again(here: World) -> None:
    award = await drawn(here)
    await samples.check(award.id, Verdict.FAIL, Decider(here.reviewer_2, "名册不符"))
    assert (await now(award)).second_check is SecondCheck.FAILED
    assert await here.codes(here.reviewer_3, RunKind.RELEASE, award) == [None]
    assert (await now(award)).second_check is SecondCheck.WAITING
    waits = ("second_check_waiting", 409)
    assert await refused(publications.publish(here.year, here.programme, here.reviewer)) == waits
    await samples.check(award.id, Verdict.PASS, Decider(here.reviewer_2, "已补正"))
    await publications.publish(here.year, here.programme, here.reviewer)


async def test_a_review_undone_does_not_shake_off_the_draw(here: World) -> None:
    award = await drawn(here)
    await here.undoes(here.reviewer, award)
    await here.says(here.reviewer, RunKind.REVIEW, award)
    assert (await now(award)).second_check is SecondCheck.WAITING
