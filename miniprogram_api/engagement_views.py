"""Engagements as the side that asks sees them, and the secretariat."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sanic import Request

from miniprogram_api.engagement_parts import EngagedPostingView, NextView, ReachView, SaidView, SuppliedView, WorkerView
from miniprogram_api.idempotent import made
from miniprogram_api.reading import Body
from miniprogram_api.representation import FixedResponse
from miniprogram_api.web import answer
from miniprogram_api.words import Words
from server.access import sides
from server.access.rules import Caller
from server.appeals import service as appeals
from server.engagements import contacts, contests, holding, listing, nexts
from server.engagements.contacts import Reach, Worker
from server.engagements.models import ContestState, Engagement, EngagementState, EngagementStep, Party
from server.engagements.nexts import Facts
from server.kernel import clock
from server.kernel.paging import Page


class EngagementView(Body):
    """A place on a demand. `version` counts writes, `size` is how many places it takes.

    `side` is the side on which the caller stands, null for the secretariat. `contact` is the other side's, from
    acceptance on; `through_school` says that a student is reached by their school. `completed` and `paid` are what each
    side has said, `deemed` that one side's word had to do. Before `withdraw_until` who has a place may leave it, null
    where nothing keeps them; at `due_at` one side's word, or a mark that nobody contested, counts. `terms_changed`:
    something of the work is other than was agreed. `next` is null for the secretariat.
    """

    id: UUID
    version: int
    state: EngagementState
    state_since: datetime
    side: Party | None
    size: int
    posting: EngagedPostingView
    supply: SuppliedView | None
    worker: WorkerView | None
    contact: ReachView | None
    through_school: bool
    approved_at: datetime | None
    accepted_at: datetime | None
    completed: dict[Party, SaidView]
    completed_at: datetime | None
    deemed: bool
    paid: dict[Party, SaidView]
    paid_at: datetime | None
    contest: ContestState
    contest_until: datetime | None
    withdraw_until: datetime | None
    due_at: datetime | None
    terms_changed: bool
    next: NextView | None
    created_at: datetime


class StepView(Body):
    """One thing that happened; `by` is `worker`, `poster`, `secretariat` or `system`."""

    verb: str
    before: str
    after: EngagementState
    by: str
    reason: str
    made_at: datetime

    @classmethod
    def of(cls, step: EngagementStep) -> Self:
        """Return the view of a row."""
        by = step.party or ("secretariat" if step.actor_id else "system")
        same = {name: getattr(step, name) for name in cls.model_fields.keys() - {"by", "after", "verb"}}
        return cls(by=by, after=EngagementState(step.after), verb=spelt(step.verb), **same)


class WholeEngagementView(EngagementView):
    """The same with all that happened.

    `ahead` is how many on the wait-list move up before it, null for one that does not wait.
    """

    ahead: int | None
    steps: tuple[StepView, ...]


_SAME = (
    "id", "version", "state", "state_since", "size", "approved_at", "accepted_at", "completed_at", "deemed", "paid_at",
    "contest", "contest_until", "created_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is read along with a page."""

    caller: Caller
    words: Words
    workers: dict[UUID, Worker]
    facts: Facts


async def beside(request: Request, rows: Sequence[Engagement]) -> _Beside:
    """Return what the views of some engagements need, by a settled number of queries."""
    ctx = request.app.ctx
    workers = await contacts.workers(rows, ctx.consent_documents)
    facts = replace(await nexts.facts(rows), appealed=await _appealed(rows))
    return _Beside(request.ctx.caller, ctx.words, dict(workers), facts)


def view_of(row: Engagement, known: _Beside) -> dict[str, Any]:
    """Return the fields of an engagement's view for the caller."""
    side, worker = sides.party(known.caller, row), known.workers[row.id]
    theirs = {Party.WORKER: contacts.posters(row), Party.POSTER: worker.contact}
    return {
        **{name: getattr(row, name) for name in _SAME},
        "side": side,
        "posting": EngagedPostingView.of(row.posting),
        "supply": row.supply and SuppliedView(id=row.supply.id, title=row.supply.title, supplier=row.supply.supplier),
        "worker": _worker(row, worker, side),
        "contact": _reach(theirs[side]) if side else None,
        "through_school": side is Party.POSTER and worker.through_school,
        "completed": {Party(party): SaidView.of(said) for party, said in row.completed_by.items()},
        "paid": {Party(party): SaidView.of(said) for party, said in row.paid_by.items()},
        "withdraw_until": nexts.leaves_until(row, known.facts),
        "due_at": nexts.due_at(row),
        "terms_changed": row.id in known.facts.changed,
        "next": _next(row, side, known) if side else None,
    }


async def paged(request: Request, found: Page[Engagement]) -> Page[EngagementView]:
    """Return a page of views."""
    known = await beside(request, found.items)
    return Page([EngagementView(**view_of(row, known)) for row in found.items], found.next_cursor)


async def shown(request: Request, engagement_id: UUID, status: int = 200) -> FixedResponse:
    """Answer with an engagement and its ETag, as a handler that made or changed it."""
    row = await listing.engagement(engagement_id)
    view = EngagementView(**view_of(row, await beside(request, [row])))
    return made(answer(view, status, row.version), str(row.id))


async def whole(request: Request, engagement_id: UUID) -> FixedResponse:
    """Answer with an engagement and all that happened to it."""
    row = await listing.engagement(engagement_id)
    steps = tuple(map(StepView.of, await listing.steps(engagement_id)))
    fields = view_of(row, await beside(request, [row]))
    return answer(WholeEngagementView(ahead=await listing.ahead_of(row), steps=steps, **fields), 200, row.version)


def spelt(verb: str) -> str:
    """Return a verb as it stands in an address."""
    return verb.replace("_", "-")


def _reach(reach: Reach | None) -> ReachView | None:
    return ReachView(name=reach.name.reveal(), phone=reach.phone.reveal()) if reach else None


def _worker(row: Engagement, worker: Worker, side: Party | None) -> WorkerView | None:
    if side is Party.WORKER:
        return None
    if side is Party.POSTER and row.student and not contacts.asked(row):
        return WorkerView(name=None, school=None, ages=None)
    in_full = side is Party.POSTER and contacts.open_to_both(row)
    shown = worker.name.reveal if worker.name and in_full else lambda: str(worker.name or "")
    return WorkerView(name=shown() or None, school=worker.school, ages=worker.ages)


def _next(row: Engagement, side: Party, known: _Beside) -> NextView:
    cues = {Party.WORKER: known.words.worker_cues, Party.POSTER: known.words.poster_cues}
    may = tuple(spelt(verb) for verb in nexts.verbs(row, side, known.facts))
    cue = nexts.cue(row, side, known.facts)
    return NextView(text=cues[side][cue].replace("{until}", _told(nexts.moment(row, cue))), verbs=may)


def _told(moment: datetime | None) -> str:
    there = moment and moment.astimezone(clock.SHANGHAI)
    return f"{there.month}月{there.day}日{there:%H:%M}" if there else "期限"


async def _appealed(rows: Sequence[Engagement]) -> frozenset[UUID]:
    """Return against the decisions about which engagements an appeal is open; at most one query."""
    subjects = {holding.subject_of(row.id): row.id for row in rows if row.contest in contests.DECIDED}
    return frozenset(subjects[one] for one in await appeals.open_of(subjects)) if subjects else frozenset()
