"""What becomes of awards when something happens to the claims they follow from, in the same transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from server.awards import clawbacks, holding, queue, soundness, states
from server.awards.holding import Change
from server.awards.models import ENDED, Award, AwardState
from server.kernel import outbox
from server.kernel.outbox import Occurrence
from server.kernel.statements import select
from server.organisations import current
from server.organisations.roles import Role

HELD, DOUBTED = "held", "doubted"
_ENDED = ", ".join(f"'{state}'" for state in ENDED)
_LIVE = f"student_id = ANY($1) AND referral_id IS NOT NULL AND state NOT IN ({_ENDED}) ORDER BY id"


async def follow(student_ids: Collection[UUID], by: UUID | None) -> None:
    """Hold awards whose claim is not sound any more, and clear of doubt those whose claim is again.

    What is on a statement is only marked, which keeps the statement from being sent; of what is paid it is asked
    whether it is claimed back. Nothing goes on by itself. A settled number of statements, and one where nothing
    follows from the claims on these students, who are held.
    """
    awards = await select(Award, _LIVE, list(student_ids), hold=True)
    if not awards:
        return
    doubts = await soundness.doubts(awards)
    changed = [one for one in awards if one.doubt != doubts.get(one.id, "")]
    fresh = [one for one in changed if not one.doubt]
    left = {one.fund_id for one in fresh if states.queued(one.state)}
    changes = [_mark(one, doubts.get(one.id, "")) for one in changed]
    await holding.write([one for one in changes if one.event == HELD], by)
    await holding.write([one for one in changes if one.event != HELD], by, tell=False)
    await _warn([one.award for one in changes if one.event == DOUBTED], by)
    await queue.look(left)
    await _ask([one for one in changed if one.doubt and one.state is AwardState.PAID])


def _mark(held: Award, doubt: str) -> Change:
    before, event = held.state, DOUBTED if doubt else "cleared"
    if doubt and before in states.GOING_ON:
        holding.enter(held, AwardState.HELD)
        event = HELD
    why = doubt or held.doubt
    held.doubt = doubt
    return Change(held, before, event, (why,))


async def _warn(doubted: Sequence[Award], by: UUID | None) -> None:
    """Tell those who can still do something about it of what is doubtful on a statement; the payee is told of acts."""
    going_out = [one for one in doubted if one.state is AwardState.ON_STATEMENT]
    if not going_out:
        return
    people = sorted({*await current.staff(Role.FINANCE, Role.REVIEWER)} - {by})
    await outbox.record_many(Occurrence(f"award.{DOUBTED}", holding.subject_of(one.id), people) for one in going_out)


async def _ask(paid: Sequence[Award]) -> None:
    by_doubt: defaultdict[str, list[Award]] = defaultdict(list)
    for one in paid:
        by_doubt[one.doubt].append(one)
    for doubt, asked in by_doubt.items():
        await clawbacks.questions(asked, doubt)
