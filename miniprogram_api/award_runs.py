"""Runs over many awards: how far they are, and what became of each thing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.award_views import VerdictView
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.problem import Problems
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, query
from miniprogram_api.words import Words
from server.awards import book, listing, making, matters, runs, working
from server.awards.listing import Told
from server.awards.models import AwardRun, AwardRunRow, RunKind, RunOutcome, RunState
from server.kernel.money import yuan_text
from server.organisations.roles import Role

award_runs = Face("award_runs", url_prefix="/awards/runs")
STAFF = (Role.REVIEWER, Role.APPROVER, Role.FINANCE, Role.ADMIN)
RUNNING = 202
"""The answer to whoever began a run that takes longer than `PATIENCE_SECONDS`."""
PATIENCE_SECONDS = 8.0
"""For so long an answer waits for its run; a request may take twice as long."""
_WHOLE = 100


class RunView(Body):
    """A run over many awards: what was chosen, and how far it is.

    `counts` tell of how many what became: the state that an award came to, or the code of why nothing was done.
    """

    id: UUID
    kind: RunKind
    state: RunState
    chosen: dict[str, Any]
    reason: str
    actor: UUID
    total: int
    done: int
    percent: int
    counts: dict[str, int]
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: AwardRun) -> Self:
        """Return the view of a run."""
        over = row.state is RunState.DONE
        percent = _WHOLE if over else min(row.done * _WHOLE // (row.total or 1), _WHOLE - 1)
        more: dict[str, Any] = {"chosen": runs.said(row), "actor": row.actor_id, "percent": percent}
        return cls(**more, **{name: getattr(row, name) for name in cls.model_fields if name not in more})


class RunRowView(Body):
    """What became of one thing: `subject` is the claim or stated case of a run that proposes, else the award.

    It is null for whatever a run proposed of which the award names nobody any more.
    `code` is the state that its award came to, or why nothing was done, and `detail` says the same to people, with
    what is missing or waited for; `verdict` is what the rules said where they said no.
    """

    id: UUID
    subject: str | None
    award: UUID | None
    referral: str | None
    school: SchoolView | None
    matter: str
    amount_fen: int | None
    outcome: RunOutcome
    code: str
    detail: str
    verdict: VerdictView | None

    @classmethod
    def of(cls, told: Told, request: Request, kind: RunKind) -> Self:
        """Return the view of what became of one thing."""
        row, award = told.row, told.award
        said = {name: value for name, value in (row.verdict or {}).items() if name in VerdictView.model_fields}
        return cls(
            id=row.id,
            subject=_subject(told, kind),
            award=award.id if award else None,
            referral=told.referral.number if told.referral else None,
            school=SchoolView.of(told.payee) if told.payee else None,
            matter=told.matter,
            amount_fen=award.amount_fen if award else None,
            outcome=row.outcome,
            code=row.code,
            detail=_detail(row, request),
            verdict=VerdictView.model_validate(said) if said else None,
        )


class RunsQuery(Exportable):
    """Which runs."""

    kind: RunKind | None = None


class RunRowsQuery(Exportable):
    """Which rows."""

    outcome: RunOutcome | None = None
    code: Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-z_]+$")] | None = None


def _subject(told: Told, kind: RunKind) -> str | None:
    if kind is not RunKind.PROPOSE:
        return f"award:{told.row.subject_id}"
    if told.award and matters.unnamed(told.award):
        return None
    return f"{'referral' if told.referral else 'case'}:{told.row.subject_id}"


def _detail(row: AwardRunRow, request: Request) -> str:
    words = request.app.ctx.words
    if row.outcome is RunOutcome.DONE:
        return words.award_states[row.code]  # type: ignore[no-any-return]
    kept: Mapping[str, Any] = row.verdict or {}
    if row.code in words.award_refusals:
        return "；缺：".join(filter(None, (words.award_refusals[row.code], _unknown(row.code, kept))))
    return request.app.ctx.problems.detail(row.code, kept.get("facts", {}))  # type: ignore[no-any-return]


def _unknown(code: str, kept: Mapping[str, Any]) -> str:
    """Return which facts the rules would have needed, as the questions that ask for them."""
    if code != making.NEEDS_INFORMATION:
        return ""
    vocabulary = book.in_force().vocabulary
    asked = (vocabulary.fact(one["fact"]) for one in kept.get("checks", ()) if one["got"] is None)
    return "".join(fact.question for fact in asked if fact)


_KINDS = {"award": "奖补", "referral": "生源登记", "case": "申报事项"}
_COLUMNS: Columns[RunRowView] = (
    ("对象", lambda one: one.subject and _KINDS[one.subject.partition(":")[0]]),
    ("登记编号", lambda one: one.referral),
    ("学校", lambda one: one.school and one.school.name),
    ("事项", lambda one: one.matter),
    ("金额（元）", lambda one: None if one.amount_fen is None else yuan_text(one.amount_fen)),
    ("结果", lambda one: "已办理" if one.outcome is RunOutcome.DONE else "未办理"),
    ("说明", lambda one: one.detail),
)


def _runs(words: Words, problems: Problems) -> Table[RunView]:
    def called(code: str) -> str:
        """Return what is said of things of which this became."""
        known = {str(state): word for state, word in words.award_states.items()} | words.award_refusals
        return known.get(code) or problems.problems[code].title

    columns: Columns[RunView] = (
        ("办理", lambda one: words.run_kinds[one.kind]),
        ("项目", lambda one: book.title(one.chosen["programme"]) if "programme" in one.chosen else ""),
        ("年度", lambda one: one.chosen.get("year")),
        ("进度", lambda one: words.run_states[one.state]),
        ("总数", lambda one: one.total),
        ("已看", lambda one: one.done),
        ("结果", lambda one: "；".join(f"{called(code)}：{count}" for code, count in one.counts.items())),
        ("理由", lambda one: one.reason),
        ("经办人编号", lambda one: one.actor),
        ("开始时间", lambda one: one.created_at),
        ("结束时间", lambda one: one.ended_at),
    )
    return Table("award_runs", "奖补批量办理", columns)


def begun(run: AwardRun) -> FixedResponse:
    """Answer with a run that begins once its transaction is committed."""
    return made(answer(RunView.of(run), RUNNING), str(run.id))


async def begun_again(_request: Request, run_id: str) -> HTTPResponse:
    """Answer again with a run."""
    return begun(await runs.run(UUID(run_id)))


async def waited(_request: Request, begun: FixedResponse) -> HTTPResponse:
    """Answer with a run that was begun, once it is done or patience is at its end."""
    run = await working.settled(UUID(begun.subject_id), PATIENCE_SECONDS)
    return answer(RunView.of(run), 201 if run.state is RunState.DONE else RUNNING)


@award_runs.get("/")
@allow(*STAFF)
@query(RunsQuery)
@answers(200, ListView[RunView], *MEDIA)
async def index(request: Request, query: RunsQuery) -> HTTPResponse:
    """List runs, the newest first."""
    table = _runs(request.app.ctx.words, request.app.ctx.problems)
    return await listed(request, query, table, lambda limit, cursor: runs.listed(query.kind, limit, cursor), RunView.of)


@award_runs.get("/<run_id:uuid>")
@allow(*STAFF)
@answers(200, RunView)
async def one(_request: Request, run_id: UUID) -> HTTPResponse:
    """Show how far a run is."""
    return answer(RunView.of(await runs.run(run_id)))


@award_runs.get("/<run_id:uuid>/rows")
@allow(*STAFF)
@query(RunRowsQuery)
@answers(200, ListView[RunRowView], *MEDIA)
async def rows(request: Request, run_id: UUID, query: RunRowsQuery) -> HTTPResponse:
    """List what became of each thing of a run, in their order."""
    run = await runs.run(run_id)
    return await listed(
        request,
        query,
        Table("award_run_rows", "奖补批量办理结果", _COLUMNS),
        lambda limit, cursor: listing.rows(run_id, query.outcome, query.code, limit, cursor),
        lambda told: RunRowView.of(told, request, run.kind),
    )
