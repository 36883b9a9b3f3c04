"""Lists of referrals and enrolments, and groups of claims that may be about one student."""

from collections.abc import Callable
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field
from sanic import HTTPResponse, Request

from miniprogram_api.enrolments import EnrolmentView
from miniprogram_api.listing import Columns, Table, listed
from miniprogram_api.reading import Body
from miniprogram_api.referrals import ReferralView
from miniprogram_api.shelf import ListView, paged
from miniprogram_api.tables import MEDIA, Exportable
from miniprogram_api.web import Face, allow, answers, query
from miniprogram_api.words import Words
from server.access import rules
from server.access.rules import Right
from server.enrolments.models import Enrolment, EnrolmentState, Intake, Level
from server.kernel.paging import Page
from server.organisations.roles import STAFF, Kind, Role
from server.referrals import duplicates, enrolled, lists
from server.referrals.duplicates import Group, Same
from server.referrals.lists import Order
from server.referrals.models import ReferralState

referral_lists = Face("referral_lists")
Year = Annotated[int, Field(ge=2000, le=2100)]
Region = Annotated[str, Field(pattern="^[0-9]{6}$")]


class ReferralQuery(Exportable):
    """Which referrals.

    `region` is that of the school which registered them, `waiting_days` for how many days at least they have stood as
    they do, `q` a number as a whole; `sort=waiting` begins with those that have stood so for longest.
    """

    year: Year | None = None
    intake: Intake | None = None
    state: ReferralState | None = None
    school: UUID | None = None
    region: Region | None = None
    named_school: UUID | None = None
    needs_check: bool | None = None
    in_dispute: bool | None = None
    waiting_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    q: Annotated[str, Field(min_length=1, max_length=16, pattern="^[A-Za-z0-9-]+$")] | None = None
    sort: Order = Order.NEWEST

    def wanted(self) -> lists.Wanted:
        """Return it as the service takes it."""
        same = set(lists.Wanted.__slots__) - {"number"}
        number = self.q.upper() if self.q else None
        return lists.Wanted(number=number, **{name: getattr(self, name) for name in same})


class EnrolmentQuery(Exportable):
    """Which enrolments; `region` is that of the school, `matched` whether a claim is matched by them."""

    year: Year | None = None
    intake: Intake | None = None
    state: EnrolmentState | None = None
    level: Level | None = None
    school: UUID | None = None
    region: Region | None = None
    matched: bool | None = None

    def wanted(self) -> enrolled.Wanted:
        """Return it as the service takes it."""
        return enrolled.Wanted(**{name: getattr(self, name) for name in enrolled.Wanted.__slots__})


class DuplicateQuery(Exportable):
    """Which groups; `same` is what their claims have in common."""

    year: Year
    same: Same = Same.STUDENT


class ListedEnrolmentView(EnrolmentView):
    """An enrolment in a list; `matched` says that a claim is matched by it."""

    matched: bool

    @classmethod
    def listed(cls, row: Enrolment) -> Self:
        """Return the view of a row of the list."""
        matched: int = row.matched  # type: ignore[attr-defined]  # annotated by the list
        return cls.of(row, matched=bool(matched))


class DuplicateView(Body):
    """Claims that may be about one student, the first one first; `number` is that one's."""

    number: str
    referrals: tuple[ReferralView, ...]

    @classmethod
    def of(cls, group: Group) -> Self:
        """Return the view of a group."""
        return cls(number=group.number, referrals=tuple(map(ReferralView.of, group.claims)))


class _Line(Body):
    """A claim of a group, as a line of a file."""

    number: str
    referral: ReferralView


def _yes(*, value: bool) -> str:
    return "是" if value else ""


def _referrals(words: Words) -> Table[ReferralView]:
    columns: Columns[ReferralView] = (
        ("编号", lambda one: one.number),
        ("状态", lambda one: words.states[one.state]),
        ("年度", lambda one: one.year),
        ("招生季", lambda one: words.intakes[one.intake]),
        ("姓名", lambda one: one.student.name and one.student.name.masked),
        ("身份证号", lambda one: one.student.id_number and one.student.id_number.masked),
        ("登记学校", lambda one: one.school.name),
        ("班级", lambda one: one.class_name),
        ("拟入学校", lambda one: one.named_school and one.named_school.name),
        ("层次", lambda one: one.level and words.levels[one.level]),
        ("电话", lambda one: one.phone and one.phone.masked),
        ("监护人", lambda one: one.guardian_name and one.guardian_name.masked),
        ("监护人电话", lambda one: one.guardian_phone and one.guardian_phone.masked),
        ("就读学校", lambda one: one.enrolment and one.enrolment.school.name),
        ("有争议", lambda one: _yes(value=one.in_dispute)),
        ("待核对", lambda one: "、".join(words.flags.get(flag, flag) for flag in one.flags)),
        ("登记时间", lambda one: one.created_at),
        ("现状态起于", lambda one: one.state_since),
    )
    return Table("referrals", "生源输送登记", columns)


def _enrolments(words: Words) -> Table[ListedEnrolmentView]:
    columns: Columns[ListedEnrolmentView] = (
        ("学校", lambda one: one.school.name),
        ("状态", lambda one: words.enrolment_states[one.state]),
        ("年度", lambda one: one.year),
        ("招生季", lambda one: words.intakes[one.intake]),
        ("层次", lambda one: words.levels[one.level]),
        ("姓名", lambda one: one.student.name and one.student.name.masked),
        ("身份证号", lambda one: one.student.id_number and one.student.id_number.masked),
        ("专业", lambda one: one.major),
        ("入学日期", lambda one: one.entered_on),
        ("学籍号", lambda one: one.record_number and one.record_number.masked),
        ("学籍材料", lambda one: one.record_document),
        ("留级重读", lambda one: _yes(value=one.repeating)),
        ("与生源登记匹配", lambda one: _yes(value=one.matched)),
        ("列入时间", lambda one: one.created_at),
    )
    return Table("enrolments", "学籍名单", columns)


def _duplicates(words: Words) -> Table[_Line]:
    def under(value: Callable[[ReferralView], Any]) -> Callable[[_Line], Any]:
        return lambda one: value(one.referral)

    claims = [(heading, under(value)) for heading, value in _referrals(words).columns]
    return Table("referrals.duplicates", "疑似重复的生源登记", [("同组首份编号", lambda one: one.number), *claims])


@referral_lists.get("/referrals")
@allow(Right(Role.CLERK, frozenset({Kind.FEEDER_SCHOOL})), *STAFF)
@query(ReferralQuery)
@answers(200, ListView[ReferralView], *MEDIA)
async def referrals(request: Request, query: ReferralQuery) -> HTTPResponse:
    """List referrals, the newest first: all for the secretariat, a school's own for its people."""
    wanted, within = query.wanted(), rules.within(request.ctx.caller)
    return await listed(
        request,
        query,
        _referrals(request.app.ctx.words),
        lambda limit, cursor: lists.referrals(wanted, within, query.sort, limit, cursor),
        ReferralView.of,
    )


@referral_lists.get("/enrolments")
@allow(Right(Role.CLERK, frozenset({Kind.VOCATIONAL_SCHOOL})), *STAFF)
@query(EnrolmentQuery)
@answers(200, ListView[ListedEnrolmentView], *MEDIA)
async def enrolments(request: Request, query: EnrolmentQuery) -> HTTPResponse:
    """List enrolments, the newest first: all for the secretariat, a school's own for its people."""
    wanted, within = query.wanted(), rules.within(request.ctx.caller)
    return await listed(
        request,
        query,
        _enrolments(request.app.ctx.words),
        lambda limit, cursor: enrolled.enrolments(wanted, within, limit, cursor),
        ListedEnrolmentView.listed,
    )


@referral_lists.get("/referrals/duplicates")
@allow(Role.REVIEWER)
@query(DuplicateQuery)
@answers(200, ListView[DuplicateView], *MEDIA)
async def duplicated(request: Request, query: DuplicateQuery) -> HTTPResponse:
    """List groups of claims on one student, or on several with one phone, in the order of their first claims."""
    if query.format == "json":
        return paged(await duplicates.groups(query.year, query.same, query.limit, query.cursor), DuplicateView.of)

    async def lines(limit: int, cursor: str | None) -> Page[_Line]:
        found = await duplicates.groups(query.year, query.same, limit, cursor)
        claims = [_Line(number=one.number, referral=ReferralView.of(row)) for one in found.items for row in one.claims]
        return Page(claims, found.next_cursor)

    return await listed(request, query, _duplicates(request.app.ctx.words), lines, lambda line: line)
