"""Awards: what the rules propose, and what is decided of many at once."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from sanic import HTTPResponse, Request

from miniprogram_api.award_runs import RUNNING, RunView, begun, begun_again, waited
from miniprogram_api.award_views import AwardView, Eyes
from miniprogram_api.idempotent import made
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.people import Reason, decider
from miniprogram_api.reading import IMPERSONAL, Body, Day
from miniprogram_api.representation import FixedResponse
from miniprogram_api.shelf import ListView
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answer, answers, body, idempotent, query, then
from miniprogram_api.words import Words
from server.access import owners, rules
from server.access.rules import Right, own
from server.awards import book, bulk, listing, proposing
from server.awards.bulk import Filter
from server.awards.cases import Case
from server.awards.listing import Order
from server.awards.models import AwardState, RunKind, SecondCheck
from server.kernel.money import yuan_text
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Kind, Role
from server.people.service import Decider
from server.policy.facts import Value
from server.privacy import awarded

awards = Face("awards", url_prefix="/awards")
SCHOOLS = Right(Role.CLERK, frozenset({Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL}))
"""Those who may be paid; nobody else sees awards but the secretariat."""
MOST_CASES, MOST_EXCEPTIONS, MOST_IDS = 100, 500, 5000
Year = Annotated[int, Field(ge=2000, le=2100)]
ProgrammeId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern="^[a-z0-9-]+$")]
Why = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), IMPERSONAL]


class SaidException(Body):
    """A claim for which an award may stand beside another one of the student, and why."""

    referral: UUID
    reason: Why


class SaidCase(Body):
    """A case whose facts somebody states: who is paid, for which matter or student, as of the day `entered_on`.

    `exception` says why it may stand beside another award for the same.
    """

    payee: UUID
    matter: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), IMPERSONAL] = ""
    student: UUID | None = None
    entered_on: Day
    facts: Annotated[dict[str, Value], Field(max_length=50)]
    exception: Why | None = None

    def case(self) -> Case:
        """Return it as the service takes it."""
        same = {name: getattr(self, name) for name in ("payee", "matter", "student", "entered_on", "facts")}
        return Case(**same, exception=self.exception or "")


class Proposal(Body):
    """A programme whose awards of a year are to be proposed: by the confirmed claims, or by `cases` that are stated."""

    programme: ProgrammeId
    year: Year
    exceptions: Annotated[tuple[SaidException, ...], Field(max_length=MOST_EXCEPTIONS)] = ()
    cases: Annotated[tuple[SaidCase, ...], Field(max_length=MOST_CASES)] = ()

    def wanted(self) -> proposing.Wanted:
        """Return it as the service takes it."""
        exceptions = {one.referral: one.reason for one in self.exceptions}
        return proposing.Wanted(self.programme, self.year, exceptions, [one.case() for one in self.cases])


class AwardFilter(Body):
    """Which awards: of a year or a publication, or `ids` alone. Without a `state`, those for which the verdict fits."""

    programme: ProgrammeId | None = None
    year: Year | None = None
    school: UUID | None = None
    state: AwardState | None = None
    publication: UUID | None = None
    ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_IDS)] | None = None

    def filter(self) -> Filter:
        """Return it as the service takes it."""
        return Filter(**{name: getattr(self, name) for name in AwardFilter.model_fields})


class ManyDecisions(Reason):
    """One verdict on many awards, each of which is decided alone."""

    filter: AwardFilter
    verdict: Literal["review", "approve", "refuse", "hold", "release", "cancel"]


class AwardQuery(Exportable):
    """Which awards; `school` is the one that is paid, `sort=waiting` begins with those that stood so for longest."""

    programme: ProgrammeId | None = None
    year: Year | None = None
    school: UUID | None = None
    state: AwardState | None = None
    fund: UUID | None = None
    second_check: SecondCheck | None = None
    sort: Order = Order.NEWEST

    def wanted(self) -> listing.Wanted:
        """Return it as the service takes it."""
        return listing.Wanted(**{name: getattr(self, name) for name in listing.Wanted.__slots__})


def _table(words: Words) -> Table[AwardView]:
    columns: Columns[AwardView] = (
        ("编号", lambda one: str(one.id)),
        ("状态", lambda one: words.award_states[one.state]),
        ("项目", lambda one: book.title(one.programme)),
        ("年度", lambda one: one.year),
        ("登记编号", lambda one: one.referral),
        ("事项", lambda one: one.matter),
        ("学生", lambda one: one.student and one.student.name and one.student.name.masked),
        ("收款单位", lambda one: one.payee.name),
        ("金额（元）", lambda one: yuan_text(one.amount_fen)),
        ("估算", lambda one: "是" if one.estimate else ""),
        ("入学日期", lambda one: one.entered_on),
        ("规则版本", lambda one: one.rule_version),
        ("资金渠道", lambda one: one.fund and one.fund.name),
        ("支付失败原因", lambda one: one.failure),
        ("现状态起于", lambda one: one.state_since),
    )
    return Table("awards", "奖补", columns)


@awards.get("/")
@allow(SCHOOLS, *STAFF)
@query(AwardQuery)
@answers(200, ListView[AwardView], *MEDIA)
async def index(request: Request, query: AwardQuery) -> HTTPResponse:
    """List awards, the newest first: all for the secretariat, to a school what is to be paid to it."""
    caller, wanted = request.ctx.caller, query.wanted()
    within = rules.within(caller)

    async def seen(limit: int, cursor: str | None) -> Page[AwardView]:
        found = await listing.awards(wanted, within, query.sort, limit, cursor)
        eyes = await Eyes.of(caller, found.items)
        return Page([eyes.see(row) for row in found.items], found.next_cursor)

    return await listed(request, query, _table(request.app.ctx.words), seen, lambda view: view)


@awards.get("/<award_id:uuid>")
@allow(own(Role.CLERK), *STAFF, owner=owners.award)
@answers(200, AwardView)
async def award(request: Request, award_id: UUID) -> HTTPResponse:
    """Show one award."""
    return await shown(request, award_id)


async def shown(request: Request, award_id: UUID, status: int = 200) -> FixedResponse:
    """Answer with an award as the caller may see it, and its ETag."""
    row = await listing.award(award_id)
    eyes = await Eyes.of(request.ctx.caller, [row])
    return made(answer(eyes.see(row), status, row.version), str(award_id))


@awards.post("/propose")
@allow(Role.REVIEWER, Role.APPROVER, Role.FINANCE, Role.ADMIN)
@idempotent(begun_again, required=True)
@then(waited)
@body(Proposal)
@answers(201, RunView)
@answers(RUNNING, RunView)
async def propose(request: Request, body: Proposal) -> HTTPResponse:
    """Run the rules over a year's confirmed claims or stated cases; it decides nothing, and each gets its answer."""
    awarded.require_kept(body.year, request.app.ctx.retention)
    by = Decider(request.ctx.caller.person_id, "")
    return begun(await proposing.propose(body.wanted(), by, request.app.ctx.wakeup))


@awards.post("/decisions")
@allow(Role.REVIEWER, Role.APPROVER, Role.FINANCE)
@idempotent(begun_again, required=True)
@then(waited)
@body(ManyDecisions)
@answers(201, RunView)
@answers(RUNNING, RunView)
async def decide(request: Request, body: ManyDecisions) -> HTTPResponse:
    """Decide many awards, each alone and with its own answer; those that cannot be are left as they are."""
    by = decider(request, body)
    return begun(await bulk.decide(body.filter.filter(), RunKind(body.verdict), by, request.app.ctx.wakeup))
